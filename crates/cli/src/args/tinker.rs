//! The part of the command line that is for Tinker, as clap sees it.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use gimmal_client::types::Timestamp;
use gimmal_client::types::tinker::{AccessScope, CheckpointType};

/// Arguments of `gimmal tinker`.
#[derive(Debug, Args)]
pub(crate) struct TinkerArgs {
    /// How to show what there is
    #[arg(
        long,
        short,
        global = true,
        value_enum,
        value_name = "FORMAT",
        help_heading = "For every Tinker command"
    )]
    pub(crate) format: Option<FormatArg>,
    /// How long an attempt of a request may take, such as 30s
    #[arg(
        long,
        global = true,
        value_parser = super::seconds,
        value_name = "DURATION",
        help_heading = "For every Tinker command"
    )]
    pub(crate) timeout: Option<Duration>,
    #[command(subcommand)]
    pub(crate) command: TinkerCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum TinkerCommand {
    /// Store, forget and check the API key
    #[command(subcommand)]
    Auth(TinkerAuth),
    /// What was used, and what it costs
    #[command(subcommand)]
    Billing(TinkerBilling),
    /// List, save, share, download, upload and delete checkpoints
    #[command(subcommand)]
    Checkpoint(TinkerCheckpoint),
    /// What models there are to train and to sample
    #[command(subcommand)]
    Model(TinkerModel),
    /// List and describe training runs
    #[command(subcommand)]
    Run(TinkerRun),
    /// What was done in a session
    #[command(subcommand)]
    Session(TinkerSession),
    /// The version of this command, and of the SDK whose protocol it speaks
    Version,
}

/// Arguments of `gimmal tinker auth`.
#[derive(Debug, Subcommand)]
pub(crate) enum TinkerAuth {
    /// Store an API key, which is asked for or read from standard input
    Login,
    /// Forget the stored API key
    Logout,
    /// Check whether there is a credential and whether the service takes it
    Status,
    /// Show the user and the organization of the credential
    Whoami,
}

/// Arguments of `gimmal tinker billing`.
#[derive(Debug, Subcommand)]
pub(crate) enum TinkerBilling {
    /// What was used, hour by hour, by model, session and user
    ///
    /// At most 14 days. Costs are estimates before credits, no invoices; they are not known yet
    /// where none is shown. What was used may show up some hours late.
    Usage {
        /// From when on: a whole hour such as 2026-07-13T00:00:00Z
        #[arg(value_parser = timestamp)]
        starting_on: Timestamp,
        /// Until when, exclusively
        #[arg(value_parser = timestamp)]
        ending_before: Timestamp,
        /// Write the usage as CSV to this file instead; `-` is standard output
        #[arg(long, value_name = "FILE")]
        csv: Option<PathBuf>,
        /// Write the sessions and their notes as CSV to this file instead; `-` is standard output
        #[arg(long, value_name = "FILE")]
        sessions_csv: Option<PathBuf>,
    },
    /// What the checkpoints of the organization take, and what a month of it costs
    ///
    /// Numbers may be two hours old. Costs are for 720 hours at list prices before credits.
    CheckpointStorage {
        /// Only checkpoints of this project
        #[arg(long, value_name = "ID")]
        project_id: Option<String>,
        /// Write it as CSV to this file instead; `-` is standard output
        #[arg(long, value_name = "FILE")]
        csv: Option<PathBuf>,
    },
}

/// Arguments of `gimmal tinker checkpoint`.
#[derive(Debug, Subcommand)]
pub(crate) enum TinkerCheckpoint {
    /// List checkpoints, the newest first
    List {
        /// Only those of this run
        #[arg(long, value_name = "ID")]
        run_id: Option<String>,
        #[command(flatten)]
        page: TinkerPage,
    },
    /// Describe a checkpoint
    Info {
        /// Its path, such as tinker://run-id/weights/0001
        checkpoint_path: String,
    },
    /// Let everybody load a checkpoint
    Publish {
        /// Its path, such as tinker://run-id/weights/0001
        checkpoint_path: String,
    },
    /// Keep a checkpoint to its owner again
    Unpublish {
        /// Its path, such as tinker://run-id/weights/0001
        checkpoint_path: String,
    },
    /// Set when a checkpoint is deleted by itself
    SetTtl {
        /// Its path, such as tinker://run-id/weights/0001
        checkpoint_path: String,
        /// Delete it after so many seconds from now on
        #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
        ttl: Option<u64>,
        /// Keep it until somebody deletes it
        #[arg(long)]
        remove: bool,
    },
    /// Delete checkpoints for good
    Delete(TinkerDelete),
    /// Download the files of a checkpoint
    ///
    /// They go into a folder with the name of the checkpoint. A training checkpoint of a service
    /// that makes no archives is exported first, by a training session of a moment.
    Download {
        /// Its path, such as tinker://run-id/weights/0001
        checkpoint_path: String,
        /// The folder that the checkpoint's own folder is made in
        #[arg(long, short, value_name = "FOLDER", default_value = ".")]
        output: PathBuf,
        /// Replace the checkpoint's own folder
        #[arg(long)]
        force: bool,
    },
    /// Upload a checkpoint to the Hugging Face Hub, as an adapter of PEFT
    ///
    /// The token is that of HF_TOKEN, HUGGING_FACE_HUB_TOKEN or `hf auth login`; HF_ENDPOINT names
    /// another hub.
    PushHf(TinkerPush),
    /// Train nothing, and save the weights of a model to sample from
    Save(TinkerSave),
}

