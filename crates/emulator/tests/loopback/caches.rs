//! Cached contents: their life, their owners, and answering from them.

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use gimmal_emulator::{Emulator, EmulatorBuilder, ManualClock};
use serde_json::{Value, json};

use crate::client::{FACT, MODEL, Session, ask, text};

const GONE: &str = "CachedContent not found (or permission denied)";

fn on_clock() -> (EmulatorBuilder, ManualClock) {
    let clock = ManualClock::new();
    (
        Emulator::builder().with_clock(Arc::new(clock.clone())),
        clock,
    )
}

fn path(cache: &Value) -> String {
    format!("v1beta/{}", cache["name"].as_str().expect("a name"))
}

fn ask_from(cache: &Value, question: &str) -> Value {
    let mut body = ask(question);
    body["cachedContent"] = cache["name"].clone();
    body
}

#[tokio::test]
async fn a_new_cache_tells_everything_but_its_contents() {
    let (builder, _clock) = on_clock();
    let session = Session::start(builder).await;
    let cache = session
        .create_cache(json!({ "displayName": "hotel" }))
        .await
        .ok();
    assert!(
        cache["name"]
            .as_str()
            .expect("a name")
            .starts_with("cachedContents/")
    );
    assert_eq!(cache["model"], format!("models/{MODEL}"));
    assert_eq!(cache["displayName"], "hotel");
    assert_eq!(cache["createTime"], "2026-01-01T00:00:00Z");
    assert_eq!(cache["updateTime"], "2026-01-01T00:00:00Z");
    assert_eq!(cache["expireTime"], "2026-01-01T01:00:00Z");
    assert!(cache["usageMetadata"]["totalTokenCount"].as_u64() > Some(4096));
    assert!(cache.get("contents").is_none());
    assert_eq!(session.get(&path(&cache)).await.ok(), cache);
}

#[tokio::test]
async fn it_expires_on_the_clock() {
    let (builder, clock) = on_clock();
    let session = Session::start(builder).await;
    let cache = session.create_cache(json!({ "ttl": "3.5s" })).await.ok();
    assert_eq!(cache["expireTime"], "2026-01-01T00:00:03.5Z");
    clock.advance(Duration::from_millis(3_499));
    session.get(&path(&cache)).await.ok();
    clock.advance(Duration::from_millis(1));
    for answer in [
        session.get(&path(&cache)).await,
        session.patch(&path(&cache), &json!({ "ttl": "9s" })).await,
        session.delete(&path(&cache)).await,
        session.generate(&ask_from(&cache, "keys?")).await,
    ] {
        assert_eq!(answer.refused(403, "PERMISSION_DENIED"), GONE);
    }
    assert_eq!(session.get("v1beta/cachedContents").await.ok(), json!({}));
}

#[tokio::test]
async fn updating_moves_the_expiry_and_nothing_else() {
    let (builder, clock) = on_clock();
    let session = Session::start(builder).await;
    let cache = session.create_cache(json!({})).await.ok();
    clock.advance(Duration::from_secs(60));
    let path = path(&cache);
    let updated = session.patch(&path, &json!({ "ttl": "7200s" })).await.ok();
    assert_eq!(updated["expireTime"], "2026-01-01T02:01:00Z");
    assert_eq!(updated["updateTime"], "2026-01-01T00:01:00Z");
    assert_eq!(updated["createTime"], cache["createTime"]);
    let time = json!({ "expire_time": "2026-01-02T00:00:00+00:00" });
    let masked = format!("{path}?updateMask=expire_time");
    assert_eq!(
        session.patch(&masked, &time).await.ok()["expireTime"],
        "2026-01-02T00:00:00Z"
    );
    let both = json!({ "ttl": "1s", "expireTime": "2027-01-01T00:00:00Z" });
    assert!(
        session
            .patch(&path, &both)
            .await
            .refused(400, "INVALID_ARGUMENT")
            .contains("oneof")
    );
    let contents = json!({ "contents": [{ "parts": [{ "text": "x" }] }] });
    session
        .patch(&path, &contents)
        .await
        .refused(400, "INVALID_ARGUMENT");
    let masked = format!("{path}?updateMask=displayName");
    session
        .patch(&masked, &json!({ "displayName": "x" }))
        .await
        .refused(400, "INVALID_ARGUMENT");
}

#[tokio::test]
async fn deleting_ends_it() {
    let session = Session::plain().await;
    let cache = session.create_cache(json!({})).await.ok();
    assert_eq!(session.delete(&path(&cache)).await.ok(), json!({}));
    assert_eq!(
        session
            .get(&path(&cache))
            .await
            .refused(403, "PERMISSION_DENIED"),
        GONE
    );
    assert_eq!(
        session
            .delete(&path(&cache))
            .await
            .refused(403, "PERMISSION_DENIED"),
        GONE
    );
}

