//! Values of ours under the reference's Python field names.
//!
//! A serde serializer into a JSON tree that writes the Rust name of every typed field, which is
//! the reference's name, leaves the keys of the caller's own maps alone, and drops what no field
//! takes, as the reference does.

use gimmal_types::wire::UnknownKey;
use serde::Serialize;
use serde::ser::{
    self, Impossible, SerializeMap, SerializeSeq, SerializeStruct, SerializeTuple, Serializer,
};
use serde_json::{Map, Value};

/// The value as the reference's `model_dump` would show it: Python names, nothing unset.
pub(crate) fn dump<T: Serialize>(value: &T) -> Result<Value, serde_json::Error> {
    value.serialize(Python)
}

struct Python;

type Done = Result<Value, serde_json::Error>;

/// Forwards scalars to serde_json's own conversion.
macro_rules! scalars {
    ($($method:ident: $ty:ty),* $(,)?) => { $(
        fn $method(self, value: $ty) -> Done {
            serde_json::value::Serializer.$method(value)
        }
    )* };
}

impl Serializer for Python {
    type Ok = Value;
    type Error = serde_json::Error;
    type SerializeSeq = List;
    type SerializeTuple = List;
    type SerializeTupleStruct = Impossible<Value, serde_json::Error>;
    type SerializeTupleVariant = Impossible<Value, serde_json::Error>;
    type SerializeMap = Object;
    type SerializeStruct = Object;
    type SerializeStructVariant = Impossible<Value, serde_json::Error>;

    scalars! {
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32,
        serialize_i64: i64, serialize_u8: u8, serialize_u16: u16, serialize_u32: u32,
        serialize_u64: u64, serialize_f32: f32, serialize_f64: f64, serialize_char: char,
        serialize_str: &str, serialize_bytes: &[u8],
    }

