//! Deleting checkpoints: asked about once, each tried whatever becomes of the others.

use std::io::{BufRead as _, Write as _};
use std::process::ExitCode;
use std::time::SystemTime;

use futures_util::{StreamExt as _, stream};
use gimmal_client::tinker::RestClient;
use gimmal_client::types::tinker::{Checkpoint, CheckpointType};
use serde_json::json;

use super::{checked, list};
use crate::args::TinkerDelete;
use crate::cmd::tinker::Context;
use crate::cmd::tinker::run::ago;
use crate::exit::{Failure, ITEMS_FAILED};
use crate::output::{self, Tally};

/// How many are deleted at the same time.
const AT_ONCE: usize = 32;

/// Deletes the checkpoints that are named or selected.
pub(super) async fn run(context: Context<'_>, args: TinkerDelete) -> anyhow::Result<ExitCode> {
    for path in &args.checkpoint_paths {
        checked(path)?;
    }
    let connected = context.connect().await?;
    let rest = connected.service.create_rest_client();
    let (paths, about) = match &args.run_id {
        Some(run) => {
            let checkpoints = rest.list_checkpoints(run).await?.checkpoints;
            let selected = select(checkpoints, &args);
            let paths = selected.iter().map(|one| one.tinker_path.clone()).collect();
            (paths, about(&selected))
        }
        None => (args.checkpoint_paths.clone(), args.checkpoint_paths.clone()),
    };
    let code = if paths.is_empty() {
        report(context, &[], &[])?;
        ExitCode::SUCCESS
    } else if args.yes || is_wanted(&about)? {
        let failed = delete(&rest, &paths).await;
        report(context, &paths, &failed)?;
        match failed.is_empty() {
            true => ExitCode::SUCCESS,
            false => ExitCode::from(ITEMS_FAILED),
        }
    } else {
        writeln!(std::io::stderr(), "nothing is deleted")?;
        ExitCode::SUCCESS
    };
    connected.close().await;
    Ok(code)
}

/// The checkpoints that the options leave.
fn select(checkpoints: Vec<Checkpoint>, args: &TinkerDelete) -> Vec<Checkpoint> {
    let kind = args.checkpoint_type.map(CheckpointType::from);
    let is_meant = |one: &Checkpoint| {
        kind.as_ref()
            .is_none_or(|kind| one.checkpoint_type == *kind)
            && args.before.is_none_or(|before| one.time < before)
            && args.after.is_none_or(|after| one.time > after)
    };
    checkpoints.into_iter().filter(is_meant).collect()
}

/// What a person wants to know of each before it is gone.
fn about(checkpoints: &[Checkpoint]) -> Vec<String> {
    let now = SystemTime::now();
    let line = |one: &Checkpoint| {
        let (path, size) = (&one.tinker_path, list::size(one));
        format!("{path} ({size}, created {})", ago(one.time, now))
    };
    let mut lines: Vec<String> = checkpoints.iter().map(line).collect();
    let sum: u64 = checkpoints.iter().filter_map(|one| one.size_bytes).sum();
    lines.push(format!("{} in all", output::size(sum)));
    lines
}

/// Asks once for all.
fn is_wanted(about: &[String]) -> anyhow::Result<bool> {
    let mut err = std::io::stderr();
    writeln!(err, "to be deleted for good:\n  {}", about.join("\n  "))?;
    write!(err, "Proceed? [y/N] ")?;
    err.flush()?;
    let mut answer = String::new();
    if std::io::stdin().lock().read_line(&mut answer)? == 0 {
        writeln!(err)?;
        return Err(Failure::usage(
            "nobody answered: pass --yes to delete without being asked",
        ));
    }
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
}

/// Deletes each; what failed, with the reason.
async fn delete<'a>(rest: &RestClient, paths: &'a [String]) -> Vec<(&'a str, String)> {
    let steps = Tally::of_things("Deleting checkpoints");
    let total = paths.len() as u64;
    let attempts = paths.iter().map(|path| async move {
        let deleted = rest.delete_checkpoint_from_tinker_path(path).await;
        deleted
            .err()
            .map(|error| (path.as_str(), error.to_string()))
    });
    let mut results = stream::iter(attempts).buffered(AT_ONCE);
    let (mut done, mut failed) = (0, Vec::new());
    while let Some(result) = results.next().await {
        done += 1;
        failed.extend(result);
        steps.at(done, Some(total));
    }
    failed
}

fn report(context: Context<'_>, paths: &[String], failed: &[(&str, String)]) -> anyhow::Result<()> {
    let count = paths.len() - failed.len();
    if context.json {
        let failed = failed.iter();
        let failed = failed.map(|(path, error)| json!({"tinker_path": path, "error": error}));
        return output::json(&json!({
            "deleted_count": count, "failed": failed.collect::<Vec<_>>(),
        }));
    }
    output::line(&match paths.len() {
        0 => "no checkpoints to delete".to_owned(),
        1 => format!("deleted {count} of 1 checkpoint"),
        all => format!("deleted {count} of {all} checkpoints"),
    })?;
    for (path, error) in failed {
        writeln!(std::io::stderr(), "error: {path}: {error}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Cli, Command, TinkerCheckpoint, TinkerCommand};

    fn args(line: &str) -> TinkerDelete {
        let words = "gimmal tinker checkpoint delete --run-id r".split(' ');
        let cli = Cli::try_parse_from(words.chain(line.split_whitespace())).unwrap();
        let Command::Tinker(tinker) = cli.command else {
            panic!("{cli:?}")
        };
        match tinker.command {
            TinkerCommand::Checkpoint(TinkerCheckpoint::Delete(args)) => args,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn types_and_times_select() {
        let one = |name: &str, kind: &str, time: &str| {
            let one = json!({
                "checkpoint_id": name, "checkpoint_type": kind, "time": time,
                "tinker_path": format!("tinker://r/{name}"),
            });
            serde_json::from_value::<Checkpoint>(one).unwrap()
        };
        let all = || {
            vec![
                one("weights/1", "training", "2026-01-01T00:00:00Z"),
                one("weights/2", "training", "2026-02-01T00:00:00Z"),
                one("sampler_weights/3", "sampler", "2026-03-01T00:00:00Z"),
            ]
        };
        let selected = |line: &str| {
            let selected = select(all(), &args(line));
            let names = selected
                .iter()
                .map(|one| one.checkpoint_id[one.checkpoint_id.len() - 1..].to_owned());
            names.collect::<String>()
        };
        assert_eq!(selected(""), "123");
        assert_eq!(selected("--type weights"), "12");
        assert_eq!(selected("--type sampler"), "3");
        assert_eq!(selected("--before 2026-02-01"), "1");
        assert_eq!(selected("--after 2026-01-01"), "23");
        assert_eq!(
            selected("--after 2026-01-01 --before 2026-02-01T00:00:01Z"),
            "2"
        );
        assert_eq!(selected("--type external_weights"), "");
    }
}
