//! A clock that only a target moves. Its sleeps are real futures: they end when the clock reaches
//! their time, and they wake whoever polled them last.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant, SystemTime};

use futures_util::future::BoxFuture;
use gimmal_transport::Clock;

/// What the clock of every run shows at first, as a date: 2023-11-14 22:13:20 UTC.
pub const START_OF_TIME: u64 = 1_700_000_000;

/// A clock moved by hand; clones show the same time.
#[derive(Clone, Debug)]
pub struct VirtualClock(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    start: Instant,
    now: Instant,
    next_id: u64,
    sleepers: Vec<Sleeper>,
    slept: Vec<Duration>,
}

#[derive(Debug)]
struct Sleeper {
    id: u64,
    due: Instant,
    waker: Waker,
}

/// Leaves the list of sleepers when the sleep is given up.
struct Place {
    clock: VirtualClock,
    id: u64,
}

impl Default for VirtualClock {
    fn default() -> Self {
        let now = Instant::now();
        Self(Arc::new(Mutex::new(State {
            start: now,
            now,
            next_id: 0,
            sleepers: Vec::new(),
            slept: Vec::new(),
        })))
    }
}

impl VirtualClock {
    /// Time since the clock was made.
    pub fn elapsed(&self) -> Duration {
        let state = self.lock();
        state.now - state.start
    }

    /// How long each sleep so far was meant to take.
    pub fn slept(&self) -> Vec<Duration> {
        self.lock().slept.clone()
    }

    /// Moves the clock and wakes those whose time has come.
    pub fn advance(&self, by: Duration) {
        let due: Vec<Waker> = {
            let mut state = self.lock();
            state.now += by;
            let now = state.now;
            let sleepers = state.sleepers.extract_if(.., |sleeper| sleeper.due <= now);
            sleepers.map(|sleeper| sleeper.waker).collect()
        };
        due.into_iter().for_each(Waker::wake);
    }

    /// Moves the clock to the end of the next sleep; false when nobody sleeps.
    pub fn advance_to_next(&self) -> bool {
        let next = {
            let state = self.lock();
            let due = state.sleepers.iter().map(|sleeper| sleeper.due).min();
            due.map(|due| due.saturating_duration_since(state.now))
        };
        next.map(|by| self.advance(by)).is_some()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for VirtualClock {
    fn now(&self) -> Instant {
        self.lock().now
    }

    fn system_now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(START_OF_TIME) + self.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let (place, due) = {
            let mut state = self.lock();
            state.slept.push(duration);
            state.next_id += 1;
            let place = Place {
                clock: self.clone(),
                id: state.next_id,
            };
            (place, state.now.checked_add(duration))
        };
        Box::pin(poll_fn(move |cx| {
            let mut state = place.clock.lock();
            // A time too far away to be one never comes.
            let Some(due) = due else {
                return Poll::Pending;
            };
            state.sleepers.retain(|sleeper| sleeper.id != place.id);
            if due <= state.now {
                return Poll::Ready(());
            }
            state.sleepers.push(Sleeper {
                id: place.id,
                due,
                waker: cx.waker().clone(),
            });
            Poll::Pending
        }))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let id = self.id;
        self.clock
            .lock()
            .sleepers
            .retain(|sleeper| sleeper.id != id);
    }
}
