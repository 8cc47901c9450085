//! A checkpoint to a hub such as Hugging Face's.

use std::io::Write as _;

use gimmal_client::tinker::CheckpointDownload;
use gimmal_client::tinker::hub::{Hub, PushedAdapter};
use serde_json::json;

use super::{checked, download};
use crate::args::TinkerPush;
use crate::cmd::tinker::{Context, yes};
use crate::exit::Failure;
use crate::output::{self, Table};

/// Downloads a checkpoint to a folder of a moment and uploads it from there.
pub(super) async fn run(context: Context<'_>, args: TinkerPush) -> anyhow::Result<()> {
    let path = args.checkpoint_path.as_str();
    let kind = checked(path)?.checkpoint_type();
    let hub = Hub::builder().from_env().build()?;
    // Nothing is fetched for a hub that lets nobody in.
    hub.whoami().await?;
    let connected = context.connect().await?;
    let rest = connected.service.create_rest_client();
    let folder = tempfile::tempdir()
        .map_err(|error| Failure::output(format!("cannot make a temporary folder: {error}")))?;
    let change = |download: CheckpointDownload| download.with_folder(folder.path());
    let here = download::fetch(&connected.service, path, &kind, change).await?;
    writeln!(std::io::stderr(), "uploading {path}")?;
    let mut push = hub
        .push_adapter(&rest, path)
        .with_folder(&here.path)
        .with_public(args.public)
        .with_pull_request(args.create_pr)
        .with_allowed(args.allow_pattern)
        .with_ignored(args.ignore_pattern)
        .with_model_card(!args.no_model_card);
    if let Some(repository) = args.repo {
        push = push.with_repository(repository);
    }
    if let Some(revision) = args.revision {
        push = push.with_revision(revision);
    }
    if let Some(message) = args.commit_message {
        push = push.with_message(message);
    }
    show(context, path, &push.await?)?;
    connected.close().await;
    Ok(())
}

fn show(context: Context<'_>, path: &str, pushed: &PushedAdapter) -> anyhow::Result<()> {
    if context.json {
        return output::json(&json!({
            "checkpoint_path": path, "repo_id": pushed.repository, "revision": pushed.revision,
            "public": pushed.is_public, "commit_url": pushed.commit_url,
            "pull_request_url": pushed.pull_request_url,
        }));
    }
    let mut table = Table::of_values();
    let mut row = |name: &str, value: String| table.row([name.to_owned(), value]);
    row("checkpoint", path.to_owned());
    row("repository", pushed.repository.clone());
    row("branch", pushed.revision.clone());
    row("public", yes(pushed.is_public));
    for (name, url) in [
        ("commit", &pushed.commit_url),
        ("pull request", &pushed.pull_request_url),
    ] {
        if let Some(url) = url {
            row(name, url.clone());
        }
    }
    table.print()
}
