//! What callers may choose: where a cache ends, what is done when it is lost, who goes first, and how
//! the life of uploaded files limits that of a cache.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use gimmal_client::gemini::planner::{
    CacheMode, CacheStrategy, CacheUntil, Executed, Executor, Mode, Plan, Prefix, Reason, TtlPolicy,
};
use gimmal_client::types::gemini::{Content, GenerateContentRequest, Part};
use gimmal_client::{CallOptions, Error};
use gimmal_emulator::{Fault, FaultRule, Route, ScriptedReply};

use super::support::{
    MODEL, World, bodies, cache_name, count, document, execute, in_time, many, plan, prefix,
    prepared, until,
};

async fn execute_by(executor: &Executor, plan: &Plan) -> Result<Executed, Error> {
    let (settings, options) = (GenerateContentRequest::new(), CallOptions::default());
    in_time(executor.execute(plan, &settings, &options)).await
}

/// Covers: caches.delete, caches.create
#[tokio::test]
async fn a_cache_that_vanished_is_made_anew_if_asked() {
    let world = World::new().await;
    let planner = world.planner_with(|options| options.recreate_on_loss = true);
    let handbook = prepared(&planner, "anew")
        .with_name("mine")
        .with_labels(["kept"]);
    let first = plan(&planner, &handbook).await;
    let delete = world.client.caches().delete(cache_name(&first)).send();
    in_time(delete).await.unwrap();

    let executor = world.client.executor().with_planner(&planner);
    let executed = execute_by(&executor, &first).await.unwrap();
    assert!(executed.recreated && !executed.retried_without_cache);
    assert_eq!(executed.strategy, CacheStrategy::GenerateFromExplicitCache);
    assert_eq!(executed.attempts, 2);
    assert_eq!(count(&world, Route::CreateCachedContent), 2);
    let sent = bodies(&world, Route::GenerateContent);
    assert_ne!(sent[0]["cachedContent"], sent[1]["cachedContent"]);
    assert_eq!(sent[0]["contents"], sent[1]["contents"]);

    planner.observe(&first, &executed);
    let stats = planner.stats();
    assert_eq!(
        (stats.created, stats.lost, stats.retried_without_cache),
        (2, 1, 0)
    );
    let second = plan(&planner, &handbook).await;
    assert_eq!(second.decision.reason, Reason::LeaseHit);
    assert_eq!(cache_name(&second), sent[1]["cachedContent"]);
    assert_eq!(planner.leases()[0].labels, ["kept"]);
}

#[tokio::test]
async fn a_cache_that_vanishes_twice_is_done_without() {
    let world = World::new().await;
    let planner = world.planner_with(|options| options.recreate_on_loss = true);
    let handbook = prepared(&planner, "twice");
    let plan = plan(&planner, &handbook).await;
    let text = "CachedContent not found (or permission denied)";
    let gone = ScriptedReply::error(403, "PERMISSION_DENIED", text);
    world
        .emulator
        .script()
        .push_times(Route::GenerateContent, gone, 2);
    let executor = world.client.executor().with_planner(&planner);
    let executed = execute_by(&executor, &plan).await.unwrap();
    assert!(executed.retried_without_cache && !executed.recreated);
    assert_eq!(executed.attempts, 3);
    let sent = bodies(&world, Route::GenerateContent);
    assert_eq!(
        sent[2]["systemInstruction"]["parts"][0]["text"],
        "Be terse."
    );
}

#[tokio::test]
async fn a_cache_is_not_made_anew_unasked_nor_when_the_caller_named_it() {
    let world = World::new().await;
    let planner = world.planner();
    let handbook = prepared(&planner, "unasked");
    let first = plan(&planner, &handbook).await;
    let delete = world.client.caches().delete(cache_name(&first)).send();
    in_time(delete).await.unwrap();
    let executor = world.client.executor().with_planner(&planner);
    let executed = execute_by(&executor, &first).await.unwrap();
    assert!(executed.retried_without_cache);

    let planner = world.planner_with(|options| options.recreate_on_loss = true);
    let handbook = prepared(&planner, "named");
    let hint = many().with_cache_override_name("cachedContents/mine");
    let named = in_time(planner.plan(&handbook, [Content::user("?")], &hint)).await;
    let executor = world.client.executor().with_planner(&planner);
    let executed = execute_by(&executor, &named).await.unwrap();
    assert!(executed.retried_without_cache);
    assert_eq!(count(&world, Route::CreateCachedContent), 1);
}

/// Plans that no cache is made for and that go out laid out for the service's own.
async fn whole_plans(world: &World, titles: &[&str]) -> (Executor, Vec<Plan>) {
    let planner = world.planner_with(|options| {
        options.mode = Mode::ReuseOnly;
        options.warm_first = true;
        options.create_wait = Duration::from_secs(3600);
    });
    let mut plans = Vec::new();
    for title in titles {
        plans.push(plan(&planner, &prepared(&planner, title)).await);
    }
    (world.client.executor().with_planner(&planner), plans)
}

#[tokio::test]
async fn of_requests_that_begin_alike_one_goes_first() {
    let slow = FaultRule::new(Fault::delay(Duration::from_secs(5)));
    let slow = slow.on(Route::GenerateContent);
    let world = World::with(|emulator| emulator.with_fault(slow)).await;
    let titles = ["one", "one", "one", "one", "another"];
    let (executor, plans) = whole_plans(&world, &titles).await;
    let strategy = CacheStrategy::GenerateWithOptimizedParts;
    assert!(plans.iter().all(|plan| plan.action.strategy() == strategy));

    let executor = Arc::new(executor);
    let calls = plans.into_iter().map(|plan| {
        let executor = executor.clone();
        tokio::spawn(async move { execute_by(&executor, &plan).await })
    });
    let calls: Vec<_> = calls.collect();
    until(|| count(&world, Route::GenerateContent) == 2).await;
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(
        count(&world, Route::GenerateContent),
        2,
        "one of each beginning"
    );
    let replies = world.clock.run(join_all(calls)).await;
    assert!(replies.into_iter().all(|reply| reply.unwrap().is_ok()));
    assert_eq!(count(&world, Route::GenerateContent), 5);
}

