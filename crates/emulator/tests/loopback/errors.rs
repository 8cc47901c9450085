//! Refusals that any call can meet: keys, unknown fields, broken bodies, unknown paths.

use gimmal_emulator::Emulator;
use reqwest::Method;
use serde_json::json;

use crate::client::{MODEL, Session, answer, ask};

#[tokio::test]
async fn a_key_is_needed_and_any_will_do() {
    let session = Session::plain().await;
    let missing = answer(session.bare(Method::GET, "v1beta/models")).await;
    let message = missing.refused(403, "PERMISSION_DENIED");
    assert!(
        message.starts_with("Method doesn't allow unregistered callers"),
        "{message}"
    );
    answer(session.bare(Method::GET, "v1beta/models?key=anything"))
        .await
        .ok();
    let empty = answer(session.bare(Method::GET, "v1beta/models?key=")).await;
    empty.refused(403, "PERMISSION_DENIED");
}

#[tokio::test]
async fn a_wrong_key_is_told_apart() {
    let session = Session::start(Emulator::builder().with_api_key("right")).await;
    let wrong = session.get("v1beta/models").await;
    assert_eq!(
        wrong.refused(400, "INVALID_ARGUMENT"),
        "API key not valid. Please pass a valid API key."
    );
    let info = &wrong.body["error"]["details"][0];
    assert_eq!(info["@type"], "type.googleapis.com/google.rpc.ErrorInfo");
    assert_eq!(
        (&info["reason"], &info["domain"]),
        (&json!("API_KEY_INVALID"), &json!("googleapis.com"))
    );
    session.with_key("right").get("v1beta/models").await.ok();
}

#[tokio::test]
async fn unknown_fields_are_named() {
    let session = Session::plain().await;
    let mut body = ask("x");
    body["temprature"] = json!(1);
    let answer = session.generate(&body).await;
    assert_eq!(
        answer.refused(400, "INVALID_ARGUMENT"),
        "Invalid JSON payload received. Unknown name \"temprature\": Cannot find field."
    );
    let violation = &answer.body["error"]["details"][0];
    assert_eq!(
        violation["@type"],
        "type.googleapis.com/google.rpc.BadRequest"
    );
    let mut body = ask("x");
    body["generation_config"] = json!({ "max_tokens": 1 });
    let answer = session.generate(&body).await;
    let message = answer.refused(400, "INVALID_ARGUMENT");
    assert!(
        message.ends_with("at 'generation_config': Cannot find field."),
        "{message}"
    );
}

#[tokio::test]
async fn bodies_that_are_not_messages_are_refused() {
    let session = Session::plain().await;
    let path = format!("v1beta/models/{MODEL}:generateContent");
    for body in ["{\"contents\":", "[]", "7", ""] {
        let request = session.request(Method::POST, &path).body(body);
        answer(request).await.refused(400, "INVALID_ARGUMENT");
    }
    for contents in [
        json!([]),
        json!([{ "role": "system", "parts": [{ "text": "x" }] }]),
        json!("x"),
    ] {
        let answer = session.generate(&json!({ "contents": contents })).await;
        answer.refused(400, "INVALID_ARGUMENT");
    }
}

#[tokio::test]
async fn what_is_not_served_is_not_found() {
    let session = Session::plain().await;
    let answer = session.get("v1beta/somethingElse").await;
    let message = answer.refused(404, "NOT_FOUND");
    assert_eq!(
        message,
        "The emulator does not serve /v1beta/somethingElse."
    );
}
