//! Values of which there are several kinds, told apart by a member or by their shape.
//!
//! A kind that this version does not know is kept whole, as `Unknown`, so that nothing is lost and
//! nothing fails. A kind that is known and does not decode is an error that names it.

use serde::Deserializer;
use serde::de::Error as _;
use serde_json::Value;

use super::WireValue;

/// Decodes a record of the kind `kind` from an object whose member `key` told the kind.
pub(crate) fn untagged<'de, T: WireValue, D: Deserializer<'de>>(
    mut value: Value,
    key: &str,
    kind: &str,
) -> Result<T, D::Error> {
    if let Value::Object(members) = &mut value {
        members.shift_remove(key);
    }
    T::decode(value).map_err(|error| D::Error::custom(format_args!("in `{kind}`: {error}")))
}

/// Declares open unions told apart by the member `type`: `Variant(Record) = "tag"`.
macro_rules! tagged {
    ($($body:tt)*) => {
        tagged_by! { "type" $($body)* }
    };
}

/// Declares open unions told apart by the member `event_type`.
macro_rules! event_tagged {
    ($($body:tt)*) => {
        tagged_by! { "event_type" $($body)* }
    };
}

/// What `tagged!` and `event_tagged!` have in common.
macro_rules! tagged_by {
    ($key:literal $(
        $(#[$meta:meta])*
        pub enum $name:ident {
            $( $(#[$variant_meta:meta])* $variant:ident($ty:ty) = $tag:literal ),* $(,)?
        }
    )*) => { $(
        $(#[$meta])*
        #[derive(Clone, PartialEq)]
        #[non_exhaustive]
        pub enum $name {
            $( $(#[$variant_meta])* $variant($ty), )*
            /// A kind that this version does not know, kept as it came.
            Unknown(::serde_json::Value),
        }

        impl $name {
            /// The member that tells the kinds apart.
            pub const TAG: &'static str = $key;
            /// The known kinds, in declaration order.
            pub const KINDS: &'static [&'static str] = &[$($tag),*];

            /// Which kind it is; empty when it does not say so.
            pub fn kind(&self) -> &str {
                match self {
                    $( Self::$variant(_) => $tag, )*
                    Self::Unknown(value) => value
                        .get($key)
                        .and_then(::serde_json::Value::as_str)
                        .unwrap_or_default(),
                }
            }
        }

        $(
            impl From<$ty> for $name {
                fn from(value: $ty) -> Self {
                    Self::$variant(value)
                }
            }
        )*

        impl $crate::wire::WireValue for $name {
            fn decode<'de, D: ::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Self, D::Error> {
                let value: ::serde_json::Value = ::serde::Deserialize::deserialize(deserializer)?;
                let kind = value.get($key).and_then(::serde_json::Value::as_str);
                $(
                    if kind == Some($tag) {
                        return $crate::wire::untagged::<$ty, D>(value, $key, $tag)
                            .map(Self::$variant);
                    }
                )*
                Ok(Self::Unknown(value))
            }
            fn encode<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let kind = match self {
                    $( Self::$variant(_) => $tag, )*
                    Self::Unknown(value) => {
                        return ::serde::Serialize::serialize(value, serializer);
                    }
                };
                let mut map = ::serde::Serializer::serialize_map(serializer, None)?;
                let key = $crate::wire::FieldKey { field: $key, json: $key };
                ::serde::ser::SerializeMap::serialize_entry(&mut map, &key, kind)?;
                match self {
                    $(
                        Self::$variant(value) => {
                            $crate::wire::WireRecord::encode_members(value, &mut map)?;
                        }
                    )*
                    Self::Unknown(_) => {}
                }
                ::serde::ser::SerializeMap::end(map)
            }
            fn find_member(&self, name: &str) -> Option<&dyn $crate::wire::Erased> {
                match self {
                    $( Self::$variant(value) => value.find_member(name), )*
                    Self::Unknown(_) => None,
                }
            }
            fn walk(&self, visitor: &mut dyn $crate::wire::FieldVisitor) {
                match self {
                    $( Self::$variant(value) => value.walk(visitor), )*
                    Self::Unknown(_) => visitor.unknown(stringify!($name), self.kind()),
                }
            }
        }

        union_serde!($name);
    )* };
}

/// Declares open unions told apart by shape: `Variant(Type) = "text"`, `"object"` or `"list"`.
macro_rules! by_shape {
    ($(
        $(#[$meta:meta])*
        pub enum $name:ident {
            $( $(#[$variant_meta:meta])* $variant:ident($ty:ty) = $shape:tt ),* $(,)?
        }
    )*) => { $(
        $(#[$meta])*
        #[derive(Clone, PartialEq)]
        #[non_exhaustive]
        pub enum $name {
            $( $(#[$variant_meta])* $variant($ty), )*
            /// A shape that this version does not know, kept as it came.
            Unknown(::serde_json::Value),
        }

        $(
            impl From<$ty> for $name {
                fn from(value: $ty) -> Self {
                    Self::$variant(value)
                }
            }
        )*

        impl $crate::wire::WireValue for $name {
            fn decode<'de, D: ::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Self, D::Error> {
                let value: ::serde_json::Value = ::serde::Deserialize::deserialize(deserializer)?;
                match value {
                    $(
                        shape_pattern!($shape) => <$ty as $crate::wire::WireValue>::decode(value)
                            .map(Self::$variant)
                            .map_err(::serde::de::Error::custom),
                    )*
                    other => Ok(Self::Unknown(other)),
                }
            }
            fn encode<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    $( Self::$variant(value) => $crate::wire::WireValue::encode(value, serializer), )*
                    Self::Unknown(value) => ::serde::Serialize::serialize(value, serializer),
                }
            }
            fn find_member(&self, name: &str) -> Option<&dyn $crate::wire::Erased> {
                match self {
                    $( Self::$variant(value) => $crate::wire::WireValue::find_member(value, name), )*
                    Self::Unknown(_) => None,
                }
            }
            fn walk(&self, visitor: &mut dyn $crate::wire::FieldVisitor) {
                match self {
                    $( Self::$variant(value) => $crate::wire::WireValue::walk(value, visitor), )*
                    Self::Unknown(_) => visitor.unknown(stringify!($name), ""),
                }
            }
        }

        union_serde!($name);
    )* };
}

/// The JSON values of a shape.
macro_rules! shape_pattern {
    ("text") => {
        ::serde_json::Value::String(_)
    };
    ("object") => {
        ::serde_json::Value::Object(_)
    };
    ("list") => {
        ::serde_json::Value::Array(_)
    };
}

/// Lets a text stand for a union, as one of its variants.
macro_rules! from_text {
    ($($name:ident::$variant:ident),* $(,)?) => { $(
        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::$variant(text.into())
            }
        }
    )* };
}

/// Serde for a union, by way of its wire form.
macro_rules! union_serde {
    ($name:ident) => {
        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Self, D::Error> {
                $crate::wire::WireValue::decode(deserializer)
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $crate::wire::WireValue::encode(self, serializer)
            }
        }
    };
}

#[cfg(test)]
mod tests {
    #![expect(unreachable_pub, reason = "the macros declare public types")]

    use serde_json::{from_value, json, to_value};

    tagged! {
        /// A vehicle.
        #[derive(Debug)]
        pub enum Vehicle {
            /// A cart.
            Cart(Cart) = "cart",
        }
    }

    event_tagged! {
        /// What happens on the road.
        #[derive(Debug)]
        pub enum Road {
            /// A cart passes.
            Passed(Cart) = "cart.passed",
        }
    }

    by_shape! {
        /// Who drives.
        #[derive(Debug)]
        pub enum Driver {
            /// One.
            One(String) = "text",
            /// Several.
            Several(Vec<String>) = "list",
            /// With the cart.
            With(Cart) = "object",
        }
    }

    snake_wire! {
        /// A cart.
        #[derive(Debug)]
        pub struct Cart {
            /// How many wheels.
            pub wheel_count: Option<i32>,
            /// What it is made of.
            pub material: Option<String> = "made_of",
        }
    }

    #[test]
    fn a_known_kind_is_typed_and_written_with_its_tag() {
        let json = json!({"type": "cart", "wheel_count": 2, "made_of": "oak", "bell": true});
        let vehicle: Vehicle = from_value(json.clone()).unwrap();
        let Vehicle::Cart(cart) = &vehicle else {
            panic!("{vehicle:?}");
        };
        assert_eq!(cart.wheel_count, Some(2));
        assert_eq!(cart.unknown_fields.get("bell"), Some(&json!(true)));
        assert_eq!(vehicle.kind(), "cart");
        assert_eq!(to_value(&vehicle).unwrap(), json);
        let made: Vehicle = Cart::new().set_wheel_count(4).set_material("ash").into();
        assert_eq!(
            to_value(made).unwrap(),
            json!({"type": "cart", "wheel_count": 4, "made_of": "ash"})
        );
        assert_eq!((Vehicle::TAG, Vehicle::KINDS), ("type", &["cart"][..]));
        assert_eq!(Cart::FIELDS, ["wheel_count", "made_of"]);
    }

    #[test]
    fn an_unknown_kind_is_kept_whole() {
        for json in [
            json!({"type": "sledge", "a": [1]}),
            json!({"a": 1}),
            json!("x"),
            json!(null),
        ] {
            let vehicle: Vehicle = from_value(json.clone()).unwrap();
            assert!(matches!(vehicle, Vehicle::Unknown(_)));
            assert_eq!(to_value(vehicle).unwrap(), json);
        }
    }

    #[test]
    fn what_does_not_decode_is_named() {
        let error = from_value::<Vehicle>(json!({"type": "cart", "wheel_count": "two"}));
        let said = error.unwrap_err().to_string();
        assert!(said.starts_with("in `cart`: "), "{said}");
    }

    #[test]
    fn events_have_another_tag() {
        let json = json!({"event_type": "cart.passed", "wheel_count": 2});
        let road: Road = from_value(json.clone()).unwrap();
        assert!(matches!(road, Road::Passed(_)));
        assert_eq!(
            (Road::TAG, Road::KINDS),
            ("event_type", &["cart.passed"][..])
        );
        assert_eq!(to_value(road).unwrap(), json);
    }

    from_text!(Driver::One);

    #[test]
    fn shapes_are_told_apart() {
        assert_eq!(to_value(Driver::from("Ann")).unwrap(), json!("Ann"));
        for json in [
            json!("Ann"),
            json!(["Ann", "Bob"]),
            json!({"wheel_count": 2}),
            json!(7),
        ] {
            let driver: Driver = from_value(json.clone()).unwrap();
            assert_eq!(matches!(driver, Driver::Unknown(_)), json.is_number());
            assert_eq!(to_value(driver).unwrap(), json);
        }
        assert!(from_value::<Driver>(json!({"wheel_count": []})).is_err());
    }
}
