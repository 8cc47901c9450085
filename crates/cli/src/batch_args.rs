//! The arguments of `gimmal batch` that say how fast it goes, when it gives up, what its input looks
//! like and what it leaves behind.

use std::num::{NonZeroU64, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::args::{at_least_one, duration};

/// What the input looks like.
#[derive(Debug, Args)]
#[command(next_help_heading = "Input")]
pub(crate) struct InputArgs {
    /// What the input is; otherwise its name tells: .csv, .txt, a folder, or JSON lines
    #[arg(long, value_enum, value_name = "FORMAT")]
    pub(crate) format: Option<Format>,
    /// Makes each prompt of the columns of its row, as in "Translate {text} into {language}"
    #[arg(long, value_name = "TEXT")]
    pub(crate) template: Option<String>,
}

/// Forms of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// One JSON object per line
    Jsonl,
    /// A table with commas; the first row names the columns
    Csv,
    /// A prompt per line
    Lines,
    /// A folder with a prompt per file
    Dir,
}

/// How fast a batch goes, and when it ends before its input does.
#[derive(Debug, Args)]
#[command(next_help_heading = "Pace and limits")]
pub(crate) struct Pace {
    /// Requests per minute at the most
    #[arg(long, value_name = "N", value_parser = at_least_one::<NonZeroU64>)]
    pub(crate) rpm: Option<NonZeroU64>,
    /// Tokens per minute at the most, by estimate before and by count after each request
    #[arg(long, value_name = "N", value_parser = at_least_one::<NonZeroU64>)]
    pub(crate) tpm: Option<NonZeroU64>,
    /// Let the number of requests in flight find its own value, up to --concurrency
    #[arg(long)]
    pub(crate) adaptive: bool,
    /// How long a request may take, such as 90s or 2m
    #[arg(long, value_parser = duration, value_name = "DURATION")]
    pub(crate) attempt_timeout: Option<Duration>,
    /// How long a prompt may take, with all its requests and waits
    #[arg(long, value_parser = duration, value_name = "DURATION")]
    pub(crate) item_timeout: Option<Duration>,
    /// How long the run may take; what is left then is left for --resume
    #[arg(long, value_parser = duration, value_name = "DURATION")]
    pub(crate) batch_timeout: Option<Duration>,
    /// What the run may cost in USD; what is left then is left for --resume
    #[arg(long, value_name = "USD", value_parser = positive, group = "budget")]
    pub(crate) budget_usd: Option<f64>,
    /// Tokens that the run may use
    #[arg(long, value_name = "N", value_parser = at_least_one::<NonZeroU64>, group = "budget")]
    pub(crate) budget_tokens: Option<NonZeroU64>,
    /// Set aside what a request will take before it is sent, and send none that would not fit into
    /// the budget
    #[arg(long, requires = "budget")]
    pub(crate) budget_strict: bool,
    /// Kinds of failures that end the run, such as permission_denied,quota_exhausted
    #[arg(long, value_name = "KINDS", value_delimiter = ',')]
    pub(crate) fail_fast: Vec<String>,
    /// Send equal prompts once
    #[arg(long)]
    pub(crate) dedup: bool,
    /// How prompts are answered
    #[arg(long, value_enum, default_value_t = Engine::Online)]
    pub(crate) engine: Engine,
    /// Leave the prompts to workers (`gimmal batch-worker`) through a queue on this Redis, such as
    /// redis://localhost
    #[arg(long, value_name = "URL", conflicts_with = "engine")]
    pub(crate) queue: Option<String>,
    /// Name of the queue
    #[arg(long, value_name = "NAME", default_value = "batch", requires = "queue")]
    pub(crate) queue_name: String,
    /// Send the prompts one by one that a job could not answer
    #[arg(long)]
    pub(crate) retry_online: bool,
    /// Stronger model that a prompt goes to when an attempt has failed
    #[arg(long, value_name = "MODEL")]
    pub(crate) escalate_to: Option<String>,
}

/// Ways to have prompts answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Engine {
    /// One by one
    Online,
    /// As batch jobs of the service: at half the price, within a day
    GeminiBatch,
}

/// What a batch leaves behind besides its answers.
#[derive(Debug, Args)]
#[command(next_help_heading = "Plans and reports")]
pub(crate) struct Reports {
    /// Estimate tokens, cost and time, and send nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Have the service count the tokens of so many prompts, for a better estimate; it costs nothing
    #[arg(long, value_name = "N", requires = "dry_run", value_parser = at_least_one::<NonZeroUsize>)]
    pub(crate) count_sample: Option<NonZeroUsize>,
    /// Write every result to this journal before anything else, and answer from it what it holds
    #[arg(long, value_name = "FILE")]
    pub(crate) journal: Option<PathBuf>,
    /// When the journal is forced to the disk
    #[arg(long, value_enum, default_value_t = FsyncArg::Always, requires = "journal")]
    pub(crate) fsync: FsyncArg,
    /// Draw the run as one HTML file
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Write the figures of the run in the text form of Prometheus
    #[arg(long, value_name = "FILE")]
    pub(crate) metrics: Option<PathBuf>,
    /// Send spans and metrics of the run to this OpenTelemetry collector, such as
    /// http://localhost:4318 (of a command built with the feature `otlp`)
    #[arg(long, value_name = "URL")]
    pub(crate) otlp_endpoint: Option<String>,
    /// Write what was run and what came of it as JSON; --config runs the same again
    #[arg(long, value_name = "FILE")]
    pub(crate) manifest: Option<PathBuf>,
}

/// When a journal is forced to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FsyncArg {
    /// Before each answer
    Always,
    /// Once a second
    Second,
    /// When the system thinks fit
    Never,
}

fn positive(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| *number > 0.0);
    let number = number.filter(|number| number.is_finite());
    number.ok_or_else(|| format!("{text:?} is not a number above zero"))
}

/// Arguments of `gimmal batch-worker`.
#[derive(Debug, Args)]
pub(crate) struct BatchWorker {
    /// The Redis with the queue, such as redis://localhost
    #[arg(long, value_name = "URL")]
    pub(crate) queue: String,
    /// Name of the queue
    #[arg(long, value_name = "NAME", default_value = "batch")]
    pub(crate) queue_name: String,
    /// Name of this worker; otherwise made of the process
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,
    /// How many prompts are worked on at the same time
    #[arg(long, default_value = "32", value_name = "N", value_parser = at_least_one::<NonZeroUsize>)]
    pub(crate) concurrency: NonZeroUsize,
    /// How long a worker that has fallen silent keeps its prompts
    #[arg(long, default_value = "60s", value_parser = duration, value_name = "DURATION")]
    pub(crate) lease: Duration,
}
