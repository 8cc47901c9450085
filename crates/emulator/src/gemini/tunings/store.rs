//! The jobs there are, by owner and identifier, and what has become of them. It decodes no
//! requests and writes no replies.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use serde_json::{Map, Value};

use crate::{
    gemini::{
        caches::Scope,
        errors::ApiError,
        tunings::{
            dataset::Dataset,
            learned::Learned,
            plan::{Phase, Plan},
            vertex,
        },
    },
    rng::identifier,
    storage::Storage,
};

/// The families of identifiers that those of jobs, models and endpoints are drawn from.
const JOB: u64 = 22;
const MODEL: u64 = 23;
const ENDPOINT: u64 = 24;
/// The most checkpoints of a job; an endpoint for each has a number of its own.
const MOST_CHECKPOINTS: u64 = 1 << 20;

/// All tuning jobs of an emulator.
#[derive(Debug)]
pub(crate) struct Tunings {
    seed: u64,
    jobs: Mutex<Jobs>,
}

#[derive(Debug, Default)]
struct Jobs {
    jobs: BTreeMap<(Scope, String), Arc<Job>>,
    made: u64,
}

/// One job with the model it makes.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// The position in the list.
    pub(crate) number: u64,
    /// What comes last in its name; on the developer service that of the model.
    pub(crate) id: String,
    pub(crate) owner: Scope,
    /// The model it starts from, by its own name and as the caller has it.
    pub(crate) base: String,
    pub(crate) base_name: String,
    /// What it was made with, in the wire form, to be shown again.
    pub(crate) shown: Map<String, Value>,
    pub(crate) display_name: String,
    pub(crate) description: String,
    pub(crate) labels: Map<String, Value>,
    pub(crate) default_checkpoint: Option<String>,
    /// Whether only the last checkpoint is kept.
    pub(crate) last_checkpoint_only: bool,
    /// What is learned from, or why that cannot be.
    pub(crate) dataset: Result<Arc<Dataset>, ApiError>,
    pub(crate) learned: Arc<Learned>,
    pub(crate) plan: Plan,
    pub(crate) cancelled: Option<SystemTime>,
    /// When the model was last changed by hand.
    pub(crate) changed: Option<SystemTime>,
    /// Whether the model has been deleted.
    pub(crate) deleted: bool,
    /// Whether what it writes at its end has been written.
    written: bool,
    seed: u64,
}

/// How a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Queued,
    Running,
    Succeeded,
    Failed,
    Cancelled,
}

/// A model as it was at the end of an epoch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    pub(crate) id: String,
    pub(crate) epoch: u64,
    pub(crate) step: u64,
    pub(crate) endpoint: String,
}

/// What a job is made from.
#[derive(Debug)]
pub(crate) struct NewJob {
    /// The identifier to be used; one is made up otherwise.
    pub(crate) id: Option<String>,
    pub(crate) owner: Scope,
    pub(crate) base: String,
    pub(crate) base_name: String,
    pub(crate) shown: Map<String, Value>,
    pub(crate) display_name: String,
    pub(crate) description: String,
    pub(crate) labels: Map<String, Value>,
    pub(crate) last_checkpoint_only: bool,
    pub(crate) dataset: Result<Dataset, ApiError>,
    pub(crate) plan: Plan,
}

