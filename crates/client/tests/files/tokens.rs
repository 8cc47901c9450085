//! Ephemeral tokens.

use gimmal_client::types::gemini::{LiveConnectConfig, LiveConnectConstraints, Modality};
use serde_json::json;

use crate::service::{reply, scripted};

/// Covers: tokens.create
#[tokio::test]
async fn a_token_is_made_and_does_not_show() {
    let (client, http) = scripted([reply(json!({"name": "auth_tokens/SECRET", "uses": 2}))]);
    let live = LiveConnectConfig::new()
        .set_response_modalities([Modality::Audio])
        .set_temperature(0.7);
    let constraints = LiveConnectConstraints::new()
        .set_model("gemini-live")
        .set_config(live);
    let create = client
        .auth_tokens()
        .create()
        .set_uses(2)
        .set_expire_time("2030-01-01T00:00:00Z".parse().unwrap())
        .set_live_connect_constraints(constraints)
        .set_lock_additional_fields(["top_k"]);
    let token = create.send().await.unwrap().into_body();
    assert_eq!(token.name.as_deref(), Some("auth_tokens/SECRET"));
    assert!(!format!("{token:?}").contains("SECRET"));

    let request = &http.requests()[0];
    assert_eq!(request.path_and_query(), "/v1/auth_tokens");
    assert_eq!(
        request.json().unwrap(),
        json!({
            "expireTime": "2030-01-01T00:00:00Z",
            "uses": 2,
            "bidiGenerateContentSetup": {
                "model": "models/gemini-live",
                "generationConfig": {"responseModalities": ["AUDIO"], "temperature": 0.7},
            },
            "fieldMask": "model,generationConfig.responseModalities,\
                generationConfig.temperature,generationConfig.topK",
        })
    );
}
