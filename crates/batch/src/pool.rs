//! Single calls with the care of a run: the same limits, pauses and tries, for calls that come one
//! by one over the life of a program.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::{Either, select};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::task::TaskTracker;

use super::closing::closed_by;
use super::intake::Taken;
use super::pipeline::Engine;
use super::run::{Run, View as _};
use super::shared::lock;
use super::{
    Category, Ended, Failure, Hooks, Outcome, Processor, RunError, Strategies, WorkItem,
    WorkItemResult,
};

/// Calls that share a strategy, its limits and its pauses.
///
/// ```
/// # use gimmal_batch::testing::ScriptedStrategy;
/// use std::sync::Arc;
/// use gimmal_batch::Processor;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let strategy = ScriptedStrategy::echo();
/// let pool = Processor::new().pool(Arc::new(strategy));
/// assert_eq!(pool.submit("Hello".to_owned()).await?.output, "Hello");
/// assert_eq!(pool.close().await?.stats.succeeded, 1);
/// # Ok(())
/// # }
/// ```
///
/// A call that is dropped gives its place back. The strategy is prepared by the first call, and
/// cleaned up by [`close`](Self::close).
pub struct CallPool<I, O> {
    engine: Arc<Engine<I, O, ()>>,
    observers: Mutex<JoinSet<()>>,
    /// Calls in work at the same time.
    workers: Semaphore,
    /// Those and the calls that wait.
    room: Semaphore,
    patience: Option<Duration>,
    next: AtomicU64,
    /// Whoever makes a call holds a token of it.
    calls: TaskTracker,
}

impl Processor {
    /// A pool of calls with these settings; [`with_concurrency`](Self::with_concurrency) says how
    /// many are in work at the same time.
    pub fn pool<I, O>(self, strategies: impl Into<Strategies<I, O>>) -> CallPool<I, O>
    where
        I: Send + Sync + 'static,
        O: Send + Sync + 'static,
    {
        let workers = self.concurrency.get().min(Semaphore::MAX_PERMITS);
        let unstarted = Run::prepare(self, strategies.into(), Hooks::new());
        let (engine, observers) = unstarted.into_parts();
        CallPool {
            engine,
            observers: Mutex::new(observers),
            workers: Semaphore::new(workers),
            room: Semaphore::new(Semaphore::MAX_PERMITS),
            patience: None,
            next: AtomicU64::new(0),
            calls: TaskTracker::new(),
        }
    }

    /// One call with the care of a run: tries, waits, limits, and what it took.
    ///
    /// The strategy is prepared for it and cleaned up after it; for more than a few calls a
    /// [`pool`](Self::pool) is better.
    pub async fn call<I, O>(
        self,
        strategies: impl Into<Strategies<I, O>>,
        input: I,
    ) -> WorkItemResult<O>
    where
        I: Send + Sync + 'static,
        O: Send + Sync + 'static,
    {
        let pool = self.pool(strategies);
        let result = pool.submit_result(input).await;
        if let Err(error) = pool.close().await {
            tracing::debug!(%error, "the call was the last of its pool");
        }
        result
    }
}

impl<I, O> CallPool<I, O>
where
    I: Send + Sync + 'static,
    O: Send + Sync + 'static,
{
    /// Refuses calls beyond those in work and so many that wait; otherwise all wait.
    #[must_use]
    pub fn with_max_pending(mut self, calls: usize) -> Self {
        let workers = self.workers.available_permits();
        let room = workers.saturating_add(calls).min(Semaphore::MAX_PERMITS);
        self.room = Semaphore::new(room);
        self
    }

    /// How long a call may take with all its waits; otherwise as long as it takes.
    #[must_use]
    pub fn with_submit_timeout(mut self, timeout: Duration) -> Self {
        self.patience = Some(timeout);
        self
    }

    /// Makes a call.
    ///
    /// # Errors
    ///
    /// Fails as an item of a run does, and when the pool is full or closed.
    pub async fn submit(&self, input: I) -> Result<Outcome<O>, Failure> {
        self.submit_result(input).await.outcome
    }

    /// Makes a call; the result tells what it took, whatever came of it.
    pub async fn submit_result(&self, input: I) -> WorkItemResult<O> {
        self.submit_within(input, self.patience).await
    }

    /// Makes a call that may take so long; `None` for as long as it takes.
    pub async fn submit_within(
        &self,
        input: I,
        timeout: impl Into<Option<Duration>>,
    ) -> WorkItemResult<O> {
        let index = self.next.fetch_add(1, Ordering::Relaxed);
        let id = format!("req-{}", index + 1);
        let failed = |failure: Failure| WorkItemResult {
            id: id.clone(),
            submission_index: index,
            outcome: Err(failure),
            latency: Duration::ZERO,
            attempts: Vec::new(),
            is_replayed: false,
            deduplicated_from: None,
            context: (),
        };
        let _call = self.calls.token();
        if self.calls.is_closed() {
            let message = "the pool is closed and takes no more calls";
            return failed(Failure::new(Category::BatchAborted, message));
        }
        let Ok(_room) = self.room.try_acquire() else {
            let message = "the pool has all the calls that may be in work or wait";
            return failed(Failure::new(Category::PoolSaturated, message));
        };
        let work = async {
            let Ok(_place) = self.workers.acquire().await else {
                let message = "the pool is closed and takes no more calls";
                return failed(Failure::new(Category::BatchAborted, message));
            };
            let item = WorkItem::new(id.clone(), input);
            match self.engine.process(Taken { index, item }).await {
                Some(finished) => finished.result,
                None => failed(self.fatal()),
            }
        };
        let Some(timeout) = timeout.into() else {
            return work.await;
        };
        let timer = self.engine.settings.clock.sleep(timeout);
        match select(Box::pin(work), timer).await {
            Either::Left((result, _)) => result,
            Either::Right(_) => {
                let message = format!("the call took longer than {timeout:?}");
                failed(Failure::new(Category::SubmitTimeout, message))
            }
        }
    }

    /// What every call fails of.
    fn fatal(&self) -> Failure {
        let known = self.engine.fatal.get().cloned();
        known.unwrap_or_else(|| Failure::new(Category::Unknown, "the call has no result"))
    }

    /// Takes no more calls, waits for those in work, cleans the strategy up and tells how it went.
    ///
    /// To call it again does again what failed, and nothing else.
    ///
    /// # Errors
    ///
    /// Fails when a failure common to all calls was met.
    pub async fn close(&self) -> Result<Ended, RunError> {
        self.calls.close();
        self.calls.wait().await;
        let engine = Arc::clone(&self.engine);
        let observers = std::mem::take(&mut *lock(&self.observers));
        // A task of its own: who gives up waiting for it does not cut it short.
        let closing = tokio::spawn(async move { engine.close(observers).await });
        self.engine.ended(closed_by(closing).await)
    }
}

impl<I, O> fmt::Debug for CallPool<I, O> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("CallPool")
            .field("calls", &self.calls.len())
            .finish_non_exhaustive()
    }
}
