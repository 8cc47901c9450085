//! The command line, as clap sees it.

mod tinker;

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use gimmal_client::types::WireDuration;

pub(crate) use self::tinker::{
    FormatArg, RunColumn, ScopeArg, TinkerArgs, TinkerAuth, TinkerBilling, TinkerCheckpoint,
    TinkerCommand, TinkerDelete, TinkerModel, TinkerPage, TinkerPush, TinkerRun, TinkerSave,
    TinkerSession,
};
use crate::batch_args::{BatchWorker, InputArgs, Pace, Reports};
use crate::cmd::sample::Sample;
use crate::cmd::train::Train;
use crate::exit;

/// The model that answers unless another one is named.
const DEFAULT_MODEL: &str = "gemini-2.5-flash";

/// Gemini and Tinker from the shell: bulk prompts over one shared context, generation, context
/// caches, training runs and checkpoints, and an emulator that answers without an account.
#[derive(Debug, Parser)]
#[command(name = "gimmal", version, after_help = exit::HELP)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) connection: Connection,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Where requests go.
#[derive(Debug, Args)]
#[command(next_help_heading = "For every command")]
pub(crate) struct Connection {
    /// Address of the API: a proxy, a gateway or an emulator
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) base_url: Option<String>,
    /// Version of the API, such as v1beta
    #[arg(long, global = true, value_name = "VERSION")]
    pub(crate) api_version: Option<String>,
    /// Write nothing but JSON to standard output
    #[arg(long, global = true)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Answer many prompts over one shared context
    Batch(Box<Batch>),
    /// Answer the prompts of a batch that was started with --queue
    BatchWorker(BatchWorker),
    /// Generate one reply
    Generate(Box<Generate>),
    /// Count the tokens of a text
    Count(Count),
    /// Create, list, describe, renew and delete context caches, and explain whether one pays
    #[command(subcommand)]
    Cache(Box<Cache>),
    /// Look at, empty and export a response cache in Redis
    #[command(subcommand)]
    ResponseCache(ResponseCache),
    /// List and describe models
    #[command(subcommand)]
    Model(Model),
    /// Train models with Tinker, and draw the curves of runs
    #[command(subcommand)]
    Train(Train),
    /// Let a model trained with Tinker go on from a text
    Sample(Box<Sample>),
    /// Tinker: keys, bills, models, runs, checkpoints and sessions
    Tinker(Box<TinkerArgs>),
    /// Serve the API on this machine, with no account
    Emulator(EmulatorArgs),
}

/// Arguments of `gimmal batch`.
#[derive(Debug, Args)]
pub(crate) struct Batch {
    /// Prompts, one JSON object per line: {"id": "1", "prompt": "…"}; `-` is standard input
    ///
    /// Also a table (.csv), a prompt per line (.txt), or a folder with a prompt per file.
    pub(crate) input: PathBuf,
    /// Text that stands before every prompt, kept in a context cache where that pays
    #[arg(long, value_name = "FILE")]
    pub(crate) context: Option<PathBuf>,
    /// Instructions for the model, for all prompts
    #[arg(long, value_name = "TEXT")]
    pub(crate) system: Option<String>,
    /// Answers, one JSON object per line; `-` is standard output
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Model that answers
    #[arg(long, short, default_value = DEFAULT_MODEL)]
    pub(crate) model: String,
    /// How many prompts are worked on at the same time
    #[arg(long, default_value = "32", value_name = "N", value_parser = at_least_one::<NonZeroUsize>)]
    pub(crate) concurrency: NonZeroUsize,
    /// How often a request is sent at the most, the first time included
    #[arg(long, default_value = "5", value_name = "N", value_parser = at_least_one::<NonZeroU32>)]
    pub(crate) max_attempts: NonZeroU32,
    /// Order of the answers: as the prompts are given, or as they are done
    #[arg(long, value_enum, default_value_t = OrderArg::Input)]
    pub(crate) order: OrderArg,
    /// Go on where an earlier run with the same files stopped; failed items are done again
    #[arg(long, conflicts_with = "overwrite")]
    pub(crate) resume: bool,
    /// Replace the output file
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// Pass over lines that are not valid instead of refusing the file
    #[arg(long)]
    pub(crate) skip_invalid: bool,
    /// When to keep the context in a cache
    #[arg(long, value_enum, default_value_t = CacheMode::Auto)]
    pub(crate) cache: CacheMode,
    /// How long the cache lives, such as 3600s, 30m or 1h; otherwise as long as the run needs
    #[arg(long, value_parser = duration, value_name = "DURATION")]
    pub(crate) ttl: Option<Duration>,
    /// Keep the replies, and take those of earlier prompts instead of asking again: `memory` for
    /// this run, or the address of a Redis for all, such as redis://localhost
    #[arg(long, value_name = "PLACE")]
    pub(crate) response_cache: Option<String>,
    /// Leave the cache alive after the run
    #[arg(long)]
    pub(crate) keep_cache: bool,
    /// Model facts and prices to use instead of the built-in table
    #[arg(long, value_name = "FILE")]
    pub(crate) prices: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) sampling: Sampling,
    #[command(flatten)]
    pub(crate) form: InputArgs,
    #[command(flatten)]
    pub(crate) pace: Pace,
    #[command(flatten)]
    pub(crate) reports: Reports,
    /// Take settings from this file, TOML or JSON: each has the name of its argument, and `input` is
    /// the prompts. What stands on the command line goes before it
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// What was given, on the command line or in the file, without credentials.
    #[arg(skip)]
    pub(crate) settings: serde_json::Map<String, serde_json::Value>,
}

