//! Which fields of the reference's types a recorded call fills: what speaks for a field when the
//! call is equal.
//!
//! A record is walked along the inventory, beginning with the parameters of its method, the resolved
//! arguments that it names the types of, and what the method gives. A key counts for the type it lies
//! in and for no other. It compares nothing.

use std::collections::{BTreeSet, HashMap};
use std::path::Path;

use serde_json::{Map, Value};

use crate::parity::{Kind, Origin, Shape, inventory, naming};
use crate::wire::camel;

/// How deep unions may lie in each other.
const DEPTH: usize = 32;

/// The types of the reference, as far as records speak of them.
#[derive(Debug)]
pub(crate) struct Reference {
    types: HashMap<String, Vec<Field>>,
    aliases: HashMap<String, Shape>,
    methods: HashMap<String, Method>,
}

#[derive(Debug)]
struct Field {
    /// The id of its row.
    id: String,
    /// Its names in JSON, in camelCase.
    names: [String; 2],
    shape: Shape,
}

#[derive(Debug, Default)]
struct Method {
    parameters: HashMap<String, Shape>,
    returns: Option<Shape>,
}

impl Reference {
    /// Reads the inventory below `root`.
    pub(crate) fn load(root: &Path) -> anyhow::Result<Self> {
        let mut inventories = inventory::load(root)?;
        inventories.retain(|one| one.rows.iter().any(|row| row.origin == Origin::Gemini));
        let rows = inventories.into_iter().flat_map(|one| one.rows);
        Ok(Self::of(rows))
    }

    fn of(rows: impl Iterator<Item = inventory::Row>) -> Self {
        let mut reference = Self {
            types: HashMap::new(),
            aliases: HashMap::new(),
            methods: HashMap::new(),
        };
        for row in rows {
            let in_types = row.module() == "types";
            match row.kind {
                Kind::Field if in_types => {
                    let holder = last(row.parent()).to_owned();
                    let field = Field {
                        names: [camel(&row.wire), camel(row.name())],
                        shape: Shape::of_annotation(&row.shape),
                        id: row.id,
                    };
                    reference.types.entry(holder).or_default().push(field);
                }
                Kind::Alias if in_types => {
                    let shape = Shape::of_annotation(&row.shape);
                    reference.aliases.insert(last(&row.id).to_owned(), shape);
                }
                Kind::Method if !last(row.parent()).starts_with("Async") => {
                    let name = format!("{}.{}", row.module(), row.name());
                    let parameters = row.params.iter().filter_map(|parameter| {
                        let (name, shape) = parameter.split_once(": ")?;
                        let name = name.trim_end_matches('?').to_owned();
                        Some((name, Shape::of_annotation(shape)))
                    });
                    let method = Method {
                        parameters: parameters.collect(),
                        returns: given(&row.returns),
                    };
                    reference.methods.insert(name, method);
                }
                _ => {}
            }
        }
        reference
    }

    /// The ids of the fields that a record fills, in its arguments and in its result.
    pub(crate) fn filled_by(&self, record: &Value) -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        let name = record["method"].as_str().unwrap_or_default();
        let name = naming::call(name).replace("._", ".");
        if let Some(method) = self.methods.get(&name) {
            let none = Map::new();
            let parameters = record["parameters"].as_object().unwrap_or(&none);
            for (name, value) in parameters {
                let shape = method.parameters.get(name);
                if let Some(shape) = shape.or_else(|| method.parameters.get(&snake(name))) {
                    self.walk(value, shape, DEPTH, &mut found);
                }
            }
            if let Some(returns) = &method.returns {
                self.walk(result(record), returns, DEPTH, &mut found);
            }
        }
        for resolved in record["canonical"].as_array().into_iter().flatten() {
            if let Some(of) = resolved["type"].as_str() {
                let shape = Shape::Named(of.to_owned());
                self.walk(&resolved["value"], &shape, DEPTH, &mut found);
            }
        }
        found
    }

    fn walk(&self, value: &Value, shape: &Shape, depth: usize, found: &mut BTreeSet<String>) {
        let Some(depth) = depth.checked_sub(1) else {
            return;
        };
        match (shape, value) {
            (Shape::OneOf(several), _) => {
                // The form that knows most of what is there.
                let fills = several.iter().map(|one| {
                    let mut fills = BTreeSet::new();
                    self.walk(value, one, depth, &mut fills);
                    fills
                });
                found.extend(fills.max_by_key(BTreeSet::len).unwrap_or_default());
            }
            // A single one may stand for a list, and the pages of a list are lists.
            (Shape::List(item), Value::Array(items)) => {
                for value in items {
                    self.walk(value, item, depth, found);
                }
            }
            (Shape::List(item), _) => self.walk(value, item, depth, found),
            (Shape::Map(item), Value::Object(entries)) => {
                for value in entries.values() {
                    self.walk(value, item, depth, found);
                }
            }
            (Shape::Named(name), _) => match (self.aliases.get(name), self.types.get(name)) {
                (Some(alias), _) => self.walk(value, alias, depth, found),
                (None, Some(fields)) => self.fields(value, fields, depth, found),
                (None, None) => {}
            },
            _ => {}
        }
    }

    fn fields(&self, value: &Value, fields: &[Field], depth: usize, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(members) => {
                for (key, value) in members.iter().filter(|(_, value)| !value.is_null()) {
                    let key = camel(key);
                    if let Some(field) = fields.iter().find(|field| field.names.contains(&key)) {
                        found.insert(field.id.clone());
                        self.walk(value, &field.shape, depth, found);
                    }
                }
            }
            Value::Array(items) => {
                for value in items {
                    self.fields(value, fields, depth, found);
                }
            }
            _ => {}
        }
    }
}

