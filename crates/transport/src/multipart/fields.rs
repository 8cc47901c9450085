//! Nested values as flat fields of a form, in the bracket spelling that web frameworks read:
//! `user[name]`, `tags[]`, `users[][name]`.

use serde_json::Value;

use crate::error::Error;

/// Names and texts of the fields that a JSON object spells.
pub(super) fn flatten(object: &Value) -> Result<Vec<(String, String)>, Error> {
    let Value::Object(members) = object else {
        return Err(Error::invalid(
            "fields",
            "a form is made of names and values; give a JSON object",
        ));
    };
    let mut fields = Vec::new();
    for (name, value) in members {
        push(name.clone(), value, &mut fields);
    }
    Ok(fields)
}

fn push(name: String, value: &Value, fields: &mut Vec<(String, String)>) {
    match value {
        Value::Null => fields.push((name, String::new())),
        Value::Bool(value) => fields.push((name, value.to_string())),
        Value::Number(value) => fields.push((name, value.to_string())),
        Value::String(value) => fields.push((name, value.clone())),
        Value::Array(items) => {
            for item in items {
                push(format!("{name}[]"), item, fields);
            }
        }
        Value::Object(members) => {
            for (key, value) in members {
                push(format!("{name}[{key}]"), value, fields);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn chk_mp_1_lists_and_objects_are_spelled_with_brackets() {
        let value = json!({"tags": ["a", "b"], "user": {"age": 30, "name": "n"}});
        let expected = [
            ("tags[]", "a"),
            ("tags[]", "b"),
            ("user[age]", "30"),
            ("user[name]", "n"),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(flatten(&value).unwrap(), expected);
    }

    #[test]
    fn chk_mp_1_null_scalars_and_lists_of_objects() {
        let value = json!({"a": null, "b": true, "c": 1.5, "d": [{"e": 1}, {"e": 2}], "f": []});
        let fields = flatten(&value).unwrap();
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        assert_eq!(fields, ["a=", "b=true", "c=1.5", "d[][e]=1", "d[][e]=2"]);
    }

    #[test]
    fn chk_mp_1_anything_but_an_object_is_refused() {
        let error = flatten(&json!(["a"])).unwrap_err();
        assert_eq!(error.field(), Some("fields"));
    }
}