/// Arguments of `gimmal generate`.
#[derive(Debug, Args)]
pub(crate) struct Generate {
    /// The prompt; `-` is standard input
    pub(crate) prompt: String,
    /// Model that answers
    #[arg(long, short, default_value = DEFAULT_MODEL)]
    pub(crate) model: String,
    /// Print the reply as it is written
    #[arg(long)]
    pub(crate) stream: bool,
    /// Instructions for the model
    #[arg(long, value_name = "TEXT")]
    pub(crate) system: Option<String>,
    /// Text that stands before the prompt
    #[arg(long, value_name = "FILE", conflicts_with = "cached_content")]
    pub(crate) context: Option<PathBuf>,
    /// Context cache that stands before the prompt
    #[arg(long, value_name = "NAME")]
    pub(crate) cached_content: Option<String>,
    #[command(flatten)]
    pub(crate) sampling: Sampling,
}

/// How replies are generated.
#[derive(Debug, Default, Args)]
pub(crate) struct Sampling {
    /// Randomness, 0 to 2
    #[arg(long, value_name = "NUMBER")]
    pub(crate) temperature: Option<f64>,
    /// Most tokens of a reply
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i32).range(1..))]
    pub(crate) max_output_tokens: Option<i32>,
    /// Most tokens of reasoning; 0 is none
    #[arg(long, value_name = "N")]
    pub(crate) thinking_budget: Option<i32>,
}

/// Arguments of `gimmal count`.
#[derive(Debug, Args)]
pub(crate) struct Count {
    /// The text; `-` is standard input
    #[arg(required_unless_present = "file", conflicts_with = "file")]
    pub(crate) text: Option<String>,
    /// A file with the text
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,
    /// Model that counts
    #[arg(long, short, default_value = DEFAULT_MODEL)]
    pub(crate) model: String,
}

/// Arguments of `gimmal cache`.
#[derive(Debug, Subcommand)]
pub(crate) enum Cache {
    /// Create a cache from a text; it is billed until it expires or is deleted
    Create {
        /// The text to keep
        #[arg(long, value_name = "FILE")]
        context: PathBuf,
        /// Model that will read it
        #[arg(long, short, default_value = DEFAULT_MODEL)]
        model: String,
        /// Instructions to keep with it
        #[arg(long, value_name = "TEXT")]
        system: Option<String>,
        /// How long to keep it, such as 3600s, 30m or 1h
        #[arg(long, value_parser = duration, default_value = "1h", value_name = "DURATION")]
        ttl: Duration,
        /// A name for people
        #[arg(long, value_name = "TEXT")]
        display_name: Option<String>,
    },
    /// List the caches
    List {
        /// Most caches to show
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
    },
    /// Describe a cache
    Get {
        /// Its name, such as cachedContents/abc
        name: String,
    },
    /// Change how long a cache lives
    Update {
        /// Its name, such as cachedContents/abc
        name: String,
        /// How long to keep it from now, such as 3600s, 30m or 1h
        #[arg(long, value_parser = duration, value_name = "DURATION")]
        ttl: Duration,
    },
    /// Explain whether a cache for a text pays, without making one
    Plan {
        /// The texts to keep, in this order
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
        /// Model that will read them
        #[arg(long, short, default_value = DEFAULT_MODEL)]
        model: String,
        /// Instructions to keep with them
        #[arg(long, value_name = "TEXT")]
        system: Option<String>,
        /// How many requests will read them
        #[arg(long, value_name = "N", default_value_t = 10)]
        reads: u64,
        /// How long the cache is to live, such as 3600s, 30m or 1h; otherwise as the planner likes
        #[arg(long, value_parser = duration, value_name = "DURATION")]
        ttl: Option<Duration>,
        /// Model facts and prices to use instead of the built-in table
        #[arg(long, value_name = "FILE")]
        prices: Option<PathBuf>,
    },
    /// Delete a cache, which ends its billing
    Delete {
        /// Its name, such as cachedContents/abc
        name: String,
    },
}

