//! The results file: one JSON object per item, and what an earlier run left in it.

use std::collections::HashSet;
use std::io::{BufRead, Write};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::strategies::Answer;
use super::{Category, Usage, WorkItemResult};

/// One line of the results file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OutputRecord {
    /// The item's name.
    pub id: String,
    /// Its place in the input, counted from 0.
    pub index: u64,
    /// The answer; `null` when there is none.
    pub text: Option<String>,
    /// Why the model stopped.
    pub finish_reason: Option<String>,
    /// Tokens.
    #[serde(default)]
    pub usage: Usage,
    /// Tokens of the earlier call whose reply was kept, when nothing was sent for this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub saved: Option<Usage>,
    /// True when a batch job of the service gave the answer, at half the price.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_batch_job: bool,
    /// Requests on the wire.
    #[serde(default)]
    pub attempts: u32,
    /// Milliseconds from the start of the item's work to its end.
    #[serde(default)]
    pub latency_ms: u64,
    /// Why there is no answer.
    pub error: Option<OutputError>,
    /// What was asked: prompt, model, shared context and settings, as a short digest.
    #[serde(default)]
    pub digest: String,
    /// The members of the input line that are not the item's name or prompt.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub context: Map<String, Value>,
}

/// Why an item has no answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct OutputError {
    /// What sort of failure.
    #[serde(alias = "kind")]
    pub category: Category,
    /// The HTTP status, when the service answered.
    pub status: Option<u16>,
    /// What happened, for a person.
    pub message: String,
}

impl OutputRecord {
    /// Writes the record and the end of its line in one piece.
    ///
    /// # Errors
    ///
    /// Fails when the writer does.
    pub fn write_line(&self, writer: &mut impl Write) -> std::io::Result<()> {
        let mut line = serde_json::to_vec(self)?;
        line.push(b'\n');
        writer.write_all(&line)
    }
}

impl From<WorkItemResult<Answer, Map<String, Value>>> for OutputRecord {
    fn from(result: WorkItemResult<Answer, Map<String, Value>>) -> Self {
        let attempts = result.attempts();
        let mut record = Self {
            id: result.id,
            index: result.submission_index,
            attempts,
            latency_ms: u64::try_from(result.latency.as_millis()).unwrap_or(u64::MAX),
            context: result.context,
            ..Self::default()
        };
        match result.outcome {
            Ok(outcome) => {
                record.text = Some(outcome.output.text);
                record.finish_reason = outcome.output.finish_reason;
                record.usage = outcome.usage;
                record.saved = outcome.saved;
            }
            Err(failure) => {
                record.usage = failure.billed().unwrap_or_default();
                record.error = Some(OutputError {
                    category: failure.category,
                    status: failure.status,
                    message: failure.message,
                });
            }
        }
        record
    }
}

/// How every line of ours begins.
const RECORD_START: &[u8] = b"{\"id\":";

/// What an earlier run left in a results file.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct Earlier {
    /// Names of the items that have an answer.
    pub answered: HashSet<String>,
    /// Lines of items that failed; they are worked on again.
    pub failed: u64,
    /// True when the last line was cut off by a crash and is dropped.
    pub torn: bool,
}

