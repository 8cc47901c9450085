//! Ephemeral tokens: what they are made with and what is refused.

use std::sync::Arc;

use gimmal_emulator::{Emulator, ManualClock, Route};
use serde_json::json;

use crate::client::Session;

#[tokio::test]
async fn a_token_is_made_with_defaults_on_the_clock() {
    let clock = ManualClock::new();
    let session = Session::start(Emulator::builder().with_clock(Arc::new(clock))).await;
    let token = session.post("v1alpha/auth_tokens", &json!({})).await.ok();
    assert!(
        token["name"]
            .as_str()
            .expect("a name")
            .starts_with("auth_tokens/")
    );
    assert_eq!(token["uses"], 1);
    assert_eq!(token["expireTime"], "2026-01-01T00:30:00Z");
    assert_eq!(token["newSessionExpireTime"], "2026-01-01T00:01:00Z");
    let unlimited = session
        .post("v1alpha/auth_tokens", &json!({ "uses": 0 }))
        .await
        .ok();
    assert!(unlimited.get("uses").is_none());
    assert_ne!(unlimited["name"], token["name"]);
    assert_eq!(session.emulator.journal().count(Route::CreateAuthToken), 2);
}

#[tokio::test]
async fn what_a_token_cannot_hold_to_is_refused() {
    let clock = ManualClock::new();
    let session = Session::start(Emulator::builder().with_clock(Arc::new(clock))).await;
    let setup = json!({ "model": "models/gemini-live", "generation_config": { "temperature": 1 } });
    let good = json!({
        "bidiGenerateContentSetup": setup,
        "fieldMask": "generation_config.temperature,tools",
    });
    session.post("v1alpha/auth_tokens", &good).await.ok();
    for (body, part) in [
        (
            json!({ "expireTime": "2025-12-31T00:00:00Z" }),
            "in the future",
        ),
        (json!({ "expireTime": "2026-01-02T00:00:00Z" }), "20 hours"),
        (
            json!({ "expireTime": "tomorrow" }),
            "auth_token.expire_time",
        ),
        (json!({ "uses": -1 }), "negative"),
        (json!({ "fieldMask": "tools" }), "together with"),
        (
            json!({ "bidiGenerateContentSetup": setup, "fieldMask": "temperature" }),
            "no field temperature",
        ),
        (
            json!({ "bidiGenerateContentSetup": { "model": "gemini-live" } }),
            "unexpected model name",
        ),
        (
            json!({ "bidiGenerateContentSetup": { "nope": 1 } }),
            "Unknown name \"nope\"",
        ),
    ] {
        let answer = session.post("v1alpha/auth_tokens", &body).await;
        let message = answer.refused(400, "INVALID_ARGUMENT").to_owned();
        assert!(message.contains(part), "{message}");
    }
}