impl Tunings {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            jobs: Mutex::default(),
        }
    }

    /// Keeps a new job, unless its owner has one of that name.
    pub(crate) fn insert(&self, new: NewJob) -> Result<Arc<Job>, ApiError> {
        let mut jobs = self.lock();
        let number = jobs.made + 1;
        let id = match new.id {
            Some(id) => id,
            None => digits(self.seed, JOB, number),
        };
        let key = (new.owner.clone(), id);
        if jobs.jobs.contains_key(&key) {
            return Err(ApiError::new(
                http::StatusCode::CONFLICT,
                "ALREADY_EXISTS",
                format!("Requested entity already exists: {}", key.1),
            ));
        }
        jobs.made = number;
        let dataset = new.dataset.map(Arc::new);
        let learned = match &dataset {
            Ok(dataset) => Learned::from_examples(dataset),
            Err(_) => Learned::default(),
        };
        let job = Arc::new(Job {
            number,
            id: key.1.clone(),
            owner: new.owner,
            base: new.base,
            base_name: new.base_name,
            shown: new.shown,
            display_name: new.display_name,
            description: new.description,
            labels: new.labels,
            default_checkpoint: None,
            last_checkpoint_only: new.last_checkpoint_only,
            dataset,
            learned: learned.into(),
            plan: new.plan.with_seed(self.seed ^ number),
            cancelled: None,
            changed: None,
            deleted: false,
            written: false,
            seed: self.seed,
        });
        jobs.jobs.insert(key, Arc::clone(&job));
        Ok(job)
    }

    /// The job of that owner and identifier.
    pub(crate) fn get(&self, owner: &Scope, id: &str) -> Option<Arc<Job>> {
        let key = (owner.clone(), id.to_owned());
        self.lock().jobs.get(&key).cloned()
    }

    /// The jobs of an owner, oldest first.
    pub(crate) fn list(&self, owner: &Scope) -> Vec<Arc<Job>> {
        let jobs = self.lock();
        let own = jobs.jobs.values().filter(|job| job.owner == *owner);
        let mut own: Vec<_> = own.cloned().collect();
        own.sort_unstable_by_key(|job| job.number);
        own
    }

    /// Changes a job that is there.
    pub(crate) fn change(&self, job: &Job, change: impl FnOnce(&mut Job)) -> Arc<Job> {
        let mut changed = job.clone();
        change(&mut changed);
        let changed = Arc::new(changed);
        let key = (changed.owner.clone(), changed.id.clone());
        self.lock().jobs.insert(key, Arc::clone(&changed));
        changed
    }

    /// Forgets a job.
    pub(crate) fn remove(&self, job: &Job) {
        let key = (job.owner.clone(), job.id.clone());
        self.lock().jobs.remove(&key);
    }

    /// Writes what jobs that have ended by now leave behind.
    pub(crate) fn settle(&self, storage: &Storage, now: SystemTime) {
        let mut jobs = self.lock();
        let ended = jobs
            .jobs
            .values_mut()
            .filter(|job| !job.written && job.state(now) == State::Succeeded);
        for job in ended {
            if let Some((uri, lines)) = vertex::metrics(job) {
                storage.put_object(uri, lines);
            }
            Arc::make_mut(job).written = true;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Job {
    pub(crate) fn state(&self, now: SystemTime) -> State {
        if self.cancelled.is_some_and(|at| at <= now) {
            return State::Cancelled;
        }
        if self.dataset.is_err() && now >= self.plan.processed() {
            return State::Failed;
        }
        match self.plan.progress(now).phase {
            Phase::Queued => State::Queued,
            Phase::Done => State::Succeeded,
            Phase::Processing | Phase::Tuning | Phase::Finishing => State::Running,
        }
    }

    /// When it ended, if it has.
    pub(crate) fn ended(&self, now: SystemTime) -> Option<SystemTime> {
        match self.state(now) {
            State::Queued | State::Running => None,
            State::Cancelled => self.cancelled,
            State::Failed => Some(self.plan.processed()),
            State::Succeeded => Some(self.plan.ended()),
        }
    }

    /// When anything last happened to it.
    pub(crate) fn updated(&self, now: SystemTime) -> SystemTime {
        let plan = &self.plan;
        let latest = match (self.ended(now), plan.progress(now).phase) {
            (Some(ended), _) => ended,
            (None, Phase::Queued) => plan.created,
            (None, Phase::Processing) => plan.started(),
            (None, _) => now,
        };
        self.changed.map_or(latest, |changed| changed.max(latest))
    }

    /// Steps done by `now`, or by when it was stopped.
    pub(crate) fn steps(&self, now: SystemTime) -> u64 {
        if self.dataset.is_err() {
            return 0;
        }
        let until = self.cancelled.map_or(now, |at| at.min(now));
        self.plan.progress(until).steps
    }

    /// The digits of the model it makes on Vertex.
    pub(crate) fn model_id(&self) -> String {
        digits(self.seed, MODEL, self.number)
    }

    /// The checkpoints it keeps, the last of which answers unless another was chosen.
    pub(crate) fn checkpoints(&self) -> Vec<Checkpoint> {
        let last = self.plan.epochs;
        let first = if self.last_checkpoint_only { last } else { 1 };
        (first..=last)
            .enumerate()
            .map(|(at, epoch)| Checkpoint {
                id: (at + 1).to_string(),
                epoch,
                step: self.plan.last_step_of(epoch),
                endpoint: digits(self.seed, ENDPOINT, self.number * MOST_CHECKPOINTS + epoch),
            })
            .collect()
    }

    /// The checkpoint that answers.
    pub(crate) fn serving(&self) -> Option<Checkpoint> {
        let mut checkpoints = self.checkpoints();
        let chosen = self.default_checkpoint.as_ref().and_then(|id| {
            checkpoints
                .iter()
                .position(|checkpoint| checkpoint.id == *id)
        });
        match chosen {
            Some(at) => Some(checkpoints.swap_remove(at)),
            None => checkpoints.pop(),
        }
    }
}

/// An identifier of 19 digits.
fn digits(seed: u64, family: u64, number: u64) -> String {
    let rest = identifier(seed, family, number, b"0123456789", 18);
    format!("{}{rest}", 1 + number % 9)
}
