//! The JSON form of tensors: plain numbers, never base64.
//!
//! Floats that are not finite have no form in JSON; they are written as `null` and read from it.

use std::fmt;

use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::SerializeMap as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{TensorData, TensorDtype, TensorValues};
use crate::wire::{FieldKey, IntoField};

impl Serialize for TensorValues {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Float32(values) => values.serialize(serializer),
            Self::Int64(values) => values.serialize(serializer),
        }
    }
}

impl Serialize for TensorData {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        fn key(name: &'static str) -> FieldKey {
            FieldKey {
                field: name,
                json: name,
            }
        }
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry(&key("data"), self.data())?;
        map.serialize_entry(&key("dtype"), &self.dtype())?;
        if let Some(shape) = self.shape() {
            map.serialize_entry(&key("shape"), shape)?;
        }
        if let Some(crow) = self.sparse_crow_indices() {
            map.serialize_entry(&key("sparse_crow_indices"), crow)?;
        }
        if let Some(col) = self.sparse_col_indices() {
            map.serialize_entry(&key("sparse_col_indices"), col)?;
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for TensorData {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = TensorData;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a TensorData object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<TensorData, A::Error> {
                let (mut data, mut dtype) = (None, None);
                let (mut shape, mut crow, mut col) = (None, None, None);
                while let Some(key) = map.next_key::<String>()? {
                    match key.as_str() {
                        "data" => data = Some(map.next_value::<Numbers>()?.0),
                        "dtype" => dtype = Some(map.next_value::<TensorDtype>()?),
                        "shape" => shape = map.next_value::<Option<Vec<i64>>>()?,
                        "sparse_crow_indices" => crow = map.next_value::<Option<Vec<i64>>>()?,
                        "sparse_col_indices" => col = map.next_value::<Option<Vec<i64>>>()?,
                        _ => drop(map.next_value::<serde::de::IgnoredAny>()?),
                    }
                }
                let data = data.ok_or_else(|| A::Error::missing_field("data"))?;
                // A list says by itself what it holds, where nobody else does.
                let data = match dtype {
                    None => data,
                    Some(dtype @ (TensorDtype::Float32 | TensorDtype::Int64)) => data.cast(&dtype),
                    Some(other) => {
                        let said = format!("`dtype` is float32 or int64, not {other}");
                        return Err(A::Error::custom(said));
                    }
                };
                let indices = match (crow, col) {
                    (Some(crow), Some(col)) => Some((crow, col)),
                    (None, None) => None,
                    _ => {
                        return Err(A::Error::custom(
                            "a sparse tensor has both lists of indices",
                        ));
                    }
                };
                TensorData::from_parts(data, shape, indices).map_err(A::Error::custom)
            }
        }
        deserializer.deserialize_map(Members)
    }
}

plain_wire_values!(TensorData);

impl<U: Into<TensorData>> IntoField<TensorData> for U {
    fn into_field(self) -> TensorData {
        self.into()
    }
}

/// A list of numbers that is taken for integers until a fraction or a `null` comes.
struct Numbers(TensorValues);

impl<'de> Deserialize<'de> for Numbers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List;
        impl<'de> Visitor<'de> for List {
            type Value = Numbers;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list of numbers")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Numbers, A::Error> {
                let mut integers = Vec::new();
                while let Some(number) = seq.next_element::<Number>()? {
                    match number {
                        Number::Integer(value) => integers.push(value),
                        Number::Float(value) => {
                            let mut floats: Vec<f32> =
                                integers.into_iter().map(|value| value as f32).collect();
                            floats.push(value);
                            while let Some(number) = seq.next_element::<Number>()? {
                                floats.push(match number {
                                    Number::Integer(value) => value as f32,
                                    Number::Float(value) => value,
                                });
                            }
                            return Ok(Numbers(floats.into()));
                        }
                    }
                }
                Ok(Numbers(integers.into()))
            }
        }
        deserializer.deserialize_seq(List)
    }
}

enum Number {
    Integer(i64),
    Float(f32),
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct One;
        impl Visitor<'_> for One {
            type Value = Number;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a number or null")
            }
            fn visit_i64<E>(self, value: i64) -> Result<Number, E> {
                Ok(Number::Integer(value))
            }
            fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Number, E> {
                let value = i64::try_from(value).map_err(|_| E::custom("number out of range"))?;
                Ok(Number::Integer(value))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Number, E> {
                Ok(Number::Float(value as f32))
            }
            fn visit_unit<E>(self) -> Result<Number, E> {
                Ok(Number::Float(f32::NAN))
            }
        }
        deserializer.deserialize_any(One)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json, to_value};

    use super::*;

    #[test]
    fn tensors_round_trip() {
        for json in [
            json!({"data": [1, 2], "dtype": "int64", "shape": [2]}),
            json!({"data": [0.5, 2.0], "dtype": "float32"}),
            json!({
                "data": [7], "dtype": "int64", "shape": [1, 2],
                "sparse_crow_indices": [0, 1], "sparse_col_indices": [1],
            }),
        ] {
            let tensor: TensorData = from_value(json.clone()).unwrap();
            assert_eq!(to_value(&tensor).unwrap(), json);
        }
    }

    #[test]
    fn numbers_become_what_the_type_says() {
        let read = |json| from_value::<TensorData>(json);
        let floats = read(json!({"data": [1, 2.5, null], "dtype": "float32", "other": 1})).unwrap();
        let values = floats.as_f32().unwrap();
        assert_eq!(values[..2], [1.0, 2.5]);
        assert!(values[2].is_nan());
        let integers = read(json!({"data": [1.9], "dtype": "int64"})).unwrap();
        assert_eq!(integers.as_i64(), Some(&[1][..]));
        assert_eq!(
            read(json!({"data": [1]})).unwrap().dtype(),
            TensorDtype::Int64
        );
        assert_eq!(
            read(json!({"data": [1.0]})).unwrap().dtype(),
            TensorDtype::Float32
        );
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        for json in [
            json!({"dtype": "int64"}),
            json!({"data": [1], "dtype": "int8"}),
            json!({"data": [1], "dtype": "int64", "shape": [2]}),
            json!({"data": [1], "dtype": "int64", "shape": [1, 1], "sparse_col_indices": [0]}),
            json!({"data": ["1"], "dtype": "int64"}),
            json!({"data": [u64::MAX], "dtype": "int64"}),
        ] {
            assert!(from_value::<TensorData>(json.clone()).is_err(), "{json}");
        }
    }
}
