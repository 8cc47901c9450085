//! Which failures are tried again. A policy only judges; waiting, budgets and deadlines are the
//! pipeline's.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::num::NonZeroU32;
use std::sync::Arc;

use http::StatusCode;

use crate::error::{Delivery, Error, ErrorKind, Persistence};
use crate::request::Idempotency;
use crate::retry::{RetryDecision, RetryState, StopReason};

/// Attempts of [`StandardRetry`], the first one included.
const MAX_ATTEMPTS: NonZeroU32 = NonZeroU32::new(5).unwrap();

/// Statuses that [`StandardRetry`] takes for temporary.
const RETRIED_STATUSES: [u16; 6] = [408, 429, 500, 502, 503, 504];

/// Decides whether a failed attempt is followed by another.
pub trait RetryPolicy: Debug + Send + Sync + 'static {
    /// Judges the failure of the last attempt.
    fn decide(&self, state: &RetryState, error: &Error) -> RetryDecision;
}

impl<P: RetryPolicy + ?Sized> RetryPolicy for Arc<P> {
    fn decide(&self, state: &RetryState, error: &Error) -> RetryDecision {
        (**self).decide(state, error)
    }
}

/// Anything that can stand for a retry policy: a value of a type that implements
/// [`RetryPolicy`], such as an `Arc` of one.
#[derive(Clone, Debug)]
pub struct RetryPolicyArg(Arc<dyn RetryPolicy>);

impl RetryPolicyArg {
    pub(crate) fn into_inner(self) -> Arc<dyn RetryPolicy> {
        self.0
    }
}

impl<P: RetryPolicy> From<P> for RetryPolicyArg {
    fn from(policy: P) -> Self {
        Self(Arc::new(policy))
    }
}

/// The policy in force unless another is set.
///
/// | failure | idempotent request | other request |
/// |---|---|---|
/// | no connection could be made | retried | retried |
/// | connection lost, time limit passed | retried | not retried |
/// | 408, 429, 500, 502, 503, 504 | retried | not retried |
/// | 429 that names a quota per day | not retried | not retried |
/// | anything else | not retried | not retried |
///
/// The header `x-should-retry` of an answer, `true` or `false`, takes the place of the list of
/// statuses. It changes neither the number of attempts nor what is safe to repeat.
///
/// ```
/// use std::num::NonZeroU32;
/// use gimmal_transport::StandardRetry;
///
/// let policy = StandardRetry::default().with_max_attempts(NonZeroU32::MIN);
/// assert_eq!(policy.max_attempts().get(), 1);
/// ```
#[derive(Clone, Debug)]
pub struct StandardRetry {
    max_attempts: NonZeroU32,
    statuses: BTreeSet<u16>,
}

impl Default for StandardRetry {
    fn default() -> Self {
        Self {
            max_attempts: MAX_ATTEMPTS,
            statuses: BTreeSet::from(RETRIED_STATUSES),
        }
    }
}

impl StandardRetry {
    /// Sets how many attempts are made at most. The first one counts, so 1 means no retries; the
    /// default is 5.
    #[must_use]
    pub fn with_max_attempts(mut self, max_attempts: NonZeroU32) -> Self {
        self.max_attempts = max_attempts;
        self
    }

    /// Sets the statuses that are retried, in place of the default ones.
    #[must_use]
    pub fn with_statuses(mut self, statuses: impl IntoIterator<Item = StatusCode>) -> Self {
        self.statuses = statuses.into_iter().map(|status| status.as_u16()).collect();
        self
    }

    /// How many attempts are made at most.
    pub fn max_attempts(&self) -> NonZeroU32 {
        self.max_attempts
    }

    fn may_pass(&self, error: &Error) -> bool {
        match (error.status(), error.retry_advice()) {
            _ if error.kind() == ErrorKind::QuotaExhausted => false,
            (_, Some(advice)) => advice,
            (Some(status), _) if !status.is_success() => self.statuses.contains(&status.as_u16()),
            _ => error.persistence() == Persistence::Temporary,
        }
    }
}

impl RetryPolicy for StandardRetry {
    fn decide(&self, state: &RetryState, error: &Error) -> RetryDecision {
        let safe =
            state.idempotency == Idempotency::Idempotent || error.delivery() == Delivery::NotSent;
        if error.persistence() == Persistence::Persistent {
            RetryDecision::Stop(StopReason::AlreadyRetried)
        } else if !self.may_pass(error) {
            RetryDecision::Stop(StopReason::Permanent)
        } else if !safe {
            RetryDecision::Stop(StopReason::NotIdempotent)
        } else if state.attempts >= self.max_attempts.get() {
            RetryDecision::Stop(StopReason::AttemptsUsedUp)
        } else {
            RetryDecision::Retry
        }
    }
}

/// The policy that never tries again.
#[derive(Clone, Copy, Debug, Default)]
pub struct NeverRetry;

