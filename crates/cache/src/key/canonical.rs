//! One spelling for equal JSON, after RFC 8785.
//!
//! It departs from the RFC in one point: integers that a double cannot hold are written with all
//! their digits, because rounding would give two different requests one key.

use serde_json::{Map, Number, Value};

/// The canonical text of an object.
pub(crate) fn object(map: &Map<String, Value>) -> String {
    let mut out = String::new();
    push_object(&mut out, map);
    out
}

fn push_value(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(value) => out.push_str(if *value { "true" } else { "false" }),
        Value::Number(number) => out.push_str(&number_text(number)),
        Value::String(text) => push_string(out, text),
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                push_value(out, item);
            }
            out.push(']');
        }
        Value::Object(map) => push_object(out, map),
    }
}

fn push_object(out: &mut String, map: &Map<String, Value>) {
    let mut fields: Vec<_> = map.iter().collect();
    fields.sort_by(|(a, _), (b, _)| a.encode_utf16().cmp(b.encode_utf16()));
    out.push('{');
    for (index, (name, value)) in fields.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        push_string(out, name);
        out.push(':');
        push_value(out, value);
    }
    out.push('}');
}

fn push_string(out: &mut String, text: &str) {
    out.push('"');
    let mut rest = text;
    // Long texts are copied in runs: hardly any of their characters is special.
    while let Some(at) = rest
        .bytes()
        .position(|byte| byte < b' ' || matches!(byte, b'"' | b'\\'))
    {
        let (plain, special) = rest.split_at(at);
        out.push_str(plain);
        push_escaped(out, special.as_bytes()[0]);
        rest = &special[1..];
    }
    out.push_str(rest);
    out.push('"');
}

fn push_escaped(out: &mut String, special: u8) {
    match special {
        b'"' => out.push_str("\\\""),
        b'\\' => out.push_str("\\\\"),
        0x08 => out.push_str("\\b"),
        b'\t' => out.push_str("\\t"),
        b'\n' => out.push_str("\\n"),
        0x0c => out.push_str("\\f"),
        b'\r' => out.push_str("\\r"),
        control => out.push_str(&format!("\\u{control:04x}")),
    }
}

fn number_text(number: &Number) -> String {
    if let Some(integer) = number.as_i64() {
        return integer.to_string();
    }
    if let Some(integer) = number.as_u64() {
        return integer.to_string();
    }
    match number.as_f64() {
        Some(double) if double.is_finite() => double_text(double),
        // Only a build of serde_json that keeps digits gets here; they are the exact value.
        _ => number.to_string(),
    }
}

/// The shortest digits that read back as this double, laid out as ECMAScript does.
fn double_text(double: f64) -> String {
    if double == 0.0 {
        return "0".to_owned();
    }
    let scientific = format!("{:e}", double.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    let count = digits.len() as i32;
    let point = exponent.parse::<i32>().unwrap_or(0) + 1;
    let zeros = |count: i32| "0".repeat(usize::try_from(count).unwrap_or(0));

    let unsigned = if count <= point && point <= 21 {
        format!("{digits}{}", zeros(point - count))
    } else if 0 < point && point <= 21 {
        let (whole, rest) = digits.split_at(point as usize);
        format!("{whole}.{rest}")
    } else if -6 < point && point <= 0 {
        format!("0.{}{digits}", zeros(-point))
    } else {
        let (first, rest) = digits.split_at(1);
        let dot = if rest.is_empty() { "" } else { "." };
        format!("{first}{dot}{rest}e{:+}", point - 1)
    };
    if double < 0.0 {
        format!("-{unsigned}")
    } else {
        unsigned
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(json: &str) -> String {
        let value: Value = serde_json::from_str(json).unwrap();
        let mut out = String::new();
        push_value(&mut out, &value);
        out
    }

    #[test]
    fn numbers_are_spelled_as_in_ecmascript() {
        for (input, expected) in [
            ("1.0", "1"),
            ("-0.0", "0"),
            ("0.1", "0.1"),
            ("-1.5", "-1.5"),
            ("123.456", "123.456"),
            ("1e20", "100000000000000000000"),
            ("1e21", "1e+21"),
            ("1.5e300", "1.5e+300"),
            ("0.000001", "0.000001"),
            ("0.0000001", "1e-7"),
            ("1.25e-9", "1.25e-9"),
            ("5e-324", "5e-324"),
            ("9007199254740993", "9007199254740993"),
            ("-9007199254740993", "-9007199254740993"),
            ("18446744073709551615", "18446744073709551615"),
        ] {
            assert_eq!(text(input), expected);
        }
    }

    #[test]
    fn doubles_keep_their_shortest_digits() {
        assert_eq!(double_text(0.1 + 0.2), "0.30000000000000004");
        assert_eq!(double_text(9_007_199_254_740_994.0), "9007199254740994");
        assert_eq!(double_text(-f64::MAX), "-1.7976931348623157e+308");
    }

    #[test]
    fn fields_are_sorted_by_utf16_units() {
        assert_eq!(
            text(r#"{"b": 1, "a": {"d": [], "c": null}}"#),
            r#"{"a":{"c":null,"d":[]},"b":1}"#
        );
        // U+1F600 sorts before U+FB33 by UTF-16 units and after it by code points.
        assert_eq!(
            text("{\"\u{fb33}\": 1, \"\u{1f600}\": 2}"),
            "{\"\u{1f600}\":2,\"\u{fb33}\":1}"
        );
    }

    #[test]
    fn strings_are_escaped_in_one_way() {
        assert_eq!(
            text(r#""\u0008\t\n\f\r\u0001\"\\\/é""#),
            r#""\b\t\n\f\r\u0001\"\\/é""#
        );
    }
}
