//! A run under way: its workers on one side, the reader of its results on the other.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::future::BoxFuture;
use futures_util::{Stream, StreamExt as _};
use tokio::sync::{Mutex, Semaphore, mpsc};
use tokio::task::{AbortHandle, JoinSet};

use super::budget::{Purse, Spent};
use super::closing::{Closed, Closing, closed_by};
use super::events::Observers;
use super::failure_log::FailureLog;
use super::intake::Intake;
use super::pipeline::{Engine, Slot};
use super::scope::Scopes;
use super::shared::{Lease, Shared};
use super::stats::Recorder;
use super::stop::Stop;
use super::worker::{Results, Worker};
use super::{
    Event, Failure, Hooks, Order, Processor, RunError, Stats, Strategies, Termination,
    TerminationKind, WorkItem, WorkItemResult,
};

/// A run under way: a stream of results, to be ended with [`Run::finish`].
///
/// Dropping a run stops its workers; the strategy is then not cleaned up.
#[must_use = "results wait to be read, and the strategy to be cleaned up"]
pub struct Run<O, C = ()> {
    results: mpsc::UnboundedReceiver<Results<O, C>>,
    /// Results that came together and are given one by one.
    arrived: std::vec::IntoIter<WorkItemResult<O, C>>,
    places: Places,
    order: Order,
    /// Results that wait for one before them, by their place in the input.
    waiting: BTreeMap<u64, WorkItemResult<O, C>>,
    /// The place in the input of the result to give next.
    next: u64,
    workers: JoinSet<()>,
    observers: JoinSet<()>,
    timer: Option<AbortHandle>,
    view: Arc<dyn View>,
}

/// The places of results, given back some at a time.
struct Places {
    all: Arc<Semaphore>,
    /// Results that were read and whose places are not given back.
    read: usize,
    /// So many places are given back together.
    step: usize,
}

impl Places {
    fn new(count: usize) -> Self {
        Self {
            all: Arc::new(Semaphore::new(count.min(Semaphore::MAX_PERMITS))),
            read: 0,
            step: (count / 8).clamp(1, 64),
        }
    }

    /// A result was read.
    fn one_read(&mut self) {
        self.read += 1;
        if self.read >= self.step {
            self.give_back();
        }
    }

    fn give_back(&mut self) {
        self.all.add_permits(std::mem::take(&mut self.read));
    }
}

/// How a run ended.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Ended {
    /// Why.
    pub termination: Termination,
    /// Its figures.
    pub stats: Stats,
    /// What it spent.
    pub spent: Spent,
    /// What went wrong when strategies were cleaned up; the results stand all the same.
    pub unclean: Vec<Failure>,
}

/// What a run can see of its engine without knowing what items are.
pub(super) trait View: Send + Sync {
    fn stats(&self) -> Stats;
    fn spent(&self) -> Spent;
    fn termination(&self) -> Termination;
    fn fatal(&self) -> Option<RunError>;
    /// Gives the strategies and the journal up, and lets the observers go.
    fn close(&self, observers: JoinSet<()>) -> BoxFuture<'_, Closed>;

    /// How it ended, given what came of closing it.
    fn ended(&self, closed: Closed) -> Result<Ended, RunError> {
        match self.fatal().or(closed.error) {
            Some(error) => Err(error),
            None => Ok(Ended {
                termination: self.termination(),
                stats: self.stats(),
                spent: self.spent(),
                unclean: closed.unclean,
            }),
        }
    }
}

impl<I, O, C> View for Engine<I, O, C>
where
    I: Send + Sync + 'static,
    O: Send + Sync + 'static,
    C: Send + Sync + 'static,
{
    fn stats(&self) -> Stats {
        self.recorder.snapshot()
    }

    fn spent(&self) -> Spent {
        self.purse.spent()
    }

    fn termination(&self) -> Termination {
        match self.stop.cause() {
            Some(cause) => cause.clone(),
            None if self.settings.shutdown.is_draining() => {
                Termination::new(TerminationKind::Stopped, "the caller ended it")
            }
            None => Termination::default(),
        }
    }

    fn fatal(&self) -> Option<RunError> {
        let failure = self.fatal.get()?.clone();
        Some(RunError { failure })
    }

    fn close(&self, observers: JoinSet<()>) -> BoxFuture<'_, Closed> {
        Box::pin(self.close_up(observers))
    }
}

/// A run that is about to start.
pub(super) struct Unstarted<I, O, C> {
    pub(super) engine: Arc<Engine<I, O, C>>,
    observers: JoinSet<()>,
}

