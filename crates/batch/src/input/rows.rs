//! Rows of a file, whatever its form: each an object of members. What makes a prompt of them is not
//! decided here.

use std::io::{BufRead, Error};
use std::path::PathBuf;

use serde_json::{Map, Value};

/// One row.
pub(super) struct Row {
    /// Where it stands, counted from 1.
    pub(super) line: u64,
    /// Its members, or what is wrong with it.
    pub(super) members: Result<Map<String, Value>, String>,
}

/// Where rows come from.
#[derive(Debug)]
pub(super) enum Rows<R> {
    Json(Lines<R>),
    Text(Lines<R>),
    Csv {
        reader: Box<csv::Reader<R>>,
        record: csv::StringRecord,
        /// Rows so far, the first one with the names included.
        read: u64,
    },
    Files {
        paths: std::vec::IntoIter<PathBuf>,
        read: u64,
    },
}

/// Lines of a file, blank ones passed over.
#[derive(Debug)]
pub(super) struct Lines<R> {
    reader: R,
    line: u64,
    buffer: Vec<u8>,
}

impl<R: BufRead> Lines<R> {
    fn new(reader: R) -> Self {
        Self {
            reader,
            line: 0,
            buffer: Vec::new(),
        }
    }

    /// The next line without its end, or what is wrong with it.
    fn next(&mut self) -> Result<Option<Result<&str, String>>, Error> {
        loop {
            self.buffer.clear();
            if self.reader.read_until(b'\n', &mut self.buffer)? == 0 {
                return Ok(None);
            }
            self.line += 1;
            if !self.buffer.iter().all(u8::is_ascii_whitespace) {
                break;
            }
        }
        let mut bytes = self.buffer.as_slice();
        if self.line == 1 {
            bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        }
        let text = std::str::from_utf8(bytes)
            .map(|text| text.trim_end_matches(['\n', '\r']))
            .map_err(|error| format!("is not UTF-8 (byte {})", error.valid_up_to() + 1));
        Ok(Some(text))
    }
}

impl<R: BufRead> Rows<R> {
    pub(super) fn json(reader: R) -> Self {
        Self::Json(Lines::new(reader))
    }

    pub(super) fn lines(reader: R) -> Self {
        Self::Text(Lines::new(reader))
    }

    pub(super) fn csv(reader: R) -> Self {
        let reader = csv::ReaderBuilder::new().flexible(true).from_reader(reader);
        Self::Csv {
            reader: Box::new(reader),
            record: csv::StringRecord::new(),
            read: 1,
        }
    }

    pub(super) fn files(paths: Vec<PathBuf>) -> Self {
        Self::Files {
            paths: paths.into_iter(),
            read: 0,
        }
    }

    /// True when rows have nothing but a prompt, which need not come back with the answer.
    pub(super) fn are_plain(&self) -> bool {
        matches!(self, Self::Text(_) | Self::Files { .. })
    }

    /// The next row; `None` at the end.
    pub(super) fn next(&mut self) -> Result<Option<Row>, Error> {
        match self {
            Self::Json(lines) => {
                let Some(text) = lines.next()? else {
                    return Ok(None);
                };
                let members = text.and_then(object);
                let line = lines.line;
                Ok(Some(Row { line, members }))
            }
            Self::Text(lines) => {
                let Some(text) = lines.next()? else {
                    return Ok(None);
                };
                let members =
                    text.map(|text| Map::from_iter([("prompt".to_owned(), Value::from(text))]));
                let line = lines.line;
                Ok(Some(Row { line, members }))
            }
            Self::Csv {
                reader,
                record,
                read,
            } => {
                *read += 1;
                let members = csv_row(reader, record)?;
                let line = *read;
                Ok(members.map(|members| Row { line, members }))
            }
            Self::Files { paths, read } => {
                let Some(path) = paths.next() else {
                    return Ok(None);
                };
                *read += 1;
                let text = std::fs::read_to_string(&path).map_err(|error| {
                    Error::new(error.kind(), format!("{}: {error}", path.display()))
                })?;
                let name = path.file_name().unwrap_or(path.as_os_str());
                let name = name.to_string_lossy().into_owned();
                let members = [("id", name), ("prompt", text)];
                let members = members.map(|(key, value)| (key.to_owned(), Value::from(value)));
                Ok(Some(Row {
                    line: *read,
                    members: Ok(members.into_iter().collect()),
                }))
            }
        }
    }
}

/// The members of a row, or why it is none.
type Members = Result<Map<String, Value>, String>;

/// The members of a row of a table. An `id` without a value is no `id`.
fn csv_row<R: BufRead>(
    reader: &mut csv::Reader<R>,
    record: &mut csv::StringRecord,
) -> Result<Option<Members>, Error> {
    let columns = reader.headers().map_err(of_csv)?.clone();
    match reader.read_record(record) {
        Ok(false) => Ok(None),
        Ok(true) if record.len() != columns.len() => {
            let (have, want) = (record.len(), columns.len());
            let reason = format!("has {have} columns where the first row has {want}");
            Ok(Some(Err(reason)))
        }
        Ok(true) => {
            let cells = columns.iter().zip(record.iter());
            let cells = cells.filter(|(name, cell)| *name != "id" || !cell.is_empty());
            let members = cells.map(|(name, cell)| (name.trim().to_owned(), Value::from(cell)));
            Ok(Some(Ok(members.collect())))
        }
        Err(error) => match error.kind() {
            csv::ErrorKind::Utf8 { .. } => Ok(Some(Err("is not UTF-8".to_owned()))),
            _ => Err(of_csv(error)),
        },
    }
}

fn of_csv(error: csv::Error) -> Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        other => Error::other(format!("{other:?}")),
    }
}

/// What a line looks like.
const SAMPLE: &str = r#"{"id": "1", "prompt": "…"}"#;

fn object(text: &str) -> Result<Map<String, Value>, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| not_json(text, &error))?;
    match value {
        Value::Object(members) => Ok(members),
        _ => Err(format!("is not a JSON object such as {SAMPLE}")),
    }
}

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
