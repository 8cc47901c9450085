//! The calls of the Tinker clients by the names the reference gives them.

mod rest;

use std::sync::Arc;

use gimmal_api::tinker::{API_KEY, Endpoint, Tinker, default_options};
use gimmal_client::transport::testing::ScriptedTransport;
use gimmal_client::transport::{ApiKey, Transport};
use serde_json::{Map, Value};

use crate::wire::arguments::Arguments;
use crate::wire::failure::Failure;
use crate::wire::names;
use crate::wire::record::Record;

/// Where the reference found its server; the records do not say which port it had.
const SERVER: &str = "http://127.0.0.1:1";

/// Whether the record is a call of one of these clients.
pub(crate) fn is_call(method: &str) -> bool {
    let (class, _) = method.split_once('.').unwrap_or_default();
    matches!(
        class,
        "AdminClient" | "RestClient" | "SamplingClient" | "ServiceClient" | "TrainingClient"
    )
}

/// Makes the call of a record.
pub(crate) async fn call(record: Record, http: &ScriptedTransport) -> Result<Value, Failure> {
    let arguments = Arguments::new(record.arguments);
    let method = record.method.as_str();
    match rest::find(method) {
        Some(call) => rest::make(&client(&record.client, http)?, call, arguments).await,
        None if names::is_known(method) => Err(Failure::unimplemented(method)),
        None => Err(Failure::refused(
            "method",
            format!("`{method}` is no call of the reference"),
        )),
    }
}

/// The endpoints on a scripted transport, with the key that the reference was given.
fn client(given: &Map<String, Value>, http: &ScriptedTransport) -> Result<Tinker, Failure> {
    let key = given.get("api_key").and_then(Value::as_str);
    let key = key.unwrap_or("tml-test-api-key");
    let transport = Transport::builder()
        .with_http(Arc::new(http.clone()))
        .with_credentials(ApiKey::new(API_KEY, key.to_owned().into()))
        .with_options(default_options())
        .build()?;
    Ok(Tinker::new(transport, Endpoint::new(SERVER)?))
}
