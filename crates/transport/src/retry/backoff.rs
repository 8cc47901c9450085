//! How long the client itself wants to wait before the next attempt. The server's wish is not
//! known here.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use crate::error::Error;
use crate::time::Jitter;

/// Says how long to wait after a failed attempt.
pub trait Backoff: Debug + Send + Sync + 'static {
    /// The wait after `attempts` failed attempts (1 or more); `None` when the schedule is at its
    /// end and the call is to be given up.
    fn next_delay(&self, attempts: u32, jitter: &dyn Jitter) -> Option<Duration>;
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

/// A wait that grows by a factor with every attempt, up to a maximum, and is varied by chance.
///
/// ```
/// use std::time::Duration;
/// use gimmal_transport::{ExponentialBackoff, FixedJitter};
///
/// # fn main() -> Result<(), gimmal_transport::Error> {
/// let backoff = ExponentialBackoff::default()
///     .with_initial(Duration::from_millis(200))
///     .with_max(Duration::from_secs(5))
///     .with_scale(0.5, 1.0)?;
/// let delay = backoff.delay(3, &FixedJitter::new(0.5));
/// assert_eq!(delay, Duration::from_millis(600));
/// # Ok(())
/// # }
/// ```
///
/// Unless set otherwise it is 1 s after the first failure and doubles up to 60 s, and the whole of
/// it is subject to chance: any wait between zero and that is as likely, so that clients that
/// failed together do not return together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExponentialBackoff {
    initial: Duration,
    max: Duration,
    factor: f64,
    spread: Spread,
}

/// What chance does to a delay.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Spread {
    /// The delay, cut at the maximum, times a number between these two.
    Scaled(f64, f64),
    /// The delay times a number between these two, then cut at the maximum.
    ScaledUncut(f64, f64),
    /// The delay and up to so much more.
    Added(Duration),
}

impl Default for ExponentialBackoff {
    fn default() -> Self {
        Self {
            initial: Duration::from_secs(1),
            max: Duration::from_secs(60),
            factor: 2.0,
            spread: Spread::Scaled(0.0, 1.0),
        }
    }
}

impl ExponentialBackoff {
    /// Sets the delay after the first failure.
    #[must_use]
    pub fn with_initial(mut self, initial: Duration) -> Self {
        self.initial = initial;
        self
    }

    /// Sets the delay that is never passed.
    #[must_use]
    pub fn with_max(mut self, max: Duration) -> Self {
        self.max = max;
        self
    }

    /// Sets what the delay is multiplied by after each further failure; at least 1.
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

    /// Varies the delay by a factor drawn between `low` and `high`.
    ///
    /// The delay is cut at the maximum before and after, so the maximum stays one. The default is
    /// 0 to 1.
    pub fn with_scale(mut self, low: f64, high: f64) -> Result<Self, Error> {
        if !(low >= 0.0 && high.is_finite() && low <= high) {
            return Err(Error::invalid(
                "backoff.scale",
                format!("{low} to {high} is no range of factors; use for example 0.75 to 1.25"),
            ));
        }
        self.spread = Spread::Scaled(low, high);
        Ok(self)
    }

    /// Varies the delay by adding up to `most` to it, within the maximum.
    #[must_use]
    pub fn with_added_jitter(mut self, most: Duration) -> Self {
        self.spread = Spread::Added(most);
        self
    }

    /// Leaves nothing to chance.
    #[must_use]
    pub fn without_jitter(mut self) -> Self {
        self.spread = Spread::Scaled(1.0, 1.0);
        self
    }

    /// Shortens the delay by up to `share` of it, and cuts it at the maximum before.
    pub(super) fn shortened_by(mut self, share: f64) -> Self {
        self.spread = Spread::Scaled(1.0, 1.0 - share);
        self
    }

    /// Shortens the delay by up to `share` of it, and cuts it at the maximum only afterwards.
    pub(super) fn shortened_uncut_by(mut self, share: f64) -> Self {
        self.spread = Spread::ScaledUncut(1.0, 1.0 - share);
        self
    }

