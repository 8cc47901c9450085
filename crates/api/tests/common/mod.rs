//! JSON bodies in one form, so that two spellings of a request compare equal.

use serde_json::{Map, Value, json};

/// Members that hold the caller's own JSON.
pub(crate) const FREE_FORM: [&str; 14] = [
    "additionalProperties",
    "args",
    "customConfigs",
    "default",
    "example",
    "headers",
    "labels",
    "parametersJsonSchema",
    "partMetadata",
    "response",
    "responseJsonSchema",
    "schema",
    "structValue",
    "simpleSearchParams",
];

/// Members whose keys are the caller's and whose values are typed.
pub(crate) const MAPS: [&str; 2] = ["properties", "defs"];

/// The same JSON with the schema's keys in camelCase, numbers as floats, and nothing empty.
pub(crate) fn normalised(value: &Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut out = Map::new();
            for (key, value) in object {
                let key = camel(key);
                let value = match value {
                    Value::Object(named) if MAPS.contains(&key.as_str()) => {
                        let named = named
                            .iter()
                            .map(|(name, it)| (name.clone(), normalised(it)));
                        Value::Object(named.collect())
                    }
                    value if FREE_FORM.contains(&key.as_str()) => value.clone(),
                    Value::String(text) if key.ends_with("Time") => utc(text),
                    value => normalised(value),
                };
                // Absent and empty lists mean the same to the service.
                if !value.is_null() && value != json!([]) {
                    out.insert(key, value);
                }
            }
            Value::Object(out)
        }
        Value::Array(items) => items.iter().map(normalised).collect(),
        Value::Number(number) => json!(number.as_f64()),
        other => other.clone(),
    }
}

fn utc(text: &str) -> Value {
    text.parse::<gimmal_types::Timestamp>()
        .map_or_else(|_| json!(text), |time| json!(time.to_string()))
}

/// A snake_case key in camelCase.
pub(crate) fn camel(key: &str) -> String {
    let mut words = key.split('_');
    let mut out = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        out.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        out.push_str(letters.as_str());
    }
    out
}
