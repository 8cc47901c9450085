//! One recorded call against ours: requests, then the result or the error.

use serde_json::{Map, Value};

use crate::conformance::normal::{normal, same_base64};
use crate::conformance::tinker;

/// Which call is compared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    pub(crate) method: &'a str,
    pub(crate) backend: &'a str,
}

/// One place where the two differ.
#[derive(Clone, Debug)]
pub(crate) struct Difference {
    /// `requests[0].body.model`.
    pub(crate) place: String,
    /// What the reference has; empty when it has nothing there.
    pub(crate) reference: String,
    /// What we have; empty when we have nothing there.
    pub(crate) ours: String,
}

/// Headers that name the library or the connection and not the call.
const NOT_OF_THE_CALL: [&str; 7] = [
    "user-agent",
    "x-goog-api-client",
    "accept",
    "accept-encoding",
    "connection",
    "content-length",
    "host",
];

/// Everything in which our answer differs from the record.
pub(crate) fn compare(record: &Value, answer: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    let kind = &answer["error"]["kind"];
    let never_sent = kind == "invalid" || kind == "refused";
    // When only one of the two refuses to send, the refusal is the difference.
    let refused = record.get("error").is_some();
    if refused == answer.get("error").is_some() || !(never_sent || refused) {
        requests(record, answer, &mut found);
    }
    match (record.get("error"), answer.get("error")) {
        (None, None) => {
            // Records without replies have no result; ours comes from an empty object.
            if let Some(result) = record.get("result") {
                let ours = answer.get("result").unwrap_or(&Value::Null);
                let (reference, ours) = (normal(result), normal(ours));
                let ours = as_far_as_read(&reference, ours);
                walk("result", &reference, &ours, &mut found);
            }
        }
        (Some(reference), Some(ours)) if tinker::is_record(record) => {
            if let Some((place, reference, ours)) = tinker::error(reference, ours) {
                let place = format!("error.{place}");
                found.push(Difference {
                    place,
                    reference,
                    ours,
                });
            }
        }
        (Some(reference), Some(ours)) => error(reference, ours, &mut found),
        (Some(reference), None) => found.push(Difference {
            place: "error".to_owned(),
            reference: text(&reference["message"]),
            ours: String::new(),
        }),
        (None, Some(ours)) => found.push(Difference {
            place: "error".to_owned(),
            reference: String::new(),
            ours: ours.to_string(),
        }),
    }
    found
}

/// A stream that the reference's caller stopped reading is compared as far as it was read.
fn as_far_as_read(reference: &Value, mut ours: Value) -> Value {
    if let (Value::Array(read), Value::Array(chunks)) = (reference, &mut ours)
        && !read.is_empty()
    {
        chunks.truncate(read.len());
    }
    ours
}

fn requests(record: &Value, answer: &Value, found: &mut Vec<Difference>) {
    let list = |side: &Value, found: &mut Vec<Difference>| -> Vec<Value> {
        let exchanges = side.get("exchanges").or_else(|| side.get("log"));
        let mut exchanges = exchanges
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        if tinker::is_record(side) && tinker::without_conflicts(&mut exchanges) {
            found.push(Difference {
                place: "conflict".to_owned(),
                reference: "is met again".to_owned(),
                ours: "is final".to_owned(),
            });
        }
        let requests = exchanges.into_iter();
        requests
            .map(|mut exchange| exchange["request"].take())
            .collect()
    };
    let (mut reference, mut ours) = (list(record, found), list(answer, found));
    let of_tinker = tinker::is_record(record);
    if of_tinker {
        for (place, reference, ours) in tinker::paced(&mut reference, &mut ours) {
            walk(&place, &reference, &ours, found);
        }
        (reference, ours) = (tinker::in_order(reference), tinker::in_order(ours));
    }
    if reference.len() != ours.len() {
        found.push(Difference {
            place: "requests.count".to_owned(),
            reference: reference.len().to_string(),
            ours: ours.len().to_string(),
        });
        return;
    }
    for (index, (reference, ours)) in reference.iter().zip(&ours).enumerate() {
        let at = format!("requests[{index}]");
        for part in ["method", "path"] {
            let place = format!("{at}.{part}");
            walk(&place, &reference[part], &ours[part], found);
        }
        walk(
            &format!("{at}.query"),
            &sorted(&reference["query"]),
            &sorted(&ours["query"]),
            found,
        );
        if let Some(headers) = reference.get("headers") {
            headers_of(&format!("{at}.headers"), headers, &ours["headers"], found);
            let none = Value::Null;
            let body = |side: &Value| match side.get("body").unwrap_or(&none) {
                body if of_tinker => normal(&tinker::body(body)),
                body => normal(body),
            };
            walk(&format!("{at}.body"), &body(reference), &body(ours), found);
        }
    }
}

