//! Ephemeral tokens: how they are made, and what sessions they open.

use std::{sync::Arc, time::Duration};

use gimmal_emulator::{Emulator, ManualClock};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    client::Session,
    socket::{MODEL, Socket, method, words},
};

async fn create(session: &Session, body: Value) -> Value {
    let request = session.request(Method::POST, "v1alpha/auth_tokens");
    let response = request
        .body(body.to_string())
        .send()
        .await
        .expect("a reply");
    let text = response.text().await.expect("a text");
    serde_json::from_str(&text).expect("JSON")
}

/// Opens a session with a token, in either place; the first message, or how it ended.
async fn open(
    session: &Session,
    token: &str,
    setup: Value,
    in_query: bool,
) -> Result<Socket, (u16, String)> {
    let mut path = method("BidiGenerateContentConstrained");
    let header = format!("Token {token}");
    let mut headers = vec![("authorization", header.as_str())];
    if in_query {
        path = format!("{path}?access_token={token}");
        headers.clear();
    }
    let socket = Socket::try_open(&session.emulator, &path, &headers).await;
    let mut socket = socket.expect("open");
    socket.say(json!({ "setup": setup })).await;
    socket.next().await.map(|_| socket)
}

#[tokio::test]
async fn a_token_opens_its_sessions_and_ends_them() {
    let clock = ManualClock::new();
    let builder = Emulator::builder().with_clock(Arc::new(clock.clone()));
    let session = Session::start(builder).await;
    let token = create(
        &session,
        json!({"uses": 2, "expireTime": "2026-01-01T00:05:00Z"}),
    )
    .await;
    let name = token["name"].as_str().expect("a name").to_owned();
    assert!(name.starts_with("auth_tokens/"));
    assert_eq!(token["expireTime"], "2026-01-01T00:05:00Z");
    assert_eq!(token["newSessionExpireTime"], "2026-01-01T00:01:00Z");
    let setup = json!({"model": format!("models/{MODEL}"),
        "generationConfig": {"responseModalities": ["TEXT"]}});
    let mut first = open(&session, &name, setup.clone(), false)
        .await
        .expect("a session");
    assert!(open(&session, &name, setup.clone(), true).await.is_ok());
    let (code, reason) = open(&session, &name, setup.clone(), false)
        .await
        .err()
        .expect("closed");
    assert_eq!(
        (code, reason.as_str()),
        (1008, "Token has been used the maximum number of times.")
    );
    first.ask("Hi.").await;
    assert!(!words(&first.turn().await).is_empty());
    clock.advance(Duration::from_secs(241));
    assert!(first.hear().await["goAway"].is_object());
    clock.advance(Duration::from_secs(60));
    assert_eq!(first.end().await.0, 1011, "the token has run out");
    let (code, reason) = open(&session, &name, setup, false)
        .await
        .err()
        .expect("closed");
    assert_eq!((code, reason.as_str()), (1008, "Token has expired."));
}

#[tokio::test]
async fn a_token_holds_its_user_to_what_it_says() {
    let session = Session::plain().await;
    let text = json!({"model": format!("models/{MODEL}"),
        "generationConfig": {"responseModalities": ["TEXT"]}});
    let token = create(&session, json!({ "bidiGenerateContentSetup": text })).await;
    let name = token["name"].as_str().expect("a name");
    let other =
        json!({"model": "models/none", "generationConfig": {"responseModalities": ["AUDIO"]}});
    let mut socket = open(&session, name, other.clone(), false)
        .await
        .expect("a session");
    socket.ask("Hi.").await;
    assert!(
        !words(&socket.turn().await).is_empty(),
        "in text, by the model of the token"
    );

    let masked = json!({"bidiGenerateContentSetup": text, "uses": 0,
        "fieldMask": "generationConfig.response_modalities"});
    let token = create(&session, masked).await;
    let name = token["name"].as_str().expect("a name");
    let (code, _) = open(&session, name, other.clone(), false)
        .await
        .err()
        .expect("closed");
    assert_eq!(code, 1008, "the model is the user's choice");
    let mut known = other;
    known["model"] = text["model"].clone();
    let mut socket = open(&session, name, known, false).await.expect("a session");
    socket.ask("Hi.").await;
    assert!(!words(&socket.turn().await).is_empty(), "the form is not");
}

#[tokio::test]
async fn bad_tokens_are_refused() {
    let session = Session::plain().await;
    let setup = json!({"model": format!("models/{MODEL}")});
    let (code, reason) = open(&session, "auth_tokens/none", setup.clone(), false)
        .await
        .err()
        .expect("closed");
    assert_eq!((code, reason.as_str()), (1008, "Token is not valid."));
    // A key is none.
    let path = method("BidiGenerateContentConstrained");
    let headers = [("x-goog-api-key", "k")];
    let mut socket = Socket::try_open(&session.emulator, &path, &headers)
        .await
        .expect("open");
    socket.say(json!({ "setup": setup })).await;
    assert_eq!(socket.end().await.0, 1008);
    for (body, expected) in [
        (json!({"uses": -1}), "uses must not be negative"),
        (
            json!({"expireTime": "2020-01-01T00:00:00Z"}),
            "must be in the future",
        ),
        (
            json!({"expireTime": "2999-01-01T00:00:00Z"}),
            "less than 20 hours",
        ),
        (
            json!({"expireTime": "soon"}),
            "Invalid value at 'auth_token.expire_time'",
        ),
        (
            json!({"fieldMask": "model"}),
            "together with bidi_generate_content_setup",
        ),
        (
            json!({"bidiGenerateContentSetup": {"speed": 1}}),
            "Unknown name \"speed\" at 'auth_token.bidi_generate_content_setup'",
        ),
    ] {
        let reply = create(&session, body).await;
        let message = reply["error"]["message"].as_str().expect("an error");
        assert!(message.contains(expected), "{message}");
    }
}
