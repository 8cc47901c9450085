//! A client on a script of replies, and short forms of what they hold.

use std::sync::Arc;
use std::time::Duration;

use gimmal_client::gemini::{Function, GeminiClient};
use gimmal_client::transport::testing::{Reply, ScriptedTransport};
use gimmal_client::types::gemini::{Content, FunctionDeclaration};
use serde_json::{Map, Value, json};

pub(crate) const MODEL: &str = "gemini-2.5-flash";

/// A client that gets these replies, and what it sends.
pub(crate) fn client(
    replies: impl IntoIterator<Item = Reply>,
) -> (GeminiClient, ScriptedTransport) {
    let http = ScriptedTransport::new(replies);
    let builder = GeminiClient::builder().with_api_key("key");
    let client = builder.with_http(Arc::new(http.clone())).build().unwrap();
    (client, http)
}

/// Nothing here takes long; what never ends must fail.
pub(crate) async fn in_time<F: Future>(future: F) -> F::Output {
    let limit = Duration::from_secs(20);
    tokio::time::timeout(limit, future).await.expect("no reply")
}

pub(crate) fn whole(reply: &Value) -> Reply {
    Reply::json(200, reply.to_string())
}

pub(crate) fn chunks(chunks: &[Value]) -> Reply {
    Reply::events(chunks.iter().map(Value::to_string))
}

/// A reply that says a text and ends.
pub(crate) fn says(text: &str) -> Value {
    json!({"candidates": [{"content": {"role": "model", "parts": [{"text": text}]},
                           "finishReason": "STOP"}]})
}

/// A reply that calls functions.
pub(crate) fn calls(calls: &[(&str, Value)]) -> Value {
    let parts: Vec<Value> = calls
        .iter()
        .map(|(name, args)| json!({"functionCall": {"name": name, "args": args}}))
        .collect();
    json!({"candidates": [{"content": {"role": "model", "parts": parts},
                           "finishReason": "STOP"}]})
}

/// A function that gives back its arguments.
pub(crate) fn echo(name: &str) -> Function {
    let declaration = FunctionDeclaration::new().set_name(name);
    Function::new(declaration, |given: Map<String, Value>| async {
        Ok::<_, String>(given)
    })
}

/// The contents of each request, every turn as its role and its parts in short.
pub(crate) fn sent(http: &ScriptedTransport) -> Vec<Vec<String>> {
    let requests = http.requests();
    let contents = requests.iter().map(|request| {
        let body = request.json().unwrap();
        let turns: Vec<Content> = serde_json::from_value(body["contents"].clone()).unwrap();
        turns.iter().map(short).collect()
    });
    contents.collect()
}

pub(crate) fn short(turn: &Content) -> String {
    let role = turn.role.as_ref().map(|role| role.name().into_owned());
    let parts: Vec<String> = turn
        .parts
        .iter()
        .map(|part| {
            let call = part.function_call.as_ref();
            let result = part.function_response.as_ref();
            let call = call.map(|call| format!("{}()", call.name.as_deref().unwrap_or("?")));
            let result = result.map(|result| {
                let response = Value::from(result.response.clone().unwrap_or_default());
                format!("{}={response}", result.name.as_deref().unwrap_or("?"))
            });
            part.text.clone().or(call).or(result).unwrap_or_default()
        })
        .collect();
    format!("{}: {}", role.unwrap_or_default(), parts.join(" + "))
}
