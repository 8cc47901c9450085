//! Pacing for those who must ask again and again because the limit is somebody else's and tells
//! nobody when it moves. Own semaphores need none of this: they wake who is next.

use std::time::Duration;

use crate::error::Error;
use crate::time::{Clock, Jitter};

const BASE: Duration = Duration::from_millis(2);
const MAX: Duration = Duration::from_millis(50);
const JITTER: f64 = 0.25;
/// Doubling stops here: 2^20 times any base is above every sensible maximum.
const MAX_EXPONENT: u32 = 20;

/// How long to wait after refusal number `refusal`, counted from 0.
///
/// The wait doubles from `base` up to `max`, which is taken as `base` if it is less. Up to the
/// share `jitter` of it is then taken off, by `fraction` in [0, 1): none at 1, all of it at 0. A
/// `jitter` outside of [0, 1] counts as 0.25. Whole milliseconds are what remains.
fn acquire_delay(
    refusal: u32,
    base: Duration,
    max: Duration,
    jitter: f64,
    fraction: f64,
) -> Duration {
    let jitter = if (0.0..=1.0).contains(&jitter) {
        jitter
    } else {
        JITTER
    };
    let doubled = base.saturating_mul(1 << refusal.min(MAX_EXPONENT));
    let ceiling = doubled.min(max.max(base));
    let share = 1.0 - jitter + fraction.clamp(0.0, 1.0) * jitter;
    let millis = ceiling.as_secs_f64() * 1_000.0 * share;
    // A product that should be whole may come out a hair below it.
    let millis = (millis + 1e-6).floor();
    Duration::try_from_secs_f64(millis / 1_000.0).unwrap_or(Duration::MAX)
}

/// Asks until it is let in, waiting longer after each refusal: 2 ms doubling to 50 ms, of which up
/// to a quarter is taken off at random.
///
/// ```
/// use std::num::NonZeroU32;
/// use gimmal_transport::semaphore::{AcquireBackoff, KeyedSemaphore};
/// use gimmal_transport::{ThreadRngJitter, TokioClock};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let semaphore = KeyedSemaphore::new();
/// let ask = || semaphore.try_acquire("key", NonZeroU32::MIN);
/// let permit = AcquireBackoff::default().acquire(&TokioClock, &ThreadRngJitter, ask).await;
/// assert_eq!(semaphore.count("key"), 1);
/// # drop(permit);
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AcquireBackoff {
    base: Duration,
    max: Duration,
    jitter: f64,
}

impl Default for AcquireBackoff {
    fn default() -> Self {
        Self {
            base: BASE,
            max: MAX,
            jitter: JITTER,
        }
    }
}

impl AcquireBackoff {
    /// Sets the wait after the first refusal.
    #[must_use]
    pub fn with_base(mut self, base: Duration) -> Self {
        self.base = base;
        self
    }

    /// Sets the longest wait.
    #[must_use]
    pub fn with_max(mut self, max: Duration) -> Self {
        self.max = max;
        self
    }

    /// Sets the share of a wait that is subject to chance, from 0 to 1.
    pub fn with_jitter(mut self, jitter: f64) -> Result<Self, Error> {
        if !(0.0..=1.0).contains(&jitter) {
            return Err(Error::invalid(
                "acquire_backoff.jitter",
                format!("{jitter} is not a share; use a number from 0 to 1, such as 0.25"),
            ));
        }
        self.jitter = jitter;
        Ok(self)
    }

    /// The wait after refusal number `refusal`, counted from 0, in whole milliseconds.
    ///
    /// ```
    /// use std::time::Duration;
    /// use gimmal_transport::FixedJitter;
    /// use gimmal_transport::semaphore::AcquireBackoff;
    ///
    /// let delay = |refusal| AcquireBackoff::default().delay(refusal, &FixedJitter::new(1.0));
    /// assert_eq!(delay(0), Duration::from_millis(2));
    /// assert_eq!(delay(9), Duration::from_millis(50));
    /// ```
    pub fn delay(&self, refusal: u32, jitter: &dyn Jitter) -> Duration {
        acquire_delay(refusal, self.base, self.max, self.jitter, jitter.fraction())
    }

    /// Calls `ask` until it returns something.
    ///
    /// Dropping the future between two calls leaves nothing behind.
    pub async fn acquire<T>(
        &self,
        clock: &dyn Clock,
        jitter: &dyn Jitter,
        mut ask: impl FnMut() -> Option<T>,
    ) -> T {
        let mut refusals = 0;
        loop {
            if let Some(permit) = ask() {
                return permit;
            }
            clock.sleep(self.delay(refusals, jitter)).await;
            refusals = refusals.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use test_case::test_case;

    use super::*;
    use crate::time::{FixedJitter, TokioClock};

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test_case(2, 20, 0.0, 0.5, [2, 4, 8, 16, 20, 20, 20])]
    #[test_case(2, 50, 0.0, 0.5, [2, 4, 8, 16, 32, 50, 50])]
    #[test_case(2, 50, 0.25, 0.0, [1, 3, 6, 12, 24, 37, 37]; "truncated")]
    #[test_case(2, 50, 9.0, 0.0, [1, 3, 6, 12, 24, 37, 37]; "jitter out of range")]
    #[test_case(2, 50, f64::NAN, 0.0, [1, 3, 6, 12, 24, 37, 37]; "jitter not a number")]
    #[test_case(8, 4, 0.0, 0.0, [8, 8, 8, 8, 8, 8, 8]; "a maximum below the base")]
    fn chk_sd_3_delays(base: u64, max: u64, jitter: f64, fraction: f64, expected: [u64; 7]) {
        let delays: Vec<_> = (0..7)
            .map(|n| acquire_delay(n, ms(base), ms(max), jitter, fraction))
            .collect();
        assert_eq!(delays, expected.map(ms));
    }

    #[tokio::test(start_paused = true)]
    async fn chk_rs_1_three_refusals_take_5_10_and_20_ms() {
        let backoff = AcquireBackoff::default()
            .with_base(ms(5))
            .with_max(ms(20))
            .with_jitter(0.0)
            .unwrap();
        let start = TokioClock.now();
        let mut asked_at = Vec::new();
        let ask = || {
            asked_at.push(TokioClock.now() - start);
            (asked_at.len() == 4).then_some("in")
        };
        let permit = backoff
            .acquire(&TokioClock, &FixedJitter::new(0.5), ask)
            .await;
        assert_eq!(permit, "in");
        assert_eq!(asked_at, [0, 5, 15, 35].map(ms));
    }

    #[test]
    fn a_share_above_one_is_refused() {
        for jitter in [-0.1, 1.1, f64::NAN] {
            let error = AcquireBackoff::default().with_jitter(jitter).unwrap_err();
            assert_eq!(error.field(), Some("acquire_backoff.jitter"));
        }
    }

    proptest! {
        #[test]
        fn no_delay_leaves_its_range(
            refusal in any::<u32>(),
            base in 0_u64..5_000,
            max in 0_u64..100_000,
            jitter in 0.0_f64..=1.0,
            fraction in 0.0_f64..1.0,
        ) {
            let delay = acquire_delay(refusal, ms(base), ms(max), jitter, fraction);
            let ceiling = ms(base.saturating_mul(1 << refusal.min(20)).min(max.max(base)));
            prop_assert!(delay <= ceiling);
            prop_assert!(delay + ms(1) >= ceiling.mul_f64(1.0 - jitter));
        }
    }
}