#[tokio::test]
async fn another_key_sees_nothing_of_it() {
    let session = Session::plain().await;
    let cache = session.create_cache(json!({})).await.ok();
    let session = session.with_key("somebody-else");
    assert_eq!(
        session
            .get(&path(&cache))
            .await
            .refused(403, "PERMISSION_DENIED"),
        GONE
    );
    assert_eq!(session.get("v1beta/cachedContents").await.ok(), json!({}));
}

#[tokio::test]
async fn pages_survive_deletions() {
    let session = Session::plain().await;
    let mut made = Vec::new();
    for n in 0..7 {
        let cache = session
            .create_cache(json!({ "displayName": n.to_string() }))
            .await
            .ok();
        made.push(cache);
    }
    let page = session.get("v1beta/cachedContents?pageSize=3").await.ok();
    let shown = |page: &Value| -> Vec<String> {
        let caches = page["cachedContents"].as_array().expect("caches");
        caches
            .iter()
            .filter_map(|c| c["displayName"].as_str())
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(shown(&page), ["0", "1", "2"]);
    session.delete(&path(&made[1])).await.ok();
    let token = page["nextPageToken"].as_str().expect("a token");
    let page = format!("v1beta/cachedContents?page_size=3&page_token={token}");
    let page = session.get(&page).await.ok();
    assert_eq!(shown(&page), ["3", "4", "5"]);
    let token = page["nextPageToken"].as_str().expect("a token");
    let page = session
        .get(&format!("v1beta/cachedContents?pageToken={token}"))
        .await
        .ok();
    assert_eq!(shown(&page), ["6"]);
    assert!(page.get("nextPageToken").is_none());
    let bad = session
        .get("v1beta/cachedContents?pageToken=nonsense")
        .await;
    bad.refused(400, "INVALID_ARGUMENT");
}

#[tokio::test]
async fn answers_come_from_the_cache_and_say_so() {
    let session = Session::plain().await;
    let cache = session.create_cache(json!({})).await.ok();
    let body = session
        .generate(&ask_from(&cache, "Where are the spare keys?"))
        .await
        .ok();
    assert!(text(&body, 0).contains(FACT), "{body}");
    let usage = &body["usageMetadata"];
    assert_eq!(
        usage["cachedContentTokenCount"],
        cache["usageMetadata"]["totalTokenCount"]
    );
    assert_eq!(usage["cacheTokensDetails"][0]["modality"], "TEXT");
    assert_eq!(
        usage["promptTokenCount"].as_u64().expect("a count"),
        usage["cachedContentTokenCount"].as_u64().expect("a count") + 6,
        "the prompt count includes the cached tokens"
    );
    let path = format!("v1/models/{MODEL}:generateContent");
    let other = session
        .post(&path, &ask_from(&cache, "Where are the spare keys?"))
        .await
        .ok();
    assert_eq!(other["candidates"], body["candidates"]);
}

#[tokio::test]
async fn a_cache_brings_its_tools() {
    let session = Session::plain().await;
    let tools = json!({
        "tools": [{ "functionDeclarations": [{ "name": "ring_bell" }] }],
        "toolConfig": { "functionCallingConfig": { "mode": "ANY" } }
    });
    let cache = session.create_cache(tools).await.ok();
    let body = session.generate(&ask_from(&cache, "hello")).await.ok();
    let part = &body["candidates"][0]["content"]["parts"][0];
    assert_eq!(part["functionCall"]["name"], "ring_bell");
}

#[tokio::test]
async fn what_does_not_go_with_a_cache_is_refused() {
    let session = Session::plain().await;
    let cache = session.create_cache(json!({})).await.ok();
    for (key, value) in [
        ("systemInstruction", json!({ "parts": [{ "text": "x" }] })),
        ("tools", json!([{ "googleSearch": {} }])),
        ("tool_config", json!({})),
    ] {
        let mut body = ask_from(&cache, "x");
        body[key] = value;
        let answer = session.generate(&body).await;
        assert_eq!(
            answer.refused(400, "INVALID_ARGUMENT"),
            "CachedContent can not be used with GenerateContent request setting \
             system_instruction, tools or tool_config.\n\nProposed fix: move those values to \
             CachedContent from GenerateContent request."
        );
    }
    let path = "v1beta/models/gemini-2.5-pro:generateContent";
    let answer = session.post(path, &ask_from(&cache, "x")).await;
    assert_eq!(
        answer.refused(400, "INVALID_ARGUMENT"),
        "Model used by GenerateContent request (models/gemini-2.5-pro) and CachedContent \
         (models/gemini-2.5-flash) has to be the same."
    );
    let unknown = json!({ "name": "cachedContents/nope" });
    let answer = session.generate(&ask_from(&unknown, "x")).await;
    assert_eq!(answer.refused(403, "PERMISSION_DENIED"), GONE);
}

#[tokio::test]
async fn a_small_cache_is_refused_with_both_counts() {
    let session = Session::plain().await;
    let small = |model: &str| {
        let mut body = ask("three small words");
        body["model"] = format!("models/{model}").into();
        body
    };
    for (model, least) in [
        ("gemini-2.5-pro", 2048),
        ("gemini-3-pro-preview", 4096),
        ("gemini-2.0-flash", 4096),
    ] {
        let answer = session.post("v1beta/cachedContents", &small(model)).await;
        assert_eq!(
            answer.refused(400, "INVALID_ARGUMENT"),
            format!(
                "Cached content is too small. total_token_count=3, min_total_token_count={least}"
            )
        );
    }
    let builder = Emulator::builder()
        .with_min_cache_tokens_for("gemini-3", 10)
        .with_min_cache_tokens_for("gemini-2.5", 3);
    let session = Session::start(builder).await;
    session
        .post("v1beta/cachedContents", &small("gemini-2.5-pro"))
        .await
        .ok();
    let answer = session
        .post("v1beta/cachedContents", &small("gemini-3-pro-preview"))
        .await;
    assert!(
        answer
            .refused(400, "INVALID_ARGUMENT")
            .ends_with("min_total_token_count=10")
    );
}

#[tokio::test]
async fn create_checks_its_fields() {
    let session = Session::plain().await;
    let cases = [
        (
            json!({ "ttl": "1s", "expireTime": "2030-01-01T00:00:00Z" }),
            "oneof field 'expiration'",
        ),
        (json!({ "ttl": "60" }), "Illegal duration format"),
        (
            json!({ "expireTime": "2030-01-01T00:00:00" }),
            "Illegal timestamp format",
        ),
        (
            json!({ "expireTime": "2001-01-01T00:00:00Z" }),
            "in the future",
        ),
        (json!({ "displayName": "x".repeat(129) }), "display_name"),
        (json!({ "contents": [] }), "contents is not specified"),
        (json!({ "model": MODEL }), "unexpected model name format"),
        (
            json!({ "config": {} }),
            "Unknown name \"config\" at 'cached_content'",
        ),
    ];
    for (extra, expected) in cases {
        let answer = session.create_cache(extra).await;
        let message = answer.refused(400, "INVALID_ARGUMENT");
        assert!(message.contains(expected), "{message}");
    }
    let longest = json!({ "displayName": "é".repeat(128) });
    session.create_cache(longest).await.ok();
    for model in [
        "models/nope",
        "models/gemini-4-argon",
        "models/publishers/google/models/x",
    ] {
        session
            .create_cache(json!({ "model": model }))
            .await
            .refused(404, "NOT_FOUND");
    }
}

#[tokio::test]
async fn the_free_tier_has_no_storage() {
    let session = Session::start(Emulator::builder().with_cache_storage_limit(0)).await;
    let answer = session.create_cache(json!({})).await;
    let message = answer.refused(429, "RESOURCE_EXHAUSTED");
    let expected = format!(
        "TotalCachedContentStorageTokensPerModelFreeTier limit exceeded for model {MODEL}: \
         limit=0, requested="
    );
    assert!(message.starts_with(&expected), "{message}");
    let roomy = Session::start(Emulator::builder().with_cache_storage_limit(10_000)).await;
    roomy.create_cache(json!({})).await.ok();
    roomy
        .create_cache(json!({}))
        .await
        .refused(429, "RESOURCE_EXHAUSTED");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn creates_at_the_same_time_keep_to_the_storage_limit() {
    let session = Session::plain().await;
    let cache = session.create_cache(json!({})).await.ok();
    let tokens = &cache["usageMetadata"]["totalTokenCount"];
    let limit = tokens.as_u64().expect("a count") * 3;
    let session = Session::start(Emulator::builder().with_cache_storage_limit(limit)).await;
    let answers = join_all((0..12).map(|_| session.create_cache(json!({})))).await;
    let made = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(made, 3);
    for answer in answers.iter().filter(|answer| answer.status != 200) {
        answer.refused(429, "RESOURCE_EXHAUSTED");
    }
    let page = session.get("v1beta/cachedContents").await.ok();
    assert_eq!(page["cachedContents"].as_array().expect("caches").len(), 3);
}
