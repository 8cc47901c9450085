//! The `record!` macro: wire structs whose fields may be required or have a default.
//!
//! A record of the Tinker API says of each field whether it must be there: a field of type
//! `Option` may be absent, one with `#[default(…)]` takes that value, and any other is required;
//! one with `#[read_by(…)]` is read by that seed.
//! Absent fields are left out of the JSON, defaults are written. Members that no field takes are
//! kept. This module must not know any particular record.

use std::fmt;
use std::marker::PhantomData;

use serde::de::DeserializeSeed;
use serde::{Deserializer, Serialize, Serializer};

use crate::wire::{Erased, FieldVisitor, IntoField, WireField, WireValue};

/// A field of a record: a value, or an optional one.
pub trait RecordField: Sized {
    /// Decodes the field.
    ///
    /// # Errors
    ///
    /// Fails when the value has another shape than the field's.
    fn decode_field<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error>;

    /// Encodes the field.
    ///
    /// # Errors
    ///
    /// Fails only when the serializer does.
    fn encode_field<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error>;

    /// True when the field is left out of the JSON.
    fn is_omitted(&self) -> bool;

    /// What the field is when the object does not name it; `None` for a required one.
    fn when_missing() -> Option<Self>;

    /// Visits the set fields below this one.
    fn walk_field(&self, visitor: &mut dyn FieldVisitor);

    /// The value without its type, when it is there.
    fn erased_field(&self) -> Option<&dyn Erased>;
}

impl<T: WireValue> RecordField for Option<T> {
    fn decode_field<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        WireField::decode_field(deserializer)
    }

    fn encode_field<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        WireField::encode_field(self, serializer)
    }

    fn is_omitted(&self) -> bool {
        self.is_none()
    }

    fn when_missing() -> Option<Self> {
        Some(None)
    }

    fn walk_field(&self, visitor: &mut dyn FieldVisitor) {
        WireField::walk_field(self, visitor);
    }

    fn erased_field(&self) -> Option<&dyn Erased> {
        WireField::erased(self)
    }
}

impl<T: WireValue> RecordField for T {
    fn decode_field<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::decode(deserializer)
    }

    fn encode_field<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.encode(serializer)
    }

    fn is_omitted(&self) -> bool {
        false
    }

    fn when_missing() -> Option<Self> {
        None
    }

    fn walk_field(&self, visitor: &mut dyn FieldVisitor) {
        self.walk(visitor);
    }

    fn erased_field(&self) -> Option<&dyn Erased> {
        Some(self)
    }
}

/// Decodes a [`RecordField`] where serde wants a seed.
pub(crate) struct RecordSeed<T>(PhantomData<T>);

impl<T> Default for RecordSeed<T> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T> fmt::Debug for RecordSeed<T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("RecordSeed")
    }
}

impl<'de, T: RecordField> DeserializeSeed<'de> for RecordSeed<T> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<T, D::Error> {
        T::decode_field(deserializer)
    }
}

/// Encodes a [`RecordField`] where serde wants `Serialize`.
pub(crate) struct EncodedMember<'a, T>(pub(crate) &'a T);

impl<T: RecordField> Serialize for EncodedMember<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.encode_field(serializer)
    }
}

/// Lets whatever converts into a type stand for a required field of it.
macro_rules! plain_fields {
    ($($ty:ty),* $(,)?) => { $(
        impl<U: Into<$ty>> $crate::wire::IntoField<$ty> for U {
            fn into_field(self) -> $ty {
                self.into()
            }
        }
    )* };
}

plain_fields!(
    bool,
    f64,
    i64,
    u32,
    u64,
    String,
    crate::Timestamp,
    serde_json::Value,
);

impl IntoField<serde_json::Map<String, serde_json::Value>>
    for serde_json::Map<String, serde_json::Value>
{
    fn into_field(self) -> Self {
        self
    }
}

