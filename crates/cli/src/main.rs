//! The `gimmal` command: reads the command line, runs one command, ends with its exit code.

mod args;
mod batch_args;
mod cmd;
mod config;
mod connect;
mod exit;
mod interrupt;
#[cfg(feature = "otlp")]
mod otlp;
mod output;
mod replies;
mod tokens;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use tracing_subscriber::EnvFilter;

use crate::config::Refused;

/// What is logged: what the environment says, or else errors that no command tells of by itself.
fn log_filter() -> EnvFilter {
    match std::env::var("GIMMAL_LOG") {
        Ok(filter) => EnvFilter::new(filter),
        Err(_) => EnvFilter::new("error,gimmal_batch::failure_log=off"),
    }
}

fn main() -> ExitCode {
    let cli = match config::command_line(std::env::args_os().collect()) {
        Ok(cli) => cli,
        // Help and version are not errors; everything else on the command line is a usage error.
        Err(Refused::Arguments(error)) => error.exit(),
        Err(Refused::File(error)) => return exit::report(&error),
    };
    tracing_subscriber::fmt()
        .with_env_filter(log_filter())
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return exit::report(&error.into()),
    };
    match runtime.block_on(cmd::run(cli)) {
        Ok(code) => code,
        Err(error) => exit::report(&error),
    }
}
