//! The settings of a run, and its start.

use std::num::NonZeroUsize;
use std::sync::Arc;

use futures_util::Stream;
use futures_util::future::{Either, select};
use gimmal_client::transport::{Clock, TokioClock};

use super::{CallStrategy, Failure, Run, Shutdown, WorkItem};

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
    pub(super) concurrency: NonZeroUsize,
    pub(super) workers: NonZeroUsize,
    pub(super) order: Order,
    pub(super) shutdown: Shutdown,
    pub(super) clock: Arc<dyn Clock>,
}

impl Default for Processor {
    fn default() -> Self {
        Self {
            concurrency: NonZeroUsize::new(16).unwrap_or(NonZeroUsize::MIN),
            workers: half_of_the_cores(),
            order: Order::default(),
            shutdown: Shutdown::new(),
            clock: Arc::new(TokioClock),
        }
    }
}

/// The other half is left to the connections.
fn half_of_the_cores() -> NonZeroUsize {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    NonZeroUsize::new(cores / 2).unwrap_or(NonZeroUsize::MIN)
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

    /// How many tasks share the items in work: half of the cores unless set.
    ///
    /// A task takes answers that arrive together together, so few tasks cost least when items
    /// mostly wait for a service. A strategy that computes for long wants one for each core.
    pub fn with_workers(mut self, workers: NonZeroUsize) -> Self {
        self.workers = workers;
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

    /// Prepares the strategy and starts the workers, each of which works on several items at the same time.
    ///
    /// At most twice as many items as are worked on are held, in work or waiting to be read, whatever
    /// the length of the input. A panic stays with its item.
    ///
    /// # Errors
    ///
    /// Fails when the strategy cannot be prepared; nothing was sent for any item then. Aborted
    /// while it is prepared, a run begins and has no results.
    pub async fn start<S, C>(
        self,
        strategy: Arc<S>,
        items: impl Stream<Item = WorkItem<S::Input, C>> + Send + 'static,
    ) -> Result<Run<S::Output, C>, RunError>
    where
        S: CallStrategy,
        C: Send + 'static,
    {
        let prepared = select(strategy.prepare(), Box::pin(self.shutdown.aborted()));
        if let Either::Left((Err(failure), _)) = prepared.await {
            return Err(RunError { failure });
        }
        Ok(Run::start(self, strategy, items))
    }
}