/// A results file that cannot be resumed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResumeError {
    /// A line is not a record of ours.
    #[error("line {line} is not a result of an earlier run ({reason}); nothing was changed")]
    NotARecord {
        /// The line, counted from 1.
        line: u64,
        /// What is wrong with it.
        reason: String,
    },
    /// An item is not part of the input.
    #[error("line {line} answers `{id}`, which is not in the input: it belongs to another run")]
    Foreign {
        /// The line, counted from 1.
        line: u64,
        /// The item.
        id: String,
    },
    /// An answer is to another prompt, or was made with another model, context or settings.
    #[error(
        "line {line} answers another prompt than `{id}` of the input, or was made with another \
         model, context or settings"
    )]
    OtherRun {
        /// The line, counted from 1.
        line: u64,
        /// The item.
        id: String,
    },
    /// An item was answered twice.
    #[error("line {line} answers `{id}` a second time; nothing was changed")]
    Repeated {
        /// The line, counted from 1.
        line: u64,
        /// The item.
        id: String,
    },
    /// The file cannot be read or the part to keep cannot be written.
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// Copies the answers of an earlier run from `reader` to `keep` and tells what is done.
///
/// Failed items and a line that a crash cut off are left out. Each kept record is also handed to
/// `each`, for sums.
///
/// `digest_of` gives the digest that the answer to an item must carry, or `None` when the item is
/// not in the input.
///
/// # Errors
///
/// Fails on lines that are not results, on answers to something else, and on an item that is
/// answered twice.
pub fn read_earlier(
    mut reader: impl BufRead,
    keep: &mut impl Write,
    digest_of: impl Fn(&str) -> Option<String>,
    mut each: impl FnMut(&OutputRecord),
) -> Result<Earlier, ResumeError> {
    let mut earlier = Earlier::default();
    let mut text = Vec::new();
    for line in 1.. {
        text.clear();
        if reader.read_until(b'\n', &mut text)? == 0 {
            break;
        }
        // Only what begins as our records do can be one of ours that was cut off.
        let begins_as_ours = text.starts_with(RECORD_START) || RECORD_START.starts_with(&text);
        let torn = text.last() != Some(&b'\n') && begins_as_ours;
        let record: OutputRecord = match serde_json::from_slice(&text) {
            Ok(record) => record,
            Err(_) if torn => {
                earlier.torn = true;
                break;
            }
            Err(error) => {
                return Err(ResumeError::NotARecord {
                    line,
                    reason: error.to_string(),
                });
            }
        };
        let Some(digest) = digest_of(&record.id) else {
            return Err(ResumeError::Foreign {
                line,
                id: record.id,
            });
        };

        if record.error.is_some() {
            earlier.failed += 1;
            continue;
        }
        if record.digest != digest {
            return Err(ResumeError::OtherRun {
                line,
                id: record.id,
            });
        }
        if !earlier.answered.insert(record.id.clone()) {
            return Err(ResumeError::Repeated {
                line,
                id: record.id,
            });
        }
        record.write_line(keep)?;
        each(&record);
    }
    Ok(earlier)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(records: &[OutputRecord]) -> Vec<u8> {
        let mut out = Vec::new();
        for record in records {
            record.write_line(&mut out).unwrap();
        }
        out
    }

    fn answer(id: &str) -> OutputRecord {
        OutputRecord {
            id: id.to_owned(),
            text: Some("t".to_owned()),
            ..OutputRecord::default()
        }
    }

    fn failure(id: &str) -> OutputRecord {
        let error = OutputError {
            category: Category::ServerError,
            status: Some(503),
            message: "busy".to_owned(),
        };
        OutputRecord {
            id: id.to_owned(),
            error: Some(error),
            ..OutputRecord::default()
        }
    }

    #[test]
    fn answers_are_kept_and_the_rest_is_done_again() {
        let mut file = lines(&[answer("a"), failure("b"), answer("c")]);
        file.extend(br#"{"id": "d", "ind"#);
        let (mut kept, mut seen) = (Vec::new(), Vec::new());
        let earlier = read_earlier(
            &*file,
            &mut kept,
            |_| Some(String::new()),
            |record| seen.push(record.id.clone()),
        )
        .unwrap();
        assert_eq!(kept, lines(&[answer("a"), answer("c")]));
        assert_eq!(seen, ["a", "c"]);
        assert_eq!((earlier.failed, earlier.torn), (1, true));
    }

    #[test]
    fn a_record_may_be_cut_off_anywhere() {
        let (whole, last) = (lines(&[answer("a")]), lines(&[answer("b")]));
        for cut in 1..last.len() - 1 {
            let file = [&whole, &last[..cut]].concat();
            let mut kept = Vec::new();
            let earlier = read_earlier(&*file, &mut kept, |_| Some(String::new()), |_| ()).unwrap();
            assert!(earlier.torn, "cut after {cut} bytes");
            assert_eq!(kept, whole);
        }
        // Without its line end a record is whole all the same.
        let unended = &last[..last.len() - 1];
        let earlier =
            read_earlier(unended, &mut Vec::new(), |_| Some(String::new()), |_| ()).unwrap();
        assert!(!earlier.torn && earlier.answered.contains("b"));
    }

    #[test]
    fn other_files_are_refused_with_their_line() {
        let refuse = |file: &[u8], known: &str| {
            let known = known.to_owned();
            read_earlier(
                file,
                &mut Vec::new(),
                |id| (id == known).then(String::new),
                |_| {},
            )
            .unwrap_err()
            .to_string()
        };
        assert!(refuse(b"[]\n{}\n", "a").starts_with("line 1 is not a result"));
        assert!(refuse(b"precious", "a").starts_with("line 1 is not a result"));
        assert!(refuse(&lines(&[answer("x")]), "a").contains("`x`, which is not in the input"));
        assert!(refuse(&lines(&[answer("a"), answer("a")]), "a").contains("line 2"));
        let other = OutputRecord {
            digest: "0123".to_owned(),
            ..answer("a")
        };
        assert!(refuse(&lines(&[other]), "a").contains("another model, context or settings"));
    }

    #[test]
    fn a_record_has_every_member_even_when_it_is_null() {
        let json = serde_json::to_value(failure("b")).unwrap();
        for key in [
            "id",
            "index",
            "text",
            "finish_reason",
            "usage",
            "attempts",
            "latency_ms",
            "error",
        ] {
            assert!(json.get(key).is_some(), "{key}");
        }
    }
}
