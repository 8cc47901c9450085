//! A limiter of the `governor` crate in the place of our own, for programs that already have one.
//! It cannot give back what a call did not use; nothing here pretends otherwise.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;

use ::governor::clock::{Clock as GovernorClock, DefaultClock, Reference};
use ::governor::middleware::NoOpMiddleware;
use ::governor::state::{InMemoryState, NotKeyed};
use ::governor::{InsufficientCapacity, RateLimiter};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::error::Error;
use crate::rate_limit::{Admission, RateLimit};
use crate::semaphore::Semaphore;
use crate::time::Clock;

/// A [`RateLimiter`] as a [`RateLimit`].
///
/// ```
/// use std::num::NonZeroU32;
/// use std::sync::Arc;
/// use gimmal_transport::rate_limit::{GovernorLimit, RateLimit};
/// use gimmal_transport::TokioClock;
/// use ::governor::{Quota, RateLimiter};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), gimmal_transport::Error> {
/// let limiter = Arc::new(RateLimiter::direct(Quota::per_minute(NonZeroU32::new(60).unwrap())));
/// let limit = GovernorLimit::requests(limiter, Arc::new(TokioClock));
/// limit.admit(0).await?.start();
/// # Ok(())
/// # }
/// ```
///
/// Callers are served in the order in which they came. More tokens than the limiter's burst are
/// taken in portions of a burst, instead of being refused; a call that is dropped meanwhile loses
/// the portions it had, because the limiter takes nothing back. How long to wait is read off the
/// limiter's clock, and the waiting is done on the transport's.
pub struct GovernorLimit<C: GovernorClock = DefaultClock> {
    limiter: Arc<DirectLimiter<C>>,
    clock: Arc<dyn Clock>,
    counts_tokens: bool,
    head: Semaphore,
}

/// The kind of limiter that is adapted: not keyed, in memory, without middleware.
type DirectLimiter<C> =
    RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<<C as GovernorClock>::Instant>>;

impl<C: GovernorClock> GovernorLimit<C> {
    /// Counts one for each request.
    pub fn requests(limiter: Arc<DirectLimiter<C>>, clock: Arc<dyn Clock>) -> Self {
        Self {
            limiter,
            clock,
            counts_tokens: false,
            head: Semaphore::new(NonZeroU32::MIN),
        }
    }

    /// Counts the tokens of each request; one without an estimate counts as none.
    pub fn tokens(limiter: Arc<DirectLimiter<C>>, clock: Arc<dyn Clock>) -> Self {
        Self {
            counts_tokens: true,
            ..Self::requests(limiter, clock)
        }
    }

    /// Waits for as many cells of the limiter.
    async fn take(&self, cells: u64) {
        let _head = self.head.acquire().await;
        let mut left = cells;
        let mut portion = u32::MAX;
        while let Some(next) = at_most(left, portion) {
            match self.limiter.check_n(next) {
                Ok(Ok(())) => left -= u64::from(next.get()),
                Ok(Err(refusal)) => {
                    let wait = refusal.wait_time_from(self.limiter.clock().now());
                    self.clock.sleep(wait).await;
                }
                // The most the limiter ever has at once.
                Err(InsufficientCapacity(burst)) => portion = burst,
            }
        }
    }
}

/// What is left, or `portion` of it; `None` when nothing is left.
fn at_most(left: u64, portion: u32) -> Option<NonZeroU32> {
    NonZeroU32::new(u32::try_from(left).unwrap_or(u32::MAX).min(portion))
}

impl<C> RateLimit for GovernorLimit<C>
where
    C: GovernorClock + Send + Sync + 'static,
    C::Instant: Reference + Send + Sync,
{
    fn admit(&self, tokens: u64) -> BoxFuture<'_, Result<Admission, Error>> {
        async move {
            self.take(if self.counts_tokens { tokens } else { 1 }).await;
            Ok(Admission::free())
        }
        .boxed()
    }
}

impl<C: GovernorClock> fmt::Debug for GovernorLimit<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GovernorLimit")
            .field("counts_tokens", &self.counts_tokens)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant, SystemTime};

    use ::governor::Quota;
    use ::governor::clock::FakeRelativeClock;
    use futures_util::future::join_all;

    use super::*;
    use crate::time::TokioClock;

    /// Tokio's paused clock, with the limiter's clock moved along.
    #[derive(Clone, Debug)]
    struct Both(FakeRelativeClock);

    impl Clock for Both {
        fn now(&self) -> Instant {
            TokioClock.now()
        }

        fn system_now(&self) -> SystemTime {
            SystemTime::UNIX_EPOCH
        }

        fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
            let clock = self.0.clone();
            async move {
                TokioClock.sleep(duration).await;
                clock.advance(duration);
            }
            .boxed()
        }
    }

    fn fixture(burst: u32) -> (Arc<DirectLimiter<FakeRelativeClock>>, Arc<Both>) {
        let clock = FakeRelativeClock::default();
        let quota = Quota::per_second(NonZeroU32::MIN).allow_burst(NonZeroU32::new(burst).unwrap());
        let limiter = RateLimiter::direct_with_clock(quota, clock.clone());
        (Arc::new(limiter), Arc::new(Both(clock)))
    }

    async fn admit<C>(limit: &GovernorLimit<C>, tokens: u64) -> Instant
    where
        GovernorLimit<C>: RateLimit,
        C: GovernorClock,
    {
        let minute = Duration::from_secs(60);
        let admission = tokio::time::timeout(minute, limit.admit(tokens)).await;
        admission.expect("it hangs").unwrap().start();
        TokioClock.now()
    }

    #[tokio::test(start_paused = true)]
    async fn requests_go_at_the_pace_of_the_limiter_in_order() {
        let (limiter, clock) = fixture(2);
        let limit = GovernorLimit::requests(limiter, clock);
        let start = TokioClock.now();
        let times = join_all((0..5).map(|_| admit(&limit, 1_000))).await;
        let times: Vec<_> = times.iter().map(|at| (*at - start).as_secs()).collect();
        assert_eq!(times, [0, 0, 1, 2, 3]);
    }

    #[tokio::test(start_paused = true)]
    async fn more_than_the_burst_is_taken_in_portions() {
        let (limiter, clock) = fixture(4);
        let limit = GovernorLimit::tokens(limiter, clock);
        let start = TokioClock.now();
        assert_eq!(admit(&limit, 0).await, start);
        assert_eq!(admit(&limit, 10).await - start, Duration::from_secs(6));
    }
}
