//! Clients of an emulator and of scripts.

use std::sync::Arc;
use std::time::Duration;

use gimmal_client::gemini::GeminiClient;
use gimmal_client::transport::testing::{Reply, ScriptedTransport};
use gimmal_emulator::{Emulator, EmulatorBuilder};
use serde_json::Value;

pub(crate) const MODEL: &str = "gemini-2.5-flash";
pub(crate) const AGENT: &str = "antigravity-preview-05-2026";
pub(crate) const FACT: &str = "The ferry to Utne leaves at a quarter past seven.";
pub(crate) const QUESTION: &str = "When does the ferry to Utne leave?";

/// A client of an emulator, on either backend.
pub(crate) async fn emulated(builder: EmulatorBuilder, vertex: bool) -> (GeminiClient, Emulator) {
    let emulator = builder.start().await.unwrap();
    let client = GeminiClient::builder().with_base_url(emulator.base_url());
    let client = match vertex {
        true => client.with_vertex("p", "l").with_bearer_token("token"),
        false => client.with_api_key("key"),
    };
    (client.build().unwrap(), emulator)
}

/// An emulator where work takes hardly any time.
pub(crate) fn quick() -> EmulatorBuilder {
    Emulator::builder().with_operation_time(Duration::from_millis(40))
}

/// A client that gets these replies, and what it sends.
pub(crate) fn scripted(
    replies: impl IntoIterator<Item = Reply>,
) -> (GeminiClient, ScriptedTransport) {
    let http = ScriptedTransport::new(replies);
    let builder = GeminiClient::builder().with_api_key("key");
    let client = builder.with_http(Arc::new(http.clone())).build().unwrap();
    (client, http)
}

pub(crate) fn vertex_scripted(
    replies: impl IntoIterator<Item = Reply>,
) -> (GeminiClient, ScriptedTransport) {
    let http = ScriptedTransport::new(replies);
    let builder = GeminiClient::builder()
        .with_vertex("p", "l")
        .with_bearer_token("token");
    let client = builder.with_http(Arc::new(http.clone())).build().unwrap();
    (client, http)
}

pub(crate) fn reply(body: &Value) -> Reply {
    Reply::json(200, body.to_string())
}

pub(crate) fn events(events: &[Value]) -> Reply {
    Reply::events(events.iter().map(Value::to_string))
}

/// Nothing here takes long; what never ends must fail.
pub(crate) async fn in_time<F: IntoFuture>(future: F) -> F::Output {
    let limit = Duration::from_secs(30);
    tokio::time::timeout(limit, future.into_future())
        .await
        .expect("no end")
}

/// Every request as its verb, its address and its body.
pub(crate) fn sent(http: &ScriptedTransport) -> Vec<(String, Value)> {
    let requests = http.requests();
    let requests = requests.iter().map(|request| {
        let line = format!("{} {}", request.method(), request.path_and_query());
        (line, request.json().unwrap_or(Value::Null))
    });
    requests.collect()
}
