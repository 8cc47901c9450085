//! From JSON Schema to the service's subset: references inlined, nulls as `nullable`, constants
//! as enumerations, alternatives as `anyOf`, and the order of members written down.

use serde_json::{Map, Value};

use super::{Schema, SchemaError, Type};

impl Schema {
    /// The form of a JSON Schema (2020-12, or the keywords of OpenAPI) in the service's subset.
    ///
    /// References are replaced by what they name; one that leads back to itself becomes an empty
    /// schema, since the subset has no recursion. Null among the types or alternatives becomes
    /// `nullable`, a constant text an enumeration of one, `oneOf` becomes `anyOf`, and members
    /// keep the order in which they are declared. Keywords without a counterpart are left out;
    /// [`from_json_schema_strictly`](Self::from_json_schema_strictly) refuses them.
    ///
    /// ```
    /// use gimmal_types::gemini::{Schema, Type};
    /// use serde_json::json;
    ///
    /// let schema = Schema::from_json_schema(&json!({
    ///     "type": "object",
    ///     "properties": {
    ///         "why": {"type": "string"},
    ///         "answer": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
    ///     },
    ///     "required": ["why"],
    /// }))?;
    /// assert_eq!(schema.property_ordering, ["why", "answer"]);
    /// assert_eq!(schema.properties["answer"].value_type, Some(Type::Integer));
    /// assert_eq!(schema.properties["answer"].nullable, Some(true));
    /// # Ok::<(), gimmal_types::gemini::SchemaError>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Fails on what cannot be said without changing its meaning: a constant that is no text, a
    /// reference to nothing, a keyword whose value has the wrong type.
    pub fn from_json_schema(schema: &Value) -> Result<Self, SchemaError> {
        Conversion::new(schema, false).run()
    }

    /// As [`from_json_schema`](Self::from_json_schema), and refuses what it would leave out.
    ///
    /// # Errors
    ///
    /// Names the first keyword that has no counterpart.
    pub fn from_json_schema_strictly(schema: &Value) -> Result<Self, SchemaError> {
        Conversion::new(schema, true).run()
    }

    /// The schema of a Rust type in the service's subset.
    ///
    /// # Errors
    ///
    /// As [`from_json_schema`](Self::from_json_schema).
    #[cfg(feature = "schemars")]
    pub fn of<T: schemars::JsonSchema>() -> Result<Self, SchemaError> {
        Self::from_json_schema(&super::json_schema_of::<T>())
    }
}

/// Keywords that carry no constraint.
const SILENT: [&str; 6] = ["$schema", "$id", "$comment", "$defs", "definitions", "defs"];

/// What a schema says about each of several types, when it names several.
const OF_NUMBERS: &[&str] = &["enum", "format", "maximum", "minimum"];
const OF_STRINGS: &[&str] = &["enum", "format", "maxLength", "minLength", "pattern"];
const OF_OBJECTS: &[&str] = &[
    "anyOf",
    "additionalProperties",
    "maxProperties",
    "minProperties",
    "properties",
    "propertyOrdering",
    "required",
];
const OF_LISTS: &[&str] = &["items", "maxItems", "minItems", "prefixItems"];

struct Conversion<'a> {
    root: &'a Value,
    strict: bool,
    /// Where we are.
    path: Vec<String>,
    /// References that are being followed.
    open: Vec<&'a str>,
}

impl<'a> Conversion<'a> {
    fn new(root: &'a Value, strict: bool) -> Self {
        Self {
            root,
            strict,
            path: Vec::new(),
            open: Vec::new(),
        }
    }

    fn run(mut self) -> Result<Schema, SchemaError> {
        let root = self.root;
        self.schema(root)
    }

    fn schema(&mut self, node: &'a Value) -> Result<Schema, SchemaError> {
        match node {
            Value::Object(members) => self.object(members),
            // `true` allows everything, as does a schema that says nothing.
            Value::Bool(true) => Ok(Schema::default()),
            _ => Err(self.error("must be an object")),
        }
    }

    fn object(&mut self, members: &'a Map<String, Value>) -> Result<Schema, SchemaError> {
        let mut schema = Schema::default();
        for (key, value) in members {
            self.path.push(key.clone());
            self.keyword(&mut schema, key, value)?;
            self.path.pop();
        }
        self.types(&mut schema, members)?;
        // Only now, so that what stands beside a reference or a lone alternative wins over it.
        for (key, value) in members {
            self.path.push(key.clone());
            self.combine(&mut schema, key, value)?;
            self.path.pop();
        }
        if schema.property_ordering.is_empty() && schema.properties.len() > 1 {
            schema.property_ordering = schema.properties.keys().cloned().collect();
        }
        Ok(schema)
    }

