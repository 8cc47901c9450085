//! How long the client itself wants to wait before the next attempt. The server's wish is not
//! known here.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use crate::error::Error;
use crate::time::Jitter;

/// Says how long to wait after a failed attempt.
pub trait Backoff: Debug + Send + Sync + 'static {
    /// The wait after `attempts` failed attempts (1 or more).
    fn delay(&self, attempts: u32, jitter: &dyn Jitter) -> Duration;
}

/// Anything that can stand for a backoff: a value of a type that implements [`Backoff`], or an
/// `Arc` of one.
#[derive(Clone, Debug)]
pub struct BackoffArg(Arc<dyn Backoff>);

impl BackoffArg {
    pub(crate) fn into_inner(self) -> Arc<dyn Backoff> {
        self.0
    }
}

impl<B: Backoff> From<B> for BackoffArg {
    fn from(backoff: B) -> Self {
        Self(Arc::new(backoff))
    }
}

impl From<Arc<dyn Backoff>> for BackoffArg {
    fn from(backoff: Arc<dyn Backoff>) -> Self {
        Self(backoff)
    }
}

/// A wait between zero and a ceiling that grows with every attempt.
///
/// The ceiling is 1 s after the first failure and doubles up to 60 s unless set otherwise. The
/// whole of it is subject to jitter, so that clients that failed together do not return together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExponentialBackoff {
    initial: Duration,
    max: Duration,
    factor: f64,
}

impl Default for ExponentialBackoff {
    fn default() -> Self {
        Self {
            initial: Duration::from_secs(1),
            max: Duration::from_secs(60),
            factor: 2.0,
        }
    }
}

impl ExponentialBackoff {
    /// Sets the ceiling after the first failure.
    #[must_use]
    pub fn with_initial(mut self, initial: Duration) -> Self {
        self.initial = initial;
        self
    }

    /// Sets the ceiling that is never passed.
    #[must_use]
    pub fn with_max(mut self, max: Duration) -> Self {
        self.max = max;
        self
    }

    /// Sets what the ceiling is multiplied by after each further failure; at least 1.
    pub fn with_factor(mut self, factor: f64) -> Result<Self, Error> {
        if !factor.is_finite() || factor < 1.0 {
            return Err(Error::invalid(
                "backoff.factor",
                format!("{factor} is not a number of at least 1; use for example 2.0"),
            ));
        }
        self.factor = factor;
        Ok(self)
    }
}

impl Backoff for ExponentialBackoff {
    fn delay(&self, attempts: u32, jitter: &dyn Jitter) -> Duration {
        let exponent = i32::try_from(attempts.saturating_sub(1)).unwrap_or(i32::MAX);
        let seconds = self.initial.as_secs_f64() * self.factor.powi(exponent);
        // The comparison comes before the conversion, which cannot hold large numbers.
        let ceiling = if seconds < self.max.as_secs_f64() {
            Duration::from_secs_f64(seconds)
        } else {
            self.max
        };
        ceiling.mul_f64(jitter.fraction().clamp(0.0, 1.0))
    }
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;
    use crate::time::FixedJitter;

    #[test_case(1, 500)]
    #[test_case(2, 1_000)]
    #[test_case(3, 2_000)]
    #[test_case(7, 30_000; "64 seconds are above the maximum")]
    #[test_case(u32::MAX, 30_000; "no overflow")]
    fn the_ceiling_doubles_up_to_the_maximum(attempts: u32, expected_ms: u64) {
        let delay = ExponentialBackoff::default().delay(attempts, &FixedJitter::new(0.5));
        assert_eq!(delay, Duration::from_millis(expected_ms));
    }

    #[test]
    fn jitter_covers_the_whole_range() {
        let backoff = ExponentialBackoff::default();
        assert_eq!(backoff.delay(3, &FixedJitter::new(0.0)), Duration::ZERO);
        let top = backoff.delay(3, &FixedJitter::new(1.0));
        assert!(top > Duration::from_millis(3_999) && top <= Duration::from_secs(4));
    }

    #[test]
    fn settings_are_honoured_and_checked() {
        let backoff = ExponentialBackoff::default()
            .with_initial(Duration::from_millis(10))
            .with_max(Duration::from_millis(50))
            .with_factor(3.0)
            .unwrap();
        let ceilings = [1, 2, 3].map(|n| backoff.delay(n, &FixedJitter::new(0.5)).as_millis());
        assert_eq!(ceilings, [5, 15, 25]);
        for bad in [0.5, f64::NAN, f64::INFINITY] {
            let error = backoff.with_factor(bad).unwrap_err();
            assert_eq!(error.field(), Some("backoff.factor"));
        }
    }
}
