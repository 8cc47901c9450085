//! The server is away at first, goes away under load, and misses invalidations.

use std::time::{Duration, Instant};

use gimmal_cache::testing::ManualClock;
use gimmal_cache::{
    DegradeReason, Health, InvalidationStatus, MissReason, ResponseCache, Selector, SetOutcome,
    SystemClock, Tier,
};

use crate::server::{Server, entry, eventually, key, seconds};

/// Covers: R1
#[tokio::test]
async fn r1_a_server_that_comes_late_is_used() {
    let Some(mut server) = Server::prepare().await else {
        return;
    };
    let l2 = server.builder(&SystemClock);
    let l2 = l2
        .with_breaker(2, Duration::from_millis(50))
        .build()
        .unwrap();
    let cache = crate::server::tiered(l2, &SystemClock);
    let away = SetOutcome::Degraded(DegradeReason::Unavailable);
    for _ in 0..5 {
        let outcome = cache.set(&key("t"), entry("v", &SystemClock)).await;
        assert!(outcome == away || matches!(outcome, SetOutcome::Degraded(_)));
        let hit = cache.get(&key("t")).await.into_hit().expect("memory works");
        assert_eq!(hit.tier, Tier::L1);
    }
    assert!(matches!(cache.health().await, Health::Degraded { .. }));

    server.run().await.unwrap();
    eventually("the store is used", async || {
        cache
            .set(&key("u"), entry("w", &SystemClock))
            .await
            .is_stored()
    })
    .await;
    cache.l1().clear();
    let hit = cache.get(&key("u")).await.into_hit().expect("it is shared");
    assert_eq!(hit.tier, Tier::L2);
    assert_eq!(cache.health().await, Health::Healthy);
}

/// Covers: R2
#[tokio::test]
async fn r2_a_server_that_dies_costs_little_time() {
    let Some(mut server) = Server::start(&[]).await else {
        return;
    };
    // Time stands still, so the breaker stays open once it is.
    let clock = ManualClock::new();
    let cache = server.cache(&clock);
    assert!(cache.set(&key("t"), entry("v", &clock)).await.is_stored());
    server.kill().await;
    // A read sends some commands at once, and each may be one of the five.
    for _ in 0..5 {
        assert!(!cache.get(&key("t")).await.is_hit());
    }
    assert!(!cache.is_connected(), "five failures are enough");
    // No call waits for the network any more: a hundred thousand would take minutes.
    let before = cache.stats().await.l2.unwrap();
    let start = Instant::now();
    for _ in 0..10_000 {
        let lookup = cache.get(&key("t")).await;
        assert_eq!(lookup.miss_reason(), Some(MissReason::Unavailable));
    }
    let took = start.elapsed();
    let after = cache.stats().await.l2.unwrap();
    assert_eq!(after.rejected - before.rejected, 10_000);
    assert_eq!(after.failures, before.failures);
    assert!(took < seconds(10), "{took:?}");
}

/// Covers: I4
#[tokio::test]
async fn i4_invalidations_that_the_server_missed_are_made_up_for() {
    let Some(server) = Server::start(&[]).await else {
        return;
    };
    let cache = server.cache(&SystemClock);
    let pause = async |milliseconds: u32| {
        let mut pause = redis::cmd("CLIENT");
        pause.arg("PAUSE").arg(milliseconds);
        pause.exec_async(&mut server.look().await).await.unwrap();
    };
    assert!(
        cache
            .set(&key("t"), entry("v", &SystemClock))
            .await
            .is_stored()
    );
    assert!(cache.get(&key("t")).await.is_hit());
    pause(1_500).await;
    let report = cache.invalidate(&Selector::operation("qa")).await;
    assert_eq!(report.status, InvalidationStatus::Partial);
    eventually("an answer of the server", async || {
        let lookup = cache.get(&key("t")).await;
        assert!(!lookup.is_hit(), "it was invalidated");
        matches!(
            lookup.miss_reason(),
            Some(MissReason::Invalidated | MissReason::NotFound)
        )
    })
    .await;
    let other = server.cache(&SystemClock);
    assert!(!other.get(&key("t")).await.is_hit());
}

/// No caller sees an error, nothing outlives its time, and it comes back by itself.
#[tokio::test]
async fn it_survives_a_server_that_is_killed_again_and_again() {
    let Some(mut server) = Server::start(&[]).await else {
        return;
    };
    let l2 = server.builder(&SystemClock);
    let l2 = l2
        .with_breaker(3, Duration::from_millis(20))
        .build()
        .unwrap();
    let cache = crate::server::tiered(l2, &SystemClock);
    for round in 0..5 {
        let text = round.to_string();
        eventually("the store is used", async || {
            cache
                .set(&key(&text), entry("v", &SystemClock))
                .await
                .is_stored()
        })
        .await;
        server.kill().await;
        // Once: with the connection it loses what it might not have heard.
        eventually("memory works", async || {
            cache.set(&key("u"), entry("w", &SystemClock)).await;
            cache.get(&key("u")).await.is_hit()
        })
        .await;
        server.run().await.unwrap();
    }
}