    /// Takes over a keyword that means the same on both sides.
    fn keyword(
        &mut self,
        schema: &mut Schema,
        key: &str,
        value: &'a Value,
    ) -> Result<(), SchemaError> {
        match camel(key).as_str() {
            // Handled by `types` and `combine`.
            "type" | "$ref" | "ref" | "anyOf" | "oneOf" | "allOf" => {}
            _ if value.is_null() => {}
            "format" => schema.format = Some(self.text(value)?),
            "title" => schema.title = Some(self.text(value)?),
            "description" => schema.description = Some(self.text(value)?),
            "pattern" => schema.pattern = Some(self.text(value)?),
            "nullable" => schema.nullable = value.as_bool().filter(|nullable| *nullable),
            "minItems" => schema.min_items = Some(self.integer(value)?),
            "maxItems" => schema.max_items = Some(self.integer(value)?),
            "minLength" => schema.min_length = Some(self.integer(value)?),
            "maxLength" => schema.max_length = Some(self.integer(value)?),
            "minProperties" => schema.min_properties = Some(self.integer(value)?),
            "maxProperties" => schema.max_properties = Some(self.integer(value)?),
            "minimum" => schema.minimum = Some(self.number(value)?),
            "maximum" => schema.maximum = Some(self.number(value)?),
            "default" => schema.default = Some(value.clone()),
            "example" => schema.example = Some(value.clone()),
            "required" => schema.required = self.texts(value)?,
            "propertyOrdering" => schema.property_ordering = self.texts(value)?,
            "enum" => self.enumeration(schema, value)?,
            "const" => self.constant(schema, value)?,
            "items" => schema.items = Some(Box::new(self.schema(value)?)),
            "prefixItems" => self.tuple(schema, value)?,
            "properties" => {
                for (name, value) in self.members(value)? {
                    self.path.push(name.clone());
                    let property = self.schema(value)?;
                    schema.properties.insert(name.clone(), property);
                    self.path.pop();
                }
            }
            "additionalProperties" => match value {
                // Other members are not to be expected unless they are described.
                Value::Bool(false) => {}
                Value::Object(_) => {
                    let shape = self.schema(value)?;
                    // The service takes any value here, so nothing reads upper-case types.
                    schema.additional_properties = Some(lower_types(self.json(&shape)?));
                }
                other => schema.additional_properties = Some(other.clone()),
            },
            key if SILENT.contains(&key) || key.starts_with("x-") => {}
            _ if self.strict => {
                return Err(self.error("has no counterpart in the service's schemas"));
            }
            _ => {}
        }
        Ok(())
    }

    /// One type, one type or null, or several types as alternatives.
    fn types(
        &mut self,
        schema: &mut Schema,
        members: &'a Map<String, Value>,
    ) -> Result<(), SchemaError> {
        let names = match members.get("type") {
            None | Some(Value::Null) => return Ok(()),
            Some(Value::String(name)) => vec![name.as_str()],
            Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
            Some(_) => {
                self.path.push("type".to_owned());
                return Err(self.error("must be a text or a list of texts"));
            }
        };
        let all = names.len();
        let types: Vec<Type> = names
            .into_iter()
            .map(|name| Type::from(name.to_ascii_uppercase()))
            .filter(|kind| *kind != Type::Null)
            .collect();
        if types.len() < all {
            schema.nullable = Some(true);
        }
        if let [only] = types.as_slice() {
            schema.value_type = Some(only.clone());
            return Ok(());
        }
        for kind in types {
            let branch = Branch::of(&kind, members);
            let mut branch = self.branch(branch)?;
            branch.value_type = Some(kind);
            schema.any_of.push(branch);
        }
        if !schema.any_of.is_empty() {
            // What the alternatives say need not be said again beside them.
            *schema = Schema {
                title: schema.title.take(),
                description: schema.description.take(),
                nullable: schema.nullable,
                any_of: std::mem::take(&mut schema.any_of),
                ..Schema::default()
            };
        }
        Ok(())
    }

    fn branch(&mut self, branch: Branch<'a>) -> Result<Schema, SchemaError> {
        let mut schema = Schema::default();
        for (key, value) in branch.0 {
            self.path.push(key.to_owned());
            self.keyword(&mut schema, key, value)?;
            self.path.pop();
        }
        if schema.property_ordering.is_empty() && schema.properties.len() > 1 {
            schema.property_ordering = schema.properties.keys().cloned().collect();
        }
        Ok(schema)
    }

