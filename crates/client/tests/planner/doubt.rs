//! What is done when it is not known whether a cache exists, or what time it is.

use std::time::Duration;

use gimmal_client::CallOptions;
use gimmal_client::gemini::planner::{PlanHint, Planner, Reason};
use gimmal_client::transport::testing::{Reply, ScriptedTransport};
use gimmal_client::types::gemini::GenerateContentRequest;
use serde_json::json;

use super::support::{
    TestClock, cache_name, in_time, plan, planner_of, prepared, question, scripted_client, until,
};

/// A planner over a script.
fn scripted(replies: impl IntoIterator<Item = Reply>) -> (Planner, ScriptedTransport, TestClock) {
    let clock = TestClock::new();
    let http = ScriptedTransport::new(replies);
    let client = scripted_client(http.clone(), &clock);
    (planner_of(&client, |_| {}), http, clock)
}

/// A cache as the service describes it, on a clock of its own.
fn created(name: &str) -> Reply {
    let cache = json!({
        "name": name, "model": "models/gemini-2.5-flash",
        "createTime": "2031-01-01T00:00:00Z", "updateTime": "2031-01-01T00:00:00Z",
        "expireTime": "2031-01-01T00:10:00Z", "usageMetadata": {"totalTokenCount": 10_000}});
    Reply::json(200, cache.to_string())
}

/// A list with one entry that cannot be read and one cache.
fn listed(name: &str, display_name: &str) -> Reply {
    let page = json!({"cachedContents": [{"name": 7}, {
        "name": name, "displayName": display_name,
        "model": "projects/1234/locations/l/publishers/google/models/gemini-2.5-flash",
        "expireTime": "2026-01-01T01:00:00Z"}]});
    Reply::json(200, page.to_string())
}

fn calls(http: &ScriptedTransport) -> Vec<String> {
    let requests = http.requests();
    let call = |request: &gimmal_client::transport::testing::RecordedRequest| {
        format!("{} {}", request.method(), request.path_and_query())
    };
    requests.iter().map(call).collect()
}

const CREATE: &str = "POST /v1/cachedContents";
const LIST: &str = "GET /v1/cachedContents";

#[tokio::test]
async fn a_creation_whose_answer_was_lost_is_looked_for_first() {
    let (planner, http, clock) = scripted([Reply::io_error()]);
    let handbook = prepared(&planner, "doubt");
    http.push(listed(
        "cachedContents/seen",
        &handbook.key().display_name(),
    ));
    let first = plan(&planner, &handbook).await;
    assert_eq!(first.decision.reason, Reason::CreationFailed);
    clock.advance(29);
    let second = plan(&planner, &handbook).await;
    assert_eq!(second.decision.reason, Reason::RecentCreateFailure);
    clock.advance(2);
    let third = plan(&planner, &handbook).await;
    assert_eq!(cache_name(&third), "cachedContents/seen");
    assert_eq!(calls(&http), [CREATE, LIST]);
    let stats = planner.stats();
    assert_eq!((stats.created, stats.adopted), (0, 1));
}

#[tokio::test]
async fn without_a_list_no_second_cache_is_risked() {
    let refusal = || Reply::json(400, r#"{"error": {"message": "no"}}"#);
    let (planner, http, clock) = scripted([Reply::io_error(), refusal()]);
    let handbook = prepared(&planner, "doubt");
    plan(&planner, &handbook).await;
    clock.advance(31);
    let second = plan(&planner, &handbook).await;
    assert_eq!(second.decision.reason, Reason::CreationFailed);
    assert_eq!(calls(&http), [CREATE, LIST]);
}

#[tokio::test]
async fn a_list_without_the_cache_allows_another() {
    let (planner, http, clock) = scripted([
        Reply::json(503, "{}"),
        listed("cachedContents/other", "gimmal-v1-of-something-else"),
        created("cachedContents/new"),
    ]);
    let handbook = prepared(&planner, "doubt");
    plan(&planner, &handbook).await;
    clock.advance(31);
    let second = plan(&planner, &handbook).await;
    assert_eq!(cache_name(&second), "cachedContents/new");
    assert_eq!(calls(&http), [CREATE, LIST, CREATE]);
}

#[test]
fn a_creation_cut_off_with_its_runtime_blocks_nobody() {
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().build().unwrap()
    };
    let (planner, http, _clock) = scripted([Reply::silence()]);
    let handbook = prepared(&planner, "doubt");
    http.push(listed(
        "cachedContents/seen",
        &handbook.key().display_name(),
    ));
    let first = runtime();
    first.block_on(async {
        let waiting = plan(&planner, &handbook);
        tokio::select! {
            plan = waiting => panic!("planned: {:?}", plan.decision),
            () = until(|| http.request_count() == 1) => {}
        }
    });
    drop(first);
    let second = runtime().block_on(plan(&planner, &handbook));
    assert_eq!(cache_name(&second), "cachedContents/seen");
    assert_eq!(calls(&http), [CREATE, LIST]);
}

