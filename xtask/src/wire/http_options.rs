//! The reference's `HttpOptions` and client arguments, applied to a client of ours.

use gimmal_client::gemini::GeminiClient;
use gimmal_client::transport::NeverRetry;
use gimmal_client::transport::testing::ScriptedTransport;
use gimmal_types::gemini::HttpOptions;
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::wire::arguments;
use crate::wire::failure::Failure;

/// What the reference's client is given.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ClientArguments {
    #[serde(alias = "apiKey")]
    api_key: Option<String>,
    project: Option<String>,
    location: Option<String>,
    #[serde(alias = "httpOptions")]
    http_options: Option<Value>,
    /// What a test of the reference put in the place of its internals.
    patched: Option<Value>,
    /// True for Vertex; the record's backend says the same.
    #[serde(rename = "vertexai")]
    _vertexai: Option<bool>,
}

/// A client as the record describes it, on a scripted transport.
pub(crate) fn client(
    backend: &str,
    client: Map<String, Value>,
    call: Option<Value>,
    http: &ScriptedTransport,
) -> Result<GeminiClient, Failure> {
    let given: ClientArguments = arguments::decode("client", client.into())?;
    let own: HttpOptions = match given.http_options {
        None | Some(Value::Null) => HttpOptions::default(),
        Some(options) => arguments::decode_strictly("client.http_options", options)?,
    };
    let call: HttpOptions = match call {
        None | Some(Value::Null) => HttpOptions::default(),
        Some(options) => arguments::decode_strictly("config.httpOptions", options)?,
    };
    let builder = GeminiClient::builder()
        .with_http(std::sync::Arc::new(http.clone()))
        // The reference tries once unless it is told otherwise.
        .with_retry_policy(NeverRetry);
    let key = given.api_key;
    let location = given.location.unwrap_or_else(|| "us-central1".to_owned());
    let builder = match backend {
        "mldev" => builder.with_api_key(key.unwrap_or_else(|| "test-api-key".to_owned())),
        "vertex" if given.patched.is_some() => builder
            .with_vertex_express()
            .with_api_key(key_of_patch(given.patched)?),
        "vertex" => builder
            .with_vertex(
                given.project.unwrap_or_else(|| "test-project".to_owned()),
                location,
            )
            .with_bearer_token("test-access-token"),
        "vertex_express" => builder
            .with_vertex_express()
            .with_api_key(key.unwrap_or_else(|| "test-api-key".to_owned())),
        _ => {
            return Err(Failure::refused(
                "backend",
                "must be mldev, vertex or vertex_express",
            ));
        }
    };
    let client = builder.with_http_options(own).build()?;
    Ok(client.with_http_options(&call)?)
}

/// The key of a client whose place and credentials a test took away: it then sends this key to
/// paths without a project, as in express mode.
fn key_of_patch(patch: Option<Value>) -> Result<String, Failure> {
    let patch = patch.unwrap_or_default();
    let key = &patch["headers"]["x-goog-api-key"];
    let gone = ["project", "location"]
        .iter()
        .all(|name| patch[name].is_null());
    match key.as_str().filter(|_| gone) {
        Some(key) => Ok(key.to_owned()),
        None => Err(Failure::unimplemented("a client with replaced internals")),
    }
}
