//! Recorded exchanges as evidence: which fields of ours a fixture really fills.
//!
//! A record names the call it was recorded from. Its bodies are walked along our own types,
//! beginning with those the function of that route takes and returns, so that a key counts for the
//! type it lies in and for no other.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::parity::surface::Surface;
use crate::sources::SourceFile;

/// Members of a record that hold exchanges or bodies; everything else is a remark.
const BODIES: &[&str] = &[
    "body",
    "json",
    "request",
    "requests",
    "response",
    "responses",
    "exchanges",
    "server_response",
    "sse",
];

/// A field: the type and the field's name in Rust.
pub(super) type Member = (String, String);

/// For each fixture, by the end of its path, the fields it fills.
pub(super) fn walk_all(
    files: &[SourceFile],
    surface: &Surface,
    types_of_call: &BTreeMap<String, BTreeSet<String>>,
) -> BTreeMap<String, BTreeSet<Member>> {
    let mut found = BTreeMap::new();
    for file in files {
        let is_fixture = file.path.ends_with(".json") && file.is_under("fixtures");
        if !is_fixture || !file.path.starts_with("crates/") {
            continue;
        }
        let Ok(value) = serde_json::from_str::<Value>(&file.text) else {
            continue;
        };
        let mut members = BTreeSet::new();
        records(&value, &mut |record| {
            let Some(types) = call_of(record, types_of_call) else {
                return;
            };
            for name in BODIES {
                if let Some(body) = record.get(*name) {
                    bodies(surface, types, body, &mut members);
                }
            }
        });
        found.insert(file.path.clone(), members);
    }
    found
}

fn records(value: &Value, each: &mut impl FnMut(&Value)) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| records(item, each)),
        Value::Object(members) => {
            let is_record = members.contains_key("method") || members.contains_key("name");
            if is_record && BODIES.iter().any(|name| members.contains_key(*name)) {
                each(value);
            } else {
                members.values().for_each(|member| records(member, each));
            }
        }
        _ => {}
    }
}

/// The call a record says it is from: `method`, or the first word of its name.
fn call_of<'a>(
    record: &Value,
    types_of_call: &'a BTreeMap<String, BTreeSet<String>>,
) -> Option<&'a BTreeSet<String>> {
    for name in ["method", "name"] {
        let Some(text) = record.get(name).and_then(Value::as_str) else {
            continue;
        };
        let word = text.split([' ', '/']).next().unwrap_or(text);
        if let Some(types) = types_of_call.get(word) {
            return Some(types);
        }
        let end = format!(".{word}");
        let mut fitting = types_of_call
            .iter()
            .filter(|(call, _)| call.ends_with(&end));
        if let (Some((_, types)), None) = (fitting.next(), fitting.next()) {
            return Some(types);
        }
    }
    None
}

fn bodies(
    surface: &Surface,
    types: &BTreeSet<String>,
    value: &Value,
    members: &mut BTreeSet<Member>,
) {
    match value {
        Value::Array(items) => {
            for item in items {
                bodies(surface, types, item, members);
            }
        }
        Value::Object(object) => {
            // Exchanges are opened, bodies are walked from the type that knows most of their keys.
            for name in BODIES {
                if let Some(inner) = object.get(*name) {
                    bodies(surface, types, inner, members);
                }
            }
            let best = types
                .iter()
                .map(|name| {
                    let mut found = BTreeSet::new();
                    walk(surface, name, value, &mut found);
                    found
                })
                .max_by_key(BTreeSet::len);
            members.extend(best.unwrap_or_default());
        }
        _ => {}
    }
}

fn walk(surface: &Surface, name: &str, value: &Value, members: &mut BTreeSet<Member>) {
    match value {
        Value::Array(items) => {
            for item in items {
                walk(surface, name, item, members);
            }
        }
        Value::Object(object) => {
            for (_, item) in surface.named(name) {
                for field in &item.fields {
                    let wire = field.wire.as_deref().unwrap_or(&field.rust);
                    let Some(inner) = object.get(wire).or_else(|| object.get(&field.rust)) else {
                        continue;
                    };
                    members.insert((name.to_owned(), field.rust.clone()));
                    let keyed = matches!(field.shape, crate::parity::shape::Shape::Map(_));
                    for part in &field.types {
                        if !surface.has_type(part) {
                            continue;
                        }
                        match inner {
                            Value::Object(entries) if keyed => {
                                for entry in entries.values() {
                                    walk(surface, part, entry, members);
                                }
                            }
                            inner => walk(surface, part, inner, members),
                        }
                    }
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parity::surface::{parse_all, read};

    #[test]
    fn keys_count_for_the_type_they_lie_in() {
        let sources = [SourceFile::new(
            "crates/types/src/gemini/a.rs",
            "wire! { pub struct Ask { pub contents: Vec<Turn>, pub top_name: Option<String>, }\n\
             pub struct Turn { pub name: Option<String>, pub role: Option<String>, } }",
        )];
        let surface = read(&sources, &parse_all(&sources).unwrap());
        let fixture = SourceFile::new(
            "crates/api/tests/fixtures/a.json",
            r#"[{"method": "models.ask", "backend": "x",
                 "body": {"contents": [{"role": "user"}], "name": "no"}},
                {"method": "other.call", "body": {"topName": "no"}}]"#,
        );
        let types = BTreeMap::from([("models.ask".to_owned(), BTreeSet::from(["Ask".to_owned()]))]);
        let found = walk_all(&[fixture], &surface, &types);
        let members: Vec<_> = found.values().flatten().cloned().collect();
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(members, [pair("Ask", "contents"), pair("Turn", "role")]);
    }
}