/// Arguments of `gimmal tinker checkpoint delete`.
#[derive(Debug, Args)]
pub(crate) struct TinkerDelete {
    /// Their paths, such as tinker://run-id/weights/0001
    #[arg(required_unless_present = "run_id", conflicts_with = "run_id")]
    pub(crate) checkpoint_paths: Vec<String>,
    /// All checkpoints of this run, or those that the other options leave
    #[arg(long, value_name = "ID")]
    pub(crate) run_id: Option<String>,
    /// Only this type
    #[arg(long = "type", value_enum, value_name = "TYPE", requires = "run_id")]
    pub(crate) checkpoint_type: Option<CheckpointTypeArg>,
    /// Only those saved before a date or time, such as 2026-01-31 or 2026-01-31T08:00:00Z
    #[arg(long, value_parser = moment, value_name = "TIME", requires = "run_id")]
    pub(crate) before: Option<Timestamp>,
    /// Only those saved after a date or time
    #[arg(long, value_parser = moment, value_name = "TIME", requires = "run_id")]
    pub(crate) after: Option<Timestamp>,
    /// Do not ask
    #[arg(long, short)]
    pub(crate) yes: bool,
}

/// Arguments of `gimmal tinker checkpoint push-hf`.
#[derive(Debug, Args)]
pub(crate) struct TinkerPush {
    /// Its path, such as tinker://run-id/weights/0001
    pub(crate) checkpoint_path: String,
    /// The repository, `owner/name` or `name`; otherwise named after the base model and the run
    #[arg(long, short, value_name = "REPO")]
    pub(crate) repo: Option<String>,
    /// Make the repository for everybody, if it has to be made
    #[arg(long)]
    pub(crate) public: bool,
    /// The branch, which is made if it is not there; otherwise `main`, or the checkpoint's id where
    /// no repository is named
    #[arg(long, value_name = "BRANCH")]
    pub(crate) revision: Option<String>,
    /// What the commit says
    #[arg(long, value_name = "TEXT")]
    pub(crate) commit_message: Option<String>,
    /// Ask for the change with a pull request
    #[arg(long)]
    pub(crate) create_pr: bool,
    /// Only files whose path or name has this pattern, with `*` and `**`; may be given again
    #[arg(long, value_name = "PATTERN")]
    pub(crate) allow_pattern: Vec<String>,
    /// No files whose path or name has this pattern; may be given again
    #[arg(long, value_name = "PATTERN")]
    pub(crate) ignore_pattern: Vec<String>,
    /// Write no model card where there is none
    #[arg(long)]
    pub(crate) no_model_card: bool,
}

/// Arguments of `gimmal tinker checkpoint save`.
#[derive(Debug, Args)]
pub(crate) struct TinkerSave {
    /// Base model, with adapters that are not trained yet
    #[arg(
        long,
        value_name = "MODEL",
        required_unless_present = "model_path",
        conflicts_with = "model_path"
    )]
    pub(crate) base_model: Option<String>,
    /// Checkpoint to load instead, such as tinker://run-id/weights/0001
    #[arg(long, value_name = "PATH")]
    pub(crate) model_path: Option<String>,
    /// Write what was saved where as JSON to this file; `-` is standard output
    #[arg(long, short, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// What to call the checkpoint; otherwise `checkpoint-` and the name of the model
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Rank of the adapters
    #[arg(long, value_name = "N", conflicts_with = "model_path")]
    pub(crate) rank: Option<u32>,
    /// Seed that the adapters start from
    #[arg(long, value_name = "N", conflicts_with = "model_path")]
    pub(crate) seed: Option<i64>,
    /// No adapters between attention
    #[arg(long, conflicts_with = "model_path")]
    pub(crate) no_train_mlp: bool,
    /// No adapters on attention
    #[arg(long, conflicts_with = "model_path")]
    pub(crate) no_train_attn: bool,
    /// No adapters on the last layer
    #[arg(long, conflicts_with = "model_path")]
    pub(crate) no_train_unembed: bool,
}

