//! One HTTP request of the Tinker API from start to finish, in the order that `app.rs` fixes: read,
//! journal, script, admission, faults, answer.

use std::{io::Read as _, sync::Arc};

use axum::body::{self, Body};
use bytes::Bytes;
use gimmal_types::tinker::proto::messages::ForwardBackwardRequest;
use http::{HeaderMap, HeaderName, header, request::Parts};
use prost::Message as _;
use serde_json::{Value, json};

use crate::{
    app::App,
    chaos::Instead,
    journal::Arrival,
    reply::Reply,
    route::{Target, TinkerCall},
};

use super::{
    auth::Keys,
    refusal::Refusal,
    service::{Asked, Message},
};

/// Most bytes of a message, packed or not.
const MOST_BYTES: usize = 512 << 20;
/// The number of a call that was refused.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// Members of messages that are credentials.
const SECRETS: [&str; 2] = ["api_key", "weights_access_token"];

/// Answers a request.
pub(crate) async fn reply(
    app: &App,
    call: TinkerCall,
    target: &Target,
    query: &[(String, String)],
    parts: &Parts,
    body: Body,
) -> Reply {
    let message = match body::to_bytes(body, MOST_BYTES).await {
        Ok(bytes) => message(&parts.headers, bytes),
        Err(_) => Err(Refusal::new(
            http::StatusCode::PAYLOAD_TOO_LARGE,
            format!("the message is larger than {MOST_BYTES} bytes"),
        )),
    };
    let now = app.clock.now();
    let seen = message.as_ref().ok().and_then(shown).map(Arc::new);
    let entry = app.journal.arrived(Arrival {
        target,
        method: &parts.method,
        query,
        headers: &parts.headers,
        body: seen.as_ref(),
        time: now,
        key_fingerprint: Keys::fingerprint(&parts.headers).as_deref(),
    });
    let mut reply = decide(app, call, target, query, parts, message).await;
    if reply.status.is_client_error() || reply.status.is_server_error() {
        let id = reply.headers.entry(REQUEST_ID);
        id.or_insert_with(|| app.tinker.number_of_refusal().into());
    }
    if let Some(entry) = entry.filter(|_| !reply.delivery.reset) {
        entry.answered(reply.status.as_u16());
    }
    tracing::debug!(call = ?call, status = reply.status.as_u16(), "answered");
    reply
}

async fn decide(
    app: &App,
    call: TinkerCall,
    target: &Target,
    query: &[(String, String)],
    parts: &Parts,
    message: Result<Message, Refusal>,
) -> Reply {
    if let Some(reply) = app.script.take(target) {
        return reply;
    }
    let now = app.clock.now();
    let identity = match app.tinker.admit(call, &parts.headers, now) {
        Ok(identity) => identity,
        Err(refusal) => return refusal.to_reply(),
    };
    let mut plan = app.chaos.plan(target);
    let mut reply = match (plan.instead.take(), message) {
        (Some(Instead::Reply(reply)), _) => reply,
        (Some(Instead::Error(error)), _) => {
            let status = http::StatusCode::from_u16(error.code());
            let status = status.unwrap_or(http::StatusCode::INTERNAL_SERVER_ERROR);
            Refusal::new(status, error.message()).to_reply()
        }
        (None, Err(refusal)) => refusal.to_reply(),
        (None, Ok(message)) => {
            let asked = Asked {
                call,
                about: &target.resource,
                query,
                headers: &parts.headers,
                message: &message,
                identity: &identity,
                now,
            };
            if plan.repeats() {
                // As when a proxy sends a request again whose answer it has lost.
                app.tinker.answer(&asked).await;
            }
            app.tinker.answer(&asked).await
        }
    };
    plan.apply(&mut reply);
    reply
}

/// The message, unpacked and read by its kind.
fn message(headers: &HeaderMap, bytes: Bytes) -> Result<Message, Refusal> {
    let name = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let bytes = match name(header::CONTENT_ENCODING) {
        Some("zstd") => unpack(&bytes)?,
        None | Some("identity") => bytes,
        Some(other) => {
            return Err(Refusal::new(
                http::StatusCode::UNSUPPORTED_MEDIA_TYPE,
                format!("bodies packed with {other} are not read here"),
            ));
        }
    };
    let kind = name(header::CONTENT_TYPE).unwrap_or_default();
    if kind.starts_with("application/x-protobuf") {
        let request = ForwardBackwardRequest::decode(bytes)
            .map_err(|error| Refusal::bad_request(format!("no ForwardBackwardRequest: {error}")))?;
        return Ok(Message::Pass(Box::new(request)));
    }
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(Message::Empty);
    }
    let value = serde_json::from_slice(&bytes);
    value
        .map(Message::Json)
        .map_err(|error| Refusal::invalid("", format!("no JSON: {error}")))
}

fn unpack(bytes: &[u8]) -> Result<Bytes, Refusal> {
    let bad = |why: String| Refusal::bad_request(format!("the body is no zstd: {why}"));
    let decoder = ruzstd::decoding::StreamingDecoder::new(bytes);
    let decoder = decoder.map_err(|error| bad(error.to_string()))?;
    let mut unpacked = Vec::new();
    let mut limited = decoder.take(MOST_BYTES as u64 + 1);
    let read = limited.read_to_end(&mut unpacked);
    read.map_err(|error| bad(error.to_string()))?;
    if unpacked.len() > MOST_BYTES {
        return Err(bad(format!("it unpacks to more than {MOST_BYTES} bytes")));
    }
    Ok(unpacked.into())
}

/// The message as the journal keeps it: without credentials, and a pass without its data.
fn shown(message: &Message) -> Option<Value> {
    match message {
        Message::Empty => None,
        Message::Json(value) => {
            let mut value = value.clone();
            if let Some(fields) = value.as_object_mut() {
                for secret in SECRETS {
                    fields.remove(secret);
                }
            }
            Some(value)
        }
        Message::Pass(request) => Some(json!({
            "model_id": request.model_id, "seq_id": request.seq_id, "loss_fn": request.loss_fn,
            "loss_fn_config": request.loss_fn_config, "forward_only": request.forward_only,
            "data": request.data.len(),
        })),
    }
}
