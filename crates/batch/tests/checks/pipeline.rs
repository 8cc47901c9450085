//! The order of what happens to an item, and what it costs in the end.

use std::sync::Arc;

use gimmal_batch::testing::{ScriptedStrategy, too_many_requests};
use gimmal_batch::{Category, Failure, Hooks, Outcome, Usage, WorkItem};

use crate::support::{Ear, at_once, busy, categories, items, run, run_with};

async fn events_of(strategy: ScriptedStrategy) -> Vec<&'static str> {
    let ear = Ear::new();
    let processor = at_once(1).with_observer(Arc::clone(&ear) as _);
    run(processor, Arc::new(strategy), items(1)).await;
    let names = ear.names().into_iter();
    names.filter(|name| !name.starts_with("batch_")).collect()
}

/// Covers: AC-PI-1
#[tokio::test(start_paused = true)]
async fn what_happens_to_an_item_happens_in_order() {
    let echo = ScriptedStrategy::echo;
    assert_eq!(
        events_of(echo()).await,
        ["item_started", "item_admitted", "item_completed"]
    );
    assert_eq!(
        events_of(echo().with_schedule([Some(busy())])).await,
        [
            "item_started",
            "item_admitted",
            "item_admitted",
            "item_completed"
        ]
    );
    assert_eq!(
        events_of(echo().with_schedule([Some(too_many_requests())])).await,
        [
            "item_started",
            "item_admitted",
            "rate_limit_hit",
            "cooldown_started",
            "cooldown_ended",
            "item_admitted",
            "item_completed"
        ]
    );
    let refused = Failure::new(Category::ClientError, "no");
    assert_eq!(
        events_of(echo().with_schedule([Some(refused)])).await,
        ["item_started", "item_admitted", "item_failed"]
    );
}

/// Covers: AC-PI-3
/// Covers: AC-TK-2
#[tokio::test(start_paused = true)]
async fn the_tokens_of_every_try_are_counted_once() {
    let paid = |tokens| Some(busy().with_usage(Usage::of(tokens, 0)).with_attempts(1));
    let strategy = ScriptedStrategy::costing(Usage::of(30, 0)).with_schedule([paid(10), paid(20)]);
    let budget = gimmal_batch::Budget::new().with_max_tokens(1_000);
    let processor = at_once(1).with_budget(budget);
    let (results, ended) = run(processor, Arc::new(strategy), items(1)).await;
    assert_eq!(results[0].usage(), Usage::of(60, 0));
    assert_eq!(results[0].attempts(), 3);
    assert_eq!(ended.stats.usage, Usage::of(60, 0));
    assert_eq!(ended.spent.tokens, 60);
    let each: Vec<_> = results[0]
        .attempts
        .iter()
        .map(|timing| timing.usage.unwrap().total_tokens)
        .collect();
    assert_eq!(each, [10, 20, 30]);
}

/// Covers: AC-CL-6
#[tokio::test(start_paused = true)]
async fn a_panic_is_a_failure_of_its_item_and_of_nothing_else() {
    let strategy = ScriptedStrategy::new(|input, _, _| {
        assert_ne!(input, "1", "poisoned");
        Ok(Outcome::new(input.to_owned(), Usage::default(), 1))
    });
    let (results, ended) = run(at_once(2), Arc::new(strategy.clone()), items(4)).await;
    let panicked = Some(Category::LogicError);
    assert_eq!(categories(&results), [None, panicked, None, None]);
    assert_eq!(strategy.calls(), 4, "a panic is not tried again");
    assert_eq!(ended.stats.failed, 1);
}

/// Covers: AC-WI-1
#[tokio::test(start_paused = true)]
async fn items_that_cannot_be_worked_on_say_why() {
    let strategy = ScriptedStrategy::echo();
    let work = vec![
        WorkItem::new("", "a".to_owned()),
        WorkItem::new(" \n", "b".to_owned()),
        WorkItem::new("c", "c".to_owned()).with_strategy("nobody"),
        WorkItem::new("d", String::new()),
    ];
    let (results, _) = run(at_once(1), Arc::new(strategy.clone()), work).await;
    assert_eq!(
        categories(&results),
        [
            Some(Category::InputError),
            Some(Category::InputError),
            Some(Category::UnknownStrategy),
            None
        ]
    );
    assert_eq!(strategy.calls(), 1);
}

/// Covers: AC-XT-6
/// Covers: AC-XT-7
#[tokio::test(start_paused = true)]
async fn items_that_ask_the_same_share_one_call() {
    let work: Vec<_> = (0..1_000)
        .map(|i| WorkItem::new(i.to_string(), format!("prompt {}", i % 100)))
        .collect();
    let strategy = ScriptedStrategy::costing(Usage::of(5, 5))
        .with_latency(crate::support::seconds(1))
        .with_schedule([Some(busy())]);
    let hooks = Hooks::new().with_dedup(|input: &String| Some(input.clone()));
    let (results, ended) = run_with(at_once(50), Arc::new(strategy.clone()), work, hooks).await;
    assert_eq!(results.len(), 1_000);
    assert_eq!(
        strategy.calls(),
        101,
        "those who follow wait for the second try"
    );
    assert_eq!(ended.stats.deduplicated, 900);
    assert_eq!(ended.stats.usage, Usage::of(500, 500));
    for result in &results {
        let index = result.submission_index;
        let output = &result.outcome.as_ref().unwrap().output;
        assert_eq!(*output, format!("prompt {}", index % 100));
    }
}

/// Covers: AC-XT-8
#[tokio::test(start_paused = true)]
async fn the_same_prompt_for_another_strategy_is_something_else() {
    let strategy = ScriptedStrategy::echo();
    let strategies = gimmal_batch::Strategies::new(Arc::new(strategy.clone()))
        .with("other", Arc::new(strategy.clone()));
    let work = vec![
        WorkItem::new("a", "same".to_owned()),
        WorkItem::new("b", "same".to_owned()).with_strategy("other"),
        WorkItem::new("c", "same".to_owned()),
    ];
    let hooks = Hooks::new().with_dedup(|input: &String| Some(input.clone()));
    let (results, _) = run_with(at_once(1), strategies, work, hooks).await;
    assert_eq!(strategy.calls(), 2);
    assert_eq!(results[2].deduplicated_from.as_deref(), Some("a"));
}

#[tokio::test(start_paused = true)]
async fn a_permanent_failure_is_shared_and_a_passing_one_is_not() {
    let work = || {
        vec![
            WorkItem::new("a", "same".to_owned()),
            WorkItem::new("b", "same".to_owned()),
        ]
    };
    let hooks = || Hooks::new().with_dedup(|input: &String| Some(input.clone()));
    let refused = Failure::new(Category::ClientError, "no");
    let strategy = ScriptedStrategy::echo().with_schedule([Some(refused)]);
    let (results, _) = run_with(at_once(1), Arc::new(strategy.clone()), work(), hooks()).await;
    assert_eq!(strategy.calls(), 1);
    assert_eq!(results[1].category(), Some(&Category::ClientError));

    let strategy =
        ScriptedStrategy::echo().with_schedule([Some(busy()), Some(busy()), Some(busy())]);
    let (results, _) = run_with(at_once(1), Arc::new(strategy.clone()), work(), hooks()).await;
    assert_eq!(categories(&results), [Some(Category::ServerError), None]);
}
