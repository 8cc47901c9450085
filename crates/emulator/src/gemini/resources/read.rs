//! Reading bodies in snake case: fields by name and type, with refusals that say where.

use serde_json::{Map, Value};

use crate::gemini::errors::ApiError;

/// Refuses members that the message does not have.
pub(super) fn only(fields: &Map<String, Value>, known: &[&str], at: &str) -> Result<(), ApiError> {
    match fields.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(ApiError::unknown_field(name, at)),
        None => Ok(()),
    }
}

/// A text, when it is there.
pub(super) fn text<'a>(
    fields: &'a Map<String, Value>,
    name: &str,
) -> Result<Option<&'a str>, ApiError> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(ApiError::invalid_value(name, "TYPE_STRING", other)),
    }
}

/// A text that must be there.
pub(super) fn required<'a>(
    fields: &'a Map<String, Value>,
    name: &str,
) -> Result<&'a str, ApiError> {
    text(fields, name)?
        .filter(|text| !text.trim().is_empty())
        .ok_or_else(|| missing(name))
}

/// Yes or no, when it is said.
pub(super) fn flag(fields: &Map<String, Value>, name: &str) -> Result<Option<bool>, ApiError> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(*flag)),
        Some(other) => Err(ApiError::invalid_value(name, "TYPE_BOOL", other)),
    }
}

/// A list, empty when it is not there.
pub(super) fn list<'a>(
    fields: &'a Map<String, Value>,
    name: &str,
) -> Result<&'a [Value], ApiError> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(other) => Err(ApiError::invalid_value(name, "a list", other)),
    }
}

/// An object, when it is there.
pub(super) fn object<'a>(
    fields: &'a Map<String, Value>,
    name: &str,
) -> Result<Option<&'a Map<String, Value>>, ApiError> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(other) => Err(ApiError::invalid_value(name, "an object", other)),
    }
}

/// The `type` of an object.
pub(super) fn kind(value: &Value) -> &str {
    value
        .get("type")
        .and_then(Value::as_str)
        .unwrap_or_default()
}

pub(super) fn missing(name: &str) -> ApiError {
    ApiError::bad_request(name, format!("The field {name} is required."))
}

pub(super) fn invalid(name: &str, why: &str) -> ApiError {
    ApiError::bad_request(name, format!("Invalid value at '{name}': {why}"))
}
