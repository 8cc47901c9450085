//! The keeper of caches that works without requests, the record of what happened, and the limits.

use std::time::Duration;

use gimmal_client::gemini::planner::{Happening, Mode, Plan, PlanHint, Reason};
use gimmal_client::types::gemini::{Content, GenerateContentRequest, Tool};
use gimmal_emulator::Route;
use serde_json::json;

use super::support::{
    MODEL, World, cache_name, count, execute, in_time, many, plan, prefix, prepared, question,
    until,
};

#[tokio::test]
async fn an_idle_cache_is_deleted_when_keeping_it_does_not_pay_any_more() {
    let world = World::new().await;
    let planner = world.planner_with(|options| {
        options.ttl = gimmal_client::gemini::planner::TtlPolicy::Fixed(Duration::from_secs(7200));
    });
    let handbook = prepared(&planner, "idle");
    let first = plan(&planner, &handbook).await;
    world.clock.advance(900);
    assert_eq!(in_time(planner.sweep()).await, Default::default());
    // A cache of this model costs more than its prefix after 972 seconds without a reader.
    world.clock.advance(73);
    let swept = in_time(planner.sweep()).await;
    assert_eq!((swept.retired, swept.renewed, swept.expired), (1, 0, 0));
    assert_eq!(count(&world, Route::DeleteCachedContent), 1);
    assert!(planner.leases().is_empty());
    let next = plan(&planner, &handbook).await;
    assert_ne!(cache_name(&next), cache_name(&first));
}

#[tokio::test]
async fn a_cache_that_is_read_is_kept_alive_by_its_janitor() {
    let world = World::new().await;
    let planner = world.planner();
    let handbook = prepared(&planner, "read");
    for _ in 0..3 {
        plan(&planner, &handbook).await;
        world.clock.advance(100);
    }
    world.clock.advance(50);
    let swept = in_time(planner.sweep()).await;
    assert_eq!((swept.retired, swept.renewed, swept.expired), (0, 1, 0));
    assert_eq!(planner.stats().renewed, 1);
    let kept = planner.kept_caches();
    assert_eq!(kept[0].reads.count, 3);
    assert_eq!(kept[0].reads.longest_gap, Some(Duration::from_secs(100)));

    world.clock.advance(3600);
    let swept = in_time(planner.sweep()).await;
    assert_eq!((swept.retired, swept.renewed, swept.expired), (0, 0, 1));
    assert_eq!(planner.stats().live, 0);
}

#[tokio::test]
async fn a_janitor_ends_with_its_planner() {
    let world = World::new().await;
    let planner = world.planner();
    plan(&planner, &prepared(&planner, "janitor")).await;
    let janitor = planner.spawn_janitor(Duration::from_secs(300));
    let sweeping = until(|| planner.kept_caches().is_empty());
    world.clock.run(sweeping).await;
    assert_eq!(planner.stats().expired_unread, 0, "it was made to be read");
    drop(planner);
    world.clock.run(janitor).await.unwrap();
}

#[tokio::test]
async fn what_happened_to_caches_is_written_down() {
    let world = World::with(|emulator| emulator.with_min_cache_tokens(5_000)).await;
    let planner = world.planner_with(|options| options.respect_floor = false);
    let mut small = prefix("small");
    small.contents = vec![Content::user("x".repeat(9_000))];
    plan(&planner, &planner.prepare(MODEL, small).unwrap()).await;
    let (lost, closed) = (prepared(&planner, "lost"), prepared(&planner, "closed"));
    let gone = plan(&planner, &lost).await;
    in_time(world.client.caches().delete(cache_name(&gone)).send())
        .await
        .unwrap();
    let executed = execute(&world, &gone).await.unwrap();
    planner.observe(&gone, &executed);
    let kept = cache_name(&plan(&planner, &closed).await).to_owned();
    in_time(planner.close()).await;

    let events = planner.events();
    let name = |what: &Happening| serde_json::to_value(what).unwrap()["event"].clone();
    let names: Vec<_> = events.iter().map(|event| name(&event.what)).collect();
    let expected = [
        "create_failed",
        "learnt_minimum",
        "created",
        "lost",
        "created",
        "retired",
    ];
    assert_eq!(json!(names), json!(expected));
    assert_eq!(events[5].what, Happening::Retired { name: kept });
    let failed = planner.stats().degraded;
    assert_eq!(failed["creation_failed"], 1);
}

#[tokio::test]
async fn what_a_cache_was_counted_as_corrects_the_next_estimate() {
    let world = World::new().await;
    let planner = world.planner();
    let first = plan(&planner, &prepared(&planner, "first")).await;
    let counted = f64::from(planner.leases()[0].tokens);
    let second = plan(&planner, &prepared(&planner, "other")).await;
    let off = |plan: &Plan| (f64::from(plan.decision.estimate.expected) / counted - 1.0).abs();
    assert!(off(&second) < 0.02, "{:?} of {counted}", second.decision);
    assert!(off(&second) <= off(&first), "{:?}", first.decision);
}

#[tokio::test]
async fn no_more_caches_are_made_than_allowed() {
    let world = World::new().await;
    let planner = world.planner_with(|options| options.max_live_caches = 1);
    let reason = async |title: &str| plan(&planner, &prepared(&planner, title)).await.decision;
    assert_eq!(reason("one").await.reason, Reason::Ok);
    assert_eq!(reason("two").await.reason, Reason::NotWorthIt);
    assert_eq!(reason("one").await.reason, Reason::LeaseHit);
    assert_eq!(count(&world, Route::CreateCachedContent), 1);
    // One that has expired makes room.
    world.clock.advance(3600);
    assert_eq!(reason("two").await.reason, Reason::Ok);
    let old = planner.stats().under_old_names();
    assert_eq!((old["total_caches"], old["active_caches"]), (2.0, 1.0));
    assert_eq!((old["cache_hits"], old["cache_misses"]), (1.0, 2.0));
}

#[tokio::test]
async fn pages_that_are_read_at_the_request_are_not_cached() {
    let world = World::new().await;
    let planner = world.planner();
    let tool: Tool = serde_json::from_value(json!({"urlContext": {}})).unwrap();
    let turns = [
        prefix("pages").contents[0].clone(),
        Content::model("Yes?"),
        Content::user("What does https://example.com say?"),
    ];
    let request = GenerateContentRequest::new()
        .set_contents(turns)
        .set_tools([tool]);
    let plan = in_time(planner.plan_generation(MODEL, &request, &many())).await;
    assert_eq!(plan.decision.reason, Reason::NotCacheablePart);
    assert_eq!(count(&world, Route::CreateCachedContent), 0);
}

#[tokio::test]
async fn a_planner_without_prices_puts_a_margin_on_counts() {
    let world = World::new().await;
    let planner = world.planner_with(|options| {
        options.mode = Mode::Seed {
            prefer_implicit: false,
        };
        options.exact_count = gimmal_client::gemini::planner::ExactCount::Always;
    });
    let handbook = prepared(&planner, "seed");
    let hint = PlanHint::new();
    let plan = in_time(planner.plan(&handbook, question("Why?"), &hint)).await;
    assert_eq!(plan.decision.reason, Reason::Ok);
    let lease = planner.leases()[0].clone();
    let counted = plan.decision.estimate.expected;
    assert!(
        counted.abs_diff(lease.tokens + 10) <= 50,
        "{counted} {lease:?}"
    );
    assert_eq!(count(&world, Route::CountTokens), 1);
}
