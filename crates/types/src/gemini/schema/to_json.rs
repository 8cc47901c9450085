//! From the service's subset to JSON Schema 2020-12.

use serde_json::{Map, Value, json};

use super::{Schema, Type};

impl Schema {
    /// This schema as JSON Schema 2020-12: types in lower case, `nullable` as the type `null`.
    ///
    /// ```
    /// use gimmal_types::gemini::{Schema, Type};
    ///
    /// let schema = Schema::new().set_value_type(Type::Integer).set_nullable(true);
    /// assert_eq!(schema.json_schema(), serde_json::json!({"type": ["integer", "null"]}));
    /// ```
    pub fn json_schema(&self) -> Value {
        let nullable = self.nullable == Some(true);
        let mut members = Map::new();
        let mut set = |key: &str, value: Option<Value>| {
            members.extend(value.map(|value| (key.to_owned(), value)));
        };
        let kind = self
            .value_type
            .as_ref()
            .filter(|kind| **kind != Type::Unspecified);
        let kind = kind.map(|kind| kind.name().to_ascii_lowercase());
        set(
            "type",
            match (kind, nullable) {
                (Some(kind), true) => Some(json!([kind, "null"])),
                (Some(kind), false) => Some(kind.into()),
                (None, true) if self.any_of.is_empty() => Some("null".into()),
                (None, _) => None,
            },
        );
        let text = |text: &Option<String>| text.as_deref().map(Value::from);
        set("format", text(&self.format));
        set("title", text(&self.title));
        set("description", text(&self.description));
        set("pattern", text(&self.pattern));
        set("default", self.default.clone());
        set("enum", some_list(&self.enumeration));
        set("minimum", self.minimum.map(Value::from));
        set("maximum", self.maximum.map(Value::from));
        set("minLength", self.min_length.map(Value::from));
        set("maxLength", self.max_length.map(Value::from));
        set("minItems", self.min_items.map(Value::from));
        set("maxItems", self.max_items.map(Value::from));
        set("minProperties", self.min_properties.map(Value::from));
        set("maxProperties", self.max_properties.map(Value::from));
        set("required", some_list(&self.required));
        set("items", self.items.as_deref().map(Self::json_schema));
        set(
            "properties",
            (!self.properties.is_empty()).then(|| self.ordered_properties()),
        );
        set(
            "anyOf",
            (!self.any_of.is_empty()).then(|| {
                let mut branches: Vec<Value> = self.any_of.iter().map(Self::json_schema).collect();
                if nullable && self.value_type.is_none() {
                    branches.push(json!({"type": "null"}));
                }
                branches.into()
            }),
        );
        set(
            "additionalProperties",
            self.additional_properties.as_ref().map(|shape| {
                match serde_json::from_value::<Self>(shape.clone()) {
                    Ok(shape) => shape.json_schema(),
                    Err(_) => shape.clone(),
                }
            }),
        );
        members.into()
    }

    /// The members in the order in which the model writes them.
    fn ordered_properties(&self) -> Value {
        let named = self.property_ordering.iter();
        let named = named.filter_map(|name| self.properties.get_key_value(name));
        let others = self.properties.iter();
        let others = others.filter(|(name, _)| !self.property_ordering.contains(name));
        named
            .chain(others)
            .map(|(name, property)| (name.clone(), property.json_schema()))
            .collect::<Map<_, _>>()
            .into()
    }
}

fn some_list(texts: &[String]) -> Option<Value> {
    (!texts.is_empty()).then(|| texts.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back(schema: Value) {
        let typed = Schema::from_json_schema(&schema).unwrap();
        assert_eq!(typed.json_schema(), schema);
    }

    #[test]
    fn what_both_sides_know_survives_a_round_trip() {
        there_and_back(
            json!({"type": "object", "title": "T", "description": "d", "properties": {
            "z": {"type": "string", "pattern": "^a", "minLength": 1, "enum": ["a", "b"]},
            "a": {"type": ["integer", "null"], "minimum": 0.0, "maximum": 9.0},
            "l": {"type": "array", "items": {"type": "boolean"}, "minItems": 1, "maxItems": 2}},
            "required": ["z"]}),
        );
        there_and_back(
            json!({"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]}),
        );
        there_and_back(json!({"type": "object", "additionalProperties": {"type": "string"}}));
        there_and_back(json!({"type": "null"}));
        there_and_back(json!({}));
    }

    #[test]
    fn members_come_in_the_order_told() {
        let schema = Schema::new()
            .set_properties([
                ("a", Schema::new()),
                ("b", Schema::new()),
                ("c", Schema::new()),
            ])
            .set_property_ordering(["c", "a"]);
        let json = schema.json_schema();
        let names: Vec<&String> = json["properties"].as_object().unwrap().keys().collect();
        assert_eq!(names, ["c", "a", "b"]);
    }
}
