//! What a model is tuned with: examples, given in the request or in an object of JSON lines. Reads
//! and counts them; a line that cannot be used spoils the whole set, as with the service.

use serde_json::{Map, Value, json};

use crate::{
    engine::tokenizer,
    gemini::{errors::ApiError, keys, service::Call},
};

/// One example.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Example {
    /// The last thing that is asked.
    pub(crate) input: String,
    /// What is to be answered; some methods have none.
    pub(crate) output: Option<String>,
    /// The tokens of all that is asked and of all that is answered.
    pub(crate) input_tokens: u64,
    pub(crate) output_tokens: u64,
    pub(crate) turns: u64,
    pub(crate) characters: u64,
    /// The contents as they are shown again.
    pub(crate) contents: Value,
}

/// A set of examples; never empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Dataset {
    pub(crate) examples: Vec<Example>,
}

impl Dataset {
    /// The pairs of `textInput` and `output` of a request, found at `at`.
    pub(crate) fn of_pairs(items: &[Value], at: &str) -> Result<Self, ApiError> {
        let mut examples = Vec::with_capacity(items.len());
        for (n, item) in items.iter().enumerate() {
            let text = |key: &str| item.get(key).and_then(Value::as_str).unwrap_or_default();
            for (field, key) in [("text_input", "textInput"), ("output", "output")] {
                if text(key).is_empty() {
                    return Err(ApiError::invalid_argument(format!(
                        "* CreateTunedModelRequest.{at}[{n}].{field}: {field} is not specified\n"
                    )));
                }
            }
            let turn =
                |role: &str, key: &str| json!({ "role": role, "parts": [{ "text": text(key) }] });
            examples.push(Example::of_turns(&[
                turn("user", "textInput"),
                turn("model", "output"),
            ]));
        }
        if examples.is_empty() {
            return Err(ApiError::invalid_argument(format!(
                "* CreateTunedModelRequest.{at}: at least one example is required\n"
            )));
        }
        Ok(Self { examples })
    }

    /// The set at an address, if there is one and all its lines can be used.
    pub(crate) fn at(uri: &str, call: &Call<'_>) -> Result<Self, ApiError> {
        if let Some(rows) = call.storage().rows(uri) {
            let rows = rows.iter().enumerate();
            return Self::of_lines(rows.map(|(n, row)| (n, Ok(row.clone()))), uri);
        }
        let Some(bytes) = call.content_of(uri) else {
            return Err(ApiError::not_found(format!(
                "The dataset {uri} does not exist. (The emulator has only what was put into its \
                 storage.)"
            )));
        };
        let text = String::from_utf8_lossy(&bytes);
        let lines = text.lines().enumerate();
        let lines = lines.filter(|(_, line)| !line.trim().is_empty());
        Self::of_lines(lines.map(|(n, line)| (n, serde_json::from_str(line))), uri)
    }

    fn of_lines(
        lines: impl Iterator<Item = (usize, serde_json::Result<Value>)>,
        uri: &str,
    ) -> Result<Self, ApiError> {
        let mut examples = Vec::new();
        for (n, line) in lines {
            let wrong = |problem: &str| {
                ApiError::invalid_argument(format!(
                    "Dataset {uri} has an example that cannot be used in line {}: {problem}",
                    n + 1
                ))
            };
            let line = line.map_err(|error| wrong(&format!("it is not JSON ({error}).")))?;
            let line = keys::normalise(&line.into());
            let fields = line
                .as_object()
                .ok_or_else(|| wrong("it is not an object."))?;
            examples.push(Example::read(fields).map_err(wrong)?);
        }
        if examples.is_empty() {
            return Err(ApiError::invalid_argument(format!(
                "Dataset {uri} is empty: at least one example is required."
            )));
        }
        Ok(Self { examples })
    }

    /// Adds what another model had learned before.
    pub(crate) fn after(mut self, earlier: &Self) -> Self {
        self.examples.extend(earlier.examples.iter().cloned());
        self
    }

    pub(crate) fn tokens(&self) -> u64 {
        let each = self.examples.iter();
        each.map(|example| example.input_tokens + example.output_tokens)
            .sum()
    }
}

