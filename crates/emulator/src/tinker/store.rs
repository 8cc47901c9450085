//! Training runs and checkpoints on disk: a folder for each run, in it a folder for each checkpoint
//! with its weights as safetensors and a note about it. A checkpoint is written aside and then put in
//! place, so that there is never half of one.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{
    engine::{Adapter, Problem, Snapshot},
    paths::{CheckpointKind, CheckpointPath},
    time::timestamp,
};

/// The file of a checkpoint's weights, by the name that other tools know.
pub(crate) const WEIGHTS: &str = "adapter_model.safetensors";
/// What an optimiser needs to go on, beside the weights that it made.
const OPTIMIZER: &str = "optimizer.safetensors";
const CONFIG: &str = "adapter_config.json";
const NOTE: &str = "checkpoint.json";
const RUN: &str = "run.json";
const COUNTER: &str = "sessions";

/// What is known of a training run.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Run {
    pub(crate) id: String,
    pub(crate) base_model: String,
    pub(crate) owner: String,
    pub(crate) project: String,
    pub(crate) rank: usize,
    pub(crate) seed: u64,
    pub(crate) unembed: bool,
    pub(crate) mlp: bool,
    pub(crate) attn: bool,
    pub(crate) optimizer: Value,
    pub(crate) last_request: Timestamp,
    pub(crate) metadata: Option<BTreeMap<String, String>>,
    pub(crate) corrupted: bool,
}

/// What is known of a checkpoint besides its weights.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Note {
    pub(crate) time: Timestamp,
    pub(crate) size_bytes: u64,
    pub(crate) public: bool,
    pub(crate) metadata: Option<BTreeMap<String, String>>,
    pub(crate) expires: Option<Timestamp>,
}

/// What a checkpoint is saved with.
#[derive(Clone, Debug, Default)]
pub(crate) struct Saving {
    pub(crate) ttl_seconds: Option<u64>,
    pub(crate) overwrite: bool,
    pub(crate) metadata: Option<BTreeMap<String, String>>,
}

#[derive(Debug)]
pub(crate) struct Store {
    root: PathBuf,
    /// Removes the folder at the end, when it is not the caller's.
    _temporary: Option<TempDir>,
    table: Mutex<Table>,
}

#[derive(Debug, Default)]
struct Table {
    sessions: u64,
    runs: BTreeMap<String, Run>,
    checkpoints: BTreeMap<CheckpointPath, Note>,
}

impl Run {
    pub(crate) fn adapter(&self) -> Adapter {
        Adapter {
            rank: self.rank,
            seed: self.seed,
            unembed: self.unembed,
            mlp: self.mlp,
            attn: self.attn,
        }
    }
}

impl Store {
    /// A store in `folder`, with all that is there, or in a folder that goes away at the end.
    pub(crate) fn open(folder: Option<&Path>) -> io::Result<Self> {
        let temporary = match folder {
            Some(_) => None,
            None => Some(tempfile::tempdir()?),
        };
        let root = match (folder, &temporary) {
            (Some(folder), _) => folder.to_owned(),
            (None, Some(temporary)) => temporary.path().to_owned(),
            (None, None) => return Err(io::ErrorKind::NotFound.into()),
        };
        fs::create_dir_all(&root)?;
        let table = Table::read(&root)?;
        Ok(Self {
            root,
            _temporary: temporary,
            table: Mutex::new(table),
        })
    }

    /// A number for a session that no earlier one had, in this life or another.
    pub(crate) fn next_session(&self) -> Result<u64, Problem> {
        let mut table = self.lock();
        let number = table.sessions;
        table.sessions += 1;
        write(
            &self.root.join(COUNTER),
            table.sessions.to_string().as_bytes(),
        )?;
        Ok(number)
    }

    pub(crate) fn add_run(&self, run: &Run) -> Result<(), Problem> {
        let folder = self.folder(&run.id);
        fs::create_dir_all(&folder).map_err(|error| failed(&folder, &error))?;
        write(&folder.join(RUN), &json_bytes(run))?;
        self.lock().runs.insert(run.id.clone(), run.clone());
        Ok(())
    }

    pub(crate) fn run(&self, id: &str) -> Option<Run> {
        self.lock().runs.get(id).cloned()
    }

    pub(crate) fn runs(&self) -> Vec<Run> {
        self.lock().runs.values().cloned().collect()
    }

    /// Notes that something was asked of a run; this is kept in memory alone.
    pub(crate) fn touch(&self, id: &str, now: SystemTime) {
        if let Some(run) = self.lock().runs.get_mut(id) {
            run.last_request = timestamp(now);
        }
    }

    /// Marks a run as lost, in memory alone; whether there is one.
    pub(crate) fn corrupt(&self, id: &str) -> bool {
        let mut table = self.lock();
        let run = table.runs.get_mut(id);
        run.map(|run| run.corrupted = true).is_some()
    }

