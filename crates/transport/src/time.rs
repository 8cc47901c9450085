//! Time and chance as parameters, so that tests decide both. Nothing else in the crate asks the
//! system for the time, sleeps or draws a random number.

use std::fmt::Debug;
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::Poll;
use std::time::{Duration, Instant, SystemTime};

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

/// Where the current time comes from and how waiting is done.
pub trait Clock: Debug + Send + Sync + 'static {
    /// A point on a clock that never goes back.
    fn now(&self) -> Instant;

    /// The date and time of day; used only to read dates that servers send.
    fn system_now(&self) -> SystemTime;

    /// A future that is ready after `duration`.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

/// The clock of the tokio runtime.
///
/// In tests it follows `tokio::time::pause`, so waits take no real time there.
#[derive(Clone, Copy, Debug, Default)]
pub struct TokioClock;

impl Clock for TokioClock {
    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }

    fn system_now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// Where randomness comes from.
pub trait Jitter: Debug + Send + Sync + 'static {
    /// A number from 0 up to, but not including, 1.
    fn fraction(&self) -> f64;
}

/// Randomness of the thread's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct ThreadRngJitter;

impl Jitter for ThreadRngJitter {
    fn fraction(&self) -> f64 {
        rand::random()
    }
}

/// Always the same fraction, for tests.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FixedJitter(f64);

impl FixedJitter {
    /// The fraction to answer with; kept within [0, 1).
    pub fn new(fraction: f64) -> Self {
        let below_one = 1.0 - f64::EPSILON;
        Self(if fraction.is_nan() {
            0.0
        } else {
            fraction.clamp(0.0, below_one)
        })
    }
}

impl Jitter for FixedJitter {
    fn fraction(&self) -> f64 {
        self.0
    }
}

/// The time limit passed before the future was ready.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Elapsed;

/// Waits for `future`, for at most `limit`; no limit waits for ever.
pub(crate) async fn within<F: Future>(
    clock: &dyn Clock,
    limit: Option<Duration>,
    future: F,
) -> Result<F::Output, Elapsed> {
    let due = limit.and_then(|limit| clock.now().checked_add(limit));
    until(clock, due, pin!(future)).await
}

/// Waits for `future` until `due`; without that it waits for ever.
///
/// It takes a future that is pinned already, because moving one costs more than polling it.
pub(crate) fn until<F: Future + Unpin>(
    clock: &dyn Clock,
    due: Option<Instant>,
    mut future: F,
) -> impl Future<Output = Result<F::Output, Elapsed>> {
    let mut timer = None;
    poll_fn(move |context| {
        // What is already here beats the timer, and needs none.
        if let Poll::Ready(output) = future.poll_unpin(context) {
            return Poll::Ready(Ok(output));
        }
        let Some(due) = due else {
            return Poll::Pending;
        };
        let left = || due.saturating_duration_since(clock.now());
        let timer = timer.get_or_insert_with(|| clock.sleep(left()));
        timer.poll_unpin(context).map(|()| Err(Elapsed))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn within_gives_up_at_the_limit() {
        let clock = TokioClock;
        let start = clock.now();
        let late = within(
            &clock,
            Some(Duration::from_secs(5)),
            clock.sleep(Duration::from_secs(6)),
        );
        assert_eq!(late.await, Err(Elapsed));
        assert_eq!(clock.now() - start, Duration::from_secs(5));
    }

    #[tokio::test(start_paused = true)]
    async fn within_returns_what_is_ready_even_without_time() {
        let ready = within(&TokioClock, Some(Duration::ZERO), async { 7 }).await;
        assert_eq!(ready, Ok(7));
        let unlimited = within(&TokioClock, None, TokioClock.sleep(Duration::from_secs(9))).await;
        assert_eq!(unlimited, Ok(()));
    }

    #[test]
    fn fixed_jitter_stays_in_range() {
        assert!(FixedJitter::new(7.0).fraction() < 1.0);
        assert_eq!(FixedJitter::new(-1.0).fraction(), 0.0);
        assert_eq!(FixedJitter::new(f64::NAN).fraction(), 0.0);
        assert!((0.0..1.0).contains(&ThreadRngJitter.fraction()));
    }
}
