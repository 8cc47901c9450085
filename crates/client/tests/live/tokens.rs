//! Clients with an ephemeral token in the place of a key.

use std::sync::Arc;

use gimmal_client::gemini::GeminiClient;
use gimmal_client::transport::testing::{Reply, ScriptedTransport};

use crate::support::{MODEL, begun, limited};

fn client(version: Option<&str>) -> (GeminiClient, ScriptedTransport) {
    let http = ScriptedTransport::new([Reply::socket(begun())]);
    let mut builder = GeminiClient::builder().with_api_key("auth_tokens/SECRET");
    if let Some(version) = version {
        builder = builder.with_api_version(version);
    }
    let client = builder.with_http(Arc::new(http.clone())).build().unwrap();
    (client, http)
}

/// Covers: AsyncLive.connect
#[tokio::test(start_paused = true)]
async fn a_token_opens_sessions_by_a_method_of_their_own() {
    for (set, version) in [(None, "v1alpha"), (Some("v1beta"), "v1beta")] {
        let (client, http) = client(set);
        let session = limited(client.live().connect(MODEL).send()).await.unwrap();
        limited(session.close()).await;
        let request = &http.requests()[0];
        assert_eq!(
            request.path_and_query(),
            format!(
                "/ws/google.ai.generativelanguage.{version}.GenerativeService.BidiGenerateContentConstrained"
            )
        );
        assert_eq!(
            request.header("authorization"),
            Some("Token auth_tokens/SECRET")
        );
        assert_eq!(request.header("x-goog-api-key"), None);
        assert!(!format!("{client:?}").contains("SECRET"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_token_is_good_for_nothing_else() {
    let (client, http) = client(None);
    let call = client
        .models()
        .generate_content(MODEL)
        .set_contents(["Hi."]);
    let error = limited(call.send()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid `api_key`: is an ephemeral token, which only Live accepts"
    );
    let error = limited(client.live_music().connect("lyria").send())
        .await
        .unwrap_err();
    assert_eq!(error.field(), Some("api_key"));
    assert_eq!(http.request_count(), 0, "nothing was sent");
}
