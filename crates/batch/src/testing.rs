//! A strategy for tests: it answers by script, fails on cue, takes as long as it is told to, and
//! counts what is done with it.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use gimmal_client::transport::{Clock, TokioClock};

use super::shared::lock;
use super::{
    Attempt, CallStrategy, Category, CharacterTokenEstimator, Classifier, DefaultClassifier,
    Failure, Outcome, TokenEstimate, Usage,
};

/// What a script makes of a call: the input, the try, and how many calls came before.
type Script = dyn Fn(&str, &mut Attempt, u64) -> Result<Outcome<String>, Failure> + Send + Sync;

/// A strategy that follows a script. Clones share their counters.
///
/// ```
/// use gimmal_batch::testing::ScriptedStrategy;
/// use gimmal_batch::{Category, Failure, Processor, WorkItem};
/// use futures_util::StreamExt as _;
/// use std::sync::Arc;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), gimmal_batch::RunError> {
/// let busy = Failure::new(Category::ServerOverload, "busy");
/// let strategy = ScriptedStrategy::echo().with_schedule([Some(busy)]);
/// let items = futures_util::stream::iter([WorkItem::new("a", "Hello".to_owned())]);
/// let mut run = Processor::new().start(Arc::new(strategy.clone()), items).await?;
/// let result = run.next().await.expect("one result");
/// assert_eq!(result.outcome.expect("the second try").output, "Hello");
/// assert_eq!(strategy.calls(), 2);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct ScriptedStrategy {
    script: Arc<Script>,
    schedule: Arc<Mutex<Vec<Option<Failure>>>>,
    preparations: Arc<Mutex<Vec<Option<Failure>>>>,
    cleanups: Arc<Mutex<Vec<Option<Failure>>>>,
    latency: Duration,
    preparation_time: Duration,
    cleanup_time: Duration,
    clock: Arc<dyn Clock>,
    classifier: Arc<dyn Classifier>,
    scope: Option<String>,
    max_concurrency: Option<NonZeroU32>,
    counters: Arc<Counters>,
}

#[derive(Debug, Default)]
struct Counters {
    calls: AtomicU64,
    in_flight: AtomicU64,
    most_in_flight: AtomicU64,
    prepared: AtomicU64,
    cleaned: AtomicU64,
}

/// Keeps the count of calls in flight right, however a call ends.
struct InFlight<'a>(&'a Counters);

impl<'a> InFlight<'a> {
    fn new(counters: &'a Counters) -> Self {
        let now = counters.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        counters.most_in_flight.fetch_max(now, Ordering::SeqCst);
        Self(counters)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::SeqCst);
    }
}

impl ScriptedStrategy {
    /// Follows a script: it is given the input, the try, and how many calls came before.
    pub fn new(
        script: impl Fn(&str, &mut Attempt, u64) -> Result<Outcome<String>, Failure>
        + Send
        + Sync
        + 'static,
    ) -> Self {
        Self {
            script: Arc::new(script),
            schedule: Arc::default(),
            preparations: Arc::default(),
            cleanups: Arc::default(),
            latency: Duration::ZERO,
            preparation_time: Duration::ZERO,
            cleanup_time: Duration::ZERO,
            clock: Arc::new(TokioClock),
            classifier: Arc::new(DefaultClassifier),
            scope: None,
            max_concurrency: None,
            counters: Arc::default(),
        }
    }

    /// Answers with the input, at no cost.
    pub fn echo() -> Self {
        Self::costing(Usage::default())
    }

    /// Answers with the input; each answer takes so many tokens.
    pub fn costing(usage: Usage) -> Self {
        Self::new(move |input, _, _| Ok(Outcome::new(input.to_owned(), usage, 1)))
    }

    /// Failures by the number of the call, before the script is asked; `None` is none.
    #[must_use]
    pub fn with_schedule(self, failures: impl IntoIterator<Item = Option<Failure>>) -> Self {
        *lock(&self.schedule) = failures.into_iter().collect();
        self
    }

    /// Failures of preparations, by their number.
    #[must_use]
    pub fn with_preparations(self, failures: impl IntoIterator<Item = Option<Failure>>) -> Self {
        *lock(&self.preparations) = failures.into_iter().collect();
        self
    }

    /// Failures of cleanups, by their number.
    #[must_use]
    pub fn with_cleanups(self, failures: impl IntoIterator<Item = Option<Failure>>) -> Self {
        *lock(&self.cleanups) = failures.into_iter().collect();
        self
    }

