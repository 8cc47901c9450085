//! What callers may do to items on their way.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::future::BoxFuture;
use gimmal_batch::testing::ScriptedStrategy;
use gimmal_batch::{
    Before, Category, Event, Failure, Hooks, Middleware, Observer, Outcome, PostProcessor, Usage,
    WorkItem, WorkItemResult,
};
use tokio::time::Instant;

use crate::support::{Ear, at_once, busy, categories, items, run, run_with, seconds};

type Log = Arc<Mutex<Vec<String>>>;

/// Writes down where it was called.
struct Noting(&'static str, Log);

impl Noting {
    fn note(&self, what: &str) {
        self.1.lock().unwrap().push(format!("{what} {}", self.0));
    }
}

impl Middleware<String, String, ()> for Noting {
    fn before<'a>(
        &'a self,
        _item: &'a WorkItem<String>,
    ) -> BoxFuture<'a, Result<Before<String>, Failure>> {
        self.note("before");
        Box::pin(async { Ok(Before::Keep) })
    }

    fn after<'a>(
        &'a self,
        _item: &'a WorkItem<String>,
        _outcome: &'a Outcome<String>,
    ) -> BoxFuture<'a, Result<Option<Outcome<String>>, Failure>> {
        self.note("after");
        Box::pin(async { Ok(None) })
    }

    fn recover<'a>(
        &'a self,
        _item: &'a WorkItem<String>,
        _failure: &'a Failure,
    ) -> BoxFuture<'a, Option<Result<Outcome<String>, Failure>>> {
        self.note("recover");
        Box::pin(async { None })
    }
}

/// Covers: AC-MW-1
/// Covers: Middleware.before_process
/// Covers: Middleware.after_process
/// Covers: Middleware.on_error
#[tokio::test(start_paused = true)]
async fn middlewares_are_asked_from_the_outside_in_and_back() {
    let log = Log::default();
    let hooks = || {
        Hooks::new()
            .with_middleware(Noting("A", Arc::clone(&log)))
            .with_middleware(Noting("B", Arc::clone(&log)))
    };
    run_with(
        at_once(1),
        Arc::new(ScriptedStrategy::echo()),
        items(1),
        hooks(),
    )
    .await;
    assert_eq!(
        *log.lock().unwrap(),
        ["before A", "before B", "after B", "after A"]
    );
    log.lock().unwrap().clear();
    let refused = Failure::new(Category::ClientError, "no");
    let strategy = ScriptedStrategy::echo().with_schedule([Some(refused)]);
    run_with(at_once(1), Arc::new(strategy), items(1), hooks()).await;
    let expected = ["before A", "before B", "recover A", "recover B"];
    assert_eq!(*log.lock().unwrap(), expected);
}

/// Puts a word behind every output.
struct Shouting;

impl Middleware<String, String, ()> for Shouting {
    fn after<'a>(
        &'a self,
        item: &'a WorkItem<String>,
        outcome: &'a Outcome<String>,
    ) -> BoxFuture<'a, Result<Option<Outcome<String>>, Failure>> {
        let mut louder = outcome.clone();
        louder.output = format!("{} {}!", outcome.output, item.id);
        Box::pin(async { Ok(Some(louder)) })
    }
}

/// Covers: BaseMiddleware.after_process
#[tokio::test(start_paused = true)]
async fn an_output_may_be_changed_before_anybody_sees_it() {
    let hooks = Hooks::new().with_middleware(Shouting);
    let strategy = Arc::new(ScriptedStrategy::costing(Usage::of(3, 1)));
    let (results, ended) = run_with(at_once(1), strategy, items(1), hooks).await;
    assert_eq!(results[0].outcome.as_ref().unwrap().output, "0 0!");
    assert_eq!(ended.stats.usage, Usage::of(3, 1), "and costs what it did");
}

/// Passes over the item "1", shouts at "2", fails over "3" and panics over "4".
struct Moody;

impl Middleware<String, String, ()> for Moody {
    fn before<'a>(
        &'a self,
        item: &'a WorkItem<String>,
    ) -> BoxFuture<'a, Result<Before<String>, Failure>> {
        Box::pin(async move {
            match item.id.as_str() {
                "1" => Ok(Before::Filter),
                "2" => Ok(Before::Replace {
                    input: format!("{}!", item.input),
                    strategy: None,
                }),
                "3" => Err(busy()),
                "4" => panic!("over this one"),
                _ => Ok(Before::Keep),
            }
        })
    }
}

/// Covers: AC-MW-2
/// Covers: BaseMiddleware.before_process
#[tokio::test(start_paused = true)]
async fn a_filtered_item_fails_without_a_call_and_a_broken_middleware_changes_nothing() {
    let ear = Ear::new();
    let strategy = ScriptedStrategy::echo();
    let processor = at_once(1)
        .with_prepare_on_demand()
        .with_observer(Arc::clone(&ear) as _);
    let hooks = Hooks::new().with_middleware(Moody);
    let (results, _) = run_with(processor, Arc::new(strategy.clone()), items(5), hooks).await;
    let filtered = Some(Category::MiddlewareFiltered);
    assert_eq!(categories(&results), [None, filtered, None, None, None]);
    let outputs: Vec<_> = results
        .iter()
        .filter_map(|result| result.outcome.as_ref().ok())
        .map(|outcome| outcome.output.as_str())
        .collect();
    assert_eq!(outputs, ["0", "2!", "3", "4"]);
    assert_eq!(ear.count("item_failed"), 1);
    assert_eq!(strategy.calls(), 4);

    let strategy = ScriptedStrategy::echo();
    let only = vec![WorkItem::new("1", String::new())];
    let hooks = Hooks::new().with_middleware(Moody);
    let processor = at_once(1).with_prepare_on_demand();
    run_with(processor, Arc::new(strategy.clone()), only, hooks).await;
    assert_eq!(strategy.prepared(), 0);
}

