//! `gimmal tinker`: keys, bills, models, runs, checkpoints and sessions.

mod auth;
mod billing;
mod checkpoint;
mod csv_file;
mod model;
mod pages;
mod run;
mod session;
mod version;

use std::process::ExitCode;
use std::time::Duration;

use crate::args::{Connection, FormatArg, TinkerArgs, TinkerCommand};
use crate::connect::{TinkerConnected, connect_tinker};
use crate::exit::Failure;

/// What holds for each of the commands.
#[derive(Clone, Copy)]
struct Context<'a> {
    connection: &'a Connection,
    timeout: Option<Duration>,
    /// Nothing but JSON goes to standard output.
    json: bool,
}

impl Context<'_> {
    async fn connect(&self) -> anyhow::Result<TinkerConnected> {
        connect_tinker(self.connection, self.timeout, None).await
    }
}

/// Runs one of the Tinker commands.
pub(super) async fn run(connection: &Connection, args: TinkerArgs) -> anyhow::Result<ExitCode> {
    let wanted = args.format;
    if connection.json && wanted == Some(FormatArg::Table) {
        return Err(Failure::usage(
            "--json and --format table exclude each other",
        ));
    }
    let context = Context {
        connection,
        timeout: args.timeout,
        json: connection.json || wanted == Some(FormatArg::Json),
    };
    match args.command {
        TinkerCommand::Auth(args) => auth::run(context, args).await,
        TinkerCommand::Billing(args) => billing::run(context, args).await,
        TinkerCommand::Checkpoint(args) => checkpoint::run(context, args).await,
        TinkerCommand::Model(args) => model::run(context, args).await,
        TinkerCommand::Run(args) => run::run(context, args).await,
        TinkerCommand::Session(args) => session::run(context, args).await,
        TinkerCommand::Version => version::run(context),
    }
}

/// `Yes` or `No`.
fn yes(value: bool) -> String {
    if value { "Yes" } else { "No" }.to_owned()
}
