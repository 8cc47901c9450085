//! The subset of OpenAPI schemas the service understands, and its ways from and to JSON Schema.

mod error;
mod from_json;
mod to_json;

use serde_json::Value;

use crate::wire::IndexMap;

pub use error::SchemaError;

wire! {
    /// The shape of a value.
    #[derive(Debug)]
    pub struct Schema {
        /// What kind of value.
        pub value_type: Option<Type> = "type",
        /// Finer kind, such as `int32`, `date-time` or `enum`.
        pub format: Option<String>,
        /// A short name.
        pub title: Option<String>,
        /// What the value means; the model reads it.
        pub description: Option<String>,
        /// Null is allowed.
        pub nullable: Option<bool>,
        /// The only values allowed, for strings.
        pub enumeration: Vec<String> = "enum",
        /// The shape of the elements.
        pub items: Option<Box<Schema>>,
        /// Fewest elements.
        pub min_items: Option<i64>,
        /// Most elements.
        pub max_items: Option<i64>,
        /// The members and their shapes, in the order in which they are written unless
        /// `property_ordering` says otherwise.
        pub properties: IndexMap<String, Schema>,
        /// The order in which members are written.
        pub property_ordering: Vec<String>,
        /// Members that must be there.
        pub required: Vec<String>,
        /// Fewest members.
        pub min_properties: Option<i64>,
        /// Most members.
        pub max_properties: Option<i64>,
        /// Smallest number.
        pub minimum: Option<f64>,
        /// Largest number.
        pub maximum: Option<f64>,
        /// Shortest text.
        pub min_length: Option<i64>,
        /// Longest text.
        pub max_length: Option<i64>,
        /// Regular expression the text matches.
        pub pattern: Option<String>,
        /// The value when none is given; for documentation.
        pub default: Option<Value>,
        /// An example; for documentation.
        pub example: Option<Value>,
        /// The value has one of these shapes.
        pub any_of: Vec<Schema>,
        /// Shape of members not listed; Vertex only.
        pub additional_properties: Option<Value>,
        /// Named shapes.
        pub defs: IndexMap<String, Schema>,
        /// Name of a shape among the named ones.
        pub reference: Option<String> = "ref",
    }
}

impl Schema {
    /// Writes down the order of `properties` wherever there are several and no order is given.
    ///
    /// The service keeps members in a map without order, so the order in which the model is to
    /// write them must be said. Requests for content do this by themselves.
    pub fn order_properties(&mut self) {
        if self.property_ordering.is_empty() && self.properties.len() > 1 {
            self.property_ordering = self.properties.keys().cloned().collect();
        }
        self.children_mut().for_each(Self::order_properties);
    }

    /// True when [`order_properties`](Self::order_properties) has nothing to add.
    pub fn is_ordered(&self) -> bool {
        let here = !self.property_ordering.is_empty() || self.properties.len() < 2;
        here && self.children().all(Self::is_ordered)
    }

    pub(super) fn forget_order(&mut self) {
        self.property_ordering.clear();
        self.children_mut().for_each(Self::forget_order);
    }

    fn children(&self) -> impl Iterator<Item = &Self> {
        let items = self.items.as_deref().into_iter();
        items.chain(self.properties.values()).chain(&self.any_of)
    }

    fn children_mut(&mut self) -> impl Iterator<Item = &mut Self> {
        let items = self.items.as_deref_mut().into_iter();
        items
            .chain(self.properties.values_mut())
            .chain(&mut self.any_of)
    }
}

/// The JSON Schema of a Rust type, without the keywords that only name the dialect.
#[cfg(feature = "schemars")]
pub fn json_schema_of<T: schemars::JsonSchema>() -> Value {
    let mut schema = schemars::SchemaGenerator::default()
        .into_root_schema_for::<T>()
        .to_value();
    if let Some(members) = schema.as_object_mut() {
        members.shift_remove("$schema");
    }
    schema
}

open_enum! {
    /// What kind of value a schema describes.
    pub enum Type {
        /// Not said.
        Unspecified = "TYPE_UNSPECIFIED",
        /// Text.
        String = "STRING",
        /// A number.
        Number = "NUMBER",
        /// A whole number.
        Integer = "INTEGER",
        /// True or false.
        Boolean = "BOOLEAN",
        /// A list.
        Array = "ARRAY",
        /// An object.
        Object = "OBJECT",
        /// Null.
        Null = "NULL",
    }
}
