//! How often an item is tried, and how long it waits in between. Pure figures: the waiting is the
//! pipeline's.

use std::num::NonZeroU32;
use std::time::Duration;

use gimmal_client::Error;

/// How often an item is tried again, and how far apart.
///
/// The wait before try `k + 1` is `initial × base^(k − 1)`, at most `max`, times a random number
/// between a half and one. Refusals for the rate do not count as attempts: they wait for the pause
/// that all items make together.
///
/// ```
/// use std::time::Duration;
/// use gimmal_batch::RetryConfig;
///
/// let retry = RetryConfig::default();
/// assert_eq!(retry.wait_after(1, 1.0), Duration::from_secs(1));
/// assert_eq!(retry.wait_after(4, 1.0), Duration::from_secs(8));
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryConfig {
    max_attempts: NonZeroU32,
    initial_wait: Duration,
    max_wait: Duration,
    base: f64,
    jitter: bool,
    max_rate_limit_retries: u32,
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self {
            max_attempts: NonZeroU32::new(3).unwrap_or(NonZeroU32::MIN),
            initial_wait: Duration::from_secs(1),
            max_wait: Duration::from_secs(60),
            base: 2.0,
            jitter: true,
            max_rate_limit_retries: 20,
        }
    }
}

impl RetryConfig {
    /// Three attempts, waits from a second to a minute, twenty refusals for the rate.
    pub fn new() -> Self {
        Self::default()
    }

    /// One attempt, and no patience with refusals for the rate either.
    pub fn never() -> Self {
        Self {
            max_attempts: NonZeroU32::MIN,
            max_rate_limit_retries: 0,
            ..Self::default()
        }
    }

    /// How many attempts an item has, the first one included.
    #[must_use]
    pub fn with_max_attempts(mut self, attempts: NonZeroU32) -> Self {
        self.max_attempts = attempts;
        self
    }

    /// How many refusals for the rate an item outlives; 0 makes the first one final.
    #[must_use]
    pub fn with_max_rate_limit_retries(mut self, retries: u32) -> Self {
        self.max_rate_limit_retries = retries;
        self
    }

    /// The first wait and the longest.
    ///
    /// # Errors
    ///
    /// Fails when the first is zero or longer than the longest.
    pub fn with_waits(mut self, initial: Duration, max: Duration) -> Result<Self, Error> {
        if initial.is_zero() || initial > max {
            return Err(Error::invalid(
                "retry.initial_wait",
                format!("{initial:?} must be more than zero and at most the longest, {max:?}"),
            ));
        }
        (self.initial_wait, self.max_wait) = (initial, max);
        Ok(self)
    }

    /// What each wait is multiplied by to give the next.
    ///
    /// # Errors
    ///
    /// Fails when it is less than 1 or not a number.
    pub fn with_base(mut self, base: f64) -> Result<Self, Error> {
        if !base.is_finite() || base < 1.0 {
            return Err(Error::invalid(
                "retry.base",
                format!("{base} is not a number of at least 1; use for example 2"),
            ));
        }
        self.base = base;
        Ok(self)
    }

    /// Waits are the full figure, without chance.
    #[must_use]
    pub fn without_jitter(mut self) -> Self {
        self.jitter = false;
        self
    }

    /// How many attempts an item has.
    pub fn max_attempts(&self) -> NonZeroU32 {
        self.max_attempts
    }

    /// How many refusals for the rate an item outlives.
    pub fn max_rate_limit_retries(&self) -> u32 {
        self.max_rate_limit_retries
    }

    /// The first wait.
    pub fn initial_wait(&self) -> Duration {
        self.initial_wait
    }

    /// The wait after attempt number `attempt`, counted from 1, with a random `fraction` from 0 to
    /// 1.
    pub fn wait_after(&self, attempt: u32, fraction: f64) -> Duration {
        let exponent = f64::from(attempt.saturating_sub(1));
        let wait = capped_backoff(self.initial_wait, self.base, exponent, self.max_wait);
        if self.jitter {
            wait.mul_f64(0.5 + fraction.clamp(0.0, 1.0) / 2.0)
        } else {
            wait
        }
    }
}

/// `initial × base^exponent`, at most `cap`, computed so that it cannot overflow.
pub(crate) fn capped_backoff(
    initial: Duration,
    base: f64,
    exponent: f64,
    cap: Duration,
) -> Duration {
    if initial >= cap {
        return cap;
    }
    if initial.is_zero() || base <= 1.0 || exponent <= 0.0 {
        return initial;
    }
    let to_cap = (cap.as_secs_f64().ln() - initial.as_secs_f64().ln()) / base.ln();
    if exponent >= to_cap {
        return cap;
    }
    initial.mul_f64(base.powf(exponent)).min(cap)
}

#[cfg(test)]
mod tests {
    use gimmal_client::transport::{Jitter as _, ThreadRngJitter};

    use super::*;

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// Covers: AC-RT-1
    #[test]
    fn waits_grow_to_the_cap_and_never_overflow() {
        let retry = RetryConfig::default().without_jitter();
        let waits: Vec<u64> = (1..=8)
            .map(|k| retry.wait_after(k, 0.3).as_secs())
            .collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        let pauses: Vec<u64> = (0..4)
            .map(|k| capped_backoff(seconds(300), 1.5, f64::from(k), seconds(600)).as_secs())
            .collect();
        assert_eq!(pauses, [300, 450, 600, 600]);
        assert_eq!(
            capped_backoff(seconds(1), 2.0, 5_000.0, seconds(60)),
            seconds(60)
        );
        assert_eq!(retry.wait_after(u32::MAX, 0.0), seconds(60));
    }

    /// Covers: AC-RT-2
    #[test]
    fn jitter_takes_up_to_half_of_the_wait() {
        let retry = RetryConfig::default();
        let wait = retry.without_jitter().wait_after(4, 0.0).as_secs_f64();
        let draws: Vec<f64> = (0..10_000)
            .map(|_| {
                retry
                    .wait_after(4, ThreadRngJitter.fraction())
                    .as_secs_f64()
            })
            .collect();
        assert!(draws.iter().all(|draw| (0.5 * wait..wait).contains(draw)));
        let mean = draws.iter().sum::<f64>() / draws.len() as f64;
        assert!((mean / (0.75 * wait) - 1.0).abs() < 0.01, "{mean}");
    }

    #[test]
    fn figures_that_cannot_work_are_refused_by_name() {
        let retry = RetryConfig::default();
        let field = |error: Error| error.field().map(str::to_owned);
        let waits = retry.with_waits(Duration::ZERO, seconds(1)).unwrap_err();
        assert_eq!(field(waits).as_deref(), Some("retry.initial_wait"));
        assert!(retry.with_waits(seconds(2), seconds(1)).is_err());
        assert!(retry.with_waits(seconds(1), seconds(1)).is_ok());
        for base in [0.99, f64::NAN, f64::INFINITY] {
            assert!(retry.with_base(base).is_err(), "{base}");
        }
    }
}
