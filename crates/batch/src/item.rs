//! What goes in and what comes out: one result for every item.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Category, Failure, Outcome, Recovery, Usage};

/// One unit of work: an input for the strategy, and what the caller wants back with the result.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct WorkItem<I, C = ()> {
    /// The caller's name for it, unique within a run.
    pub id: String,
    /// What the strategy works on.
    pub input: I,
    /// Carried to the result untouched.
    pub context: C,
    /// Which of the run's strategies works on it; `None` for the first one.
    pub strategy: Option<Arc<str>>,
    /// Items of a higher priority are begun first, among those that have been read.
    pub priority: i32,
}

impl<I> WorkItem<I> {
    /// An item without context.
    pub fn new(id: impl Into<String>, input: I) -> Self {
        Self {
            id: id.into(),
            input,
            context: (),
            strategy: None,
            priority: 0,
        }
    }
}

impl<I, C> WorkItem<I, C> {
    /// The same item with a context.
    pub fn with_context<D>(self, context: D) -> WorkItem<I, D> {
        WorkItem {
            id: self.id,
            input: self.input,
            context,
            strategy: self.strategy,
            priority: self.priority,
        }
    }

    /// The same item for another strategy of the run; see [`Strategies::with`](crate::Strategies::with).
    #[must_use]
    pub fn with_strategy(mut self, name: impl Into<Arc<str>>) -> Self {
        self.strategy = Some(name.into());
        self
    }

    /// The same item, to be begun before those of a lower priority; 0 unless set.
    #[must_use]
    pub fn with_priority(mut self, priority: i32) -> Self {
        self.priority = priority;
        self
    }
}

/// What became of an item.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct WorkItemResult<O, C = ()> {
    /// The item's name.
    pub id: String,
    /// Its place in the input, counted from 0.
    pub submission_index: u64,
    /// The output, or why there is none.
    pub outcome: Result<Outcome<O>, Failure>,
    /// From the start of its work to its end, waits included.
    pub latency: Duration,
    /// What each try took; none for a result that was kept from an earlier run.
    pub attempts: Vec<AttemptTiming>,
    /// True when an earlier run had it done, so that nothing was sent.
    pub is_replayed: bool,
    /// The item whose answer this is, when both asked the same.
    pub deduplicated_from: Option<String>,
    /// The item's context.
    pub context: C,
}

impl<O, C> WorkItemResult<O, C> {
    /// Requests on the wire that the item took.
    pub fn attempts(&self) -> u32 {
        match &self.outcome {
            Ok(outcome) => outcome.attempts,
            Err(failure) => failure.attempts,
        }
    }

    /// Tokens that the item took, those of failed tries included.
    pub fn usage(&self) -> Usage {
        match &self.outcome {
            Ok(outcome) => outcome.usage,
            Err(failure) => failure.billed().unwrap_or_default(),
        }
    }

    /// How the output was made usable, when it was not as it came.
    pub fn recovered(&self) -> Option<Recovery> {
        self.outcome.as_ref().ok()?.recovered
    }

    /// The sort of failure; `None` for an output.
    pub fn category(&self) -> Option<&Category> {
        self.outcome.as_ref().err().map(|failure| &failure.category)
    }

    /// The sum of one wait over all tries, such as
    /// `result.waited(|timing| timing.cooldown_wait)`.
    pub fn waited(&self, wait: impl Fn(&AttemptTiming) -> Duration) -> Duration {
        self.attempts.iter().map(wait).sum()
    }

    /// The same result with a context made from the item's own.
    pub fn map_context<D>(self, change: impl FnOnce(C) -> D) -> WorkItemResult<O, D> {
        WorkItemResult {
            id: self.id,
            submission_index: self.submission_index,
            outcome: self.outcome,
            latency: self.latency,
            attempts: self.attempts,
            is_replayed: self.is_replayed,
            deduplicated_from: self.deduplicated_from,
            context: change(self.context),
        }
    }
}

/// Where the time of one try went.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct AttemptTiming {
    /// The attempt it belongs to, counted from 1; a refusal for the rate does not begin another.
    pub attempt: u32,
    /// The try, counted from 1 over all attempts.
    pub try_number: u32,
    /// All of it, waits included.
    pub total: Duration,
    /// Waiting for a pause to end, and for a turn after it.
    pub cooldown_wait: Duration,
    /// Waiting for requests or tokens per minute.
    pub quota_wait: Duration,
    /// Waiting for one of the places of calls in flight.
    pub admission_wait: Duration,
    /// The call.
    pub execution: Duration,
    /// The wait before the next try.
    pub backoff: Duration,
    /// Why it failed; `None` for a success.
    pub category: Option<Category>,
    /// Tokens set aside before the call.
    pub reserved_tokens: u64,
    /// Tokens it took, as far as that is known.
    pub usage: Option<Usage>,
}
