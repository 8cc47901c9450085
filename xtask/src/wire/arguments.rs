//! The arguments of a call: typed values out of JSON, with errors that name the path.

use std::fmt::Write as _;

use gimmal_types::gemini::{Content, FunctionDeclaration, Part, Schema, Tool};
use gimmal_types::wire::{FieldVisitor, WireValue};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::wire::failure::Failure;

/// A typed value; the path of what is wrong starts with `place`.
pub(crate) fn decode<T: DeserializeOwned>(place: &str, value: Value) -> Result<T, Failure> {
    serde_path_to_error::deserialize(value).map_err(|error| {
        let inner = error.path().to_string();
        let path = match (place, inner.as_str()) {
            (place, "." | "") => place.to_owned(),
            ("", inner) => inner.to_owned(),
            (place, inner) => format!("{place}.{inner}"),
        };
        Failure::refused(path, error.into_inner().to_string())
    })
}

/// As [`decode`], and refuses members that the type has no field for.
pub(crate) fn decode_strictly<T: DeserializeOwned + WireValue>(
    place: &str,
    value: Value,
) -> Result<T, Failure> {
    let typed: T = decode(place, value)?;
    let mut search = Search {
        path: place.to_owned(),
        lengths: Vec::new(),
        found: None,
    };
    typed.walk(&mut search);
    match search.found {
        None => Ok(typed),
        Some((path, owner)) => Err(Failure::refused(path, format!("is no field of {owner}"))),
    }
}

/// Looks for the first member that no field took.
struct Search {
    path: String,
    lengths: Vec<usize>,
    found: Option<(String, &'static str)>,
}

impl FieldVisitor for Search {
    fn enter(&mut self, _owner: &'static str, field: &'static str) {
        self.lengths.push(self.path.len());
        let dot = if self.path.is_empty() { "" } else { "." };
        let _ = write!(self.path, "{dot}{field}");
    }

    fn leave(&mut self) {
        self.path.truncate(self.lengths.pop().unwrap_or_default());
    }

    fn unknown(&mut self, owner: &'static str, key: &str) {
        if self.found.is_none() {
            let dot = if self.path.is_empty() { "" } else { "." };
            self.found = Some((format!("{}{dot}{key}", self.path), owner));
        }
    }
}

/// The arguments of a call, taken out one by one; what is left over was misspelt.
#[derive(Default)]
pub(crate) struct Arguments(Map<String, Value>);

impl Arguments {
    pub(crate) fn new(arguments: Map<String, Value>) -> Self {
        Self(arguments)
    }

    /// The argument of this name, in either spelling.
    pub(crate) fn take(&mut self, name: &str) -> Option<Value> {
        let value = self.0.remove(name).or_else(|| self.0.remove(&camel(name)));
        value.filter(|value| !value.is_null())
    }

    /// A text that must be there.
    pub(crate) fn text(&mut self, name: &str) -> Result<String, Failure> {
        match self.take(name) {
            Some(Value::String(text)) => Ok(text),
            Some(_) => Err(Failure::refused(name, "must be a text")),
            None => Err(Failure::refused(name, "is missing")),
        }
    }

    /// A typed value that must be there.
    pub(crate) fn required<T: DeserializeOwned + WireValue>(
        &mut self,
        name: &str,
    ) -> Result<T, Failure> {
        match self.take(name) {
            Some(value) => decode_strictly(&camel(name), value),
            None => Err(Failure::refused(name, "is missing")),
        }
    }

    /// Takes out an argument that has but one value.
    pub(crate) fn take_constant(&mut self, name: &str, constant: &Value) -> Result<(), Failure> {
        match self.take(name) {
            Some(value) if &value != constant => {
                Err(Failure::refused(name, format!("must be {constant}")))
            }
            _ => Ok(()),
        }
    }

    /// Puts an argument back.
    pub(crate) fn put(&mut self, name: &str, value: Value) {
        self.0.insert(name.to_owned(), value);
    }

    /// An object that may be missing.
    pub(crate) fn object(&mut self, name: &str) -> Result<Self, Failure> {
        match self.take(name) {
            Some(Value::Object(object)) => Ok(Self(object)),
            Some(_) => Err(Failure::refused(name, "must be an object")),
            None => Ok(Self(Map::new())),
        }
    }

    /// A whole number that may be missing.
    pub(crate) fn integer(&mut self, name: &str) -> Result<Option<i32>, Failure> {
        let value = self.take(name);
        value.map(|value| decode(name, value)).transpose()
    }

    /// Replaces an argument by what `form` makes of it.
    pub(crate) fn replace(
        &mut self,
        name: &str,
        form: impl FnOnce(&str, Value) -> Result<Value, Failure>,
    ) -> Result<(), Failure> {
        if let Some(value) = self.take(name) {
            let name = camel(name);
            let value = form(&format!("config.{name}"), value)?;
            self.0.insert(name, value);
        }
        Ok(())
    }

