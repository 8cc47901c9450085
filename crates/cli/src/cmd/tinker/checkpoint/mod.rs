//! `gimmal tinker checkpoint`: saved weights, from saving to deleting.

mod change;
mod delete;
mod download;
mod list;
mod push;
mod save;

use std::process::ExitCode;

use super::Context;
use crate::args::TinkerCheckpoint;

/// Runs one of the commands on checkpoints.
pub(super) async fn run(context: Context<'_>, args: TinkerCheckpoint) -> anyhow::Result<ExitCode> {
    match args {
        TinkerCheckpoint::List { run_id, page } => list::list(context, run_id, page).await?,
        TinkerCheckpoint::Info { checkpoint_path } => {
            list::describe(context, &checkpoint_path).await?;
        }
        TinkerCheckpoint::Publish { checkpoint_path } => {
            change::publish(context, &checkpoint_path, true).await?;
        }
        TinkerCheckpoint::Unpublish { checkpoint_path } => {
            change::publish(context, &checkpoint_path, false).await?;
        }
        TinkerCheckpoint::SetTtl {
            checkpoint_path,
            ttl,
            remove,
        } => change::set_ttl(context, &checkpoint_path, ttl, remove).await?,
        TinkerCheckpoint::Delete(args) => return delete::run(context, args).await,
        TinkerCheckpoint::Download {
            checkpoint_path,
            output,
            force,
        } => download::run(context, &checkpoint_path, &output, force).await?,
        TinkerCheckpoint::PushHf(args) => push::run(context, args).await?,
        TinkerCheckpoint::Save(args) => save::run(context, args).await?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Refuses what is no path of a checkpoint, before anything is sent.
fn checked(path: &str) -> anyhow::Result<gimmal_client::types::tinker::ParsedCheckpointTinkerPath> {
    path.parse().map_err(|error| {
        crate::exit::Failure::usage(format!(
            "{path:?} is no path of a checkpoint such as tinker://run-id/weights/0001: {error}"
        ))
    })
}