    /// The checkpoints that `wanted` picks, with what is known of them.
    pub(crate) fn checkpoints(
        &self,
        wanted: impl Fn(&CheckpointPath) -> bool,
    ) -> Vec<(CheckpointPath, Note)> {
        let table = self.lock();
        let found = table.checkpoints.iter().filter(|(path, _)| wanted(path));
        found
            .map(|(path, note)| (path.clone(), note.clone()))
            .collect()
    }

    pub(crate) fn checkpoint(&self, path: &CheckpointPath) -> Option<Note> {
        self.lock().checkpoints.get(path).cloned()
    }

    /// Writes a checkpoint.
    pub(crate) fn save(
        &self,
        path: &CheckpointPath,
        run: &Run,
        snapshot: &Snapshot,
        saving: &Saving,
        now: SystemTime,
    ) -> Result<Note, Problem> {
        if self.checkpoint(path).is_some() && !saving.overwrite {
            return Err(Problem::user(format!(
                "{path} exists already: choose another name, or set overwrite"
            )));
        }
        let weights = snapshot.weights_file()?;
        let optimizer = match path.kind {
            CheckpointKind::Training => Some(snapshot.optimizer_file()?),
            CheckpointKind::Sampler | CheckpointKind::External => None,
        };
        let mut config = json!({
            "peft_type": "LORA", "task_type": "CAUSAL_LM", "r": run.rank, "lora_alpha": run.rank,
            "base_model_name_or_path": run.base_model, "bias": "none", "inference_mode": true,
            "target_modules": "all-linear",
        });
        for (key, value) in &snapshot.config {
            config[key] = value.clone();
        }
        let config = json_bytes(&config);
        let sizes = [
            weights.len(),
            config.len(),
            optimizer.as_ref().map_or(0, Vec::len),
        ];
        let expires = saving.ttl_seconds.map(|seconds| expiry(now, seconds));
        let note = Note {
            time: timestamp(now),
            size_bytes: sizes.iter().sum::<usize>() as u64,
            public: false,
            metadata: saving.metadata.clone(),
            expires,
        };
        let place = self.place(path);
        let aside = self.root.join("aside");
        let io = |error: io::Error| failed(&place, &error);
        // What an earlier life left half done.
        let _ = fs::remove_dir_all(&aside);
        let mut table = self.lock();
        fs::create_dir_all(&aside).map_err(io)?;
        write(&aside.join(WEIGHTS), &weights)?;
        write(&aside.join(CONFIG), &config)?;
        if let Some(optimizer) = &optimizer {
            write(&aside.join(OPTIMIZER), optimizer)?;
        }
        write(&aside.join(NOTE), &json_bytes(&note))?;
        if place.exists() {
            fs::remove_dir_all(&place).map_err(io)?;
        }
        if let Some(parent) = place.parent() {
            fs::create_dir_all(parent).map_err(io)?;
        }
        fs::rename(&aside, &place).map_err(io)?;
        table.checkpoints.insert(path.clone(), note.clone());
        Ok(note)
    }

    /// The weights of a checkpoint.
    pub(crate) fn load(&self, path: &CheckpointPath) -> Result<Snapshot, Problem> {
        let weights = self.file(path, WEIGHTS)?;
        let file = self.place(path).join(OPTIMIZER);
        let optimizer = match fs::read(&file) {
            Ok(bytes) => Some(bytes),
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            Err(error) => return Err(failed(&file, &error)),
        };
        let mut snapshot = Snapshot::from_files(&weights, optimizer.as_deref())?;
        let config = serde_json::from_slice(&self.file(path, CONFIG)?);
        snapshot.config =
            config.map_err(|error| Problem::user(format!("the checkpoint's {CONFIG}: {error}")))?;
        Ok(snapshot)
    }

    /// The names of the files that others get to see of a checkpoint.
    pub(crate) fn files() -> [&'static str; 2] {
        [CONFIG, WEIGHTS]
    }

    /// One of those files.
    pub(crate) fn file(&self, path: &CheckpointPath, name: &str) -> Result<Vec<u8>, Problem> {
        if self.checkpoint(path).is_none() || !Self::files().contains(&name) {
            return Err(Problem::user(format!("there is no checkpoint {path}")));
        }
        let file = self.place(path).join(name);
        fs::read(&file).map_err(|error| failed(&file, &error))
    }

    /// Changes what is known of a checkpoint; `None` when there is none.
    pub(crate) fn change<R>(
        &self,
        path: &CheckpointPath,
        change: impl FnOnce(&mut Note) -> R,
    ) -> Option<Result<R, Problem>> {
        let mut table = self.lock();
        let note = table.checkpoints.get_mut(path)?;
        let result = change(note);
        let written = write(&self.place(path).join(NOTE), &json_bytes(note));
        Some(written.map(|()| result))
    }

    /// Removes a checkpoint; whether there was one.
    pub(crate) fn delete(&self, path: &CheckpointPath) -> Result<bool, Problem> {
        let mut table = self.lock();
        if table.checkpoints.remove(path).is_none() {
            return Ok(false);
        }
        let place = self.place(path);
        fs::remove_dir_all(&place).map_err(|error| failed(&place, &error))?;
        Ok(true)
    }

