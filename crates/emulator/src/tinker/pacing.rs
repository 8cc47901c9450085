//! When work is done: how long it takes, how long it is held up, and what is said to those who wait
//! for it. Does none of it.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::Duration,
};

use tokio::sync::watch;

use crate::clock::Clock;

/// What callers are told of the queue that their requests wait in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum QueueState {
    /// Requests are being worked on.
    #[default]
    Active,
    /// There is too little room on the machines.
    PausedCapacity,
    /// The caller has too much going on at once.
    PausedRateLimit,
}

impl QueueState {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::PausedCapacity => "paused_capacity",
            Self::PausedRateLimit => "paused_rate_limit",
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Pacing {
    held: watch::Sender<(QueueState, Option<String>)>,
    /// How long each piece of work takes.
    latency: Duration,
    /// How much may be waiting before callers are told that room is short.
    room: Option<usize>,
    waiting: AtomicUsize,
}

/// Counts a piece of work as waiting until it is dropped.
#[derive(Debug)]
pub(crate) struct Waiting<'a>(&'a Pacing);

impl Pacing {
    pub(crate) fn new(latency: Duration, room: Option<usize>) -> Self {
        Self {
            latency,
            room,
            ..Self::default()
        }
    }

    /// Holds all work up until the state is [`QueueState::Active`] again.
    pub(crate) fn hold(&self, state: QueueState, reason: Option<String>) {
        self.held.send_replace((state, reason));
    }

    /// Waits until work may be done, and for as long as it takes.
    pub(crate) async fn turn(&self, clock: &dyn Clock) {
        let mut changes = self.held.subscribe();
        // The sender is a part of this, so that it cannot be gone.
        let _ = changes
            .wait_for(|(state, _)| *state == QueueState::Active)
            .await;
        if !self.latency.is_zero() {
            clock.sleep(self.latency).await;
        }
    }

    pub(crate) fn wait(&self) -> Waiting<'_> {
        self.waiting.fetch_add(1, Ordering::AcqRel);
        Waiting(self)
    }

    pub(crate) fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Acquire)
    }

    /// What to tell somebody who waits.
    pub(crate) fn state(&self) -> (QueueState, Option<String>) {
        let held = self.held.borrow().clone();
        match (held.0, self.room) {
            (QueueState::Active, Some(room)) if self.waiting() > room => {
                let reason = format!("{} requests are waiting", self.waiting());
                (QueueState::PausedCapacity, Some(reason))
            }
            _ => held,
        }
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.waiting.fetch_sub(1, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;
    use futures_util::FutureExt;

    #[test]
    fn work_waits_for_the_state_and_then_takes_its_time() {
        let clock = ManualClock::new();
        let pacing = Pacing::new(Duration::from_secs(3), Some(1));
        pacing.hold(QueueState::PausedRateLimit, Some("why".to_owned()));
        let mut turn = Box::pin(pacing.turn(&clock));
        assert!((&mut turn).now_or_never().is_none());
        assert_eq!(pacing.state().0.name(), "paused_rate_limit");
        pacing.hold(QueueState::Active, None);
        assert!((&mut turn).now_or_never().is_none());
        clock.advance(Duration::from_secs(3));
        assert!(turn.now_or_never().is_some());
    }

    #[test]
    fn a_long_queue_is_short_of_room() {
        let pacing = Pacing::new(Duration::ZERO, Some(1));
        let first = pacing.wait();
        assert_eq!(pacing.state(), (QueueState::Active, None));
        let second = pacing.wait();
        assert_eq!(pacing.state().0, QueueState::PausedCapacity);
        drop((first, second));
        assert_eq!(pacing.waiting(), 0);
    }
}