/// Covers: AC-MW-3
/// Covers: ProcessorObserver.on_event
/// Covers: MetricsObserver.on_event
#[tokio::test(start_paused = true)]
async fn every_item_ends_in_exactly_one_event_and_the_counts_agree() {
    for seed in 0..20_u64 {
        let ear = Ear::new();
        let strategy = ScriptedStrategy::new(move |input, _, call| {
            // A cheap mixture of outcomes, another one for each seed.
            match (call.wrapping_mul(2_654_435_761).wrapping_add(seed * 97) >> 7) % 5 {
                0 => Err(busy()),
                1 => Err(Failure::new(Category::ClientError, "no")),
                2 => Err(Failure::new(Category::ValidationError, "again")),
                _ => Ok(Outcome::new(input.to_owned(), Usage::of(3, 1), 1)),
            }
        });
        let processor = at_once(7).with_observer(Arc::clone(&ear) as _);
        let (results, ended) = run(processor, Arc::new(strategy), items(100)).await;
        let failed = results
            .iter()
            .filter(|result| result.outcome.is_err())
            .count();
        assert_eq!(results.len(), 100);
        assert_eq!(ear.count("item_completed"), 100 - failed);
        assert_eq!(ear.count("item_failed"), failed);
        assert_eq!(ended.stats.processed, 100);
        assert_eq!(ended.stats.failed as usize, failed);
        assert_eq!(ended.stats.failures.values().sum::<u64>() as usize, failed);
        let mut ids: Vec<_> = ear
            .all()
            .iter()
            .filter(|(_, event)| matches!(event.name(), "item_completed" | "item_failed"))
            .filter_map(|(_, event)| event.item_id().map(str::to_owned))
            .collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 100);
    }
}

/// Takes ten seconds over every event, or panics.
#[derive(Debug)]
struct Tiresome;

impl Observer for Tiresome {
    fn on_event<'a>(&'a self, event: &'a Event) -> BoxFuture<'a, ()> {
        assert_ne!(event.name(), "item_completed", "a panic of an observer");
        Box::pin(tokio::time::sleep(seconds(10)))
    }
}

/// Covers: AC-MW-4
/// Covers: BaseObserver.on_event
#[tokio::test(start_paused = true)]
async fn a_slow_observer_holds_up_nobody() {
    let begun = Instant::now();
    let finished = Arc::new(Mutex::new(Duration::ZERO));
    let last = Arc::clone(&finished);
    let strategy = ScriptedStrategy::new(move |input, _, _| {
        *last.lock().unwrap() = begun.elapsed();
        Ok(Outcome::new(input.to_owned(), Usage::default(), 1))
    });
    let processor = at_once(1).with_observer(Arc::new(Tiresome));
    let (results, _) = run(processor, Arc::new(strategy), items(10)).await;
    assert_eq!(results.len(), 10);
    assert_eq!(*finished.lock().unwrap(), seconds(0), "no worker waited");
}

/// Writes down whom it was called for, and panics over outputs.
struct Strict(Log);

impl PostProcessor<String, ()> for Strict {
    fn process<'a>(&'a self, result: &'a WorkItemResult<String>) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            self.0.lock().unwrap().push(result.id.clone());
            assert!(result.outcome.is_err(), "a panic of a post-processor");
            std::future::pending::<()>().await;
        })
    }
}

/// Covers: AC-MW-5
#[tokio::test(start_paused = true)]
async fn the_post_processor_sees_every_result_and_changes_none() {
    let log = Log::default();
    let refused = Failure::new(Category::ClientError, "no");
    let strategy = ScriptedStrategy::echo().with_schedule([Some(refused)]);
    let hooks = Hooks::new()
        .with_middleware(Moody)
        .with_post_processor(Strict(Arc::clone(&log)))
        .with_post_processor_timeout(seconds(1));
    let (results, _) = run_with(at_once(1), Arc::new(strategy), items(3), hooks).await;
    assert_eq!(*log.lock().unwrap(), ["0", "1", "2"]);
    assert_eq!(
        categories(&results),
        [
            Some(Category::ClientError),
            Some(Category::MiddlewareFiltered),
            None
        ]
    );
}

/// Rescues every failure with a text of its own.
struct Rescuer;

impl Middleware<String, String, ()> for Rescuer {
    fn recover<'a>(
        &'a self,
        _item: &'a WorkItem<String>,
        _failure: &'a Failure,
    ) -> BoxFuture<'a, Option<Result<Outcome<String>, Failure>>> {
        Box::pin(async { Some(Ok(Outcome::new("sorry".to_owned(), Usage::of(1, 1), 0))) })
    }
}

/// Covers: AC-PI-4
/// Covers: BaseMiddleware.on_error
#[tokio::test(start_paused = true)]
async fn a_rescued_item_is_an_output_and_what_was_paid_stays_paid() {
    let paid = || Some(busy().with_usage(Usage::of(10, 0)).with_attempts(1));
    let strategy = ScriptedStrategy::echo().with_schedule([paid(), paid(), paid()]);
    let hooks = Hooks::new().with_middleware(Rescuer);
    let (results, ended) = run_with(at_once(1), Arc::new(strategy), items(1), hooks).await;
    let outcome = results[0].outcome.as_ref().unwrap();
    assert_eq!((outcome.output.as_str(), outcome.attempts), ("sorry", 3));
    assert_eq!(outcome.usage, Usage::of(31, 1));
    assert_eq!(ended.stats.usage, Usage::of(31, 1));
    assert_eq!(results[0].attempts.len(), 3);
}
