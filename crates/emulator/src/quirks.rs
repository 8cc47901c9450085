//! The ways in which other servers of this API differ from it: proxies, gateways and clones that
//! send what no description of the wire has. Rewrites finished answers; what they say is decided
//! elsewhere.

use std::collections::BTreeSet;

use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};

use crate::{
    gemini::keys::to_snake,
    reply::{self, Reply},
    route::Route,
};

const EVENTS: &[u8] = b"text/event-stream";
const JSON: &str = "application/json";

/// One way in which another server of this API differs from it.
///
/// ```
/// use gimmal_emulator::{Emulator, Quirk};
///
/// let gateway = Emulator::builder()
///     .with_quirk(Quirk::NullFinishReason)
///     .with_quirk(Quirk::NoUsage);
/// # let _ = gateway;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Quirk {
    /// Chunks that are not the last say `"finishReason": null`.
    NullFinishReason,
    /// A stream begins with a chunk whose content has an empty list of parts.
    EmptyParts,
    /// Answers have no `usageMetadata`.
    NoUsage,
    /// Answers have no `modelVersion`.
    NoModelVersion,
    /// Answers have no `responseId`.
    NoResponseId,
    /// Every answer has keys at its top that the wire does not know.
    ExtraKeys,
    /// The keys of answers are in `snake_case`.
    SnakeCaseKeys,
    /// Errors have no `status`.
    ErrorsWithoutStatus,
    /// The `code` of an error is the name of its status.
    ErrorsWithStringCode,
    /// Calls that are not served are answered 405 with nothing at all.
    EmptyMethodNotAllowed,
    /// Where events were asked for, a JSON array comes.
    ArrayForEvents,
}

/// The quirks of an emulator.
#[derive(Clone, Debug, Default)]
pub(crate) struct Quirks {
    on: BTreeSet<Quirk>,
}

impl Quirks {
    pub(crate) fn add(&mut self, quirk: Quirk) {
        self.on.insert(quirk);
    }

    /// Rewrites an answer to a call.
    pub(crate) fn apply(&self, route: Route, reply: &mut Reply) {
        if self.on.is_empty() {
            return;
        }
        if route == Route::Unknown && self.has(Quirk::EmptyMethodNotAllowed) {
            reply.status = StatusCode::METHOD_NOT_ALLOWED;
            reply.body.clear();
            reply.headers.remove(header::CONTENT_TYPE);
            return;
        }
        let kind = reply.headers.get(header::CONTENT_TYPE);
        let kind = kind.map(HeaderValue::as_bytes).unwrap_or_default();
        if kind.starts_with(EVENTS) {
            self.rewrite_stream(reply);
        } else if kind.starts_with(JSON.as_bytes())
            && let Ok(mut body) = serde_json::from_slice(&reply.body.concat())
        {
            self.rewrite(&mut body);
            // What came piece by piece still does, an array as an array.
            reply.body = match &body {
                Value::Array(items) if reply.streamed => {
                    Reply::json_array(reply.status, items).body
                }
                body => Reply::json(reply.status, body).body,
            };
        }
    }

    fn rewrite_stream(&self, reply: &mut Reply) {
        let pieces = reply.body.iter().map(|piece| {
            let data = piece.strip_prefix(b"data: ")?;
            serde_json::from_slice(data).ok()
        });
        // What is no plain event was spoilt on purpose.
        let Some(mut chunks) = pieces.collect::<Option<Vec<Value>>>() else {
            return;
        };
        if self.has(Quirk::EmptyParts) {
            let content = json!({ "role": "model", "parts": [] });
            chunks.insert(
                0,
                json!({ "candidates": [{ "content": content, "index": 0 }] }),
            );
        }
        if self.has(Quirk::NullFinishReason) {
            for candidate in chunks.iter_mut().flat_map(candidates) {
                candidate.entry("finishReason").or_insert(Value::Null);
            }
        }
        for chunk in &mut chunks {
            self.rewrite(chunk);
        }
        if self.has(Quirk::ArrayForEvents) {
            reply.body = Reply::json_array(reply.status, &chunks).body;
            let kind = HeaderValue::from_static(JSON);
            reply.headers.insert(header::CONTENT_TYPE, kind);
        } else {
            let events = chunks.iter().map(|chunk| reply::event(&chunk.to_string()));
            reply.body = events.collect();
        }
    }

    /// Rewrites one message, or every message of an array.
    fn rewrite(&self, body: &mut Value) {
        if let Value::Array(items) = body {
            items.iter_mut().for_each(|item| self.rewrite(item));
            return;
        }
        let Some(fields) = body.as_object_mut() else {
            return;
        };
        for (quirk, field) in [
            (Quirk::NoUsage, "usageMetadata"),
            (Quirk::NoModelVersion, "modelVersion"),
            (Quirk::NoResponseId, "responseId"),
        ] {
            if self.has(quirk) {
                fields.remove(field);
            }
        }
        if let Some(error) = fields.get_mut("error").and_then(Value::as_object_mut) {
            self.rewrite_error(error);
        }
        if self.has(Quirk::ExtraKeys) {
            fields.insert(
                "gateway".to_owned(),
                json!({ "node": 7, "cost": [0.5, null] }),
            );
            fields.insert("object".to_owned(), "response".into());
        }
        if self.has(Quirk::SnakeCaseKeys) {
            *body = snake_case(std::mem::take(body));
        }
    }

