//! Optional fields, lists, maps and boxes of wire values.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use indexmap::IndexMap;
use serde::de::{SeqAccess, Visitor};
use serde::ser::{SerializeMap as _, SerializeSeq as _};
use serde::{Deserializer, Serializer};
use serde_json::{Map, Value};

use super::{Encoded, Erased, FieldVisitor, ValueSeed, WireField, WireValue};

plain_wire_values!(String, bool, Value, Map<String, Value>);

impl<T: WireValue> WireField for Option<T> {
    fn decode_field<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OptionVisitor<T>(PhantomData<T>);
        impl<'de, T: WireValue> Visitor<'de> for OptionVisitor<T> {
            type Value = Option<T>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a value or null")
            }
            fn visit_none<E>(self) -> Result<Self::Value, E> {
                Ok(None)
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(None)
            }
            fn visit_some<D: Deserializer<'de>>(self, inner: D) -> Result<Self::Value, D::Error> {
                T::decode(inner).map(Some)
            }
        }
        deserializer.deserialize_option(OptionVisitor(PhantomData))
    }

    fn encode_field<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Some(value) => value.encode(serializer),
            None => serializer.serialize_none(),
        }
    }

    fn is_absent(&self) -> bool {
        self.is_none()
    }

    fn walk_field(&self, visitor: &mut dyn FieldVisitor) {
        if let Some(value) = self {
            value.walk(visitor);
        }
    }

    fn erased(&self) -> Option<&dyn Erased> {
        self.as_ref().map(|value| value as &dyn Erased)
    }
}

impl<T: WireValue> WireField for Vec<T> {
    fn decode_field<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(<Option<Self> as WireField>::decode_field(deserializer)?.unwrap_or_default())
    }

    fn encode_field<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.encode(serializer)
    }

    fn is_absent(&self) -> bool {
        self.is_empty()
    }

    fn walk_field(&self, visitor: &mut dyn FieldVisitor) {
        self.walk(visitor);
    }

    fn erased(&self) -> Option<&dyn Erased> {
        (!self.is_empty()).then_some(self)
    }
}

impl<T: WireValue> WireValue for Vec<T> {
    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor<T>(PhantomData<T>);
        impl<'de, T: WireValue> Visitor<'de> for ListVisitor<T> {
            type Value = Vec<T>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a list")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element_seed(ValueSeed::<T>::default())? {
                    if items.is_empty() {
                        // Most lists have one element, and elements are large.
                        items.reserve_exact(1);
                    }
                    items.push(item);
                }
                Ok(items)
            }
        }
        deserializer.deserialize_seq(ListVisitor(PhantomData))
    }

    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(self.len()))?;
        for item in self {
            seq.serialize_element(&Encoded(item))?;
        }
        seq.end()
    }

    fn walk(&self, visitor: &mut dyn FieldVisitor) {
        for item in self {
            item.walk(visitor);
        }
    }

    fn list_elements(&self) -> Option<Vec<&dyn Erased>> {
        Some(self.iter().map(|item| item as &dyn Erased).collect())
    }
}

/// Maps from names to wire values, sorted or in the order of the document.
macro_rules! maps {
    ($($map:ident),*) => { $(
        impl<T: WireValue> WireField for $map<String, T> {
            fn decode_field<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Ok(<Option<Self> as WireField>::decode_field(deserializer)?.unwrap_or_default())
            }

            fn encode_field<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                self.encode(serializer)
            }

            fn is_absent(&self) -> bool {
                self.is_empty()
            }

            fn walk_field(&self, visitor: &mut dyn FieldVisitor) {
                self.walk(visitor);
            }

            fn erased(&self) -> Option<&dyn Erased> {
                (!self.is_empty()).then_some(self)
            }
        }

        impl<T: WireValue> WireValue for $map<String, T> {
            fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                struct MapVisitor<T>(PhantomData<T>);
                impl<'de, T: WireValue> Visitor<'de> for MapVisitor<T> {
                    type Value = $map<String, T>;
                    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                        formatter.write_str("an object")
                    }
                    fn visit_map<A: serde::de::MapAccess<'de>>(
                        self,
                        mut map: A,
                    ) -> Result<Self::Value, A::Error> {
                        let mut entries = $map::new();
                        while let Some(key) = map.next_key::<String>()? {
                            entries.insert(key, map.next_value_seed(ValueSeed::<T>::default())?);
                        }
                        Ok(entries)
                    }
                }
                deserializer.deserialize_map(MapVisitor(PhantomData))
            }

            fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                let mut map = serializer.serialize_map(Some(self.len()))?;
                for (key, value) in self {
                    map.serialize_entry(key, &Encoded(value))?;
                }
                map.end()
            }

            fn walk(&self, visitor: &mut dyn FieldVisitor) {
                for value in self.values() {
                    value.walk(visitor);
                }
            }
        }
    )* };
}

maps!(BTreeMap, IndexMap);

impl<T: WireValue> WireValue for Box<T> {
    fn decode<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::decode(deserializer).map(Self::new)
    }

    fn encode<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (**self).encode(serializer)
    }

    fn walk(&self, visitor: &mut dyn FieldVisitor) {
        (**self).walk(visitor);
    }

    fn find_member(&self, name: &str) -> Option<&dyn Erased> {
        (**self).find_member(name)
    }

    fn list_elements(&self) -> Option<Vec<&dyn Erased>> {
        (**self).list_elements()
    }
}