    /// How long a call takes.
    #[must_use]
    pub fn with_latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// How long a preparation takes.
    #[must_use]
    pub fn with_preparation_time(mut self, time: Duration) -> Self {
        self.preparation_time = time;
        self
    }

    /// How long a cleanup takes.
    #[must_use]
    pub fn with_cleanup_time(mut self, time: Duration) -> Self {
        self.cleanup_time = time;
        self
    }

    /// The clock that calls take their time from.
    #[must_use]
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Who judges its failures.
    #[must_use]
    pub fn with_classifier(mut self, classifier: impl Classifier) -> Self {
        self.classifier = Arc::new(classifier);
        self
    }

    /// The scope that it shares with others.
    #[must_use]
    pub fn with_scope(mut self, scope: impl Into<String>) -> Self {
        self.scope = Some(scope.into());
        self
    }

    /// How many calls it says it bears.
    #[must_use]
    pub fn with_max_concurrency(mut self, calls: NonZeroU32) -> Self {
        self.max_concurrency = Some(calls);
        self
    }

    /// Calls so far.
    pub fn calls(&self) -> u64 {
        self.counters.calls.load(Ordering::SeqCst)
    }

    /// The most calls that were in flight at the same time.
    pub fn most_in_flight(&self) -> u64 {
        self.counters.most_in_flight.load(Ordering::SeqCst)
    }

    /// How often it was prepared, successes and failures alike.
    pub fn prepared(&self) -> u64 {
        self.counters.prepared.load(Ordering::SeqCst)
    }

    /// How often it was cleaned up, successes and failures alike.
    pub fn cleaned(&self) -> u64 {
        self.counters.cleaned.load(Ordering::SeqCst)
    }
}

impl fmt::Debug for ScriptedStrategy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ScriptedStrategy")
            .field("counters", &self.counters)
            .finish_non_exhaustive()
    }
}

/// The failure of this number in a schedule.
fn scheduled(schedule: &Mutex<Vec<Option<Failure>>>, number: u64) -> Option<Failure> {
    let number = usize::try_from(number).ok()?;
    lock(schedule).get(number).cloned().flatten()
}

impl CallStrategy for ScriptedStrategy {
    type Input = String;
    type Output = String;

    fn prepare(&self) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async {
            let number = self.counters.prepared.fetch_add(1, Ordering::SeqCst);
            if !self.preparation_time.is_zero() {
                self.clock.sleep(self.preparation_time).await;
            }
            scheduled(&self.preparations, number).map_or(Ok(()), Err)
        })
    }

    fn execute<'a>(
        &'a self,
        input: &'a String,
        attempt: &'a mut Attempt,
    ) -> BoxFuture<'a, Result<Outcome<String>, Failure>> {
        Box::pin(async move {
            let number = self.counters.calls.fetch_add(1, Ordering::SeqCst);
            let _in_flight = InFlight::new(&self.counters);
            if !self.latency.is_zero() {
                self.clock.sleep(self.latency).await;
            }
            match scheduled(&self.schedule, number) {
                Some(failure) => Err(failure),
                None => (self.script)(input, attempt, number),
            }
        })
    }

    fn cleanup(&self) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async {
            let number = self.counters.cleaned.fetch_add(1, Ordering::SeqCst);
            if !self.cleanup_time.is_zero() {
                self.clock.sleep(self.cleanup_time).await;
            }
            scheduled(&self.cleanups, number).map_or(Ok(()), Err)
        })
    }

    fn dry_run(&self, input: &String) -> Option<Outcome<String>> {
        let start: String = input.chars().take(50).collect();
        let text = format!("[DRY-RUN] Mock output for prompt: {start}...");
        Some(Outcome::new(text, Usage::of(100, 50), 0))
    }

    fn classifier(&self) -> Arc<dyn Classifier> {
        Arc::clone(&self.classifier)
    }

    fn estimate(&self, input: &String) -> Option<TokenEstimate> {
        Some(CharacterTokenEstimator::default().estimate(input))
    }

    fn max_concurrency(&self) -> Option<NonZeroU32> {
        self.max_concurrency
    }

    fn scope(&self) -> Option<String> {
        self.scope.clone()
    }
}

/// A refusal for the rate, as a service gives it.
pub fn too_many_requests() -> Failure {
    Failure::new(Category::Unknown, "too many requests").with_status(429)
}
