//! Context caches beyond the plain calls: times in every form, the same content once, many at a
//! time, and what is said where there are none.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::join_all;
use gimmal_client::gemini::{CacheSupport, Caches, CreateCache, Creation, GeminiClient, NoCache};
use gimmal_client::transport::NeverRetry;
use gimmal_client::transport::testing::{Reply, ScriptedTransport};
use gimmal_client::types::gemini::UpdateCachedContentRequest;
use gimmal_client::types::{Timestamp, WireDuration};
use serde_json::{Value, json};
use tokio::time::timeout;

const MODEL: &str = "gemini-2.5-flash";

fn caches(replies: impl IntoIterator<Item = Reply>) -> (Caches, ScriptedTransport) {
    let http = ScriptedTransport::new(replies);
    let client = GeminiClient::builder()
        .with_api_key("K")
        .with_retry_policy(NeverRetry)
        .with_http(Arc::new(http.clone()))
        .build()
        .unwrap();
    (client.caches(), http)
}

fn vertex_express() -> Caches {
    let http = Arc::new(ScriptedTransport::new([]));
    let client = GeminiClient::builder()
        .with_vertex_express()
        .with_api_key("K");
    client.with_http(http).build().unwrap().caches()
}

fn cache(name: &str, expire_time: &str) -> Reply {
    let body = json!({"name": name, "model": "models/m", "expireTime": expire_time});
    Reply::json(200, body.to_string()).with_delay(Duration::from_secs(1))
}

fn lasting(name: &str) -> Reply {
    cache(name, "2999-01-01T00:00:00Z")
}

fn refusal(status: u16, message: &str) -> Reply {
    let body = json!({"error": {"code": status, "message": message}});
    Reply::json(status, body.to_string())
}

fn about(caches: &Caches, text: &str) -> CreateCache {
    caches.create(MODEL).set_contents([text])
}

async fn name_of(call: CreateCache) -> String {
    let reply = timeout(Duration::from_secs(60), call.send_once())
        .await
        .unwrap();
    reply.unwrap().into_body().name.unwrap()
}

/// Covers: caches.create, caches.update
#[tokio::test(start_paused = true)]
async fn times_in_every_form() {
    let (caches, http) = caches((0..6).map(|_| lasting("cachedContents/a")));
    let create = || about(&caches, "x");
    create().set_ttl("300.5s").send().await.unwrap();
    create()
        .set_ttl(Duration::from_millis(90_250))
        .send()
        .await
        .unwrap();
    let time: Timestamp = "2030-01-01T00:00:00Z".parse().unwrap();
    create()
        .set_expire_time(time.to_system_time())
        .send()
        .await
        .unwrap();
    create()
        .set_expire_time("2030-01-01T01:00:00+01:00")
        .send()
        .await
        .unwrap();
    caches.update("a").set_ttl("60s").send().await.unwrap();
    caches
        .update("a")
        .set_expire_time(time)
        .send()
        .await
        .unwrap();
    let sent: Vec<Value> = http
        .requests()
        .iter()
        .map(|it| it.json().unwrap())
        .collect();
    let said = |index: usize, key: &str| sent[index][key].as_str().unwrap().to_owned();
    assert_eq!([said(0, "ttl"), said(1, "ttl")], ["300.5s", "90.25s"]);
    assert_eq!(said(2, "expireTime"), said(3, "expireTime"));
    assert_eq!(sent[4], json!({"ttl": "60s"}));
    assert!(said(5, "expireTime").starts_with("2030-01-01T00:00:00"));
}

