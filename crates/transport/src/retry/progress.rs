//! Whether anything moves at all. A single operation may rightly take hours; when none of those
//! that wait together has ended for hours, they are stuck. Nothing here repeats anything.

use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::error::{Error, Persistence, TimeoutKind};
use crate::time::{Clock, Elapsed, within};

/// What a group of operations knows of its progress: any success counts for all of them.
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use gimmal_transport::retry::ProgressTracker;
/// use gimmal_transport::{Error, TokioClock};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() {
/// let progress = ProgressTracker::new(Duration::from_secs(60), Arc::new(TokioClock));
/// let stuck = std::future::pending::<Result<(), Error>>();
/// let error = progress.watch(stuck).await.unwrap_err();
/// assert_eq!(error.to_string(), "no operation made progress (60s)");
/// # }
/// ```
///
/// The time runs from the last success, or from when the first operation began after a time
/// without any. Clones share it.
#[derive(Clone)]
pub struct ProgressTracker {
    shared: Arc<Shared>,
}

struct Shared {
    timeout: Duration,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    operations: usize,
    last: Option<Instant>,
}

impl ProgressTracker {
    /// A tracker that allows for `timeout` without a success.
    pub fn new(timeout: Duration, clock: Arc<dyn Clock>) -> Self {
        Self {
            shared: Arc::new(Shared {
                timeout,
                clock,
                state: Mutex::default(),
            }),
        }
    }

    /// Counts an operation among those that wait, until the guard is dropped.
    pub fn enter(&self) -> ProgressGuard {
        let now = self.shared.clock.now();
        let mut state = self.state();
        if state.operations == 0 {
            state.last = Some(now);
        }
        state.operations += 1;
        ProgressGuard {
            tracker: self.clone(),
        }
    }

    /// Takes note of a success.
    pub fn record(&self) {
        let now = self.shared.clock.now();
        self.state().last = Some(now);
    }

    /// Whether there was no progress for too long, as seen by an operation after `attempts`
    /// attempts. One that has not tried yet is never stuck.
    pub fn is_stuck(&self, attempts: u32) -> bool {
        attempts > 0 && self.left().is_some_and(|left| left.is_zero())
    }

    /// Runs an operation until it ends, or until none of those that are watched has succeeded for
    /// too long. The error is a [`Timeout`](crate::ErrorKind::Timeout).
    pub async fn watch<T>(
        &self,
        operation: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let _guard = self.enter();
        let mut operation = pin!(operation);
        loop {
            let left = self.left();
            match within(&*self.shared.clock, left, operation.as_mut()).await {
                Ok(result) => {
                    if result.is_ok() {
                        self.record();
                    }
                    return result;
                }
                // Another operation may have succeeded during the sleep.
                Err(Elapsed) if self.left().is_none_or(|left| left.is_zero()) => {
                    return Err(self.error());
                }
                Err(Elapsed) => {}
            }
        }
    }

    /// The error of an operation that is stuck.
    pub(super) fn error(&self) -> Error {
        Error::timeout(TimeoutKind::Progress, self.shared.timeout)
            .with_persistence(Persistence::Persistent)
    }

    /// How much longer there may be no success; `None` when nothing has begun.
    fn left(&self) -> Option<Duration> {
        let last = self.state().last?;
        let idle = self.shared.clock.now().saturating_duration_since(last);
        Some(self.shared.timeout.saturating_sub(idle))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        let state = self.shared.state.lock();
        state.unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for ProgressTracker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProgressTracker")
            .field("timeout", &self.shared.timeout)
            .field("operations", &self.state().operations)
            .finish_non_exhaustive()
    }
}

/// One operation among those that wait.
#[derive(Debug)]
#[must_use = "dropping the guard ends the operation"]
pub struct ProgressGuard {
    tracker: ProgressTracker,
}

impl Drop for ProgressGuard {
    fn drop(&mut self) {
        self.tracker.state().operations -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manual_clock::ManualClock;
    use crate::time::TokioClock;

    const MS: Duration = Duration::from_millis(1);

    #[test]
    fn chk_rh2_2_only_who_has_tried_can_be_stuck() {
        let clock = Arc::new(ManualClock::new());
        let tracker = ProgressTracker::new(10 * MS, Arc::clone(&clock) as Arc<dyn Clock>);
        assert!(!tracker.is_stuck(1), "nothing has begun");
        tracker.record();
        clock.advance(100 * MS);
        assert!(!tracker.is_stuck(0));
        assert!(tracker.is_stuck(1));
        tracker.record();
        assert!(!tracker.is_stuck(1));
    }

    #[test]
    fn the_time_begins_anew_after_a_time_without_operations() {
        let clock = Arc::new(ManualClock::new());
        let tracker = ProgressTracker::new(10 * MS, Arc::clone(&clock) as Arc<dyn Clock>);
        let first = tracker.enter();
        clock.advance(6 * MS);
        let second = tracker.enter();
        drop(first);
        clock.advance(6 * MS);
        assert!(
            tracker.is_stuck(1),
            "the second one came while the first was waiting"
        );
        drop(second);
        let _third = tracker.enter();
        assert!(!tracker.is_stuck(1));
    }

    #[tokio::test(start_paused = true)]
    async fn chk_rh2_3_the_stuck_one_lives_as_long_as_another_moves() {
        let tracker = ProgressTracker::new(50 * MS, Arc::new(TokioClock));
        let start = TokioClock.now();
        let busy = async {
            for _ in 0..10 {
                let work = async {
                    TokioClock.sleep(30 * MS).await;
                    Ok(())
                };
                tracker.watch(work).await.unwrap();
            }
            TokioClock.now()
        };
        let stuck = async {
            let error = tracker.watch(std::future::pending::<Result<(), Error>>());
            (error.await.unwrap_err(), TokioClock.now())
        };
        let (last_success, (error, gave_up)) = tokio::join!(busy, stuck);
        assert_eq!(last_success - start, 300 * MS);
        assert_eq!(gave_up - last_success, 50 * MS);
        assert_eq!(error.timeout_kind(), Some(TimeoutKind::Progress));
        assert_eq!(error.persistence(), Persistence::Persistent);
        assert_eq!(tracker.state().operations, 0);
    }
}
