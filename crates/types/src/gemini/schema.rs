//! The subset of OpenAPI schemas the service understands.

use std::collections::BTreeMap;

use serde_json::Value;

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
        /// The members and their shapes.
        pub properties: BTreeMap<String, Schema>,
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
        pub defs: BTreeMap<String, Schema>,
        /// Name of a shape among the named ones.
        pub reference: Option<String> = "ref",
    }
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
