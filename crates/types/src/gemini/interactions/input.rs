//! What is said to a model or an agent: words, content, or whole steps.

use serde_json::Value;

use super::{Content, FunctionResultStep, Step, TextContent, UserInputStep};
use crate::wire::{FieldVisitor, WireValue};

/// What is said to a model or an agent.
///
/// ```
/// use gimmal_types::gemini::interactions::{Content, ImageContent, InteractionsInput};
///
/// let words = InteractionsInput::from("What is a gimmal?");
/// let picture = ImageContent::new().set_uri("gs://bucket/ring.png");
/// let both = InteractionsInput::from(vec![Content::from("What is this?"), picture.into()]);
/// # let _ = (words, both);
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum InteractionsInput {
    /// Words.
    Text(String),
    /// One piece of content.
    Content(Box<Content>),
    /// Several pieces of content, which the person says at once.
    Contents(Vec<Content>),
    /// Whole steps, such as a conversation kept here or the results of functions.
    Steps(Vec<Step>),
    /// A shape that this version does not know, kept as it came.
    Unknown(Value),
}

impl InteractionsInput {
    /// The same as steps, which is the one form that the service and the official SDKs share;
    /// words and single pieces stay as they are.
    pub fn into_steps(self) -> Self {
        match self {
            Self::Contents(contents) => {
                Self::Steps(vec![UserInputStep::new().set_content(contents).into()])
            }
            other => other,
        }
    }
}

impl From<&str> for InteractionsInput {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for InteractionsInput {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Content> for InteractionsInput {
    fn from(content: Content) -> Self {
        Self::Content(Box::new(content))
    }
}

impl From<Vec<Content>> for InteractionsInput {
    fn from(contents: Vec<Content>) -> Self {
        Self::Contents(contents)
    }
}

impl From<Vec<Step>> for InteractionsInput {
    fn from(steps: Vec<Step>) -> Self {
        Self::Steps(steps)
    }
}

impl From<Vec<FunctionResultStep>> for InteractionsInput {
    fn from(results: Vec<FunctionResultStep>) -> Self {
        Self::Steps(results.into_iter().map(Step::from).collect())
    }
}

impl From<&str> for Content {
    fn from(text: &str) -> Self {
        TextContent::new().set_text(text).into()
    }
}

impl From<String> for Content {
    fn from(text: String) -> Self {
        TextContent::new().set_text(text).into()
    }
}

impl WireValue for InteractionsInput {
    fn decode<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value: Value = serde::Deserialize::deserialize(deserializer)?;
        let decoded = match value {
            Value::String(text) => return Ok(Self::Text(text)),
            Value::Object(_) => Content::decode(value).map(Self::from),
            // Words, pictures and the like are no steps; in a mixed list everything is a step.
            Value::Array(items) if !items.is_empty() && items.iter().all(is_content) => {
                Vec::decode(Value::Array(items)).map(Self::Contents)
            }
            Value::Array(_) => Vec::decode(value).map(Self::Steps),
            other => return Ok(Self::Unknown(other)),
        };
        decoded.map_err(serde::de::Error::custom)
    }

    fn encode<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => serializer.serialize_str(text),
            Self::Content(content) => content.encode(serializer),
            Self::Contents(contents) => contents.encode(serializer),
            Self::Steps(steps) => steps.encode(serializer),
            Self::Unknown(value) => serde::Serialize::serialize(value, serializer),
        }
    }

    fn walk(&self, visitor: &mut dyn FieldVisitor) {
        match self {
            Self::Text(_) => {}
            Self::Content(content) => content.walk(visitor),
            Self::Contents(contents) => contents.walk(visitor),
            Self::Steps(steps) => steps.walk(visitor),
            Self::Unknown(_) => visitor.unknown("InteractionsInput", ""),
        }
    }
}

union_serde!(InteractionsInput);

fn is_content(item: &Value) -> bool {
    let kind = item.get(Content::TAG).and_then(Value::as_str);
    kind.is_some_and(|kind| Content::KINDS.contains(&kind))
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json, to_value};

    use super::*;

    #[test]
    fn every_form_is_read_and_written() {
        for (json, form) in [
            (json!("hello"), "text"),
            (json!({"type": "text", "text": "a"}), "content"),
            (
                json!([{"type": "text", "text": "a"}, {"type": "image", "uri": "u"}]),
                "contents",
            ),
            (
                json!([{"type": "user_input", "content": [{"type": "text", "text": "a"}]}]),
                "steps",
            ),
            (json!([{"type": "some_day", "a": 1}]), "steps"),
            (json!([]), "steps"),
            (json!(7), "unknown"),
        ] {
            let input: InteractionsInput = from_value(json.clone()).unwrap();
            let found = match &input {
                InteractionsInput::Text(_) => "text",
                InteractionsInput::Content(_) => "content",
                InteractionsInput::Contents(_) => "contents",
                InteractionsInput::Steps(_) => "steps",
                InteractionsInput::Unknown(_) => "unknown",
            };
            assert_eq!(found, form, "{json}");
            assert_eq!(to_value(input).unwrap(), json);
        }
    }

    #[test]
    fn several_pieces_are_one_step_of_the_person() {
        let input = InteractionsInput::from(vec![Content::from("a"), Content::from("b")]);
        assert_eq!(
            to_value(input.into_steps()).unwrap(),
            json!([{"type": "user_input", "content": [
                {"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}])
        );
        let words = InteractionsInput::from("a");
        assert_eq!(words.clone().into_steps(), words);
    }
}