    /// Removes the checkpoints whose time has come.
    pub(crate) fn settle(&self, now: SystemTime) {
        let now = timestamp(now);
        let table = self.lock();
        let due = |note: &Note| note.expires.is_some_and(|expires| expires <= now);
        let expired: Vec<CheckpointPath> = table
            .checkpoints
            .iter()
            .filter(|(_, note)| due(note))
            .map(|(path, _)| path.clone())
            .collect();
        drop(table);
        for path in expired {
            if let Err(problem) = self.delete(&path) {
                tracing::warn!(%path, problem = problem.message, "a checkpoint stays");
            }
        }
    }

    fn folder(&self, run: &str) -> PathBuf {
        self.root.join("runs").join(folder_name(run))
    }

    fn place(&self, path: &CheckpointPath) -> PathBuf {
        self.folder(&path.run)
            .join(path.kind.segment())
            .join(&path.name)
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn read(root: &Path) -> io::Result<Self> {
        let mut table = Self::default();
        if let Ok(counter) = fs::read_to_string(root.join(COUNTER)) {
            table.sessions = counter.trim().parse().unwrap_or(0);
        }
        for run_folder in folders(&root.join("runs"))? {
            let Some(run) = read_json::<Run>(&run_folder.join(RUN)) else {
                continue;
            };
            for kind in [
                CheckpointKind::Training,
                CheckpointKind::Sampler,
                CheckpointKind::External,
            ] {
                for folder in folders(&run_folder.join(kind.segment()))? {
                    let name = folder.file_name().and_then(|name| name.to_str());
                    if let (Some(name), Some(note)) = (name, read_json(&folder.join(NOTE))) {
                        let path = CheckpointPath {
                            run: run.id.clone(),
                            kind,
                            name: name.to_owned(),
                        };
                        table.checkpoints.insert(path, note);
                    }
                }
            }
            table.runs.insert(run.id.clone(), run);
        }
        Ok(table)
    }
}

/// When something that is kept for `seconds` goes.
pub(crate) fn expiry(now: SystemTime, seconds: u64) -> Timestamp {
    let seconds = i64::try_from(seconds).unwrap_or(i64::MAX);
    let after = jiff::SignedDuration::from_secs(seconds);
    timestamp(now).checked_add(after).unwrap_or(Timestamp::MAX)
}

/// Identifiers have colons, which not every file system takes.
fn folder_name(run: &str) -> String {
    run.chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() || c == '-' {
                c
            } else {
                '_'
            }
        })
        .collect()
}

fn folders(folder: &Path) -> io::Result<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(entries) => entries
            .map(|entry| entry.map(|entry| entry.path()))
            .collect(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn read_json<T: for<'a> Deserialize<'a>>(file: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(file).ok()?).ok()
}

/// Structs with text keys have no way to fail.
fn json_bytes(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec_pretty(value).unwrap_or_default()
}

fn write(file: &Path, bytes: &[u8]) -> Result<(), Problem> {
    fs::write(file, bytes).map_err(|error| failed(file, &error))
}

fn failed(place: &Path, error: &io::Error) -> Problem {
    Problem::files(format!("{} cannot be used: {error}", place.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tinker::engine::Array;
    use std::time::Duration;

    fn run() -> Run {
        Run {
            id: "s:train:0".to_owned(),
            base_model: "m".to_owned(),
            owner: "o".to_owned(),
            project: "p".to_owned(),
            rank: 4,
            seed: 0,
            unembed: true,
            mlp: true,
            attn: true,
            optimizer: json!({"type": "adamw"}),
            last_request: Timestamp::UNIX_EPOCH,
            metadata: None,
            corrupted: false,
        }
    }

    #[test]
    fn what_is_saved_is_there_in_the_next_life() {
        let folder = tempfile::tempdir().expect("a folder");
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        let path = CheckpointPath::parse("tinker://s:train:0/weights/a").expect("a path");
        let mut snapshot = Snapshot::default();
        let array = Array::floats(vec![1, 2], vec![1.0, 2.0]);
        snapshot.arrays.insert("x".to_owned(), array);
        let first = Store::open(Some(folder.path())).expect("a store");
        assert_eq!(first.next_session().expect("a number"), 0);
        first.add_run(&run()).expect("a run");
        let saving = Saving {
            ttl_seconds: Some(3600),
            ..Saving::default()
        };
        first
            .save(&path, &run(), &snapshot, &saving, now)
            .expect("saved");
        let again = first.save(&path, &run(), &snapshot, &saving, now);
        assert!(again.expect_err("refused").by_user);
        drop(first);

        let second = Store::open(Some(folder.path())).expect("a store");
        assert_eq!(second.next_session().expect("a number"), 1);
        assert_eq!(second.runs().len(), 1);
        assert_eq!(second.load(&path).expect("loaded").arrays, snapshot.arrays);
        assert!(second.file(&path, "../run.json").is_err());
        second.settle(now + Duration::from_secs(3599));
        assert!(second.checkpoint(&path).is_some());
        second.settle(now + Duration::from_secs(3600));
        assert!(second.load(&path).is_err());
        assert!(!second.delete(&path).expect("no trouble"));
    }
}
