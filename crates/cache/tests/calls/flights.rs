//! One computation for all who ask at once.

use std::sync::Arc;
use std::time::Duration;

use gimmal_cache::{CallError, CallOptions, Failure, Fresh, Provenance, ResponseCache, Selector};

use crate::common::{number, request, seconds, settle, setup, setup_with};

/// Covers: S1
#[tokio::test]
async fn s1_a_thousand_calls_make_one_computation() {
    let setup = setup();
    let calls: Vec<_> = (0..1_000).map(|_| setup.slow(seconds(1))).collect();
    settle().await;
    setup.clock.advance(seconds(1));
    let mut joined = 0;
    for call in calls {
        let answer = call.await.unwrap();
        assert_eq!(number(&answer), 1);
        joined += u32::from(answer.unwrap().provenance == Provenance::Joined);
    }
    assert_eq!((setup.calls(), joined), (1, 999));
    assert_eq!(setup.cache.call_stats().joined, 999);
    assert_eq!(setup.cache.in_flight(), 0);
}

/// Those who come while the flight lands find the answer or the flight, never neither.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn threads_do_not_compute_twice() {
    for _ in 0..20 {
        let setup = setup();
        let calls: Vec<_> = (0..200).map(|_| setup.slow(Duration::ZERO)).collect();
        for call in calls {
            assert_eq!(number(&call.await.unwrap()), 1);
        }
        assert_eq!((setup.calls(), setup.cache.in_flight()), (1, 0));
    }
}

/// Covers: S2
#[tokio::test]
async fn s2_the_first_caller_may_go_away() {
    let setup = setup();
    let first = setup.slow(seconds(1));
    settle().await;
    let others: Vec<_> = (0..10).map(|_| setup.slow(seconds(1))).collect();
    settle().await;
    setup.clock.advance(Duration::from_millis(10));
    first.abort();
    settle().await;
    setup.clock.advance(seconds(1));
    for other in others {
        assert_eq!(number(&other.await.unwrap()), 1);
    }
    assert_eq!(setup.calls(), 1);
}

#[tokio::test]
async fn a_flight_that_nobody_waits_for_is_finished_and_stored() {
    let setup = setup();
    let call = setup.slow(seconds(1));
    settle().await;
    call.abort();
    settle().await;
    setup.clock.advance(seconds(1));
    settle().await;
    let answer = setup.ask(CallOptions::new()).await;
    assert!(answer.as_ref().unwrap().is_cached());
    assert_eq!((number(&answer), setup.calls()), (1, 1));
}

/// Covers: S3
#[tokio::test]
async fn s3_those_who_wait_share_the_error_and_later_ones_do_not() {
    let setup = Arc::new(setup());
    let fail = || {
        let setup = setup.clone();
        tokio::spawn(async move {
            let compute = |_| Err(Failure::new("down"));
            setup.ask_with(CallOptions::new(), compute).await
        })
    };
    for call in [fail(), fail(), fail()] {
        let error = call.await.unwrap().unwrap_err();
        assert_eq!(error.computation(), Some(&"down"));
    }
    assert_eq!(setup.calls(), 1);
    assert_eq!(number(&setup.ask(CallOptions::new()).await), 2);
}

/// Covers: S4
#[tokio::test]
async fn s4_a_panic_is_an_error_and_leaves_nothing_behind() {
    let setup = setup();
    let panicking = setup.ask_with(CallOptions::new(), |_| panic!("on purpose"));
    let joined = setup.ask(CallOptions::new());
    let (first, second) = futures_util::join!(panicking, joined);
    assert!(matches!(first, Err(CallError::Panicked)));
    assert!(matches!(second, Err(CallError::Panicked)));
    assert_eq!(setup.cache.in_flight(), 0);
    assert_eq!(number(&setup.ask(CallOptions::new()).await), 2);
}

#[tokio::test]
async fn who_has_waited_long_enough_computes() {
    let setup = setup_with(|builder| builder.with_join_timeout(seconds(2)));
    let slow = setup.slow(seconds(60));
    settle().await;
    let (answer, ()) = futures_util::join!(setup.ask(CallOptions::new()), async {
        settle().await;
        setup.clock.advance(seconds(2));
    });
    assert_eq!(number(&answer), 2);
    slow.abort();
}

/// Covers: I6
#[tokio::test]
async fn i6_an_answer_begun_before_an_invalidation_is_given_but_not_stored() {
    let setup = setup();
    let call = setup.slow(seconds(1));
    settle().await;
    // At the very moment at which the computation started.
    setup.cache.invalidate(&Selector::operation("qa")).await;
    setup.clock.advance(seconds(1));
    assert_eq!(number(&call.await.unwrap()), 1);
    let lookup = setup.cache.get_cached_response(&request()).await;
    assert!(!lookup.is_hit());

    let call = setup.slow(seconds(1));
    settle().await;
    setup.cache.invalidate(&Selector::operation("other")).await;
    setup.clock.advance(seconds(1));
    assert_eq!(number(&call.await.unwrap()), 2);
    assert!(setup.cache.get_cached_response(&request()).await.is_hit());
}

#[tokio::test]
async fn answers_are_found_by_tag_and_by_model() {
    let setup = setup();
    for selector in [Selector::tag("report 7"), Selector::model("m")] {
        let request = request().with_model("m");
        let fresh = Fresh::json("yes").unwrap().with_tag("report 7");
        assert!(
            setup
                .cache
                .cache_response(&request, fresh)
                .await
                .is_stored()
        );
        assert!(setup.cache.get_cached_response(&request).await.is_hit());
        setup.clock.advance(seconds(1));
        assert_eq!(setup.cache.invalidate(&selector).await.removed(), 1);
    }
    assert!(setup.cache.store().is_empty());
    assert_eq!(setup.cache.store().stats().await.hits, 2);
}
