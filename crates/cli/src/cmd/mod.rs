//! The commands.

mod batch;
mod cache;
mod count;
mod emulator;
mod files;
mod generate;
mod model;
mod plan;
mod response_cache;
pub(crate) mod sample;
mod sampling;
mod summary;
mod tinker;
pub(crate) mod train;

use std::process::ExitCode;

use crate::args::{Cli, Command};

/// Runs the command of a parsed command line.
pub(crate) async fn run(cli: Cli) -> anyhow::Result<ExitCode> {
    let connection = &cli.connection;
    match cli.command {
        Command::Batch(args) => batch::run(connection, *args).await,
        Command::BatchWorker(args) => batch::worker(connection, args).await,
        Command::Generate(args) => generate::run(connection, *args).await,
        Command::Count(args) => count::run(connection, args).await,
        Command::Cache(args) => cache::run(connection, *args).await,
        Command::ResponseCache(args) => response_cache::run(connection, args).await,
        Command::Model(args) => model::run(connection, args).await,
        Command::Train(command) => train::run(connection, command).await,
        Command::Sample(args) => sample::run(connection, *args).await,
        Command::Tinker(args) => tinker::run(connection, *args).await,
        Command::Emulator(args) => emulator::run(connection, &args).await,
    }
}
