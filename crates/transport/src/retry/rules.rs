//! What is asked after a failure, and in which order. The loops that sleep and try again are the
//! pipeline's, for requests, and the retrier's, for operations.

use std::time::Duration;

use crate::error::Error;
use crate::retry::{Backoff, RetryBudget, RetryDecision, RetryPolicy, RetryState, StopReason};
use crate::time::Jitter;

/// The longest wait a server may ask for unless set otherwise: 120 s.
pub const MAX_SERVER_DELAY: Duration = Duration::from_secs(120);

/// Everything that has a say in whether and when there is another attempt.
pub(crate) struct Rules<'a> {
    pub(crate) policy: &'a dyn RetryPolicy,
    pub(crate) backoff: &'a dyn Backoff,
    pub(crate) budget: Option<&'a RetryBudget>,
    pub(crate) max_server_delay: Duration,
    pub(crate) jitter: &'a dyn Jitter,
    /// How long all attempts and waits may take together.
    pub(crate) deadline: Option<Duration>,
}

impl Rules<'_> {
    /// How long to wait before the next attempt, or why there is none.
    pub(crate) fn judge(&self, state: &RetryState, error: &Error) -> Result<Duration, StopReason> {
        let at_least = match self.policy.decide(state, error) {
            RetryDecision::Retry => Duration::ZERO,
            RetryDecision::RetryAfter(at_least) => at_least,
            RetryDecision::Stop(reason) => return Err(reason),
        };
        let hint = error.retry_after().unwrap_or_default();
        if hint > self.max_server_delay {
            return Err(StopReason::DelayTooLong);
        }
        let own = self.backoff.next_delay(state.attempts, self.jitter);
        let own = own.ok_or(StopReason::AttemptsUsedUp)?;
        let wait = own.max(hint).max(at_least);
        let too_late = |limit| state.elapsed.saturating_add(wait) >= limit;
        if self.deadline.is_some_and(too_late) {
            return Err(StopReason::DeadlineTooClose);
        }
        if self.budget.is_some_and(|budget| !budget.try_spend(error)) {
            return Err(StopReason::BudgetUsedUp);
        }
        Ok(wait)
    }

    /// Takes note of a success.
    pub(crate) fn gain(&self) {
        if let Some(budget) = self.budget {
            budget.gain();
        }
    }

    /// The error to end with when there is no other attempt after `attempts` of them.
    pub(crate) fn give_up(&self, error: Error, attempts: u32, reason: StopReason) -> Error {
        let error = match reason {
            StopReason::DelayTooLong => error.into_delay_too_long(self.max_server_delay),
            _ => error,
        };
        error.given_up(attempts, reason)
    }
}
