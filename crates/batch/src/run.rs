//! A run under way: its workers on one side, the reader of its results on the other.

use std::collections::BTreeMap;
use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use futures_util::future::BoxFuture;
use futures_util::{Stream, StreamExt as _};
use tokio::sync::{Mutex, Semaphore, mpsc};
use tokio::task::JoinSet;

use super::worker::{Held, Worker};
use super::{CallStrategy, Failure, Order, Processor, RunError, WorkItem, WorkItemResult};

/// A run under way: a stream of results, to be ended with [`Run::finish`].
///
/// Dropping a run stops its workers; the strategy is then not cleaned up.
#[must_use = "results wait to be read, and the strategy to be cleaned up"]
pub struct Run<O, C = ()> {
    results: mpsc::UnboundedReceiver<Held<O, C>>,
    order: Order,
    /// Results that wait for one before them, by their place in the input.
    waiting: BTreeMap<u64, Held<O, C>>,
    /// The place in the input of the result to give next.
    next: u64,
    workers: JoinSet<()>,
    fatal: Arc<OnceLock<Failure>>,
    cleanup: Option<BoxFuture<'static, ()>>,
}

impl<O: Send + 'static, C: Send + 'static> Run<O, C> {
    pub(super) fn start<S: CallStrategy<Output = O>>(
        settings: Processor,
        strategy: Arc<S>,
        items: impl Stream<Item = WorkItem<S::Input, C>> + Send + 'static,
    ) -> Self {
        let concurrency = settings.concurrency.get();
        let places = Arc::new(Semaphore::new(concurrency.saturating_mul(2)));
        let items = items
            .take_until(settings.shutdown.draining())
            .enumerate()
            .boxed();
        let items = Arc::new(Mutex::new(items));
        let fatal = Arc::new(OnceLock::new());
        // Unbounded in name only: every result in it holds one of the places.
        let (sender, results) = mpsc::unbounded_channel();
        let mut workers = JoinSet::new();
        for width in widths(concurrency, settings.workers.get()) {
            let worker = Worker {
                width,
                strategy: Arc::clone(&strategy),
                items: Arc::clone(&items),
                places: Arc::clone(&places),
                results: sender.clone(),
                shutdown: settings.shutdown.clone(),
                clock: Arc::clone(&settings.clock),
                fatal: Arc::clone(&fatal),
            };
            workers.spawn(worker.run());
        }
        Self {
            results,
            order: settings.order,
            waiting: BTreeMap::new(),
            next: 0,
            workers,
            fatal,
            cleanup: Some(Box::pin(async move { strategy.cleanup().await })),
        }
    }
}

/// Shares the items in work among the workers, as evenly as it goes.
fn widths(concurrency: usize, workers: usize) -> impl Iterator<Item = usize> {
    let workers = workers.clamp(1, concurrency);
    (0..workers)
        .map(move |worker| concurrency / workers + usize::from(worker < concurrency % workers))
}

impl<O, C> Run<O, C> {
    /// Reads what is left, cleans the strategy up and tells how the run ended.
    ///
    /// # Errors
    ///
    /// Fails when a fatal failure stopped the run.
    pub async fn finish(mut self) -> Result<(), RunError> {
        while self.next().await.is_some() {}
        while self.workers.join_next().await.is_some() {}
        if let Some(cleanup) = self.cleanup.take() {
            cleanup.await;
        }
        match self.fatal.get() {
            Some(failure) => Err(RunError {
                failure: failure.clone(),
            }),
            None => Ok(()),
        }
    }

    /// The waiting result whose turn it is.
    fn in_turn(&mut self) -> Option<WorkItemResult<O, C>> {
        let held = self.waiting.remove(&self.next)?;
        self.next += 1;
        Some(held.result)
    }
}

impl<O, C> Stream for Run<O, C> {
    type Item = WorkItemResult<O, C>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(result) = this.in_turn() {
                return Poll::Ready(Some(result));
            }
            match ready!(this.results.poll_recv(context)) {
                Some(held) if this.order == Order::Completion => {
                    return Poll::Ready(Some(held.result));
                }
                Some(held) => {
                    this.waiting.insert(held.result.submission_index, held);
                }
                // Items that were dropped when the run was stopped leave gaps.
                None => {
                    let last = this.waiting.pop_first().map(|(_, held)| held.result);
                    return Poll::Ready(last);
                }
            }
        }
    }
}

impl<O, C> fmt::Debug for Run<O, C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Run")
            .field("order", &self.order)
            .field("waiting", &self.waiting.len())
            .field("fatal", &self.fatal.get())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workers_together_have_the_whole_width() {
        for concurrency in [1, 2, 3, 16, 17, 256, 1000] {
            for workers in [1, 2, 7, 64] {
                let widths: Vec<usize> = widths(concurrency, workers).collect();
                assert_eq!(widths.iter().sum::<usize>(), concurrency);
                assert!(widths.iter().all(|width| *width > 0));
                assert_eq!(widths.len(), workers.min(concurrency));
            }
        }
    }
}