    fn serialize_none(self) -> Done {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Done {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Done {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Done {
        Ok(Value::Null)
    }

    fn serialize_unit_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
    ) -> Done {
        Ok(Value::from(variant))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        value: &T,
    ) -> Done {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Done {
        Ok(Value::from_iter([(variant, value.serialize(Self)?)]))
    }

    fn serialize_seq(self, _len: Option<usize>) -> Result<List, serde_json::Error> {
        Ok(List(Vec::new()))
    }

    fn serialize_tuple(self, _len: usize) -> Result<List, serde_json::Error> {
        Ok(List(Vec::new()))
    }

    fn serialize_tuple_struct(
        self,
        name: &'static str,
        _len: usize,
    ) -> Result<Self::SerializeTupleStruct, serde_json::Error> {
        Err(unexpected(name))
    }

    fn serialize_tuple_variant(
        self,
        name: &'static str,
        _index: u32,
        _variant: &'static str,
        _len: usize,
    ) -> Result<Self::SerializeTupleVariant, serde_json::Error> {
        Err(unexpected(name))
    }

    fn serialize_map(self, _len: Option<usize>) -> Result<Object, serde_json::Error> {
        Ok(Object::default())
    }

    fn serialize_struct(
        self,
        _name: &'static str,
        _len: usize,
    ) -> Result<Object, serde_json::Error> {
        Ok(Object::default())
    }

    fn serialize_struct_variant(
        self,
        name: &'static str,
        _index: u32,
        _variant: &'static str,
        _len: usize,
    ) -> Result<Self::SerializeStructVariant, serde_json::Error> {
        Err(unexpected(name))
    }
}

fn unexpected(name: &str) -> serde_json::Error {
    ser::Error::custom(format!("{name} has no Python form"))
}

/// A list in the making.
struct List(Vec<Value>);

impl SerializeSeq for List {
    type Ok = Value;
    type Error = serde_json::Error;

    fn serialize_element<T: Serialize + ?Sized>(
        &mut self,
        value: &T,
    ) -> Result<(), serde_json::Error> {
        self.0.push(value.serialize(Python)?);
        Ok(())
    }

    fn end(self) -> Done {
        Ok(Value::Array(self.0))
    }
}

impl SerializeTuple for List {
    type Ok = Value;
    type Error = serde_json::Error;

    fn serialize_element<T: Serialize + ?Sized>(
        &mut self,
        value: &T,
    ) -> Result<(), serde_json::Error> {
        SerializeSeq::serialize_element(self, value)
    }

    fn end(self) -> Done {
        SerializeSeq::end(self)
    }
}

/// An object in the making; the key of a member that is to be dropped is `None`.
#[derive(Default)]
struct Object {
    members: Map<String, Value>,
    key: Option<String>,
}

impl SerializeMap for Object {
    type Ok = Value;
    type Error = serde_json::Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), serde_json::Error> {
        self.key = key.serialize(Key)?;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(
        &mut self,
        value: &T,
    ) -> Result<(), serde_json::Error> {
        if let Some(key) = self.key.take() {
            self.members.insert(key, value.serialize(Python)?);
        }
        Ok(())
    }

    fn end(self) -> Done {
        Ok(Value::Object(self.members))
    }
}

impl SerializeStruct for Object {
    type Ok = Value;
    type Error = serde_json::Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        key: &'static str,
        value: &T,
    ) -> Result<(), serde_json::Error> {
        self.members
            .insert(key.to_owned(), value.serialize(Python)?);
        Ok(())
    }

    fn end(self) -> Done {
        Ok(Value::Object(self.members))
    }
}

/// Reads a key: the Rust name of a typed field, any other key as it is, `None` for unknown ones.
struct Key;

/// JSON names of fields that need another name in Rust.
const RESERVED: [&str; 3] = ["enum", "ref", "type"];

macro_rules! no_keys {
    ($($method:ident: $ty:ty),* $(,)?) => { $(
        fn $method(self, value: $ty) -> Result<Option<String>, serde_json::Error> {
            Ok(Some(value.to_string()))
        }
    )* };
}

impl Serializer for Key {
    type Ok = Option<String>;
    type Error = serde_json::Error;
    type SerializeSeq = Impossible<Self::Ok, Self::Error>;
    type SerializeTuple = Impossible<Self::Ok, Self::Error>;
    type SerializeTupleStruct = Impossible<Self::Ok, Self::Error>;
    type SerializeTupleVariant = Impossible<Self::Ok, Self::Error>;
    type SerializeMap = Impossible<Self::Ok, Self::Error>;
    type SerializeStruct = Impossible<Self::Ok, Self::Error>;
    type SerializeStructVariant = Impossible<Self::Ok, Self::Error>;

    no_keys! {
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32,
        serialize_i64: i64, serialize_u8: u8, serialize_u16: u16, serialize_u32: u32,
        serialize_u64: u64, serialize_f32: f32, serialize_f64: f64, serialize_char: char,
        serialize_str: &str,
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        value: &T,
    ) -> Result<Self::Ok, Self::Error> {
        if name == UnknownKey::NAME {
            return Ok(None);
        }
        // No field of Rust can be called so; Python's are.
        let json = value.serialize(Self)?;
        if json
            .as_ref()
            .is_some_and(|json| RESERVED.contains(&json.as_str()))
        {
            return Ok(json);
        }
        Ok(Some(
            name.trim_start_matches("r#")
                .trim_end_matches('_')
                .to_owned(),
        ))
    }

    fn serialize_bytes(self, _: &[u8]) -> Result<Self::Ok, Self::Error> {
        Err(unexpected("a key of bytes"))
    }
    fn serialize_none(self) -> Result<Self::Ok, Self::Error> {
        Err(unexpected("a key of null"))
    }
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Self::Ok, Self::Error> {
        value.serialize(self)
    }
    fn serialize_unit(self) -> Result<Self::Ok, Self::Error> {
        Err(unexpected("a key of null"))
    }
    fn serialize_unit_struct(self, name: &'static str) -> Result<Self::Ok, Self::Error> {
        Err(unexpected(name))
    }
    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Self::Ok, Self::Error> {
        Ok(Some(variant.to_owned()))
    }
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        name: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<Self::Ok, Self::Error> {
        Err(unexpected(name))
    }
    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Self::Error> {
        Err(unexpected("a key of a list"))
    }
    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Self::Error> {
        Err(unexpected("a key of a tuple"))
    }
    fn serialize_tuple_struct(
        self,
        name: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Self::Error> {
        Err(unexpected(name))
    }
    fn serialize_tuple_variant(
        self,
        name: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Self::Error> {
        Err(unexpected(name))
    }
    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Self::Error> {
        Err(unexpected("a key of a map"))
    }
    fn serialize_struct(
        self,
        name: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStruct, Self::Error> {
        Err(unexpected(name))
    }
    fn serialize_struct_variant(
        self,
        name: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Self::Error> {
        Err(unexpected(name))
    }
}
