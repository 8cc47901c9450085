//! The questions file: one JSON object per line, checked before anything is sent.

use std::collections::HashMap;
use std::fmt;
use std::io::BufRead;

use serde_json::{Map, Value};

use super::WorkItem;
use super::digest::PromptHash;

/// An item read from a line: the prompt, and the other members of the line as context.
pub type PromptItem = WorkItem<String, Map<String, Value>>;

/// A line that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct BadLine {
    /// The line, counted from 1.
    pub line: u64,
    /// What is wrong with it and how to mend it.
    pub reason: String,
}

impl fmt::Display for BadLine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "line {}: {}", self.line, self.reason)
    }
}

/// Reads items one by one. Blank lines are passed over; a line without an `id` is named after its
/// number.
#[derive(Debug)]
pub struct PromptReader<R> {
    reader: R,
    line: u64,
    ids: HashMap<String, Seen>,
    buffer: Vec<u8>,
}

/// What is remembered of a line that was read.
#[derive(Clone, Copy, Debug)]
struct Seen {
    line: u64,
    prompt: PromptHash,
}

impl<R: BufRead> PromptReader<R> {
    /// Reads from the beginning of a file.
    pub fn new(reader: R) -> Self {
        Self {
            reader,
            line: 0,
            ids: HashMap::new(),
            buffer: Vec::new(),
        }
    }

    /// The next item, or what is wrong with its line; `None` at the end.
    ///
    /// # Errors
    ///
    /// Fails when the file cannot be read.
    pub fn read(&mut self) -> std::io::Result<Option<Result<PromptItem, BadLine>>> {
        loop {
            self.buffer.clear();
            if self.reader.read_until(b'\n', &mut self.buffer)? == 0 {
                return Ok(None);
            }
            self.line += 1;
            let blank = self.buffer.iter().all(u8::is_ascii_whitespace);
            if !blank {
                let item = self.parse().map_err(|reason| BadLine {
                    line: self.line,
                    reason,
                });
                return Ok(Some(item));
            }
        }
    }

    fn parse(&mut self) -> Result<PromptItem, String> {
        let mut bytes = self.buffer.as_slice();
        if self.line == 1 {
            bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        }
        let text = std::str::from_utf8(bytes)
            .map_err(|error| format!("is not UTF-8 (byte {})", error.valid_up_to() + 1))?;
        let value: Value = serde_json::from_str(text).map_err(|error| not_json(text, &error))?;
        let Value::Object(mut members) = value else {
            return Err(format!("is not a JSON object such as {SAMPLE}"));
        };
        let prompt = match members.remove("prompt") {
            Some(Value::String(prompt)) if !prompt.trim().is_empty() => prompt,
            Some(Value::String(_)) => return Err("has an empty `prompt`".to_owned()),
            Some(_) => return Err("has a `prompt` that is not a string".to_owned()),
            None => return Err(no_prompt(&members)),
        };
        let id = match members.remove("id") {
            Some(Value::String(id)) if !id.trim().is_empty() => id,
            Some(Value::String(_)) => return Err("has an empty `id`".to_owned()),
            Some(Value::Number(number)) => number.to_string(),
            Some(_) => return Err("has an `id` that is neither a text nor a number".to_owned()),
            None => format!("line-{}", self.line),
        };
        if let Some(first) = self.ids.get(&id) {
            return Err(format!("repeats the id `{id}` of line {}", first.line));
        }
        let seen = Seen {
            line: self.line,
            prompt: PromptHash::of(&prompt),
        };
        self.ids.insert(id.clone(), seen);
        Ok(WorkItem::new(id, prompt).with_context(members))
    }

    /// The digest that the answer to an item of this run carries; `None` when no line with this
    /// id was read.
    pub fn digest_of(&self, id: &str, run: &str) -> Option<String> {
        self.ids.get(id).map(|seen| seen.prompt.digest(run))
    }
}

/// What a line looks like.
const SAMPLE: &str = r#"{"id": "1", "prompt": "…"}"#;

fn not_json(text: &str, error: &serde_json::Error) -> String {
    // The line of the error is always the first: only the column says something.
    let what = error.to_string();
    let what = what.split(" at line ").next().unwrap_or_default();
    let hint = if text.trim_start().starts_with('[') {
        "; a list must be one object per line"
    } else {
        ""
    };
    format!("is not JSON (column {}: {what}){hint}", error.column())
}

/// Names a member that may have been meant.
fn no_prompt(members: &Map<String, Value>) -> String {
    let meant = |key: &&String| {
        ["prompt", "question", "text", "input", "query"].contains(&key.to_lowercase().as_str())
    };
    match members.keys().find(meant) {
        Some(key) => format!("has no `prompt` (it has `{key}`)"),
        None => "has no `prompt`".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(file: &[u8]) -> Vec<Result<PromptItem, BadLine>> {
        let mut reader = PromptReader::new(file);
        std::iter::from_fn(|| reader.read().unwrap()).collect()
    }

    #[test]
    fn items_carry_their_context() {
        let items = read_all(
            b"\xef\xbb\xbf{\"id\": \"a\", \"prompt\": \"p\", \"expected\": \"e\"}\n\n{\"prompt\": \"q\"}",
        );
        let first = items[0].as_ref().unwrap();
        assert_eq!((first.id.as_str(), first.input.as_str()), ("a", "p"));
        assert_eq!(first.context["expected"], "e");
        assert_eq!(items[1].as_ref().unwrap().id, "line-3");
    }

    #[test]
    fn every_bad_line_says_what_is_wrong() {
        let file: &[u8] = b"{\"id\": 1, \"prompt\": \"p\"}\nnot json\n[1]\n{\"id\": \"x\"}\n\
            {\"prompt\": \" \"}\n{\"prompt\": 3}\n{\"id\": \"1\", \"prompt\": \"again\"}\n\
            {\"id\": [], \"prompt\": \"p\"}\n\xff\xfe{}\n";
        let bad: Vec<String> = read_all(file)
            .into_iter()
            .filter_map(Result::err)
            .map(|bad| bad.to_string())
            .collect();
        let expected = [
            "line 2: is not JSON (column 2: expected ident)",
            "line 3: is not a JSON object",
            "line 4: has no `prompt`",
            "line 5: has an empty `prompt`",
            "line 6: has a `prompt` that is not a string",
            "line 7: repeats the id `1` of line 1",
            "line 8: has an `id` that is neither",
            "line 9: is not UTF-8 (byte 1)",
        ];
        assert_eq!(bad.len(), expected.len(), "{bad:?}");
        for (have, want) in bad.iter().zip(expected) {
            assert!(have.starts_with(want), "{have}");
        }
    }
}
