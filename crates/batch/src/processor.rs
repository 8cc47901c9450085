//! The settings of a run, and its start.

use std::collections::BTreeSet;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use futures_util::Stream;
use futures_util::future::{Either, select};
use gimmal_client::transport::rate_limit::{AdaptiveConfig, PauseConfig, SlowStart};
use gimmal_client::transport::{Clock, Jitter, RateLimits, ThreadRngJitter, TokioClock};

use super::run::Unstarted;
use super::scope::ScopeSettings;
use super::{
    AbortMode, Budget, Category, Failure, Hooks, Observer, RetryConfig, Run, SharedLimits,
    Shutdown, StartupRamp, Strategies, WorkItem,
};

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
    pub(super) read_ahead: usize,
    pub(super) shutdown: Shutdown,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) jitter: Arc<dyn Jitter>,
    pub(super) retry: RetryConfig,
    pub(super) scopes: ScopeSettings,
    pub(super) shared_limits: Option<Arc<dyn SharedLimits>>,
    pub(super) attempt_timeout: Option<Duration>,
    pub(super) item_timeout: Option<Duration>,
    pub(super) batch_timeout: Option<Duration>,
    pub(super) abort_on: BTreeSet<Category>,
    pub(super) abort_mode: AbortMode,
    pub(super) budget: Budget,
    pub(super) observers: Vec<Arc<dyn Observer>>,
    pub(super) dry_run: bool,
    pub(super) prepare_on_demand: bool,
}

impl Default for Processor {
    fn default() -> Self {
        Self {
            concurrency: NonZeroUsize::new(16).unwrap_or(NonZeroUsize::MIN),
            workers: half_of_the_cores(),
            order: Order::default(),
            read_ahead: 0,
            shutdown: Shutdown::new(),
            clock: Arc::new(TokioClock),
            jitter: Arc::new(ThreadRngJitter),
            retry: RetryConfig::default(),
            scopes: ScopeSettings {
                pause: default_pause(),
                ..ScopeSettings::default()
            },
            shared_limits: None,
            attempt_timeout: Some(Duration::from_secs(120)),
            item_timeout: None,
            batch_timeout: None,
            abort_on: BTreeSet::new(),
            abort_mode: AbortMode::default(),
            budget: Budget::default(),
            observers: Vec::new(),
            dry_run: false,
            prepare_on_demand: false,
        }
    }
}

/// The other half is left to the connections.
fn half_of_the_cores() -> NonZeroUsize {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    NonZeroUsize::new(cores / 2).unwrap_or(NonZeroUsize::MIN)
}

/// As long as the service asks for, or else 5 s, half as long again each time; then twenty calls one
/// after the other, from half a second apart to a twentieth.
fn default_pause() -> PauseConfig {
    let pause = PauseConfig::default().with_first(Duration::from_secs(5));
    match SlowStart::new(20, Duration::from_millis(500), Duration::from_millis(50)) {
        Ok(slow_start) => pause.with_slow_start(slow_start),
        Err(_) => pause,
    }
}

/// Why a run could not go on. Results that came before it are valid.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{failure}")]
#[non_exhaustive]
pub struct RunError {
    /// The failure that ended the run.
    pub failure: Failure,
}

impl Processor {
    /// Sixteen items at a time, results in the order of the input, three attempts each of which may
    /// take two minutes.
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

    /// How many items are read before there is a worker for them: none unless set. Among those that
    /// were read, a higher priority goes first.
    ///
    /// Only with results [as they come](Order::Completion): in the order of the input a result
    /// waits for those before it, so nothing is read ahead and nothing overtakes.
    pub fn with_read_ahead(mut self, items: usize) -> Self {
        self.read_ahead = items;
        self
    }

    /// Ends the run through a handle of the caller's.
    pub fn with_shutdown(mut self, shutdown: Shutdown) -> Self {
        self.shutdown = shutdown;
        self
    }

    /// The clock of all waits, limits and measurements.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Where chance comes from, for the waits between attempts.
    pub fn with_jitter(mut self, jitter: Arc<dyn Jitter>) -> Self {
        self.jitter = jitter;
        self
    }

    /// How often an item is tried, and how far apart.
    pub fn with_retry(mut self, retry: RetryConfig) -> Self {
        self.retry = retry;
        self
    }

    /// Requests and tokens per minute, for each scope.
    pub fn with_rate_limits(mut self, limits: RateLimits) -> Self {
        self.scopes.limits = Some(limits);
        self
    }

    /// Requests and tokens per minute that other processes count as well.
    pub fn with_shared_limits(mut self, limits: Arc<dyn SharedLimits>) -> Self {
        self.shared_limits = Some(limits);
        self
    }

