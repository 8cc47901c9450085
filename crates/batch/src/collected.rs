//! All results of a run in memory, for runs that are small enough for it, and what they come to.

use std::collections::{BTreeMap, HashMap};
use std::fmt::Write as _;
use std::time::Duration;

use futures_util::StreamExt as _;
use tokio::time::Instant;

use super::{Ended, Failure, Outcome, Run, RunError, TerminationKind, Usage, WorkItemResult};

/// So many names stand behind a sort of failure in a summary.
const NAMED: usize = 3;

/// The results of a run with how it ended.
///
/// ```
/// # use gimmal_batch::testing::ScriptedStrategy;
/// use std::sync::Arc;
/// use gimmal_batch::{Processor, WorkItem};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), gimmal_batch::RunError> {
/// # let strategy = ScriptedStrategy::echo();
/// let items = ["a", "b"].map(|text| WorkItem::new(text, text.to_owned()));
/// let run = Processor::new().start(Arc::new(strategy), futures_util::stream::iter(items)).await?;
/// let batch = run.collect_all().await?;
/// assert_eq!(batch.outputs().collect::<Vec<_>>(), ["a", "b"]);
/// assert!(batch.summary().starts_with("2 items: 2 succeeded"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct BatchResult<O, C = ()> {
    /// The results, in the order of the run.
    pub results: Vec<WorkItemResult<O, C>>,
    /// How it ended, and its figures.
    pub ended: Ended,
    /// How long the results were waited for.
    pub wall_time: Duration,
}

impl<O, C> Run<O, C> {
    /// Reads all results, cleans up, and gives everything at once.
    ///
    /// # Errors
    ///
    /// Fails when a fatal failure stopped the run, as [`finish`](Self::finish) does.
    pub async fn collect_all(mut self) -> Result<BatchResult<O, C>, RunError> {
        let begun = Instant::now();
        let mut results = Vec::new();
        while let Some(result) = self.next().await {
            results.push(result);
        }
        let ended = self.finish().await?;
        Ok(BatchResult {
            results,
            ended,
            wall_time: begun.elapsed(),
        })
    }
}

impl<O, C> BatchResult<O, C> {
    pub(crate) fn new(
        results: Vec<WorkItemResult<O, C>>,
        ended: Ended,
        wall_time: Duration,
    ) -> Self {
        Self {
            results,
            ended,
            wall_time,
        }
    }

    /// Items with an output.
    pub fn successes(&self) -> impl Iterator<Item = (&WorkItemResult<O, C>, &Outcome<O>)> {
        let results = self.results.iter();
        results.filter_map(|result| Some((result, result.outcome.as_ref().ok()?)))
    }

    /// Items without.
    pub fn failures(&self) -> impl Iterator<Item = (&WorkItemResult<O, C>, &Failure)> {
        let results = self.results.iter();
        results.filter_map(|result| Some((result, result.outcome.as_ref().err()?)))
    }

    /// The outputs alone.
    pub fn outputs(&self) -> impl Iterator<Item = &O> {
        self.successes().map(|(_, outcome)| &outcome.output)
    }

    /// The results by the names of their items; of items with one name the last stands.
    pub fn by_id(&self) -> HashMap<&str, &WorkItemResult<O, C>> {
        let results = self.results.iter();
        results.map(|result| (result.id.as_str(), result)).collect()
    }

    /// The same with the results in the order of the input.
    #[must_use]
    pub fn in_input_order(mut self) -> Self {
        self.results.sort_by_key(|result| result.submission_index);
        self
    }

    /// Tokens of all results, those of earlier runs included.
    pub fn usage(&self) -> Usage {
        let mut usage = Usage::default();
        for result in &self.results {
            usage.add(&result.usage());
        }
        usage
    }

    /// What the run came to, in a few lines for a person.
    pub fn summary(&self) -> String {
        let stats = &self.ended.stats;
        let mut text = format!(
            "{} items: {} succeeded, {} failed",
            stats.processed, stats.succeeded, stats.failed
        );
        let mut line = |line: std::fmt::Arguments<'_>| {
            // Writing to a string cannot fail.
            let _ = write!(text, "\n{line}");
        };
        let termination = &self.ended.termination;
        if termination.kind != TerminationKind::Completed {
            let reason = termination.reason.as_deref().unwrap_or("no reason");
            line(format_args!("stopped: {reason}"));
        }
        let again = self.results.iter().filter(|it| it.attempts.len() > 1);
        let retried = again.clone().count();
        if retried > 0 {
            let tries: usize = again.map(|result| result.attempts.len() - 1).sum();
            line(format_args!(
                "retries: {tries} tries more, for {retried} items"
            ));
        }
        let usage = &stats.usage;
        line(format_args!(
            "tokens: {} in ({} cached, {:.1} %), {} out",
            usage.prompt_tokens,
            usage.cached_tokens,
            usage.cache_hit_rate(),
            usage.output_tokens
        ));
        if stats.replayed > 0 {
            let tokens = stats.replayed_usage.total_tokens;
            line(format_args!(
                "replayed: {} items of an earlier run, {tokens} tokens",
                stats.replayed
            ));
        }
        line(format_args!("time: {}", seconds(self.wall_time)));
        for (name, histogram) in [
            ("items", &stats.latency),
            ("calls", &stats.execution),
            ("waits for the rate", &stats.quota_wait),
            ("waits for a place", &stats.admission_wait),
        ] {
            if histogram.max().is_zero() {
                continue;
            }
            let at = |percent| seconds(histogram.percentile(percent));
            line(format_args!(
                "{name}: median {}, 95 % {}, 99 % {}",
                at(50.0),
                at(95.0),
                at(99.0)
            ));
        }
        for (category, (count, names)) in self.failed_by_category() {
            let more = if count > names.len() { ", …" } else { "" };
            line(format_args!(
                "{category}: {count} ({}{more})",
                names.join(", ")
            ));
        }
        text
    }

    /// How many items failed how, and the first of their names.
    fn failed_by_category(&self) -> BTreeMap<&super::Category, (usize, Vec<&str>)> {
        let mut failed: BTreeMap<_, (usize, Vec<&str>)> = BTreeMap::new();
        for (result, failure) in self.failures() {
            let (count, names) = failed.entry(&failure.category).or_default();
            *count += 1;
            if names.len() < NAMED {
                names.push(&result.id);
            }
        }
        failed
    }
}

/// Fewer digits behind the point the more stand before it.
fn seconds(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    match seconds {
        100.0.. => format!("{seconds:.0} s"),
        10.0.. => format!("{seconds:.1} s"),
        _ => format!("{seconds:.2} s"),
    }
}
