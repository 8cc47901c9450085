//! The `open_enum!` macro: string enums that never fail on a value they do not know.
//!
//! A value that the service added later decodes into `Unknown` and is written back unchanged.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value outside the known set, kept as it came.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum UnknownValue {
    /// The service sent a name.
    Text(String),
    /// The service sent the number of an enum value.
    Number(i64),
}

impl fmt::Display for UnknownValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => formatter.write_str(text),
            Self::Number(number) => write!(formatter, "{number}"),
        }
    }
}

impl Serialize for UnknownValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Number(number) => serializer.serialize_i64(*number),
        }
    }
}

impl<'de> Deserialize<'de> for UnknownValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl serde::de::Visitor<'_> for Visitor {
            type Value = UnknownValue;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("the name or the number of an enum value")
            }
            fn visit_str<E>(self, value: &str) -> Result<UnknownValue, E> {
                Ok(UnknownValue::Text(value.to_owned()))
            }
            fn visit_i64<E>(self, value: i64) -> Result<UnknownValue, E> {
                Ok(UnknownValue::Number(value))
            }
            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<UnknownValue, E> {
                i64::try_from(value)
                    .map(UnknownValue::Number)
                    .map_err(|_| E::custom("enum number out of range"))
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

/// Declares open string enums: `Variant = "WIRE_NAME"`, plus an `Unknown` variant.
macro_rules! open_enum {
    ($(
        $(#[$meta:meta])*
        pub enum $name:ident {
            $( $(#[$variant_meta:meta])* $variant:ident = $wire:literal ),* $(,)?
        }
    )*) => { $(
        $(#[$meta])*
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum $name {
            $( $(#[$variant_meta])* $variant, )*
            /// A value this version does not know, kept as the service sent it.
            Unknown($crate::UnknownValue),
        }

        impl $name {
            /// The wire names of the known values, in declaration order.
            pub const VALUES: &'static [&'static str] = &[$($wire),*];

            /// The known variant for a wire name, ignoring ASCII case.
            fn known(text: &str) -> Option<Self> {
                $( if text.eq_ignore_ascii_case($wire) { return Some(Self::$variant); } )*
                None
            }

            /// The wire name; the number in decimal for an unknown numeric value.
            pub fn name(&self) -> ::std::borrow::Cow<'_, str> {
                match self {
                    $( Self::$variant => ::std::borrow::Cow::Borrowed($wire), )*
                    Self::Unknown($crate::UnknownValue::Text(text)) => {
                        ::std::borrow::Cow::Borrowed(text)
                    }
                    Self::Unknown(other) => ::std::borrow::Cow::Owned(other.to_string()),
                }
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::known(text).unwrap_or_else(|| {
                    Self::Unknown($crate::UnknownValue::Text(text.to_owned()))
                })
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self::known(&text)
                    .unwrap_or_else(|| Self::Unknown($crate::UnknownValue::Text(text)))
            }
        }

        impl ::std::fmt::Display for $name {
            fn fmt(&self, formatter: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                formatter.write_str(&self.name())
            }
        }

        impl ::serde::Serialize for $name {
            fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                match self {
                    Self::Unknown(value) => ::serde::Serialize::serialize(value, serializer),
                    known => serializer.serialize_str(&known.name()),
                }
            }
        }

        impl<'de> ::serde::Deserialize<'de> for $name {
            fn deserialize<D: ::serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Self, D::Error> {
                let value: $crate::UnknownValue = ::serde::Deserialize::deserialize(deserializer)?;
                Ok(match value {
                    $crate::UnknownValue::Text(text) => Self::from(text),
                    number => Self::Unknown(number),
                })
            }
        }

        plain_wire_values!($name);
    )* };
}

#[cfg(test)]
mod tests {
    #![expect(unreachable_pub, reason = "the macro declares public enums")]

    open_enum! {
        /// A light.
        pub enum Light {
            /// Stop.
            Red = "RED",
            /// Go.
            Green = "GREEN",
        }
    }

    #[test]
    fn known_values_ignore_case() {
        assert_eq!(
            serde_json::from_str::<Light>("\"red\"").unwrap(),
            Light::Red
        );
        assert_eq!(serde_json::to_string(&Light::Green).unwrap(), "\"GREEN\"");
    }

    #[test]
    fn unknown_values_round_trip() {
        for json in ["\"Mauve\"", "7"] {
            let light: Light = serde_json::from_str(json).unwrap();
            assert!(matches!(light, Light::Unknown(_)));
            assert_eq!(serde_json::to_string(&light).unwrap(), json);
        }
        assert_eq!(Light::from("Mauve").name(), "Mauve");
        assert_eq!(Light::VALUES, ["RED", "GREEN"]);
    }
}
