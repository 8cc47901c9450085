//! The settings of a retrier. Plain values and their checks; nothing here waits.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::error::Error;
use crate::retry::{ExponentialBackoff, StandardRetry};

/// Settings of a [`Retrier`](crate::retry::Retrier).
///
/// ```
/// use gimmal_transport::retry::RetryConfig;
///
/// let config = RetryConfig::default().with_max_retries(Some(3));
/// assert!(config.validate().is_ok());
/// let error = config.with_jitter(1.5).validate().unwrap_err();
/// assert_eq!(error.field(), Some("retry.jitter"));
/// ```
///
/// | setting | unless set |
/// |---|---|
/// | retries after the first attempt | as many as it takes |
/// | delay | 0.5 s, doubling up to 10 s, a quarter more or less |
/// | time without a success of any operation | 2 h |
/// | operations at once | 1,000 |
///
/// These are the figures of the Tinker clients (tinker 0.38 and Tinkex 0.4).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RetryConfig {
    enabled: bool,
    max_retries: Option<u32>,
    base_delay: Duration,
    max_delay: Duration,
    jitter: f64,
    progress_timeout: Duration,
    stuck_detection: bool,
    max_concurrent: Option<NonZeroU32>,
}

impl Default for RetryConfig {
    fn default() -> Self {
        Self {
            enabled: true,
            max_retries: None,
            base_delay: Duration::from_millis(500),
            max_delay: Duration::from_secs(10),
            jitter: 0.25,
            progress_timeout: Duration::from_secs(7_200),
            stuck_detection: true,
            max_concurrent: NonZeroU32::new(1_000),
        }
    }
}

impl RetryConfig {
    /// Turns retries off, and with them all other settings: one attempt, as soon as asked.
    #[must_use]
    pub fn with_retries(mut self, enabled: bool) -> Self {
        self.enabled = enabled;
        self
    }

    /// Sets how often an operation is repeated; `None` for as often as it takes.
    #[must_use]
    pub fn with_max_retries(mut self, retries: Option<u32>) -> Self {
        self.max_retries = retries;
        self
    }

    /// Sets the delay before the first retry.
    #[must_use]
    pub fn with_base_delay(mut self, delay: Duration) -> Self {
        self.base_delay = delay;
        self
    }

    /// Sets the delay that is never passed.
    #[must_use]
    pub fn with_max_delay(mut self, delay: Duration) -> Self {
        self.max_delay = delay;
        self
    }

    /// Sets by which share of itself a delay is longer or shorter at most, from 0 to 1.
    #[must_use]
    pub fn with_jitter(mut self, share: f64) -> Self {
        self.jitter = share;
        self
    }

    /// Sets for how long no operation may succeed before those that wait are given up.
    #[must_use]
    pub fn with_progress_timeout(mut self, timeout: Duration) -> Self {
        self.progress_timeout = timeout;
        self
    }

    /// Says whether an attempt that is under way is given up, too, when there is no progress.
    /// Otherwise that is looked at between attempts.
    #[must_use]
    pub fn with_stuck_detection(mut self, enabled: bool) -> Self {
        self.stuck_detection = enabled;
        self
    }

    /// Sets how many operations may be under way at once; `None` for any number.
    #[must_use]
    pub fn with_max_concurrent(mut self, limit: Option<NonZeroU32>) -> Self {
        self.max_concurrent = limit;
        self
    }

    /// Checks that the settings make sense together; the error names the one that does not.
    pub fn validate(&self) -> Result<(), Error> {
        if self.base_delay.is_zero() {
            return Err(Error::invalid(
                "retry.base_delay",
                "it must be longer than 0",
            ));
        }
        if self.max_delay < self.base_delay {
            let (max, base) = (self.max_delay, self.base_delay);
            let message = format!("{max:?} is less than the first delay of {base:?}");
            return Err(Error::invalid("retry.max_delay", message));
        }
        if !(0.0..=1.0).contains(&self.jitter) {
            let message = format!("{} is no share; use a number from 0 to 1", self.jitter);
            return Err(Error::invalid("retry.jitter", message));
        }
        if self.progress_timeout.is_zero() {
            let message = "it must be longer than 0";
            return Err(Error::invalid("retry.progress_timeout", message));
        }
        Ok(())
    }

