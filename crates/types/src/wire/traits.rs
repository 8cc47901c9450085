//! The traits between serde and the fields of wire structs.

use serde::ser::SerializeMap;
use serde::{Deserializer, Serializer};

use super::Erased;

/// A value that can stand in a wire struct: decoded as leniently as the services require.
pub trait WireValue: Sized {
    /// Decodes one JSON value.
    ///
    /// # Errors
    ///
    /// Fails when the value has another shape than the field's.
    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;

    /// Encodes one JSON value.
    ///
    /// # Errors
    ///
    /// Fails only when the serializer does.
    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;

    /// Visits the set fields below this value; values that hold none do nothing.
    fn walk(&self, _visitor: &mut dyn FieldVisitor) {}

    /// The member of an object under this name, in Rust's or JSON's spelling, when it is set.
    fn find_member(&self, _name: &str) -> Option<&dyn Erased> {
        None
    }

    /// The elements of a list; `None` for anything else.
    fn list_elements(&self) -> Option<Vec<&dyn Erased>> {
        None
    }
}

/// A wire struct, whose members can be written into an object that something else began.
pub trait WireRecord: WireValue {
    /// Writes the members.
    ///
    /// # Errors
    ///
    /// Fails only when the serializer does.
    fn encode_members<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error>;
}

/// A field of a wire struct: a value that may be absent.
pub trait WireField: Default {
    /// Decodes the field; JSON `null` means absent.
    ///
    /// # Errors
    ///
    /// Fails when the value has another shape than the field's.
    fn decode_field<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;

    /// Encodes the field. Called only when the field is present.
    ///
    /// # Errors
    ///
    /// Fails only when the serializer does.
    fn encode_field<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;

    /// True when the field is left out of the JSON.
    fn is_absent(&self) -> bool;

    /// Visits the set fields below this one.
    fn walk_field(&self, visitor: &mut dyn FieldVisitor);

    /// The value without its type, when the field is present.
    fn erased(&self) -> Option<&dyn Erased>;
}

/// Receives every set field of a wire struct, outer fields before inner ones.
pub trait FieldVisitor {
    /// A set field named `field` (its JSON name) of the type `owner` begins.
    fn enter(&mut self, owner: &'static str, field: &'static str);

    /// The field entered last ends.
    fn leave(&mut self);

    /// An object of the type `owner` holds a member `key` that no field takes.
    fn unknown(&mut self, _owner: &'static str, _key: &str) {}
}
