//! The Vertex path form: names, credentials and the refusals that differ.

use std::{sync::Arc, time::Duration};

use gimmal_emulator::{Emulator, ManualClock};
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

use crate::client::{FACT, MODEL, Session, answer, ask, long_document, text};

const PARENT: &str = "projects/p/locations/us-central1";

fn signed(session: &Session, method: Method, path: &str, body: &Value) -> RequestBuilder {
    let request = session
        .bare(method, &format!("v1beta1/{path}"))
        .bearer_auth("token");
    if body.is_null() {
        request
    } else {
        request.body(body.to_string())
    }
}

fn create(model: &str) -> Value {
    json!({
        "model": format!("{PARENT}/publishers/google/models/{model}"),
        "contents": [{ "role": "user", "parts": [{ "text": long_document() }] }],
        "ttl": "60s"
    })
}

#[tokio::test]
async fn a_cache_lives_under_its_project() {
    let clock = ManualClock::new();
    let session = Session::start(Emulator::builder().with_clock(Arc::new(clock.clone()))).await;
    let call = |method, path: String, body: Value| answer(signed(&session, method, &path, &body));
    let caches = format!("{PARENT}/cachedContents");
    let cache = call(Method::POST, caches.clone(), create(MODEL)).await.ok();
    let name = cache["name"].as_str().expect("a name").to_owned();
    assert!(name.starts_with(&format!("{caches}/")), "{name}");
    assert_eq!(
        cache["model"],
        format!("{PARENT}/publishers/google/models/{MODEL}")
    );
    assert_eq!(
        call(Method::GET, name.clone(), Value::Null).await.ok(),
        cache
    );
    let listed = call(Method::GET, caches.clone(), Value::Null).await.ok();
    assert_eq!(listed["cachedContents"], json!([cache]));
    let elsewhere = "projects/q/locations/us-central1/cachedContents".to_owned();
    assert_eq!(
        call(Method::GET, elsewhere, Value::Null).await.ok(),
        json!({})
    );

    let generate = format!("{PARENT}/publishers/google/models/{MODEL}:generateContent");
    let mut body = ask("Where are the spare keys?");
    body["cachedContent"] = name.clone().into();
    let answered = call(Method::POST, generate.clone(), body.clone())
        .await
        .ok();
    assert!(text(&answered, 0).contains(FACT));
    assert_eq!(answered["createTime"], "2026-01-01T00:00:00Z");
    assert_eq!(answered["usageMetadata"]["trafficType"], "ON_DEMAND");

    clock.advance(Duration::from_secs(60));
    let id = name.rsplit('/').next().expect("an id");
    let expired = call(Method::POST, generate.clone(), body.clone()).await;
    assert_eq!(
        expired.refused(400, "INVALID_ARGUMENT"),
        format!("Cache content {id} is expired")
    );
    body["cachedContent"] = format!("{caches}/1").into();
    call(Method::POST, generate, body)
        .await
        .refused(404, "NOT_FOUND");
    call(Method::DELETE, format!("{caches}/1"), Value::Null)
        .await
        .refused(404, "NOT_FOUND");
}

#[tokio::test]
async fn refusals_in_the_words_of_vertex() {
    let session = Session::plain().await;
    let call = |path: &str, body: Value| {
        answer(signed(
            &session,
            Method::POST,
            &format!("{PARENT}/{path}"),
            &body,
        ))
    };
    let mut small = ask("a b");
    small["model"] = format!("{PARENT}/publishers/google/models/{MODEL}").into();
    let answered = call("cachedContents", small).await;
    assert_eq!(
        answered.refused(400, "INVALID_ARGUMENT"),
        "The cached content is of 2 tokens. The minimum token count to start caching is 2048."
    );
    let answered = call("publishers/google/models/nope:generateContent", ask("x")).await;
    assert!(
        answered
            .refused(404, "NOT_FOUND")
            .starts_with("Publisher Model `projects/p/")
    );
    let store = json!({ "contents": ask("x")["contents"], "store": true });
    let answered = call(
        &format!("publishers/google/models/{MODEL}:generateContent"),
        store,
    )
    .await;
    assert!(
        answered
            .refused(400, "INVALID_ARGUMENT")
            .contains("Unknown name \"store\"")
    );
    let nobody = session.bare(Method::GET, "v1/publishers/google/models");
    answer(nobody).await.refused(401, "UNAUTHENTICATED");
}

#[tokio::test]
async fn models_are_publisher_models() {
    let session = Session::plain().await;
    let path = "publishers/google/models?pageSize=2";
    let page = answer(signed(&session, Method::GET, path, &Value::Null))
        .await
        .ok();
    let models = page["publisherModels"].as_array().expect("models");
    assert_eq!(models.len(), 2);
    assert!(
        models[0]["name"]
            .as_str()
            .expect("a name")
            .starts_with("publishers/google/models/")
    );
    let path = format!("publishers/google/models/{MODEL}");
    let model = answer(signed(&session, Method::GET, &path, &Value::Null))
        .await
        .ok();
    assert_eq!(model["name"], path);
}

#[tokio::test]
async fn express_calls_use_a_key_and_no_project() {
    let session = Session::plain().await;
    let path = format!("v1beta1/publishers/google/models/{MODEL}:generateContent");
    assert!(!text(&session.post(&path, &ask("hello")).await.ok(), 0).is_empty());
    let path = format!("v1beta1/publishers/google/models/{MODEL}:countTokens");
    let mut body = ask("hello there");
    body["systemInstruction"] = json!({ "parts": [{ "text": "be brief" }] });
    assert_eq!(session.post(&path, &body).await.ok()["totalTokens"], 4);
}
