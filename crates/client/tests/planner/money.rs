//! What the planner says that caches cost and save, beside what the service reports; and what
//! planning costs.

use std::sync::Arc;

use gimmal_client::gemini::planner::{CacheAction, PlanHint, Reason, TtlPolicy};
use gimmal_client::types::gemini::{Content, GenerateContentRequest};
use gimmal_emulator::Route;

use super::support::{
    MODEL, World, cache_name, count, execute, in_time, plan, planner_of, prepared, question,
};

/// USD per token of the model of these tests: plain, cached, replied, and kept for an hour.
const PRICES: (f64, f64, f64, f64) = (0.30e-6, 0.03e-6, 2.50e-6, 1.00e-6);

/// The bill of the service, by its own count of tokens.
fn bill(world: &World) -> f64 {
    let metered = world.emulator.metered(MODEL);
    metered.plain_tokens as f64 * PRICES.0
        + metered.cached_tokens as f64 * PRICES.1
        + metered.output_tokens as f64 * PRICES.2
        + metered.written_tokens as f64 * PRICES.0
        + metered.token_hours * PRICES.3
}

/// Covers: B17
#[tokio::test]
async fn b17_the_bill_is_that_of_the_service() {
    let world = World::new().await;
    let planner = world.planner();
    let handbook = prepared(&planner, "b17");
    let mut replied = 0.0;
    for _ in 0..5 {
        let plan = plan(&planner, &handbook).await;
        let executed = execute(&world, &plan).await.unwrap();
        planner.observe(&plan, &executed);
        let usage = executed.response.body().usage_metadata.as_deref().unwrap();
        replied += f64::from(usage.candidates_token_count.unwrap());
        world.clock.advance(45);
    }
    let stats = planner.stats();
    let paid = bill(&world);
    assert!(
        (stats.cost_actual_usd - paid).abs() < 1e-9,
        "{paid} {stats:?}"
    );
    // Without caches every prompt would have been plain.
    let metered = world.emulator.metered(MODEL);
    let prompts = (metered.plain_tokens + metered.cached_tokens) as f64;
    let without = prompts * PRICES.0 + replied * PRICES.2;
    assert!((stats.cost_raw_usd - without).abs() < 1e-9, "{without}");
    assert!((stats.savings_usd - (without - paid)).abs() < 1e-9);
    assert!(stats.savings_usd > 0.0);

    // Nothing is charged for a cache that is deleted, and nothing after an expiry.
    in_time(planner.close()).await;
    plan(&planner, &handbook).await;
    world.clock.advance(3600);
    let (stats, paid) = (planner.stats(), bill(&world));
    assert!((stats.cost_actual_usd - paid).abs() < 1e-9, "{paid}");
    world.clock.advance(3600);
    assert!((planner.stats().cost_actual_usd - paid).abs() < 1e-9);
}

/// However large the prefix is, a plan shares it, and neither hashes nor copies it.
///
/// Covers: B18
#[tokio::test]
async fn b18_planning_with_a_live_cache_does_not_touch_the_prefix() {
    let world = World::new().await;
    let planner = world.planner();
    let handbook = prepared(&planner, "b18");
    plan(&planner, &handbook).await;
    let again = plan(&planner, &handbook).await;
    assert_eq!(again.decision.reason, Reason::LeaseHit);
    let CacheAction::FromCache(payload) = &again.action else {
        panic!("{:?}", again.action);
    };
    let whole = payload.fallback.as_ref().unwrap();
    assert!(Arc::ptr_eq(&whole.prefix, &handbook.shared_prefix()));
    assert_eq!(payload.contents.len(), 1);
    assert_eq!(count(&world, Route::CountTokens), 0);
}

/// Covers: B11
#[tokio::test]
async fn b11_the_gaps_between_requests_decide_how_long_a_cache_lives() {
    for (gap, ttl) in [(60, 300), (400, 800), (900, 972)] {
        let world = World::new().await;
        let planner = planner_of(&world.client, |options| {
            options.ttl = TtlPolicy::Auto;
        });
        let handbook = prepared(&planner, "b11");
        // It is not known how many are to come, so the first goes out whole.
        let nothing = PlanHint::new();
        let first = planner.plan(&handbook, question("Why?"), &nothing);
        assert_eq!(in_time(first).await.action.cache_name(), None);
        world.clock.advance(gap);
        let second = plan(&planner, &handbook).await;
        let have = second.decision.ttl.unwrap().as_secs_f64().round();
        assert_eq!(have as u64, ttl, "{gap}");
    }
}

/// A prefix that is read again and again without a word about how often.
#[tokio::test]
async fn without_a_hint_a_cache_is_made_once_its_price_was_spent() {
    let world = World::new().await;
    let planner = world.planner();
    let handbook = planner
        .prepare("gemini-3.8-flash", super::support::prefix("rent"))
        .unwrap();
    let (nothing, mut reasons) = (PlanHint::new(), Vec::new());
    for _ in 0..4 {
        let next = planner.plan(&handbook, question("Why?"), &nothing);
        let plan = in_time(next).await;
        let executed = execute(&world, &plan).await.unwrap();
        planner.observe(&plan, &executed);
        reasons.push(plan.decision.reason);
        world.clock.advance(1);
    }
    let (rents, buys) = (Reason::NotWorthIt, [Reason::Ok, Reason::LeaseHit]);
    assert_eq!(reasons[..2], [rents, rents], "{reasons:?}");
    assert_eq!(reasons[2..], buys, "{reasons:?}");
}

