//! Project chores behind `cargo xtask`: the table of subcommands.
//!
//! It parses arguments and turns outcomes into an exit code. The chores themselves live in
//! their modules and never call each other.

mod finding;
mod parity;
mod sources;
mod tidy;
mod workspace;

use std::io::Write;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};

use crate::finding::Severity;

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
}

fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    let root = workspace::root();
    let findings = match &args.chore {
        Chore::Tidy => tidy::run(&root).context("tidy could not run")?,
        Chore::Parity(args) => parity::run(&root, args).context("parity could not run")?,
    };

    let mut out = std::io::stdout().lock();
    for finding in &findings {
        writeln!(out, "{finding}")?;
    }
    let errors = findings
        .iter()
        .filter(|f| f.severity == Severity::Error)
        .count();
    let warnings = findings.len() - errors;
    let chore = match args.chore {
        Chore::Tidy => "tidy",
        Chore::Parity(_) => "parity",
    };
    writeln!(out, "{chore}: {errors} errors, {warnings} warnings")?;
    Ok(if errors == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