/// Declares records; see the module text for what each gets.
macro_rules! record {
    ($(
        $(#[$meta:meta])*
        pub struct $name:ident {
            $(
                $(#[doc = $doc:expr])*
                $(#[default($default:expr)])?
                $(#[read_by($seed:ident)])?
                pub $field:ident : $ty:ty $(= $given:literal)?
            ),* $(,)?
        }
    )*) => { $( ::pastey::paste! {
        $(#[$meta])*
        #[derive(Clone, PartialEq)]
        #[non_exhaustive]
        pub struct $name {
            $(
                $(#[doc = $doc])*
                pub $field: $ty,
            )*
            /// Members of the JSON object that this version has no field for.
            pub unknown_fields: $crate::wire::UnknownFields,
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    $( $field: initial!($ty $(, $default)?), )*
                    unknown_fields: $crate::wire::UnknownFields::default(),
                }
            }
        }

        impl $name {
            /// The JSON names of the fields, in declaration order.
            pub const FIELDS: &'static [&'static str] = &[$(record_name!($field $(, $given)?)),*];

            /// The defaults; required fields are empty until they are set.
            pub fn new() -> Self {
                Self::default()
            }

            $(
                #[doc = concat!("Sets [`", stringify!($field), "`](Self::", stringify!($field), ").")]
                #[must_use]
                pub fn [<set_ $field>](
                    mut self,
                    value: impl $crate::wire::IntoField<$ty>,
                ) -> Self {
                    self.$field = value.into_field();
                    self
                }
            )*
        }

        plain_fields!($name);

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Self, D::Error> {
                struct Members;
                impl<'de> ::serde::de::Visitor<'de> for Members {
                    type Value = $name;
                    fn expecting(&self, formatter: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                        formatter.write_str(concat!("a ", stringify!($name), " object"))
                    }
                    fn visit_map<A: ::serde::de::MapAccess<'de>>(
                        self,
                        mut map: A,
                    ) -> Result<$name, A::Error> {
                        $( let mut $field: Option<$ty> = None; )*
                        let mut unknown_fields = $crate::wire::UnknownFields::default();
                        while let Some(key) = map.next_key::<String>()? {
                            match key.as_str() {
                                $(
                                    record_name!($field $(, $given)?) => {
                                        $field = member!(map, $ty $(, $default)? $(; $seed)?);
                                    }
                                )*
                                _ => {
                                    let value = map.next_value::<::serde_json::Value>()?;
                                    unknown_fields.insert(key, value);
                                }
                            }
                        }
                        Ok($name {
                            $(
                                $field: match $field {
                                    Some(value) => value,
                                    None => missing!(
                                        record_name!($field $(, $given)?), $ty $(, $default)?
                                    ),
                                },
                            )*
                            unknown_fields,
                        })
                    }
                }
                deserializer.deserialize_map(Members)
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut map = serializer.serialize_map(None)?;
                $crate::wire::WireRecord::encode_members(self, &mut map)?;
                ::serde::ser::SerializeMap::end(map)
            }
        }

        impl $crate::wire::WireRecord for $name {
            fn encode_members<M: ::serde::ser::SerializeMap>(
                &self,
                map: &mut M,
            ) -> Result<(), M::Error> {
                $(
                    if !$crate::tinker::record::RecordField::is_omitted(&self.$field) {
                        map.serialize_entry(
                            &$crate::wire::FieldKey {
                                field: stringify!($field),
                                json: record_name!($field $(, $given)?),
                            },
                            &$crate::tinker::record::EncodedMember(&self.$field),
                        )?;
                    }
                )*
                for (key, value) in self.unknown_fields.iter() {
                    map.serialize_entry(&$crate::wire::UnknownKey(key), value)?;
                }
                Ok(())
            }
        }

        impl $crate::wire::WireValue for $name {
            fn decode<'de, D: ::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Self, D::Error> {
                ::serde::Deserialize::deserialize(deserializer)
            }
            fn encode<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                ::serde::Serialize::serialize(self, serializer)
            }
            fn find_member(&self, name: &str) -> Option<&dyn $crate::wire::Erased> {
                $(
                    if name == stringify!($field) || name == record_name!($field $(, $given)?) {
                        return $crate::tinker::record::RecordField::erased_field(&self.$field);
                    }
                )*
                let _ = name;
                None
            }
            fn walk(&self, visitor: &mut dyn $crate::wire::FieldVisitor) {
                $(
                    if !$crate::tinker::record::RecordField::is_omitted(&self.$field) {
                        visitor.enter(stringify!($name), record_name!($field $(, $given)?));
                        $crate::tinker::record::RecordField::walk_field(&self.$field, visitor);
                        visitor.leave();
                    }
                )*
                for (key, _) in self.unknown_fields.iter() {
                    visitor.unknown(stringify!($name), key);
                }
            }
        }
    } )* };
}