impl Example {
    /// Reads a line in any of the forms tuning takes.
    fn read(fields: &Map<String, Value>) -> Result<Self, &'static str> {
        let turns = fields.get("contents").and_then(Value::as_array);
        let Some(turns) = turns else {
            let text = |key: &str| fields.get(key).and_then(Value::as_str);
            return match (text("inputText"), text("outputText")) {
                (Some(input), Some(output)) => Ok(Self::of_turns(&[
                    json!({ "role": "user", "parts": [{ "text": input }] }),
                    json!({ "role": "model", "parts": [{ "text": output }] }),
                ])),
                _ => Err("it has no `contents`."),
            };
        };
        if turns.is_empty() || turns.iter().any(|turn| text_of(turn).is_none()) {
            return Err("every content must have parts.");
        }
        if turns.last().is_some_and(|turn| turn["role"] == "model") && turns.len() == 1 {
            return Err("it has no turn of the user.");
        }
        let Some(completions) = fields.get("completions").and_then(Value::as_array) else {
            return Ok(Self::of_turns(turns));
        };
        // Of several answers the one people like best is what is learned.
        let score = |completion: &Value| completion["score"].as_f64().unwrap_or_default();
        let best = completions
            .iter()
            .reduce(|a, b| if score(b) > score(a) { b } else { a });
        let best = best.ok_or("it has no completion.")?;
        if completions.len() < 2 || text_of(&best["completion"]).is_none() {
            return Err("it must have two completions with parts.");
        }
        let mut turns = turns.clone();
        turns.push(best["completion"].clone());
        Ok(Self::of_turns(&turns))
    }

    fn of_turns(turns: &[Value]) -> Self {
        let mut out = Self {
            input: String::new(),
            output: None,
            input_tokens: 0,
            output_tokens: 0,
            turns: turns.len() as u64,
            characters: 0,
            contents: turns.into(),
        };
        for turn in turns {
            let text = text_of(turn).unwrap_or_default();
            let tokens = tokenizer::count(&text) as u64;
            out.characters += text.chars().count() as u64;
            if turn["role"] == "model" {
                out.output_tokens += tokens;
                out.output = Some(text);
            } else {
                out.input_tokens += tokens;
                out.input = text;
            }
        }
        out
    }
}

/// The texts of a content, unless it has no parts.
fn text_of(turn: &Value) -> Option<String> {
    let parts = turn["parts"].as_array().filter(|parts| !parts.is_empty())?;
    let texts = parts.iter().filter_map(|part| part["text"].as_str());
    Some(texts.collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: Value) -> Result<Example, &'static str> {
        let fields = line.as_object().cloned().expect("an object");
        Example::read(&fields)
    }

    fn turn(role: &str, text: &str) -> Value {
        json!({ "role": role, "parts": [{ "text": text }] })
    }

    #[test]
    fn the_forms_of_the_methods() {
        let supervised = json!({"contents": [turn("user", "one two"), turn("model", "three")]});
        let example = read(supervised).expect("supervised");
        assert_eq!(example.input, "one two");
        assert_eq!(example.output.as_deref(), Some("three"));
        assert_eq!(
            (example.input_tokens, example.output_tokens, example.turns),
            (2, 1, 2)
        );

        let preference = json!({
            "contents": [turn("user", "q")],
            "completions": [
                {"score": 0.1, "completion": turn("model", "bad")},
                {"score": 0.9, "completion": turn("model", "good")},
            ],
        });
        assert_eq!(
            read(preference).expect("preference").output.as_deref(),
            Some("good")
        );

        let prompt = read(json!({"contents": [turn("user", "q")]})).expect("a prompt");
        assert_eq!(prompt.output, None);
        let old = read(json!({"inputText": "a", "outputText": "b"})).expect("the older form");
        assert_eq!(
            (old.input.as_str(), old.output.as_deref()),
            ("a", Some("b"))
        );
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        for (line, problem) in [
            (json!({}), "contents"),
            (json!({"contents": []}), "parts"),
            (json!({"contents": [{"role": "user"}]}), "parts"),
            (json!({"contents": [turn("model", "a")]}), "user"),
            (
                json!({"contents": [turn("user", "a")], "completions": []}),
                "completion",
            ),
        ] {
            let message = read(line).expect_err("refused");
            assert!(message.contains(problem), "{message}");
        }
        let pairs = [
            json!({"textInput": "a", "output": "b"}),
            json!({"textInput": "a"}),
        ];
        let error = Dataset::of_pairs(&pairs, "examples").expect_err("refused");
        assert!(error.message().contains("examples[1].output"), "{error:?}");
        assert!(Dataset::of_pairs(&[], "examples").is_err());
        assert_eq!(
            Dataset::of_pairs(&pairs[..1], "e").map(|set| set.tokens()),
            Ok(2)
        );
    }
}
