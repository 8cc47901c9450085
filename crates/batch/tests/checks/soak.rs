//! Runs of two thousand items through every trouble at once or by itself, on a clock that costs
//! nothing: no item is lost, none comes twice, and the figures say what the results say.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::num::NonZeroU64;
use std::sync::Arc;

use futures_util::{StreamExt as _, stream};
use gimmal_batch::journal::{Fsync, Journal};
use gimmal_batch::testing::{ScriptedStrategy, too_many_requests};
use gimmal_batch::{Category, Ended, Failure, Hooks, Outcome, Processor, Shutdown, Usage};
use gimmal_client::transport::RateLimits;

use crate::support::{Ear, Results, at_once, items, millis, run, run_with};

const ITEMS: usize = 2_000;

/// The same number for the same seed and item; it looks like chance.
fn chance(seed: u64, item: &str, salt: u64) -> u64 {
    let mut hasher = DefaultHasher::new();
    (seed, item, salt).hash(&mut hasher);
    hasher.finish() % 100
}

/// Of a hundred items so many fail for good, once, or are refused once for the rate.
#[derive(Clone, Copy)]
struct Trouble {
    hopeless: u64,
    passing: u64,
    refused: u64,
}

const NONE: Trouble = Trouble {
    hopeless: 0,
    passing: 0,
    refused: 0,
};

fn troubled(seed: u64, trouble: Trouble) -> ScriptedStrategy {
    ScriptedStrategy::new(move |input, attempt, _| {
        let first = attempt.number == 1 && attempt.try_number == 1;
        if chance(seed, input, 1) < trouble.hopeless {
            let failure = Failure::new(Category::ClientError, "it never will");
            return Err(failure.with_usage(Usage::of(5, 0)).with_attempts(1));
        }
        if first && chance(seed, input, 2) < trouble.passing {
            let failure = Failure::new(Category::ServerError, "not now");
            return Err(failure.with_usage(Usage::of(3, 0)).with_attempts(1));
        }
        if first && chance(seed, input, 3) < trouble.refused {
            return Err(too_many_requests().with_attempts(1));
        }
        Ok(Outcome::new(format!("out:{input}"), Usage::of(10, 2), 1))
    })
    .with_latency(millis(50))
}

/// Nothing is lost or comes twice; the figures are those of the results.
fn check(results: &Results, ended: &Ended) {
    assert_eq!(results.len(), ITEMS);
    let names: HashSet<_> = results.iter().map(|result| &result.id).collect();
    assert_eq!(names.len(), ITEMS, "each item once");
    let stats = &ended.stats;
    let failed = results.iter().filter(|it| it.outcome.is_err()).count() as u64;
    assert_eq!((stats.processed, stats.failed), (ITEMS as u64, failed));
    assert_eq!(stats.succeeded, ITEMS as u64 - failed);
    let (mut usage, mut tries) = (Usage::default(), 0);
    for result in results {
        usage.add(&result.usage());
        tries += result.attempts.len() as u64;
    }
    let mut told = stats.usage;
    told.add(&stats.replayed_usage);
    assert_eq!((told, stats.tries), (usage, tries));
    for (category, count) in &stats.failures {
        let of = results.iter().filter(|it| it.category() == Some(category));
        assert_eq!(of.count() as u64, *count, "{category}");
    }
}

/// What came of each item, whatever the order.
fn digest(results: &Results) -> u64 {
    let of = |result: &gimmal_batch::WorkItemResult<String>| {
        let mut hasher = DefaultHasher::new();
        let output = result.outcome.as_ref().ok().map(|it| it.output.as_str());
        (&result.id, output, result.category(), result.attempts.len()).hash(&mut hasher);
        hasher.finish()
    };
    results.iter().map(of).fold(0, u64::wrapping_add)
}

