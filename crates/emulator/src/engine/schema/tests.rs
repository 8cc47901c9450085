//! Tests of the schema generator, by a validator written for the purpose.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    budget::{MOST_BYTES, MOST_NODES},
    shape::type_of,
    *,
};
use crate::engine::{answer::find, index::ContextIndex, material::Material};

fn material() -> Material {
    let index =
        ContextIndex::build(&["Apples cost 2 euros. Apples are red. Apples weigh 150 grams."]);
    Material::from_findings(&find("apples", &[&index]))
}

fn value(schema: &Value) -> Value {
    generate(schema, material(), Optional::Always).expect("within the budget")
}

/// The member that goes beyond the budget, and which part of it.
fn refused(schema: &Value) -> String {
    let excess = generate_text(schema, material()).expect_err("beyond the budget");
    format!("{}: {excess}", excess.member.write("", str::to_owned))
}

/// The values at every level, and the bytes of all names and strings.
fn size(value: &Value) -> (usize, usize) {
    let add = |a: (usize, usize), b: (usize, usize)| (a.0 + b.0, a.1 + b.1);
    match value {
        Value::String(text) => (1, text.len()),
        Value::Array(items) => items.iter().map(size).fold((1, 0), add),
        Value::Object(fields) => fields
            .iter()
            .map(|(name, value)| add((0, name.len()), size(value)))
            .fold((1, 0), add),
        _ => (1, 0),
    }
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
    let text = generate_text(&schema, material()).expect("within the budget");
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
    let args = |prompt: &str| {
        generate(&schema, Material::from_prompt(prompt), Optional::WhenKnown)
            .expect("within the budget")
    };
    assert_eq!(args("Weather in Paris?"), json!({"city": "Paris"}));
    assert_eq!(
        args("Weather in Paris for 3 days in fahrenheit"),
        json!({"city": "Paris", "days": 3, "unit": "fahrenheit"})
    );
}

#[test]
fn what_demands_too_much_is_refused_by_name() {
    let too_long = format!("demands more than {MOST_BYTES} bytes of text in one answer.");
    let too_many = format!("demands more than {MOST_NODES} values in one answer.");
    let huge = 1e300;
    let cases = [
        (
            json!({"type": "array", "items": {"type": "string"}, "minItems": huge}),
            "minItems",
            &too_many,
        ),
        (
            json!({"properties": {"a": {"type": "array", "minItems": "10001"}}}),
            "properties[a].minItems",
            &too_many,
        ),
        (
            json!({"items": {"items": {"type": "boolean"}, "minItems": 200}, "minItems": 200}),
            "items.minItems",
            &too_many,
        ),
        (
            json!({"properties": {"b": {"type": "string", "minLength": huge}}}),
            "properties[b].minLength",
            &too_long,
        ),
        (
            json!({"type": "array", "minItems": 3, "items": {"type": "string", "minLength": 400_000}}),
            "items.minLength",
            &too_long,
        ),
        (
            json!({"type": "array", "minItems": 20, "items": {"const": "c".repeat(100_000)}}),
            "items.const",
            &too_long,
        ),
        (
            json!({"type": "array", "minItems": 20, "items": {"enum": ["e".repeat(100_000)]}}),
            "items.enum",
            &too_long,
        ),
        (
            json!({"type": "array", "uniqueItems": true, "minItems": 9_999,
                   "items": {"type": "object", "required": ["a"], "properties":
                             {"a": {"type": "array", "minItems": 9_999}}}}),
            "items.properties[a].minItems",
            &too_many,
        ),
    ];
    for (schema, member, problem) in cases {
        assert_eq!(refused(&schema), format!("{member}: {problem}"));
    }
}

#[test]
fn a_recursion_without_an_end_is_refused_where_it_overflows() {
    let node = json!({"$ref": "#/$defs/Node"});
    let names = ["a", "b", "c", "d"];
    let properties: serde_json::Map<String, Value> = names
        .iter()
        .map(|name| ((*name).to_owned(), node.clone()))
        .collect();
    let schema = json!({
        "$defs": {"Node": {"type": "object", "required": names, "properties": properties}},
        "$ref": "#/$defs/Node"
    });
    let refused = refused(&schema);
    assert!(refused.starts_with("$defs[Node]"), "{refused}");
    assert!(refused.contains("demands more than"), "{refused}");
}

#[test]
fn what_is_optional_gives_way_before_anything_is_refused() {
    let node = json!({"$ref": "#/$defs/Node"});
    let properties: serde_json::Map<String, Value> =
        (0..30).map(|n| (format!("p{n}"), node.clone())).collect();
    let back = value(&json!({
        "$defs": {"Node": {"type": "object", "properties": properties}},
        "$ref": "#/$defs/Node"
    }));
    let (nodes, _) = size(&back);
    assert!((MOST_NODES / 4..=MOST_NODES).contains(&nodes), "{nodes}");
}

#[test]
fn a_union_comes_back_to_the_branch_that_ends() {
    let expression = json!({"$ref": "#/$defs/Expression"});
    let operands: Vec<String> = (0..9).map(|n| format!("operand{n}")).collect();
    let properties: serde_json::Map<String, Value> = operands
        .iter()
        .map(|name| (name.clone(), expression.clone()))
        .collect();
    let schema = json!({
        "$defs": {
            "Expression": {"anyOf": [{"$ref": "#/$defs/Sum"}, {"$ref": "#/$defs/Leaf"}]},
            "Sum": {"type": "object", "required": operands, "properties": properties},
            "Leaf": {"type": "object", "required": ["value"],
                     "properties": {"value": {"type": "number"}}}
        },
        "$ref": "#/$defs/Expression"
    });
    let text = value(&schema).to_string();
    assert!(text.contains("operand8") && text.contains("value"));
    assert!(!text.contains("null"), "every branch ends in a leaf");
}