    /// The pause that all items of a scope make after a refusal for the rate, and how they set off
    /// after it.
    pub fn with_pause(mut self, pause: PauseConfig) -> Self {
        self.scopes.pause = pause;
        self
    }

    /// Calls in flight at the same time, for each scope; otherwise as many as items in work.
    pub fn with_max_in_flight(mut self, calls: NonZeroU32) -> Self {
        self.scopes.max_in_flight = Some(calls);
        self
    }

    /// Lets the number of calls in flight grow step by step at the beginning.
    pub fn with_startup_ramp(mut self, ramp: StartupRamp) -> Self {
        self.scopes.ramp = Some(ramp);
        self
    }

    /// Lets the number of calls in flight find its own value; see
    /// [`AdaptiveConcurrency`](gimmal_client::transport::AdaptiveConcurrency).
    pub fn with_adaptive_concurrency(mut self, adaptive: AdaptiveConfig) -> Self {
        self.scopes.adaptive = Some(adaptive);
        self
    }

    /// How long a call may take: two minutes unless set; `None` is for ever.
    pub fn with_attempt_timeout(mut self, timeout: impl Into<Option<Duration>>) -> Self {
        self.attempt_timeout = timeout.into();
        self
    }

    /// How long an item may take from the start of its work, all waits and attempts included.
    pub fn with_item_timeout(mut self, timeout: Duration) -> Self {
        self.item_timeout = Some(timeout);
        self
    }

    /// How long the run may take.
    pub fn with_batch_timeout(mut self, timeout: Duration) -> Self {
        self.batch_timeout = Some(timeout);
        self
    }

    /// Ends the run once an item has failed like this.
    pub fn with_abort_on(mut self, categories: impl IntoIterator<Item = Category>) -> Self {
        self.abort_on.extend(categories);
        self
    }

    /// What becomes of calls in flight when the run ends itself.
    pub fn with_abort_mode(mut self, mode: AbortMode) -> Self {
        self.abort_mode = mode;
        self
    }

    /// What the run may spend.
    pub fn with_budget(mut self, budget: Budget) -> Self {
        self.budget = budget;
        self
    }

    /// Tells an observer what happens.
    pub fn with_observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observers.push(observer);
        self
    }

    /// Asks strategies for a stand-in instead of making calls; nothing is limited or spent.
    pub fn with_dry_run(mut self) -> Self {
        self.dry_run = true;
        self
    }

    /// Prepares the first strategy when an item needs it, as it is with named ones. A preparation
    /// that fails then fails items and not the run.
    pub fn with_prepare_on_demand(mut self) -> Self {
        self.prepare_on_demand = true;
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
    pub async fn start<I, O, C>(
        self,
        strategies: impl Into<Strategies<I, O>>,
        items: impl Stream<Item = WorkItem<I, C>> + Send + 'static,
    ) -> Result<Run<O, C>, RunError>
    where
        I: Send + Sync + 'static,
        O: Send + Sync + 'static,
        C: Send + Sync + 'static,
    {
        self.start_with(strategies, items, Hooks::new()).await
    }

    /// The same as [`start`](Self::start), with middleware, a journal and whatever else stands
    /// between a run and its items.
    ///
    /// # Errors
    ///
    /// Fails when the strategy cannot be prepared.
    pub async fn start_with<I, O, C>(
        self,
        strategies: impl Into<Strategies<I, O>>,
        items: impl Stream<Item = WorkItem<I, C>> + Send + 'static,
        hooks: Hooks<I, O, C>,
    ) -> Result<Run<O, C>, RunError>
    where
        I: Send + Sync + 'static,
        O: Send + Sync + 'static,
        C: Send + Sync + 'static,
    {
        let run = self.begin(strategies.into(), hooks).await?;
        Ok(run.start(items))
    }

    /// Prepares the strategy, unless that is left to the first item.
    pub(super) async fn begin<I, O, C>(
        self,
        strategies: Strategies<I, O>,
        hooks: Hooks<I, O, C>,
    ) -> Result<Unstarted<I, O, C>, RunError>
    where
        I: Send + Sync + 'static,
        O: Send + Sync + 'static,
        C: Send + Sync + 'static,
    {
        self.check(&hooks)?;
        let (clock, on_demand) = (Arc::clone(&self.clock), self.prepare_on_demand);
        let aborted = self.shutdown.aborted();
        let run = Run::prepare(self, strategies, hooks);
        if !on_demand {
            let prepare = run.engine.first.lease.prepare(&*clock, Duration::ZERO);
            let prepared = select(Box::pin(prepare), Box::pin(aborted)).await;
            if let Either::Left((Err(failure), _)) = prepared {
                return Err(RunError { failure });
            }
        }
        Ok(run)
    }
}
