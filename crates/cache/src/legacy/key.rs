//! The keys of the cache that this one replaces, to find its entries while moving over. New entries
//! are never stored under them: they show texts, and different requests may share one.

use md5::Md5;
use serde_json::{Map, Number, Value};
use sha2::{Digest, Sha256};

use crate::key::hex;

/// Characters above which a text is hashed, if not told otherwise.
pub const LEGACY_HASH_THRESHOLD: usize = 1_000;

/// The key under which the former cache kept the answer to a request.
///
/// `question` is the one that was given besides the options; a question among the options counts
/// where there is none.
///
/// ```
/// use gimmal_cache::{LEGACY_HASH_THRESHOLD, legacy_key};
/// use serde_json::json;
///
/// let options = json!({"max_length": 100});
/// let options = options.as_object().cloned().unwrap_or_default();
/// let key = legacy_key("Sample document", "summarize", &options, None, LEGACY_HASH_THRESHOLD);
/// assert_eq!(key, "ai_cache:op:summarize|txt:Sample document|opts:5104236b");
/// ```
#[must_use]
pub fn legacy_key(
    text: &str,
    operation: &str,
    options: &Map<String, Value>,
    question: Option<&str>,
    hash_threshold: usize,
) -> String {
    let mut key = format!(
        "ai_cache:op:{operation}|txt:{}",
        text_part(text, hash_threshold)
    );
    if !options.is_empty() {
        key.push_str("|opts:");
        key.push_str(&short_md5(&options_text(options)));
    }
    let question = question.or_else(|| options.get("question")?.as_str());
    if let Some(question) = question.filter(|question| !question.is_empty()) {
        key.push_str("|q:");
        key.push_str(&short_md5(question));
    }
    key
}

fn text_part(text: &str, hash_threshold: usize) -> String {
    let characters = text.chars().count();
    if characters <= hash_threshold {
        return text.replace(['|', ':'], "_");
    }
    let words = text
        .split(|it: char| it.is_whitespace() || ('\u{1c}'..='\u{1f}').contains(&it))
        .filter(|word| !word.is_empty())
        .count();
    let mut hash = Sha256::new();
    hash.update(text);
    hash.update(format!("len:{characters}"));
    hash.update(format!("words:{words}"));
    format!("hash:{}", &hex(&hash.finalize())[..16])
}

fn short_md5(text: &str) -> String {
    hex(&Md5::digest(text)[..4])
}

fn options_text(options: &Map<String, Value>) -> String {
    let mut pairs: Vec<_> = options.iter().collect();
    pairs.sort_by_key(|(name, _)| *name);
    let pairs = pairs.into_iter().map(|(name, value)| match value {
        Value::String(text) => format!("{name}={text}"),
        other => format!("{name}={}", python(other)),
    });
    pairs.collect::<Vec<_>>().join("&")
}

/// A value as Python shows it within a list.
fn python(value: &Value) -> String {
    match value {
        Value::Null => "None".to_owned(),
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Number(number) => python_number(number),
        Value::String(text) => python_string(text),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(python).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(fields) => {
            let field = |(name, value): (&String, &Value)| {
                format!("{}: {}", python_string(name), python(value))
            };
            let fields: Vec<_> = fields.iter().map(field).collect();
            format!("{{{}}}", fields.join(", "))
        }
    }
}

/// Python writes an exponent below −4 and from 16 on, with a sign and two digits at least.
fn python_number(number: &Number) -> String {
    let Some(double) = number.as_f64().filter(|_| number.is_f64()) else {
        return number.to_string();
    };
    let scientific = format!("{double:e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if double != 0.0 && !(-4..16).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.abs());
    }
    let plain = double.to_string();
    if plain.contains('.') {
        plain
    } else {
        format!("{plain}.0")
    }
}

/// In single quotes, unless there are some within and no double ones.
fn python_string(text: &str) -> String {
    let quote = match (text.contains('\''), text.contains('"')) {
        (true, false) => '"',
        _ => '\'',
    };
    let mut out = String::from(quote);
    for character in text.chars() {
        match character {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\\' => out.push_str("\\\\"),
            it if it == quote => out.extend(['\\', it]),
            it if (it as u32) < 0x20 || it == '\u{7f}' => {
                out.push_str(&format!("\\x{:02x}", u32::from(it)));
            }
            it => out.push(it),
        }
    }
    out.push(quote);
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn key(text: &str, operation: &str, options: Value) -> String {
        let options = options.as_object().unwrap();
        legacy_key(text, operation, options, None, LEGACY_HASH_THRESHOLD)
    }

    /// Keys that the former cache made.
    ///
    /// Covers: K
    #[test]
    fn k_keys_of_the_former_cache() {
        let a = |count| "A".repeat(count);
        for (text, operation, options, expected) in [
            (
                "Long document to analyze...".to_owned(),
                "summarize",
                json!({"max_length": 100, "model": "gpt-4"}),
                "ai_cache:op:summarize|txt:Long document to analyze...|opts:7090d258",
            ),
            (
                a(1_001),
                "summarize",
                json!({}),
                "ai_cache:op:summarize|txt:hash:564869f68dbdc44f",
            ),
            (
                a(10_000),
                "summarize",
                json!({}),
                "ai_cache:op:summarize|txt:hash:605035e5ef3e21da",
            ),
            (
                "é".repeat(1_001),
                "sentiment",
                json!({}),
                "ai_cache:op:sentiment|txt:hash:bdc7fa0ade3e8b1f",
            ),
            (
                "Document content".to_owned(),
                "qa",
                json!({"question": "What is the main point?", "max_tokens": 150}),
                "ai_cache:op:qa|txt:Document content|opts:9169c942|q:732ed4fc",
            ),
            (
                "t".to_owned(),
                "x",
                json!({"f": 1.0, "b": true, "n": null, "l": [1, "a"], "d": {"k": "v"}}),
                "ai_cache:op:x|txt:t|opts:b32c3acd",
            ),
            (
                "a:b|c".to_owned(),
                "op|x:y",
                json!({}),
                "ai_cache:op:op|x:y|txt:a_b_c",
            ),
            (String::new(), "x", json!({}), "ai_cache:op:x|txt:"),
        ] {
            assert_eq!(key(&text, operation, options), expected);
        }
        assert_eq!(key(&a(1_000), "summarize", json!({})).len(), 1_026);

        let options = json!({"max_tokens": 150});
        let asked = legacy_key(
            "Document content",
            "qa",
            options.as_object().unwrap(),
            Some("What is the main point?"),
            LEGACY_HASH_THRESHOLD,
        );
        let expected = "ai_cache:op:qa|txt:Document content|opts:a1a0492b|q:732ed4fc";
        assert_eq!(asked, expected);
    }

    #[test]
    fn values_are_shown_as_python_shows_them() {
        for (value, expected) in [
            (json!(0.1), "0.1"),
            (json!(1e-5), "1e-05"),
            (json!(1.5e-7), "1.5e-07"),
            (json!(0.0001), "0.0001"),
            (json!(1e16), "1e+16"),
            (json!(123_456_789.0), "123456789.0"),
            (json!(-0.0), "-0.0"),
            (json!(["it's", "\"", "a\nb"]), r#"["it's", '"', 'a\nb']"#),
        ] {
            assert_eq!(python(&value), expected);
        }
    }
}
