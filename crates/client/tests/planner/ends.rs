//! The beginning and the end: caches made ahead of the first request, deleted or kept at close.

use std::time::Duration;

use gimmal_client::gemini::planner::{OnCreateError, PlanHint, Reason};
use gimmal_emulator::{Fault, FaultRule, Route, RouteMatcher};

use super::support::{World, cache_name, count, execute, in_time, many, plan, prepared, until};

#[tokio::test]
async fn b13_a_cache_made_ahead_is_read_from_the_first_request_on() {
    let world = World::new().await;
    let planner = world.planner();
    let handbook = prepared(&planner, "b13");
    let lease = in_time(planner.warm(&handbook, &many()))
        .await
        .unwrap()
        .unwrap();
    assert!(lease.tokens > 2048);
    for _ in 0..3 {
        let plan = plan(&planner, &handbook).await;
        assert_eq!(cache_name(&plan), lease.name);
        execute(&world, &plan).await.unwrap();
    }
    assert_eq!(count(&world, Route::CreateCachedContent), 1);
    assert_eq!(count(&world, Route::GenerateContent), 3);
    assert_eq!(planner.stats().lease_hits, 3);
}

/// Covers: B13
#[tokio::test]
async fn b13_several_caches_are_made_ahead_at_once() {
    let world = World::new().await;
    let planner = world.planner();
    let handbooks = ["a", "b", "c"].map(|title| prepared(&planner, title));
    let at_once = std::num::NonZeroUsize::new(2).unwrap();
    let warmed = in_time(planner.warm_many(&handbooks, &many(), at_once)).await;
    for (handbook, lease) in handbooks.iter().zip(warmed) {
        assert_eq!(&lease.unwrap().unwrap().key, handbook.key());
    }
    assert_eq!(count(&world, Route::CreateCachedContent), 3);
}

#[tokio::test]
async fn b13_a_cache_is_kept_warm_without_readers() {
    let world = World::new().await;
    let planner = world.planner();
    let handbook = prepared(&planner, "warm");
    let hint = many();
    let kept = planner.keep_warm(&handbook, &hint, Duration::from_secs(1_500));
    world.clock.run(kept).await.unwrap();
    assert_eq!(count(&world, Route::CreateCachedContent), 1);
    // It lives for ten minutes and is renewed when five are left; the clock runs on meanwhile.
    assert!(
        (2..=5).contains(&planner.stats().renewed),
        "{:?}",
        planner.stats()
    );
    let plan = plan(&planner, &handbook).await;
    assert_eq!(plan.decision.reason, Reason::LeaseHit);
}

#[tokio::test]
async fn b13_nothing_is_made_ahead_without_a_reason() {
    let world = World::new().await;
    let planner = world.planner();
    let handbook = prepared(&planner, "b13");
    let warmed = in_time(planner.warm(&handbook, &PlanHint::new()))
        .await
        .unwrap();
    assert_eq!(warmed, None);
    assert_eq!(world.emulator.journal().count(RouteMatcher::any()), 0);
}

#[tokio::test]
async fn b13_a_guarantee_that_cannot_be_kept_is_an_error() {
    let world = World::with(|emulator| emulator.with_cache_storage_limit(0)).await;
    let planner = world.planner_with(|options| options.on_create_error = OnCreateError::Fail);
    let handbook = prepared(&planner, "b13");
    for _ in 0..2 {
        let error = in_time(planner.warm(&handbook, &many())).await.unwrap_err();
        assert!(!error.is_authentication(), "{error}");
    }
    assert_eq!(count(&world, Route::CreateCachedContent), 1);
    let degrading = world.planner();
    let warmed = in_time(degrading.warm(&prepared(&degrading, "b13"), &many())).await;
    assert_eq!(warmed.unwrap(), None);
}

#[tokio::test]
async fn b13_a_wrong_key_is_always_an_error() {
    let world = World::with(|emulator| emulator.with_api_key("another key")).await;
    let planner = world.planner();
    let error = in_time(planner.warm(&prepared(&planner, "b13"), &many()))
        .await
        .unwrap_err();
    assert!(error.is_authentication(), "{error}");
    let refusal = std::error::Error::source(&error).unwrap();
    let refusal = refusal.downcast_ref::<gimmal_client::Error>().unwrap();
    assert!(refusal.is_authentication() && refusal.status().is_some());
}

#[tokio::test]
async fn b16_closing_deletes_what_is_live() {
    let world = World::new().await;
    let planner = world.planner();
    let mut names = Vec::new();
    for title in ["b16 a", "b16 b", "b16 c"] {
        names.push(cache_name(&plan(&planner, &prepared(&planner, title)).await).to_owned());
    }
    in_time(world.client.caches().delete(&names[1]).send())
        .await
        .unwrap();
    in_time(planner.close()).await;
    assert_eq!(count(&world, Route::DeleteCachedContent), 4);
    assert_eq!(planner.stats().retired, 2, "one was gone before");
    for name in names {
        assert!(
            in_time(world.client.caches().get(name).send())
                .await
                .is_err()
        );
    }
    // A closed planner starts afresh.
    let again = plan(&planner, &prepared(&planner, "b16 a")).await;
    assert_eq!(again.decision.reason, Reason::Ok);
}

#[tokio::test]
async fn b16_closing_waits_for_what_is_being_created() {
    let slow = FaultRule::new(Fault::delay(Duration::from_secs(5)));
    let world =
        World::with(|emulator| emulator.with_fault(slow.on(Route::CreateCachedContent))).await;
    let planner = world.planner();
    let handbook = prepared(&planner, "b16");
    let waiting = {
        let (planner, handbook) = (planner.clone(), handbook.clone());
        tokio::spawn(async move { plan(&planner, &handbook).await })
    };
    until(|| count(&world, Route::CreateCachedContent) == 1).await;
    world.clock.run(planner.close()).await;
    assert_eq!(count(&world, Route::DeleteCachedContent), 1);
    let plan = in_time(waiting).await.unwrap();
    assert_eq!(plan.action.cache_name(), None, "{:?}", plan.decision);
    let left = in_time(world.client.caches().list().items().collect_all()).await;
    assert!(left.unwrap().is_empty());
}

/// Covers: caches.list
#[tokio::test]
async fn b16_a_cache_that_was_kept_is_found_again() {
    let world = World::new().await;
    let first = world.planner_with(|options| options.keep_on_close = true);
    let kept = plan(&first, &prepared(&first, "b16")).await;
    in_time(first.close()).await;
    assert_eq!(count(&world, Route::DeleteCachedContent), 0);

    let second = world.planner_with(|options| options.adopt = true);
    let found = plan(&second, &prepared(&second, "b16")).await;
    assert_eq!(cache_name(&found), cache_name(&kept));
    assert_eq!(second.stats().adopted, 1);
    assert_eq!(count(&world, Route::CreateCachedContent), 1);

    // Another prefix is not mistaken for it.
    let other = plan(&second, &prepared(&second, "b16, another")).await;
    assert_ne!(cache_name(&other), cache_name(&kept));
}