    /// True when nothing is left.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Everything that is left, as a typed value.
    pub(crate) fn rest<T: DeserializeOwned + WireValue>(self, place: &str) -> Result<T, Failure> {
        decode_strictly(place, Value::Object(self.0))
    }

    /// Everything that is left, as JSON.
    pub(crate) fn into_value(self) -> Value {
        Value::Object(self.0)
    }

    /// Nothing may be left.
    pub(crate) fn finish(self, place: &str) -> Result<(), Failure> {
        match self.0.into_iter().find(|(_, value)| !value.is_null()) {
            None => Ok(()),
            Some((name, _)) => {
                let dot = if place.is_empty() { "" } else { "." };
                let path = format!("{place}{dot}{name}");
                Err(Failure::refused(path, "is no argument of this call"))
            }
        }
    }
}

/// `snake_case` as `camelCase`.
pub(crate) fn camel(name: &str) -> String {
    let mut words = name.split('_');
    let mut out = words.next().unwrap_or_default().to_owned();
    for word in words {
        let mut letters = word.chars();
        out.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        out.push_str(letters.as_str());
    }
    out
}

/// A conversation from what the reference takes: a text, a part, a content, or a list of these,
/// in which neighbouring parts form one turn of the user's.
pub(crate) fn contents(place: &str, value: Value) -> Result<Vec<Content>, Failure> {
    let items = match value {
        Value::Array(items) => items,
        item => vec![item],
    };
    if items.is_empty() {
        return Err(Failure::refused(place, "must not be empty"));
    }
    let mut turns = Vec::new();
    let mut parts: Vec<Part> = Vec::new();
    for (index, item) in items.into_iter().enumerate() {
        let place = format!("{place}[{index}]");
        match turn(&place, item)? {
            Turn::Part(part) => {
                if parts
                    .last()
                    .is_some_and(|last| is_call(last) != is_call(&part))
                {
                    close(&mut turns, &mut parts);
                }
                parts.push(*part);
            }
            Turn::Content(content) => {
                close(&mut turns, &mut parts);
                turns.push(content);
            }
        }
    }
    close(&mut turns, &mut parts);
    Ok(turns)
}

/// Calls are what a model says; everything else is the user's.
fn is_call(part: &Part) -> bool {
    part.function_call.is_some()
}

/// Makes one turn of the parts that stood beside each other.
fn close(turns: &mut Vec<Content>, parts: &mut Vec<Part>) {
    if parts.is_empty() {
        return;
    }
    let parts = std::mem::take(parts);
    let role = if parts.iter().all(is_call) {
        "model"
    } else {
        "user"
    };
    turns.push(Content::new().set_role(role).set_parts(parts));
}

/// One turn from a text, a part, a content, or a list of texts and parts.
pub(crate) fn content(place: &str, value: Value) -> Result<Content, Failure> {
    let mut turns = Vec::new();
    match turn(place, value)? {
        Turn::Content(content) => return Ok(content),
        Turn::Part(part) => close(&mut turns, &mut vec![*part]),
    }
    Ok(turns.remove(0))
}

/// A part from a text, a file or a part.
pub(crate) fn part(place: &str, value: Value) -> Result<Part, Failure> {
    match turn(place, value)? {
        Turn::Part(part) => Ok(*part),
        Turn::Content(content) if content == Content::default() => Ok(Part::default()),
        Turn::Content(_) => Err(Failure::refused(place, "must be a text, a file or a part")),
    }
}

/// As [`content`], in its JSON form.
pub(crate) fn content_json(place: &str, value: Value) -> Result<Value, Failure> {
    let content = content(place, value)?;
    serde_json::to_value(content).map_err(|error| Failure::refused(place, error.to_string()))
}

/// A voice by its name, or the whole configuration.
pub(crate) fn speech_json(_place: &str, value: Value) -> Result<Value, Failure> {
    Ok(match value {
        Value::String(voice) => {
            json!({"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": voice}}})
        }
        config => config,
    })
}

/// A schema in the service's subset, from that or from JSON Schema.
pub(crate) fn schema(place: &str, value: Value) -> Result<Schema, Failure> {
    let mut schema = if is_json_schema(&value) {
        Schema::from_json_schema(&value).map_err(|error| {
            Failure::refused(format!("{place}.{}", error.path()), error.message())
        })?
    } else {
        decode_strictly::<Schema>(place, value)?
    };
    schema.order_properties();
    Ok(schema)
}

/// As [`schema`], in its JSON form.
pub(crate) fn schema_json(place: &str, value: Value) -> Result<Value, Failure> {
    if value.get("$py").is_some() {
        return Err(Failure::unimplemented("the schema of a Python type"));
    }
    json_of(place, &schema(place, value)?)
}

