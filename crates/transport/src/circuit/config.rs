//! When a breaker opens and how it closes again. Only figures; the rules are the machine's.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::error::Error;

const FAILURE_THRESHOLD: NonZeroU32 = NonZeroU32::new(5).unwrap();
const RESET_TIMEOUT: Duration = Duration::from_secs(30);

/// Settings of a [`CircuitBreaker`](crate::circuit::CircuitBreaker).
///
/// ```
/// use std::num::NonZeroU32;
/// use std::time::Duration;
/// use gimmal_transport::circuit::CircuitConfig;
///
/// let config = CircuitConfig::default()
///     .with_failure_threshold(NonZeroU32::new(3).unwrap())
///     .with_reset_timeout(Duration::from_secs(10));
/// assert_eq!(config.half_open_probes().get(), 1);
/// ```
///
/// By default a breaker opens at 5 failures in a row, stays open for 30 s and then lets out one
/// probe at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CircuitConfig {
    failure_threshold: NonZeroU32,
    failure_ratio: Option<FailureRatio>,
    reset_timeout: Duration,
    half_open_probes: NonZeroU32,
}

impl Default for CircuitConfig {
    fn default() -> Self {
        Self {
            failure_threshold: FAILURE_THRESHOLD,
            failure_ratio: None,
            reset_timeout: RESET_TIMEOUT,
            half_open_probes: NonZeroU32::MIN,
        }
    }
}

impl CircuitConfig {
    /// Sets how many failures in a row open the circuit; a success in between starts again at 0.
    #[must_use]
    pub fn with_failure_threshold(mut self, failures: NonZeroU32) -> Self {
        self.failure_threshold = failures;
        self
    }

    /// Also opens the circuit when too large a share of recent calls fails; off by default.
    ///
    /// Every result is then counted under the breaker's lock; without it, successes take none.
    #[must_use]
    pub fn with_failure_ratio(mut self, ratio: FailureRatio) -> Self {
        self.failure_ratio = Some(ratio);
        self
    }

    /// Sets how long the circuit stays open before probes are let out.
    #[must_use]
    pub fn with_reset_timeout(mut self, timeout: Duration) -> Self {
        self.reset_timeout = timeout;
        self
    }

    /// Sets how many probes may be out at once while the circuit is half open.
    #[must_use]
    pub fn with_half_open_probes(mut self, probes: NonZeroU32) -> Self {
        self.half_open_probes = probes;
        self
    }

    /// How many failures in a row open the circuit.
    pub fn failure_threshold(&self) -> NonZeroU32 {
        self.failure_threshold
    }

    /// The share of failures that opens the circuit, if that is watched.
    pub fn failure_ratio(&self) -> Option<FailureRatio> {
        self.failure_ratio
    }

    /// How long the circuit stays open.
    pub fn reset_timeout(&self) -> Duration {
        self.reset_timeout
    }

    /// How many probes may be out at once.
    pub fn half_open_probes(&self) -> NonZeroU32 {
        self.half_open_probes
    }
}

/// A share of failures among the calls of a rolling window.
///
/// ```
/// use std::num::NonZeroU32;
/// use std::time::Duration;
/// use gimmal_transport::circuit::{CircuitConfig, FailureRatio};
///
/// # fn main() -> Result<(), gimmal_transport::Error> {
/// // Half of the calls of the last minute, once there are twenty.
/// let ratio = FailureRatio::new(0.5, NonZeroU32::new(20).unwrap(), Duration::from_secs(60))?;
/// let config = CircuitConfig::default().with_failure_ratio(ratio);
/// # let _ = config;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FailureRatio {
    ratio: f64,
    minimum_calls: NonZeroU32,
    window: Duration,
}

impl FailureRatio {
    /// A `ratio` above 0 and up to 1, reached within `window` by at least `minimum_calls` calls.
    pub fn new(ratio: f64, minimum_calls: NonZeroU32, window: Duration) -> Result<Self, Error> {
        if !(ratio > 0.0 && ratio <= 1.0) {
            return Err(Error::invalid(
                "circuit.failure_ratio",
                format!("{ratio} is not a share; use a number above 0 and up to 1, such as 0.5"),
            ));
        }
        if window.is_zero() {
            return Err(Error::invalid(
                "circuit.window",
                "it is zero; use for example 60 seconds",
            ));
        }
        Ok(Self {
            ratio,
            minimum_calls,
            window,
        })
    }

    /// The stretch of time that is looked back upon.
    pub fn window(&self) -> Duration {
        self.window
    }

    /// Whether these figures are too bad.
    pub(super) fn is_reached(&self, calls: u64, failures: u64) -> bool {
        // Counts of calls are far below the 2^53 up to which this is exact.
        calls >= u64::from(self.minimum_calls.get()) && failures as f64 >= self.ratio * calls as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documented_defaults() {
        let config = CircuitConfig::default();
        assert_eq!(config.failure_threshold().get(), 5);
        assert_eq!(config.reset_timeout(), Duration::from_secs(30));
        assert_eq!(config.half_open_probes().get(), 1);
        assert_eq!(config.failure_ratio(), None);
    }

    #[test]
    fn a_ratio_is_checked_and_needs_enough_calls() {
        let minute = Duration::from_secs(60);
        let ten = NonZeroU32::new(10).unwrap();
        for bad in [0.0, -1.0, 1.1, f64::NAN] {
            let error = FailureRatio::new(bad, ten, minute).unwrap_err();
            assert_eq!(error.field(), Some("circuit.failure_ratio"));
        }
        let error = FailureRatio::new(0.5, ten, Duration::ZERO).unwrap_err();
        assert_eq!(error.field(), Some("circuit.window"));

        let half = FailureRatio::new(0.5, ten, minute).unwrap();
        assert!(!half.is_reached(9, 9));
        assert!(!half.is_reached(10, 4));
        assert!(half.is_reached(10, 5));
    }
}