#[test]
fn a_long_source_is_cut_to_what_is_left() {
    let prompt = "é".repeat(MOST_BYTES);
    let names: Vec<String> = (0..100).map(|n| format!("n{n}")).collect();
    let schema = json!({"type": "object", "required": names});
    let material = Material::from_prompt(&prompt);
    let back = generate(&schema, material, Optional::WhenKnown).expect("within the budget");
    assert_eq!(back.as_object().expect("an object").len(), 100);
    assert!(size(&back).1 <= MOST_BYTES);
}

#[test]
fn distinct_items_keep_to_their_schema() {
    let distinct = |item: Value, least: usize| {
        let schema =
            json!({"type": "array", "uniqueItems": true, "minItems": least, "items": item});
        value(&schema).as_array().expect("items").clone()
    };
    let integers = json!({"type": "integer", "minimum": 5, "maximum": 9});
    let mut found: Vec<i64> = distinct(integers, 5)
        .iter()
        .filter_map(Value::as_i64)
        .collect();
    found.sort_unstable();
    assert_eq!(found, [5, 6, 7, 8, 9]);
    assert_eq!(
        distinct(json!({"type": "integer", "minimum": 1e300}), 3).len(),
        1
    );
    assert_eq!(
        distinct(json!({"type": "number", "maximum": -4}), 3).len(),
        3
    );
    assert_eq!(distinct(json!({"enum": [1, "b", null, 1]}), 3).len(), 3);
    let texts = distinct(
        json!({"type": "string", "minLength": 4, "maxLength": 4}),
        2_000,
    );
    assert_eq!(texts.len(), 2_000);
    assert!(
        texts
            .iter()
            .all(|text| text.as_str().is_some_and(|text| text.len() == 4))
    );
    assert!(distinct(json!({"type": "boolean"}), 9_000).len() < 3);
    let pairs = json!({"type": "array", "uniqueItems": true, "minItems": 2,
                       "items": {"enum": vec!["same"; 20_000]}});
    let schema = json!({"type": "array", "items": pairs, "minItems": 900});
    assert_eq!(value(&schema)[899], json!(["same"]));
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

/// Sizes as a schema may have them: mostly small, some out of all proportion.
fn bounds() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => (0_u64..4).prop_map(Value::from),
        1 => (90_u64..20_000).prop_map(Value::from),
        1 => Just(json!(u64::MAX)),
        1 => Just(json!("300")),
        1 => Just(json!(-1.5)),
        1 => Just(json!("NaN")),
        1 => Just(json!(1e300)),
    ]
}

/// Schemas of any kind, sensible or not, that refer to each other through `$defs`.
fn wild_schemas() -> impl Strategy<Value = Value> {
    let reference = prop_oneof!["#/\\$defs/[a-c]", Just("#".to_owned()), "[#/]{0,3}x"];
    let leaf = prop_oneof![
        4 => reference.prop_map(|pointer| json!({"$ref": pointer})),
        1 => (bounds(), bounds())
            .prop_map(|(a, b)| json!({"type": "string", "minLength": a, "maxLength": b})),
        1 => (bounds(), bounds(), bounds()).prop_map(|(a, b, step)| {
            json!({"type": "integer", "minimum": a, "exclusiveMaximum": b, "multipleOf": step})
        }),
        1 => bounds().prop_map(|a| json!({"type": ["null", "NUMBER"], "exclusiveMinimum": a})),
        1 => Just(json!({"enum": ["red", null, 7]})),
        1 => bounds().prop_map(|a| json!({"const": {"k": [a]}})),
        1 => Just(json!({"type": "null"})),
        1 => Just(json!(true)),
    ];
    let schema = leaf.prop_recursive(4, 24, 6, |inner| {
        let some = proptest::collection::vec(inner.clone(), 0..6);
        let array = (
            inner.clone(),
            bounds(),
            bounds(),
            any::<bool>(),
            some.clone(),
        );
        let array = array.prop_map(|(items, a, b, unique, prefix)| {
            json!({"type": "array", "items": items, "minItems": a, "maxItems": b,
                   "uniqueItems": unique, "prefixItems": prefix})
        });
        let names = proptest::collection::vec("[a-f]", 0..6);
        let properties = proptest::collection::btree_map("[a-f]", inner.clone(), 0..6);
        let object = (properties, names.clone(), names).prop_map(|(properties, needed, order)| {
            json!({"type": "object", "properties": properties, "required": needed,
                   "propertyOrdering": order})
        });
        let union = (some, "anyOf|oneOf|allOf").prop_map(|(some, key)| json!({ key: some }));
        prop_oneof![1 => array, 3 => object, 1 => union]
    });
    let defs = proptest::collection::btree_map("[a-c]", schema.clone(), 3..=3);
    (schema, defs).prop_map(|(mut schema, defs)| {
        if let Some(fields) = schema.as_object_mut() {
            fields.insert("$defs".to_owned(), json!(defs));
        }
        schema
    })
}

proptest! {
    #[test]
    fn no_schema_takes_more_than_its_budget(schema in wild_schemas(), all in any::<bool>()) {
        let optional = if all { Optional::Always } else { Optional::WhenKnown };
        if let Ok(value) = generate(&schema, material(), optional) {
            let (nodes, bytes) = size(&value);
            prop_assert!(nodes <= MOST_NODES && bytes <= MOST_BYTES, "{nodes} and {bytes}");
        }
    }

    #[test]
    fn what_is_generated_conforms(schema in schemas()) {
        let text = generate_text(&schema, material()).expect("within the budget");
        let back: Value = serde_json::from_str(&text).expect("json");
        prop_assert!(conforms(&back, &schema), "{text} does not conform to {schema}");
    }
}