impl RetryPolicy for NeverRetry {
    fn decide(&self, _state: &RetryState, _error: &Error) -> RetryDecision {
        RetryDecision::Stop(StopReason::RetriesOff)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use http::HeaderMap;
    use test_case::test_case;

    use super::*;
    use crate::error::TimeoutKind;

    const RETRY: RetryDecision = RetryDecision::Retry;
    const PERMANENT: RetryDecision = RetryDecision::Stop(StopReason::Permanent);
    const UNSAFE: RetryDecision = RetryDecision::Stop(StopReason::NotIdempotent);

    fn status(code: u16, body: &'static str) -> Error {
        let status = StatusCode::from_u16(code).unwrap();
        Error::from_response(status, HeaderMap::new(), Bytes::from(body))
    }

    fn decide(error: &Error, attempts: u32, idempotency: Idempotency) -> RetryDecision {
        let state = RetryState::new(attempts, Duration::ZERO, idempotency);
        StandardRetry::default().decide(&state, error)
    }

    const DAILY: &str = r#"{"error": {"details": [
        {"@type": "type.googleapis.com/google.rpc.QuotaFailure",
         "violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]}]}}"#;

    #[test_case(&Error::connect("refused"), RETRY, RETRY; "no connection")]
    #[test_case(&Error::io("reset"), RETRY, UNSAFE; "connection lost")]
    #[test_case(&Error::timeout(TimeoutKind::Attempt, Duration::ZERO), RETRY, UNSAFE; "timeout")]
    #[test_case(&status(429, ""), RETRY, UNSAFE; "rate limited")]
    #[test_case(&status(503, ""), RETRY, UNSAFE; "unavailable")]
    #[test_case(&status(429, DAILY), PERMANENT, PERMANENT; "daily quota")]
    #[test_case(&status(400, ""), PERMANENT, PERMANENT; "bad request")]
    #[test_case(&status(501, ""), PERMANENT, PERMANENT; "not implemented")]
    #[test_case(&Error::invalid("f", "m"), PERMANENT, PERMANENT; "invalid")]
    #[test_case(&Error::decode("x", Bytes::new()), PERMANENT, PERMANENT; "decode")]
    fn table(error: &Error, idempotent: RetryDecision, not_idempotent: RetryDecision) {
        assert_eq!(decide(error, 1, Idempotency::Idempotent), idempotent);
        assert_eq!(decide(error, 1, Idempotency::NotIdempotent), not_idempotent);
    }

    #[test]
    fn the_first_attempt_counts() {
        let error = status(503, "");
        assert_eq!(decide(&error, 4, Idempotency::Idempotent), RETRY);
        assert_eq!(
            decide(&error, 5, Idempotency::Idempotent),
            RetryDecision::Stop(StopReason::AttemptsUsedUp)
        );
    }

    #[test]
    fn statuses_are_replaced_and_the_daily_quota_stays_permanent() {
        let policy = StandardRetry::default()
            .with_statuses([StatusCode::CONFLICT, StatusCode::TOO_MANY_REQUESTS]);
        let state = RetryState::new(1, Duration::ZERO, Idempotency::Idempotent);
        assert_eq!(policy.decide(&state, &status(409, "")), RETRY);
        assert_eq!(policy.decide(&state, &status(503, "")), PERMANENT);
        assert_eq!(policy.decide(&state, &status(429, DAILY)), PERMANENT);
    }

    #[test_case(503, "false", PERMANENT; "no, in spite of the status")]
    #[test_case(400, "true", RETRY; "yes, in spite of the status")]
    #[test_case(500, " FALSE ", PERMANENT; "spelled otherwise")]
    #[test_case(503, "maybe", RETRY; "no answer")]
    fn the_word_of_the_server_beats_the_statuses(
        code: u16,
        advice: &'static str,
        expected: RetryDecision,
    ) {
        let mut headers = HeaderMap::new();
        headers.insert("x-should-retry", advice.parse().unwrap());
        let status = StatusCode::from_u16(code).unwrap();
        let error = Error::from_response(status, headers, Bytes::new());
        assert_eq!(decide(&error, 1, Idempotency::Idempotent), expected);
        let temporary = error.persistence() == Persistence::Temporary;
        assert_eq!(temporary, expected == RETRY, "outer layers hear it, too");

        let unsafe_to_repeat = decide(&error, 1, Idempotency::NotIdempotent);
        assert!(unsafe_to_repeat != RETRY && decide(&error, 5, Idempotency::Idempotent) != RETRY);
    }

    #[test]
    fn what_was_retried_below_is_left_alone() {
        let error = status(503, "").with_persistence(Persistence::Persistent);
        assert_eq!(
            decide(&error, 1, Idempotency::Idempotent),
            RetryDecision::Stop(StopReason::AlreadyRetried)
        );
    }

    #[test]
    fn never_means_never() {
        let state = RetryState::new(1, Duration::ZERO, Idempotency::Idempotent);
        assert_eq!(
            NeverRetry.decide(&state, &Error::connect("refused")),
            RetryDecision::Stop(StopReason::RetriesOff)
        );
    }
}
