//! The batch jobs there are: their requests, the answers so far, and how they stand. Jobs are
//! brought up to date before anybody looks; see `run.rs` for that.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use serde_json::{Map, Value};

use crate::{
    gemini::{
        auth::Caller,
        caches::Scope,
        errors::ApiError,
        jobs::{Pace, after},
    },
    rng::identifier,
    route::{Backend, Target},
};

/// How long a job may take before it is given up.
const LIFETIME: Duration = Duration::from_secs(48 * 3600);
/// The families of identifiers that those of jobs are drawn from.
const DEVELOPER: u64 = 26;
const VERTEX: u64 = 27;

/// All batch jobs of an emulator.
#[derive(Debug)]
pub(crate) struct Batches {
    seed: u64,
    jobs: Mutex<Jobs>,
}

/// The jobs by owner and identifier.
#[derive(Debug, Default)]
pub(crate) struct Jobs {
    pub(super) jobs: BTreeMap<(Scope, String), Job>,
    made: u64,
}

/// What the requests of a job are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Generate,
    Embed,
}

/// Where the answers go.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Destination {
    /// Into the job itself.
    Inline,
    /// Into a file of the developer service.
    File,
    /// Into an object of JSON lines below this address.
    Objects(String),
    /// Into this table.
    Table(String),
}

/// One request of a job.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    /// What is to be run, or why that cannot be.
    pub(crate) request: Result<Value, ApiError>,
    /// What comes back beside the answer: the key of a line, the metadata of a request, or the whole
    /// line or row.
    pub(crate) tag: Option<Value>,
}

/// The answer to one request.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) result: Result<Value, ApiError>,
    pub(crate) time: SystemTime,
}

/// A job.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    /// The position in the list.
    pub(crate) number: u64,
    pub(crate) id: String,
    pub(crate) owner: Scope,
    /// Who made it, and in whose name its requests are run.
    pub(crate) caller: Caller,
    pub(crate) target: Target,
    pub(crate) kind: Kind,
    /// The model as paths are taken apart to, and as it is shown.
    pub(crate) model: String,
    pub(crate) model_name: String,
    pub(crate) display_name: String,
    /// What is shown again of the request.
    pub(crate) shown: Map<String, Value>,
    pub(crate) items: Result<Vec<Item>, ApiError>,
    pub(crate) destination: Destination,
    pub(crate) pace: Pace,
    pub(crate) created: SystemTime,
    pub(crate) cancelled: Option<SystemTime>,
    /// The answers to the first of the requests.
    pub(crate) answers: Vec<Answer>,
    /// Where the answers were put once the job had ended.
    pub(crate) output: Option<String>,
    /// Whether nothing will happen any more.
    pub(super) settled: bool,
}

/// How a job stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Pending,
    Running,
    Succeeded,
    Failed,
    Cancelling,
    Cancelled,
    Expired,
}

/// What a job is made from.
#[derive(Debug)]
pub(crate) struct NewJob {
    pub(crate) owner: Scope,
    pub(crate) caller: Caller,
    pub(crate) target: Target,
    pub(crate) kind: Kind,
    pub(crate) model: String,
    pub(crate) model_name: String,
    pub(crate) display_name: String,
    pub(crate) shown: Map<String, Value>,
    pub(crate) items: Result<Vec<Item>, ApiError>,
    pub(crate) destination: Destination,
    pub(crate) pace: Pace,
    pub(crate) created: SystemTime,
}

