//! A clock that stands still until it is moved, and chance that was chosen before.

use std::future::poll_fn;
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

use futures_util::future::BoxFuture;

use crate::lock;
use crate::time::{Clock, Jitter, SystemClock, Timestamp};

/// A clock that a test moves. Clones show the same time.
///
/// ```
/// use gimmal_cache::Clock;
/// use gimmal_cache::testing::ManualClock;
/// use std::time::Duration;
///
/// let clock = ManualClock::new();
/// let before = clock.timestamp();
/// clock.advance(Duration::from_secs(3));
/// assert_eq!(clock.timestamp().since(before), Duration::from_secs(3));
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<State>);

#[derive(Debug)]
struct State {
    start: (Instant, Timestamp),
    passed: Mutex<Passed>,
}

#[derive(Debug, Default)]
struct Passed {
    time: Duration,
    sleepers: Vec<(Duration, Waker)>,
}

impl ManualClock {
    /// A clock that shows the present, and goes on showing it.
    #[must_use]
    pub fn new() -> Self {
        Self::at(SystemClock.timestamp())
    }

    /// A clock that shows this time.
    #[must_use]
    pub fn at(start: Timestamp) -> Self {
        Self(Arc::new(State {
            start: (Instant::now(), start),
            passed: Mutex::default(),
        }))
    }

    /// Moves the clock and wakes whoever has slept long enough.
    pub fn advance(&self, duration: Duration) {
        let mut passed = lock(&self.0.passed);
        passed.time += duration;
        let now = passed.time;
        let (due, rest) = std::mem::take(&mut passed.sleepers)
            .into_iter()
            .partition(|(until, _)| *until <= now);
        passed.sleepers = rest;
        drop(passed);
        due.into_iter()
            .for_each(|(_, waker): (_, Waker)| waker.wake());
    }

    /// The number of tasks that sleep.
    #[must_use]
    pub fn sleepers(&self) -> usize {
        lock(&self.0.passed).sleepers.len()
    }

    fn passed(&self) -> Duration {
        lock(&self.0.passed).time
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Instant {
        self.0.start.0 + self.passed()
    }

    fn timestamp(&self) -> Timestamp {
        self.0.start.1.plus(self.passed())
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let until = self.passed() + duration;
        let clock = self.clone();
        Box::pin(poll_fn(move |context| {
            let mut passed = lock(&clock.0.passed);
            if passed.time >= until {
                return Poll::Ready(());
            }
            let waker = context.waker();
            let is_known = |it: &(_, Waker)| it.0 == until && it.1.will_wake(waker);
            passed.sleepers.retain(|sleeper| !is_known(sleeper));
            passed.sleepers.push((until, waker.clone()));
            Poll::Pending
        }))
    }
}

/// Always the same fraction.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FixedJitter(pub f64);

impl Jitter for FixedJitter {
    fn fraction(&self) -> f64 {
        self.0
    }
}
