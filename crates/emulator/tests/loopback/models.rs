//! Listing and getting models.

use gimmal_emulator::{Emulator, ModelCard};
use serde_json::Value;

use crate::client::{MODEL, Session};

async fn names(session: &Session, size: usize) -> Vec<String> {
    let mut out = Vec::new();
    let mut token = String::new();
    loop {
        let path = format!("v1beta/models?pageSize={size}&pageToken={token}");
        let page = session.get(&path).await.ok();
        let models = page["models"].as_array().expect("models");
        assert!(models.len() <= size);
        out.extend(
            models
                .iter()
                .filter_map(|m| m["name"].as_str())
                .map(str::to_owned),
        );
        match page["nextPageToken"].as_str() {
            Some(next) => next.clone_into(&mut token),
            None => return out,
        }
    }
}

#[tokio::test]
async fn pages_cover_every_model_once() {
    let session = Session::plain().await;
    let all = names(&session, 1000).await;
    assert!(all.len() >= 15);
    assert_eq!(names(&session, 4).await, all);
    assert_eq!(names(&session, 1).await, all);
}

#[tokio::test]
async fn a_model_tells_its_limits_and_methods() {
    let mine = ModelCard::new("mine")
        .with_input_token_limit(7)
        .without_caching();
    let session = Session::start(Emulator::builder().with_model(mine)).await;
    let model = session.get(&format!("v1beta/models/{MODEL}")).await.ok();
    assert_eq!(model["name"], format!("models/{MODEL}"));
    assert_eq!(model["displayName"], "Gemini 2.5 Flash");
    assert_eq!(model["inputTokenLimit"], 1_048_576);
    assert_eq!(model["outputTokenLimit"], 65_536);
    let has = |model: &Value, method: &str| {
        let methods = model["supportedGenerationMethods"]
            .as_array()
            .expect("methods");
        methods.iter().any(|m| m == method)
    };
    assert!(has(&model, "generateContent") && has(&model, "createCachedContent"));
    let mine = session.get("v1beta/models/mine").await.ok();
    assert_eq!(mine["inputTokenLimit"], 7);
    assert!(!has(&mine, "createCachedContent"));
}

#[tokio::test]
async fn an_unknown_model_is_not_found() {
    let session = Session::plain().await;
    session
        .get("v1beta/models/nope")
        .await
        .refused(404, "NOT_FOUND");
    let answer = session
        .post("v1/models/nope:generateContent", &crate::client::ask("x"))
        .await;
    assert_eq!(
        answer.refused(404, "NOT_FOUND"),
        "models/nope is not found for API version v1, or is not supported for generateContent. \
         Call ListModels to see the list of available models and their supported methods."
    );
}