impl Batches {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            jobs: Mutex::default(),
        }
    }

    pub(super) fn insert(&self, new: NewJob) -> Job {
        let mut jobs = self.lock();
        jobs.made += 1;
        let number = jobs.made;
        let id = match new.target.backend {
            Backend::Developer => identifier(
                self.seed,
                DEVELOPER,
                number,
                b"abcdefghijklmnopqrstuvwxyz0123456789",
                36,
            ),
            Backend::Vertex => {
                let rest = identifier(self.seed, VERTEX, number, b"0123456789", 18);
                format!("{}{rest}", 1 + number % 9)
            }
        };
        let job = Job {
            number,
            id,
            owner: new.owner,
            caller: new.caller,
            target: new.target,
            kind: new.kind,
            model: new.model,
            model_name: new.model_name,
            display_name: new.display_name,
            shown: new.shown,
            items: new.items,
            destination: new.destination,
            pace: new.pace,
            created: new.created,
            cancelled: None,
            answers: Vec::new(),
            output: None,
            settled: false,
        };
        let key = (job.owner.clone(), job.id.clone());
        jobs.jobs.insert(key, job.clone());
        job
    }

    pub(super) fn get(&self, owner: &Scope, id: &str) -> Option<Job> {
        let key = (owner.clone(), id.to_owned());
        self.lock().jobs.get(&key).cloned()
    }

    pub(super) fn list(&self, owner: &Scope) -> Vec<Job> {
        let jobs = self.lock();
        let own = jobs.jobs.values().filter(|job| job.owner == *owner);
        own.cloned().collect()
    }

    pub(super) fn remove(&self, job: &Job) {
        let key = (job.owner.clone(), job.id.clone());
        self.lock().jobs.remove(&key);
    }

    /// Stops a job that has not ended.
    pub(super) fn cancel(&self, job: &Job, now: SystemTime) {
        let key = (job.owner.clone(), job.id.clone());
        if let Some(job) = self.lock().jobs.get_mut(&key) {
            job.cancelled.get_or_insert(now);
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Jobs> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Job {
    pub(crate) fn state(&self, now: SystemTime) -> State {
        let ended = self.ended(now).is_some();
        if let Some(cancelled) = self.cancelled.filter(|at| *at <= now) {
            // Vertex lets what is under way come to its end.
            let stopping = now < after(cancelled, self.pace.step);
            return match self.target.backend {
                Backend::Vertex if stopping => State::Cancelling,
                _ => State::Cancelled,
            };
        }
        if now < self.pace.start(self.created) && !ended {
            return State::Pending;
        }
        match (&self.items, ended) {
            (_, false) => State::Running,
            (Err(_), true) => State::Failed,
            (Ok(items), true) if self.answers.len() == items.len() => State::Succeeded,
            (Ok(_), true) => State::Expired,
        }
    }

    /// When it ended, if it has.
    pub(crate) fn ended(&self, now: SystemTime) -> Option<SystemTime> {
        let done = match &self.items {
            Ok(items) => self.pace.end_of(self.created, items.len() as u64),
            Err(_) => self.pace.start(self.created),
        };
        let given_up = after(self.created, LIFETIME);
        let ended = done.min(given_up);
        let ended = self.cancelled.map_or(ended, |at| at.min(ended));
        (ended <= now).then_some(ended)
    }

    /// How many requests are answered by `now`.
    pub(super) fn due(&self, now: SystemTime) -> usize {
        let until = self.ended(now).unwrap_or(now);
        let count = self.items.as_ref().map_or(0, Vec::len);
        let done = |n: usize| self.time_of(n) <= until;
        // The times only grow, so the first that is not due ends the count.
        (self.answers.len()..count)
            .find(|n| !done(*n))
            .unwrap_or(count)
    }

    /// When the request at `n` is answered.
    pub(super) fn time_of(&self, n: usize) -> SystemTime {
        self.pace.end_of(self.created, n as u64 + 1)
    }

    /// When anything last happened to it.
    pub(crate) fn updated(&self, now: SystemTime) -> SystemTime {
        let latest = self.answers.last().map(|answer| answer.time);
        let started = Some(self.pace.start(self.created)).filter(|start| *start <= now);
        self.ended(now)
            .or(latest)
            .or(started)
            .unwrap_or(self.created)
    }

    /// All requests, the answered ones that went well, and those that did not.
    pub(crate) fn counts(&self) -> (usize, usize, usize) {
        let all = self.items.as_ref().map_or(0, Vec::len);
        let failed = self.answers.iter().filter(|it| it.result.is_err()).count();
        (all, self.answers.len() - failed, failed)
    }
}
