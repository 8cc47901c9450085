//! Strategies that are shared: prepared once, cleaned up once, state for each item alone.

use std::sync::{Arc, Mutex};

use futures_util::future::BoxFuture;
use futures_util::stream;
use gimmal_batch::testing::ScriptedStrategy;
use gimmal_batch::{
    Attempt, CallStrategy, Category, Failure, Hooks, Outcome, Shared, Strategies, Usage, WorkItem,
};
use tokio::time::Instant;

use crate::support::{Ear, at_once, busy, categories, items, millis, run, run_with, seconds};

/// Covers: AC-ST-1
/// Covers: LLMCallStrategy.prepare
/// Covers: LLMCallStrategy.cleanup
/// Covers: LLMCallStrategy.execute
#[tokio::test(start_paused = true)]
async fn whatever_the_workers_and_runs_a_strategy_is_prepared_once() {
    for workers in [5, 200] {
        let strategy = ScriptedStrategy::echo().with_preparation_time(millis(100));
        let processor = at_once(workers).with_prepare_on_demand();
        let (results, _) = run(processor, Arc::new(strategy.clone()), items(20)).await;
        assert!(results.iter().all(|result| result.outcome.is_ok()));
        assert_eq!((strategy.prepared(), strategy.cleaned()), (1, 1));
    }

    let strategy = ScriptedStrategy::echo().with_preparation_time(millis(100));
    let shared = Shared::new(strategy.clone());
    let start = || at_once(5).start(shared.clone(), stream::iter(items(20)));
    let (first, second) = tokio::join!(start(), start());
    first.unwrap().finish().await.unwrap();
    assert_eq!(strategy.cleaned(), 0, "the other run still needs it");
    second.unwrap().finish().await.unwrap();
    assert_eq!((strategy.prepared(), strategy.cleaned()), (1, 1));
}

/// Covers: AC-ST-2
#[tokio::test(start_paused = true)]
async fn two_strategies_are_prepared_side_by_side() {
    let slow = || ScriptedStrategy::echo().with_preparation_time(seconds(1));
    let (one, other) = (slow(), slow());
    let strategies = Strategies::new(Arc::new(one.clone())).with("other", Arc::new(other.clone()));
    let mut work = items(10);
    for item in work.iter_mut().step_by(2) {
        *item = item.clone().with_strategy("other");
    }
    let begun = Instant::now();
    run(at_once(10).with_prepare_on_demand(), strategies, work).await;
    assert_eq!(begun.elapsed(), seconds(1));
    for strategy in [one, other] {
        assert_eq!((strategy.prepared(), strategy.cleaned()), (1, 1));
    }
}

/// Covers: AC-ST-3
#[tokio::test(start_paused = true)]
async fn those_who_wait_for_a_preparation_share_its_failure() {
    let wrong = || Some(Failure::new(Category::ClientError, "no such context"));
    let strategy = ScriptedStrategy::echo()
        .with_preparation_time(millis(1_500))
        .with_preparations([wrong()]);
    let processor = || at_once(10).with_prepare_on_demand();
    let (results, _) = run(processor(), Arc::new(strategy.clone()), items(10)).await;
    assert!(
        results
            .iter()
            .all(|result| result.category() == Some(&Category::ClientError))
    );
    assert!(results.iter().all(|result| result.attempts.is_empty()));
    assert_eq!((strategy.prepared(), strategy.cleaned()), (1, 0));

    // A later item tries again.
    let strategy = ScriptedStrategy::echo().with_preparations([wrong()]);
    let late = stream::unfold(0, |i| async move {
        if i == 1 {
            tokio::time::sleep(seconds(5)).await;
        }
        (i < 2).then(|| (WorkItem::new(i.to_string(), i.to_string()), i + 1))
    });
    let run = processor()
        .start(Arc::new(strategy.clone()), late)
        .await
        .unwrap();
    let ended = run.finish().await.unwrap();
    assert_eq!((ended.stats.failed, ended.stats.succeeded), (1, 1));
    assert_eq!((strategy.prepared(), strategy.cleaned()), (2, 1));

    // One that always fails is not asked again and again.
    let strategy = ScriptedStrategy::echo().with_preparations((0..20).map(|_| wrong()));
    let (results, _) =
        crate::support::run(processor(), Arc::new(strategy.clone()), items(20)).await;
    assert_eq!(results.len(), 20);
    assert!(strategy.prepared() <= 2, "{}", strategy.prepared());
}