    /// References and alternatives.
    fn combine(
        &mut self,
        schema: &mut Schema,
        key: &str,
        value: &'a Value,
    ) -> Result<(), SchemaError> {
        if value.is_null() {
            return Ok(());
        }
        match camel(key).as_str() {
            "$ref" | "ref" => {
                let target = self.follow(value)?;
                schema.fill_from(target);
            }
            "anyOf" | "oneOf" => {
                let mut branches = Vec::new();
                for (index, branch) in self.list(value)?.iter().enumerate() {
                    self.path.push(index.to_string());
                    let branch = self.schema(branch)?;
                    self.path.pop();
                    if branch.is_only_null() {
                        schema.nullable = Some(true);
                    } else {
                        branches.push(branch);
                    }
                }
                match <[Schema; 1]>::try_from(branches) {
                    Ok([only]) => schema.fill_from(only),
                    Err(branches) => schema.any_of.extend(branches),
                }
            }
            "allOf" => {
                for (index, part) in self.list(value)?.iter().enumerate() {
                    self.path.push(index.to_string());
                    let part = self.schema(part)?;
                    self.path.pop();
                    schema.fill_from(part);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// What a reference names; nothing when it leads back to itself.
    fn follow(&mut self, reference: &'a Value) -> Result<Schema, SchemaError> {
        let Some(name) = reference.as_str() else {
            return Err(self.error("must be a text"));
        };
        if self.open.contains(&name) {
            return Ok(Schema::default());
        }
        let pointer = name.strip_prefix('#');
        let Some(target) = pointer.and_then(|pointer| self.root.pointer(pointer)) else {
            return Err(self.error(format!("`{name}` names nothing in this schema")));
        };
        self.open.push(name);
        let schema = self.schema(target);
        self.open.pop();
        schema
    }

    /// Texts as they are, numbers in digits, null as `nullable`.
    fn enumeration(&mut self, schema: &mut Schema, values: &'a Value) -> Result<(), SchemaError> {
        for value in self.list(values)? {
            match value {
                Value::String(text) => schema.enumeration.push(text.clone()),
                Value::Number(number) => schema.enumeration.push(number.to_string()),
                Value::Null => schema.nullable = Some(true),
                _ => return Err(self.error("may hold texts and numbers only")),
            }
        }
        Ok(())
    }

    fn constant(&mut self, schema: &mut Schema, value: &Value) -> Result<(), SchemaError> {
        let Value::String(text) = value else {
            return Err(self.error("only a text can be a constant in the service's schemas"));
        };
        schema.enumeration = vec![text.clone()];
        // A constant implies its type; the service wants it said.
        schema.value_type.get_or_insert(Type::String);
        Ok(())
    }

    /// A list of fixed places becomes a list of any of their shapes.
    fn tuple(&mut self, schema: &mut Schema, places: &'a Value) -> Result<(), SchemaError> {
        let mut shapes: Vec<Schema> = Vec::new();
        let places = self.list(places)?;
        for (index, place) in places.iter().enumerate() {
            self.path.push(index.to_string());
            let shape = self.schema(place)?;
            self.path.pop();
            if !shapes.contains(&shape) {
                shapes.push(shape);
            }
        }
        let length = i64::try_from(places.len()).unwrap_or(i64::MAX);
        schema.min_items.get_or_insert(length);
        schema.max_items.get_or_insert(length);
        schema.items = Some(Box::new(match <[Schema; 1]>::try_from(shapes) {
            Ok([only]) => only,
            Err(shapes) => Schema::new().set_any_of(shapes),
        }));
        Ok(())
    }

    fn text(&self, value: &Value) -> Result<String, SchemaError> {
        let text = value.as_str().map(str::to_owned);
        text.ok_or_else(|| self.error("must be a text"))
    }

    fn integer(&self, value: &Value) -> Result<i64, SchemaError> {
        // The service writes 64-bit integers as texts.
        let text = value.as_str().and_then(|text| text.parse().ok());
        let number = value.as_i64().or(text);
        number.ok_or_else(|| self.error("must be a whole number"))
    }

    fn number(&self, value: &Value) -> Result<f64, SchemaError> {
        value.as_f64().ok_or_else(|| self.error("must be a number"))
    }

    fn texts(&self, value: &'a Value) -> Result<Vec<String>, SchemaError> {
        self.list(value)?
            .iter()
            .map(|item| self.text(item))
            .collect()
    }

    fn list(&self, value: &'a Value) -> Result<&'a Vec<Value>, SchemaError> {
        value.as_array().ok_or_else(|| self.error("must be a list"))
    }

    fn members(&self, value: &'a Value) -> Result<&'a Map<String, Value>, SchemaError> {
        let members = value.as_object();
        members.ok_or_else(|| self.error("must be an object"))
    }

    fn json(&self, schema: &Schema) -> Result<Value, SchemaError> {
        serde_json::to_value(schema).map_err(|error| self.error(error.to_string()))
    }

    fn error(&self, message: impl Into<String>) -> SchemaError {
        SchemaError::new(&self.path, message)
    }
}

/// The keywords that matter for one of several types.
struct Branch<'a>(Vec<(&'a str, &'a Value)>);

impl<'a> Branch<'a> {
    fn of(kind: &Type, members: &'a Map<String, Value>) -> Self {
        let relevant = match kind {
            Type::Number | Type::Integer => OF_NUMBERS,
            Type::String => OF_STRINGS,
            Type::Object => OF_OBJECTS,
            Type::Array => OF_LISTS,
            _ => &[],
        };
        let fits = |key: &str| relevant.contains(&camel(key).as_str());
        let members = members.iter().filter(|(key, _)| fits(key));
        Self(members.map(|(key, value)| (key.as_str(), value)).collect())
    }
}

impl Schema {
    /// Says nothing but that null is allowed.
    fn is_only_null(&self) -> bool {
        *self == Self::new().set_nullable(true)
    }

    /// Takes from `other` what is not said here.
    fn fill_from(&mut self, other: Self) {
        macro_rules! fill {
            ($($field:ident),* $(,)?) => { $( self.$field = self.$field.take().or(other.$field); )* };
        }
        fill!(
            value_type,
            format,
            title,
            description,
            nullable,
            items,
            min_items,
            max_items,
            min_properties,
            max_properties,
            minimum,
            maximum,
            min_length,
            max_length,
            pattern,
            default,
            example,
            additional_properties,
        );
        for (name, property) in other.properties {
            self.properties.entry(name).or_insert(property);
        }
        for name in other.required {
            if !self.required.contains(&name) {
                self.required.push(name);
            }
        }
        if self.enumeration.is_empty() {
            self.enumeration = other.enumeration;
        }
        self.any_of.extend(other.any_of);
        // The order of the parts, unless members of several parts came together.
        let ordering = &other.property_ordering;
        if self.property_ordering.is_empty() && ordering.len() == self.properties.len() {
            self.property_ordering = other.property_ordering;
        } else if !self.property_ordering.is_empty() {
            self.property_ordering = self.properties.keys().cloned().collect();
        }
    }
}

/// The same schema with its types in lower case.
fn lower_types(schema: Value) -> Value {
    match schema {
        Value::Object(members) => members
            .into_iter()
            .map(|(key, value)| match value {
                Value::String(kind) if key == "type" => (key, kind.to_ascii_lowercase().into()),
                value => (key, lower_types(value)),
            })
            .collect::<Map<_, _>>()
            .into(),
        Value::Array(items) => items.into_iter().map(lower_types).collect(),
        other => other,
    }
}

/// OpenAPI's keywords also come in snake_case.
fn camel(key: &str) -> String {
    let mut words = key.split('_');
    let mut out = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        out.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        out.push_str(letters.as_str());
    }
    out
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn converted(schema: Value) -> Value {
        serde_json::to_value(Schema::from_json_schema(&schema).unwrap()).unwrap()
    }

    #[test]
    fn references_are_inlined_and_cycles_end_in_an_empty_schema() {
        let schema = converted(json!({
            "$defs": {"Node": {"type": "object", "properties": {
                "name": {"type": "string"}, "next": {"$ref": "#/$defs/Node"}}}},
            "$ref": "#/$defs/Node", "description": "a list",
        }));
        assert_eq!(
            schema,
            json!({"type": "OBJECT", "description": "a list",
                   "properties": {"name": {"type": "STRING"}, "next": {}},
                   "propertyOrdering": ["name", "next"]})
        );
        // The same shape twice is no cycle.
        let twice = converted(json!({
            "$defs": {"Id": {"type": "integer"}},
            "properties": {"a": {"$ref": "#/$defs/Id"}, "b": {"$ref": "#/$defs/Id"}},
        }));
        assert_eq!(twice["properties"]["a"], twice["properties"]["b"]);
        assert_eq!(twice["properties"]["b"], json!({"type": "INTEGER"}));
    }

    #[test]
    fn null_becomes_nullable() {
        let string = json!({"type": "STRING", "nullable": true});
        assert_eq!(converted(json!({"type": ["string", "null"]})), string);
        let any = json!({"anyOf": [{"type": "null"}, {"type": "string"}]});
        assert_eq!(converted(any), string);
        assert_eq!(
            converted(json!({"type": "null"})),
            json!({"nullable": true})
        );
        assert_eq!(
            converted(
                json!({"anyOf": [{"type": "string"}, {"type": "null"}, {"type": "integer"}],
                             "title": "T"})
            ),
            json!({"title": "T", "nullable": true,
                   "anyOf": [{"type": "STRING"}, {"type": "INTEGER"}]})
        );
    }

    #[test]
    fn what_stands_beside_a_lone_alternative_wins() {
        assert_eq!(
            converted(
                json!({"anyOf": [{"type": "string", "title": "inner", "maxLength": 3},
                                       {"type": "null"}], "title": "outer"})
            ),
            json!({"type": "STRING", "title": "outer", "nullable": true, "maxLength": 3})
        );
    }

    #[test]
    fn several_types_are_alternatives_with_what_concerns_them() {
        assert_eq!(
            converted(
                json!({"type": ["string", "integer"], "maxLength": 9, "minimum": 1,
                             "description": "d", "default": 1})
            ),
            json!({"description": "d", "anyOf": [{"type": "STRING", "maxLength": 9},
                                                 {"type": "INTEGER", "minimum": 1.0}]})
        );
    }

    #[test]
    fn constants_and_enumerations() {
        assert_eq!(
            converted(json!({"const": "a"})),
            json!({"type": "STRING", "enum": ["a"]})
        );
        assert_eq!(
            converted(json!({"type": "integer", "enum": [1, 2]})),
            json!({"type": "INTEGER", "enum": ["1", "2"]})
        );
        let error = Schema::from_json_schema(&json!({"properties": {"v": {"const": 1}}}));
        assert_eq!(
            error.unwrap_err().to_string(),
            "properties.v.const: only a text can be a constant in the service's schemas"
        );
    }

    #[test]
    fn members_keep_their_order_unless_told() {
        let schema = json!({"type": "object", "properties": {"z": {}, "a": {}, "m": {}}});
        assert_eq!(
            converted(schema)["propertyOrdering"],
            json!(["z", "a", "m"])
        );
        let told = json!({"properties": {"z": {}, "a": {}}, "property_ordering": ["a", "z"]});
        assert_eq!(converted(told)["propertyOrdering"], json!(["a", "z"]));
        let one = converted(json!({"properties": {"z": {}}}));
        assert_eq!(one, json!({"properties": {"z": {}}}));
    }

    #[test]
    fn parts_of_all_of_come_together() {
        assert_eq!(
            converted(json!({"allOf": [
                {"type": "object", "properties": {"a": {}, "b": {}}, "required": ["a"]},
                {"properties": {"c": {}}, "required": ["c"]}]})),
            json!({"type": "OBJECT", "properties": {"a": {}, "b": {}, "c": {}},
                   "propertyOrdering": ["a", "b", "c"], "required": ["a", "c"]})
        );
    }

    #[test]
    fn a_tuple_is_a_list_of_its_shapes() {
        assert_eq!(
            converted(json!({"type": "array", "prefixItems": [{"type": "string"},
                             {"type": "integer"}, {"type": "string"}]})),
            json!({"type": "ARRAY", "minItems": 3, "maxItems": 3,
                   "items": {"anyOf": [{"type": "STRING"}, {"type": "INTEGER"}]}})
        );
    }

    #[test]
    fn what_has_no_counterpart_is_named_on_demand() {
        let schema = json!({"properties": {"a": {"type": "array", "uniqueItems": true}}});
        assert_eq!(
            converted(schema.clone()),
            json!({"properties": {"a": {"type": "ARRAY"}}})
        );
        let error = Schema::from_json_schema_strictly(&schema).unwrap_err();
        assert_eq!(error.path(), "properties.a.uniqueItems");
        for (schema, path) in [
            (json!({"$ref": "#/$defs/None"}), "$ref"),
            (json!({"items": 3}), "items"),
            (json!({"minLength": "many"}), "minLength"),
            (json!({"type": 3}), "type"),
        ] {
            assert_eq!(Schema::from_json_schema(&schema).unwrap_err().path(), path);
        }
    }
}
