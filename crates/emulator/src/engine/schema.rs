//! JSON that conforms to a schema, in either dialect the service takes (its own OpenAPI subset and
//! JSON Schema). Decides shapes; the values come from the material it is given.

use std::collections::BTreeSet;

use serde_json::{Map, Number, Value, json};

use crate::engine::{formats, material::Material};

/// Below this depth only what is required is generated, so that recursive schemas end.
const DEEP: usize = 8;
/// Below this depth nothing more is generated.
const DEEPEST: usize = 24;

/// Which properties of an object are generated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Optional {
    /// All of them.
    Always,
    /// The required ones, and those the material has a value for.
    WhenKnown,
}

/// Generates one value for `schema` as JSON text, with properties in the order the schema asks for.
pub(crate) fn generate_text(schema: &Value, material: Material) -> String {
    let mut generator = Generator {
        root: schema,
        material,
        optional: Optional::Always,
    };
    generator.value(schema, 0).to_text()
}

/// Generates one value for `schema`.
pub(crate) fn generate(schema: &Value, material: Material, optional: Optional) -> Value {
    let mut generator = Generator {
        root: schema,
        material,
        optional,
    };
    generator.value(schema, 0).into_value()
}

/// The enum of a schema that is nothing but a choice.
pub(crate) fn choices(schema: &Value) -> Option<Vec<String>> {
    let values = schema.get("enum")?.as_array()?;
    let texts = values.iter().filter_map(Value::as_str).map(str::to_owned);
    Some(texts.collect::<Vec<_>>()).filter(|texts| !texts.is_empty())
}

/// A JSON value whose objects keep the order they were built in.
#[derive(Debug)]
enum Node {
    Leaf(Value),
    List(Vec<Node>),
    Object(Vec<(String, Node)>),
}

impl Node {
    fn to_text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        match self {
            Self::Leaf(value) => out.push_str(&value.to_string()),
            Self::List(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { ", " });
                    item.write(out);
                }
                out.push(']');
            }
            Self::Object(fields) => {
                out.push('{');
                for (at, (name, value)) in fields.iter().enumerate() {
                    out.push_str(if at == 0 { "" } else { ", " });
                    out.push_str(&Value::from(name.as_str()).to_string());
                    out.push_str(": ");
                    value.write(out);
                }
                out.push('}');
            }
        }
    }

    fn into_value(self) -> Value {
        match self {
            Self::Leaf(value) => value,
            Self::List(items) => items.into_iter().map(Self::into_value).collect(),
            Self::Object(fields) => {
                let fields = fields
                    .into_iter()
                    .map(|(name, node)| (name, node.into_value()));
                Value::Object(fields.collect::<Map<_, _>>())
            }
        }
    }
}

struct Generator<'a> {
    root: &'a Value,
    material: Material,
    optional: Optional,
}

impl<'a> Generator<'a> {
    fn value(&mut self, schema: &'a Value, depth: usize) -> Node {
        if depth > DEEPEST {
            return Node::Leaf(Value::Null);
        }
        if let Some(target) = schema.get("$ref").or_else(|| schema.get("ref")) {
            let target = target.as_str().and_then(|path| resolve(self.root, path));
            return match target {
                Some(target) => self.value(target, depth + 1),
                None => Node::Leaf(Value::Null),
            };
        }
        if let Some(constant) = schema.get("const") {
            return Node::Leaf(constant.clone());
        }
        if let Some(values) = schema.get("enum").and_then(Value::as_array)
            && !values.is_empty()
        {
            return Node::Leaf(self.pick(schema, values));
        }
        for key in ["anyOf", "oneOf"] {
            if let Some(branches) = schema.get(key).and_then(Value::as_array) {
                return self.branch(branches, depth);
            }
        }
        if let Some([only]) = schema
            .get("allOf")
            .and_then(Value::as_array)
            .map(Vec::as_slice)
        {
            return self.value(only, depth + 1);
        }
        match type_of(schema).as_str() {
            "object" => self.object(schema, depth),
            "array" => self.array(schema, depth),
            "string" => Node::Leaf(self.string(schema)),
            "integer" => Node::Leaf(self.number(schema, true)),
            "number" => Node::Leaf(self.number(schema, false)),
            "boolean" => Node::Leaf(self.material.boolean().into()),
            _ => Node::Leaf(Value::Null),
        }
    }

