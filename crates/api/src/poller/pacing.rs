//! How long to wait between two questions. The retries of a question are another matter.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use gimmal_transport::{Error, Jitter};

/// Says how long to wait before asking again.
pub trait Pacing: Debug + Send + Sync + 'static {
    /// The wait after this many questions (1 or more).
    fn wait(&self, asked: u32, jitter: &dyn Jitter) -> Duration;
}

/// Anything that can stand for a pacing: a value, or an `Arc` of one.
#[derive(Clone, Debug)]
pub struct PacingArg(Arc<dyn Pacing>);

impl PacingArg {
    pub(crate) fn into_inner(self) -> Arc<dyn Pacing> {
        self.0
    }
}

impl<P: Pacing> From<P> for PacingArg {
    fn from(pacing: P) -> Self {
        Self(Arc::new(pacing))
    }
}

impl From<Arc<dyn Pacing>> for PacingArg {
    fn from(pacing: Arc<dyn Pacing>) -> Self {
        Self(pacing)
    }
}

/// A wait that grows with every question up to a maximum.
///
/// It starts at 1 s and grows by half each time up to 20 s, unless set otherwise: short work is
/// noticed at once, and long work costs three questions a minute. The upper half of each wait is
/// subject to jitter, so that many pollers that began together do not stay together; the lower
/// half is not, so that a question is never followed by the next at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ExponentialPacing {
    initial: Duration,
    max: Duration,
    factor: f64,
}

impl Default for ExponentialPacing {
    fn default() -> Self {
        Self {
            initial: Duration::from_secs(1),
            max: Duration::from_secs(20),
            factor: 1.5,
        }
    }
}

impl ExponentialPacing {
    /// The same wait each time, apart from jitter.
    pub fn every(wait: Duration) -> Self {
        Self {
            initial: wait,
            max: wait,
            factor: 1.0,
        }
    }

    /// Sets the wait after the first question.
    #[must_use]
    pub fn with_initial(mut self, initial: Duration) -> Self {
        self.initial = initial;
        self
    }

    /// Sets the wait that is never passed.
    #[must_use]
    pub fn with_max(mut self, max: Duration) -> Self {
        self.max = max;
        self
    }

    /// Sets what the wait is multiplied by each time.
    ///
    /// # Errors
    ///
    /// Fails when it is not a number of at least 1.
    pub fn with_factor(mut self, factor: f64) -> Result<Self, Error> {
        if !factor.is_finite() || factor < 1.0 {
            return Err(Error::invalid(
                "pacing.factor",
                format!("{factor} is not a number of at least 1; use for example 1.5"),
            ));
        }
        self.factor = factor;
        Ok(self)
    }
}

impl Pacing for ExponentialPacing {
    fn wait(&self, asked: u32, jitter: &dyn Jitter) -> Duration {
        let exponent = i32::try_from(asked.saturating_sub(1)).unwrap_or(i32::MAX);
        let seconds = self.initial.as_secs_f64() * self.factor.powi(exponent);
        // The comparison comes before the conversion, which cannot hold large numbers.
        let top = if seconds < self.max.as_secs_f64() {
            Duration::from_secs_f64(seconds)
        } else {
            self.max
        };
        top.mul_f64(0.5 + jitter.fraction().clamp(0.0, 1.0) / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use gimmal_transport::FixedJitter;

    use super::*;

    #[test]
    fn waits_grow_up_to_the_maximum() {
        let pacing = ExponentialPacing::default();
        let lowest = |asked| pacing.wait(asked, &FixedJitter::new(0.0)).as_millis();
        assert_eq!([1, 2, 3].map(lowest), [500, 750, 1_125]);
        assert_eq!([9, 100, u32::MAX].map(lowest), [10_000; 3]);
        let highest = pacing.wait(1, &FixedJitter::new(1.0));
        assert!(highest > Duration::from_millis(999) && highest <= Duration::from_secs(1));
    }

    #[test]
    fn settings_are_honoured_and_checked() {
        let pacing = ExponentialPacing::default()
            .with_initial(Duration::from_secs(2))
            .with_max(Duration::from_secs(5))
            .with_factor(2.0)
            .unwrap();
        let waits = [1, 2, 3].map(|asked| pacing.wait(asked, &FixedJitter::new(0.0)).as_secs_f64());
        assert_eq!(waits, [1.0, 2.0, 2.5]);
        let even = ExponentialPacing::every(Duration::from_secs(10));
        assert_eq!(even.wait(7, &FixedJitter::new(0.0)), Duration::from_secs(5));
        for bad in [0.5, f64::NAN] {
            let error = ExponentialPacing::default().with_factor(bad).unwrap_err();
            assert_eq!(error.field(), Some("pacing.factor"));
        }
    }
}