/// Arguments of `gimmal response-cache`.
#[derive(Debug, Subcommand)]
pub(crate) enum ResponseCache {
    /// Count what it holds, and tell how the server does
    Stats {
        /// Where it is, such as redis://localhost
        #[arg(env = "GIMMAL_CACHE_REDIS_URL", hide_env_values = true)]
        url: String,
        /// Look again at this interval, such as 2s, until Ctrl-C
        #[arg(long, value_parser = seconds, value_name = "DURATION")]
        watch: Option<Duration>,
    },
    /// Stop serving entries, in all processes
    Invalidate {
        /// Where it is, such as redis://localhost
        #[arg(env = "GIMMAL_CACHE_REDIS_URL", hide_env_values = true)]
        url: String,
        #[command(flatten)]
        selection: Selection,
    },
    /// Write entries as JSON, one a line
    Export {
        /// Where it is, such as redis://localhost
        #[arg(env = "GIMMAL_CACHE_REDIS_URL", hide_env_values = true)]
        url: String,
        #[command(flatten)]
        selection: Selection,
    },
}

/// Which entries of a response cache are meant.
#[derive(Debug, Args)]
pub(crate) struct Selection {
    /// All, of every namespace
    #[arg(long, conflicts_with_all = ["namespace", "operation", "model", "tag", "pattern"])]
    pub(crate) all: bool,
    /// Those of a namespace; with another choice, within it
    #[arg(long, value_name = "NAME")]
    pub(crate) namespace: Option<String>,
    /// Those of an operation, such as generateContent
    #[arg(long, value_name = "NAME", conflicts_with_all = ["model", "tag", "pattern"])]
    pub(crate) operation: Option<String>,
    /// Those of a model
    #[arg(long, value_name = "NAME", conflicts_with_all = ["tag", "pattern"])]
    pub(crate) model: Option<String>,
    /// Those with a tag
    #[arg(long, value_name = "TAG", conflicts_with = "pattern")]
    pub(crate) tag: Option<String>,
    /// Those whose `namespace:operation` matches, such as tenant-*:qa
    #[arg(long, value_name = "GLOB", conflicts_with = "namespace")]
    pub(crate) pattern: Option<String>,
}

/// Arguments of `gimmal model`.
#[derive(Debug, Subcommand)]
pub(crate) enum Model {
    /// List the models
    List {
        /// Most models to show
        #[arg(long, value_name = "N")]
        limit: Option<usize>,
    },
    /// Describe a model
    Get {
        /// Its name, such as gemini-2.5-flash
        name: String,
    },
}

/// Arguments of `gimmal emulator`.
#[derive(Debug, Args)]
pub(crate) struct EmulatorArgs {
    /// Port on 127.0.0.1; 0 takes a free one
    #[arg(long, short, default_value_t = 8787)]
    pub(crate) port: u16,
    /// How long every answer takes, such as 2s or 0.05s
    #[arg(long, value_parser = seconds, value_name = "DURATION")]
    pub(crate) latency: Option<Duration>,
    /// Serve over TLS, and write the certificate that clients have to trust to this file; it is made
    /// anew for every run
    #[arg(long, value_name = "FILE")]
    pub(crate) tls: Option<PathBuf>,
    /// Serve a small transformer to Tinker clients under this name too; its tokens are bytes. May be
    /// given again
    #[arg(long, value_name = "NAME")]
    pub(crate) tinker_model: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OrderArg {
    /// As the prompts are given
    Input,
    /// As the answers are done
    Completion,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CacheMode {
    /// When it costs less than it saves
    Auto,
    /// Whenever it is possible
    Always,
    /// Never
    Off,
}

pub(crate) fn at_least_one<N: FromStr>(text: &str) -> Result<N, String> {
    text.parse()
        .map_err(|_| format!("{text:?} is not a whole number of at least 1"))
}

/// `3600s`, `1.5s`, `30m`, `2h` or `1d`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let bad = || format!("{text:?} is not a duration such as 3600s, 30m, 2h or 1d");
    let (number, seconds) = match text.chars().next_back() {
        Some('s') => return parse_seconds(text).ok_or_else(bad),
        Some('m') => (&text[..text.len() - 1], 60),
        Some('h') => (&text[..text.len() - 1], 3600),
        Some('d') => (&text[..text.len() - 1], 86_400),
        _ => return Err(bad()),
    };
    let count: u32 = number.parse().map_err(|_| bad())?;
    match u64::from(count) * seconds {
        0 => Err(format!(
            "{text:?} is too short: a cache must live at least 1s"
        )),
        seconds => Ok(Duration::from_secs(seconds)),
    }
}

/// `2s` or `0.05s`.
fn seconds(text: &str) -> Result<Duration, String> {
    text.parse::<WireDuration>()
        .map(WireDuration::get)
        .map_err(|error| error.to_string())
}

fn parse_seconds(text: &str) -> Option<Duration> {
    let duration = text.parse::<WireDuration>().ok()?.get();
    (duration >= Duration::from_secs(1)).then_some(duration)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn durations_have_units() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("1.5s"), Ok(Duration::from_millis(1500)));
        assert_eq!(duration("30m"), Ok(Duration::from_secs(1800)));
        assert_eq!(duration("2h"), Ok(Duration::from_secs(7200)));
        for text in ["", "10", "h", "-1s", "0m", "0.5s", "1w", "ß"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