impl<O: Send + Sync + 'static, C: Send + Sync + 'static> Run<O, C> {
    pub(super) fn prepare<I: Send + Sync + 'static>(
        settings: Processor,
        strategies: Strategies<I, O>,
        hooks: Hooks<I, O, C>,
    ) -> Unstarted<I, O, C> {
        let workers = settings.concurrency.get();
        let clock = Arc::clone(&settings.clock);
        let mut scopes = Scopes::new(settings.scopes.clone(), clock, workers);
        let mut slot = |shared: Shared<I, O>| {
            let strategy = shared.strategy();
            Slot {
                scope: scopes.of(strategy.scope(), strategy.max_concurrency()),
                classifier: strategy.classifier(),
                lease: Lease::new(shared),
            }
        };
        let first = slot(strategies.first);
        let named: HashMap<_, _> = strategies
            .named
            .into_iter()
            .map(|(name, shared)| (name, slot(shared)))
            .collect();
        let mut observers = JoinSet::new();
        let engine = Engine {
            first,
            named,
            hooks,
            stop: Stop::new(settings.abort_mode, settings.shutdown.clone()),
            observers: Observers::start(&settings.observers, &settings.clock, &mut observers),
            recorder: Recorder::default(),
            purse: Purse::new(settings.budget.clone()),
            fatal: std::sync::OnceLock::new(),
            classifier_panicked: std::sync::atomic::AtomicBool::new(false),
            failures: FailureLog::default(),
            closing: Closing::default(),
            settings,
        };
        Unstarted {
            engine: Arc::new(engine),
            observers,
        }
    }
}

impl<I, O, C> Unstarted<I, O, C>
where
    I: Send + Sync + 'static,
    O: Send + Sync + 'static,
    C: Send + Sync + 'static,
{
    /// The engine and its observers, for calls that come one by one.
    pub(super) fn into_parts(self) -> (Arc<Engine<I, O, C>>, JoinSet<()>) {
        (self.engine, self.observers)
    }

    pub(super) fn start(
        self,
        items: impl Stream<Item = WorkItem<I, C>> + Send + 'static,
    ) -> Run<O, C> {
        let engine = self.engine;
        let settings = &engine.settings;
        let concurrency = settings.concurrency.get();
        let places = Places::new(concurrency.saturating_mul(2));
        let draining = settings.shutdown.draining();
        // Results in the order of the input keep their places until their turn, so nothing may
        // overtake them.
        let ahead = match settings.order {
            Order::Completion => settings.read_ahead,
            Order::Input => 0,
        };
        let intake = Intake::new(items.boxed(), draining, ahead);
        let intake = Arc::new(Mutex::new(intake));
        // Unbounded in name only: every result in it holds one of the places.
        let (sender, results) = mpsc::unbounded_channel();
        let mut workers = JoinSet::new();
        for width in widths(concurrency, settings.workers.get()) {
            let worker = Worker {
                width,
                engine: Arc::clone(&engine),
                intake: Arc::clone(&intake),
                places: Arc::clone(&places.all),
                results: sender.clone(),
            };
            workers.spawn(worker.run());
        }
        let mut observers = self.observers;
        let timer = settings.batch_timeout.map(|limit| {
            let engine = Arc::clone(&engine);
            observers.spawn(async move {
                engine.settings.clock.sleep(limit).await;
                engine.time_is_up(limit).await;
            })
        });
        let started = Arc::clone(&engine);
        workers.spawn(async move {
            let max_workers = started.settings.concurrency.get();
            started
                .observers
                .emit(|| Event::BatchStarted { max_workers })
                .await;
        });
        Run {
            results,
            arrived: Vec::new().into_iter(),
            places,
            order: settings.order,
            waiting: BTreeMap::new(),
            next: 0,
            workers,
            observers,
            timer,
            view: engine,
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
    /// Reads what is left, cleans the strategies up, closes the journal and tells how the run ended.
    ///
    /// Once the last result is there this goes on to its end even if nobody waits for it any more.
    /// [`Shutdown::abort`](crate::Shutdown::abort) meanwhile cuts it short; what was passed over is
    /// logged.
    ///
    /// # Errors
    ///
    /// Fails when a fatal failure stopped the run, or when the journal could not be closed.
    pub async fn finish(mut self) -> Result<Ended, RunError> {
        while self.next().await.is_some() {}
        while self.workers.join_next().await.is_some() {}
        if let Some(timer) = self.timer.take() {
            timer.abort();
        }
        let view = Arc::clone(&self.view);
        let observers = std::mem::take(&mut self.observers);
        // A task of its own: who gives up waiting for it does not cut it short.
        let closing = tokio::spawn(async move { view.close(observers).await });
        self.view.ended(closed_by(closing).await)
    }

    /// The figures so far.
    pub fn stats(&self) -> Stats {
        self.view.stats()
    }

    /// What was spent so far.
    pub fn spent(&self) -> Spent {
        self.view.spent()
    }

    /// The next result that can be given at once.
    fn given(&mut self) -> Option<WorkItemResult<O, C>> {
        if self.order == Order::Completion {
            return self.arrived.next();
        }
        loop {
            if let Some(result) = self.waiting.remove(&self.next) {
                self.next += 1;
                return Some(result);
            }
            let result = self.arrived.next()?;
            if result.submission_index == self.next {
                self.next += 1;
                return Some(result);
            }
            self.waiting.insert(result.submission_index, result);
        }
    }
}

// Results are moved and never pinned.
impl<O, C> Unpin for Run<O, C> {}

impl<O, C> Stream for Run<O, C> {
    type Item = WorkItemResult<O, C>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if let Some(result) = this.given() {
                this.places.one_read();
                return Poll::Ready(Some(result));
            }
            // The workers may be waiting for the places of what was read.
            this.places.give_back();
            match ready!(this.results.poll_recv(context)) {
                Some(results) => this.arrived = results.into_iter(),
                // Items that were dropped when the run was stopped leave gaps.
                None => return Poll::Ready(this.waiting.pop_first().map(|(_, result)| result)),
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
