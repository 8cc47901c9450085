//! What a server allows per stretch of time. Only figures; the counting is the bucket's.

use std::num::NonZeroU64;
use std::time::Duration;

use crate::error::Error;

const MINUTE: Duration = Duration::from_secs(60);
/// Periods and bursts beyond this are taken for mistakes; it also keeps the arithmetic exact.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3_600);

/// So much per stretch of time.
///
/// ```
/// use std::num::NonZeroU64;
/// use std::time::Duration;
/// use gimmal_transport::rate_limit::Quota;
///
/// # fn main() -> Result<(), gimmal_transport::Error> {
/// let sixty = Quota::per_minute(NonZeroU64::new(60).unwrap());
/// // One every two minutes.
/// let rare = Quota::new(NonZeroU64::MIN, Duration::from_secs(120))?;
/// assert_ne!(sixty, rare);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    amount: NonZeroU64,
    period: Duration,
}

impl Quota {
    /// So much per minute.
    pub fn per_minute(amount: NonZeroU64) -> Self {
        Self {
            amount,
            period: MINUTE,
        }
    }

    /// So much per `period`, from one nanosecond to a year.
    pub fn new(amount: NonZeroU64, period: Duration) -> Result<Self, Error> {
        if period.is_zero() || period > LONGEST {
            return Err(Error::invalid(
                "quota.period",
                format!("{period:?} is not between a nanosecond and a year; use for example 60 s"),
            ));
        }
        Ok(Self { amount, period })
    }

    /// How much.
    pub fn amount(&self) -> NonZeroU64 {
        self.amount
    }

    /// In how long.
    pub fn period(&self) -> Duration {
        self.period
    }
}

/// The limits of a [`RateLimiter`](crate::rate_limit::RateLimiter); none by default.
///
/// ```
/// use std::num::NonZeroU64;
/// use std::time::Duration;
/// use gimmal_transport::rate_limit::RateLimits;
///
/// # fn main() -> Result<(), gimmal_transport::Error> {
/// let limits = RateLimits::default()
///     .with_requests_per_minute(NonZeroU64::new(600).unwrap())
///     .with_tokens_per_minute(NonZeroU64::new(1_000_000).unwrap())
///     .with_burst(Duration::from_secs(5))?;
/// assert_eq!(limits.burst(), Duration::from_secs(5));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RateLimits {
    requests: Option<Quota>,
    tokens: Option<Quota>,
    burst: Duration,
}

impl Default for RateLimits {
    fn default() -> Self {
        Self {
            requests: None,
            tokens: None,
            burst: MINUTE,
        }
    }
}

impl RateLimits {
    /// Limits requests per minute.
    #[must_use]
    pub fn with_requests_per_minute(self, requests: NonZeroU64) -> Self {
        self.with_requests(Quota::per_minute(requests))
    }

    /// Limits tokens per minute.
    #[must_use]
    pub fn with_tokens_per_minute(self, tokens: NonZeroU64) -> Self {
        self.with_tokens(Quota::per_minute(tokens))
    }

    /// Limits requests.
    #[must_use]
    pub fn with_requests(mut self, quota: Quota) -> Self {
        self.requests = Some(quota);
        self
    }

    /// Limits tokens.
    #[must_use]
    pub fn with_tokens(mut self, quota: Quota) -> Self {
        self.tokens = Some(quota);
        self
    }

    /// Sets how much may be saved up while nothing is sent, as the time in which it accrues; a
    /// minute by default, up to a year.
    ///
    /// Within any stretch of time, a limiter lets through what accrues in it and one burst. So
    /// with a burst of a minute, a minute that begins after a silence may see twice the limit;
    /// set a few seconds where the server counts strictly.
    pub fn with_burst(mut self, burst: Duration) -> Result<Self, Error> {
        if burst > LONGEST {
            return Err(Error::invalid(
                "rate_limits.burst",
                format!("{burst:?} is longer than a year; use for example 60 s"),
            ));
        }
        self.burst = burst;
        Ok(self)
    }

    /// The limit on requests.
    pub fn requests(&self) -> Option<Quota> {
        self.requests
    }

    /// The limit on tokens.
    pub fn tokens(&self) -> Option<Quota> {
        self.tokens
    }

    /// How much may be saved up, as the time in which it accrues.
    pub fn burst(&self) -> Duration {
        self.burst
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_out_of_range_are_named() {
        for period in [Duration::ZERO, Duration::MAX] {
            let error = Quota::new(NonZeroU64::MIN, period).unwrap_err();
            assert_eq!(error.field(), Some("quota.period"));
        }
        let error = RateLimits::default().with_burst(Duration::MAX).unwrap_err();
        assert_eq!(error.field(), Some("rate_limits.burst"));
        assert_eq!(RateLimits::default().burst(), MINUTE);
    }
}