/// Covers: caches.create, caches.update
#[tokio::test]
async fn times_that_are_none_are_refused_before_sending() {
    let (caches, http) = caches([]);
    let create = || about(&caches, "x");
    let update = || caches.update("cachedContents/a");
    let too_long = "invalid `ttl`: 315576000001s is too long; the most is 315576000000s";
    let zero = "invalid `ttl`: must be longer than zero; to end a cache at once, delete it";
    let negative = "invalid `ttl`: -1s is negative; a cache lives for some time, such as 3600s";
    for (create, message) in [
        (create().set_ttl(Duration::ZERO), zero),
        (create().set_ttl("0s"), zero),
        (create().set_ttl("-1s"), negative),
        (
            create().set_ttl(Duration::from_secs(315_576_000_001)),
            too_long,
        ),
        (
            create().set_ttl("3600"),
            "invalid `ttl`: \"3600\" is not a duration: expected decimal seconds ending in `s`, \
             such as \"3600s\"",
        ),
        (
            create().set_expire_time("next week"),
            "invalid `expireTime`: \"next week\" is not an RFC 3339 timestamp such as \
             \"2026-01-31T12:00:00Z\"",
        ),
        (
            create()
                .set_ttl("60s")
                .set_expire_time("2030-01-01T00:00:00Z"),
            "invalid `expireTime`: cannot be set together with ttl; keep one",
        ),
        // The last word counts, and of two mistakes one is told at a time.
        (create().set_ttl("60s").set_ttl("-1s"), negative),
        (create().set_ttl("-1s").set_expire_time("never"), negative),
    ] {
        let error = create.clone().send().await.unwrap_err();
        assert_eq!(error.to_string(), message);
        let error = create.clone().send_once().await.unwrap_err();
        assert_eq!(error.to_string(), message);
        let error = create.send_if_supported().await.unwrap_err();
        assert_eq!(error.to_string(), message);
    }
    for (update, message) in [
        (update().set_ttl(Duration::ZERO), zero),
        (update().set_ttl("-1s"), negative),
        (
            update(),
            "invalid `ttl`: must be set, or expireTime instead",
        ),
    ] {
        assert_eq!(update.send().await.unwrap_err().to_string(), message);
    }
    assert_eq!(http.request_count(), 0);
}

