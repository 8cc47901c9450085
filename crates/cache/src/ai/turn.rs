//! Whose turn it is to compute, among processes that share a store. It saves computations and no
//! more: whoever has waited long enough computes, whatever the lock says.

use std::time::{Duration, Instant};

use super::inner::{Inner, Job};
use crate::cache::ResponseCache;
use crate::lookup::Lookup;
use crate::outcome::LockState;

/// The first wait between two looks; it grows by half.
const FIRST_WAIT: Duration = Duration::from_millis(20);
/// The longest wait between two looks.
const LONGEST_WAIT: Duration = Duration::from_millis(250);
/// A lock with less time left is not given back: it may be another's by the time that arrives.
const MARGIN: Duration = Duration::from_millis(500);

/// What a process that wants to compute does.
pub(super) enum Turn {
    /// It computes.
    Compute(Option<Held>),
    /// Another process has computed it.
    Done(Lookup),
}

/// A lock that this process has.
pub(super) struct Held {
    since: Instant,
    hold: Duration,
}

impl<C: ResponseCache> Inner<C> {
    /// Waits until it is this process's turn, or another has finished.
    pub(super) async fn take_turn(&self, job: &Job) -> Turn {
        let Some(hold) = self.rules.shared_lock else {
            return Turn::Compute(None);
        };
        let clock = &self.rules.clock;
        let start = clock.now();
        let mut wait = FIRST_WAIT;
        loop {
            let since = clock.now();
            let state = self.store.try_lock(&job.key, hold).await;
            if state == LockState::Unsupported {
                return Turn::Compute(None);
            }
            // Whoever had it may have finished between our last look and now.
            let lookup = job.options.judge(self.store.get(&job.key).await);
            let is_done = !matches!(lookup, Lookup::Miss(_));
            let held = (state == LockState::Taken).then_some(Held { since, hold });
            match (is_done, held) {
                (true, held) => {
                    self.end_turn(job, held).await;
                    return Turn::Done(lookup);
                }
                (false, Some(held)) => return Turn::Compute(Some(held)),
                (false, None) => {}
            }
            // A lock ends by itself; beyond that something is wrong with it.
            if clock.now().saturating_duration_since(start) >= hold + LONGEST_WAIT {
                return Turn::Compute(None);
            }
            clock.sleep(wait).await;
            wait = (wait + wait / 2).min(LONGEST_WAIT);
        }
    }

    /// Gives the lock back, if it still is ours beyond doubt.
    pub(super) async fn end_turn(&self, job: &Job, held: Option<Held>) {
        let Some(held) = held else { return };
        let now = self.rules.clock.now();
        if now.saturating_duration_since(held.since) + MARGIN < held.hold {
            self.store.unlock(&job.key).await;
        }
    }
}
