//! A clock for real sockets. It does not run by itself, because between two packets on the loopback
//! interface any amount of time might seem to pass. Waits between attempts end at once; time limits
//! pass when a test says that nothing more will come.

use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant, SystemTime};

use futures_util::future::BoxFuture;
use gimmal_transport::Clock;

/// What is shorter is a wait between attempts; what is not is a time limit.
const SHORTEST_LIMIT: Duration = Duration::from_secs(5);

/// A clock moved by the sleeps that end; clones show the same time.
#[derive(Clone, Debug)]
pub(crate) struct JumpClock(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    start: Instant,
    now: Instant,
    /// Jumps that nobody has taken yet.
    jumps: u32,
    next_id: u64,
    limits: Vec<Limit>,
}

/// A time limit that somebody waits for.
#[derive(Debug)]
struct Limit {
    id: u64,
    due: Instant,
    waker: Waker,
}

/// Leaves the list when the wait is given up.
struct Place {
    clock: JumpClock,
    id: u64,
}

impl JumpClock {
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        Self(Arc::new(Mutex::new(State {
            start: now,
            now,
            jumps: 0,
            next_id: 0,
            limits: Vec::new(),
        })))
    }

    /// Time since the clock was made.
    pub(crate) fn elapsed(&self) -> Duration {
        let state = self.lock();
        state.now - state.start
    }

    /// Moves the clock on, whoever waits.
    pub(crate) fn advance(&self, by: Duration) {
        self.lock().now += by;
    }

    /// Lets the next time limit pass: the earliest of those waited for, or else the first to come.
    pub(crate) fn jump(&self) {
        let woken = {
            let mut state = self.lock();
            let next = state.limits.iter().map(|limit| limit.due).min();
            let Some(due) = next else {
                state.jumps += 1;
                return;
            };
            state.now = state.now.max(due);
            let passed = state.limits.extract_if(.., |limit| limit.due <= due);
            passed.map(|limit| limit.waker).collect::<Vec<_>>()
        };
        woken.into_iter().for_each(Waker::wake);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clock for JumpClock {
    fn now(&self) -> Instant {
        self.lock().now
    }

    fn system_now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + self.elapsed()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let (due, id) = {
            let mut state = self.lock();
            state.next_id += 1;
            (state.now + duration, state.next_id)
        };
        let place = Place {
            clock: self.clone(),
            id,
        };
        Box::pin(poll_fn(move |cx| {
            let mut state = place.clock.lock();
            state.limits.retain(|limit| limit.id != id);
            if duration >= SHORTEST_LIMIT && state.now < due {
                if state.jumps == 0 {
                    let waker = cx.waker().clone();
                    state.limits.push(Limit { id, due, waker });
                    return Poll::Pending;
                }
                state.jumps -= 1;
            }
            state.now = state.now.max(due);
            Poll::Ready(())
        }))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let id = self.id;
        self.clock.lock().limits.retain(|limit| limit.id != id);
    }
}
