//! How much a client may retry in all. One call cannot see that everything fails at the moment;
//! the budget, shared by all clones of a client, can, and stops the retries from adding to it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::error::Error;

const CAPACITY: u32 = 500;
const RETRY_COST: u32 = 5;
/// A timeout has cost the server more than a quick refusal.
const TIMEOUT_COST: u32 = 10;
const SUCCESS_GAIN: u32 = 1;

/// A bucket of tokens that retries are paid from.
///
/// It begins full with 500 tokens. A retry costs 5, a retry after a timeout 10, and a successful
/// call gives 1 back: a client whose calls nearly all fail is soon down to one attempt per call,
/// and recovers as calls succeed. Clones share the bucket.
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
        let cost = if error.is_timeout() {
            TIMEOUT_COST
        } else {
            RETRY_COST
        };
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::error::TimeoutKind;

    #[test]
    fn a_timeout_costs_twice_a_refusal() {
        let budget = RetryBudget::with_capacity(15);
        assert!(budget.try_spend(&Error::timeout(TimeoutKind::Attempt, Duration::ZERO)));
        assert_eq!(budget.available(), 5);
        assert!(budget.try_spend(&Error::connect("refused")));
        assert!(!budget.try_spend(&Error::connect("refused")));
        assert_eq!(budget.available(), 0);
    }

    #[test]
    fn clones_share_and_success_refills_up_to_the_capacity() {
        let budget = RetryBudget::with_capacity(6);
        let clone = budget.clone();
        assert!(clone.try_spend(&Error::connect("refused")));
        for _ in 0..9 {
            budget.gain();
        }
        assert_eq!(clone.available(), 6);
        assert_eq!(RetryBudget::default().available(), 500);
    }
}
