//! How a run is closed: step by step and each step once, whatever becomes of the others.
//!
//! A step that failed is done again only when somebody closes again; one that is done never is.
//! An abort while this goes on cuts the step short that is under way and passes over the rest.

use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Either, select};
use tokio::sync::Mutex;
use tokio::task::{JoinError, JoinHandle, JoinSet};

use super::journal::StoreError;
use super::pipeline::{Engine, panicked};
use super::{Category, Event, Failure, RunError};

/// How far a run is closed.
#[derive(Debug, Default)]
pub(crate) struct Closing {
    /// Attempts that have ended.
    ended: AtomicU64,
    done: Mutex<StepsDone>,
}

/// The steps that are done, apart from those that the strategies remember themselves.
#[derive(Debug, Default)]
struct StepsDone {
    store: bool,
    told: bool,
}

/// What came of closing.
#[derive(Debug, Default)]
pub(crate) struct Closed {
    /// The results could not be written to their end.
    pub(crate) error: Option<RunError>,
    /// Strategies that could not be cleaned up; the results stand all the same.
    pub(crate) unclean: Vec<Failure>,
}

/// What came of a task that closes.
pub(crate) async fn closed_by(closing: JoinHandle<Closed>) -> Closed {
    match closing.await.map_err(JoinError::try_into_panic) {
        Ok(closed) => closed,
        Err(Ok(panic)) => std::panic::resume_unwind(panic),
        // The runtime itself is going, and nobody knows how far it came.
        Err(Err(_)) => Closed::default(),
    }
}

impl<I, O, C> Engine<I, O, C>
where
    I: Send + Sync + 'static,
    O: Send + Sync + 'static,
    C: Send + Sync + 'static,
{
    /// Gives the strategies and the journal up, and lets the observers go once they have heard
    /// everything. Those who close at the same time share one attempt, whose failures the first of
    /// them is told.
    pub(crate) async fn close_up(&self, observers: JoinSet<()>) -> Closed {
        let before = self.closing.ended.load(Ordering::Acquire);
        let mut done = self.closing.done.lock().await;
        if self.closing.ended.load(Ordering::Acquire) != before {
            return Closed::default();
        }
        let closed = self.steps(&mut done, observers).await;
        self.closing.ended.fetch_add(1, Ordering::AcqRel);
        closed
    }

    async fn steps(&self, done: &mut StepsDone, mut observers: JoinSet<()>) -> Closed {
        let shutdown = &self.settings.shutdown;
        let was_aborted = shutdown.is_aborted();
        let mut aborted = pin!(async {
            if was_aborted {
                // Whoever closes a run that was aborted before wants it closed all the same.
                std::future::pending::<()>().await;
            }
            shutdown.aborted().await;
        });
        let mut closed = Closed::default();
        let mut skipped = Vec::new();
        for slot in self.named.values().chain([&self.first]) {
            let step = caught("the cleanup of a strategy", slot.lease.release());
            match select(Box::pin(step), &mut aborted).await {
                Either::Left((cleaned, _)) => closed.unclean.extend(cleaned.err()),
                Either::Right(_) => skipped.push("a strategy"),
            }
            if !skipped.is_empty() {
                break;
            }
        }
        for failure in &closed.unclean {
            tracing::error!(error = %failure, "a strategy could not be cleaned up");
        }
        if let Some(store) = self.hooks.store.as_ref().filter(|_| !done.store) {
            if skipped.is_empty() {
                let step = caught("the journal", async {
                    let failed = |error: StoreError| {
                        Failure::new(Category::ArtifactError, error.to_string())
                    };
                    store.close().await.map_err(failed)
                });
                match select(step, &mut aborted).await {
                    Either::Left((Ok(()), _)) => done.store = true,
                    Either::Left((Err(failure), _)) => closed.error = Some(RunError { failure }),
                    Either::Right(_) => skipped.push("the journal"),
                }
            } else {
                skipped.push("the journal");
            }
        }
        if !done.told {
            self.failures.sum_up();
            let stats = Box::new(self.recorder.snapshot());
            let told = self.observers.emit(|| Event::BatchCompleted { stats });
            if !skipped.is_empty()
                || matches!(select(Box::pin(told), &mut aborted).await, Either::Right(_))
            {
                skipped.push("the observers");
            }
            self.observers.close();
            done.told = true;
        }
        if skipped.is_empty() {
            let heard = async { while observers.join_next().await.is_some() {} };
            if let Either::Right(_) = select(pin!(heard), &mut aborted).await {
                skipped.push("the observers");
            }
        }
        if !skipped.is_empty() {
            let skipped = skipped.join(", ");
            tracing::warn!(skipped, "the run was aborted while it was closed");
        }
        closed
    }
}

/// A step whose panic is its failure.
fn caught<'a>(
    what: &'static str,
    step: impl Future<Output = Result<(), Failure>> + Send + 'a,
) -> BoxFuture<'a, Result<(), Failure>> {
    Box::pin(async move {
        let ended = AssertUnwindSafe(step).catch_unwind().await;
        ended.unwrap_or_else(|panic| Err(panicked(what, &*panic)))
    })
}
