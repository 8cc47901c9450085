//! What was run, and what came of it, beside the results: enough to run the same again. It is written
//! when a run begins, so that one that is killed leaves it too, and again when it ends.

use std::path::Path;
use std::time::SystemTime;

use gimmal_batch::{Ended, Totals};
use serde_json::{Value, json};

use super::prompts::Checked;
use super::results::{is_same, part_of};
use crate::args::Batch;
use crate::config::{SETTINGS, VERSION};
use crate::exit::Failure;
use crate::output::whole_seconds;

/// The manifest of a run, if there is to be one.
pub(super) struct Manifest<'a> {
    path: &'a Path,
    content: Value,
}

impl<'a> Manifest<'a> {
    /// Writes down what is about to be run.
    pub(super) fn begin(
        args: &'a Batch,
        run_id: &str,
        checked: &Checked,
    ) -> anyhow::Result<Option<Self>> {
        let Some(path) = &args.reports.manifest else {
            return Ok(None);
        };
        let shown = |path: &Path| path.display().to_string();
        let reports = &args.reports;
        let content = json!({
            VERSION: env!("CARGO_PKG_VERSION"),
            SETTINGS: args.settings,
            "model": args.model,
            // The model, the shared context and the settings that shape an answer.
            "fingerprint": run_id,
            "input": {
                "items": checked.items, "skipped": checked.skipped, "digest": checked.fingerprint(),
            },
            // The price table that is built in has the version of the program.
            "prices": args.prices.as_deref().map_or("built in".to_owned(), shown),
            "files": {
                "output": shown(&args.output),
                "journal": reports.journal.as_deref().map(shown),
                "report": reports.report.as_deref().map(shown),
                "metrics": reports.metrics.as_deref().map(shown),
            },
            "started_at": whole_seconds(&SystemTime::now()),
            "ended_at": null,
            "termination": null,
            "totals": null,
        });
        let manifest = Self { path, content };
        manifest.write()?;
        Ok(Some(manifest))
    }

    /// Writes down what came of it.
    pub(super) fn end(mut self, totals: &Totals, ended: Option<&Ended>) -> anyhow::Result<()> {
        self.content["ended_at"] = whole_seconds(&SystemTime::now()).into();
        self.content["termination"] = serde_json::to_value(ended.map(|ended| &ended.termination))?;
        self.content["totals"] = serde_json::to_value(totals)?;
        if let Some(ended) = ended {
            let stats = &ended.stats;
            self.content["this_run"] = json!({
                "requests": stats.requests, "replayed": stats.replayed,
                "succeeded": stats.succeeded, "failed": stats.failed, "tokens": stats.usage,
            });
        }
        self.write()
    }

    fn write(&self) -> anyhow::Result<()> {
        let mut text = serde_json::to_string_pretty(&self.content)?;
        text.push('\n');
        let shown = self.path.display();
        replace(self.path, &text)
            .map_err(|error| Failure::output(format!("cannot write {shown}: {error}")))
    }
}

/// Writes a file in one step, so that a crash leaves the old one or the new one. A device or a pipe
/// is written to as it is.
fn replace(path: &Path, text: &str) -> std::io::Result<()> {
    // Behind a link it is the file that is replaced.
    let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    if path.exists() && !path.is_file() {
        return std::fs::write(path, text);
    }
    let part = part_of(&path);
    std::fs::write(&part, text)?;
    std::fs::rename(&part, &path)
}

/// Refuses a place that holds, or is to hold, something else: the prompts, the answers, settings
/// that somebody wrote. An older manifest may be replaced, though it is the file of settings.
pub(super) fn refuse_unsafe(args: &Batch) -> anyhow::Result<()> {
    let Some(path) = &args.reports.manifest else {
        return Ok(());
    };
    let shown = path.display();
    let place = |path: &Path| std::path::absolute(path).ok();
    let reports = &args.reports;
    let written = [
        Some(&args.output),
        reports.journal.as_ref(),
        reports.report.as_ref(),
        reports.metrics.as_ref(),
    ];
    let mut written = written.into_iter().flatten();
    if written.any(|other| place(other) == place(path) || is_same(other, path)) {
        return Err(Failure::usage(format!(
            "--manifest {shown}: the same command writes something else there"
        )));
    }
    let holds_something = path.is_file() && path.metadata().is_ok_and(|file| file.len() > 0);
    if holds_something && !is_manifest(path) {
        return Err(Failure::usage(format!(
            "--manifest {shown}: there is a file that is no manifest; name another one"
        )));
    }
    Ok(())
}

fn is_manifest(path: &Path) -> bool {
    let text = std::fs::read(path).unwrap_or_default();
    let content: Value = serde_json::from_slice(&text).unwrap_or_default();
    content[VERSION].is_string() && content[SETTINGS].is_object()
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::*;
    use crate::args::{Cli, Command};

    fn refusal(input: &Path, manifest: &Path) -> Option<String> {
        let path = |path: &Path| path.display().to_string();
        let folder = manifest.parent().unwrap();
        let arguments = [
            "gimmal".to_owned(),
            "batch".to_owned(),
            path(input),
            format!("--output={}", folder.join("answers.jsonl").display()),
            format!("--manifest={}", path(manifest)),
        ];
        let Command::Batch(batch) = Cli::parse_from(arguments).command else {
            panic!("another command")
        };
        refuse_unsafe(&batch).err().map(|error| error.to_string())
    }

    #[test]
    fn a_manifest_replaces_nothing_but_a_manifest() {
        let folder = tempfile::tempdir().unwrap();
        let place = |name: &str| folder.path().join(name);
        let (input, manifest) = (place("prompts.jsonl"), place("run.json"));
        std::fs::write(&input, "{\"prompt\": \"Why?\"}\n").unwrap();
        assert_eq!(refusal(&input, &manifest), None);
        replace(&manifest, "{\"gimmal\": \"0.1.0\", \"settings\": {}}").unwrap();
        assert_eq!(refusal(&input, &manifest), None);
        assert!(!part_of(&manifest).exists());

        let said = refusal(&input, &input).unwrap();
        assert!(said.contains("no manifest"), "{said}");
        // It is not there yet.
        let said = refusal(&input, &place("./answers.jsonl")).unwrap();
        assert!(said.contains("writes something else"), "{said}");
        std::fs::write(place("run.toml"), "rpm = 5\n").unwrap();
        let said = refusal(&input, &place("run.toml")).unwrap();
        assert!(said.contains("no manifest"), "{said}");
    }
}
