//! How much a client may retry in all. One call cannot see that everything fails at the moment;
//! the budget, shared by all clones of a client, can, and stops the retries from adding to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::error::Error;

// The figures of the retry token bucket in the AWS SDK for Rust, where they have proved themselves
// (smithy-lang/smithy-rs, `aws-smithy-runtime/src/client/retries/token_bucket.rs`).
const CAPACITY: u32 = 500;
/// Timeouts cost the same: a server that is too slow is no better off for being asked again.
const RETRY_COST: u32 = 14;
/// A server that says "too many requests" is well and has named its price: retries that wait as
/// told add little to its load.
const THROTTLING_COST: u32 = 5;
const SUCCESS_GAIN: u32 = 1;

/// A bucket of tokens that retries are paid from.
///
/// It begins full with 500 tokens. A retry costs 14, after a timeout too, and 5 after "too many
/// requests" (429); a successful call gives 1 back. So a client whose calls nearly all fail is
/// soon down to one attempt per call, and recovers as calls succeed, while one that is merely
/// asked to slow down goes on for longer. Clones share the bucket.
///
/// The figures are those of [smithy-rs](https://github.com/smithy-lang/smithy-rs), the runtime
/// of the AWS SDK for Rust.
#[derive(Clone, Debug)]
pub struct RetryBudget {
    capacity: u32,
    tokens: Arc<AtomicU32>,
}

impl Default for RetryBudget {
    fn default() -> Self {
        Self::with_capacity(CAPACITY)
    }
}

impl RetryBudget {
    /// A full bucket of another size; 0 allows no retries at all.
    pub fn with_capacity(capacity: u32) -> Self {
        Self {
            capacity,
            tokens: Arc::new(AtomicU32::new(capacity)),
        }
    }

    /// The tokens left.
    pub fn available(&self) -> u32 {
        self.tokens.load(Ordering::Relaxed)
    }

    /// Pays for a retry after `error`; false when there is not enough left.
    pub(crate) fn try_spend(&self, error: &Error) -> bool {
        let cost = cost_after(error);
        // The count stands for itself and guards no other memory, so relaxed order is enough.
        self.tokens
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |tokens| {
                tokens.checked_sub(cost)
            })
            .is_ok()
    }

    /// Takes note of a call that succeeded.
    pub(crate) fn gain(&self) {
        let full = self
            .tokens
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |tokens| {
                (tokens < self.capacity).then(|| tokens.saturating_add(SUCCESS_GAIN))
            });
        // A full bucket stays as it is.
        let _ = full;
    }
}

fn cost_after(error: &Error) -> u32 {
    if error.is_rate_limited() {
        THROTTLING_COST
    } else {
        RETRY_COST
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use http::{HeaderMap, StatusCode};
    use test_case::test_case;

    use super::*;
    use crate::error::TimeoutKind;

    fn answer(status: StatusCode) -> Error {
        Error::from_response(status, HeaderMap::new(), Bytes::new())
    }

    #[test_case(&Error::connect("refused"), 14; "no connection")]
    #[test_case(&answer(StatusCode::SERVICE_UNAVAILABLE), 14; "server error")]
    #[test_case(&Error::timeout(TimeoutKind::Attempt, Duration::ZERO), 14; "timeout")]
    #[test_case(&answer(StatusCode::TOO_MANY_REQUESTS), 5; "throttled")]
    fn a_retry_has_its_price(error: &Error, cost: u32) {
        let budget = RetryBudget::default();
        assert!(budget.try_spend(error));
        assert_eq!(budget.available(), 500 - cost);
    }

    #[test]
    fn what_is_left_must_cover_the_whole_price() {
        let budget = RetryBudget::with_capacity(18);
        assert!(budget.try_spend(&Error::connect("refused")));
        let throttled = answer(StatusCode::TOO_MANY_REQUESTS);
        assert!(!budget.try_spend(&throttled));
        assert_eq!(budget.available(), 4, "a refused retry costs nothing");
        budget.gain();
        assert!(budget.try_spend(&throttled));
        assert_eq!(budget.available(), 0);
    }

    #[test]
    fn clones_share_and_success_refills_up_to_the_capacity() {
        let budget = RetryBudget::with_capacity(16);
        let clone = budget.clone();
        assert!(clone.try_spend(&Error::connect("refused")));
        assert_eq!(budget.available(), 2);
        for _ in 0..20 {
            budget.gain();
        }
        assert_eq!(clone.available(), 16);
    }
}
