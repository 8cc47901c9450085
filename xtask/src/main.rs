//! Project chores behind `cargo xtask`: the table of subcommands.
//!
//! It parses arguments and turns outcomes into an exit code. The chores themselves live in
//! their modules; one may use the parts of another that read the sources or play records.

mod conformance;
mod finding;
mod parity;
mod pins;
mod proto;
mod sources;
mod tidy;
mod wire;
mod workspace;

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};

use crate::finding::{Finding, Severity};

/// Chores of this repository.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", disable_version_flag = true)]
struct Args {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Debug, Subcommand)]
enum Chore {
    /// Checks the rules of the repository and prints every finding as `file:line: message`.
    Tidy,
    /// Writes GAP_ANALYSIS.md: what of the reference packages we have, and what speaks for it.
    Parity(parity::Args),
    /// Reads calls as JSON lines and prints the requests they make, as JSON lines.
    Wire,
    /// Makes the Rust code of the protocol buffers of Tinker.
    Proto {
        /// Changes nothing and fails when the code is not that of the messages.
        #[arg(long)]
        check: bool,
    },
    /// Compares our calls with what the official SDKs send and read.
    Conformance {
        #[command(subcommand)]
        what: Conformance,
    },
}

#[derive(Debug, Subcommand)]
enum Conformance {
    /// Plays recorded calls of the official SDKs and shows where ours differ.
    Vectors {
        /// Files of records, or folders of them; plain JSON, JSON lines or gzip. The repository's
        /// own when none is named.
        paths: Vec<std::path::PathBuf>,
        /// How many of the records that differ to show.
        #[arg(long, default_value_t = 20)]
        show: usize,
    },
    /// Makes the same calls with an official SDK and with our client, against the emulator.
    Sdk(conformance::sdk::Args),
}

fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    let root = workspace::root();
    let passed = match args.chore {
        Chore::Tidy => report("tidy", &tidy::run(&root).context("tidy could not run")?)?,
        Chore::Parity(args) => {
            let findings = parity::run(&root, &args).context("parity could not run")?;
            report("parity", &findings)?
        }
        Chore::Conformance {
            what: Conformance::Vectors { paths, show },
        } => conformance::vectors(&root, &paths, show)? == 0,
        Chore::Conformance {
            what: Conformance::Sdk(args),
        } => return conformance::sdk::run(&root, &args),
        Chore::Proto { check } => proto::run(&root, check)?,
        Chore::Wire => wire::run(std::io::stdin().lock(), std::io::stdout().lock())? == 0,
    };
    Ok(if passed {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Prints findings and their count; true when none of them is an error.
fn report(chore: &str, findings: &[Finding]) -> anyhow::Result<bool> {
    let mut out = std::io::stdout().lock();
    for finding in findings {
        writeln!(out, "{finding}")?;
    }
    let errors = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .count();
    let warnings = findings.len() - errors;
    writeln!(out, "{chore}: {errors} errors, {warnings} warnings")?;
    Ok(errors == 0)
}
