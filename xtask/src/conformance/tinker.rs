//! What is peculiar to records of Tinker: messages instead of JSON, requests that may come in any
//! order, and texts that differ from run to run.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gimmal_types::tinker::proto::messages::ForwardBackwardRequest;
use prost::Message as _;
use serde_json::{Value, json};

use crate::wire;

/// Texts that stand for others.
const PLACEHOLDERS: [&str; 8] = [
    "{UUID}",
    "{TIME}",
    "{DURATION}",
    "{SECONDS}",
    "{TRACEBACK}",
    "{PLATFORM}",
    "{JWT}",
    "{PORT}",
];

/// Where events are reported.
const TELEMETRY: &str = "/api/v1/telemetry";

/// Whether the record is one of Tinker.
pub(super) fn is_record(record: &Value) -> bool {
    let module = record["module"].as_str().unwrap_or_default();
    module.starts_with("tinker.")
}

/// Whether a header says something about a call; the others name the library or the attempt.
pub(super) fn is_of_the_call(header: &str) -> bool {
    !header.starts_with("x-stainless-") && header != "x-idempotency-key"
}

/// A text as it was recorded against one of ours.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let Some((place, placeholder)) = PLACEHOLDERS
        .iter()
        .filter_map(|placeholder| Some((pattern.find(placeholder)?, placeholder)))
        .min()
    else {
        return pattern == text;
    };
    let Some(rest) = text.strip_prefix(&pattern[..place]) else {
        return false;
    };
    let pattern = &pattern[place + placeholder.len()..];
    // What a placeholder stands for is not empty.
    let mut ends = rest
        .char_indices()
        .map(|(at, letter)| at + letter.len_utf8());
    ends.any(|end| matches(pattern, &rest[end..]))
}

/// The body of a request, with a message taken apart; anything else as it is.
pub(super) fn body(body: &Value) -> Value {
    let recorded = body.get("proto_base64");
    let sent = body.get("bytes").and_then(|bytes| bytes.get("base64"));
    let text = recorded.or(sent).and_then(Value::as_str);
    let bytes = text.and_then(|text| STANDARD.decode(text).ok());
    let bytes = bytes.map(|bytes| wire::unpacked(&bytes));
    match bytes.and_then(|bytes| ForwardBackwardRequest::decode(&bytes[..]).ok()) {
        Some(message) => described(&message),
        None => body.clone(),
    }
}

/// Parts of a message side by side, so that a difference is seen where it is.
fn described(message: &ForwardBackwardRequest) -> Value {
    let data = message.data.iter().map(|datum| format!("{datum:?}"));
    json!({
        "proto": {
            "model_id": message.model_id,
            "seq_id": message.seq_id,
            "data": data.collect::<Vec<_>>(),
            "loss_fn": message.loss_fn,
            "loss_fn_config": format!("{:?}", message.loss_fn_config),
            "forward_only": message.forward_only,
            "loss_fn_config_v2": format!("{:?}", message.loss_fn_config_v2),
        },
    })
}

/// Takes out the requests that follow the clock and not the calls: how many there are, and what
/// they say at which time, tells nothing. What they say in all does: the events that are reported.
pub(super) fn paced(
    reference: &mut Vec<Value>,
    ours: &mut Vec<Value>,
) -> Vec<(String, Value, Value)> {
    let is_paced = |request: &Value| {
        let path = request["path"].as_str().unwrap_or_default();
        path == TELEMETRY || path == "/api/v1/retrieve_futures"
    };
    let take = |side: &mut Vec<Value>| {
        let (paced, kept) = std::mem::take(side).into_iter().partition(is_paced);
        *side = kept;
        events(paced)
    };
    let (reference, ours) = (take(reference), take(ours));
    match reference == ours {
        true => Vec::new(),
        false => vec![("telemetry.events".to_owned(), reference, ours)],
    }
}

/// Takes out the requests by which the reference meets a conflict again: ours are final. Whether it
/// made any.
pub(super) fn without_conflicts(exchanges: &mut Vec<Value>) -> bool {
    let call = |exchange: &Value| {
        let request = &exchange["request"];
        (request["method"].clone(), request["path"].clone())
    };
    let mut refused = Vec::new();
    let before = exchanges.len();
    exchanges.retain(|exchange| {
        let is_again = refused.contains(&call(exchange));
        if exchange["response"]["status"] == 409 {
            refused.push(call(exchange));
        }
        !is_again
    });
    exchanges.len() < before
}

/// The events that were reported, by name.
fn events(requests: Vec<Value>) -> Value {
    let reports = requests
        .iter()
        .filter(|request| request["path"] == TELEMETRY);
    let events = reports.flat_map(|request| request["body"]["json"]["events"].as_array());
    let names = events.flatten().map(|event| match &event["event_name"] {
        Value::Null => event["event"].clone(),
        name => name.clone(),
    });
    names.collect()
}