    /// Shortens or lengthens the delay by up to `share` of it.
    pub(super) fn varied_by(mut self, share: f64) -> Self {
        self.spread = Spread::Scaled(1.0 - share, 1.0 + share);
        self
    }

    /// The wait after `attempts` failed attempts (1 or more).
    pub fn delay(&self, attempts: u32, jitter: &dyn Jitter) -> Duration {
        let chance = jitter.fraction().clamp(0.0, 1.0);
        let between = |from: f64, to: f64| from + (to - from) * chance;
        let exponent = i32::try_from(attempts.saturating_sub(1)).unwrap_or(i32::MAX);
        // Infinity times an initial delay of zero would be no number.
        let growth = self.factor.powi(exponent).min(f64::MAX);
        let delay = self.initial.as_secs_f64() * growth;
        let max = self.max.as_secs_f64();
        let seconds = match self.spread {
            Spread::Scaled(from, to) => delay.min(max) * between(from, to),
            Spread::ScaledUncut(from, to) => delay * between(from, to),
            Spread::Added(most) => delay + most.as_secs_f64() * chance,
        };
        // The comparison comes before the conversion, which cannot hold large numbers.
        if seconds < max {
            Duration::from_secs_f64(seconds)
        } else {
            self.max
        }
    }
}

impl Backoff for ExponentialBackoff {
    fn next_delay(&self, attempts: u32, jitter: &dyn Jitter) -> Option<Duration> {
        Some(self.delay(attempts, jitter))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use test_case::test_case;

    use super::*;
    use crate::time::FixedJitter;

    #[test_case(1, 500)]
    #[test_case(2, 1_000)]
    #[test_case(3, 2_000)]
    #[test_case(7, 30_000; "64 seconds are above the maximum")]
    #[test_case(u32::MAX, 30_000; "no overflow")]
    fn the_delay_doubles_up_to_the_maximum(attempts: u32, expected_ms: u64) {
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
        let delays = [1, 2, 3].map(|n| backoff.delay(n, &FixedJitter::new(0.5)).as_millis());
        assert_eq!(delays, [5, 15, 25]);
        for bad in [0.5, f64::NAN, f64::INFINITY] {
            let error = backoff.with_factor(bad).unwrap_err();
            assert_eq!(error.field(), Some("backoff.factor"));
        }
        for (low, high) in [
            (-0.1, 1.0),
            (1.0, 0.5),
            (f64::NAN, 1.0),
            (0.0, f64::INFINITY),
        ] {
            let error = backoff.with_scale(low, high).unwrap_err();
            assert_eq!(error.field(), Some("backoff.scale"));
        }
    }

    #[test]
    fn a_delay_of_nothing_stays_nothing() {
        let backoff = ExponentialBackoff::default().with_initial(Duration::ZERO);
        let delay = backoff.delay(u32::MAX, &FixedJitter::new(0.5));
        assert_eq!(delay, Duration::ZERO);
    }

    fn any_backoff() -> impl Strategy<Value = ExponentialBackoff> {
        let spread = prop_oneof![
            (0.0..2.0, 0.0..2.0).prop_map(|(from, to)| Spread::Scaled(from, to)),
            (0.0..2.0, 0.0..2.0).prop_map(|(from, to)| Spread::ScaledUncut(from, to)),
            (0_u64..9_000).prop_map(|ms| Spread::Added(Duration::from_millis(ms))),
        ];
        (0_u64..9_000, 0_u64..90_000, 1.0..4.0, spread).prop_map(
            |(initial, max, factor, spread)| ExponentialBackoff {
                initial: Duration::from_millis(initial),
                max: Duration::from_millis(max),
                factor,
                spread,
            },
        )
    }

    proptest! {
        /// Whatever the settings, no delay is above the maximum, and luck being equal none is
        /// shorter than the one before.
        #[test]
        fn delays_grow_within_the_maximum(
            backoff in any_backoff(),
            attempts in 1_u32..5_000,
            chance in 0.0..1.0,
        ) {
            let jitter = FixedJitter::new(chance);
            let delay = backoff.delay(attempts, &jitter);
            prop_assert!(delay <= backoff.max);
            prop_assert!(delay <= backoff.delay(attempts + 1, &jitter));
        }
    }
}