/// Arguments of `gimmal tinker model`.
#[derive(Debug, Subcommand)]
pub(crate) enum TinkerModel {
    /// List the models that the organization may use
    List {
        /// Only models whose name contains this, in capitals or not
        substring: Option<String>,
    },
}

/// Arguments of `gimmal tinker run`.
#[derive(Debug, Subcommand)]
pub(crate) enum TinkerRun {
    /// List training runs, the last used first
    List {
        #[command(flatten)]
        page: TinkerPage,
        /// What to show of each, with commas between
        #[arg(
            long,
            short,
            value_enum,
            value_delimiter = ',',
            value_name = "COLUMNS",
            default_value = "id,model,lora,updated,status"
        )]
        columns: Vec<RunColumn>,
        /// Whose runs
        #[arg(long, value_enum, default_value_t = ScopeArg::Owned, value_name = "SCOPE")]
        access_scope: ScopeArg,
    },
    /// Describe a training run
    Info {
        /// Its id
        run_id: String,
        /// Whose runs it may be one of
        #[arg(long, value_enum, default_value_t = ScopeArg::Owned, value_name = "SCOPE")]
        access_scope: ScopeArg,
    },
}

/// Arguments of `gimmal tinker session`.
#[derive(Debug, Subcommand)]
pub(crate) enum TinkerSession {
    /// Write the timeline of a session to a file for https://ui.perfetto.dev
    ExportTrace {
        /// Its id
        session_id: String,
        /// The file; otherwise the id with `.pftrace`, here
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
        /// Print the address of the file instead, which works for about an hour
        #[arg(long)]
        url_only: bool,
    },
}

/// Which part of a list.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct TinkerPage {
    /// Most entries to show; 0 shows all
    #[arg(long, value_name = "N", default_value_t = 20)]
    pub(crate) limit: u64,
    /// How many to pass over
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) offset: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatArg {
    /// For people
    Table,
    /// For programs; the same as --json
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum CheckpointTypeArg {
    /// To train on from
    #[value(name = "weights", alias = "training")]
    Training,
    /// To sample from
    #[value(name = "sampler_weights", alias = "sampler")]
    Sampler,
    /// To use elsewhere
    #[value(name = "external_weights", alias = "external")]
    External,
}

impl From<CheckpointTypeArg> for CheckpointType {
    fn from(arg: CheckpointTypeArg) -> Self {
        match arg {
            CheckpointTypeArg::Training => Self::Training,
            CheckpointTypeArg::Sampler => Self::Sampler,
            CheckpointTypeArg::External => Self::External,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ScopeArg {
    /// One's own
    Owned,
    /// All that one may see
    Accessible,
}

impl From<ScopeArg> for AccessScope {
    fn from(arg: ScopeArg) -> Self {
        match arg {
            ScopeArg::Owned => Self::Owned,
            ScopeArg::Accessible => Self::Accessible,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub(crate) enum RunColumn {
    /// Its id
    Id,
    /// Its base model
    Model,
    /// Whose it is
    Owner,
    /// Whether only adapters are trained, and of which rank
    Lora,
    /// When it was last used
    Updated,
    /// Whether it can go on
    Status,
    /// Its last checkpoint
    Checkpoint,
    /// When that was saved
    CheckpointTime,
}

/// A time with its zone, such as `2026-01-31T08:00:00Z`.
fn timestamp(text: &str) -> Result<Timestamp, String> {
    text.parse()
        .map_err(|_| format!("{text:?} is not a time such as 2026-07-13T00:00:00Z"))
}

/// A date or a time; without a zone it is UTC.
fn moment(text: &str) -> Result<Timestamp, String> {
    let text = text.trim();
    let whole = [
        text.to_owned(),
        format!("{text}Z"),
        format!("{text}T00:00:00Z"),
    ];
    let read = whole.iter().find_map(|text| text.parse().ok());
    read.ok_or_else(|| {
        format!("{text:?} is not a date or a time such as 2026-01-31 or 2026-01-31T08:00:00Z")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_midnight_in_utc() {
        let at = |text: &str| moment(text).map(|time| time.to_string());
        assert_eq!(at("2026-01-31").unwrap(), "2026-01-31T00:00:00Z");
        assert_eq!(at("2026-01-31T08:00:00").unwrap(), "2026-01-31T08:00:00Z");
        assert_eq!(at(" 2026-01-31T08:00:00Z").unwrap(), "2026-01-31T08:00:00Z");
        assert_eq!(
            at("2026-01-31T08:00:00+02:00").unwrap(),
            "2026-01-31T06:00:00Z"
        );
        for text in ["", "yesterday", "2026-13-01", "31.01.2026"] {
            assert!(moment(text).is_err(), "{text}");
        }
        assert!(timestamp("2026-01-31").is_err());
    }
}
