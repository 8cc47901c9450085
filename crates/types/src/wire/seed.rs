//! Adaptors that hand wire values to serde.

use std::marker::PhantomData;

use serde::de::DeserializeSeed;
use serde::{Deserializer, Serialize, Serializer};

use super::{WireField, WireValue};

/// Decodes a [`WireValue`] where serde wants a seed.
#[derive(Debug)]
pub struct ValueSeed<T>(PhantomData<T>);

impl<T> Default for ValueSeed<T> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<'de, T: WireValue> DeserializeSeed<'de> for ValueSeed<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        T::decode(deserializer)
    }
}

/// Decodes a [`WireField`] where serde wants a seed.
#[derive(Debug)]
pub struct FieldSeed<T>(PhantomData<T>);

impl<T> Default for FieldSeed<T> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<'de, T: WireField> DeserializeSeed<'de> for FieldSeed<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        T::decode_field(deserializer)
    }
}

/// Encodes a [`WireValue`] where serde wants `Serialize`.
#[derive(Debug)]
pub struct Encoded<'a, T>(pub &'a T);

impl<T: WireValue> Serialize for Encoded<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.encode(serializer)
    }
}

/// Encodes a [`WireField`] where serde wants `Serialize`.
#[derive(Debug)]
pub struct EncodedField<'a, T>(pub &'a T);

impl<T: WireField> Serialize for EncodedField<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.encode_field(serializer)
    }
}
