//! Facts about a document that a search can be narrowed by: their decoding, their wire form and
//! their comparison.

use serde_json::{Map, Value, json};

use crate::{
    gemini::{
        errors::ApiError,
        fields::{self, list, number, object, string},
    },
    route::Backend,
};

/// The most facts a document may have.
const MOST: usize = 20;

/// The facts of one document, in the order they were given.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Metadata {
    facts: Vec<(String, Fact)>,
}

/// What is known under a key.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Fact {
    Text(String),
    Number(f64),
    Texts(Vec<String>),
}

impl Metadata {
    /// Reads `customMetadata` of a request.
    pub(super) fn decode(request: &Map<String, Value>) -> Result<Self, ApiError> {
        let items = list(request, "customMetadata");
        if items.len() > MOST {
            return Err(ApiError::bad_request(
                "custom_metadata",
                format!("A document may have at most {MOST} custom metadata."),
            ));
        }
        let facts = items.iter().enumerate().map(|(at, item)| fact(item, at));
        let facts = facts.collect::<Result<_, _>>()?;
        Ok(Self { facts })
    }

    pub(super) fn get(&self, key: &str) -> Option<&Fact> {
        let found = self.facts.iter().find(|(name, _)| name == key);
        found.map(|(_, fact)| fact)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.facts.is_empty()
    }

    pub(super) fn to_json(&self) -> Value {
        let facts = self.facts.iter().map(|(key, fact)| match fact {
            Fact::Text(text) => json!({ "key": key, "stringValue": text }),
            Fact::Number(number) => json!({ "key": key, "numericValue": number }),
            Fact::Texts(texts) => json!({ "key": key, "stringListValue": { "values": texts } }),
        });
        facts.collect()
    }
}

fn fact(item: &Value, at: usize) -> Result<(String, Fact), ApiError> {
    let at = format!("custom_metadata[{at}]");
    let Some(fields) = item.as_object() else {
        return Err(ApiError::invalid_value(&at, "an object", item));
    };
    fields::CUSTOM_METADATA.check(fields, &at, Backend::Developer)?;
    let key = string(fields, "key", &at)?.unwrap_or_default();
    if key.is_empty() {
        return Err(ApiError::bad_request(
            &at,
            format!("{at}.key is not specified"),
        ));
    }
    let text = string(fields, "stringValue", &at)?.map(|text| Fact::Text(text.to_owned()));
    let count = number(fields, "numericValue", &at)?.map(Fact::Number);
    let texts = match object(fields, "stringListValue", &at)? {
        None => None,
        Some(inner) => {
            let values = list(inner, "values").iter().map(|value| {
                let text = value.as_str().map(str::to_owned);
                text.ok_or_else(|| ApiError::invalid_value(&at, "TYPE_STRING", value))
            });
            Some(Fact::Texts(values.collect::<Result<_, _>>()?))
        }
    };
    let mut facts = [text, count, texts].into_iter().flatten();
    match (facts.next(), facts.next()) {
        (Some(fact), None) => Ok((key.to_owned(), fact)),
        (None, _) => Err(ApiError::bad_request(
            &at,
            format!("{at} has neither string_value, numeric_value nor string_list_value."),
        )),
        (Some(_), Some(_)) => Err(ApiError::bad_request(
            &at,
            format!("Invalid value at '{at}' (oneof), oneof field 'value' is already set."),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(items: Value) -> Result<Metadata, String> {
        let request = json!({ "customMetadata": items });
        let request = request.as_object().cloned().expect("an object");
        Metadata::decode(&request).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn facts_of_every_kind_round_trip() {
        let items = json!([
            {"key": "author", "stringValue": "Ada"},
            {"key": "year", "numericValue": 1843.0},
            {"key": "tags", "stringListValue": {"values": ["a", "b"]}},
        ]);
        let metadata = decode(items.clone()).expect("valid");
        assert_eq!(metadata.to_json(), items);
        assert_eq!(metadata.get("year"), Some(&Fact::Number(1843.0)));
        assert_eq!(metadata.get("none"), None);
    }

    #[test]
    fn a_fact_has_one_key_and_one_value() {
        for (items, part) in [
            (json!([{"stringValue": "x"}]), "key is not specified"),
            (json!([{"key": "k"}]), "neither"),
            (
                json!([{"key": "k", "stringValue": "x", "numericValue": 1}]),
                "already set",
            ),
            (json!([{"key": "k", "value": 1}]), "\"value\""),
            (json!(["k"]), "an object"),
            (
                json!([{"key": "k", "stringListValue": {"values": [1]}}]),
                "TYPE_STRING",
            ),
        ] {
            let message = decode(items).expect_err(part);
            assert!(message.contains(part), "{message}");
        }
        let many: Vec<Value> = vec![json!({"key": "k", "stringValue": "x"}); 21];
        assert!(
            decode(many.into())
                .expect_err("too many")
                .contains("at most 20")
        );
    }
}
