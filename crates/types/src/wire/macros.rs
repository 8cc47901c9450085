//! The `wire!` macro and its helper for types whose serde form is already the wire form.

/// Implements [`WireValue`] for types whose serde form is already the wire form.
macro_rules! plain_wire_values {
    ($($ty:ty),* $(,)?) => { $(
        impl $crate::wire::WireValue for $ty {
            fn decode<'de, D: ::serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                ::serde::Deserialize::deserialize(deserializer)
            }
            fn encode<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                ::serde::Serialize::serialize(self, serializer)
            }
        }
    )* };
}

/// The JSON name of a field: the one given, else the camelCase form of the Rust name.
macro_rules! wire_name {
    ($camel:ident) => {
        stringify!($camel)
    };
    ($camel:ident, $given:tt) => {
        $given
    };
}

/// The JSON name of a field: the one given, else the Rust name.
macro_rules! snake_name {
    ($field:ident) => {
        (stringify!($field))
    };
    ($field:ident, $given:literal) => {
        $given
    };
}

/// Declares wire structs as `wire!` does, whose JSON names are the Rust names unless one is given.
macro_rules! snake_wire {
    ($(
        $(#[$meta:meta])*
        pub struct $name:ident {
            $(
                $(#[$field_meta:meta])*
                pub $field:ident : $ty:ty $(= $given:literal)?
            ),* $(,)?
        }
    )*) => {
        wire! { $(
            $(#[$meta])*
            pub struct $name {
                $( $(#[$field_meta])* pub $field: $ty = (snake_name!($field $(, $given)?)), )*
            }
        )* }
    };
}

/// Declares wire structs; see the module text for what each gets.
///
/// A field is `name: Type`, with `= "jsonName"` where the JSON name is not the camelCase form.
macro_rules! wire {
    ($(
        $(#[$meta:meta])*
        pub struct $name:ident {
            $(
                $(#[$field_meta:meta])*
                pub $field:ident : $ty:ty $(= $given:tt)?
            ),* $(,)?
        }
    )*) => { $( ::pastey::paste! {
        $(#[$meta])*
        #[derive(Clone, Default, PartialEq)]
        #[non_exhaustive]
        pub struct $name {
            $(
                $(#[$field_meta])*
                pub $field: $ty,
            )*
            /// Members of the JSON object that this version has no field for.
            pub unknown_fields: $crate::wire::UnknownFields,
        }

        impl $name {
            /// The JSON names of the fields, in declaration order.
            pub const FIELDS: &'static [&'static str] =
                &[$(wire_name!([<$field:lower_camel>] $(, $given)?)),*];

            /// An object with no field set.
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

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Self, D::Error> {
                enum FieldTag {
                    $([<$field:camel>],)*
                    NotListed(String),
                }

                struct FieldTagVisitor;
                impl ::serde::de::Visitor<'_> for FieldTagVisitor {
                    type Value = FieldTag;
                    fn expecting(&self, formatter: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                        formatter.write_str("a field name")
                    }
                    fn visit_str<E: ::serde::de::Error>(self, key: &str) -> Result<FieldTag, E> {
                        $(
                            if key == wire_name!([<$field:lower_camel>] $(, $given)?)
                                || key == stringify!($field)
                                || key == stringify!([<$field:lower_camel>])
                            {
                                return Ok(FieldTag::[<$field:camel>]);
                            }
                        )*
                        Ok(FieldTag::NotListed(key.to_owned()))
                    }
                }
                impl<'de> ::serde::Deserialize<'de> for FieldTag {
                    fn deserialize<D: ::serde::Deserializer<'de>>(
                        deserializer: D,
                    ) -> Result<Self, D::Error> {
                        deserializer.deserialize_identifier(FieldTagVisitor)
                    }
                }

                struct StructVisitor;
                impl<'de> ::serde::de::Visitor<'de> for StructVisitor {
                    type Value = $name;
                    fn expecting(&self, formatter: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                        formatter.write_str(concat!("a ", stringify!($name), " object"))
                    }
                    fn visit_map<A: ::serde::de::MapAccess<'de>>(
                        self,
                        mut map: A,
                    ) -> Result<$name, A::Error> {
                        let mut object = $name::default();
                        while let Some(key) = map.next_key::<FieldTag>()? {
                            match key {
                                $(
                                    FieldTag::[<$field:camel>] => {
                                        object.$field = map.next_value_seed(
                                            $crate::wire::FieldSeed::<$ty>::default(),
                                        )?;
                                    }
                                )*
                                FieldTag::NotListed(key) => {
                                    let value = map.next_value::<::serde_json::Value>()?;
                                    object.unknown_fields.insert(key, value);
                                }
                            }
                        }
                        Ok(object)
                    }
                }
                deserializer.deserialize_map(StructVisitor)
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
                    if !$crate::wire::WireField::is_absent(&self.$field) {
                        map.serialize_entry(
                            &$crate::wire::FieldKey {
                                field: stringify!($field),
                                json: wire_name!([<$field:lower_camel>] $(, $given)?),
                            },
                            &$crate::wire::EncodedField(&self.$field),
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
                    if name == stringify!($field)
                        || name == stringify!([<$field:lower_camel>])
                        || name == wire_name!([<$field:lower_camel>] $(, $given)?)
                    {
                        return $crate::wire::WireField::erased(&self.$field);
                    }
                )*
                let _ = name;
                None
            }
            fn walk(&self, visitor: &mut dyn $crate::wire::FieldVisitor) {
                $(
                    if !$crate::wire::WireField::is_absent(&self.$field) {
                        visitor.enter(
                            stringify!($name),
                            wire_name!([<$field:lower_camel>] $(, $given)?),
                        );
                        $crate::wire::WireField::walk_field(&self.$field, visitor);
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
