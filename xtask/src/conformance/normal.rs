//! One form for JSON that means the same, so that spelling does not count as a difference.

use gimmal_types::Timestamp;
use serde_json::{Map, Value, json};

use crate::wire::camel;

/// The same JSON with camelCase keys at every depth, numbers as floats, times in UTC with
/// microseconds, and without nulls and empty lists, which mean "absent".
pub(crate) fn normal(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let members = object.iter().filter_map(|(key, value)| {
                let key = camel(key);
                let value = match value {
                    Value::String(text) if key.ends_with("Time") => time(text),
                    // A list of names of fields, each in either spelling.
                    Value::String(text) if key == "fieldMask" => camel(text).into(),
                    other => normal(other),
                };
                let absent = value.is_null()
                    || value == json!([])
                    // Sent by the reference whenever a config is given, with or without content.
                    || (key == "generationConfig" && value == json!({}));
                (!absent).then_some((key, value))
            });
            Value::Object(members.collect::<Map<_, _>>())
        }
        Value::Array(items) => items.iter().map(normal).collect(),
        Value::Number(number) => json!(number.as_f64()),
        other => other.clone(),
    }
}

/// A time in UTC, cut to the microseconds that Python has.
fn time(text: &str) -> Value {
    let Ok(time) = text.parse::<Timestamp>() else {
        return json!(text);
    };
    let shown = time.to_string();
    let (seconds, fraction) = shown
        .trim_end_matches('Z')
        .split_once('.')
        .unwrap_or((shown.trim_end_matches('Z'), ""));
    let micros: String = fraction.chars().chain("000000".chars()).take(6).collect();
    json!(format!("{seconds}.{micros}Z"))
}

/// True when both are the same bytes in one of the two base64 alphabets.
pub(crate) fn same_base64(one: &str, other: &str) -> bool {
    let plain = |text: &str| -> Option<String> {
        let body = text.trim_end_matches('=');
        let valid = |letter: char| letter.is_ascii_alphanumeric() || "+/-_".contains(letter);
        body.chars()
            .all(valid)
            .then(|| body.replace('-', "+").replace('_', "/"))
    };
    one.len().abs_diff(other.len()) <= 2 && plain(one).is_some_and(|one| plain(other) == Some(one))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelling_does_not_count() {
        let snake = json!({"a_b": [1, {"expire_time": "2025-01-02T05:04:05+02:00"}], "c": null});
        let camel = json!({"aB": [1.0, {"expireTime": "2025-01-02T03:04:05.000000Z"}], "d": []});
        assert_eq!(normal(&snake), normal(&camel));
        assert_ne!(normal(&json!({"a": {}})), normal(&json!({})));
    }

    #[test]
    fn both_alphabets_are_the_same_bytes() {
        assert!(same_base64("-_8=", "+/8="));
        assert!(!same_base64("a b", "a b"));
        assert!(!same_base64("-_8=", "+/9="));
    }
}
