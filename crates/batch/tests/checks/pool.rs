//! Calls that come one by one.

use std::sync::Arc;

use futures_util::FutureExt as _;
use gimmal_batch::testing::{ScriptedStrategy, too_many_requests};
use gimmal_batch::{Category, Failure, Processor};

use crate::support::{at_once, millis, seconds};

fn pool_of_two(strategy: &ScriptedStrategy) -> gimmal_batch::CallPool<String, String> {
    at_once(2).pool(Arc::new(strategy.clone()))
}

/// Covers: AC-PR-5
/// Covers: LLMCallPool.submit
/// Covers: LLMCallPool.submit_result
/// Covers: LLMCallPool.aclose
#[tokio::test(start_paused = true)]
async fn a_pool_refuses_what_it_has_no_room_for_and_closes_after_what_is_in_work() {
    let strategy = ScriptedStrategy::echo().with_latency(seconds(10));
    let pool = pool_of_two(&strategy).with_max_pending(0);
    let pool = pool.with_submit_timeout(seconds(60));
    let submit = |text: &str| pool.submit_result(text.to_owned());
    let (first, second, third) = tokio::join!(submit("a"), submit("b"), submit("c"));
    assert_eq!(first.outcome.unwrap().output, "a");
    assert_eq!((first.id.as_str(), second.id.as_str()), ("req-1", "req-2"));
    assert_eq!(third.category(), Some(&Category::PoolSaturated));
    assert_eq!(strategy.calls(), 2);

    // The time of one call goes before that of the pool.
    let hasty = pool.submit_within("d".to_owned(), seconds(1)).await;
    assert_eq!(hasty.category(), Some(&Category::SubmitTimeout));
    // A call that is dropped gives its place back.
    for _ in 0..5 {
        let dropped = tokio::time::timeout(millis(1), submit("e")).await;
        assert!(dropped.is_err());
    }
    let (in_work, closed, late) = tokio::join!(submit("f"), pool.close(), async {
        tokio::task::yield_now().await;
        submit("g").now_or_never()
    });
    assert_eq!(in_work.outcome.unwrap().output, "f");
    assert_eq!(late.unwrap().category(), Some(&Category::BatchAborted));
    assert_eq!(closed.unwrap().stats.succeeded, 3);
    assert_eq!((strategy.prepared(), strategy.cleaned()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn calls_beyond_the_workers_wait_for_their_turn() {
    let strategy = ScriptedStrategy::echo().with_latency(seconds(10));
    let pool = pool_of_two(&strategy);
    let calls = (0..6).map(|i| pool.submit(i.to_string()));
    let answers = futures_util::future::join_all(calls).await;
    assert!(answers.into_iter().all(|answer| answer.is_ok()));
    assert_eq!(strategy.most_in_flight(), 2);
    let all = pool.submit("late".to_owned()).await;
    assert_eq!(all.unwrap().output, "late");
}

/// Covers: AC-PR-6
#[tokio::test(start_paused = true)]
async fn one_call_has_the_care_of_a_run() {
    let busy = || Some(too_many_requests());
    let strategy = ScriptedStrategy::echo().with_schedule([busy(), busy()]);
    let result = Processor::new()
        .call(Arc::new(strategy.clone()), "Hello".to_owned())
        .await;
    assert_eq!(result.attempts.len(), 3);
    assert_eq!(result.outcome.unwrap().output, "Hello");
    assert_eq!((strategy.prepared(), strategy.cleaned()), (1, 1));

    let refused = Failure::new(Category::PermissionDenied, "not for you").fatal();
    let strategy = ScriptedStrategy::echo().with_schedule([Some(refused)]);
    let result = Processor::new()
        .call(Arc::new(strategy), "Hello".to_owned())
        .await;
    let failure = result.outcome.unwrap_err();
    assert_eq!(failure.category, Category::PermissionDenied);
    assert_eq!(failure.message, "not for you");
}
