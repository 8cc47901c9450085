//! What all checks need: items, runs to their end, and an ear for events.

use std::io::Write;
use std::num::{NonZeroU32, NonZeroUsize};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use futures_util::{StreamExt as _, stream};
use gimmal_batch::{
    Category, Ended, Event, Failure, Hooks, Observer, Order, Processor, RetryConfig, Strategies,
    WorkItem, WorkItemResult,
};
use tokio::time::Instant;

pub(crate) type Results = Vec<WorkItemResult<String>>;

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

pub(crate) fn number(number: u32) -> NonZeroU32 {
    NonZeroU32::new(number).unwrap()
}

/// So many items named after their place, each with its name as the input.
pub(crate) fn items(count: usize) -> Vec<WorkItem<String>> {
    (0..count)
        .map(|i| WorkItem::new(i.to_string(), i.to_string()))
        .collect()
}

/// Waits without chance, results as they come.
pub(crate) fn at_once(concurrency: usize) -> Processor {
    Processor::new()
        .with_concurrency(NonZeroUsize::new(concurrency).unwrap())
        .with_order(Order::Completion)
        .with_retry(RetryConfig::default().without_jitter())
}

pub(crate) async fn run(
    processor: Processor,
    strategies: impl Into<Strategies<String, String>>,
    items: Vec<WorkItem<String>>,
) -> (Results, Ended) {
    run_with(processor, strategies, items, Hooks::new()).await
}

pub(crate) async fn run_with(
    processor: Processor,
    strategies: impl Into<Strategies<String, String>>,
    items: Vec<WorkItem<String>>,
    hooks: Hooks<String, String>,
) -> (Results, Ended) {
    let run = processor.start_with(strategies, stream::iter(items), hooks);
    let mut run = run.await.unwrap();
    let mut results = Vec::new();
    while let Some(result) = run.next().await {
        results.push(result);
    }
    (results, run.finish().await.unwrap())
}

pub(crate) fn busy() -> Failure {
    Failure::new(Category::ServerError, "busy")
}

/// The categories of the results, in the order of the items.
pub(crate) fn categories(results: &Results) -> Vec<Option<Category>> {
    let mut results: Vec<_> = results.iter().collect();
    results.sort_by_key(|result| result.submission_index);
    results
        .iter()
        .map(|result| result.category().cloned())
        .collect()
}

/// What is logged at a level and above, from now on and in this thread.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Listens until the guard is dropped.
    pub(crate) fn listen(level: tracing::Level) -> (Self, tracing::subscriber::DefaultGuard) {
        let log = Self::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(level)
            .with_ansi(false)
            .without_time()
            .with_writer(move || writer.clone())
            .finish();
        (log, tracing::subscriber::set_default(subscriber))
    }

    /// What was logged so far, one record a line.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }

    /// How many records hold a text.
    pub(crate) fn count(&self, text: &str) -> usize {
        let all = self.text();
        all.lines().filter(|line| line.contains(text)).count()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Remembers every event with its time.
#[derive(Debug, Default)]
pub(crate) struct Ear(Mutex<Vec<(Instant, Event)>>);

impl Ear {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.all().iter().map(|(_, event)| event.name()).collect()
    }

    pub(crate) fn count(&self, name: &str) -> usize {
        self.names().iter().filter(|have| **have == name).count()
    }

    pub(crate) fn all(&self) -> Vec<(Instant, Event)> {
        self.0.lock().unwrap().clone()
    }
}

impl Observer for Ear {
    fn on_event<'a>(&'a self, event: &'a Event) -> BoxFuture<'a, ()> {
        self.0.lock().unwrap().push((Instant::now(), event.clone()));
        Box::pin(async {})
    }
}