/// Covers: AC-TS-1
/// Covers: AC-TS-3
#[tokio::test(start_paused = true)]
async fn the_same_seed_comes_to_the_same_results_in_every_trouble() {
    let requests = NonZeroU64::new(6_000).unwrap();
    let limits = RateLimits::default().with_requests_per_minute(requests);
    for (trouble, processor) in [
        (NONE, at_once(64)),
        (NONE, at_once(64).with_rate_limits(limits)),
        (Trouble { refused: 2, ..NONE }, at_once(16)),
        (
            Trouble {
                passing: 20,
                ..NONE
            },
            at_once(64),
        ),
        (
            Trouble {
                hopeless: 10,
                passing: 10,
                refused: 1,
            },
            at_once(32),
        ),
    ] {
        let mut digests = HashSet::new();
        for _ in 0..2 {
            let strategy = Arc::new(troubled(7, trouble));
            let (results, ended) = run(processor.clone(), strategy, items(ITEMS)).await;
            check(&results, &ended);
            digests.insert(digest(&results));
        }
        assert_eq!(digests.len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_changes_nothing_but_the_time() {
    let strategy = Arc::new(troubled(7, NONE));
    let work = stream::iter(items(ITEMS));
    let mut slow = at_once(64).start(strategy, work).await.unwrap();
    let mut results = Vec::new();
    while let Some(result) = slow.next().await {
        tokio::time::sleep(millis(20)).await;
        results.push(result);
    }
    check(&results, &slow.finish().await.unwrap());
}

#[tokio::test]
async fn a_run_that_is_stopped_and_resumed_comes_to_the_results_of_one_that_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let open = || {
        let journal = Journal::builder("run", "inputs").with_fsync(Fsync::Never);
        Hooks::new().with_store(Arc::new(journal.open(&path).unwrap()))
    };
    let mut sent = 0;
    for stop_at in [Some(700), Some(600), None] {
        let shutdown = Shutdown::new();
        let stop = shutdown.clone();
        let strategy = ScriptedStrategy::new(move |input, _, call| {
            if stop_at == Some(call) {
                stop.drain();
            }
            Ok(Outcome::new(format!("out:{input}"), Usage::of(10, 2), 1))
        });
        let processor = at_once(32).with_shutdown(shutdown);
        let all = Arc::new(strategy.clone());
        let (results, _) = run_with(processor, all, items(ITEMS), open()).await;
        sent += strategy.calls();
        if stop_at.is_none() {
            let expected: Vec<String> = (0..ITEMS).map(|i| format!("out:{i}")).collect();
            let expected = expected.iter().map(String::as_str).collect();
            assert_eq!(outputs_of(&results), expected);
        }
    }
    assert_eq!(sent, ITEMS as u64, "nothing was paid for twice");
}

fn outputs_of(results: &Results) -> HashSet<&str> {
    let outputs = results.iter().filter_map(|it| it.outcome.as_ref().ok());
    outputs.map(|outcome| outcome.output.as_str()).collect()
}

/// Covers: AC-MT-1
#[tokio::test(start_paused = true)]
async fn events_and_metrics_count_what_the_results_do() {
    let trouble = Trouble {
        hopeless: 10,
        passing: 20,
        refused: 1,
    };
    let ear = Ear::new();
    let processor: Processor = at_once(32).with_observer(Arc::clone(&ear) as _);
    let (results, ended) = run(processor, Arc::new(troubled(3, trouble)), items(ITEMS)).await;
    check(&results, &ended);
    let stats = &ended.stats;
    assert_eq!(ear.count("item_started"), ITEMS);
    assert_eq!(ear.count("item_completed") as u64, stats.succeeded);
    assert_eq!(ear.count("item_failed") as u64, stats.failed);
    assert_eq!(ear.count("rate_limit_hit") as u64, stats.rate_limited);
    let text = stats.to_prometheus();
    for line in [
        format!(
            "gimmal_batch_items_total{{result=\"succeeded\"}} {}",
            stats.succeeded
        ),
        format!(
            "gimmal_batch_items_total{{result=\"failed\"}} {}",
            stats.failed
        ),
        format!("gimmal_batch_tries_total {}", stats.tries),
        format!(
            "gimmal_batch_tokens_total{{kind=\"prompt\"}} {}",
            stats.usage.prompt_tokens
        ),
    ] {
        assert!(text.lines().any(|have| have == line), "{line}\n{text}");
    }
}
