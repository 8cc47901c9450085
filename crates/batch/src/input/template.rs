//! Prompts made of the columns of a row: text with names in braces.

use std::str::FromStr;

use serde_json::{Map, Value};

/// A prompt with places for the members of a row.
///
/// `{name}` is the member of that name; `{{` and `}}` are braces.
///
/// ```
/// use gimmal_batch::input::Template;
///
/// let template: Template = "Sum up as {{JSON}}: {text}".parse()?;
/// let row = serde_json::json!({"text": "All is well.", "page": 7});
/// let prompt = template.fill(row.as_object().expect("an object"));
/// assert_eq!(prompt, Ok("Sum up as {JSON}: All is well.".to_owned()));
/// # Ok::<(), gimmal_batch::input::InvalidTemplate>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Piece>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Member(String),
}

/// A template that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at character {character} of the template; write {{{{ or }}}} for a brace")]
#[non_exhaustive]
pub struct InvalidTemplate {
    /// What is wrong.
    pub reason: &'static str,
    /// Where, counted from 1.
    pub character: usize,
}

impl FromStr for Template {
    type Err = InvalidTemplate;

    fn from_str(template: &str) -> Result<Self, InvalidTemplate> {
        let mut pieces = Vec::new();
        let mut text = String::new();
        let mut characters = template.chars().enumerate().peekable();
        while let Some((at, character)) = characters.next() {
            let invalid = |reason| InvalidTemplate {
                reason,
                character: at + 1,
            };
            match character {
                '{' | '}' if characters.next_if(|(_, next)| *next == character).is_some() => {
                    text.push(character);
                }
                '{' => {
                    let mut name = String::new();
                    loop {
                        match characters.next() {
                            Some((_, '}')) => break,
                            Some((_, '{')) | None => {
                                return Err(invalid("a brace that is not closed"));
                            }
                            Some((_, character)) => name.push(character),
                        }
                    }
                    if name.trim().is_empty() {
                        return Err(invalid("a place without a name"));
                    }
                    pieces.push(Piece::Text(std::mem::take(&mut text)));
                    pieces.push(Piece::Member(name.trim().to_owned()));
                }
                '}' => return Err(invalid("a brace that was not opened")),
                other => text.push(other),
            }
        }
        pieces.push(Piece::Text(text));
        Ok(Self(pieces))
    }
}

impl Template {
    /// The prompt for a row.
    ///
    /// # Errors
    ///
    /// Fails when the row lacks a member that the template names.
    pub fn fill(&self, members: &Map<String, Value>) -> Result<String, String> {
        let mut prompt = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => prompt.push_str(text),
                Piece::Member(name) => match members.get(name) {
                    Some(Value::String(text)) => prompt.push_str(text),
                    Some(value) => prompt.push_str(&value.to_string()),
                    None => return Err(missing(name, members)),
                },
            }
        }
        Ok(prompt)
    }
}

fn missing(name: &str, members: &Map<String, Value>) -> String {
    let there: Vec<String> = members.keys().map(|key| format!("`{key}`")).collect();
    let there = there.join(", ");
    format!("has no `{name}`, which the template names (it has {there})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_that_do_not_match_are_named() {
        for (template, character) in [("a {b", 3), ("a} b", 2), ("{}", 1), ("{a{b}", 1)] {
            let error = template.parse::<Template>().unwrap_err();
            assert_eq!(error.character, character, "{template}");
        }
        assert!("".parse::<Template>().is_ok());
    }
}