#[tokio::test]
async fn a_service_with_another_clock_is_understood() {
    let (planner, http, clock) =
        scripted([created("cachedContents/a"), created("cachedContents/a")]);
    let handbook = prepared(&planner, "doubt");
    for _ in 0..3 {
        assert_eq!(
            cache_name(&plan(&planner, &handbook).await),
            "cachedContents/a"
        );
    }
    assert_eq!(calls(&http), [CREATE]);
    // It lives the ten minutes that the service's own dates span, whatever year it thinks it is.
    clock.advance(400);
    plan(&planner, &handbook).await;
    until(|| planner.stats().renewed == 1).await;
    let last = PlanHint::new().with_expected_reads(1);
    for (seconds, reason) in [(589, Reason::LeaseHit), (1, Reason::NotWorthIt)] {
        clock.advance(seconds);
        let plan = in_time(planner.plan(&handbook, question("why?"), &last)).await;
        assert_eq!(plan.decision.reason, reason);
    }
    assert_eq!(http.request_count(), 2);
}

#[tokio::test]
async fn every_request_on_the_wire_is_counted() {
    let gone = r#"{"error": {"message": "CachedContent not found (or permission denied)"}}"#;
    let (planner, http, clock) = scripted([
        created("cachedContents/a"),
        Reply::json(503, "{}"),
        Reply::json(403, gone),
        Reply::json(503, "{}"),
        Reply::json(200, "{}"),
    ]);
    let handbook = prepared(&planner, "doubt");
    let plan = plan(&planner, &handbook).await;
    let executor = {
        let client = scripted_client(http.clone(), &clock);
        client.executor()
    };
    let (settings, options) = (GenerateContentRequest::new(), CallOptions::default());
    let executed = clock
        .run(executor.execute(&plan, &settings, &options))
        .await
        .unwrap();
    assert!(executed.retried_without_cache);
    assert_eq!(executed.attempts, 4);
    assert_eq!(http.request_count(), 5);
}

#[tokio::test]
async fn a_slow_creation_makes_nobody_wait_longer_than_told() {
    let slow = created("cachedContents/late").with_delay(Duration::from_secs(60));
    let clock = TestClock::new();
    let clock_of_replies = std::sync::Arc::new(clock.clone());
    let http = ScriptedTransport::new([slow]).with_clock(clock_of_replies);
    let planner = planner_of(&scripted_client(http.clone(), &clock), |_| {});
    let handbook = prepared(&planner, "doubt");
    let first = clock.run(plan(&planner, &handbook)).await;
    assert_eq!(first.decision.reason, Reason::CreationFailed);
    assert!(first.decision.failure.unwrap().contains("10 s"));
    // It goes on, and serves those who come later.
    clock
        .run(async {
            until(|| planner.stats().created == 1).await;
        })
        .await;
    let later = in_time(plan(&planner, &handbook)).await;
    assert_eq!(cache_name(&later), "cachedContents/late");
    assert_eq!(calls(&http), [CREATE]);
}

#[tokio::test]
async fn a_missing_model_does_not_switch_caching_off() {
    let missing = r#"{"error": {"message": "models/gemini-2.5-flash is not found"}}"#;
    let unknown = r#"{"error": {"message": "Requested entity was not found."}}"#;
    let (planner, http, clock) = scripted([
        Reply::json(404, missing),
        created("cachedContents/a"),
        Reply::json(404, unknown),
        created("cachedContents/b"),
    ]);
    plan(&planner, &prepared(&planner, "one")).await;
    let second = plan(&planner, &prepared(&planner, "two")).await;
    assert_eq!(second.decision.reason, Reason::Ok);
    // A proxy that does not know the call at all is left alone for ten minutes.
    plan(&planner, &prepared(&planner, "three")).await;
    let fourth = plan(&planner, &prepared(&planner, "four")).await;
    assert_eq!(fourth.decision.reason, Reason::BackendUnsupported);
    assert_eq!(http.request_count(), 3);
    clock.advance(601);
    let fifth = plan(&planner, &prepared(&planner, "four")).await;
    assert_eq!(cache_name(&fifth), "cachedContents/b");
}
