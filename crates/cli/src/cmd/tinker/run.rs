//! `gimmal tinker run`: what training runs there are.

use std::process::ExitCode;
use std::time::SystemTime;

use gimmal_api::tinker::{ListQuery, ListTrainingRuns};
use gimmal_client::types::Timestamp;
use gimmal_client::types::tinker::{Checkpoint, TrainingRun};
use serde_json::json;

use super::Context;
use super::pages::{Part, Wanted};
use crate::args::{RunColumn, ScopeArg, TinkerPage, TinkerRun};
use crate::output::{self, Table, Tally, relative};

/// The most runs of a page.
const PAGE_SIZE: u64 = 100;

/// Runs one of the commands on runs.
pub(super) async fn run(context: Context<'_>, args: TinkerRun) -> anyhow::Result<ExitCode> {
    match args {
        TinkerRun::List {
            page,
            columns,
            access_scope,
        } => list(context, page, &columns, access_scope).await?,
        TinkerRun::Info {
            run_id,
            access_scope,
        } => {
            let connected = context.connect().await?;
            let rest = connected.service.create_rest_client();
            let run = rest.get_training_run(&run_id, access_scope.into()).await?;
            if context.json {
                output::json(&run)?;
            } else {
                describe(&run)?;
            }
            connected.close().await;
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn list(
    context: Context<'_>,
    page: TinkerPage,
    columns: &[RunColumn],
    scope: ScopeArg,
) -> anyhow::Result<()> {
    let connected = context.connect().await?;
    let rest = &connected.service.create_rest_client();
    let steps = Tally::of_things("Fetching training runs");
    let fetch = |page| async move {
        let query = ListTrainingRuns::new(ListQuery::new(page, scope.into()));
        let reply = rest.list_training_runs(&query).await?;
        anyhow::Ok(Part {
            entries: reply.training_runs,
            total: Some(reply.cursor.total_count),
        })
    };
    let wanted = Wanted::new(page, PAGE_SIZE);
    let part = wanted.fetch(fetch, |done, of| steps.at(done, of)).await?;
    drop(steps);
    if context.json {
        output::json(&json!({
            "runs": part.entries, "total_count": part.total, "shown_count": part.entries.len(),
        }))?;
    } else {
        table(&part.entries, columns)?;
        part.tell_the_rest("training runs")?;
    }
    connected.close().await;
    Ok(())
}

fn table(runs: &[TrainingRun], columns: &[RunColumn]) -> anyhow::Result<()> {
    if runs.is_empty() {
        return output::line("no training runs");
    }
    let now = SystemTime::now();
    let mut table = Table::new(columns.iter().map(|column| column.head()));
    for run in runs {
        table.row(columns.iter().map(|column| column.cell(run, now)));
    }
    table.print()
}

impl RunColumn {
    fn head(self) -> &'static str {
        match self {
            Self::Id => "run",
            Self::Model => "base model",
            Self::Owner => "owner",
            Self::Lora => "LoRA",
            Self::Updated => "last update",
            Self::Status => "status",
            Self::Checkpoint => "last checkpoint",
            Self::CheckpointTime => "checkpoint time",
        }
    }

    fn cell(self, run: &TrainingRun, now: SystemTime) -> String {
        let last = run.last_checkpoint.as_ref();
        match self {
            Self::Id => run.training_run_id.clone(),
            Self::Model => run.base_model.clone(),
            Self::Owner => run.model_owner.clone(),
            Self::Lora => lora(run),
            Self::Updated => ago(run.last_request_time, now),
            Self::Status => status(run).to_owned(),
            Self::Checkpoint => last.map_or("none".to_owned(), |last| last.checkpoint_id.clone()),
            Self::CheckpointTime => last.map_or("N/A".to_owned(), |last| ago(last.time, now)),
        }
    }
}

fn describe(run: &TrainingRun) -> anyhow::Result<()> {
    let now = SystemTime::now();
    let mut table = Table::of_values();
    let mut row = |name: &str, value: String| table.row([name.to_owned(), value]);
    row("run", run.training_run_id.clone());
    row("base model", run.base_model.clone());
    row("owner", run.model_owner.clone());
    row("LoRA", lora(run));
    row("last update", ago(run.last_request_time, now));
    row("status", status(run).to_owned());
    let mut last = |name: &str, checkpoint: &Option<Checkpoint>| {
        if let Some(checkpoint) = checkpoint {
            row(name, checkpoint.checkpoint_id.clone());
            row("  saved", ago(checkpoint.time, now));
            row("  path", checkpoint.tinker_path.clone());
        }
    };
    last("last training checkpoint", &run.last_checkpoint);
    last("last sampler checkpoint", &run.last_sampler_checkpoint);
    for (name, value) in run.user_metadata.iter().flatten() {
        table.row([format!("note {name}"), value.clone()]);
    }
    table.print()
}

/// Whether only adapters are trained, and of which rank.
pub(super) fn lora(run: &TrainingRun) -> String {
    match (run.is_lora, run.lora_rank) {
        (true, Some(rank)) => format!("Yes (rank {rank})"),
        (true, None) => "Yes".to_owned(),
        (false, _) => "No".to_owned(),
    }
}

fn status(run: &TrainingRun) -> &'static str {
    if run.corrupted { "Failed" } else { "Active" }
}

/// A time by its distance from now.
pub(super) fn ago(time: Timestamp, now: SystemTime) -> String {
    relative(time.to_system_time(), now)
}
