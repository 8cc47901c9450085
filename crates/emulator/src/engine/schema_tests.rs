//! Tests of the schema generator, by a validator written for the purpose.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::engine::{answer::find, index::ContextIndex};

fn material() -> Material {
    let index =
        ContextIndex::build(&["Apples cost 2 euros. Apples are red. Apples weigh 150 grams."]);
    Material::from_findings(&find("apples", &[&index]))
}

fn value(schema: &Value) -> Value {
    generate(schema, material(), Optional::Always)
}

/// Whether `value` conforms to the plain keywords of `schema`.
fn conforms(value: &Value, schema: &Value) -> bool {
    if value.is_null() {
        return schema["nullable"] == true || schema["type"] == "null";
    }
    if let Some(values) = schema.get("enum").and_then(Value::as_array)
        && !values.contains(value)
    {
        return false;
    }
    let limit = |key: &str| schema.get(key).and_then(Value::as_f64);
    let within = |n: f64, low: &str, high: &str| {
        limit(low).is_none_or(|low| n >= low) && limit(high).is_none_or(|high| n <= high)
    };
    match type_of(schema).as_str() {
        "string" => value
            .as_str()
            .is_some_and(|text| within(text.chars().count() as f64, "minLength", "maxLength")),
        "integer" => value
            .as_i64()
            .is_some_and(|n| within(n as f64, "minimum", "maximum")),
        "number" => value
            .as_f64()
            .is_some_and(|n| within(n, "minimum", "maximum")),
        "boolean" => value.is_boolean(),
        "array" => value.as_array().is_some_and(|items| {
            within(items.len() as f64, "minItems", "maxItems")
                && items.iter().all(|item| conforms(item, &schema["items"]))
        }),
        "object" => value.as_object().is_some_and(|fields| {
            let required = schema["required"].as_array().cloned().unwrap_or_default();
            required
                .iter()
                .all(|name| fields.contains_key(name.as_str().unwrap_or_default()))
                && fields
                    .iter()
                    .all(|(name, value)| conforms(value, &schema["properties"][name]))
        }),
        _ => false,
    }
}

#[test]
fn strings_and_numbers_come_from_the_answer() {
    let schema = json!({
        "type": "OBJECT",
        "properties": {
            "summary": {"type": "STRING"},
            "price": {"type": "INTEGER"},
            "weight": {"type": "NUMBER", "minimum": 100},
            "facts": {"type": "ARRAY", "items": {"type": "STRING"}, "maxItems": "2"},
            "known": {"type": "BOOLEAN"}
        },
        "required": ["summary", "price"],
        "propertyOrdering": ["weight", "price", "summary"]
    });
    let text = generate_text(&schema, material());
    let back: Value = serde_json::from_str(&text).expect("json");
    assert_eq!(back["price"], 2);
    assert_eq!(back["weight"], 150.0);
    assert_eq!(back["known"], true);
    assert_eq!(back["facts"].as_array().expect("facts").len(), 2);
    assert!(
        text.starts_with("{\"weight\": 150.0, \"price\": 2, \"summary\": \"Apples "),
        "{text}"
    );
}

#[test]
fn both_dialects_unions_and_references() {
    let schema = json!({
        "type": "object",
        "$defs": {"Leaf": {"type": ["null", "integer"]}},
        "properties": {
            "a": {"anyOf": [{"type": "null"}, {"type": "string", "enum": ["x"]}]},
            "b": {"$ref": "#/$defs/Leaf"},
            "c": {"const": 7},
            "d": {"type": "string", "format": "date-time"},
            "e": {"type": "array", "uniqueItems": true, "minItems": 3,
                  "items": {"type": "string", "enum": ["p", "q", "r"]}}
        }
    });
    let back = value(&schema);
    assert_eq!(back["a"], "x");
    assert!(back["b"].is_i64());
    assert_eq!(back["c"], 7);
    assert_eq!(back["d"], "2026-01-01T00:00:00Z");
    assert_eq!(back["e"], json!(["p", "q", "r"]));
}

#[test]
fn recursive_schemas_end() {
    let schema = json!({
        "$defs": {"Node": {"type": "object", "required": ["name"], "properties": {
            "name": {"type": "string"},
            "children": {"type": "array", "items": {"$ref": "#/$defs/Node"}},
            "next": {"anyOf": [{"$ref": "#/$defs/Node"}, {"type": "null"}]}
        }}},
        "$ref": "#/$defs/Node"
    });
    assert!(value(&schema)["name"].is_string());
}

#[test]
fn optional_properties_need_a_value_in_the_prompt() {
    let schema = json!({
        "type": "OBJECT",
        "properties": {
            "city": {"type": "STRING"},
            "days": {"type": "INTEGER"},
            "unit": {"type": "STRING", "enum": ["celsius", "fahrenheit"]}
        },
        "required": ["city"]
    });
    let args = |prompt: &str| generate(&schema, Material::from_prompt(prompt), Optional::WhenKnown);
    assert_eq!(args("Weather in Paris?"), json!({"city": "Paris"}));
    assert_eq!(
        args("Weather in Paris for 3 days in fahrenheit"),
        json!({"city": "Paris", "days": 3, "unit": "fahrenheit"})
    );
}

/// Schemas of the plain keywords, up to three levels deep.
fn schemas() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        (0_usize..5, 5_usize..20)
            .prop_map(|(a, b)| json!({"type": "STRING", "minLength": a, "maxLength": b})),
        (-50_i32..50, 0_i32..20)
            .prop_map(|(a, n)| json!({"type": "INTEGER", "minimum": a, "maximum": a + n})),
        (-50_i32..50, 0_i32..20)
            .prop_map(|(a, n)| json!({"type": "NUMBER", "minimum": a, "maximum": a + n})),
        Just(json!({"type": "BOOLEAN"})),
        Just(json!({"type": "STRING", "enum": ["red", "green"]})),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let array = (inner.clone(), 0_usize..3, 0_usize..3).prop_map(|(items, a, n)| {
            json!({"type": "ARRAY", "items": items, "minItems": a, "maxItems": a + n})
        });
        let object = proptest::collection::btree_map("[a-d]", inner, 0..4).prop_map(|properties| {
            let required: Vec<&String> = properties.keys().step_by(2).collect();
            json!({"type": "OBJECT", "required": required, "properties": properties})
        });
        prop_oneof![array, object]
    })
}

proptest! {
    #[test]
    fn what_is_generated_conforms(schema in schemas()) {
        let text = generate_text(&schema, material());
        let back: Value = serde_json::from_str(&text).expect("json");
        prop_assert!(conforms(&back, &schema), "{text} does not conform to {schema}");
    }
}
