//! Takes what must not leave the machine out of the data of events.

use gimmal_transport::redact::REDACTED;
use serde_json::{Map, Value};

/// Parts of names, in lower case and without separators, whose values are secret.
const SECRET_NAMES: [&str; 8] = [
    "apikey",
    "authorization",
    "accessclientsecret",
    "accesstoken",
    "credential",
    "password",
    "secret",
    "cookie",
];

/// The value without secrets: members with telling names, and texts in which an API key (`tml-…`)
/// or a JSON web token (`eyJ…`) turns up, are replaced.
///
/// ```
/// use gimmal_client::tinker::telemetry::sanitize;
/// use serde_json::json;
///
/// let data = json!({"ok": true, "X-API-Key": "k", "note": "sent tml-abc"});
/// let expected = json!({"ok": true, "X-API-Key": "[REDACTED]", "note": "sent [REDACTED]"});
/// assert_eq!(sanitize(data), expected);
/// ```
pub fn sanitize(value: Value) -> Value {
    match value {
        Value::Object(members) => Value::Object(sanitize_map(members)),
        Value::Array(list) => list.into_iter().map(sanitize).collect(),
        Value::String(text) => Value::String(hide(text)),
        plain => plain,
    }
}

/// The members without secrets.
pub(super) fn sanitize_map(members: Map<String, Value>) -> Map<String, Value> {
    let clean = |(name, value): (String, Value)| {
        let value = match is_secret(&name) && !value.is_null() {
            true => REDACTED.into(),
            false => sanitize(value),
        };
        (name, value)
    };
    members.into_iter().map(clean).collect()
}

fn is_secret(name: &str) -> bool {
    let plain: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|letter| letter.to_ascii_lowercase())
        .collect();
    SECRET_NAMES.iter().any(|secret| plain.contains(secret))
}

/// The text with words that look like keys and tokens replaced.
pub(super) fn hide(text: String) -> String {
    if !text.contains("tml-") && !text.contains("eyJ") {
        return text;
    }
    let is_word = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    let mut clean = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let end = rest.find(|letter| !is_word(letter)).unwrap_or(rest.len());
        let (word, tail) = rest.split_at(end);
        clean.push_str(match is_key(word) {
            true => REDACTED,
            false => word,
        });
        let gap = tail.find(is_word).unwrap_or(tail.len());
        let (separators, next) = tail.split_at(gap);
        clean.push_str(separators);
        rest = next;
    }
    clean
}

fn is_key(word: &str) -> bool {
    word.contains("tml-") || word.contains("eyJ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::tinker::telemetry::EventFactory;

    /// Covers: CHK-SER-1
    #[test]
    fn chk_ser_1_plain_values_stay_and_others_are_told_as_debug() {
        let data = json!({"ok": true, "n": null, "t": EventFactory::debug(&(1, 2)), "x": [1.5]});
        let expected = json!({"ok": true, "n": null, "t": "(1, 2)", "x": [1.5]});
        assert_eq!(sanitize(data), expected);
    }

    #[test]
    fn secrets_do_not_leave() {
        let data = json!({
            "request_headers": {"x-api-key": "tml-1", "CF-Access-Client-Secret": "s", "accept": "a"},
            "weights_access_token": "w",
            "chain": ["bad key tml-abc.d, and \"eyJhbGciOi.J9.x\"!"],
            "tokens": 5,
        });
        let expected = json!({
            "request_headers": {
                "x-api-key": REDACTED, "CF-Access-Client-Secret": REDACTED, "accept": "a",
            },
            "weights_access_token": REDACTED,
            "chain": ["bad key [REDACTED], and \"[REDACTED]\"!"],
            "tokens": 5,
        });
        assert_eq!(sanitize(data), expected);
    }
}
