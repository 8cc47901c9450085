//! The way through a value: a serializer that makes JSON and tells what is absent from what is null.
//! Scalars are written as `serde_json` writes them; what happens to a member is decided by the rules.

use serde::ser::{
    self, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant,
    SerializeTuple, SerializeTupleStruct, SerializeTupleVariant,
};
use serde_json::value::Serializer as Plain;
use serde_json::{Error, Map, Value};

use super::Transform;
use super::given::ABSENT;

/// Makes JSON of a value; nothing of one that is absent.
pub(super) struct Walk<'a>(pub(super) &'a Transform);

/// The elements of a list so far, and the variant that it belongs to.
pub(super) struct List<'a> {
    rules: &'a Transform,
    elements: Vec<Value>,
    variant: Option<&'static str>,
}

/// The members of an object so far, and the variant that it belongs to.
pub(super) struct Object<'a> {
    rules: &'a Transform,
    members: Map<String, Value>,
    name: Option<String>,
    variant: Option<&'static str>,
}

impl<'a> Walk<'a> {
    fn list(self, variant: Option<&'static str>) -> List<'a> {
        List {
            rules: self.0,
            elements: Vec::new(),
            variant,
        }
    }

    fn object(self, variant: Option<&'static str>) -> Object<'a> {
        Object {
            rules: self.0,
            members: Map::new(),
            name: None,
            variant,
        }
    }
}

/// Within an object of its own when it belongs to a variant.
fn tagged(variant: Option<&'static str>, value: Value) -> Option<Value> {
    Some(match variant {
        Some(variant) => Value::Object(Map::from_iter([(variant.to_owned(), value)])),
        None => value,
    })
}

impl List<'_> {
    fn add<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        self.elements.extend(value.serialize(Walk(self.rules))?);
        Ok(())
    }

    fn done(self) -> Option<Value> {
        tagged(self.variant, Value::Array(self.elements))
    }
}

impl Object<'_> {
    fn add<T: Serialize + ?Sized>(&mut self, name: &str, value: &T) -> Result<(), Error> {
        self.members.extend(self.rules.member(name, value)?);
        Ok(())
    }

    fn done(self) -> Option<Value> {
        tagged(self.variant, Value::Object(self.members))
    }
}

macro_rules! scalars {
    ($($method:ident: $type:ty,)*) => {
        $(fn $method(self, value: $type) -> Result<Self::Ok, Error> {
            Plain.$method(value).map(Some)
        })*
    };
}

impl<'a> ser::Serializer for Walk<'a> {
    type Ok = Option<Value>;
    type Error = Error;
    type SerializeSeq = List<'a>;
    type SerializeTuple = List<'a>;
    type SerializeTupleStruct = List<'a>;
    type SerializeTupleVariant = List<'a>;
    type SerializeMap = Object<'a>;
    type SerializeStruct = Object<'a>;
    type SerializeStructVariant = Object<'a>;

    scalars! {
        serialize_bool: bool,
        serialize_i8: i8,
        serialize_i16: i16,
        serialize_i32: i32,
        serialize_i64: i64,
        serialize_i128: i128,
        serialize_u8: u8,
        serialize_u16: u16,
        serialize_u32: u32,
        serialize_u64: u64,
        serialize_u128: u128,
        serialize_f32: f32,
        serialize_f64: f64,
        serialize_char: char,
        serialize_str: &str,
        serialize_bytes: &[u8],
    }

    fn serialize_none(self) -> Result<Self::Ok, Error> {
        Ok(Some(Value::Null))
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Self::Ok, Error> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Self::Ok, Error> {
        Ok(Some(Value::Null))
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<Self::Ok, Error> {
        Ok((name != ABSENT).then_some(Value::Null))
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Self::Ok, Error> {
        Ok(Some(variant.into()))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Self::Ok, Error> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Self::Ok, Error> {
        let mut object = self.object(None);
        object.add(variant, value)?;
        Ok(object.done())
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<List<'a>, Error> {
        Ok(self.list(None))
    }

    fn serialize_tuple(self, _: usize) -> Result<List<'a>, Error> {
        Ok(self.list(None))
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<List<'a>, Error> {
        Ok(self.list(None))
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<List<'a>, Error> {
        Ok(self.list(Some(variant)))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Object<'a>, Error> {
        Ok(self.object(None))
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Object<'a>, Error> {
        Ok(self.object(None))
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Object<'a>, Error> {
        Ok(self.object(Some(variant)))
    }
}

macro_rules! lists {
    ($($kind:ident: $add:ident,)*) => {
        $(impl $kind for List<'_> {
            type Ok = Option<Value>;
            type Error = Error;

            fn $add<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
                self.add(value)
            }

            fn end(self) -> Result<Self::Ok, Error> {
                Ok(self.done())
            }
        })*
    };
}

lists! {
    SerializeSeq: serialize_element,
    SerializeTuple: serialize_element,
    SerializeTupleStruct: serialize_field,
    SerializeTupleVariant: serialize_field,
}

macro_rules! objects {
    ($($kind:ident,)*) => {
        $(impl $kind for Object<'_> {
            type Ok = Option<Value>;
            type Error = Error;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Error> {
                self.add(name, value)
            }

            fn end(self) -> Result<Self::Ok, Error> {
                Ok(self.done())
            }
        })*
    };
}

objects! {
    SerializeStruct,
    SerializeStructVariant,
}

impl SerializeMap for Object<'_> {
    type Ok = Option<Value>;
    type Error = Error;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Error> {
        self.name = Some(match serde_json::to_value(key)? {
            Value::String(name) => name,
            number @ (Value::Number(_) | Value::Bool(_)) => number.to_string(),
            _ => return Err(ser::Error::custom("a key of a map must be a text")),
        });
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Error> {
        let name = self.name.take();
        let name = name.ok_or_else(|| <Error as ser::Error>::custom("a value without a key"))?;
        self.add(&name, value)
    }

    fn end(self) -> Result<Self::Ok, Error> {
        Ok(self.done())
    }
}
