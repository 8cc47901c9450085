//! The run: a stream of items in, a stream of results out, bounded in between.

use std::fmt;
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use futures_util::future::{BoxFuture, Either, select};
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt as _};
use gimmal_client::transport::{Clock, TokioClock};

use super::{CallStrategy, Failure, FailureKind, Shutdown, WorkItem, WorkItemResult};

/// In which order results come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Order {
    /// As the items were given. A slow item holds back those behind it.
    #[default]
    Input,
    /// As they are done.
    Completion,
}

/// Settings of a run.
#[derive(Clone, Debug)]
#[must_use]
pub struct Processor {
    concurrency: NonZeroUsize,
    order: Order,
    shutdown: Shutdown,
    clock: Arc<dyn Clock>,
}

impl Default for Processor {
    fn default() -> Self {
        Self {
            concurrency: NonZeroUsize::new(16).unwrap_or(NonZeroUsize::MIN),
            order: Order::default(),
            shutdown: Shutdown::new(),
            clock: Arc::new(TokioClock),
        }
    }
}

/// Why a run could not go on. Results that came before it are valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{failure}")]
#[non_exhaustive]
pub struct RunError {
    /// The failure that ended the run.
    pub failure: Failure,
}

impl Processor {
    /// Sixteen items at a time, results in the order of the input.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many items are worked on at the same time.
    pub fn with_concurrency(mut self, concurrency: NonZeroUsize) -> Self {
        self.concurrency = concurrency;
        self
    }

    /// In which order results come.
    pub fn with_order(mut self, order: Order) -> Self {
        self.order = order;
        self
    }

    /// Ends the run through a handle of the caller's.
    pub fn with_shutdown(mut self, shutdown: Shutdown) -> Self {
        self.shutdown = shutdown;
        self
    }

    /// The clock that measures latencies.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Prepares the strategy and starts the run. Results are made as the run is read.
    ///
    /// At most `concurrency` items are held at a time, whatever the length of the input. Each
    /// runs in a task of its own, so all cores are used and a panic stays with its item.
    ///
    /// # Errors
    ///
    /// Fails when the strategy cannot be prepared; nothing was sent for any item then.
    pub async fn start<S, C>(
        self,
        strategy: Arc<S>,
        items: impl Stream<Item = WorkItem<S::Input, C>> + Send + 'static,
    ) -> Result<Run<S::Output, C>, RunError>
    where
        S: CallStrategy,
        C: Send + 'static,
    {
        strategy
            .prepare()
            .await
            .map_err(|failure| RunError { failure })?;
        let fatal = Arc::new(OnceLock::new());
        let (shutdown, clock) = (self.shutdown.clone(), self.clock);
        let work = {
            let (strategy, fatal) = (Arc::clone(&strategy), Arc::clone(&fatal));
            items
                .take_until(shutdown.draining())
                .enumerate()
                .map(move |(index, item)| {
                    let job = Job {
                        strategy: Arc::clone(&strategy),
                        clock: Arc::clone(&clock),
                        shutdown: shutdown.clone(),
                        fatal: Arc::clone(&fatal),
                    };
                    job.work(index as u64, item)
                })
        };
        let limit = self.concurrency.get();
        let results: BoxStream<'static, Option<WorkItemResult<S::Output, C>>> = match self.order {
            Order::Input => work.buffered(limit).boxed(),
            Order::Completion => work.buffer_unordered(limit).boxed(),
        };
        let cleanup = Box::pin(async move { strategy.cleanup().await });
        Ok(Run {
            results,
            fatal,
            cleanup: Some(cleanup),
        })
    }
}

/// What one item needs besides itself.
struct Job<S> {
    strategy: Arc<S>,
    clock: Arc<dyn Clock>,
    shutdown: Shutdown,
    fatal: Arc<OnceLock<Failure>>,
}

impl<S: CallStrategy> Job<S> {
    /// Works on an item; `None` when the run was stopped before it had a result of its own.
    async fn work<C>(
        self,
        submission_index: u64,
        item: WorkItem<S::Input, C>,
    ) -> Option<WorkItemResult<S::Output, C>> {
        let WorkItem { id, input, context } = item;
        let started = self.clock.now();
        let strategy = Arc::clone(&self.strategy);
        let task = AbortOnDrop(tokio::spawn(async move { strategy.execute(&input).await }));
        let outcome = match select(task, Box::pin(self.shutdown.aborted())).await {
            Either::Left((Ok(outcome), _)) => outcome,
            Either::Left((Err(panic), _)) => Err(panicked(panic)),
            Either::Right(((), _)) => return None,
        };
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

fn panicked(error: tokio::task::JoinError) -> Failure {
    let what = if error.is_panic() {
        let panic = error.into_panic();
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        text.or_else(|| panic.downcast_ref::<String>().cloned())
            .unwrap_or_default()
    } else {
        "the task was cancelled".to_owned()
    };
    Failure::new(
        FailureKind::Panicked,
        format!("the strategy panicked: {what}"),
    )
}

/// A task that ends with the future that waits for it.
struct AbortOnDrop<T>(tokio::task::JoinHandle<T>);

impl<T> Future for AbortOnDrop<T> {
    type Output = Result<T, tokio::task::JoinError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context)
    }
}

impl<T> Drop for AbortOnDrop<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// A run under way: a stream of results, to be ended with [`Run::finish`].
///
/// Dropping a run stops its items; the strategy is then not cleaned up.
#[must_use = "a run does nothing until it is read"]
pub struct Run<O, C = ()> {
    results: BoxStream<'static, Option<WorkItemResult<O, C>>>,
    fatal: Arc<OnceLock<Failure>>,
    cleanup: Option<BoxFuture<'static, ()>>,
}

impl<O, C> Run<O, C> {
    /// Reads what is left, cleans the strategy up and tells how the run ended.
    ///
    /// # Errors
    ///
    /// Fails when a fatal failure stopped the run.
    pub async fn finish(mut self) -> Result<(), RunError> {
        while self.results.next().await.is_some() {}
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
}

impl<O, C> Stream for Run<O, C> {
    type Item = WorkItemResult<O, C>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match ready!(self.results.poll_next_unpin(context)) {
                Some(Some(result)) => return Poll::Ready(Some(result)),
                Some(None) => {}
                None => return Poll::Ready(None),
            }
        }
    }
}

impl<O, C> fmt::Debug for Run<O, C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Run")
            .field("fatal", &self.fatal.get())
            .finish_non_exhaustive()
    }
}
