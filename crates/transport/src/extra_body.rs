//! Members that a caller adds to the JSON body of a request: how they find their places in it. It
//! knows no field of any service.

use std::collections::BTreeMap;

use bytes::Bytes;
use http::HeaderValue;
use serde_json::{Map, Value};

use crate::error::Error;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The body with the members added, and its media type where there was no body before. A body of
/// another media type than JSON is left as it is.
pub(crate) fn add(
    members: &Map<String, Value>,
    body: &Bytes,
    content_type: Option<&HeaderValue>,
) -> Result<(Bytes, Option<HeaderValue>), Error> {
    let (mut object, new_type) = if body.is_empty() {
        (Map::new(), Some(JSON))
    } else if content_type == Some(&JSON) {
        let parsed = serde_json::from_slice::<Map<String, Value>>(body);
        let parsed = parsed
            .map_err(|source| refused("cannot be added to a body that is no object", source))?;
        (parsed, None)
    } else {
        return Ok((body.clone(), None));
    };
    merge(&mut object, members);
    let merged = serde_json::to_vec(&object);
    let merged = merged.map_err(|source| refused("cannot be written as JSON", source))?;
    Ok((Bytes::from(merged), new_type))
}

fn refused(fix: &str, source: serde_json::Error) -> Error {
    Error::invalid("extra_body", fix).with_source(source)
}

/// Of two spellings of one member the later one counts, as of a name that is given twice.
fn merge(object: &mut Map<String, Value>, members: &Map<String, Value>) {
    let mut placed = BTreeMap::new();
    for (name, value) in members {
        let plain_name = plain(name);
        let place = object.keys().find(|key| plain(key) == plain_name);
        placed.insert(place.unwrap_or(name).clone(), value);
    }
    for (name, value) in placed {
        match (object.get_mut(&name), value) {
            (Some(Value::Object(inner)), Value::Object(members)) => merge(inner, members),
            _ => {
                object.insert(name, value.clone());
            }
        }
    }
}

/// What the spellings of a name have in common.
fn plain(name: &str) -> String {
    name.replace('_', "").to_lowercase()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn added(members: Value, body: &str) -> Result<Value, Error> {
        let Value::Object(members) = members else {
            panic!("members are an object");
        };
        let body = Bytes::copy_from_slice(body.as_bytes());
        add(&members, &body, Some(&JSON)).map(|(body, _)| serde_json::from_slice(&body).unwrap())
    }

    #[test]
    fn members_find_their_places_whatever_the_spelling() {
        let body = r#"{"generationConfig": {"topK": 1, "stopSequences": ["a", "b"]}, "seed": 1}"#;
        let members = json!({
            "generation_config": {"TOPK": 3, "stop_sequences": ["c"], "new_knob": true},
            "seed": {"a": 1},
            "labels": {"x": null},
        });
        let expected = json!({
            "generationConfig": {"topK": 3, "stopSequences": ["c"], "new_knob": true},
            "seed": {"a": 1},
            "labels": {"x": null},
        });
        assert_eq!(added(members, body).unwrap(), expected);
    }

    #[test]
    fn of_two_spellings_the_later_one_counts_where_the_body_has_the_member() {
        let members = json!({"topK": 1, "top_k": 2});
        assert_eq!(
            added(members.clone(), r#"{"topK": 0}"#).unwrap(),
            json!({"topK": 2})
        );
        assert_eq!(added(members.clone(), "").unwrap(), members);
    }

    #[test]
    fn other_bodies_are_left_alone_or_refused() {
        let members = Map::from_iter([("a".to_owned(), json!(1))]);
        let png = HeaderValue::from_static("image/png");
        let picture = Bytes::from_static(b"PNG");
        let (body, new_type) = add(&members, &picture, Some(&png)).unwrap();
        assert_eq!((body, new_type), (picture, None));

        let error = added(json!({"a": 1}), "[1]").unwrap_err();
        assert_eq!(error.field(), Some("extra_body"));
        assert_eq!(
            error.to_string(),
            "invalid `extra_body`: cannot be added to a body that is no object"
        );
    }
}
