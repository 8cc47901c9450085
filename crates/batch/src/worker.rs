//! One of the tasks that work on items.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, OnceLock};

use futures_util::future::{Either, select};
use futures_util::stream::BoxStream;
use futures_util::{FutureExt as _, StreamExt as _};
use gimmal_client::transport::Clock;
use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, mpsc};

use super::{CallStrategy, Failure, FailureKind, Shutdown, WorkItem, WorkItemResult};

/// A result and its place among those that may be held.
pub(super) struct Held<O, C> {
    pub(super) result: WorkItemResult<O, C>,
    /// Given back when the result is read, which lets another item begin.
    pub(super) _place: OwnedSemaphorePermit,
}

/// The items that are left, with their place in the input.
pub(super) type Items<I, C> = Mutex<BoxStream<'static, (usize, WorkItem<I, C>)>>;

/// What the workers of a run share.
pub(super) struct Worker<S: CallStrategy, C> {
    pub(super) strategy: Arc<S>,
    pub(super) items: Arc<Items<S::Input, C>>,
    pub(super) places: Arc<Semaphore>,
    pub(super) results: mpsc::UnboundedSender<Held<S::Output, C>>,
    pub(super) shutdown: Shutdown,
    pub(super) clock: Arc<dyn Clock>,
    /// The failure that speaks for all items, if there was one.
    pub(super) fatal: Arc<OnceLock<Failure>>,
}

impl<S: CallStrategy, C: Send + 'static> Worker<S, C> {
    /// Takes items until there are none, or until the run is aborted.
    pub(super) async fn run(self) {
        let aborted = Box::pin(self.shutdown.aborted());
        // Whatever is in work when the run is aborted is dropped here.
        let _: Either<_, _> = select(Box::pin(self.work()), aborted).await;
    }

    async fn work(&self) {
        // The semaphore is never closed and the receiver ends last; either would mean that nobody
        // wants results any more.
        while let Ok(place) = Arc::clone(&self.places).acquire_owned().await {
            let Some((index, item)) = self.items.lock().await.next().await else {
                return;
            };
            if let Some(result) = self.answer(index as u64, item).await
                && self
                    .results
                    .send(Held {
                        result,
                        _place: place,
                    })
                    .is_err()
            {
                return;
            }
        }
    }

    /// Works on an item; `None` when its failure ends the run.
    async fn answer(
        &self,
        submission_index: u64,
        item: WorkItem<S::Input, C>,
    ) -> Option<WorkItemResult<S::Output, C>> {
        let WorkItem { id, input, context } = item;
        let started = self.clock.now();
        let call = AssertUnwindSafe(async { self.strategy.execute(&input).await });
        let outcome = call
            .catch_unwind()
            .await
            .unwrap_or_else(|panic| Err(panicked(&*panic)));
        if let Err(failure) = &outcome
            && failure.is_fatal
        {
            // The first one speaks for all: the rest would only repeat it.
            let _ = self.fatal.set(failure.clone());
            self.shutdown.drain();
            return None;
        }
        let latency = self.clock.now().duration_since(started);
        Some(WorkItemResult {
            id,
            submission_index,
            outcome,
            latency,
            context,
        })
    }
}

fn panicked(panic: &(dyn Any + Send)) -> Failure {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let text = text.unwrap_or("no message");
    Failure::new(
        FailureKind::Panicked,
        format!("the strategy panicked: {text}"),
    )
}
