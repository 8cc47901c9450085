//! What a run knows of itself on disk, so that it can be taken up after its end.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::Error;

/// The option that tells data from other data.
pub(super) const DATA_DIGEST: &str = "data_digest";

/// A place from which a run can go on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Checkpoint {
    /// The step that comes next.
    pub step: u64,
    /// Weights and optimiser, `tinker://…`.
    pub path: String,
}

/// The file `run.json` in the folder of a run: what it was asked for, and its checkpoints.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct SavedRun {
    /// What the run was asked for; a run can only go on with the same.
    pub options: Map<String, Value>,
    /// Its checkpoints, oldest first.
    #[serde(default)]
    pub checkpoints: Vec<Checkpoint>,
    /// The weights to sample from, once the run is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sampler: Option<String>,
}

impl SavedRun {
    /// The run of a folder, if there is one.
    ///
    /// # Errors
    ///
    /// Fails when the file cannot be read, or is not one of a run.
    pub fn load(folder: impl AsRef<Path>) -> Result<Option<Self>, Error> {
        let path = file(folder.as_ref());
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Error::file("cannot read", &path, error)),
        };
        let run = serde_json::from_str(&text);
        run.map(Some)
            .map_err(|error| Error::file("cannot understand", &path, error))
    }

    /// Writes the file; the old one stays whole until the new one is.
    ///
    /// # Errors
    ///
    /// Fails when it cannot be written.
    pub fn store(&self, folder: impl AsRef<Path>) -> Result<(), Error> {
        let path = file(folder.as_ref());
        let text = serde_json::to_string_pretty(self).map_err(Error::failed)?;
        let draft = path.with_extension("draft");
        let replaced = std::fs::write(&draft, text).and_then(|()| std::fs::rename(&draft, &path));
        replaced.map_err(|error| Error::file("cannot write", &path, error))
    }

    /// Refuses to go on with other options than those of the beginning, and names all that differ.
    /// An option that an older version did not note is taken as the same.
    pub(super) fn check_same(&self, options: &Map<String, Value>) -> Result<(), Error> {
        let pairs = options.iter().filter_map(|(name, now)| {
            let then = self.options.get(name)?;
            (then != now).then_some((name.as_str(), now, then))
        });
        let mut differing: Vec<_> = pairs.collect();
        // Data of another number have another digest too; the number says more.
        if differing.iter().any(|(name, ..)| *name == "examples") {
            differing.retain(|(name, ..)| *name != DATA_DIGEST);
        }
        let Some((first, ..)) = differing.first() else {
            return Ok(());
        };
        let told: Vec<String> = differing.iter().map(told).collect();
        let told = told.join(", and ");
        // The error names its field itself.
        let message = told.strip_prefix(first).unwrap_or(&told).trim_start();
        let message = format!("{message}; go on with the same, or start anew");
        Err(Error::invalid(*first, message))
    }
}

/// What differs, in words; digests say nothing to a person.
fn told((name, now, then): &(&str, &Value, &Value)) -> String {
    match *name {
        DATA_DIGEST => format!("{name} is another: the examples were changed"),
        name => format!("{name} is {now} and was {then}"),
    }
}

fn file(folder: &Path) -> PathBuf {
    folder.join("run.json")
}