#[tokio::test]
async fn when_the_first_one_fails_the_next_one_is_first() {
    let world = World::new().await;
    let (executor, plans) = whole_plans(&world, &["fails", "fails"]).await;
    let refusal = ScriptedReply::error(400, "INVALID_ARGUMENT", "no");
    world
        .emulator
        .script()
        .push(Route::GenerateContent, refusal);
    let (first, second) = tokio::join!(
        execute_by(&executor, &plans[0]),
        execute_by(&executor, &plans[1])
    );
    assert_eq!([first.is_ok(), second.is_ok()], [false, true]);
}

#[tokio::test]
async fn a_cache_does_not_outlive_the_files_in_it() {
    let world = World::new().await;
    let upload = world.client.files().upload(document("file").into_bytes());
    let upload = in_time(upload.set_mime_type("text/plain").send())
        .await
        .unwrap();
    let uri = upload.into_body().uri.unwrap();
    world.clock.advance(47 * 3600 + 30 * 60);

    let planner = world.planner_with(|options| {
        options.ttl = TtlPolicy::Fixed(Duration::from_secs(7200));
        options.mode = Mode::Always;
    });
    let turn = Content::new().set_role("user").set_parts([
        Part::text(document("with a file")),
        Part::file_data(uri, "text/plain"),
    ]);
    let shared = Prefix {
        contents: vec![turn],
        ..prefix("files")
    };
    let handbook = planner.prepare(MODEL, shared).unwrap();
    let first = plan(&planner, &handbook).await;
    assert_eq!(first.decision.reason, Reason::Ok, "{:?}", first.decision);
    let created = bodies(&world, Route::CreateCachedContent);
    assert_eq!(created[0]["ttl"], "1800s");
    let lease = &planner.leases()[0];
    assert_eq!(lease.files_end, Some(lease.expires_at));

    // Nothing is left to renew it for.
    world.clock.advance(1700);
    let second = plan(&planner, &handbook).await;
    assert_eq!(second.decision.reason, Reason::LeaseHit);
    tokio::task::yield_now().await;
    assert_eq!(count(&world, Route::UpdateCachedContent), 0);

    // And nothing to make another for.
    world.clock.advance(90);
    let third = plan(&planner, &handbook).await;
    assert_eq!(third.decision.reason, Reason::CreationFailed);
    let failure = third.decision.failure.unwrap();
    assert!(failure.contains("about to expire"), "{failure}");
    assert_eq!(count(&world, Route::CreateCachedContent), 1);
}

#[tokio::test]
async fn the_caller_says_where_the_cache_ends() {
    let world = World::new().await;
    let planner = world.planner();
    let texts = [document("rules"), document("examples"), document("case")];
    let turn = Content::new().set_parts(texts.map(Part::text));
    let request = GenerateContentRequest::new().set_contents([turn]);
    let until_examples = many().with_cache_until(CacheUntil::Part(2));
    let plan = in_time(planner.plan_generation(MODEL, &request, &until_examples)).await;
    assert_eq!(plan.decision.reason, Reason::Ok);
    execute(&world, &plan).await.unwrap();
    let created = &bodies(&world, Route::CreateCachedContent)[0]["contents"][0];
    assert_eq!(created["parts"].as_array().unwrap().len(), 2);
    let sent = &bodies(&world, Route::GenerateContent)[0]["contents"][0];
    assert_eq!(sent["parts"][0]["text"], document("case"));

    let all = many().with_cache_until(CacheUntil::Part(3));
    let plan = in_time(planner.plan_generation(MODEL, &request, &all)).await;
    assert_eq!(plan.decision.reason, Reason::TailEmpty);
}

#[tokio::test]
async fn a_prefix_may_go_by_a_name_and_carry_labels() {
    let world = World::new().await;
    let planner = world.planner();
    let monday = prepared(&planner, "monday").with_name(" handbook ");
    let tuesday = prepared(&planner, "tuesday").with_name("handbook");
    let first = plan(&planner, &monday.with_labels(["team-a", "v3"])).await;
    let second = plan(&planner, &tuesday).await;
    assert_eq!(cache_name(&first), cache_name(&second));
    assert_eq!(count(&world, Route::CreateCachedContent), 1);
    let leases = serde_json::to_string(&planner.export_leases()).unwrap();
    let restored = world.planner();
    assert_eq!(restored.restore(serde_json::from_str(&leases).unwrap()), 1);
    assert_eq!(restored.leases()[0].labels, ["team-a", "v3"]);
    let blank = prepared(&planner, "tuesday").with_name("  ");
    assert_eq!(blank.key(), prepared(&planner, "tuesday").key());
}

#[tokio::test]
async fn a_reply_tells_what_kind_of_caching_served_it() {
    let world = World::new().await;
    let planner = world.planner();
    let cached = plan(&planner, &prepared(&planner, "kinds")).await;
    let executed = execute(&world, &cached).await.unwrap();
    assert_eq!(executed.cache_mode(), CacheMode::Persistent);
    let off = world.planner_with(|options| options.mode = Mode::Off);
    let whole = plan(&off, &prepared(&off, "something else")).await;
    let executed = execute(&world, &whole).await.unwrap();
    assert_eq!(executed.cache_mode(), CacheMode::None);
}
