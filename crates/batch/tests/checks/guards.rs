//! Deadlines, ends that a run makes of itself, and budgets.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::{StreamExt as _, stream};
use gimmal_batch::testing::{ScriptedStrategy, too_many_requests};
use gimmal_batch::{
    AbortMode, Attempt, AttemptUsage, Budget, CallStrategy, Category, Failure, Hooks, Outcome,
    RetryConfig, Shutdown, TerminationKind, TokenEstimate, Usage,
};
use gimmal_client::transport::rate_limit::PauseConfig;
use tokio::time::Instant;

use crate::support::{Ear, at_once, busy, categories, items, number, run, run_with, seconds};

/// Covers: AC-GD-1
#[tokio::test(start_paused = true)]
async fn a_deadline_ends_a_pause_and_no_call_comes_after_it() {
    let strategy = ScriptedStrategy::echo().with_schedule([Some(too_many_requests())]);
    let processor = at_once(1)
        .with_pause(PauseConfig::default().with_first(seconds(300)))
        .with_item_timeout(seconds(10));
    let (results, _) = run(processor, Arc::new(strategy.clone()), items(1)).await;
    assert_eq!(
        categories(&results),
        [Some(Category::FrameworkTotalItemTimeout)]
    );
    assert_eq!(results[0].latency, seconds(10));
    assert_eq!(strategy.calls(), 1);
}

/// Covers: AC-GD-2
#[tokio::test(start_paused = true)]
async fn a_run_that_takes_too_long_gives_what_it_has_read_a_result() {
    for (mode, real) in [(AbortMode::DrainActive, 3), (AbortMode::CancelActive, 0)] {
        let strategy = ScriptedStrategy::echo().with_latency(seconds(10));
        let processor = at_once(3)
            .with_read_ahead(5)
            .with_batch_timeout(seconds(5))
            .with_abort_mode(mode);
        let (results, ended) = run(processor, Arc::new(strategy.clone()), items(8)).await;
        assert_eq!(results.len(), 8);
        let answered = results
            .iter()
            .filter(|result| result.outcome.is_ok())
            .count();
        assert_eq!(answered, real, "{mode:?}");
        assert!(
            results
                .iter()
                .filter_map(|result| result.category())
                .all(|category| *category == Category::BatchDeadlineExceeded)
        );
        assert_eq!(ended.termination.kind, TerminationKind::BatchTimeout);
        assert_eq!(strategy.calls(), 3);
    }
}

/// Covers: AC-GD-3
#[tokio::test(start_paused = true)]
async fn one_hopeless_failure_ends_the_run_and_those_who_wait_end_at_once() {
    let ear = Ear::new();
    let wrong = || Some(Failure::new(Category::PermissionDenied, "not yours"));
    // Two hopeless ones at the same moment, and one that waits for its next attempt.
    let strategy = ScriptedStrategy::echo()
        .with_latency(seconds(1))
        .with_schedule([Some(busy()), wrong(), wrong()]);
    let retry = RetryConfig::new()
        .with_waits(seconds(50), seconds(60))
        .unwrap();
    let processor = at_once(3)
        .with_retry(retry)
        .with_abort_on([Category::PermissionDenied])
        .with_observer(Arc::clone(&ear) as _);
    let begun = Instant::now();
    let (results, ended) = run(processor, Arc::new(strategy.clone()), items(100)).await;
    assert_eq!(begun.elapsed(), seconds(1));
    assert_eq!(ear.count("batch_aborted"), 1);
    assert_eq!(ended.termination.kind, TerminationKind::FailFast);
    assert_eq!(ended.termination.category, Some(Category::PermissionDenied));
    assert!(ended.termination.item_id.is_some());
    let waiting = results.iter().find(|result| result.id == "0").unwrap();
    assert_eq!(waiting.category(), Some(&Category::BatchAborted));
    let failure = waiting.outcome.as_ref().unwrap_err();
    assert!(failure.message.contains("busy"), "{failure}");
    assert_eq!(strategy.calls(), 3);
}

