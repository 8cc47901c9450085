//! Key spelling: the wire allows `camelCase` and `snake_case` for every field of a message. This
//! turns a body into camelCase throughout, except inside maps whose keys are the caller's own.

use std::sync::Arc;

use serde_json::{Map, Value};

/// What an object is, as far as its keys go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// A message: its keys are field names.
    Message,
    /// `functionResponse`, whose `response` is the caller's.
    FunctionResponse,
    /// An entry of `functionDeclarations`, whose `response` is a schema.
    FunctionDeclaration,
    /// The schema message.
    Schema,
    /// A map from the caller's names to schemas.
    SchemaMap,
    /// The caller's own value.
    Free,
}

/// The same body with camelCase field names; the very same value when there is nothing to change.
pub(crate) fn normalise(body: &Arc<Value>) -> Arc<Value> {
    if needs_change(body, Kind::Message) {
        Arc::new(rewrite(body, Kind::Message))
    } else {
        Arc::clone(body)
    }
}

/// `updateMask` paths and other single names, in camelCase.
pub(crate) fn to_camel(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    // A leading underscore is part of the name, not a word break.
    let (lead, rest) = name.split_at(name.len() - name.trim_start_matches('_').len());
    out.push_str(lead);
    let mut upper = false;
    for c in rest.chars() {
        if c == '_' {
            upper = true;
        } else if std::mem::take(&mut upper) {
            out.extend(c.to_uppercase());
        } else {
            out.push(c);
        }
    }
    out
}

/// The proto spelling, which is what the service's error texts use.
pub(crate) fn to_snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for c in name.chars() {
        if c.is_ascii_uppercase() {
            out.push('_');
            out.push(c.to_ascii_lowercase());
        } else {
            out.push(c);
        }
    }
    out
}

fn is_snake(name: &str) -> bool {
    name.trim_start_matches('_').contains('_')
}

fn needs_change(value: &Value, kind: Kind) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| needs_change(item, kind)),
        Value::Object(fields) => {
            kind != Kind::Free
                && fields.iter().any(|(key, value)| {
                    (kind != Kind::SchemaMap && is_snake(key))
                        || needs_change(value, child_kind(kind, key))
                })
        }
        _ => false,
    }
}

fn rewrite(value: &Value, kind: Kind) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| rewrite(item, kind)).collect(),
        Value::Object(fields) if kind != Kind::Free => {
            let mut out = Map::new();
            for (key, value) in fields {
                let name = if kind == Kind::SchemaMap {
                    key.clone()
                } else {
                    to_camel(key)
                };
                let value = rewrite(value, child_kind(kind, &name));
                out.insert(name, value);
            }
            Value::Object(out)
        }
        other => other.clone(),
    }
}

fn child_kind(parent: Kind, key: &str) -> Kind {
    let camel;
    let key = if is_snake(key) && parent != Kind::SchemaMap {
        camel = to_camel(key);
        &camel
    } else {
        key
    };
    match (parent, key) {
        (Kind::Free, _) | (Kind::Schema, "default" | "example" | "enum") => Kind::Free,
        (Kind::SchemaMap, _) => Kind::Schema,
        (Kind::Schema, "properties" | "defs" | "$defs") => Kind::SchemaMap,
        (Kind::Schema, _) => Kind::Schema,
        (Kind::FunctionResponse, "response") => Kind::Free,
        (Kind::FunctionDeclaration, "parameters" | "response") => Kind::Schema,
        (_, "functionResponse" | "functionResponses") => Kind::FunctionResponse,
        (_, "functionDeclarations") => Kind::FunctionDeclaration,
        (_, "responseSchema") => Kind::Schema,
        (
            _,
            "args"
            | "parametersJsonSchema"
            | "responseJsonSchema"
            | "_responseJsonSchema"
            | "json"
            | "labels"
            | "metadata"
            | "partMetadata"
            | "references"
            | "userMetadata"
            | "customConfigs"
            | "headers",
        ) => Kind::Free,
        // `toolResponse.response` is a free object too.
        (_, "response") => Kind::Free,
        _ => Kind::Message,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_already_camel_body_is_returned_as_it_is() {
        let body =
            Arc::new(json!({"contents": [{"parts": [{"text": "a_b"}]}], "labels": {"a_b": 1}}));
        assert!(Arc::ptr_eq(&normalise(&body), &body));
    }

    #[test]
    fn field_names_change_and_the_callers_names_do_not() {
        let body = Arc::new(json!({
            "system_instruction": {"parts": [{"inline_data": {"mime_type": "a/b"}}]},
            "generation_config": {
                "response_schema": {
                    "any_of": [{"type": "STRING"}],
                    "properties": {"my_key": {"min_items": 1, "default": {"k_1": 2}}},
                    "property_ordering": ["my_key"]
                },
                "response_json_schema": {"properties": {"a_b": {"any_of": []}}}
            },
            "tools": [{"function_declarations": [{
                "name": "f",
                "parameters": {"properties": {"x_y": {"max_length": 3}}},
                "response": {"min_items": 2},
                "parameters_json_schema": {"x_y": 1}
            }]}],
            "contents": [{"parts": [
                {"function_call": {"name": "f", "args": {"a_b": {"c_d": 1}}}},
                {"function_response": {"name": "f", "response": {"a_b": 1}, "will_continue": true}}
            ]}],
            "labels": {"my_team": "x"}
        }));
        let expected = json!({
            "systemInstruction": {"parts": [{"inlineData": {"mimeType": "a/b"}}]},
            "generationConfig": {
                "responseSchema": {
                    "anyOf": [{"type": "STRING"}],
                    "properties": {"my_key": {"minItems": 1, "default": {"k_1": 2}}},
                    "propertyOrdering": ["my_key"]
                },
                "responseJsonSchema": {"properties": {"a_b": {"any_of": []}}}
            },
            "tools": [{"functionDeclarations": [{
                "name": "f",
                "parameters": {"properties": {"x_y": {"maxLength": 3}}},
                "response": {"minItems": 2},
                "parametersJsonSchema": {"x_y": 1}
            }]}],
            "contents": [{"parts": [
                {"functionCall": {"name": "f", "args": {"a_b": {"c_d": 1}}}},
                {"functionResponse": {"name": "f", "response": {"a_b": 1}, "willContinue": true}}
            ]}],
            "labels": {"my_team": "x"}
        });
        assert_eq!(*normalise(&body), expected);
    }

    #[test]
    fn spelling_round_trips() {
        for name in [
            "generationConfig",
            "topP",
            "_responseJsonSchema",
            "kmsKeyName",
        ] {
            assert_eq!(to_camel(&to_snake(name)), name);
        }
    }
}