/// Covers: AC-ST-4
#[tokio::test(start_paused = true)]
async fn a_strategy_of_its_own_is_prepared_on_its_own() {
    for _ in 0..20 {
        // The allocator is free to put each where the last one was.
        let strategy = ScriptedStrategy::echo();
        run(at_once(1), Arc::new(strategy.clone()), items(1)).await;
        assert_eq!(strategy.prepared(), 1);
    }
}

/// Remembers in the state what it was asked, and what it saw there.
#[derive(Debug, Default)]
struct Remembering(Mutex<Vec<(String, Option<String>)>>);

impl CallStrategy for Remembering {
    type Input = String;
    type Output = String;

    fn execute<'a>(
        &'a self,
        input: &'a String,
        attempt: &'a mut Attempt,
    ) -> BoxFuture<'a, Result<Outcome<String>, Failure>> {
        Box::pin(async move {
            let before = attempt.state.get("asked").map(ToString::to_string);
            self.0.lock().unwrap().push((input.clone(), before));
            attempt.state.clear();
            attempt.state.set("asked", input.as_str());
            if attempt.number == 1 {
                return Err(busy());
            }
            // A deadline is no part of what was cleared.
            assert!(attempt.timeout.is_some_and(|left| left < seconds(30)));
            Ok(Outcome::new(input.clone(), Usage::default(), 1))
        })
    }

    fn on_error<'a>(
        &'a self,
        failure: &'a mut Failure,
        attempt: &'a mut Attempt,
    ) -> BoxFuture<'a, ()> {
        assert!(attempt.state.contains("asked"));
        failure.message.push_str(", seen");
        Box::pin(async {})
    }
}

/// Covers: AC-ST-5
#[tokio::test(start_paused = true)]
async fn an_item_remembers_from_one_attempt_to_the_next_and_for_itself_alone() {
    let strategy = Arc::new(Remembering::default());
    let processor = at_once(2).with_item_timeout(seconds(30));
    let (results, _) = run(processor, Arc::clone(&strategy), items(2)).await;
    assert!(results.iter().all(|result| result.outcome.is_ok()));
    for (input, before) in strategy.0.lock().unwrap().iter() {
        let own = format!("\"{input}\"");
        assert!(before.as_ref().is_none_or(|before| *before == own));
    }
}

/// Covers: AC-ST-7
/// Covers: LLMCallStrategy.dry_run
#[tokio::test(start_paused = true)]
async fn a_dry_run_prepares_and_sends_nothing() {
    let ear = Ear::new();
    let strategy = ScriptedStrategy::echo();
    let processor = at_once(2)
        .with_dry_run()
        .with_observer(Arc::clone(&ear) as _);
    let (results, ended) = run_with(
        processor,
        Arc::new(strategy.clone()),
        items(3),
        Hooks::new(),
    )
    .await;
    assert_eq!(categories(&results), [None, None, None]);
    assert_eq!((strategy.prepared(), strategy.calls()), (1, 0));
    let first = results.iter().find(|result| result.id == "0").unwrap();
    let outcome = first.outcome.as_ref().unwrap();
    assert_eq!(outcome.output, "[DRY-RUN] Mock output for prompt: 0...");
    assert_eq!(outcome.usage, Usage::of(100, 50));
    assert_eq!(ear.count("item_admitted"), 0);
    assert_eq!(ended.spent.tokens, 0);
}
