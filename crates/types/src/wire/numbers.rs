//! Numbers, which the services send as JSON numbers and as strings.

use std::fmt;

use serde::de::{Unexpected, Visitor};
use serde::{Deserializer, Serialize, Serializer};

use super::WireValue;

/// Implements [`WireValue`] for numbers, which the services also send as strings.
macro_rules! lenient_numbers {
    ($($ty:ty, $what:literal);* $(;)?) => { $(
        impl WireValue for $ty {
            fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct NumberVisitor;
                impl Visitor<'_> for NumberVisitor {
                    type Value = $ty;
                    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                        formatter.write_str(concat!($what, ", or the same in a string"))
                    }
                    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<$ty, E> {
                        FromNumber::from_i64(value)
                            .ok_or_else(|| E::invalid_value(Unexpected::Signed(value), &self))
                    }
                    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<$ty, E> {
                        FromNumber::from_u64(value)
                            .ok_or_else(|| E::invalid_value(Unexpected::Unsigned(value), &self))
                    }
                    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<$ty, E> {
                        FromNumber::from_f64(value)
                            .ok_or_else(|| E::invalid_value(Unexpected::Float(value), &self))
                    }
                    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<$ty, E> {
                        value
                            .trim()
                            .parse()
                            .map_err(|_| E::invalid_value(Unexpected::Str(value), &self))
                    }
                }
                deserializer.deserialize_any(NumberVisitor)
            }
            fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                Serialize::serialize(self, serializer)
            }
        }
    )* };
}

/// The ways a JSON number becomes a field's number; `None` when it does not fit.
trait FromNumber: Sized {
    fn from_i64(value: i64) -> Option<Self>;
    fn from_u64(value: u64) -> Option<Self>;
    fn from_f64(value: f64) -> Option<Self>;
}

macro_rules! integers_from_number {
    ($($ty:ty),*) => { $(
        impl FromNumber for $ty {
            fn from_i64(value: i64) -> Option<Self> {
                value.try_into().ok()
            }
            fn from_u64(value: u64) -> Option<Self> {
                value.try_into().ok()
            }
            fn from_f64(value: f64) -> Option<Self> {
                // Beyond 2^53 a float no longer names one integer.
                let exact = value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0;
                if exact { (value as i64).try_into().ok() } else { None }
            }
        }
    )* };
}

integers_from_number!(i32, i64, u32, u64);

impl FromNumber for f64 {
    fn from_i64(value: i64) -> Option<Self> {
        Some(value as Self)
    }
    fn from_u64(value: u64) -> Option<Self> {
        Some(value as Self)
    }
    fn from_f64(value: f64) -> Option<Self> {
        Some(value)
    }
}

impl FromNumber for f32 {
    fn from_i64(value: i64) -> Option<Self> {
        Some(value as Self)
    }
    fn from_u64(value: u64) -> Option<Self> {
        Some(value as Self)
    }
    fn from_f64(value: f64) -> Option<Self> {
        Some(value as Self)
    }
}

lenient_numbers! {
    i32, "a 32-bit integer";
    i64, "a 64-bit integer";
    u32, "a 32-bit unsigned integer";
    u64, "a 64-bit unsigned integer";
    f32, "a number";
    f64, "a number";
}
