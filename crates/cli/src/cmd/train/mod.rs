//! `gimmal train`: runs of training, and their curves.

mod args;
mod plot;
mod sft;

use std::process::ExitCode;

pub(crate) use args::{TokensArg, Train};

use crate::args::Connection;

/// Runs a command of `gimmal train`.
pub(crate) async fn run(connection: &Connection, command: Train) -> anyhow::Result<ExitCode> {
    match command {
        Train::Sft(args) => sft::run(connection, *args).await,
        Train::Plot(args) => plot::run(connection, &args),
    }
}
