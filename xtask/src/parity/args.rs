//! Arguments of `cargo xtask parity`.

use std::path::PathBuf;

use clap::{Subcommand, ValueEnum};

/// Arguments of the chore.
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) action: Option<Action>,
    /// Write nothing; fail when the report is out of date, a recorded test has changed, an entry of
    /// the review no longer applies or a share is below its floor
    #[arg(long)]
    pub(crate) check: bool,
    /// Form of the report; GAP_ANALYSIS.md for md, a file below target/parity otherwise
    #[arg(long, value_enum, default_value_t = Format::Md)]
    pub(crate) format: Format,
    /// Where to write it instead; with --check nothing is written elsewhere
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Raise the recorded floors to what has been reached
    #[arg(long, conflicts_with = "check")]
    pub(crate) raise_floor: bool,
    /// Output of `cargo test` of this very tree, which the recorded outcomes must agree with
    #[arg(long, value_name = "FILE", requires = "check")]
    pub(crate) log: Option<PathBuf>,
    /// Repository to look at
    #[arg(long, hide = true)]
    pub(crate) root: Option<PathBuf>,
}

/// Form of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// Markdown.
    Md,
    /// All rows for programs.
    Json,
    /// One page with filters.
    Html,
}

/// What else there is to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// Regenerate the inventories from the packages and print what changed
    Refresh {
        /// Python 3.10 or newer to make the environment with
        #[arg(long, default_value = "python3")]
        python: String,
    },
    /// Run lints, tests and documentation and record how they ended
    Run,
    /// Record the output of runs that were done elsewhere
    Record(Record),
}

/// Outputs to record.
#[derive(Debug, Default, clap::Args)]
#[command(arg_required_else_help = true)]
pub(crate) struct Record {
    /// Output of `cargo test`
    #[arg(long, value_name = "FILE")]
    pub(crate) tests: Option<PathBuf>,
    /// Output of `cargo clippy`
    #[arg(long, value_name = "FILE")]
    pub(crate) clippy: Option<PathBuf>,
    /// Output of `cargo doc`
    #[arg(long, value_name = "FILE")]
    pub(crate) docs: Option<PathBuf>,
    /// Output of `cargo fuzz run`, of all targets
    #[arg(long, value_name = "FILE")]
    pub(crate) fuzz: Option<PathBuf>,
    /// Output of `cargo llvm-cov --json --summary-only`
    #[arg(long, value_name = "FILE")]
    pub(crate) coverage: Option<PathBuf>,
}
