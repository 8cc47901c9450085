//! What is told of a recovery as it happens.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// A step of a recovery.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecoveryEvent {
    /// The server gave a run up.
    Detected {
        /// The run.
        run_id: String,
        /// Its last checkpoint.
        checkpoint: Option<String>,
    },
    /// A run could not be asked about.
    PollError {
        /// The run.
        run_id: String,
        /// Why not.
        error: String,
    },
    /// An attempt begins.
    Started {
        /// The run.
        run_id: String,
        /// The number of the attempt; the first one is 1.
        attempt: u32,
    },
    /// It is known what the run goes on from.
    CheckpointSelected {
        /// The run.
        run_id: String,
        /// The number of the attempt.
        attempt: u32,
        /// The checkpoint.
        checkpoint: String,
    },
    /// There is a new client.
    ClientCreated {
        /// The run.
        run_id: String,
        /// The number of the attempt.
        attempt: u32,
        /// The checkpoint.
        checkpoint: String,
    },
    /// The run goes on.
    Completed {
        /// The run that was lost.
        run_id: String,
        /// The number of the attempt.
        attempt: u32,
        /// The checkpoint.
        checkpoint: String,
    },
    /// An attempt failed.
    Failed {
        /// The run.
        run_id: String,
        /// The number of the attempt.
        attempt: u32,
        /// Why.
        error: String,
    },
    /// There will be no further attempt.
    Exhausted {
        /// The run.
        run_id: String,
        /// The number of the last attempt.
        attempt: u32,
        /// Why it failed.
        error: String,
    },
}

/// Hears of the steps of recoveries. One that panics does no harm.
pub trait RecoveryObserver: fmt::Debug + Send + Sync + 'static {
    /// A step was taken.
    fn on_event(&self, event: &RecoveryEvent);
}

/// Those who hear of the steps.
#[derive(Clone, Debug, Default)]
pub(super) struct Observers(Vec<Arc<dyn RecoveryObserver>>);

impl Observers {
    pub(super) fn add(&mut self, observer: Arc<dyn RecoveryObserver>) {
        self.0.push(observer);
    }

    pub(super) fn tell(&self, event: &RecoveryEvent) {
        tracing::debug!(?event, "recovery");
        for observer in &self.0 {
            harmless(|| observer.on_event(event));
        }
    }
}

/// Runs code of the caller's, whose panic is logged and goes no further.
pub(super) fn harmless(call: impl FnOnce()) {
    if catch_unwind(AssertUnwindSafe(call)).is_err() {
        tracing::warn!("a callback of the recovery panicked");
    }
}
