//! JSON in the one form that fingerprints are taken of: keys in order, nothing between the parts,
//! and numbers as Python writes them, so that both packages come to the same hash.

use std::fmt::Write as _;

use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

/// The value as one line.
pub(super) fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write(value, &mut text);
    text
}

fn write(value: &Value, text: &mut String) {
    match value {
        Value::Array(values) => {
            text.push('[');
            for (place, value) in values.iter().enumerate() {
                if place > 0 {
                    text.push(',');
                }
                write(value, text);
            }
            text.push(']');
        }
        Value::Object(members) => write_object(members, text),
        Value::Number(number) if number.is_f64() => {
            text.push_str(&float(number.as_f64().unwrap_or_default()));
        }
        // Strings are escaped alike on both sides. Writing to a string cannot fail.
        other => drop(write!(text, "{other}")),
    }
}

fn write_object(members: &Map<String, Value>, text: &mut String) {
    let mut members: Vec<_> = members.iter().collect();
    members.sort_by_key(|(key, _)| *key);
    text.push('{');
    for (place, (key, value)) in members.into_iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        let _ = write!(text, "{}:", Value::from(key.as_str()));
        write(value, text);
    }
    text.push('}');
}

/// The shortest digits that read back as the same number; with an exponent of two digits at least
/// where it is below -4 or above 15.
fn float(number: f64) -> String {
    let short = format!("{number:e}");
    let (digits, exponent) = short.split_once('e').unwrap_or((&short, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..16).contains(&exponent) {
        let plain = number.to_string();
        let point = if plain.contains('.') { "" } else { ".0" };
        return format!("{plain}{point}");
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

/// The SHA-256 of a text, in hexadecimal digits.
pub(super) fn sha256(text: &str) -> String {
    let hash = Sha256::digest(text);
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The SHA-256 of a value in its one form.
pub(super) fn fingerprint(value: &Value) -> String {
    sha256(&canonical(value))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_are_written_as_python_writes_them() {
        let value = json!({
            "z": 123456789.123, "y": 1e16, "x": 1e-05, "w": 1000000000000000.0, "v": 0.0001,
            "u": -0.0, "t": 1e22, "s": 5e-324,
        });
        assert_eq!(
            canonical(&value),
            r#"{"s":5e-324,"t":1e+22,"u":-0.0,"v":0.0001,"w":1000000000000000.0,"x":1e-05,"y":1e+16,"z":123456789.123}"#
        );
        assert_eq!(
            fingerprint(&value),
            "f3afb5c058eb977cd1ec01e836f06c352408655d3c20f4f643cadd5a33a5471e"
        );
    }

    #[test]
    fn strings_keep_what_need_not_be_escaped() {
        let value = json!(["\u{7f}\u{2028}é\u{1}\n\"\\", {"b": null, "a": [true, 1.0, 7]}]);
        assert_eq!(
            canonical(&value),
            "[\"\u{7f}\u{2028}é\\u0001\\n\\\"\\\\\",{\"a\":[true,1.0,7],\"b\":null}]"
        );
    }
}