/// What the method gave: for a list its pages.
fn result(record: &Value) -> &Value {
    let result = &record["result"];
    result.get("$pager").unwrap_or(result)
}

/// The shape of a result; of a list or stream, that of its items.
fn given(returns: &str) -> Option<Shape> {
    let item = ["Pager[", "Iterator["]
        .iter()
        .find_map(|holder| returns.strip_prefix(holder)?.strip_suffix(']'));
    match (item, returns) {
        (_, "") => None,
        (Some(item), _) => Some(Shape::List(Box::new(Shape::of_annotation(item)))),
        (None, shape) => Some(Shape::of_annotation(shape)),
    }
}

fn last(id: &str) -> &str {
    id.rsplit('.').next().unwrap_or(id)
}

fn snake(name: &str) -> String {
    naming::split_words(name, '_')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn reference() -> Reference {
        let rows = r#"{"reference": "r", "rows": [
            {"id": "caches.Caches.create", "kind": "method", "returns": "CachedContent",
             "params": ["model: str", "config?: CreateCachedContentConfig"]},
            {"id": "caches.Caches.list", "kind": "method", "returns": "Pager[CachedContent]"},
            {"id": "tokens.Tokens.create", "kind": "method", "returns": "CachedContent"},
            {"id": "types.ContentListUnion", "kind": "alias", "shape": "Content|list[Content|str]|str"},
            {"id": "types.CreateCachedContentConfig.contents", "kind": "field",
             "wire": "contents", "shape": "ContentListUnion"},
            {"id": "types.CreateCachedContentConfig.kms_key_name", "kind": "field",
             "wire": "kmsKeyName", "shape": "str"},
            {"id": "types.CreateCachedContentParameters.config", "kind": "field",
             "wire": "config", "shape": "CreateCachedContentConfig"},
            {"id": "types.Content.role", "kind": "field", "wire": "role", "shape": "str"},
            {"id": "types.CachedContent.name", "kind": "field", "wire": "name", "shape": "str"},
            {"id": "types.CachedContent.labels", "kind": "field", "wire": "labels", "shape": "map[Content]"},
            {"id": "interactions.Content.role", "kind": "field", "wire": "role", "shape": "str"}
        ]}"#;
        let inventory = inventory::parse(Origin::Gemini, rows).unwrap();
        Reference::of(inventory.rows.into_iter())
    }

    fn filled(record: &Value) -> Vec<String> {
        let filled = reference().filled_by(record).into_iter();
        filled
            .map(|id| id.trim_start_matches("types.").to_owned())
            .collect()
    }

    #[test]
    fn arguments_are_walked_along_their_types() {
        let config =
            json!({"contents": [{"role": "user"}, "text"], "kms_key_name": "k", "other": 1});
        let record =
            json!({"method": "caches.create", "parameters": {"model": "m", "config": config}});
        assert_eq!(
            filled(&record),
            [
                "Content.role",
                "CreateCachedContentConfig.contents",
                "CreateCachedContentConfig.kms_key_name",
            ]
        );
        let absent =
            json!({"method": "caches.create", "parameters": {"config": {"contents": null}}});
        assert!(filled(&absent).is_empty());
    }

    #[test]
    fn resolved_arguments_say_their_type() {
        let value = json!({"config": {"kmsKeyName": "k"}});
        let canonical = json!([{"type": "CreateCachedContentParameters", "value": value}]);
        let record = json!({"method": "caches._create", "canonical": canonical});
        assert_eq!(
            filled(&record),
            [
                "CreateCachedContentConfig.kms_key_name",
                "CreateCachedContentParameters.config",
            ]
        );
    }

    #[test]
    fn results_are_walked_from_what_the_method_gives() {
        let cache = json!({"name": "n", "labels": {"a": {"role": "user"}}});
        for (method, result) in [
            ("caches.create", cache.clone()),
            ("auth_tokens.create", cache.clone()),
            ("caches.list", json!({"$pager": [[cache.clone()], [cache]]})),
        ] {
            assert_eq!(
                filled(&json!({"method": method, "result": result})),
                ["CachedContent.labels", "CachedContent.name", "Content.role"],
                "{method}"
            );
        }
        let unknown = json!({"method": "caches.dance", "result": {"name": "n"}});
        assert!(filled(&unknown).is_empty());
    }
}
