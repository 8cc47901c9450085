//! The arguments of `gimmal train`, as clap sees them.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

/// The model that is trained unless another one is named.
pub(crate) const DEFAULT_MODEL: &str = "gimmal/tiny";

/// Arguments of `gimmal train`.
#[derive(Debug, Subcommand)]
pub(crate) enum Train {
    /// Teach a model to answer prompts as in examples
    Sft(Box<Sft>),
    /// Draw the curves of a run
    Plot(Plot),
}

/// Arguments of `gimmal train sft`.
#[derive(Debug, Args)]
pub(crate) struct Sft {
    /// Examples, one JSON object per line: {"prompt": "…", "completion": "…"}
    #[arg(long, value_name = "FILE")]
    pub(crate) data: PathBuf,
    /// Folder for metrics and checkpoints of the run
    #[arg(long, short, value_name = "FOLDER", default_value = "runs/sft")]
    pub(crate) output: PathBuf,
    /// Model to train
    #[arg(long, short, default_value = DEFAULT_MODEL)]
    pub(crate) model: String,
    /// Examples that are looked at and not learnt
    #[arg(long, value_name = "FILE")]
    pub(crate) evaluation: Option<PathBuf>,
    /// How many steps to take
    #[arg(long, default_value_t = 60, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) steps: u64,
    /// Examples of a step
    #[arg(long, default_value = "8", value_name = "N")]
    pub(crate) batch_size: NonZeroUsize,
    /// Highest learning rate
    #[arg(long, default_value_t = 0.001, value_name = "NUMBER")]
    pub(crate) learning_rate: f64,
    /// Steps until the learning rate is at its highest
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) warmup: u64,
    /// How the learning rate falls after that
    #[arg(long, value_enum, default_value_t = DecayArg::Linear)]
    pub(crate) decay: DecayArg,
    /// Rank of the adapter
    #[arg(long, default_value_t = 16, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rank: u32,
    /// Fixes the adapter at the beginning and the order of examples
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) seed: u32,
    /// Save a checkpoint after so many steps; 0 is at the end only
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub(crate) checkpoint_every: u64,
    /// Evaluate after so many steps; 0 is at the end only
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub(crate) evaluate_every: u64,
    /// Go on from the last checkpoint of the folder
    #[arg(long, conflicts_with = "overwrite")]
    pub(crate) resume: bool,
    /// Forget the run of the folder
    #[arg(long)]
    pub(crate) overwrite: bool,
    #[command(flatten)]
    pub(crate) tokens: TokensArg,
}

/// How text becomes tokens.
#[derive(Debug, Default, Args)]
pub(crate) struct TokensArg {
    /// A tokenizer.json to use instead of the model's own
    #[arg(long, value_name = "FILE")]
    pub(crate) tokenizer: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum DecayArg {
    /// It stays
    Constant,
    /// By the same amount at every step
    Linear,
    /// Along half a cosine
    Cosine,
}

/// Arguments of `gimmal train plot`.
#[derive(Debug, Args)]
pub(crate) struct Plot {
    /// Metrics of a run, one JSON object per line
    pub(crate) metrics: PathBuf,
    /// A metric to draw; may be given again
    #[arg(long, short, value_name = "NAME", default_value = "loss:mean")]
    pub(crate) metric: Vec<String>,
    /// Draw to a file that ends in .svg or .png instead of the terminal; without it, --json gives
    /// the points
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// Share of what came before in each point, 0 to 1, to see through noise
    #[arg(long, default_value_t = 0.0, value_name = "NUMBER")]
    pub(crate) smooth: f64,
    /// Width in pixels, or in characters on the terminal
    #[arg(long, value_name = "N")]
    pub(crate) width: Option<u32>,
    /// Height in pixels, or in lines on the terminal
    #[arg(long, value_name = "N")]
    pub(crate) height: Option<u32>,
}