    /// A branch of `anyOf`: the first that is not null and, when deep, the first that is flat.
    fn branch(&mut self, branches: &'a [Value], depth: usize) -> Node {
        let is_null = |schema: &&Value| type_of(schema) == "null" && schema.get("$ref").is_none();
        if depth > DEEP
            && let Some(null) = branches.iter().find(is_null)
        {
            return self.value(null, depth + 1);
        }
        match branches
            .iter()
            .find(|schema| !is_null(schema))
            .or(branches.first())
        {
            Some(branch) => self.value(branch, depth + 1),
            None => Node::Leaf(Value::Null),
        }
    }

    fn pick(&mut self, schema: &Value, values: &[Value]) -> Value {
        if let Some(texts) = choices(schema).filter(|texts| texts.len() == values.len()) {
            return self
                .material
                .choice(&texts)
                .map_or(Value::Null, |text| text.as_str().into());
        }
        // The schema is not null, so null is only chosen when nothing else is offered.
        values
            .iter()
            .find(|value| !value.is_null())
            .unwrap_or(&values[0])
            .clone()
    }

    fn object(&mut self, schema: &'a Value, depth: usize) -> Node {
        let names = |key: &str| -> Vec<&'a str> {
            let list = schema.get(key).and_then(Value::as_array);
            list.map(|list| list.iter().filter_map(Value::as_str).collect())
                .unwrap_or_default()
        };
        let required: BTreeSet<&str> = names("required").into_iter().collect();
        let properties = schema.get("properties").and_then(Value::as_object);
        let property = |name: &str| properties.and_then(|properties| properties.get(name));
        let mut order: Vec<&str> = names("propertyOrdering");
        let known = properties
            .into_iter()
            .flat_map(Map::keys)
            .map(String::as_str);
        for name in known {
            if !order.contains(&name) {
                order.push(name);
            }
        }

        let mut fields = Vec::with_capacity(order.len());
        for name in order {
            let Some(property) = property(name) else {
                continue;
            };
            let wanted = required.contains(name);
            if !wanted && depth > DEEP {
                continue;
            }
            let before = self.material.clone();
            let outer = self.material.start_watch();
            let value = self.value(property, depth + 1);
            let invented = self.material.end_watch(outer);
            if !wanted && self.optional == Optional::WhenKnown && invented {
                self.material = before;
                continue;
            }
            fields.push((name.to_owned(), value));
        }
        for name in required {
            if property(name).is_none() {
                fields.push((name.to_owned(), Node::Leaf(self.material.string().into())));
            }
        }
        Node::Object(fields)
    }

    fn array(&mut self, schema: &'a Value, depth: usize) -> Node {
        let bound = |key: &str| count(schema.get(key));
        let (least, most) = (
            bound("minItems").unwrap_or(0),
            bound("maxItems").unwrap_or(usize::MAX),
        );
        let prefix = schema.get("prefixItems").and_then(Value::as_array);
        let mut items: Vec<Node> = Vec::new();
        for item in prefix.into_iter().flatten().take(most) {
            items.push(self.value(item, depth + 1));
        }
        let Some(item) = schema.get("items").filter(|item| item.is_object()) else {
            // Without an item schema anything is allowed; strings are the plainest anything.
            while items.len() < least {
                items.push(Node::Leaf(self.material.string().into()));
            }
            return Node::List(items);
        };
        let natural = match (depth > DEEP, type_of(item).as_str()) {
            (true, _) => 0,
            (false, "string") if item.get("enum").is_none() => self.material.string_count().max(1),
            (false, _) => 1,
        };
        let wanted = natural.max(least).min(most);
        let distinct = schema.get("uniqueItems").and_then(Value::as_bool) == Some(true);
        let mut seen: Vec<String> = items.iter().map(Node::to_text).collect();
        let mut tries = 0;
        while items.len() < wanted && tries < wanted + 64 {
            tries += 1;
            let node = self.value(item, depth + 1);
            let node = if distinct {
                unlike(node, &seen, item)
            } else {
                Some(node)
            };
            if let Some(node) = node {
                seen.push(node.to_text());
                items.push(node);
            }
        }
        Node::List(items)
    }

    fn string(&mut self, schema: &Value) -> Value {
        let format = schema
            .get("format")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let text = formats::example(format).map_or_else(|| self.material.string(), str::to_owned);
        let most = count(schema.get("maxLength")).unwrap_or(usize::MAX);
        let least = count(schema.get("minLength")).unwrap_or(0);
        let mut text: String = text.chars().take(most).collect();
        for _ in text.chars().count()..least {
            text.push('.');
        }
        text.into()
    }

    fn number(&mut self, schema: &Value, whole: bool) -> Value {
        let bound = |key: &str| schema.get(key).and_then(number_of);
        let exclusive = |key: &str| bound(key);
        let step = bound("multipleOf").filter(|step| *step > 0.0);
        let low = bound("minimum").unwrap_or(f64::NEG_INFINITY);
        let high = bound("maximum").unwrap_or(f64::INFINITY);
        let above = exclusive("exclusiveMinimum").unwrap_or(f64::NEG_INFINITY);
        let below = exclusive("exclusiveMaximum").unwrap_or(f64::INFINITY);
        let fits = |n: f64| {
            n >= low
                && n <= high
                && n > above
                && n < below
                && (!whole || n.fract() == 0.0)
                && step.is_none_or(|step| (n / step).fract() == 0.0)
        };
        let unit = step.unwrap_or(if whole { 1.0 } else { 0.5 });
        let number = self.material.number(fits).unwrap_or_else(|| {
            let mut tried = vec![
                0.0,
                low,
                high,
                above + unit,
                below - unit,
                f64::midpoint(above, below),
            ];
            tried.extend([(low / unit).ceil() * unit, (high / unit).floor() * unit]);
            tried.extend([
                f64::midpoint(low, high),
                f64::midpoint(low, below),
                f64::midpoint(above, high),
            ]);
            tried
                .into_iter()
                .find(|n| n.is_finite() && fits(*n))
                .unwrap_or(0.0)
        });
        if number.fract() == 0.0 && number.abs() < 9.0e15 && (whole || number == 0.0) {
            return (number as i64).into();
        }
        Number::from_f64(number).map_or(Value::Null, Value::Number)
    }
}

