//! The leave to make one call, and the refusal of it. A permit reports at most one verdict.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use crate::circuit::CircuitBreaker;

/// The leave to make one call through a [`CircuitBreaker`].
///
/// It is to be resolved by [`success`](Self::success) or [`failure`](Self::failure). Dropped
/// unresolved, it counts as neither and only gives its place back, because a call that the caller
/// gave up says nothing about the server.
#[derive(Debug)]
#[must_use = "a permit that is dropped unresolved reports nothing"]
pub struct CircuitPermit {
    breaker: CircuitBreaker,
    generation: u64,
    resolved: bool,
}

impl CircuitPermit {
    pub(super) fn new(breaker: CircuitBreaker, generation: u64) -> Self {
        Self {
            breaker,
            generation,
            resolved: false,
        }
    }

    /// Whether the circuit has changed since, so that the leave is out of date.
    pub(crate) fn is_stale(&self) -> bool {
        self.breaker.generation() != self.generation
    }

    /// The server did its work.
    pub fn success(mut self) {
        self.resolved = true;
        self.breaker.succeed(self.generation);
    }

    /// The server did not do its work.
    pub fn failure(mut self) {
        self.resolved = true;
        self.breaker.fail(self.generation);
    }
}

impl Drop for CircuitPermit {
    fn drop(&mut self) {
        if !self.resolved {
            self.breaker.abandon(self.generation);
        }
    }
}

/// No call was made, because the circuit is open or its probes are all out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CircuitOpen {
    name: Arc<str>,
    retry_after: Option<Duration>,
}

impl CircuitOpen {
    pub(super) fn new(name: Arc<str>, retry_after: Option<Duration>) -> Self {
        Self { name, retry_after }
    }

    /// The name of the breaker.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// When probes are let out; `None` while the result of a probe is awaited.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

impl fmt::Display for CircuitOpen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "circuit `{}` is open after repeated failures", self.name)?;
        match self.retry_after {
            Some(delay) => write!(f, ", next probe in {delay:?}"),
            None => f.write_str(", a probe is under way"),
        }
    }
}

impl std::error::Error for CircuitOpen {}