    fn rewrite_error(&self, error: &mut Map<String, Value>) {
        // The error of an operation has no status, and its code stays a number.
        if let Some(status) = error.get("status").cloned() {
            if self.has(Quirk::ErrorsWithStringCode) {
                error.insert("code".to_owned(), status);
            }
            if self.has(Quirk::ErrorsWithoutStatus) {
                error.remove("status");
            }
        }
    }

    fn has(&self, quirk: Quirk) -> bool {
        self.on.contains(&quirk)
    }
}

fn candidates(chunk: &mut Value) -> impl Iterator<Item = &mut Map<String, Value>> {
    let candidates = chunk.get_mut("candidates").and_then(Value::as_array_mut);
    candidates
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
}

/// The same message with its keys in `snake_case`, but for those of the caller's own values.
fn snake_case(value: Value) -> Value {
    match value {
        Value::Array(items) => items.into_iter().map(snake_case).collect(),
        Value::Object(fields) => {
            let fields = fields.into_iter().map(|(key, value)| match key.as_str() {
                "args" | "labels" => (key, value),
                _ => (to_snake(&key), snake_case(value)),
            });
            Value::Object(fields.collect())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quirks(on: &[Quirk]) -> Quirks {
        let mut quirks = Quirks::default();
        on.iter().for_each(|quirk| quirks.add(*quirk));
        quirks
    }

    fn chunk(text: &str, finish: Option<&str>) -> Value {
        let mut candidate = json!({"content": {"role": "model", "parts": [{ "text": text }]}});
        if let Some(finish) = finish {
            candidate["finishReason"] = finish.into();
        }
        json!({"candidates": [candidate], "usageMetadata": {"promptTokenCount": 1}, "modelVersion": "m"})
    }

    fn stream(on: &[Quirk]) -> (Option<HeaderValue>, Vec<Value>) {
        let mut reply = Reply::events(&[chunk("a", None), chunk("b", Some("STOP"))]);
        quirks(on).apply(Route::StreamGenerateContent, &mut reply);
        let kind = reply.headers.remove(header::CONTENT_TYPE);
        let body = reply.body.concat();
        if body.starts_with(b"[") {
            let items: Value = serde_json::from_slice(&body).expect("JSON");
            return (kind, items.as_array().expect("an array").clone());
        }
        let events = reply.body.iter().map(|piece| {
            let data = piece.strip_prefix(b"data: ").expect("data");
            serde_json::from_slice(data).expect("JSON")
        });
        (kind, events.collect())
    }

    fn message(on: &[Quirk], body: &Value) -> Value {
        let mut reply = Reply::json(StatusCode::OK, body);
        quirks(on).apply(Route::GenerateContent, &mut reply);
        serde_json::from_slice(&reply.body.concat()).expect("JSON")
    }

    #[test]
    fn streams() {
        let (_, chunks) = stream(&[Quirk::NullFinishReason]);
        assert_eq!(
            chunks[0]["candidates"][0].get("finishReason"),
            Some(&Value::Null)
        );
        assert_eq!(chunks[1]["candidates"][0]["finishReason"], "STOP");
        let (_, chunks) = stream(&[Quirk::EmptyParts]);
        assert_eq!(chunks.len(), 3);
        assert_eq!(chunks[0]["candidates"][0]["content"]["parts"], json!([]));
        let (kind, chunks) = stream(&[Quirk::ArrayForEvents]);
        assert_eq!(
            (kind.expect("a type").as_bytes(), chunks.len()),
            (JSON.as_bytes(), 2)
        );
    }

    #[test]
    fn messages() {
        let body = chunk("a_b", Some("STOP"));
        let bare = message(
            &[Quirk::NoUsage, Quirk::NoModelVersion, Quirk::NoResponseId],
            &body,
        );
        assert_eq!(bare.as_object().expect("an object").len(), 1);
        let snake = message(&[Quirk::SnakeCaseKeys], &body);
        assert_eq!(snake["candidates"][0]["finish_reason"], "STOP");
        assert_eq!(snake["usage_metadata"]["prompt_token_count"], 1);
        assert_eq!(snake["candidates"][0]["content"]["parts"][0]["text"], "a_b");
        let extra = message(&[Quirk::ExtraKeys], &body);
        assert_eq!(extra["object"], "response");
    }

    #[test]
    fn errors() {
        let error = json!({"error": {"code": 404, "message": "m", "status": "NOT_FOUND"}});
        let bare = message(&[Quirk::ErrorsWithoutStatus], &error);
        assert_eq!(bare, json!({"error": {"code": 404, "message": "m"}}));
        let named = message(
            &[Quirk::ErrorsWithStringCode, Quirk::ErrorsWithoutStatus],
            &error,
        );
        assert_eq!(
            named,
            json!({"error": {"code": "NOT_FOUND", "message": "m"}})
        );
        let operation = json!({"name": "o", "error": {"code": 5, "message": "m"}});
        assert_eq!(
            message(&[Quirk::ErrorsWithStringCode], &operation),
            operation
        );
        let mut unknown = Reply::json(StatusCode::NOT_FOUND, &error);
        quirks(&[Quirk::EmptyMethodNotAllowed]).apply(Route::Unknown, &mut unknown);
        assert_eq!(unknown.status, 405);
        assert!(unknown.body.is_empty());
    }
}
