//! Paths of checkpoints: `tinker://<run>/<kind>/<name>`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{CheckpointType, InvalidInput};

const SCHEME: &str = "tinker://";

/// The path of a checkpoint, taken apart.
///
/// ```
/// use gimmal_types::tinker::{CheckpointType, ParsedCheckpointTinkerPath};
///
/// let path: ParsedCheckpointTinkerPath = "tinker://run-1/weights/0001".parse()?;
/// assert_eq!(path.training_run_id(), "run-1");
/// assert_eq!(path.checkpoint_id(), "weights/0001");
/// assert_eq!(path.checkpoint_type(), CheckpointType::Training);
/// # Ok::<(), gimmal_types::tinker::InvalidInput>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ParsedCheckpointTinkerPath {
    tinker_path: String,
    training_run_id: String,
    checkpoint_type: CheckpointType,
    checkpoint_id: String,
}

impl ParsedCheckpointTinkerPath {
    /// The path of a checkpoint of a run.
    ///
    /// # Errors
    ///
    /// Fails when run and checkpoint make no path.
    pub fn of(training_run_id: &str, checkpoint_id: &str) -> Result<Self, InvalidInput> {
        format!("{SCHEME}{training_run_id}/{checkpoint_id}").parse()
    }

    /// The whole path.
    pub fn tinker_path(&self) -> &str {
        &self.tinker_path
    }

    /// The run.
    pub fn training_run_id(&self) -> &str {
        &self.training_run_id
    }

    /// What the checkpoint is for.
    pub fn checkpoint_type(&self) -> CheckpointType {
        self.checkpoint_type.clone()
    }

    /// The checkpoint within the run: kind and name.
    pub fn checkpoint_id(&self) -> &str {
        &self.checkpoint_id
    }

    /// The name of the checkpoint.
    pub fn name(&self) -> &str {
        self.checkpoint_id.rsplit('/').next().unwrap_or_default()
    }

    /// Refuses a checkpoint that is for something else.
    ///
    /// # Errors
    ///
    /// Fails and says what it is for.
    pub fn require(&self, wanted: &CheckpointType) -> Result<(), InvalidInput> {
        if self.checkpoint_type == *wanted {
            return Ok(());
        }
        let reason = format!(
            "is a {} checkpoint where a {wanted} checkpoint (`{}/…`) is needed",
            self.checkpoint_type,
            folder(wanted)
        );
        Err(InvalidInput::new("tinker_path", reason))
    }
}

impl FromStr for ParsedCheckpointTinkerPath {
    type Err = InvalidInput;

    fn from_str(path: &str) -> Result<Self, InvalidInput> {
        let refuse = |reason: &str| InvalidInput::new("tinker_path", reason);
        let rest = path
            .strip_prefix(SCHEME)
            .ok_or_else(|| refuse("must begin with tinker://"))?;
        let [run, kind, name] = rest.split('/').collect::<Vec<_>>()[..] else {
            return Err(refuse(
                "must have three parts: tinker://<run>/weights/<name>",
            ));
        };
        let checkpoint_type = match kind {
            "weights" => CheckpointType::Training,
            "sampler_weights" => CheckpointType::Sampler,
            "external_weights" => CheckpointType::External,
            _ => {
                return Err(refuse(
                    "must name `weights`, `sampler_weights` or `external_weights` of the run",
                ));
            }
        };
        Ok(Self {
            tinker_path: path.to_owned(),
            training_run_id: run.to_owned(),
            checkpoint_type,
            checkpoint_id: format!("{kind}/{name}"),
        })
    }
}

fn folder(kind: &CheckpointType) -> &'static str {
    match kind {
        CheckpointType::Sampler => "sampler_weights",
        CheckpointType::External => "external_weights",
        _ => "weights",
    }
}

impl TryFrom<&str> for ParsedCheckpointTinkerPath {
    type Error = InvalidInput;

    fn try_from(path: &str) -> Result<Self, InvalidInput> {
        path.parse()
    }
}

impl fmt::Display for ParsedCheckpointTinkerPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.tinker_path)
    }
}

impl Serialize for ParsedCheckpointTinkerPath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.tinker_path)
    }
}

impl<'de> Deserialize<'de> for ParsedCheckpointTinkerPath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}