/// A query as a list in one order, since its order carries no meaning.
fn sorted(query: &Value) -> Value {
    let mut pairs = query.as_array().cloned().unwrap_or_default();
    pairs.sort_by_key(Value::to_string);
    Value::Array(pairs)
}

fn headers_of(place: &str, reference: &Value, ours: &Value, found: &mut Vec<Difference>) {
    let kept = |headers: &Value| -> Value {
        let headers = headers.as_object().cloned().unwrap_or_default();
        let kept = headers.into_iter().filter_map(|(name, value)| {
            let name = name.to_ascii_lowercase();
            let kept = !NOT_OF_THE_CALL.contains(&name.as_str()) && tinker::is_of_the_call(&name);
            kept.then_some((name, value))
        });
        Value::Object(kept.collect::<Map<_, _>>())
    };
    walk(place, &kept(reference), &kept(ours), found);
}

/// Errors are compared by what a program can act on: who refused, which field, which status.
fn error(reference: &Value, ours: &Value, found: &mut Vec<Difference>) {
    let mut differs = |place: &str, reference: String, ours: String| {
        found.push(Difference {
            place: format!("error.{place}"),
            reference,
            ours,
        });
    };
    if let Some(code) = reference.get("code").filter(|code| !code.is_null()) {
        if code != &ours["code"] {
            differs("code", text(code), text(&ours["code"]));
        }
        if text(&reference["status"]) != text(&ours["status"]) {
            differs("status", text(&reference["status"]), text(&ours["status"]));
        }
        return;
    }
    let kind = text(&ours["kind"]);
    if kind != "invalid" && kind != "refused" {
        differs("kind", text(&reference["message"]), ours.to_string());
        return;
    }
    let message = text(&reference["message"]);
    if let Some(field) = rejected_field(&message) {
        let ours_field = text(&ours["field"]);
        let last = ours_field.rsplit('.').next().unwrap_or_default();
        let plain = |name: &str| name.replace('_', "").to_ascii_lowercase();
        if plain(last) != plain(field) {
            differs("field", field.to_owned(), ours.to_string());
        }
    }
}

/// The field in "… parameter is only supported in …".
fn rejected_field(message: &str) -> Option<&str> {
    let (field, rest) = message.split_once(' ')?;
    (rest.starts_with("parameter is only supported") || rest.starts_with("is only supported"))
        .then_some(field)
}

fn walk(place: &str, reference: &Value, ours: &Value, found: &mut Vec<Difference>) {
    match (reference, ours) {
        (Value::Object(left), Value::Object(right)) => {
            let mut keys: Vec<&String> = left.keys().chain(right.keys()).collect();
            keys.sort();
            keys.dedup();
            for key in keys {
                let none = Value::Null;
                let left = left.get(key).unwrap_or(&none);
                let right = right.get(key).unwrap_or(&none);
                walk(&format!("{place}.{key}"), left, right, found);
            }
        }
        (Value::Array(left), Value::Array(right)) if left.len() == right.len() => {
            for (index, (left, right)) in left.iter().zip(right).enumerate() {
                walk(&format!("{place}[{index}]"), left, right, found);
            }
        }
        (Value::String(left), Value::String(right))
            if same_base64(left, right) || tinker::matches(left, right) => {}
        (left, right) if left == right => {}
        (left, right) => found.push(Difference {
            place: place.to_owned(),
            reference: text(left),
            ours: text(right),
        }),
    }
}

/// A value in a report; nothing for nothing.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
