//! The key of a typed field in a JSON object, told apart from the keys of free-form maps.

use serde::{Serialize, Serializer};

/// The key of a field of a wire struct.
///
/// It is written as a newtype struct with the Rust name of the field as its name, so that a
/// serializer of the reader's own can tell a typed field from a key of the caller's and can use
/// the Rust name. JSON shows the JSON name only.
#[derive(Clone, Copy, Debug)]
pub struct FieldKey {
    /// The name of the field in Rust.
    pub field: &'static str,
    /// The name of the field in JSON.
    pub json: &'static str,
}

impl Serialize for FieldKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(self.field, self.json)
    }
}

/// The key of a member that no field takes.
#[derive(Clone, Copy, Debug)]
pub struct UnknownKey<'a>(pub &'a str);

impl UnknownKey<'_> {
    /// The name of the newtype struct it is written as; no field of Rust can be called so.
    pub const NAME: &'static str = "$unknown";
}

impl Serialize for UnknownKey<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_newtype_struct(Self::NAME, self.0)
    }
}
