//! The `gimmal` command: reads the command line, runs one command, ends with its exit code.

mod args;
mod batch_args;
mod cmd;
mod connect;
mod exit;
mod interrupt;
mod output;
mod replies;
mod tokens;

use std::io::IsTerminal as _;
use std::process::ExitCode;

use clap::Parser as _;

use crate::args::Cli;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        // Help and version are not errors; everything else on the command line is a usage error.
        Err(error) => error.exit(),
    };
    tracing_subscriber::fmt()
        .with_env_filter(tracing_subscriber::EnvFilter::from_env("GIMMAL_LOG"))
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
