//! The members of a JSON object that no field takes.

use serde_json::{Map, Value};

/// JSON members of an object that this version of the crate has no field for.
///
/// They are kept so that a resource read from the service can be sent back without losing what a
/// newer service put there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UnknownFields(Option<Box<Map<String, Value>>>);

impl UnknownFields {
    /// True when the object held nothing unknown.
    pub fn is_empty(&self) -> bool {
        self.0.as_ref().is_none_or(|fields| fields.is_empty())
    }

    /// The value under `key`, spelled as the service spelled it.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.0.as_ref()?.get(key)
    }

    /// Adds or replaces a member, for fields that the service knows and this crate does not yet.
    pub fn insert(&mut self, key: impl Into<String>, value: Value) {
        self.0.get_or_insert_default().insert(key.into(), value);
    }

    /// The members in the order in which they came.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.0.iter().flat_map(|fields| fields.iter())
    }
}