/// A node that none of `seen` equals: itself, or a string or number made different.
fn unlike(node: Node, seen: &[String], schema: &Value) -> Option<Node> {
    if !seen.contains(&node.to_text()) {
        return Some(node);
    }
    let n = seen.len() as i64;
    let changed = match &node {
        Node::Leaf(Value::String(_)) => {
            let values = schema.get("enum").and_then(Value::as_array);
            match values {
                Some(values) => values
                    .iter()
                    .find(|v| !seen.contains(&v.to_string()))
                    .cloned()
                    .map(Node::Leaf),
                None => Some(Node::Leaf(json!(format!("{n}")))),
            }
        }
        Node::Leaf(Value::Number(_)) => {
            let low = schema
                .get("minimum")
                .and_then(number_of)
                .unwrap_or(0.0)
                .ceil() as i64;
            Some(Node::Leaf((low + n).into()))
        }
        _ => None,
    };
    changed.filter(|node| !seen.contains(&node.to_text()))
}

/// The type in lower case; of several, the first that is not null; guessed when missing.
fn type_of(schema: &Value) -> String {
    let named = match schema.get("type") {
        Some(Value::String(name)) => Some(name.as_str()),
        Some(Value::Array(names)) => {
            let names = || names.iter().filter_map(Value::as_str);
            names()
                .find(|name| !name.eq_ignore_ascii_case("null"))
                .or_else(|| names().next())
        }
        _ => None,
    };
    match named {
        Some(name) if !name.eq_ignore_ascii_case("TYPE_UNSPECIFIED") => name.to_ascii_lowercase(),
        _ if schema.get("properties").is_some() => "object".to_owned(),
        _ if schema.get("items").is_some() => "array".to_owned(),
        _ => "string".to_owned(),
    }
}

/// Follows `#/$defs/Name` and the like.
fn resolve<'a>(root: &'a Value, path: &str) -> Option<&'a Value> {
    let pointer = path.strip_prefix('#')?;
    root.pointer(pointer)
        .or_else(|| root.pointer(&pointer.replacen("/$defs/", "/defs/", 1)))
}

/// A count, which the service's dialect may write as a string.
fn count(value: Option<&Value>) -> Option<usize> {
    number_of(value?).filter(|n| *n >= 0.0).map(|n| n as usize)
}

fn number_of(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.parse().ok())
}

#[cfg(test)]
#[path = "schema_tests.rs"]
mod tests;
