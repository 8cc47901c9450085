//! One operation: the work it stands for, how far it is, and its wire form.

use std::{
    fmt,
    time::{Duration, SystemTime},
};

use serde_json::{Map, Value, json};

use crate::gemini::{caches::Scope, errors::ApiError, service::Gemini};

/// What an operation does once its time has passed, and at which moment that was. It returns the
/// response of the operation.
pub(crate) type Finish = Box<dyn FnOnce(&Gemini, SystemTime) -> Result<Value, ApiError> + Send>;

/// Work to begin.
pub(crate) struct Work {
    pub(crate) owner: Scope,
    /// The full name, as the wire has it.
    pub(crate) name: String,
    /// What it is about, in the caller's words; decides whether it is set to fail.
    pub(crate) about: String,
    /// How long it takes; the time of the settings when nothing is said.
    pub(crate) takes: Option<Duration>,
    /// What its description says all along.
    pub(crate) metadata: Map<String, Value>,
    /// The field of the metadata that tells how many percent are done.
    pub(crate) progress: Option<&'static str>,
    pub(crate) finish: Finish,
}

/// Work that was begun.
pub(super) struct Operation {
    /// The position in the list.
    pub(super) number: u64,
    pub(super) owner: Scope,
    pub(super) name: String,
    pub(super) metadata: Map<String, Value>,
    pub(super) progress: Option<&'static str>,
    pub(super) began: SystemTime,
    pub(super) due: SystemTime,
    pub(super) standing: Standing,
    /// Whether nobody wants to hear of it any more.
    pub(super) forgotten: bool,
}

/// How an operation stands.
pub(super) enum Standing {
    /// It runs until it is due.
    Running(Finish),
    /// It is due, and its end is being made.
    Ending,
    Done(Result<Value, ApiError>),
}

impl Operation {
    pub(super) fn is_done(&self) -> bool {
        matches!(self.standing, Standing::Done(_))
    }

    /// The wire form.
    pub(super) fn to_json(&self, now: SystemTime) -> Value {
        let mut metadata = self.metadata.clone();
        if let Some(field) = self.progress {
            metadata.insert(field.to_owned(), self.percent(now).into());
        }
        let mut body = json!({ "name": self.name });
        if !metadata.is_empty() {
            body["metadata"] = metadata.into();
        }
        if let Standing::Done(result) = &self.standing {
            body["done"] = true.into();
            match result {
                Ok(response) => body["response"] = response.clone(),
                Err(error) => body["error"] = error.to_status(),
            }
        }
        body
    }

    /// How much of its time has passed. It is whole only when the operation is done.
    fn percent(&self, now: SystemTime) -> u64 {
        if self.is_done() {
            return 100;
        }
        let passed = now.duration_since(self.began).unwrap_or_default();
        let whole = self.due.duration_since(self.began).unwrap_or_default();
        let percent = passed.as_millis() * 100 / whole.as_millis().max(1);
        u64::try_from(percent).unwrap_or(u64::MAX).min(99)
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Operation")
            .field("name", &self.name)
            .field("due", &self.due)
            .field("done", &self.is_done())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Work")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}
