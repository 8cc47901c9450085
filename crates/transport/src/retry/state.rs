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
///
/// However a policy decides, the call waits at least as long as the server asks
/// ([`Error::retry_after`](crate::Error::retry_after)) and as the backoff says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RetryDecision {
    /// Wait, then try again.
    Retry,
    /// Wait for at least this long, then try again.
    RetryAfter(Duration),
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
    /// A layer below has tried again already.
    AlreadyRetried,
    /// The policy allows no more attempts.
    AttemptsUsedUp,
    /// The policy allows no more time.
    TimeUsedUp,
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
    /// The client itself holds back, because the server refuses too much.
    Throttled,
    /// No call of the client has got anywhere for too long.
    NoProgress,
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Permanent => "the failure is permanent",
            Self::NotIdempotent => "the request is not idempotent",
            Self::AlreadyRetried => "it was retried before",
            Self::AttemptsUsedUp => "no attempts left",
            Self::TimeUsedUp => "no time left for retries",
            Self::RetriesOff => "retries are off",
            Self::BudgetUsedUp => "the retry budget is used up",
            Self::DeadlineTooClose => "the deadline is too close",
            Self::DelayTooLong => "the server asks for too long a wait",
            Self::CircuitOpen => "the circuit is open",
            Self::Throttled => "the server refuses too much",
            Self::NoProgress => "no call makes progress",
        })
    }
}
