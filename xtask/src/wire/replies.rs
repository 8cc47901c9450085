//! The server's side of a record: replies to play, without any network or waiting.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use gimmal_client::transport::CloseCode;
use gimmal_client::transport::testing::{Reply, ScriptedTransport, SocketScript};
use http::header::CONTENT_TYPE;
use http::{HeaderName, HeaderValue};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::wire::failure::Failure;

/// Bodies up to this size are shown; of larger ones only length and digest.
const SHOWN: usize = 16 * 1024;

/// The transport that plays these replies; without any, every request gets an empty object.
pub(crate) fn script(replies: Option<&[Value]>) -> Result<ScriptedTransport, Failure> {
    let Some(replies) = replies else {
        return Ok(ScriptedTransport::repeating(Reply::json(200, "{}")));
    };
    let replies = replies.iter().enumerate().map(|(index, value)| {
        let place = format!("exchanges[{index}].response");
        reply(value).map_err(|why| Failure::refused(place, why))
    });
    Ok(ScriptedTransport::new(
        replies.collect::<Result<Vec<_>, _>>()?,
    ))
}

/// The transport of a session: it reads the setup, confirms it unless a message given does, sends
/// the messages given, and then closes in peace when `ends` is true, or listens.
///
/// Messages are the `messages` of the replies, or the `json` of replies that have one each.
pub(crate) fn socket(replies: Option<&[Value]>, ends: bool) -> ScriptedTransport {
    let mut messages: Vec<&Value> = Vec::new();
    for reply in replies.unwrap_or_default() {
        match reply.get("messages").and_then(Value::as_array) {
            Some(list) => messages.extend(list),
            None => messages.extend(reply.get("json")),
        }
    }
    let confirms = |message: &&Value| {
        message.get("setupComplete").is_some() || message.get("setup_complete").is_some()
    };
    let mut script = SocketScript::new().receive();
    if !messages.first().is_some_and(confirms) {
        script = script.send_text(r#"{"setupComplete": {}}"#);
    }
    for message in messages {
        script = script.send_text(message.to_string());
    }
    if ends {
        script = script.close(CloseCode::NORMAL, "");
    }
    ScriptedTransport::new([Reply::socket(script)])
}

/// A reply as a record has it.
pub(super) fn reply(value: &Value) -> Result<Reply, String> {
    if value.get("connection").is_some() {
        return Ok(Reply::io_error());
    }
    let status = match value.get("status") {
        None => 200,
        Some(status) => status
            .as_u64()
            .and_then(|status| u16::try_from(status).ok())
            .filter(|status| (100..1000).contains(status))
            .ok_or("status must be an HTTP status")?,
    };
    let mut reply = Reply::status(status);
    let headers = value.get("headers").and_then(Value::as_object);
    for (name, text) in headers.into_iter().flatten() {
        let name: HeaderName = name.parse().map_err(|_| "a header has a bad name")?;
        let text = text
            .as_str()
            .and_then(|text| HeaderValue::from_str(text).ok());
        reply = reply.with_header(name, text.ok_or("a header has a bad value")?);
    }
    // Records of Tinker have the body apart.
    let value = value.get("body").unwrap_or(value);
    if let Some(message) = value.get("proto_base64").and_then(Value::as_str) {
        let message = STANDARD.decode(message);
        let kind = HeaderValue::from_static("application/x-protobuf");
        reply = reply
            .with_header(CONTENT_TYPE, kind)
            .with_chunk(message.map_err(|_| "proto_base64 must hold base64")?);
    } else if let Some(json) = value.get("json") {
        reply = reply.with_chunk(json.to_string());
    } else if let Some(text) = value.get("text").and_then(Value::as_str) {
        reply = reply.with_chunk(text.to_owned());
    } else if let Some(raw) = value.get("sse_raw").and_then(Value::as_str) {
        reply = reply.with_chunk(raw.to_owned());
    } else if let Some(chunks) = value.get("sse").and_then(Value::as_array) {
        for chunk in chunks {
            reply = reply.with_chunk(format!("data: {chunk}\n\n"));
        }
    } else if let Some(bytes) = value.get("bytes") {
        reply = reply.with_chunk(bytes_of(bytes).ok_or("bytes must hold base64")?);
    }
    Ok(reply)
}

/// The bytes of `{len, sha256, base64}`; either alphabet.
pub(crate) fn bytes_of(form: &Value) -> Option<Vec<u8>> {
    let text = form.get("base64")?.as_str()?;
    STANDARD
        .decode(text)
        .or_else(|_| URL_SAFE.decode(text))
        .ok()
}

/// How the vectors write bytes down.
pub(crate) fn bytes_form(bytes: &[u8]) -> Value {
    let digest = Sha256::digest(bytes);
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let mut form = json!({"len": bytes.len(), "sha256": hex});
    if bytes.len() <= SHOWN {
        form["base64"] = STANDARD.encode(bytes).into();
    }
    form
}
