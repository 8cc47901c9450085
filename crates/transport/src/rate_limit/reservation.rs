//! What a limiter has set aside for one request, and how it is settled. Settling happens once;
//! forgetting to settle gives back what was never used and keeps what may have been.

use crate::rate_limit::RateLimiter;

/// Which limit a request had to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LimitedBy {
    /// Requests per minute.
    Requests,
    /// Tokens per minute.
    Tokens,
    /// Both.
    Both,
}

/// What became of a reservation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Disposition {
    /// The request was never sent; request and tokens went back.
    RefundedBeforeStart,
    /// It used what was reserved.
    Exact,
    /// It used less; the rest went back.
    Refunded,
    /// It used more; the difference is owed, and those who come later wait for it.
    Debt,
    /// What it used is unknown, so the reservation stands.
    RetainedUnknown,
    /// Tokens are not limited; the request counts.
    RequestConsumed,
}

/// One request's share of the budgets of a [`RateLimiter`].
///
/// ```
/// use std::num::NonZeroU64;
/// use gimmal_transport::rate_limit::{Disposition, RateLimiter, RateLimits};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), gimmal_transport::Error> {
/// let limits = RateLimits::default().with_tokens_per_minute(NonZeroU64::new(1_000).unwrap());
/// let limiter = RateLimiter::new(limits);
/// let mut reservation = limiter.acquire(400).await?;
/// reservation.start();
/// // The reply says what was really used.
/// assert_eq!(reservation.settle(Some(150)), Disposition::Refunded);
/// assert_eq!(limiter.available_tokens(), Some(850));
/// # Ok(())
/// # }
/// ```
///
/// Dropped before [`start`](Self::start), it gives everything back. Dropped afterwards, it stands
/// as reserved, because the server may have counted the request.
#[derive(Debug)]
#[must_use = "dropping a reservation before it is started gives it back"]
pub struct Reservation {
    limiter: RateLimiter,
    tokens: u64,
    limited_by: Option<LimitedBy>,
    started: bool,
    settled: bool,
}

impl Reservation {
    pub(super) fn new(limiter: RateLimiter, tokens: u64, limited_by: Option<LimitedBy>) -> Self {
        Self {
            limiter,
            tokens,
            limited_by,
            started: false,
            settled: false,
        }
    }

    /// The tokens set aside.
    pub fn tokens(&self) -> u64 {
        self.tokens
    }

    /// Which limit it had to wait for; `None` when it did not wait.
    pub fn limited_by(&self) -> Option<LimitedBy> {
        self.limited_by
    }

    /// Takes note that the request is about to be sent.
    pub fn start(&mut self) {
        self.started = true;
    }

    /// Gives everything back if the request was not started; otherwise corrects the tokens to
    /// what was really used, as far as that is known.
    pub fn settle(mut self, used: Option<u64>) -> Disposition {
        self.settle_once(used)
    }

    fn settle_once(&mut self, used: Option<u64>) -> Disposition {
        self.settled = true;
        if !self.started {
            self.limiter.refund(1, self.tokens);
            return Disposition::RefundedBeforeStart;
        }
        if self.limiter.limits().tokens().is_none() {
            return Disposition::RequestConsumed;
        }
        let Some(used) = used else {
            return Disposition::RetainedUnknown;
        };
        match used.cmp(&self.tokens) {
            std::cmp::Ordering::Equal => Disposition::Exact,
            std::cmp::Ordering::Less => {
                self.limiter.refund(0, self.tokens - used);
                Disposition::Refunded
            }
            std::cmp::Ordering::Greater => {
                self.limiter.charge(used - self.tokens);
                Disposition::Debt
            }
        }
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if !self.settled {
            self.settle_once(None);
        }
    }
}
