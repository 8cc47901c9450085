//! What goes in and what comes out: one result for every item.

use std::time::Duration;

use super::{Failure, Outcome};

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
}

impl<I> WorkItem<I> {
    /// An item without context.
    pub fn new(id: impl Into<String>, input: I) -> Self {
        Self {
            id: id.into(),
            input,
            context: (),
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
        }
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
    /// The same result with a context made from the item's own.
    pub fn map_context<D>(self, change: impl FnOnce(C) -> D) -> WorkItemResult<O, D> {
        WorkItemResult {
            id: self.id,
            submission_index: self.submission_index,
            outcome: self.outcome,
            latency: self.latency,
            context: change(self.context),
        }
    }
}