/// Covers: caches.create, caches.update
#[tokio::test]
async fn a_mistake_is_taken_back_by_setting_it_anew() {
    let created = || Reply::json(200, r#"{"name": "cachedContents/a"}"#);
    let (caches, http) = caches([created(), created(), created(), created()]);
    let create = || about(&caches, "x");
    let update = || caches.update("cachedContents/a");
    let time = "2030-01-01T00:00:00Z";
    let late = create().set_expire_time("never").set_expire_time(time);
    late.send().await.unwrap();
    create().set_ttl("-1s").set_ttl("60s").send().await.unwrap();
    let request = UpdateCachedContentRequest::new().set_ttl(WireDuration::from_secs(60));
    let whole = update().set_expire_time("never").set_request(request);
    whole.send().await.unwrap();
    update().set_ttl("1h").set_ttl("60s").send().await.unwrap();
    let sent = http.requests();
    let sent = sent.iter().map(|request| request.json().unwrap());
    let sent: Vec<_> = sent
        .map(|body| (body["ttl"].clone(), body["expireTime"].clone()))
        .collect();
    let minute = (json!("60s"), Value::Null);
    assert_eq!(sent[0], (Value::Null, json!(time)));
    assert_eq!(sent[1..], [minute.clone(), minute.clone(), minute]);
}

/// Covers: caches.create, caches.get, caches.update, caches.delete
#[tokio::test]
async fn names_that_are_none_are_refused_before_sending() {
    let (caches, http) = caches([]);
    for (name, message) in [
        ("", "invalid `cached_content`: must not be empty"),
        ("a?b", "invalid `cached_content`: must not contain \"?\""),
        (
            "../models/m",
            "invalid `cached_content`: must not contain \"..\"",
        ),
    ] {
        let answers = [
            caches.get(name).send().await.map(drop),
            caches.update(name).set_ttl("60s").send().await.map(drop),
            caches.delete(name).send().await.map(drop),
        ];
        for answer in answers {
            assert_eq!(answer.unwrap_err().to_string(), message);
        }
    }
    for model in ["", "a?b"] {
        let create = caches.create(model).set_contents(["x"]);
        let error = create.clone().send().await.unwrap_err();
        assert_eq!(error.field(), Some("model"));
        let once = create.clone().send_once().await.unwrap_err();
        let tried = create.send_if_supported().await.unwrap_err();
        assert_eq!(once.to_string(), error.to_string());
        assert_eq!(tried.to_string(), error.to_string());
    }
    assert_eq!(http.request_count(), 0);
}

/// Covers: caches.list
#[tokio::test]
async fn a_list_is_a_stream_and_loses_nothing_to_one_bad_element() {
    let page = |items: Value, next: Value| {
        let body = json!({"cachedContents": items, "nextPageToken": next});
        Reply::json(200, body.to_string())
    };
    let (caches, http) = caches([
        page(
            json!([{"name": "a"}, {"name": 7}, {"name": "b"}]),
            json!("2"),
        ),
        page(json!([{"name": "c"}]), json!(null)),
    ]);
    let mut names = Vec::new();
    let mut errors = Vec::new();
    let mut list = caches.list().set_page_size(3).items();
    while let Some(item) = list.next().await {
        match item {
            Ok(cache) => names.extend(cache.name),
            Err(error) => errors.push(error),
        }
    }
    assert_eq!(names, ["a", "b", "c"]);
    assert_eq!(errors.len(), 1);
    assert_eq!(
        errors[0].to_string(),
        "reply could not be read: invalid type: integer `7`, expected a string"
    );
    assert!(
        errors[0]
            .payload()
            .is_some_and(|raw| raw == r#"{"name":7}"#)
    );
    assert_eq!(list.head().map(|head| head.status.as_u16()), Some(200));
    assert_eq!(http.request_count(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_same_content_is_created_once() {
    let (caches, http) = caches([lasting("cachedContents/a"), lasting("cachedContents/b")]);
    let call = || about(&caches, "handbook").set_ttl("600s");
    let names = join_all((0..50).map(|_| name_of(call()))).await;
    assert!(names.iter().all(|name| name == "cachedContents/a"));
    // Later as well, under any name for people and for any time.
    let other = call().set_ttl("60s").set_display_name("mine");
    assert_eq!(name_of(other).await, "cachedContents/a");
    assert_eq!(http.request_count(), 1);
    // Other content is another cache, and so is another key.
    assert_eq!(name_of(about(&caches, "another")).await, "cachedContents/b");
    assert_eq!(http.request_count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_caller_who_leaves_harms_nobody() {
    let (caches, http) = caches([lasting("a"), lasting("b")]);
    let call = || about(&caches, "handbook");
    let first = timeout(Duration::from_millis(500), call().send_once());
    let (left, stayed) = tokio::join!(first, name_of(call()));
    assert!(left.is_err(), "the first caller left");
    assert_eq!((stayed.as_str(), http.request_count()), ("a", 1));

    // When everybody leaves, the request is given up, and the next call makes its own.
    let alone = about(&caches, "another");
    let left = timeout(Duration::from_millis(500), alone.clone().send_once()).await;
    assert!(left.is_err());
    http.push(lasting("c"));
    assert_eq!(name_of(alone).await, "c");
    assert_eq!(http.request_count(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_everybodys_and_the_next_call_tries_again() {
    let (caches, http) = caches([
        refusal(503, "busy").with_delay(Duration::from_secs(1)),
        lasting("a"),
    ]);
    let call = || about(&caches, "handbook").send_once();
    let outcomes = join_all((0..5).map(|_| call())).await;
    for outcome in outcomes {
        let error = outcome.unwrap_err();
        assert_eq!(error.to_string(), "http 503 service unavailable: busy");
    }
    assert_eq!(http.request_count(), 1);
    assert!(call().await.is_ok());
}

/// Covers: caches.delete, caches.update
#[tokio::test(start_paused = true)]
async fn what_is_gone_is_created_anew() {
    let past = cache("projects-are-not-here", "2001-01-01T00:00:00Z");
    let nothing = || Reply::json(200, "{}");
    let (caches, http) = caches([
        past,
        lasting("cachedContents/b"),
        nothing(),
        lasting("cachedContents/c"),
        nothing(),
        lasting("cachedContents/d"),
        lasting("cachedContents/e"),
    ]);
    let next = || name_of(about(&caches, "handbook"));
    assert_eq!(next().await, "projects-are-not-here");
    assert_eq!(
        next().await,
        "cachedContents/b",
        "the first one has expired"
    );
    // By its short name as well.
    caches.delete("b").send().await.unwrap();
    assert_eq!(next().await, "cachedContents/c");
    caches
        .update("cachedContents/c")
        .set_ttl("60s")
        .send()
        .await
        .unwrap();
    assert_eq!(next().await, "cachedContents/d");
    caches.forget("cachedContents/x");
    assert_eq!(next().await, "cachedContents/d");
    caches.forget("cachedContents/d");
    assert_eq!(next().await, "cachedContents/e");
    assert_eq!(http.remaining(), 0);
}

#[tokio::test(start_paused = true)]
async fn many_are_created_a_few_at_once_and_in_order() {
    let (caches, http) = caches([
        lasting("0"),
        refusal(400, "no").with_delay(Duration::from_secs(1)),
        lasting("2"),
        lasting("4"),
    ]);
    // The fourth repeats the first.
    let texts = ["0", "1", "2", "0", "4"];
    let calls = texts.map(|text| about(&caches, text));
    let begun = tokio::time::Instant::now();
    let two = NonZeroUsize::new(2).unwrap();
    let outcomes = caches.create_many(calls).with_concurrency(two).send().await;
    let names: Vec<_> = outcomes
        .into_iter()
        .map(|outcome| {
            outcome
                .ok()
                .and_then(|reply| reply.into_body().name)
                .unwrap_or_default()
        })
        .collect();
    assert_eq!(names, ["0", "", "2", "0", "4"]);
    assert_eq!(http.request_count(), 4);
    assert_eq!(begun.elapsed(), Duration::from_secs(2), "two at once");

    http.push(lasting("5"));
    let calls = ["0", "5"].map(|text| about(&caches, text));
    let mut items = std::pin::pin!(caches.create_many(calls).items());
    let (first, outcome) = items.next().await.unwrap();
    assert_eq!((first, outcome.is_ok()), (0, true));
    assert_eq!(items.next().await.map(|(index, _)| index), Some(1));
}

#[test]
fn what_is_known_of_models() {
    let (caches, _) = caches([]);
    let known = |model: &str| caches.support(model).unwrap();
    let min_tokens = Some(2048);
    assert_eq!(
        known("models/gemini-2.5-pro"),
        CacheSupport::Available { min_tokens }
    );
    assert_eq!(known("gemini-99-moon"), CacheSupport::Unknown);
    assert!(known("gemini-99-moon").is_worth_trying());
    assert_eq!(
        vertex_express().support(MODEL).unwrap(),
        CacheSupport::Unavailable(NoCache::NoProject)
    );
    assert_eq!(caches.support("a?b").unwrap_err().field(), Some("model"));
}

/// Covers: models.get
#[tokio::test]
async fn the_service_is_asked_what_a_model_can() {
    let model = |methods: Value| {
        let body = json!({"name": "models/m", "supportedGenerationMethods": methods});
        Reply::json(200, body.to_string())
    };
    let (caches, http) = caches([
        model(json!(["generateContent", "createCachedContent"])),
        model(json!(["generateContent"])),
        model(json!([])),
    ]);
    let check = || caches.check_support("m").send();
    assert_eq!(
        check().await.unwrap(),
        CacheSupport::Available { min_tokens: None }
    );
    let CacheSupport::Unavailable(why) = check().await.unwrap() else {
        panic!("the model does not name the method");
    };
    assert_eq!(why.to_string(), "models/m reads from no context caches");
    assert_eq!(check().await.unwrap(), CacheSupport::Unknown);
    assert_eq!(http.requests()[0].path_and_query(), "/v1/models/m");
    let express = vertex_express().check_support(MODEL).send().await.unwrap();
    assert!(!express.is_worth_trying());
}

/// Covers: caches.create
#[tokio::test(start_paused = true)]
async fn where_there_are_no_caches_the_reason_is_told() {
    let small = "Cached content is too small. total_token_count=896, min_total_token_count=1024";
    let plan = "TotalCachedContentStorageTokensPerModelFreeTier limit exceeded for model m: \
                limit=0, requested=5000";
    let model = "models/m is not found for API version v1, or is not supported for \
                 createCachedContent. Call ListModels to see the list of available models.";
    for (reply, reason) in [
        (
            refusal(400, small),
            "the content has 896 tokens, and a cache has at least 1024",
        ),
        (
            refusal(429, plan),
            "the account has no room for caches of this model; see its plan",
        ),
        (
            refusal(404, model),
            "gemini-2.5-flash reads from no context caches",
        ),
        (Reply::status(404), "the service has no context caches"),
    ] {
        let (one, _) = caches([reply]);
        let creation = about(&one, "x").send_if_supported().await.unwrap();
        assert_eq!(creation.name(), None);
        let Creation::Unavailable(why) = creation else {
            panic!("{reason}");
        };
        assert_eq!(why.to_string(), reason);
    }
    let creation = about(&vertex_express(), "x")
        .send_if_supported()
        .await
        .unwrap();
    assert!(matches!(
        creation,
        Creation::Unavailable(NoCache::NoProject)
    ));

    // Everything else is an error as ever.
    for reply in [
        refusal(400, "bad tool"),
        refusal(401, "who?"),
        refusal(503, "busy"),
    ] {
        let (one, _) = caches([reply]);
        assert!(about(&one, "x").send_if_supported().await.is_err());
    }
    let (caches, _) = caches([lasting("cachedContents/a")]);
    let creation = about(&caches, "x").send_if_supported().await.unwrap();
    assert_eq!(creation.name(), Some("cachedContents/a"));
}
