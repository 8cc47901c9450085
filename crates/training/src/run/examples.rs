//! Examples of prompts with their completions, and the data that they become.

use std::path::Path;

use gimmal_client::types::tinker::{Datum, ModelInput};
use serde::Deserialize;

use crate::Error;

/// The token that ends a text where tokens are bytes.
const END: u32 = 256;

/// A prompt with the completion that is to be learnt.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// What the model reads.
    pub prompt: String,
    /// What it is to answer.
    pub completion: String,
}

/// The examples of a file with one JSON object a line: `{"prompt": "…", "completion": "…"}`.
///
/// # Errors
///
/// Fails when the file cannot be read, and at the first line that is no example.
pub fn read_examples(path: impl AsRef<Path>) -> Result<Vec<Example>, Error> {
    let path = path.as_ref();
    let text = std::fs::read_to_string(path);
    let text = text.map_err(|error| Error::file("cannot read", path, error))?;
    parse_examples(&text, &path.display().to_string())
}

/// The examples of a text; `source` stands before the number of a line that is at fault.
///
/// ```
/// use gimmal_training::parse_examples;
///
/// let text = r#"{"prompt": "2+2=", "completion": "4"}"#;
/// assert_eq!(parse_examples(text, "sums.jsonl")?[0].completion, "4");
/// let error = parse_examples("{}", "sums.jsonl").unwrap_err();
/// assert_eq!(error.field(), Some("sums.jsonl:1"));
/// # Ok::<(), gimmal_training::Error>(())
/// ```
///
/// # Errors
///
/// Fails at the first line that is no example, and when there is none.
pub fn parse_examples(text: &str, source: &str) -> Result<Vec<Example>, Error> {
    let lines = (1..).zip(text.lines());
    let filled = lines.filter(|(_, line)| !line.trim().is_empty());
    let parse = |(number, line): (usize, &str)| {
        let field = || format!("{source}:{number}");
        let example: Example = serde_json::from_str(line).map_err(|error| {
            let message = format!("is no example ({error}); give a prompt and a completion");
            Error::invalid(field(), message)
        })?;
        if example.prompt.is_empty() || example.completion.is_empty() {
            let message = "has an empty prompt or completion; both must hold text";
            return Err(Error::invalid(field(), message));
        }
        Ok(example)
    };
    let examples: Vec<Example> = filled.map(parse).collect::<Result<_, _>>()?;
    if examples.is_empty() {
        return Err(Error::invalid(source, "holds no example"));
    }
    Ok(examples)
}

/// The datum that teaches to answer `prompt` with `completion`: every token is predicted from those
/// before it, and only those of the completion count.
///
/// ```
/// use gimmal_training::supervised;
///
/// let datum = supervised(&[1, 2], &[3, 4])?;
/// assert_eq!(datum.loss_fn_inputs["target_tokens"].as_i64(), Some(&[2, 3, 4][..]));
/// assert_eq!(datum.loss_fn_inputs["weights"].as_f32(), Some(&[0.0, 1.0, 1.0][..]));
/// # Ok::<(), gimmal_training::Error>(())
/// ```
///
/// # Errors
///
/// Fails when one of both is empty.
pub fn supervised(prompt: &[u32], completion: &[u32]) -> Result<Datum, Error> {
    if prompt.is_empty() || completion.is_empty() {
        let message = "must hold at least one token, and so must the completion";
        return Err(Error::invalid("prompt", message));
    }
    let tokens: Vec<u32> = prompt.iter().chain(completion).copied().collect();
    let read = tokens.get(..tokens.len() - 1).unwrap_or_default();
    let targets: Vec<i64> = tokens
        .iter()
        .skip(1)
        .map(|token| i64::from(*token))
        .collect();
    let mut weights = vec![0.0_f32; prompt.len() - 1];
    weights.resize(targets.len(), 1.0);
    Ok(Datum::new(ModelInput::from_ints(read.iter().copied()))
        .with_input("target_tokens", targets)
        .with_input("weights", weights))
}

/// The tokens of a text for a model whose tokens are bytes; `end` adds the one that ends a text.
pub fn byte_tokens(text: &str, end: bool) -> Vec<u32> {
    let bytes = text.bytes().map(u32::from);
    bytes.chain(end.then_some(END)).collect()
}

/// The text of tokens that are bytes. Others are left out, and bytes that are no text replaced.
pub fn byte_text(tokens: &[u32]) -> String {
    let bytes = tokens.iter().filter_map(|token| u8::try_from(*token).ok());
    String::from_utf8_lossy(&bytes.collect::<Vec<_>>()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_are_no_examples_are_named() {
        let good = r#"{"prompt": "a", "completion": "b"}"#;
        let field = |text: &str| {
            let error = parse_examples(text, "data").unwrap_err();
            error.field().map(str::to_owned)
        };
        assert_eq!(field(&format!("{good}\n\nno")).as_deref(), Some("data:3"));
        assert_eq!(
            field(r#"{"prompt": "", "completion": "b"}"#).as_deref(),
            Some("data:1")
        );
        assert_eq!(
            field(r#"{"prompt": "a", "answer": "b"}"#).as_deref(),
            Some("data:1")
        );
        assert_eq!(field("").as_deref(), Some("data"));
        assert_eq!(
            parse_examples(&format!("{good}\n{good}\n"), "data")
                .unwrap()
                .len(),
            2
        );
    }

    #[test]
    fn bytes_are_tokens_and_back() {
        let tokens = byte_tokens("né", true);
        assert_eq!(tokens, [110, 195, 169, 256]);
        assert_eq!(byte_text(&tokens), "né");
    }

    #[test]
    fn nothing_teaches_nothing() {
        assert!(supervised(&[], &[1]).is_err());
        assert!(supervised(&[1], &[]).is_err());
        assert_eq!(
            supervised(&[1], &[2]).unwrap().loss_fn_inputs["weights"].element_count(),
            1
        );
    }
}