/// The JSON name of a field: the one given, else the Rust name.
macro_rules! record_name {
    ($field:ident) => {
        stringify!($field)
    };
    ($field:ident, $given:literal) => {
        $given
    };
}

/// What a field holds before anything is set.
macro_rules! initial {
    ($ty:ty) => {
        <$ty>::default()
    };
    ($ty:ty, $default:expr) => {
        <$ty>::from($default)
    };
}

/// Reads a member; `null` stands for the default where there is one.
macro_rules! member {
    ($map:ident, $ty:ty) => {
        Some($map.next_value_seed($crate::tinker::record::RecordSeed::<$ty>::default())?)
    };
    ($map:ident, $ty:ty; $seed:ident) => {
        Some($map.next_value_seed($seed::<$ty>::default())?)
    };
    ($map:ident, $ty:ty, $default:expr) => {
        $map.next_value_seed($crate::tinker::record::RecordSeed::<Option<$ty>>::default())?
    };
}

/// What a field is that the object does not name.
macro_rules! missing {
    ($name:expr, $ty:ty) => {
        match <$ty as $crate::tinker::record::RecordField>::when_missing() {
            Some(value) => value,
            None => return Err(::serde::de::Error::missing_field($name)),
        }
    };
    ($name:expr, $ty:ty, $default:expr) => {
        <$ty>::from($default)
    };
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json, to_value};

    record! {
        /// A kettle.
        #[derive(Debug)]
        pub struct Kettle {
            /// Who owns it.
            pub owner: String,
            /// What it is called.
            pub label: Option<String>,
            /// How much goes in.
            #[default(1.5)]
            pub litres: f64,
            /// Which form it is of.
            #[default("kettle")]
            pub kind: String = "type",
            /// What was brewed.
            pub brews: Vec<String>,
        }
    }

    #[test]
    fn defaults_are_written_and_absent_fields_left_out() {
        let kettle = Kettle::new().set_owner("ann").set_brews(["tea"]);
        let json = json!({"owner": "ann", "litres": 1.5, "type": "kettle", "brews": ["tea"]});
        assert_eq!(to_value(&kettle).unwrap(), json);
        assert_eq!(from_value::<Kettle>(json).unwrap(), kettle);
        let kettle = kettle.set_label("old").set_litres(2.0).set_kind("pot");
        assert_eq!(
            serde_json::to_string(&kettle.set_brews([""; 0])).unwrap(),
            r#"{"owner":"ann","label":"old","litres":2.0,"type":"pot","brews":[]}"#
        );
        assert_eq!(
            Kettle::FIELDS,
            ["owner", "label", "litres", "type", "brews"]
        );
    }

    #[test]
    fn required_fields_must_be_there_and_unknown_ones_are_kept() {
        let error = from_value::<Kettle>(json!({"brews": []})).unwrap_err();
        assert_eq!(error.to_string(), "missing field `owner`");
        assert!(from_value::<Kettle>(json!({"owner": null, "brews": []})).is_err());
        let json = json!({"owner": "a", "brews": [], "litres": null, "lid": true});
        let kettle: Kettle = from_value(json).unwrap();
        assert_eq!(kettle.litres, 1.5);
        assert_eq!(kettle.unknown_fields.get("lid"), Some(&json!(true)));
        assert_eq!(to_value(&kettle).unwrap()["lid"], true);
    }
}
