//! Making caches: once however many ask, and not again after a refusal.

use std::collections::HashSet;
use std::time::Duration;

use futures_util::future::join_all;
use gimmal_client::gemini::planner::{Plan, Prefix, Reason};
use gimmal_client::types::gemini::{Content, Part};
use gimmal_emulator::{Fault, FaultRule, Route};

use super::support::{MODEL, World, cache_name, count, execute, plan, prefix, prepared, until};

/// Covers: caches.create, models.generate_content
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn b1_fifty_plans_at_once_make_one_cache() {
    let world = World::new().await;
    let planner = world.planner();
    let handbook = prepared(&planner, "b1");
    let plans = (0..50).map(|_| {
        let (planner, handbook) = (planner.clone(), handbook.clone());
        tokio::spawn(async move { plan(&planner, &handbook).await })
    });
    let plans: Vec<Plan> = join_all(plans)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect();

    let names: HashSet<&str> = plans.iter().map(cache_name).collect();
    assert_eq!(names.len(), 1);
    assert_eq!(count(&world, Route::CreateCachedContent), 1);
    let stats = planner.stats();
    assert_eq!(
        (stats.created, stats.single_flight_joined + stats.lease_hits),
        (1, 49)
    );

    let executed = execute(&world, &plans[49]).await.unwrap();
    planner.observe(&plans[49], &executed);
    let stats = planner.stats();
    assert!(stats.cached_tokens_read > 2048, "{stats:?}");
    assert_eq!(stats.cache_read_zero, 0);
}

#[tokio::test]
async fn b2_a_leader_that_is_gone_harms_nobody() {
    let slow = FaultRule::new(Fault::delay(Duration::from_secs(5)));
    let world =
        World::with(|emulator| emulator.with_fault(slow.on(Route::CreateCachedContent))).await;
    let planner = world.planner_with(|options| options.create_wait = Duration::from_secs(3600));
    let handbook = prepared(&planner, "b2");
    let leader = {
        let (planner, handbook) = (planner.clone(), handbook.clone());
        tokio::spawn(async move { plan(&planner, &handbook).await })
    };
    until(|| count(&world, Route::CreateCachedContent) == 1).await;
    leader.abort();
    assert!(leader.await.unwrap_err().is_cancelled());

    let followers = join_all((0..3).map(|_| plan(&planner, &handbook)));
    let plans = world.clock.run(followers).await;
    let names: HashSet<&str> = plans.iter().map(cache_name).collect();
    assert_eq!(names.len(), 1);
    assert_eq!(count(&world, Route::CreateCachedContent), 1);
}

#[tokio::test]
async fn b3_the_minimum_is_learnt_from_the_refusal() {
    let world = World::with(|emulator| emulator.with_min_cache_tokens(60_000)).await;
    let planner = world.planner();
    let minimum = || {
        let known = planner.capabilities(MODEL).unwrap();
        (known.explicit_min, known.is_min_learnt)
    };
    assert_eq!(minimum(), (Some(2048), false));
    let handbook = prepared(&planner, "b3");
    let first = plan(&planner, &handbook).await;
    assert_eq!(first.decision.reason, Reason::CreationFailed);
    assert!(
        first
            .decision
            .failure
            .as_deref()
            .unwrap()
            .contains("too small")
    );
    assert!(
        execute(&world, &first)
            .await
            .unwrap()
            .response
            .body()
            .text()
            .is_some()
    );

    let second = plan(&planner, &handbook).await;
    assert_eq!(
        count(&world, Route::CountTokens),
        0,
        "the refusal told its size"
    );
    let other = plan(&planner, &prepared(&planner, "another of the same size")).await;
    for plan in [second, other] {
        assert_eq!(plan.decision.floor, Some(60_000));
        assert_eq!(plan.decision.reason, Reason::BelowFloorHighConf);
    }
    assert_eq!(minimum(), (Some(60_000), true));
    assert_eq!(count(&world, Route::CreateCachedContent), 1);
}

#[tokio::test]
async fn b4_without_storage_nothing_is_created_for_an_hour() {
    let world = World::with(|emulator| emulator.with_cache_storage_limit(0)).await;
    let planner = world.planner();
    let first = plan(&planner, &prepared(&planner, "b4")).await;
    assert_eq!(first.decision.reason, Reason::CreationFailed);
    assert!(execute(&world, &first).await.is_ok());
    assert_eq!(planner.stats().create_failed.get("no_storage"), Some(&1));

    world.clock.advance(3599);
    for title in ["b4", "another prefix of the same model"] {
        let later = plan(&planner, &prepared(&planner, title)).await;
        assert_eq!(later.decision.reason, Reason::RecentCreateFailure);
    }
    assert_eq!(count(&world, Route::CreateCachedContent), 1);
    world.clock.advance(2);
    plan(&planner, &prepared(&planner, "b4")).await;
    assert_eq!(count(&world, Route::CreateCachedContent), 2);
}

/// Covers: models.count_tokens
#[tokio::test]
async fn a14_an_uncertain_size_is_counted_once() {
    let world = World::with(|emulator| emulator.with_min_cache_tokens(1)).await;
    let planner = world.planner();
    let mut attachment = prefix("a14");
    attachment.contents = vec![
        Content::new()
            .set_role("user")
            .set_parts([Part::inline_data(vec![7; 600], "application/pdf")]),
    ];
    let small = planner.prepare(MODEL, attachment).unwrap();
    for _ in 0..3 {
        let plan = plan(&planner, &small).await;
        assert_eq!(
            plan.decision.reason,
            Reason::BelowFloorHighConf,
            "{:?}",
            plan.decision
        );
    }
    assert_eq!(count(&world, Route::CountTokens), 1);
    assert_eq!(count(&world, Route::CreateCachedContent), 0);
}

#[tokio::test]
async fn an_empty_prefix_needs_no_cache() {
    let world = World::new().await;
    let planner = world.planner();
    let nothing = planner.prepare(MODEL, Prefix::default()).unwrap();
    let plan = plan(&planner, &nothing).await;
    assert_eq!((plan.decision.reason, plan.key), (Reason::NoShared, None));
}