/// Covers: AC-GD-4
#[tokio::test(start_paused = true)]
async fn a_run_stops_when_its_tokens_are_used() {
    for (workers, most) in [(1, 120), (10, 100 + 10 * 40)] {
        let strategy = ScriptedStrategy::costing(Usage::of(30, 10)).with_latency(seconds(1));
        let processor = at_once(workers).with_budget(Budget::new().with_max_tokens(100));
        let (results, ended) = run(processor, Arc::new(strategy.clone()), items(50)).await;
        assert_eq!(ended.termination.kind, TerminationKind::BudgetExceeded);
        assert!(ended.spent.tokens <= most, "{}", ended.spent.tokens);
        assert_eq!(ended.spent.tokens, 40 * strategy.calls());
        let answered = results
            .iter()
            .filter(|result| result.outcome.is_ok())
            .count();
        assert_eq!(
            answered as u64,
            strategy.calls(),
            "what was paid for counts"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_price_is_asked_for_each_call_with_all_that_is_known_of_it() {
    type Seen = (String, Option<String>, u32, u64, bool);
    let seen = Arc::new(std::sync::Mutex::new(Vec::<Seen>::new()));
    let calls = Arc::clone(&seen);
    let price = move |call: &AttemptUsage<'_>| {
        let strategy = call.strategy.map(str::to_owned);
        let tokens = call.usage.total_tokens;
        let (id, number) = (call.item_id.to_owned(), call.try_number);
        calls
            .lock()
            .unwrap()
            .push((id, strategy, number, tokens, call.is_success));
        0.4
    };
    let failed = busy().with_usage(Usage::of(5, 0));
    let strategy = ScriptedStrategy::costing(Usage::of(9, 1)).with_schedule([Some(failed)]);
    let strategies = gimmal_batch::Strategies::new(Arc::new(ScriptedStrategy::echo()))
        .with("dear", Arc::new(strategy));
    let mut work = items(3);
    work[0] = work[0].clone().with_strategy("dear");
    let processor = at_once(1)
        .with_read_ahead(3)
        .with_budget(Budget::new().with_max_cost(0.8, price));
    let (results, _) = run(processor, strategies, work).await;
    let dear = || Some("dear".to_owned());
    let expected = [
        ("0".to_owned(), dear(), 1, 5, false),
        ("0".to_owned(), dear(), 2, 10, true),
    ];
    assert_eq!(*seen.lock().unwrap(), expected);
    let spent = Some(Category::BatchBudgetExceeded);
    assert_eq!(categories(&results), [None, spent.clone(), spent]);
}

/// Covers: ParallelBatchProcessor.aborted
/// Covers: ParallelBatchProcessor.wait_for_abort
#[tokio::test(start_paused = true)]
async fn who_waits_for_the_end_hears_of_it() {
    let shutdown = Shutdown::new();
    let strategy = ScriptedStrategy::echo().with_latency(seconds(10));
    let processor = at_once(1)
        .with_shutdown(shutdown.clone())
        .with_batch_timeout(seconds(25));
    let watch = shutdown.clone();
    let aborted = tokio::spawn(async move { watch.aborted().await });
    let (results, ended) = run(processor, Arc::new(strategy), items(9)).await;
    assert_eq!(ended.termination.kind, TerminationKind::BatchTimeout);
    assert!(results.len() < 9);
    // The run ended itself gently: nothing in flight was dropped.
    assert!(shutdown.is_draining() && !shutdown.is_aborted());
    assert!(!aborted.is_finished());
    shutdown.abort();
    aborted.await.unwrap();
    assert!(shutdown.is_aborted());
}

/// Covers: AC-GD-5
#[tokio::test(start_paused = true)]
async fn a_price_that_is_no_number_ends_the_run() {
    for price in [f64::NAN, -1.0, f64::INFINITY] {
        let strategy = ScriptedStrategy::costing(Usage::of(1, 1));
        let budget = Budget::new().with_max_cost(100.0, move |_| price);
        let (_, ended) = run(
            at_once(1).with_budget(budget),
            Arc::new(strategy.clone()),
            items(5),
        )
        .await;
        assert_eq!(ended.termination.kind, TerminationKind::BudgetExceeded);
        assert!(!ended.spent.is_cost_complete);
        assert_eq!(strategy.calls(), 1);
    }
    let strategy = ScriptedStrategy::costing(Usage::of(1_000_000, 0));
    let budget = Budget::new().with_max_cost(1.0, |call| call.usage.prompt_tokens as f64 * 0.3e-6);
    let (_, ended) = run(
        at_once(1).with_budget(budget),
        Arc::new(strategy.clone()),
        items(50),
    )
    .await;
    assert_eq!(strategy.calls(), 4, "0.30 each");
    assert!((ended.spent.cost.unwrap() - 1.2).abs() < 1e-9);
}

/// Covers: AC-XT-15
#[tokio::test(start_paused = true)]
async fn a_strict_budget_is_passed_by_one_estimate_at_the_most() {
    // Each call takes 110 tokens, and is estimated at 100.
    let estimated = |_: &String| {
        Ok(TokenEstimate {
            input_tokens: 90,
            output_tokens: 10,
        })
    };
    for workers in [1, 10, 64] {
        for max in [100, 109, 250, 1_000, 1_099, 5_000] {
            let strategy = ScriptedStrategy::costing(Usage::of(99, 11)).with_latency(seconds(1));
            let budget = Budget::new().with_max_tokens(max).strict();
            let processor = at_once(workers).with_budget(budget);
            let hooks = Hooks::new().with_token_estimator(estimated);
            let all = Arc::new(strategy.clone());
            let (results, ended) = run_with(processor, all, items(100), hooks).await;
            assert_eq!(ended.termination.kind, TerminationKind::BudgetExceeded);
            let spent = ended.spent.tokens;
            assert!(spent <= max + 10, "{spent} of {max} with {workers}");
            assert!(
                spent + 100 > max,
                "{spent} of {max} with {workers}: as much as fits"
            );
            assert_eq!(spent, 110 * strategy.calls());
            let answered = results.iter().filter(|it| it.outcome.is_ok()).count();
            assert_eq!(answered as u64, strategy.calls());
        }
    }
    // The same in money, and what fits is not stopped.
    let price = |call: &AttemptUsage<'_>| call.usage.total_tokens as f64 * 1e-3;
    for (max, calls) in [(0.5, 4), (100.0, 20)] {
        let strategy = ScriptedStrategy::costing(Usage::of(99, 11)).with_latency(seconds(1));
        let budget = Budget::new().with_max_cost(max, price).strict();
        let hooks = Hooks::new().with_token_estimator(estimated);
        let processor = at_once(10).with_budget(budget);
        let all = Arc::new(strategy.clone());
        let (_, ended) = run_with(processor, all, items(20), hooks).await;
        assert_eq!(strategy.calls(), calls);
        assert!(ended.spent.cost.unwrap() <= max + 0.01);
    }
    // Without an estimate nothing can be set aside.
    let budget = Budget::new().with_max_tokens(100).strict();
    let strategy = Arc::new(Hanging);
    let (results, _) = run(at_once(1).with_budget(budget), strategy, items(1)).await;
    assert_eq!(
        categories(&results),
        [Some(Category::TokenEstimatorRequired)]
    );
}

#[tokio::test(start_paused = true)]
async fn a_strict_budget_counts_calls_that_were_given_up_as_estimated() {
    let strategy = ScriptedStrategy::echo().with_latency(seconds(60));
    let processor = at_once(4)
        .with_budget(Budget::new().with_max_tokens(1_000).strict())
        .with_retry(
            RetryConfig::default()
                .without_jitter()
                .with_max_attempts(number(1)),
        )
        .with_attempt_timeout(seconds(1));
    let hooks = Hooks::new().with_token_estimator(|_| {
        Ok(TokenEstimate {
            input_tokens: 90,
            output_tokens: 10,
        })
    });
    let all = Arc::new(strategy.clone());
    let (_, ended) = run_with(processor, all, items(100), hooks).await;
    assert_eq!(ended.termination.kind, TerminationKind::BudgetExceeded);
    assert_eq!((strategy.calls(), ended.spent.tokens), (10, 1_000));
}

#[tokio::test(start_paused = true)]
async fn a_price_that_panics_ends_the_run_and_loses_no_result() {
    let budget = Budget::new().with_max_cost(1.0, |call| match call.item_id {
        "7" => panic!("no price for it"),
        _ => 0.0,
    });
    let processor = at_once(1).with_budget(budget);
    let work = stream::iter(items(100));
    let mut run = processor
        .start(Arc::new(ScriptedStrategy::echo()), work)
        .await
        .unwrap();
    for i in 0..7 {
        assert_eq!(run.next().await.unwrap().id, i.to_string());
    }
    assert!(run.next().await.is_none());
    let error = run.finish().await.unwrap_err().to_string();
    assert!(error.contains("no price for it"), "{error}");
}

/// Hangs over every failure.
#[derive(Debug)]
struct Hanging;

impl CallStrategy for Hanging {
    type Input = String;
    type Output = String;

    fn execute<'a>(
        &'a self,
        _input: &'a String,
        _attempt: &'a mut Attempt,
    ) -> BoxFuture<'a, Result<Outcome<String>, Failure>> {
        Box::pin(async { Err(busy()) })
    }

    fn on_error<'a>(
        &'a self,
        _failure: &'a mut Failure,
        _attempt: &'a mut Attempt,
    ) -> BoxFuture<'a, ()> {
        Box::pin(std::future::pending())
    }
}

