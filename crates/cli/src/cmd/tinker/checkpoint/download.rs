//! The files of a checkpoint on this machine.

use std::io::Write as _;
use std::path::Path;

use gimmal_client::tinker::{CheckpointDownload, DownloadedCheckpoint, RestClient, ServiceClient};
use gimmal_client::types::tinker::CheckpointType;
use serde_json::json;

use super::checked;
use crate::cmd::tinker::Context;
use crate::exit::Failure;
use crate::output::{self, Table, Tally, size};

/// Downloads a checkpoint into a folder of its own below `output`.
pub(super) async fn run(
    context: Context<'_>,
    path: &str,
    output: &Path,
    force: bool,
) -> anyhow::Result<()> {
    let kind = checked(path)?.checkpoint_type();
    let shown = output.display();
    std::fs::create_dir_all(output)
        .map_err(|error| Failure::usage(format!("cannot make the folder {shown}: {error}")))?;
    let connected = context.connect().await?;
    let change = |download: CheckpointDownload| {
        let steps = Tally::of_bytes(path);
        let tell = move |progress: gimmal_client::transport::Progress| {
            steps.at(progress.bytes, progress.total);
        };
        let download = download.with_folder(output).with_progress(tell);
        match force {
            true => download.with_overwrite(),
            false => download,
        }
    };
    let done = fetch(&connected.service, path, &kind, change).await?;
    show(context, path, &done)?;
    connected.close().await;
    Ok(())
}

/// Fetches the files as the server hands them out. `change` is told of each attempt.
pub(super) async fn fetch(
    service: &ServiceClient,
    path: &str,
    kind: &CheckpointType,
    change: impl Fn(CheckpointDownload) -> CheckpointDownload,
) -> anyhow::Result<DownloadedCheckpoint> {
    let rest: RestClient = service.create_rest_client();
    let download = rest.download_checkpoint(path);
    match change(download).await {
        Ok(done) => Ok(done),
        Err(error) if *kind == CheckpointType::Training && has_no_archive(&error) => {
            writeln!(
                std::io::stderr(),
                "the service makes no archive of {path}: a training session of a moment exports it"
            )?;
            let exported = service.download_training_weights(path, change).await;
            let status = if exported.is_ok() {
                "success"
            } else {
                "errored"
            };
            // The files are here or not, whatever the session thinks of it.
            if let Err(error) = service.close(status, None).await {
                tracing::warn!(%error, "the session was not closed");
            }
            Ok(exported?)
        }
        Err(error) => Err(taken(error)),
    }
}

/// True where the server does not know archives, or not of this.
fn has_no_archive(error: &gimmal_client::Error) -> bool {
    matches!(
        error.status().map(|status| status.as_u16()),
        Some(404 | 405)
    )
}

/// Says what to do about a place that is taken.
fn taken(error: gimmal_client::Error) -> anyhow::Error {
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        let io = cause.downcast_ref::<std::io::Error>();
        if io.is_some_and(|io| io.kind() == std::io::ErrorKind::AlreadyExists) {
            return Failure::usage(format!("{error}: it is there; --force replaces it"));
        }
        source = cause.source();
    }
    error.into()
}

fn show(context: Context<'_>, path: &str, done: &DownloadedCheckpoint) -> anyhow::Result<()> {
    if context.json {
        return output::json(&json!({
            "checkpoint_path": path, "destination": done.path,
            "file_count": done.unpacked.files, "file_size_bytes": done.unpacked.bytes,
        }));
    }
    let mut table = Table::of_values();
    let mut row = |name: &str, value: String| table.row([name.to_owned(), value]);
    row("checkpoint", path.to_owned());
    row("files", output::grouped(done.unpacked.files));
    row("size", size(done.unpacked.bytes));
    row("downloaded to", done.path.display().to_string());
    table.print()
}
