//! The lines of a journal: a checksum, a space, one JSON object, and the end of the line.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::super::{Category, Failure, Outcome, Usage, WorkItemResult};
use super::{ItemKey, Kept};

/// What the first line says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    pub(super) format: String,
    pub(super) version: u32,
    pub(super) run: String,
    pub(super) inputs: String,
}

pub(super) const FORMAT: &str = "gimmal-batch-journal";
pub(super) const VERSION: u32 = 1;

/// One result.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ItemRecord<O> {
    pub(super) key: String,
    pub(super) id: String,
    pub(super) index: u64,
    pub(super) ok: bool,
    /// False for results that only record how a run ended.
    pub(super) replay: bool,
    pub(super) output: Option<O>,
    pub(super) error: Option<ErrorRecord>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) usage: Option<Usage>,
    pub(super) attempts: u32,
}

/// Why an item failed.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct ErrorRecord {
    pub(super) category: Category,
    pub(super) message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) status: Option<u16>,
}

/// What is needed of a record to know what is done, without its output.
#[derive(Debug, Deserialize)]
pub(super) struct ItemHead {
    pub(super) key: String,
    pub(super) ok: bool,
    pub(super) replay: bool,
}

impl<'a, O> ItemRecord<&'a O> {
    pub(super) fn new<C>(key: &ItemKey, result: &'a WorkItemResult<O, C>) -> Self {
        let category = result.category();
        let (output, error, usage) = match &result.outcome {
            Ok(outcome) => (Some(&outcome.output), None, Some(outcome.usage)),
            Err(failure) => (None, Some(ErrorRecord::from(failure)), failure.billed()),
        };
        Self {
            key: key.as_str().to_owned(),
            id: result.id.clone(),
            index: result.submission_index,
            ok: category.is_none(),
            replay: !category.is_some_and(Category::is_never_replayed),
            output,
            error,
            usage,
            attempts: result.attempts(),
        }
    }
}

impl From<&Failure> for ErrorRecord {
    fn from(failure: &Failure) -> Self {
        Self {
            category: failure.category.clone(),
            message: failure.message.clone(),
            status: failure.status,
        }
    }
}

impl<O> ItemRecord<O> {
    /// The result again; an error for a record that is neither an output nor a failure.
    pub(super) fn into_kept(self) -> Result<Kept<O>, String> {
        match (self.output, self.error) {
            (Some(output), None) => Ok(Ok(Outcome::new(
                output,
                self.usage.unwrap_or_default(),
                self.attempts,
            ))),
            (None, Some(error)) => {
                let mut failure = Failure::new(error.category, error.message);
                failure.status = error.status;
                failure.usage = self.usage.map(Box::new);
                failure.attempts = self.attempts;
                Ok(Err(failure))
            }
            _ => Err(format!("the record of `{}` holds no result", self.id)),
        }
    }
}

/// A value as a line.
pub(super) fn to_line(value: &impl Serialize) -> Result<Vec<u8>, serde_json::Error> {
    let mut line = vec![b'0'; 9];
    serde_json::to_writer(&mut line, value)?;
    let sum = format!("{:08x} ", crc32fast::hash(&line[9..]));
    line[..9].copy_from_slice(sum.as_bytes());
    line.push(b'\n');
    Ok(line)
}

/// The JSON of a whole line whose checksum is right.
pub(super) fn checked(line: &[u8]) -> Option<&[u8]> {
    let line = line.strip_suffix(b"\n")?;
    let (sum, json) = (line.get(..8)?, line.get(9..)?);
    let sum = u32::from_str_radix(std::str::from_utf8(sum).ok()?, 16).ok()?;
    (line[8] == b' ' && crc32fast::hash(json) == sum).then_some(json)
}

/// A whole line as a value.
pub(super) fn from_line<T: DeserializeOwned>(line: &[u8]) -> Option<T> {
    serde_json::from_slice(checked(line)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_was_changed_anywhere_is_noticed() {
        let header = Header {
            format: FORMAT.to_owned(),
            version: VERSION,
            run: "r".to_owned(),
            inputs: "i".to_owned(),
        };
        let line = to_line(&header).unwrap();
        assert_eq!(from_line::<Header>(&line), Some(header));
        for cut in 0..line.len() {
            assert_eq!(from_line::<Header>(&line[..cut]), None, "cut at {cut}");
        }
        for place in 0..line.len() - 1 {
            let mut other = line.clone();
            other[place] ^= 1;
            // A checksum may be written in either case, which changes nothing.
            if !other[..8].eq_ignore_ascii_case(&line[..8]) || other[8..] != line[8..] {
                assert_eq!(from_line::<Header>(&other), None, "changed at {place}");
            }
        }
    }
}
