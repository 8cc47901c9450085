//! Caches that grow old: left unread near the end, renewed while there are readers.

use gimmal_client::gemini::planner::{PlanHint, Reason};
use gimmal_emulator::{Route, ScriptedReply};
use serde_json::json;

use super::support::{
    World, bodies, cache_name, count, execute, in_time, plan, prepared, question, until,
};

#[tokio::test]
async fn b10_a_cache_about_to_expire_is_not_used() {
    for (left, same) in [(11, true), (10, false)] {
        let world = World::new().await;
        let planner = world.planner();
        let handbook = prepared(&planner, "b10");
        let first = plan(&planner, &handbook).await;
        world.clock.advance(600 - left);
        let second = plan(&planner, &handbook).await;
        assert_eq!(
            cache_name(&first) == cache_name(&second),
            same,
            "{left} s left"
        );
    }
}

/// Covers: caches.update
#[tokio::test]
async fn b10_a_cache_that_is_read_is_renewed() {
    let world = World::new().await;
    let planner = world.planner();
    let handbook = prepared(&planner, "b10");
    let first = plan(&planner, &handbook).await;
    world.clock.advance(300);
    plan(&planner, &handbook).await;
    assert_eq!(
        planner.stats().lease_hits,
        1,
        "with 300 s left it is read and not renewed"
    );

    world.clock.advance(1);
    plan(&planner, &handbook).await;
    until(|| planner.stats().renewed == 1).await;
    assert_eq!(count(&world, Route::UpdateCachedContent), 1);
    assert_eq!(
        bodies(&world, Route::UpdateCachedContent),
        [json!({"ttl": "600s"})]
    );
    world.clock.advance(500);
    let later = plan(&planner, &handbook).await;
    assert_eq!(
        cache_name(&later),
        cache_name(&first),
        "beyond its first expiry"
    );
    assert_eq!(count(&world, Route::CreateCachedContent), 1);
}

#[tokio::test]
async fn b10_a_cache_without_readers_is_not_renewed() {
    let world = World::new().await;
    let planner = world.planner();
    let handbook = prepared(&planner, "b10");
    plan(&planner, &handbook).await;
    world.clock.advance(400);
    let last = PlanHint::new().with_expected_reads(1);
    let plan = in_time(planner.plan(&handbook, question("Last one?"), &last)).await;
    assert_eq!(plan.decision.reason, Reason::LeaseHit);
    execute(&world, &plan).await.unwrap();
    world.clock.advance(10_000);
    assert_eq!(count(&world, Route::UpdateCachedContent), 0);
}

#[tokio::test]
async fn b10_a_failed_renewal_is_not_repeated_at_once() {
    let world = World::new().await;
    let planner = world.planner();
    let handbook = prepared(&planner, "b10");
    plan(&planner, &handbook).await;
    let refusal = ScriptedReply::error(400, "INVALID_ARGUMENT", "no");
    world
        .emulator
        .script()
        .push(Route::UpdateCachedContent, refusal);
    world.clock.advance(400);
    plan(&planner, &handbook).await;
    until(|| planner.stats().renew_failed == 1).await;
    let second = plan(&planner, &handbook).await;
    execute(&world, &second).await.unwrap();
    assert_eq!(count(&world, Route::UpdateCachedContent), 1);
    world.clock.advance(31);
    plan(&planner, &handbook).await;
    until(|| planner.stats().renewed == 1).await;
}

#[tokio::test]
async fn b10_a_cache_found_gone_by_its_renewal_is_forgotten() {
    let world = World::new().await;
    let planner = world.planner();
    let handbook = prepared(&planner, "b10");
    let first = plan(&planner, &handbook).await;
    in_time(world.client.caches().delete(cache_name(&first)).send())
        .await
        .unwrap();
    world.clock.advance(400);
    plan(&planner, &handbook).await;
    until(|| planner.stats().renew_failed == 1).await;
    assert_eq!(planner.stats().lost, 1);
    let next = plan(&planner, &handbook).await;
    assert_eq!(next.decision.reason, Reason::Ok);
    assert_ne!(cache_name(&next), cache_name(&first));
}
