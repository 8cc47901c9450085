//! Replies that are no replies, as a user meets them: what the error says, and what is kept.

use std::sync::Arc;

use futures_util::StreamExt as _;
use gimmal_client::gemini::{GeminiClient, GenerateContent};
use gimmal_client::transport::NeverRetry;
use gimmal_client::transport::testing::{Reply, ScriptedTransport};
use gimmal_client::types::gemini::Schema;
use gimmal_client::{Error, ErrorKind};
use serde_json::{Value, json};

fn call(reply: Reply) -> GenerateContent {
    let client = GeminiClient::builder()
        .with_api_key("key")
        .with_retry_policy(NeverRetry)
        .with_http(Arc::new(ScriptedTransport::new([reply])))
        .build()
        .unwrap();
    let models = client.models();
    models.generate_content("m").set_contents(["x"])
}

async fn fails(body: impl Into<bytes::Bytes>) -> Error {
    call(Reply::json(200, body)).send().await.unwrap_err()
}

/// Covers: models.generate_content
#[tokio::test]
async fn a_success_that_cannot_be_read_is_kept() {
    let body = r#"{"candidates": [{"index": "first"}], "responseId": "r"}"#;
    let error = fails(body).await;
    assert_eq!(error.kind(), ErrorKind::Decode);
    assert_eq!(
        error.to_string(),
        "reply could not be read at `candidates[0].index`: invalid value: string \"first\", \
         expected a 32-bit integer, or the same in a string at line 1 column 33"
    );
    assert_eq!(error.payload().unwrap(), body);
    assert_eq!(error.status().map(|status| status.as_u16()), Some(200));

    // Cut short, or a page of a proxy's.
    let error = fails(r#"{"candidates": ["#).await;
    assert_eq!(error.payload().unwrap(), r#"{"candidates": ["#);
    let page = format!("<!doctype html>{}", "<p>login</p>".repeat(100_000));
    let error = fails(page).await;
    assert_eq!(error.payload().unwrap().len(), 64 * 1024);
    assert!(error.to_string().len() < 120, "{error}");
}

/// Covers: models.generate_content_stream
#[tokio::test]
async fn a_stream_that_is_cut_gives_what_was_whole() {
    let chunk = json!({"candidates": [{"content": {"parts": [{"text": "Lis"}]}}]});
    let whole = format!("data: {chunk}\r\n\r\n");
    let half = &whole.as_bytes()[..whole.len() / 2];
    let reply = || Reply::json(200, whole.clone()).with_chunk(half.to_vec());
    for (reply, why) in [
        // The connection ended in peace, in the middle of an event.
        (
            reply(),
            "reply could not be read: EOF while parsing a value at line 1 column 26",
        ),
        (reply().with_reset(), "connection failed: scripted reset"),
    ] {
        let mut stream = call(reply).stream().await.unwrap();
        let first = stream.next().await.unwrap().unwrap();
        assert_eq!(first.text().as_deref(), Some("Lis"));
        let error = stream.next().await.unwrap().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StreamInterrupted);
        let message = format!("stream broke off after 97 bytes: {why}");
        assert_eq!(error.to_string(), message);
        assert!(stream.next().await.is_none());
    }
}

#[test]
fn a_schema_that_has_no_form_here_is_refused_where_it_stands() {
    let refused = |schema: Value, strictly: bool| {
        let schema = if strictly {
            Schema::from_json_schema_strictly(&schema)
        } else {
            Schema::from_json_schema(&schema)
        };
        schema.unwrap_err().to_string()
    };
    let of = |member: Value| json!({"type": "object", "properties": {"v": member}});
    for (schema, strictly, message) in [
        (json!(7), false, "schema: must be an object"),
        (
            of(json!({"const": 1})),
            false,
            "properties.v.const: only a text can be a constant in the service's schemas",
        ),
        (
            of(json!({"$ref": "#/$defs/None"})),
            false,
            "properties.v.$ref: `#/$defs/None` names nothing in this schema",
        ),
        (
            of(json!({"type": 7})),
            false,
            "properties.v.type: must be a text or a list of texts",
        ),
        (
            of(json!({"not": {"type": "string"}})),
            true,
            "properties.v.not: has no counterpart in the service's schemas",
        ),
    ] {
        assert_eq!(refused(schema, strictly), message);
    }
}
