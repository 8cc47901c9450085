//! Policies made of other policies: each adds one rule and leaves the rest to the one within.

use std::collections::BTreeSet;
use std::num::NonZeroU32;
use std::time::Duration;

use http::StatusCode;

use crate::error::Error;
use crate::request::Idempotency;
use crate::retry::{RetryDecision, RetryPolicy, RetryState, StopReason};

/// Rules that can be added to any [`RetryPolicy`].
///
/// ```
/// use std::time::Duration;
/// use gimmal_transport::{RetryPolicyExt, StandardRetry, Transport};
/// use http::StatusCode;
///
/// # fn main() -> Result<(), gimmal_transport::Error> {
/// // A server that answers 409 to a name that is taken, which no retry changes.
/// let policy = StandardRetry::tinker()
///     .without_statuses([StatusCode::CONFLICT])
///     .with_time_limit(Duration::from_secs(300));
/// let transport = Transport::builder().with_retry_policy(policy).build()?;
/// # let _ = transport;
/// # Ok(())
/// # }
/// ```
pub trait RetryPolicyExt: RetryPolicy + Sized {
    /// Makes at most so many attempts, the first one included.
    fn with_attempt_limit(self, limit: NonZeroU32) -> AttemptLimit<Self> {
        AttemptLimit {
            policy: self,
            limit,
        }
    }

    /// Makes no further attempt when this much time has passed since the call began.
    ///
    /// An attempt that is under way may take longer; a limit on that is
    /// [`CallOptions::with_deadline`](crate::CallOptions::with_deadline).
    fn with_time_limit(self, limit: Duration) -> TimeLimit<Self> {
        TimeLimit {
            policy: self,
            limit,
        }
    }

    /// Takes every other refusal than these for permanent. Failures without an answer are not
    /// concerned.
    fn with_only_statuses(
        self,
        statuses: impl IntoIterator<Item = StatusCode>,
    ) -> StatusFilter<Self> {
        StatusFilter {
            policy: self,
            statuses: numbers(statuses),
            listed_pass: true,
        }
    }

    /// Takes these refusals for permanent.
    fn without_statuses(
        self,
        statuses: impl IntoIterator<Item = StatusCode>,
    ) -> StatusFilter<Self> {
        StatusFilter {
            policy: self,
            statuses: numbers(statuses),
            listed_pass: false,
        }
    }

    /// Takes every request for one that may be repeated.
    fn with_all_idempotent(self) -> AllIdempotent<Self> {
        AllIdempotent { policy: self }
    }

    /// Waits for at least this long after a refusal with this status, for servers that do not say
    /// how long.
    fn with_least_wait(self, status: StatusCode, wait: Duration) -> LeastWait<Self> {
        LeastWait {
            policy: self,
            status,
            wait,
        }
    }
}

impl<P: RetryPolicy> RetryPolicyExt for P {}

fn numbers(statuses: impl IntoIterator<Item = StatusCode>) -> BTreeSet<u16> {
    statuses.into_iter().map(|status| status.as_u16()).collect()
}

/// The decision, unless it is to go on and `over` says that a limit is reached.
fn unless(decision: RetryDecision, over: bool, reason: StopReason) -> RetryDecision {
    match decision {
        // The first reason is the better one: what is permanent is so at any attempt.
        RetryDecision::Stop(_) => decision,
        _ if over => RetryDecision::Stop(reason),
        _ => decision,
    }
}

/// A policy with a limit on the attempts; see [`RetryPolicyExt::with_attempt_limit`].
#[derive(Clone, Debug)]
pub struct AttemptLimit<P> {
    policy: P,
    limit: NonZeroU32,
}

impl<P: RetryPolicy> RetryPolicy for AttemptLimit<P> {
    fn decide(&self, state: &RetryState, error: &Error) -> RetryDecision {
        let over = state.attempts >= self.limit.get();
        let decision = self.policy.decide(state, error);
        unless(decision, over, StopReason::AttemptsUsedUp)
    }
}

/// A policy with a limit on the time; see [`RetryPolicyExt::with_time_limit`].
#[derive(Clone, Debug)]
pub struct TimeLimit<P> {
    policy: P,
    limit: Duration,
}

impl<P: RetryPolicy> RetryPolicy for TimeLimit<P> {
    fn decide(&self, state: &RetryState, error: &Error) -> RetryDecision {
        let over = state.elapsed >= self.limit;
        let decision = self.policy.decide(state, error);
        unless(decision, over, StopReason::TimeUsedUp)
    }
}

/// A policy for some of the statuses; see [`RetryPolicyExt::with_only_statuses`] and
/// [`RetryPolicyExt::without_statuses`].
#[derive(Clone, Debug)]
pub struct StatusFilter<P> {
    policy: P,
    statuses: BTreeSet<u16>,
    listed_pass: bool,
}

impl<P: RetryPolicy> RetryPolicy for StatusFilter<P> {
    fn decide(&self, state: &RetryState, error: &Error) -> RetryDecision {
        let passes = match error.status() {
            Some(status) if error.is_status() => {
                self.statuses.contains(&status.as_u16()) == self.listed_pass
            }
            _ => true,
        };
        let decision = self.policy.decide(state, error);
        unless(decision, !passes, StopReason::Permanent)
    }
}

