//! Batch jobs and tuning jobs as work to wait for: how to tell that one is over, and how it ended.

use std::time::Duration;

use gimmal_transport::{Error, Request};
use gimmal_types::gemini::{BatchJob, BatchJobReply, JobState, TunedModelReply, TuningJob};
use gimmal_types::rpc::Status;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use super::{Endpoint, requests};
use crate::poller::{ExponentialPacing, Poll, Verdict};

/// The service gives a batch job up after 48 hours; an hour more lets a poller see that.
const JOB_PATIENCE: Duration = Duration::from_secs(49 * 3600);

/// Jobs take minutes to days: what is done soon is noticed soon, and a day costs 720 questions.
fn job_pacing() -> ExponentialPacing {
    ExponentialPacing::default()
        .with_initial(Duration::from_secs(5))
        .with_max(Duration::from_secs(120))
}

/// A job that ended with a part of its results came to a good end: what failed stands among them.
impl Poll for BatchJob {
    type Output = Self;
    type Reply = PolledBatch;
    const WHAT: &'static str = "a batch job";
    const PATIENCE: Option<Duration> = Some(JOB_PATIENCE);

    fn pacing() -> ExponentialPacing {
        job_pacing()
    }

    fn request(endpoint: &Endpoint, name: &str) -> Result<Request, Error> {
        requests::get_batch(endpoint, name)
    }

    fn cancel_request(endpoint: &Endpoint, name: &str) -> Result<Request, Error> {
        requests::cancel_batch(endpoint, name)
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn verdict(self) -> Verdict<Self> {
        match ending(self.state.as_ref(), self.error.as_deref(), Self::WHAT) {
            Ending::None => Verdict::Running(self),
            Ending::Good => Verdict::Done(self),
            Ending::Bad(error) => Verdict::Failed(error),
        }
    }
}

/// The name of a job on the developer API is that of the model that comes of it.
impl Poll for TuningJob {
    type Output = Self;
    type Reply = PolledTuning;
    const WHAT: &'static str = "a tuning job";
    const PATIENCE: Option<Duration> = Some(JOB_PATIENCE);

    fn pacing() -> ExponentialPacing {
        job_pacing()
    }

    fn request(endpoint: &Endpoint, name: &str) -> Result<Request, Error> {
        requests::get_tuning(endpoint, name)
    }

    fn cancel_request(endpoint: &Endpoint, name: &str) -> Result<Request, Error> {
        requests::cancel_tuning(endpoint, name)
    }

    fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    fn verdict(self) -> Verdict<Self> {
        match ending(self.state.as_ref(), self.error.as_deref(), Self::WHAT) {
            Ending::None => Verdict::Running(self),
            Ending::Good => Verdict::Done(self),
            Ending::Bad(error) => Verdict::Failed(error),
        }
    }
}

enum Ending {
    None,
    Good,
    Bad(Error),
}

fn ending<E: Serialize>(state: Option<&JobState>, error: Option<&E>, what: &str) -> Ending {
    match state {
        Some(JobState::PartiallySucceeded) => Ending::Good,
        Some(state) if state.is_succeeded() => Ending::Good,
        Some(state) if state.is_ended() => Ending::Bad(bad_end(Some(state), error, what)),
        state if error.is_some() => Ending::Bad(bad_end(state, error, what)),
        _ => Ending::None,
    }
}

/// What the job says of its end, and where it says nothing, what its state says.
fn bad_end<E: Serialize>(state: Option<&JobState>, error: Option<&E>, what: &str) -> Error {
    let said = error.and_then(|error| serde_json::to_value(error).ok());
    let mut status = said
        .and_then(|said| Status::from_error_value(&said))
        .unwrap_or_default();
    let (code, ended) = match state {
        Some(JobState::Cancelled) => (1, "was cancelled"),
        Some(JobState::Expired) => (4, "expired before it was done"),
        _ => (2, "failed, and the service does not say why"),
    };
    // A job that was cancelled may repeat the error that it would have ended with.
    if status.code.is_none() || matches!(state, Some(JobState::Cancelled)) {
        status.code = Some(code);
        status.status = None;
    }
    status
        .message
        .get_or_insert_with(|| format!("{what} {ended}"));
    Error::operation_failed(status)
}

/// A batch job as it is read while it is waited for.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
pub struct PolledBatch(BatchJobReply);

impl From<PolledBatch> for BatchJob {
    /// An operation that is done, and whose batch does not name its state, tells by its error.
    fn from(PolledBatch(reply): PolledBatch) -> Self {
        let done = reply.done == Some(true);
        let mut job = Self::from(reply);
        if done && job.state.is_none() {
            job.state = Some(match &job.error {
                None => JobState::Succeeded,
                Some(_) => JobState::Failed,
            });
        }
        job
    }
}

/// A tuning job as it is read while it is waited for: the developer API sends the model instead.
#[derive(Debug)]
pub struct PolledTuning(Box<TuningJob>);

impl<'de> Deserialize<'de> for PolledTuning {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let reply = Map::deserialize(deserializer)?;
        let name = reply.get("name").and_then(Value::as_str);
        let is_model = name.is_some_and(|name| name.starts_with("tunedModels/"));
        let reply = Value::Object(reply);
        let job = if is_model {
            TunedModelReply::deserialize(reply).map(TuningJob::from)
        } else {
            TuningJob::deserialize(reply)
        };
        job.map(|job| Self(Box::new(job))).map_err(D::Error::custom)
    }
}

impl From<PolledTuning> for TuningJob {
    fn from(PolledTuning(job): PolledTuning) -> Self {
        *job
    }
}