/// True when something in the schema is said as only JSON Schema says it.
fn is_json_schema(schema: &Value) -> bool {
    match schema {
        Value::Object(members) => members.iter().any(|(key, value)| match key.as_str() {
            "$ref" | "$defs" | "const" | "prefixItems" | "prefix_items" | "oneOf" | "allOf" => true,
            "type" => match value {
                Value::String(name) => name.contains(char::is_lowercase),
                other => other.is_array(),
            },
            "properties" => value
                .as_object()
                .is_some_and(|properties| properties.values().any(is_json_schema)),
            _ => is_json_schema(value),
        }),
        Value::Array(items) => items.iter().any(is_json_schema),
        _ => false,
    }
}

/// Tools, with those of an MCP server as functions.
pub(crate) fn tools_json(place: &str, tools: Value) -> Result<Value, Failure> {
    Ok(match tools {
        Value::Array(tools) => tools
            .into_iter()
            .map(|tool| tool_json(place, tool))
            .collect::<Result<Vec<_>, _>>()?
            .into(),
        tool => tool_json(place, tool)?,
    })
}

fn tool_json(place: &str, tool: Value) -> Result<Value, Failure> {
    if tool.get("$py").is_some() {
        return Err(Failure::unimplemented("a tool that is a Python object"));
    }
    let shape = tool.get("inputSchema").or(tool.get("input_schema"));
    let (Some(shape), Some(name)) = (shape, tool.get("name").and_then(Value::as_str)) else {
        return Ok(tool);
    };
    let description = tool.get("description").and_then(Value::as_str);
    let function = FunctionDeclaration::from_mcp_tool(name, description.unwrap_or_default(), shape)
        .map_err(|error| Failure::refused(format!("{place}.{}", error.path()), error.message()))?;
    json_of(place, &Tool::new().set_function_declarations([function]))
}

fn json_of<T: Serialize>(place: &str, value: &T) -> Result<Value, Failure> {
    serde_json::to_value(value).map_err(|error| Failure::refused(place, error.to_string()))
}

/// Pictures: the reference names two output options one level higher than the service.
pub(crate) fn image_json(_place: &str, mut image: Value) -> Result<Value, Failure> {
    let Value::Object(members) = &mut image else {
        return Ok(image);
    };
    for (name, to) in [
        ("output_mime_type", "mimeType"),
        ("output_compression_quality", "compressionQuality"),
    ] {
        let value = members
            .remove(name)
            .or_else(|| members.remove(&camel(name)));
        if let Some(value) = value {
            let options = members.entry("imageOutputOptions").or_insert(json!({}));
            options[to] = value;
        }
    }
    Ok(image)
}

enum Turn {
    Part(Box<Part>),
    Content(Content),
}

fn turn(place: &str, value: Value) -> Result<Turn, Failure> {
    match value {
        Value::String(text) => Ok(Turn::Part(Box::new(Part::text(text)))),
        Value::Array(items) => {
            let mut parts = Vec::new();
            for (index, item) in items.into_iter().enumerate() {
                match turn(&format!("{place}[{index}]"), item)? {
                    Turn::Part(part) => parts.push(*part),
                    Turn::Content(_) => {
                        return Err(Failure::refused(place, "must hold texts and parts only"));
                    }
                }
            }
            let mut turns = Vec::new();
            close(&mut turns, &mut parts);
            let turn = turns.pop();
            turn.map(Turn::Content)
                .ok_or_else(|| Failure::refused(place, "must not be empty"))
        }
        Value::Object(object)
            if object.is_empty() || object.contains_key("parts") || object.contains_key("role") =>
        {
            Ok(Turn::Content(decode_strictly(
                place,
                Value::Object(object),
            )?))
        }
        Value::Object(object) if is_file(&object) => {
            let uri = ["uri", "fileUri", "file_uri"];
            let uri = uri.iter().find_map(|key| object.get(*key));
            let kind = object.get("mimeType").or(object.get("mime_type"));
            match (uri, kind) {
                (Some(Value::String(uri)), Some(Value::String(kind))) => {
                    Ok(Turn::Part(Box::new(Part::file_data(uri, kind))))
                }
                _ => Err(Failure::refused(
                    place,
                    "needs uri and mimeType to name a file",
                )),
            }
        }
        value @ Value::Object(_) => Ok(Turn::Part(Box::new(decode_strictly(place, value)?))),
        _ => Err(Failure::refused(
            place,
            "must be a text, a part, a content, or a list of these",
        )),
    }
}

/// True for a file's record, which no part looks like.
fn is_file(object: &Map<String, Value>) -> bool {
    [
        "uri",
        "fileUri",
        "file_uri",
        "name",
        "mimeType",
        "mime_type",
    ]
    .iter()
    .any(|key| object.contains_key(*key))
        && !object.contains_key("text")
}
