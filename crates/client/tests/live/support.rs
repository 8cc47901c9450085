//! What the tests on scripts share.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use gimmal_client::gemini::{GeminiClient, LiveSession};
use gimmal_client::transport::testing::{Reply, ScriptedTransport, SocketScript};
use gimmal_client::types::gemini::{LiveServerMessage, Modality};
use serde_json::Value;

pub(crate) const MODEL: &str = "gemini-live-2.5-flash-preview";
pub(crate) const READY: &str = r#"{"setupComplete": {}}"#;

/// Fails a test that hangs; under a paused clock this takes no real time.
pub(crate) async fn limited<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(3_600), future)
        .await
        .expect("the test hangs")
}

/// A server that has read the setup and begins.
pub(crate) fn begun() -> SocketScript {
    SocketScript::new().receive().send_text(READY)
}

/// A client of the developer API on these sockets, and what it sent.
pub(crate) fn scripted(
    scripts: impl IntoIterator<Item = SocketScript>,
) -> (GeminiClient, ScriptedTransport) {
    let http = ScriptedTransport::new(scripts.into_iter().map(Reply::socket));
    let builder = GeminiClient::builder().with_api_key("KEY");
    let client = builder.with_http(Arc::new(http.clone())).build().unwrap();
    (client, http)
}

/// A session in text on this socket, and what it sent.
pub(crate) async fn session(script: SocketScript) -> (LiveSession, ScriptedTransport) {
    let (client, http) = scripted([script]);
    let call = client.live().connect(MODEL);
    let session = call.set_response_modalities([Modality::Text]).send();
    (limited(session).await.unwrap(), http)
}

/// The messages that the client sent, as JSON.
pub(crate) fn sent(http: &ScriptedTransport) -> Vec<Value> {
    let messages = http.messages();
    let messages = messages.iter();
    messages
        .map(|message| serde_json::from_str(message.as_text().unwrap()).unwrap())
        .collect()
}

/// The next message, which must be one.
pub(crate) async fn next(session: &mut LiveSession) -> LiveServerMessage {
    limited(session.next()).await.unwrap().unwrap()
}
