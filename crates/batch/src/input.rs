//! The questions file: rows that become prompts, checked before anything is sent.

mod requests;
mod rows;
mod template;

use std::collections::HashMap;
use std::io::BufRead;
use std::path::PathBuf;

use serde_json::{Map, Value};

use self::rows::{Row, Rows};
use super::WorkItem;
use super::digest::PromptHash;

pub use template::{InvalidTemplate, Template};

/// An item read from a row: the prompt, and the other members of the row as context.
pub type PromptItem = WorkItem<String, Map<String, Value>>;

/// A row that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
#[non_exhaustive]
pub struct BadLine {
    /// The line, the row of a table, or the file of a folder, counted from 1.
    pub line: u64,
    /// What is wrong with it and how to mend it.
    pub reason: String,
}

/// Reads items one by one. Blank lines are passed over; a row without an `id` is named after its
/// number.
///
/// ```
/// use gimmal_batch::input::{PromptReader, Template};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let file = "id,text,language\na,Good day,French\n";
/// let template = "Translate into {language}: {text}".parse::<Template>()?;
/// let mut reader = PromptReader::csv(file.as_bytes()).with_template(template);
/// let item = reader.read()?.expect("one row")?;
/// assert_eq!((item.id.as_str(), item.input.as_str()), ("a", "Translate into French: Good day"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct PromptReader<R> {
    rows: Rows<R>,
    template: Option<Template>,
    ids: HashMap<String, Seen>,
}

/// What is remembered of a row that was read.
#[derive(Clone, Copy, Debug)]
struct Seen {
    line: u64,
    prompt: PromptHash,
}

impl<R: BufRead> PromptReader<R> {
    /// Reads JSON objects, one per line: with a `prompt`, or as the batch files of Gemini (`key` and
    /// `request`) and OpenAI (`custom_id` and `body`) have them, when they hold one text and no
    /// settings.
    pub fn new(reader: R) -> Self {
        Self::of(Rows::json(reader))
    }

    /// Reads a table with commas, whose first row names the columns.
    pub fn csv(reader: R) -> Self {
        Self::of(Rows::csv(reader))
    }

    /// Reads a prompt from each line.
    pub fn lines(reader: R) -> Self {
        Self::of(Rows::lines(reader))
    }

    /// Reads a prompt from each file; it is named after the file. A template may name `prompt` and
    /// `id`, as it may for lines.
    pub fn files(paths: Vec<PathBuf>) -> Self {
        Self::of(Rows::files(paths))
    }

    fn of(rows: Rows<R>) -> Self {
        Self {
            rows,
            template: None,
            ids: HashMap::new(),
        }
    }

    /// Makes prompts of the members of each row, all of which then stay in the context.
    #[must_use]
    pub fn with_template(mut self, template: Template) -> Self {
        self.template = Some(template);
        self
    }

    /// The next item, or what is wrong with its row; `None` at the end.
    ///
    /// # Errors
    ///
    /// Fails when the file cannot be read.
    pub fn read(&mut self) -> std::io::Result<Option<Result<PromptItem, BadLine>>> {
        let Some(Row { line, members }) = self.rows.next()? else {
            return Ok(None);
        };
        let item = members.and_then(|members| self.item(line, members));
        Ok(Some(item.map_err(|reason| BadLine { line, reason })))
    }

    fn item(&mut self, line: u64, mut members: Map<String, Value>) -> Result<PromptItem, String> {
        if self.template.is_none() {
            members = requests::plain(members)?;
        }
        let prompt = match &self.template {
            Some(template) => template.fill(&members)?,
            None => match members.remove("prompt") {
                Some(Value::String(prompt)) if !prompt.trim().is_empty() => prompt,
                Some(Value::String(_)) => return Err("has an empty `prompt`".to_owned()),
                Some(_) => return Err("has a `prompt` that is not a string".to_owned()),
                None => return Err(no_prompt(&members)),
            },
        };
        if self.rows.are_plain() {
            members.remove("prompt");
        }
        let id = match members.remove("id") {
            Some(Value::String(id)) if !id.trim().is_empty() => id,
            Some(Value::String(_)) => return Err("has an empty `id`".to_owned()),
            Some(Value::Number(number)) => number.to_string(),
            Some(_) => return Err("has an `id` that is neither a text nor a number".to_owned()),
            None => format!("line-{line}"),
        };
        if let Some(first) = self.ids.get(&id) {
            return Err(format!("repeats the id `{id}` of line {}", first.line));
        }
        let seen = Seen {
            line,
            prompt: PromptHash::of(&prompt),
        };
        self.ids.insert(id.clone(), seen);
        Ok(WorkItem::new(id, prompt).with_context(members))
    }

    /// The digest that the answer to an item of this run carries; `None` when no row with this
    /// id was read.
    pub fn digest_of(&self, id: &str, run: &str) -> Option<String> {
        self.ids.get(id).map(|seen| seen.prompt.digest(run))
    }

    /// A digest of all rows that were read, whatever their order.
    pub fn fingerprint(&self) -> String {
        let mut all: Vec<String> = self
            .ids
            .iter()
            .map(|(id, seen)| seen.prompt.digest(id))
            .collect();
        all.sort_unstable();
        super::digest::short_hex(all.iter().map(String::as_bytes))
    }
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

    #[test]
    fn tables_lines_and_files_are_prompts_too() {
        let csv: &[u8] = b"id,prompt,lang\r\na,\"Hello, you\",en\r\nb,Bye\r\n";
        let mut reader = PromptReader::csv(csv);
        let first = reader.read().unwrap().unwrap().unwrap();
        assert_eq!(
            (first.id.as_str(), first.input.as_str()),
            ("a", "Hello, you")
        );
        assert_eq!(first.context["lang"], "en");
        let bad = reader.read().unwrap().unwrap().unwrap_err();
        assert_eq!(bad.line, 3);
        assert!(bad.reason.contains("2 columns"), "{bad}");
        assert!(reader.read().unwrap().is_none());

        let mut reader = PromptReader::lines(&b"one\n\n two \n"[..]);
        let mut ids = Vec::new();
        while let Some(item) = reader.read().unwrap() {
            let item = item.unwrap();
            ids.push((item.id, item.input));
        }
        let pair = |id: &str, text: &str| (id.to_owned(), text.to_owned());
        assert_eq!(ids, [pair("line-1", "one"), pair("line-3", " two ")]);

        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("note.md");
        std::fs::write(&path, "What of it?").unwrap();
        let missing = folder.path().join("gone.md");
        let template: Template = "{id}: {prompt}".parse().unwrap();
        let mut reader = PromptReader::<&[u8]>::files(vec![path, missing]).with_template(template);
        let item = reader.read().unwrap().unwrap().unwrap();
        assert_eq!(
            (item.id.as_str(), item.input.as_str()),
            ("note.md", "note.md: What of it?")
        );
        assert!(reader.read().is_err());
    }

    #[test]
    fn a_template_that_names_an_unknown_column_says_so() {
        let rows: &[u8] = b"{\"id\": \"a\", \"text\": \"t\"}\n";
        let template: Template = "{body}".parse().unwrap();
        let mut reader = PromptReader::new(rows).with_template(template);
        let bad = reader.read().unwrap().unwrap().unwrap_err();
        assert_eq!(
            bad.reason,
            "has no `body`, which the template names (it has `id`, `text`)"
        );
    }
}
