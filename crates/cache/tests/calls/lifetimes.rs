//! How long answers live, when they are computed anew, and which failures are remembered.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gimmal_cache::testing::FixedJitter;
use gimmal_cache::{
    CallError, CallOptions, Failure, Fresh, Jitter, KeyRequest, Lifetime, Provenance,
    ResponseCache, Tier, Ttl, TtlState,
};

use crate::common::{number, seconds, settle, setup, setup_with};

async fn lifetime(setup: &crate::common::Setup, request: &KeyRequest<'_>) -> Duration {
    let fresh = Fresh::json("a").unwrap();
    setup.cache.cache_response(request, fresh).await;
    match setup.cache.store().ttl(&setup.cache.key(request)).await {
        TtlState::Remaining(time) => time,
        other => panic!("{other:?}"),
    }
}

/// Covers: T1
#[tokio::test]
async fn t1_every_operation_has_its_lifetime() {
    let setup = setup();
    for (operation, expected) in [
        ("summarize", 7_200),
        ("sentiment", 86_400),
        ("key_points", 7_200),
        ("questions", 3_600),
        ("qa", 1_800),
        ("foo", 3_600),
    ] {
        let request = KeyRequest::new(operation);
        assert_eq!(lifetime(&setup, &request).await, seconds(expected));
    }
}

/// Numbers that look random and are the same in every run.
#[derive(Debug)]
struct Seeded(AtomicU64);

impl Jitter for Seeded {
    fn fraction(&self) -> f64 {
        let state = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
        let mixed = (state ^ (state >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        (mixed ^ (mixed >> 29)) as f64 / 2_f64.powi(64)
    }
}

/// Covers: T2
#[tokio::test]
async fn t2_lifetimes_are_spread_evenly() {
    let seeded = Arc::new(Seeded(AtomicU64::new(7)));
    let setup = setup_with(|builder| builder.with_ttl_spread(0.1).with_jitter(seeded));
    let (mut sum, mut least, mut most) = (0.0, f64::MAX, 0.0_f64);
    for text in 0..10_000 {
        let text = text.to_string();
        let request = KeyRequest::new("qa").with_text(&text);
        let share = lifetime(&setup, &request).await.as_secs_f64() / 1_800.0;
        assert!((0.9..=1.1).contains(&share), "{share}");
        (sum, least, most) = (sum + share, least.min(share), most.max(share));
    }
    assert!((sum / 10_000.0 - 1.0).abs() < 0.01);
    assert!(least < 0.91 && most > 1.09);
}

#[tokio::test]
async fn a_lifetime_that_was_asked_for_is_taken_as_it_is() {
    let setup = setup_with(|builder| {
        builder
            .with_ttl_spread(0.5)
            .with_jitter(Arc::new(FixedJitter(0.99)))
    });
    let ttl = Lifetime::After(Ttl::new(seconds(10)).unwrap());
    setup
        .ask(CallOptions::new().with_lifetime(ttl))
        .await
        .unwrap();
    setup.clock.advance(Duration::from_millis(9_999));
    assert_eq!(number(&setup.ask(CallOptions::new()).await), 1);
    setup.clock.advance(Duration::from_millis(1));
    assert_eq!(number(&setup.ask(CallOptions::new()).await), 2);
}

fn ten_and_five() -> CallOptions {
    let ttl = Ttl::new(seconds(10)).unwrap();
    CallOptions::new()
        .with_lifetime(Lifetime::After(ttl))
        .with_stale(seconds(5))
}

/// Covers: T4
#[tokio::test]
async fn t4_stale_answers_are_served_while_one_call_refreshes() {
    let setup = setup();
    setup.ask(ten_and_five()).await.unwrap();
    setup.clock.advance(seconds(12));
    let calls = (0..100).map(|_| setup.ask(ten_and_five()));
    for answer in futures_util::future::join_all(calls).await {
        assert_eq!(number(&answer), 1);
        assert_eq!(answer.unwrap().provenance, Provenance::Stale(Tier::L1));
    }
    settle().await;
    assert_eq!(setup.calls(), 2);
    assert_eq!(setup.cache.call_stats().refreshed, 1);
    let answer = setup.ask(ten_and_five()).await;
    assert_eq!(number(&answer), 2);
    assert_eq!(answer.unwrap().provenance, Provenance::Hit(Tier::L1));
}

/// Covers: T5
#[tokio::test]
async fn t5_a_refresh_that_fails_leaves_the_stale_answer_until_it_expires() {
    let setup = setup();
    setup.ask(ten_and_five()).await.unwrap();
    setup.clock.advance(seconds(12));
    let down = |_| Err(Failure::new("down").with_status(503));
    for advance in [0, 1, 1] {
        setup.clock.advance(seconds(advance));
        let answer = setup.ask_with(ten_and_five(), down).await;
        assert_eq!(number(&answer), 1);
        settle().await;
    }
    setup.clock.advance(seconds(1));
    let error = setup.ask_with(ten_and_five(), down).await.unwrap_err();
    assert_eq!(error.computation(), Some(&"down"));
}

/// Covers: T6
#[tokio::test]
async fn t6_what_will_fail_again_is_not_asked_again() {
    for (status, remembered) in [
        (400, Some(30)),
        (404, Some(30)),
        (Failure::<()>::BLOCKED, Some(60)),
        (401, None),
        (403, None),
        (429, None),
        (503, None),
    ] {
        let setup = setup();
        let fail = move |_| Err(Failure::new("no").with_status(status));
        let ask = async || setup.ask_with(CallOptions::new(), fail).await.unwrap_err();
        assert_eq!(ask().await.computation(), Some(&"no"));
        let Some(time) = remembered else {
            assert_eq!(ask().await.computation(), Some(&"no"));
            assert_eq!(setup.calls(), 2, "{status}");
            continue;
        };
        setup.clock.advance(seconds(time - 1));
        match ask().await {
            CallError::Remembered(found) => assert_eq!(found.status, status),
            other => panic!("{other}"),
        }
        assert_eq!(setup.calls(), 1);
        setup.clock.advance(seconds(1));
        assert_eq!(ask().await.computation(), Some(&"no"));
    }
    // A timeout has no status.
    let setup = setup();
    let fail = |_| Err(Failure::new("timeout"));
    for _ in 0..2 {
        setup.ask_with(CallOptions::new(), fail).await.unwrap_err();
    }
    assert_eq!(setup.calls(), 2);
}

/// An answer that took a second is computed anew early, by chance, the nearer its end the likelier.
#[tokio::test]
async fn a_slow_answer_is_refreshed_before_it_is_stale() {
    // −ln(1 − 0.9) is 2.3: the refresh is due 2.3 s before the end.
    let early = |eagerness| {
        setup_with(move |builder| {
            builder
                .with_early_refresh(eagerness)
                .with_jitter(Arc::new(FixedJitter(0.9)))
        })
    };
    for (eagerness, refreshed) in [(1.0, 1), (0.0, 0)] {
        let setup = early(eagerness);
        let call = setup.slow(seconds(1));
        settle().await;
        setup.clock.advance(seconds(1));
        call.await.unwrap().unwrap();
        for (advance, expected) in [(1_797, 0), (1, refreshed)] {
            setup.clock.advance(seconds(advance));
            let answer = setup.ask(CallOptions::new()).await.unwrap();
            assert_eq!(answer.provenance, Provenance::Hit(Tier::L1));
            settle().await;
            assert_eq!(setup.cache.call_stats().refreshed, expected);
        }
    }
}