/// Covers: AC-GD-7
/// Covers: LLMCallStrategy.on_error
#[tokio::test(start_paused = true)]
async fn a_deadline_cuts_a_strategy_that_hangs_over_a_failure() {
    let processor = at_once(1).with_item_timeout(seconds(10));
    let (results, _) = run(processor, Arc::new(Hanging), items(1)).await;
    assert_eq!(
        categories(&results),
        [Some(Category::FrameworkTotalItemTimeout)]
    );
    assert_eq!(results[0].latency, seconds(10));
}

/// Covers: AC-SR-4
#[tokio::test(start_paused = true)]
async fn a_deadline_while_nobody_reads_leaves_nothing_hanging() {
    let strategy = ScriptedStrategy::echo().with_latency(seconds(1));
    let processor = at_once(4).with_batch_timeout(seconds(10));
    let stream = stream::iter(items(1_000));
    let mut run = processor.start(Arc::new(strategy), stream).await.unwrap();
    tokio::time::sleep(seconds(30)).await;
    let mut seen = std::collections::HashSet::new();
    while let Some(result) = run.next().await {
        assert!(seen.insert(result.id), "a result twice");
    }
    let ended = run.finish().await.unwrap();
    assert_eq!(ended.termination.kind, TerminationKind::BatchTimeout);
}