/// Covers: B16
#[tokio::test]
async fn b16_leases_written_down_are_restored_and_proved() {
    let world = World::new().await;
    let first = world.planner_with(|options| options.keep_on_close = true);
    let mut names = Vec::new();
    for title in ["b16 a", "b16 b"] {
        names.push(cache_name(&plan(&first, &prepared(&first, title)).await).to_owned());
    }
    let written = serde_json::to_string(&first.export_leases()).unwrap();
    in_time(first.close()).await;
    assert!(first.export_leases().is_empty());
    in_time(world.client.caches().delete(&names[1]).send())
        .await
        .unwrap();

    let second = world.planner();
    assert_eq!(second.restore(serde_json::from_str(&written).unwrap()), 2);
    assert_eq!(in_time(second.prove()).await, 1);
    let again = plan(&second, &prepared(&second, "b16 a")).await;
    assert_eq!(cache_name(&again), names[0]);
    assert_eq!(again.decision.reason, Reason::LeaseHit);
    assert_eq!(
        count(&world, Route::CreateCachedContent),
        2,
        "none but those"
    );
    let stats = second.stats();
    assert_eq!((stats.adopted, stats.lost, stats.created), (2, 1, 0));

    // What has expired is not taken over.
    world.clock.advance(3600);
    let third = world.planner();
    assert_eq!(third.restore(serde_json::from_str(&written).unwrap()), 0);
}

#[tokio::test]
async fn caches_of_dead_processes_are_swept() {
    let world = World::new().await;
    let dead = world.planner();
    let left = cache_name(&plan(&dead, &prepared(&dead, "dead")).await).to_owned();
    world.clock.advance(300);
    let alive = world.planner();
    let own = cache_name(&plan(&alive, &prepared(&alive, "alive")).await).to_owned();

    let age = std::time::Duration::from_secs(240);
    let found = in_time(alive.sweep_remote(age, true)).await.unwrap();
    assert_eq!(found, std::slice::from_ref(&left));
    assert_eq!(count(&world, Route::DeleteCachedContent), 0);
    let swept = in_time(alive.sweep_remote(age, false)).await.unwrap();
    assert_eq!(swept, std::slice::from_ref(&left));
    let caches = world.client.caches();
    assert!(in_time(caches.get(left).send()).await.is_err());
    assert!(in_time(caches.get(own).send()).await.is_ok());
}

/// What a chat of these prompts costs at the least, if everything is known beforehand: the prompts'
/// tokens, ten seconds apart. A cache holds what the prompt before held.
fn least_cost(prompts: &[f64]) -> f64 {
    let (plain, cached, kept) = (0.75e-6, 0.075e-6, 0.5e-6 * 10.0 / 3600.0);
    // What was paid so far, by the tokens that the newest cache holds.
    let mut ways = vec![(0.0, 0.0)];
    let mut before = 0.0;
    for &prompt in prompts {
        let cheapest = ways.iter().map(|way| way.1).fold(f64::INFINITY, f64::min);
        if before >= 4_096.0 {
            ways.push((before, cheapest + before * plain));
        }
        for (held, paid) in &mut ways {
            *paid += (prompt - *held) * plain + *held * (cached + kept);
        }
        before = prompt;
    }
    ways.iter().map(|way| way.1).fold(f64::INFINITY, f64::min)
}

/// Covers: B12
#[tokio::test]
async fn b12_a_growing_chat_costs_at_most_twice_the_best_choice() {
    let world = World::new().await;
    let planner = planner_of(&world.client, |options| options.ttl = TtlPolicy::Auto);
    let system = Content::text("You know all about gimmals. ".repeat(300));
    let (mut contents, mut prompts, mut first) = (Vec::new(), Vec::new(), None);
    let nothing = PlanHint::new();
    for turn in 0..40 {
        contents.push(Content::user(format!("Turn {turn}. ").repeat(120)));
        let request = GenerateContentRequest::new()
            .set_contents(contents.clone())
            .set_system_instruction(system.clone());
        let plan = planner.plan_generation("gemini-3.8-flash", &request, &nothing);
        let plan = in_time(plan).await;
        let executed = execute(&world, &plan).await.unwrap();
        planner.observe(&plan, &executed);
        let usage = executed.response.body().usage_metadata.as_deref().unwrap();
        prompts.push(f64::from(usage.prompt_token_count.unwrap()));
        if plan.decision.reason == Reason::Ok && first.is_none() {
            // What was paid until then would have bought the cache.
            let premium: f64 = prompts[..turn].iter().sum::<f64>() * 0.9;
            assert!(premium >= 0.9 * prompts[turn - 1], "{turn}: {prompts:?}");
            first = Some(turn);
        }
        contents.push(Content::model("Indeed."));
        world.clock.advance(10);
    }
    in_time(planner.close()).await;
    let stats = planner.stats();
    assert!(first.is_some_and(|turn| turn > 1), "{first:?} {stats:?}");
    assert!(stats.created > 1, "it grows with the chat: {stats:?}");
    let (paid, least) = (stats.cost_actual_usd, least_cost(&prompts));
    assert!(paid <= 2.0 * least, "{paid} against {least}");
    assert!(paid < stats.cost_raw_usd, "{stats:?}");
}
