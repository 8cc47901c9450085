//! What a retry policy is told and what it answers.

use std::fmt;
use std::time::Duration;

use crate::request::Idempotency;

/// Where a call stands when an attempt has failed.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct RetryState {
    /// Attempts made so far, the failed one included.
    pub attempts: u32,
    /// Time since the call began.
    pub elapsed: Duration,
    /// Whether repeating the request is safe.
    pub idempotency: Idempotency,
}

impl RetryState {
    /// The state after `attempts` attempts, for tests of a policy.
    pub fn new(attempts: u32, elapsed: Duration, idempotency: Idempotency) -> Self {
        Self {
            attempts,
            elapsed,
            idempotency,
        }
    }
}

/// Whether to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryDecision {
    /// Wait, then try again.
    Retry,
    /// Hand the error to the caller.
    Stop(StopReason),
}

/// Why a call was not tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StopReason {
    /// The same request would fail the same way.
    Permanent,
    /// The request may have been carried out, and repeating it may repeat its effect.
    NotIdempotent,
    /// The policy allows no more attempts.
    AttemptsUsedUp,
    /// The policy does not retry at all.
    RetriesOff,
    /// The client has retried so much lately that it is in trouble as a whole.
    BudgetUsedUp,
    /// The wait would outlast the call's deadline.
    DeadlineTooClose,
    /// The server asks for a longer wait than the client may sleep.
    DelayTooLong,
    /// A circuit breaker is open.
    CircuitOpen,
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Permanent => "the failure is permanent",
            Self::NotIdempotent => "the request is not idempotent",
            Self::AttemptsUsedUp => "no attempts left",
            Self::RetriesOff => "retries are off",
            Self::BudgetUsedUp => "the retry budget is used up",
            Self::DeadlineTooClose => "the deadline is too close",
            Self::DelayTooLong => "the server asks for too long a wait",
            Self::CircuitOpen => "the circuit is open",
        })
    }
}