    /// Whether there are retries at all.
    pub fn retries(&self) -> bool {
        self.enabled
    }

    /// How often an operation is repeated; `None` for as often as it takes.
    pub fn max_retries(&self) -> Option<u32> {
        self.max_retries
    }

    /// The delays between attempts.
    pub fn backoff(&self) -> ExponentialBackoff {
        ExponentialBackoff::default()
            .with_initial(self.base_delay)
            .with_max(self.max_delay)
            .varied_by(self.jitter)
    }

    /// Which failures are followed by another attempt: those of
    /// [`StandardRetry::tinker`], as often as set here.
    pub fn policy(&self) -> StandardRetry {
        let retries = if self.enabled {
            self.max_retries
        } else {
            Some(0)
        };
        let attempts = retries.map_or(NonZeroU32::MAX, |retries| {
            NonZeroU32::MIN.saturating_add(retries)
        });
        StandardRetry::tinker().with_max_attempts(attempts)
    }

    /// For how long no operation may succeed.
    pub fn progress_timeout(&self) -> Duration {
        self.progress_timeout
    }

    /// Whether an attempt that is under way is given up when there is no progress.
    pub fn stuck_detection(&self) -> bool {
        self.stuck_detection
    }

    /// How many operations may be under way at once; `None` for any number.
    pub fn max_concurrent(&self) -> Option<NonZeroU32> {
        self.max_concurrent
    }
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;
    use crate::time::FixedJitter;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn chk_rc_1_defaults() {
        let config = RetryConfig::default();
        assert!(config.validate().is_ok());
        assert!(config.retries() && config.stuck_detection());
        assert_eq!(config.max_retries(), None);
        assert_eq!(config.policy().max_attempts(), NonZeroU32::MAX);
        assert_eq!(config.backoff(), ExponentialBackoff::tinker_sampling());
        assert_eq!(config.progress_timeout(), 7_200 * SECOND);
        assert_eq!(config.max_concurrent(), NonZeroU32::new(1_000));
    }

    #[test_case(|it| it.with_base_delay(Duration::ZERO), "retry.base_delay")]
    #[test_case(|it| it.with_max_delay(SECOND / 4), "retry.max_delay")]
    #[test_case(|it| it.with_jitter(-0.1), "retry.jitter")]
    #[test_case(|it| it.with_jitter(1.1), "retry.jitter"; "above one")]
    #[test_case(|it| it.with_jitter(f64::NAN), "retry.jitter"; "no number")]
    #[test_case(|it| it.with_progress_timeout(Duration::ZERO), "retry.progress_timeout")]
    fn chk_rc_1_what_makes_no_sense_is_named(
        change: impl FnOnce(RetryConfig) -> RetryConfig,
        field: &str,
    ) {
        let error = change(RetryConfig::default()).validate().unwrap_err();
        assert_eq!(error.field(), Some(field));
    }

    #[test]
    fn chk_rc_1_what_is_set_is_what_is_used() {
        let config = RetryConfig::default()
            .with_max_retries(Some(4))
            .with_base_delay(SECOND)
            .with_max_delay(3 * SECOND)
            .with_jitter(0.5)
            .with_progress_timeout(9 * SECOND)
            .with_stuck_detection(false)
            .with_max_concurrent(None);
        assert!(config.validate().is_ok());
        assert_eq!(config.policy().max_attempts().get(), 5);
        let delays = [1, 2, 3].map(|n| config.backoff().delay(n, &FixedJitter::new(0.0)));
        assert_eq!(delays, [SECOND / 2, SECOND, 3 * SECOND / 2]);
        assert_eq!(config.progress_timeout(), 9 * SECOND);
        assert!(!config.stuck_detection());
        assert_eq!(config.max_concurrent(), None);
        assert_eq!(config.with_retries(false).policy().max_attempts().get(), 1);
    }
}
