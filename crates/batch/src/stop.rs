//! How a run ends before its input does: the first cause wins, and every wait hears of it.

use std::pin::pin;
use std::sync::OnceLock;
use std::task::Poll;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, poll_fn};
use gimmal_client::transport::Clock;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::{Category, Failure, Shutdown};

/// What becomes of calls in flight when a run stops itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum AbortMode {
    /// They end as usual, and their results count.
    #[default]
    DrainActive,
    /// They are dropped.
    CancelActive,
}

/// Why a run ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TerminationKind {
    /// There were no more items.
    #[default]
    Completed,
    /// The caller ended it.
    Stopped,
    /// It took longer than it may.
    BatchTimeout,
    /// An item failed in a way that ends the run.
    FailFast,
    /// It has spent what it may.
    BudgetExceeded,
    /// A result could not be written down.
    ArtifactError,
}

/// How a run ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Termination {
    /// Why.
    pub kind: TerminationKind,
    /// Why, for a person.
    pub reason: Option<String>,
    /// The category of the failure that ended it.
    pub category: Option<Category>,
    /// The item that ended it.
    pub item_id: Option<String>,
}

impl Termination {
    pub(crate) fn new(kind: TerminationKind, reason: impl Into<String>) -> Self {
        Self {
            kind,
            reason: Some(reason.into()),
            ..Self::default()
        }
    }
}

/// Tells every part of a run to end.
#[derive(Debug)]
pub(crate) struct Stop {
    token: CancellationToken,
    cause: OnceLock<Termination>,
    mode: AbortMode,
    shutdown: Shutdown,
}

impl Stop {
    pub(crate) fn new(mode: AbortMode, shutdown: Shutdown) -> Self {
        Self {
            token: CancellationToken::new(),
            cause: OnceLock::new(),
            mode,
            shutdown,
        }
    }

    /// Ends the run, unless something else did. True when this is the cause.
    pub(crate) fn trip(&self, cause: Termination) -> bool {
        let first = self.cause.set(cause).is_ok();
        if first {
            self.shutdown.drain();
            self.token.cancel();
        }
        first
    }

    pub(crate) fn cause(&self) -> Option<&Termination> {
        self.cause.get()
    }

    pub(crate) fn is_tripped(&self) -> bool {
        // Asked several times for every item: this takes no lock.
        self.cause.get().is_some()
    }

    /// The result of an item that the end of the run took with it.
    fn collateral(&self) -> Failure {
        let cause = self.cause.get().cloned().unwrap_or_default();
        let category = match cause.kind {
            TerminationKind::BatchTimeout => Category::BatchDeadlineExceeded,
            TerminationKind::BudgetExceeded => Category::BatchBudgetExceeded,
            _ => Category::BatchAborted,
        };
        let reason = cause.reason.unwrap_or_default();
        Failure::new(category, format!("the run was stopped: {reason}"))
    }
}

/// The limits that every wait of an item is under: its deadline, and the end of the run.
#[derive(Clone, Copy)]
pub(crate) struct Guard<'a> {
    pub(crate) clock: &'a dyn Clock,
    pub(crate) deadline: Option<Instant>,
    pub(crate) limit: Option<Duration>,
    pub(crate) stop: &'a Stop,
}

/// Stands between why an item was given up and the failure before it.
pub(crate) const BEFORE_THAT: &str = "; before that: ";

/// Why a wait was cut short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    /// The item's deadline passed.
    Deadline,
    /// The time for this one call passed.
    Timeout,
    /// The run ends.
    Stopped,
}

impl Guard<'_> {
    /// How long the item still has.
    pub(crate) fn left(&self) -> Option<Duration> {
        let deadline = self.deadline?;
        Some(deadline.saturating_duration_since(self.clock.now()))
    }

    pub(crate) fn check(&self) -> Result<(), Cut> {
        match () {
            () if self.stop.is_tripped() => Err(Cut::Stopped),
            () if self.left() == Some(Duration::ZERO) => Err(Cut::Deadline),
            () => Ok(()),
        }
    }

    /// Waits for anything but a call.
    pub(crate) async fn wait<F: Future>(&self, future: F) -> Result<F::Output, Cut> {
        self.until(self.left().map(|left| (left, Cut::Deadline)), true, future)
            .await
    }

    /// Waits for a call, for as long as an attempt may take. What is in flight when the run stops
    /// ends as usual, unless the run is to drop it.
    pub(crate) async fn call<F: Future>(
        &self,
        attempt_timeout: Option<Duration>,
        future: F,
    ) -> Result<F::Output, Cut> {
        // At the same moment the deadline is the cause, since nothing comes after it.
        let limit = match (self.left(), attempt_timeout) {
            (Some(left), Some(timeout)) if timeout < left => Some((timeout, Cut::Timeout)),
            (Some(left), _) => Some((left, Cut::Deadline)),
            (None, timeout) => timeout.map(|timeout| (timeout, Cut::Timeout)),
        };
        let heeds_stop = self.stop.mode == AbortMode::CancelActive;
        self.until(limit, heeds_stop, future).await
    }

    async fn until<F: Future>(
        &self,
        limit: Option<(Duration, Cut)>,
        heeds_stop: bool,
        future: F,
    ) -> Result<F::Output, Cut> {
        let mut future = pin!(future);
        // Neither the timer nor the ear for the end of the run is there before it is needed.
        let mut timer: Option<BoxFuture<'static, ()>> = None;
        let mut stopped: Option<BoxFuture<'static, ()>> = None;
        poll_fn(move |context| {
            if let Poll::Ready(output) = future.as_mut().poll(context) {
                return Poll::Ready(Ok(output));
            }
            if heeds_stop {
                let stopped = stopped
                    .get_or_insert_with(|| Box::pin(self.stop.token.clone().cancelled_owned()));
                if stopped.poll_unpin(context).is_ready() {
                    return Poll::Ready(Err(Cut::Stopped));
                }
            }
            let Some((limit, cut)) = limit else {
                return Poll::Pending;
            };
            let timer = timer.get_or_insert_with(|| self.clock.sleep(limit));
            timer.poll_unpin(context).map(|()| Err(cut))
        })
        .await
    }

    /// The result of an item whose wait was cut short, with the last failure if there was one.
    pub(crate) fn failure(&self, cut: Cut, last: Option<&Failure>) -> Failure {
        let mut failure = match cut {
            Cut::Stopped => self.stop.collateral(),
            Cut::Deadline | Cut::Timeout => Failure::new(
                Category::FrameworkTotalItemTimeout,
                format!(
                    "the item took longer than {:?}",
                    self.limit.unwrap_or_default()
                ),
            ),
        };
        if let Some(last) = last {
            failure.message = format!("{}{BEFORE_THAT}{last}", failure.message);
        }
        failure
    }
}
