//! Time as the emulator sees it: what "now" is and how to wait. Everything that expires, counts
//! per minute or delays goes through a [`Clock`]; nothing else in the crate reads the system time.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    time::{Duration, SystemTime},
};

use tokio::sync::watch;

/// The future returned by [`Clock::sleep`].
pub type Sleep = Pin<Box<dyn Future<Output = ()> + Send + 'static>>;

/// A source of wall-clock time and of waiting.
pub trait Clock: fmt::Debug + Send + Sync + 'static {
    /// The current time.
    fn now(&self) -> SystemTime;

    /// A future that finishes once `duration` has passed on this clock.
    fn sleep(&self, duration: Duration) -> Sleep;
}

/// The machine's clock, with waiting on the Tokio timer.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// A clock that moves only when told to, so that an hour passes in a test without waiting.
///
/// ```
/// use std::time::Duration;
/// use gimmal_emulator::{Clock, ManualClock};
///
/// let clock = ManualClock::new();
/// let before = clock.now();
/// clock.advance(Duration::from_secs(3600));
/// assert_eq!(clock.now().duration_since(before)?.as_secs(), 3600);
/// # Ok::<(), std::time::SystemTimeError>(())
/// ```
///
/// Clones share the same time. A delay asked of an emulator on this clock lasts until the clock
/// has been advanced past it.
#[derive(Clone)]
pub struct ManualClock {
    now: watch::Sender<SystemTime>,
}

impl ManualClock {
    /// A clock standing at 2026-01-01T00:00:00Z.
    #[must_use]
    pub fn new() -> Self {
        Self::starting_at(SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600))
    }

    /// A clock standing at `start`.
    #[must_use]
    pub fn starting_at(start: SystemTime) -> Self {
        Self {
            now: watch::Sender::new(start),
        }
    }

    /// Moves the clock forward and wakes the sleepers whose time has come.
    pub fn advance(&self, duration: Duration) {
        self.now.send_modify(|now| *now += duration);
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for ManualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ManualClock")
            .field("now", &*self.now.borrow())
            .finish()
    }
}

impl Clock for ManualClock {
    fn now(&self) -> SystemTime {
        *self.now.borrow()
    }

    fn sleep(&self, duration: Duration) -> Sleep {
        // Beyond the end of time there is no deadline, and the sleep lasts for ever.
        let deadline = self.now().checked_add(duration);
        let mut changes = self.now.subscribe();
        let keep_alive = self.now.clone();
        Box::pin(async move {
            // The sender is held by this future, so the wait can only end by reaching the deadline.
            let _ = changes
                .wait_for(|now| deadline.is_some_and(|deadline| *now >= deadline))
                .await;
            drop(keep_alive);
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[test]
    fn a_sleep_ends_when_the_clock_reaches_its_deadline() {
        let clock = ManualClock::new();
        let mut sleep = clock.sleep(Duration::from_secs(10));
        assert!((&mut sleep).now_or_never().is_none());
        clock.advance(Duration::from_secs(9));
        assert!((&mut sleep).now_or_never().is_none());
        clock.advance(Duration::from_secs(1));
        assert!(sleep.now_or_never().is_some());
    }

    #[test]
    fn a_sleep_without_end_is_no_panic() {
        let clock = ManualClock::new();
        let mut sleep = clock.sleep(Duration::MAX);
        clock.advance(Duration::from_secs(1 << 32));
        assert!((&mut sleep).now_or_never().is_none());
    }

    #[test]
    fn clones_share_the_time() {
        let clock = ManualClock::new();
        let twin = clock.clone();
        clock.advance(Duration::from_millis(1500));
        assert_eq!(clock.now(), twin.now());
    }
}