/// Requests in one order: those that are under way together have none of their own.
pub(super) fn in_order(mut requests: Vec<Value>) -> Vec<Value> {
    requests.sort_by_key(|request| {
        let path = request["path"].as_str().unwrap_or_default().to_owned();
        let body = body(&request["body"]);
        let parts = body.get("proto").or_else(|| body.get("json"));
        let part = |name: &str| parts.and_then(|parts| parts.get(name)).cloned();
        let seq_id = part("seq_id").and_then(|id| id.as_i64());
        let request_id = part("request_id").map(|id| id.to_string());
        (path, seq_id, request_id)
    });
    requests
}

/// What a program can act on in an error: its status, or that nothing was sent.
pub(super) fn error(reference: &Value, ours: &Value) -> Option<(&'static str, String, String)> {
    let status = &reference["status_code"];
    if !status.is_null() {
        let same = status == &ours["code"];
        return (!same).then(|| ("code", status.to_string(), ours["code"].to_string()));
    }
    let kinds: &[&str] = match reference["type"].as_str().unwrap_or_default() {
        "APIConnectionError" | "APITimeoutError" => &["network"],
        "APIResponseValidationError" => &["decode"],
        "RequestFailedError" => &["call"],
        _ => &["invalid", "refused", "call", "decode", "status"],
    };
    let kind = ours["kind"].as_str().unwrap_or_default();
    let wanted = reference["type"].to_string();
    (!kinds.contains(&kind)).then(|| ("kind", wanted, ours.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_conflict_is_met_once() {
        let exchange = |path: &str, status: u16| json!({"request": {"method": "PUT", "path": path}, "response": {"status": status}});
        let mut exchanges = vec![
            exchange("a", 409),
            exchange("a", 200),
            exchange("b", 500),
            exchange("b", 200),
        ];
        assert!(without_conflicts(&mut exchanges));
        assert_eq!(exchanges.len(), 3);
        assert!(!without_conflicts(&mut exchanges));
    }

    #[test]
    fn what_follows_the_clock_is_compared_by_what_it_reports() {
        let report =
            |events: Value| json!({"path": TELEMETRY, "body": {"json": {"events": events}}});
        let poll = json!({"path": "/api/v1/retrieve_futures"});
        let start = json!({"event": "SESSION_START"});
        let named = json!({"event": "GENERIC_EVENT", "event_name": "x"});
        let call = json!({"path": "/api/v1/asample"});
        let mut reference = vec![report(json!([start])), call.clone(), report(json!([named]))];
        let mut ours = vec![poll, call.clone(), report(json!([start, named]))];
        assert!(paced(&mut reference, &mut ours).is_empty());
        assert_eq!((&reference, &ours), (&vec![call.clone()], &vec![call]));
        let [(place, reference, ours)] = &paced(&mut vec![report(json!([start]))], &mut vec![])[..]
        else {
            panic!("one difference");
        };
        assert_eq!(place, "telemetry.events");
        assert_eq!((reference, ours), (&json!(["SESSION_START"]), &json!([])));
    }

    #[test]
    fn placeholders_stand_for_any_text() {
        assert!(matches("retry-{UUID}", "retry-1234"));
        assert!(matches("{TIME} to {TIME}.", "1 to 2."));
        assert!(matches("plain", "plain"));
        for (pattern, text) in [("retry-{UUID}", "retry-"), ("a{TIME}b", "axc"), ("a", "b")] {
            assert!(!matches(pattern, text), "{pattern}");
        }
    }

    #[test]
    fn messages_are_taken_apart_whatever_their_spelling() {
        let message = ForwardBackwardRequest {
            model_id: "m".to_owned(),
            seq_id: 2,
            ..Default::default()
        };
        let text = STANDARD.encode(message.encode_to_vec());
        let recorded = body(&json!({"proto": "ForwardBackwardRequest", "proto_base64": text}));
        let sent = body(&json!({"bytes": {"base64": text}}));
        assert_eq!(recorded, sent);
        assert_eq!(recorded["proto"]["seq_id"], 2);
        let plain = json!({"json": {"a": 1}});
        assert_eq!(body(&plain), plain);
    }

    #[test]
    fn requests_under_way_together_are_compared_by_their_place() {
        let one = |seq_id: i64| json!({"path": "p", "body": {"json": {"seq_id": seq_id}}});
        assert_eq!(
            in_order(vec![one(2), one(3), one(1)]),
            [one(1), one(2), one(3)]
        );
    }

    #[test]
    fn errors_are_compared_by_status_or_kind() {
        let status = json!({"type": "NotFoundError", "status_code": 404});
        assert!(error(&status, &json!({"code": 404})).is_none());
        assert!(error(&status, &json!({"code": 400})).is_some());
        let broken = json!({"type": "APIConnectionError"});
        assert!(error(&broken, &json!({"kind": "network"})).is_none());
        assert!(error(&broken, &json!({"kind": "invalid"})).is_some());
    }
}
