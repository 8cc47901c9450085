//! What checkpoints there are, and what is known of one.

use std::time::SystemTime;

use gimmal_client::types::tinker::{Checkpoint, TrainingRun};
use serde_json::json;

use super::checked;
use crate::args::TinkerPage;
use crate::cmd::tinker::pages::{Part, Wanted};
use crate::cmd::tinker::run::{ago, lora};
use crate::cmd::tinker::{Context, yes};
use crate::exit::Failure;
use crate::output::{self, Table, Tally};

/// The most checkpoints of a page. The server takes its time for each page, however short.
const PAGE_SIZE: u64 = 1000;

/// Lists the checkpoints of the user, or of one run.
pub(super) async fn list(
    context: Context<'_>,
    run_id: Option<String>,
    page: TinkerPage,
) -> anyhow::Result<()> {
    let connected = context.connect().await?;
    let rest = &connected.service.create_rest_client();
    let part = match &run_id {
        // The list of a run comes as a whole.
        Some(run) => cut(rest.list_checkpoints(run).await?.checkpoints, page),
        None => {
            let steps = Tally::of_things("Fetching checkpoints");
            let fetch = |page: gimmal_api::tinker::Page| async move {
                let reply = rest.list_user_checkpoints(page.limit, page.offset).await?;
                anyhow::Ok(Part {
                    entries: reply.checkpoints,
                    total: reply.cursor.map(|cursor| cursor.total_count),
                })
            };
            let wanted = Wanted::new(page, PAGE_SIZE);
            wanted.fetch(fetch, |done, of| steps.at(done, of)).await?
        }
    };
    if context.json {
        let shown = part.entries.len();
        let mut list = json!({
            "checkpoints": part.entries, "total_count": part.total, "shown_count": shown,
        });
        if let Some(run) = run_id {
            list["run_id"] = run.into();
        }
        output::json(&list)?;
    } else {
        table(&part.entries)?;
        part.tell_the_rest("checkpoints")?;
    }
    connected.close().await;
    Ok(())
}

/// The wanted part of a whole list.
fn cut(checkpoints: Vec<Checkpoint>, page: TinkerPage) -> Part<Checkpoint> {
    let total = checkpoints.len() as u64;
    let limit = if page.limit == 0 { total } else { page.limit };
    let size = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    let entries = checkpoints.into_iter().skip(size(page.offset));
    Part {
        entries: entries.take(size(limit)).collect(),
        total: Some(total),
    }
}

fn table(checkpoints: &[Checkpoint]) -> anyhow::Result<()> {
    if checkpoints.is_empty() {
        return output::line("no checkpoints");
    }
    let now = SystemTime::now();
    let mut table = Table::new([
        "checkpoint",
        "type",
        "size",
        "public",
        "created",
        "expires",
        "path",
    ]);
    for checkpoint in checkpoints {
        table.row([
            checkpoint.checkpoint_id.clone(),
            checkpoint.checkpoint_type.name().into_owned(),
            size(checkpoint),
            yes(checkpoint.public),
            ago(checkpoint.time, now),
            expires(checkpoint, now),
            checkpoint.tinker_path.clone(),
        ]);
    }
    table.align_right(2);
    table.print()
}

/// Describes one checkpoint, with what its run says.
pub(super) async fn describe(context: Context<'_>, path: &str) -> anyhow::Result<()> {
    let parsed = checked(path)?;
    let connected = context.connect().await?;
    let rest = connected.service.create_rest_client();
    let id = parsed.training_run_id();
    let checkpoints = rest.list_checkpoints(id).await?.checkpoints;
    let found = checkpoints.into_iter().find(|one| one.tinker_path == path);
    let checkpoint =
        found.ok_or_else(|| Failure::service(format!("the run {id} has no checkpoint {path}")))?;
    let scope = gimmal_client::types::tinker::AccessScope::Owned;
    let run = rest.get_training_run(id, scope).await?;
    if context.json {
        let mut known = serde_json::to_value(&checkpoint)?;
        known["is_lora"] = run.is_lora.into();
        known["lora_rank"] = run.lora_rank.into();
        output::json(&known)?;
    } else {
        show(&checkpoint, &run)?;
    }
    connected.close().await;
    Ok(())
}

fn show(checkpoint: &Checkpoint, run: &TrainingRun) -> anyhow::Result<()> {
    let now = SystemTime::now();
    let mut table = Table::of_values();
    let mut row = |name: &str, value: String| table.row([name.to_owned(), value]);
    row("checkpoint", checkpoint.checkpoint_id.clone());
    row("type", checkpoint.checkpoint_type.name().into_owned());
    row("path", checkpoint.tinker_path.clone());
    row("size", size(checkpoint));
    row("public", yes(checkpoint.public));
    row("created", ago(checkpoint.time, now));
    row("expires", expires(checkpoint, now));
    row("run", run.training_run_id.clone());
    row("base model", run.base_model.clone());
    row("LoRA", lora(run));
    for (name, value) in checkpoint.user_metadata.iter().flatten() {
        row(&format!("note {name}"), value.clone());
    }
    table.print()
}

/// How large a checkpoint is, where the server says.
pub(super) fn size(checkpoint: &Checkpoint) -> String {
    let size = checkpoint.size_bytes.map(output::size);
    size.unwrap_or_else(|| "N/A".to_owned())
}

fn expires(checkpoint: &Checkpoint, now: SystemTime) -> String {
    let expires = checkpoint.expires_at.map(|time| ago(time, now));
    expires.unwrap_or_else(|| "Never".to_owned())
}