/// A policy that knows no unsafe requests; see [`RetryPolicyExt::with_all_idempotent`].
#[derive(Clone, Debug)]
pub struct AllIdempotent<P> {
    policy: P,
}

impl<P: RetryPolicy> RetryPolicy for AllIdempotent<P> {
    fn decide(&self, state: &RetryState, error: &Error) -> RetryDecision {
        let state = RetryState {
            idempotency: Idempotency::Idempotent,
            ..*state
        };
        self.policy.decide(&state, error)
    }
}

/// A policy that waits after a status; see [`RetryPolicyExt::with_least_wait`].
#[derive(Clone, Debug)]
pub struct LeastWait<P> {
    policy: P,
    status: StatusCode,
    wait: Duration,
}

impl<P: RetryPolicy> RetryPolicy for LeastWait<P> {
    fn decide(&self, state: &RetryState, error: &Error) -> RetryDecision {
        let decision = self.policy.decide(state, error);
        match decision {
            _ if error.status() != Some(self.status) => decision,
            RetryDecision::Retry => RetryDecision::RetryAfter(self.wait),
            RetryDecision::RetryAfter(other) => RetryDecision::RetryAfter(other.max(self.wait)),
            RetryDecision::Stop(_) => decision,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use http::HeaderMap;

    use super::*;
    use crate::retry::StandardRetry;

    const SECOND: Duration = Duration::from_secs(1);
    const RETRY: RetryDecision = RetryDecision::Retry;

    fn stop(reason: StopReason) -> RetryDecision {
        RetryDecision::Stop(reason)
    }

    fn status(code: u16) -> Error {
        let status = StatusCode::from_u16(code).unwrap();
        Error::from_response(status, HeaderMap::new(), Bytes::new())
    }

    fn decide(policy: &impl RetryPolicy, attempts: u32, error: &Error) -> RetryDecision {
        let elapsed = attempts * SECOND;
        policy.decide(
            &RetryState::new(attempts, elapsed, Idempotency::Idempotent),
            error,
        )
    }

    #[test]
    fn limits_on_attempts_and_time_give_the_reason_of_their_own() {
        let two = NonZeroU32::new(2).unwrap();
        let attempts = StandardRetry::default().with_attempt_limit(two);
        assert_eq!(decide(&attempts, 1, &status(503)), RETRY);
        let used_up = stop(StopReason::AttemptsUsedUp);
        assert_eq!(decide(&attempts, 2, &status(503)), used_up);

        let time = StandardRetry::default().with_time_limit(3 * SECOND);
        assert_eq!(decide(&time, 2, &status(503)), RETRY);
        let used_up = stop(StopReason::TimeUsedUp);
        assert_eq!(decide(&time, 3, &status(503)), used_up);
        for policy in [&attempts as &dyn RetryPolicy, &time] {
            let state = RetryState::new(4, 4 * SECOND, Idempotency::Idempotent);
            let decision = policy.decide(&state, &status(400));
            assert_eq!(decision, stop(StopReason::Permanent));
        }
    }

    #[test]
    fn statuses_are_picked_or_left_out() {
        let only = StandardRetry::default().with_only_statuses([StatusCode::SERVICE_UNAVAILABLE]);
        let except = StandardRetry::tinker().without_statuses([StatusCode::CONFLICT]);
        let permanent = stop(StopReason::Permanent);
        assert_eq!(decide(&only, 1, &status(503)), RETRY);
        assert_eq!(decide(&only, 1, &status(429)), permanent);
        assert_eq!(decide(&only, 1, &Error::connect("refused")), RETRY);
        assert_eq!(decide(&except, 1, &status(503)), RETRY);
        assert_eq!(decide(&except, 1, &status(409)), permanent);
        assert_eq!(decide(&StandardRetry::tinker(), 1, &status(409)), RETRY);
    }

    #[test]
    fn an_unsafe_request_becomes_safe() {
        let state = RetryState::new(1, SECOND, Idempotency::NotIdempotent);
        let policy = StandardRetry::default();
        let unsafe_to_repeat = stop(StopReason::NotIdempotent);
        assert_eq!(policy.decide(&state, &status(503)), unsafe_to_repeat);
        let policy = policy.with_all_idempotent();
        assert_eq!(policy.decide(&state, &status(503)), RETRY);
    }

    #[test]
    fn waits_add_up_to_the_longest() {
        let policy = StandardRetry::default()
            .with_least_wait(StatusCode::TOO_MANY_REQUESTS, 5 * SECOND)
            .with_least_wait(StatusCode::TOO_MANY_REQUESTS, SECOND);
        let waits = RetryDecision::RetryAfter(5 * SECOND);
        assert_eq!(decide(&policy, 1, &status(429)), waits);
        assert_eq!(decide(&policy, 1, &status(503)), RETRY);
        assert_eq!(
            decide(&policy, 5, &status(429)),
            stop(StopReason::AttemptsUsedUp)
        );
    }

    #[test]
    fn a_shared_policy_is_one_to_build_on() {
        let shared: Arc<dyn RetryPolicy> = Arc::new(StandardRetry::default());
        let policy = shared.with_attempt_limit(NonZeroU32::MIN);
        let used_up = stop(StopReason::AttemptsUsedUp);
        assert_eq!(decide(&policy, 1, &status(503)), used_up);
    }
}
