//! The figures of a run, kept as it goes. One lock per item, and nothing that grows with their
//! number.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use gimmal_client::transport::rate_limit::Disposition;

use super::shared::lock;
use super::{Category, Histogram, Recovery, Usage, WorkItemResult};

/// Figures of a run.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Stats {
    /// Items with a result, those of an earlier run included.
    pub processed: u64,
    /// Items with an output.
    pub succeeded: u64,
    /// Items without.
    pub failed: u64,
    /// Items that an earlier run had done.
    pub replayed: u64,
    /// Items that got the answer of another.
    pub deduplicated: u64,
    /// Items whose output was made usable, which spared an attempt each.
    pub recovered: BTreeMap<Recovery, u64>,
    /// Failed items by category.
    pub failures: BTreeMap<Category, u64>,
    /// Tokens of this run, those of failed tries included and those of replayed items not.
    pub usage: Usage,
    /// Tokens of results that an earlier run had done.
    pub replayed_usage: Usage,
    /// Requests on the wire.
    pub requests: u64,
    /// Tries, whether they came to a call or not.
    pub tries: u64,
    /// Tries that the service refused for the rate.
    pub rate_limited: u64,
    /// What was set aside for tokens per minute, and what became of it.
    pub quota: QuotaLedger,
    /// From the start of the work on an item to its end.
    pub latency: Histogram,
    /// Calls alone.
    pub execution: Histogram,
    /// Waits for requests or tokens per minute.
    pub quota_wait: Histogram,
    /// Waits for a place among the calls in flight.
    pub admission_wait: Histogram,
    /// All waits for pauses together.
    pub cooldown_wait: Duration,
    /// The most items that were read and had to wait.
    pub input_queue_high_water_mark: usize,
}

/// Tokens set aside before calls, and what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct QuotaLedger {
    /// Tries with something set aside.
    pub admitted: u64,
    /// Tokens set aside.
    pub reserved_tokens: u64,
    /// Tokens that calls took, as far as that is known.
    pub reported_tokens: u64,
    /// Tokens given back.
    pub refunded_tokens: u64,
    /// Tokens that calls took beyond what was set aside.
    pub underestimated_tokens: u64,
    /// Calls whose tokens nobody knows: the estimate stands.
    pub unknown_usage: u64,
    /// Calls that are known to have taken none.
    pub known_zero_usage: u64,
    /// Items without an estimate.
    pub estimation_failures: u64,
}

impl Stats {
    /// Share of the prompts that came from a cache, in percent.
    pub fn cache_hit_rate(&self) -> f64 {
        self.usage.cache_hit_rate()
    }

    /// Takes note of a result, such as one that came from a queue and not from the run.
    ///
    /// ```
    /// # use gimmal_batch::testing::ScriptedStrategy;
    /// # use futures_util::{StreamExt as _, stream};
    /// use gimmal_batch::{Processor, Stats, WorkItem};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let strategy = std::sync::Arc::new(ScriptedStrategy::echo());
    /// # let items = stream::iter([WorkItem::new("a", "Hello".to_owned())]);
    /// let mut run = Processor::new().start(strategy, items).await?;
    /// let mut stats = Stats::default();
    /// while let Some(result) = run.next().await {
    ///     stats.record(&result);
    /// }
    /// assert_eq!(stats.succeeded, 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn record<O, C>(&mut self, result: &WorkItemResult<O, C>) {
        self.processed += 1;
        match result.category() {
            None => self.succeeded += 1,
            Some(category) => {
                self.failed += 1;
                match self.failures.get_mut(category) {
                    Some(count) => *count += 1,
                    None => drop(self.failures.insert(category.clone(), 1)),
                }
            }
        }
        if result.is_replayed {
            self.replayed += 1;
            self.replayed_usage.add(&result.usage());
            return;
        }
        if let Some(recovery) = result.recovered() {
            *self.recovered.entry(recovery).or_default() += 1;
        }
        self.deduplicated += u64::from(result.deduplicated_from.is_some());
        self.usage.add(&result.usage());
        self.requests += u64::from(result.attempts());
        self.latency.record(result.latency);
        for timing in &result.attempts {
            self.tries += 1;
            self.rate_limited += u64::from(timing.category == Some(Category::RateLimit));
            self.execution.record(timing.execution);
            self.quota_wait.record(timing.quota_wait);
            self.admission_wait.record(timing.admission_wait);
            self.cooldown_wait += timing.cooldown_wait;
        }
    }

    /// Adds the figures of another run to these.
    pub fn add(&mut self, other: &Self) {
        self.processed += other.processed;
        self.succeeded += other.succeeded;
        self.failed += other.failed;
        self.replayed += other.replayed;
        self.deduplicated += other.deduplicated;
        for (recovery, count) in &other.recovered {
            *self.recovered.entry(*recovery).or_default() += count;
        }
        for (category, count) in &other.failures {
            *self.failures.entry(category.clone()).or_default() += count;
        }
        self.usage.add(&other.usage);
        self.replayed_usage.add(&other.replayed_usage);
        self.requests += other.requests;
        self.tries += other.tries;
        self.rate_limited += other.rate_limited;
        self.quota.add(&other.quota);
        self.latency.add(&other.latency);
        self.execution.add(&other.execution);
        self.quota_wait.add(&other.quota_wait);
        self.admission_wait.add(&other.admission_wait);
        self.cooldown_wait += other.cooldown_wait;
        let most = &mut self.input_queue_high_water_mark;
        *most = (*most).max(other.input_queue_high_water_mark);
    }
}

impl QuotaLedger {
    fn add(&mut self, other: &Self) {
        self.admitted += other.admitted;
        self.reserved_tokens += other.reserved_tokens;
        self.reported_tokens += other.reported_tokens;
        self.refunded_tokens += other.refunded_tokens;
        self.underestimated_tokens += other.underestimated_tokens;
        self.unknown_usage += other.unknown_usage;
        self.known_zero_usage += other.known_zero_usage;
        self.estimation_failures += other.estimation_failures;
    }
}

/// Keeps the figures.
#[derive(Debug, Default)]
pub(crate) struct Recorder(Mutex<Stats>);

impl Recorder {
    pub(crate) fn snapshot(&self) -> Stats {
        lock(&self.0).clone()
    }

    /// Takes note of a result.
    pub(crate) fn record<O, C>(&self, result: &WorkItemResult<O, C>) {
        lock(&self.0).record(result);
    }

    pub(crate) fn admitted(&self, reserved: u64) {
        let quota = &mut lock(&self.0).quota;
        quota.admitted += 1;
        quota.reserved_tokens += reserved;
    }

    pub(crate) fn settled(&self, reserved: u64, used: Option<u64>, disposition: Disposition) {
        let quota = &mut lock(&self.0).quota;
        quota.reported_tokens += used.unwrap_or(0);
        quota.unknown_usage += u64::from(used.is_none());
        quota.known_zero_usage += u64::from(used == Some(0));
        match disposition {
            Disposition::Refunded => quota.refunded_tokens += reserved - used.unwrap_or(reserved),
            Disposition::Debt => {
                quota.underestimated_tokens += used.unwrap_or(reserved) - reserved;
            }
            _ => {}
        }
    }

    pub(crate) fn not_estimated(&self) {
        lock(&self.0).quota.estimation_failures += 1;
    }

    pub(crate) fn waited_ahead(&self, most: usize) {
        lock(&self.0).input_queue_high_water_mark = most;
    }
}
