//! `gimmal tinker session`: what was done in a session.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context as _;
use gimmal_client::transport::{Download, NoCredentials, Request, Transport};
use http::Method;
use serde_json::json;

use super::Context;
use crate::args::TinkerSession;
use crate::exit::Failure;
use crate::output::{self, Table, Tally, size};

/// Writes the timeline of a session to a file, or tells where it is.
pub(super) async fn run(context: Context<'_>, args: TinkerSession) -> anyhow::Result<ExitCode> {
    let TinkerSession::ExportTrace {
        session_id,
        output,
        url_only,
    } = args;
    let target = output.unwrap_or_else(|| PathBuf::from(format!("{session_id}.pftrace")));
    let connected = context.connect().await?;
    if !context.json {
        writeln!(
            std::io::stderr(),
            "the trace of {session_id} is being made, which may take a while"
        )?;
    }
    let rest = connected.service.create_rest_client();
    let url = rest.export_session_trace(&session_id).await?;
    if url_only {
        match context.json {
            true => output::json(&json!({"session_id": session_id, "url": url}))?,
            false => output::line(&url)?,
        }
    } else {
        let bytes = fetch(&url, &target).await?;
        show(context, &session_id, &target, bytes)?;
    }
    connected.close().await;
    Ok(ExitCode::SUCCESS)
}

/// Fetches the file, which is signed for and needs no credential.
async fn fetch(url: &str, target: &Path) -> anyhow::Result<u64> {
    let folder = target.parent().filter(|folder| *folder != Path::new(""));
    if let Some(folder) = folder {
        let shown = folder.display();
        std::fs::create_dir_all(folder)
            .map_err(|error| Failure::output(format!("cannot make the folder {shown}: {error}")))?;
    }
    let url = url
        .parse()
        .context("the server gave an address that is none")?;
    let transport = Transport::builder()
        .with_credentials(NoCredentials)
        .build()?;
    let steps = Tally::of_bytes("trace");
    let download = Download::new(&transport, Request::new(Method::GET, url), target)
        .with_overwrite()
        .with_progress(move |progress| steps.at(progress.bytes, progress.total));
    Ok(download.send().await?.bytes)
}

fn show(context: Context<'_>, session_id: &str, target: &Path, bytes: u64) -> anyhow::Result<()> {
    if context.json {
        return output::json(&json!({
            "session_id": session_id, "destination": target, "file_size_bytes": bytes,
        }));
    }
    let mut table = Table::of_values();
    let mut row = |name: &str, value: String| table.row([name.to_owned(), value]);
    row("session", session_id.to_owned());
    row("saved to", target.display().to_string());
    row("size", size(bytes));
    row("to look at it", "https://ui.perfetto.dev".to_owned());
    table.print()
}
