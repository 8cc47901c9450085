//! The headers of the upload protocol: what a request asks for, and what an answer says about the
//! upload. Keeps nothing.

use http::{HeaderMap, HeaderName, HeaderValue, header::CONTENT_LENGTH};

use crate::{gemini::errors::ApiError, reply::Reply};

const PROTOCOL: &str = "x-goog-upload-protocol";
const COMMAND: &str = "x-goog-upload-command";
const OFFSET: &str = "x-goog-upload-offset";
const ANNOUNCED_LENGTH: &str = "x-goog-upload-header-content-length";
const ANNOUNCED_TYPE: &str = "x-goog-upload-header-content-type";
const FILE_NAME: &str = "x-goog-upload-file-name";

const STATUS: HeaderName = HeaderName::from_static("x-goog-upload-status");
const RECEIVED: HeaderName = HeaderName::from_static("x-goog-upload-size-received");
const URL: HeaderName = HeaderName::from_static("x-goog-upload-url");
const CONTROL_URL: HeaderName = HeaderName::from_static("x-goog-upload-control-url");
const GRANULARITY: HeaderName = HeaderName::from_static("x-goog-upload-chunk-granularity");

/// How content is brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// In chunks, to an address of its own.
    Resumable,
    /// As the body of the request.
    Raw,
    /// As the second part of the body, after what is said about it.
    Multipart,
}

/// What is asked of an upload that was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// Take the body; the upload ends with it or goes on.
    Upload {
        offset: u64,
        last: bool,
    },
    Query,
    Cancel,
}

/// What an answer says about the upload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Active,
    Final,
    Cancelled,
}

impl Protocol {
    /// How the content of a request comes: by its header, or by `uploadType` in the query.
    pub(crate) fn read(headers: &HeaderMap, query: &[(String, String)]) -> Result<Self, ApiError> {
        let kind = query.iter().find(|(name, _)| name == "uploadType");
        let said = text(headers, PROTOCOL).or(kind.map(|(_, kind)| kind.as_str()));
        match said.unwrap_or_default() {
            "resumable" if text(headers, COMMAND) == Some("start") => Ok(Self::Resumable),
            "raw" | "media" => Ok(Self::Raw),
            "multipart" => Ok(Self::Multipart),
            "resumable" => Err(ApiError::invalid_argument(
                "A resumable upload is opened with the headers X-Goog-Upload-Protocol: resumable \
                 and X-Goog-Upload-Command: start.",
            )),
            other => Err(ApiError::invalid_argument(format!(
                "Upload protocol \"{other}\" is not supported; use resumable, raw or multipart."
            ))),
        }
    }
}

impl Command {
    pub(super) fn read(headers: &HeaderMap) -> Result<Self, ApiError> {
        let words = text(headers, COMMAND).unwrap_or_default();
        let mut words: Vec<&str> = words.split(',').map(str::trim).collect();
        words.sort_unstable();
        let upload = |last| {
            let offset = number(headers, OFFSET).ok_or_else(|| {
                ApiError::invalid_argument("X-Goog-Upload-Offset is missing or no number.")
            })?;
            Ok(Self::Upload { offset, last })
        };
        match words.as_slice() {
            ["upload"] => upload(false),
            ["finalize", "upload"] => upload(true),
            ["finalize"] => match number(headers, OFFSET) {
                Some(_) => upload(true),
                // Without an offset the end is wherever the upload stands.
                None => Ok(Self::Upload {
                    offset: u64::MAX,
                    last: true,
                }),
            },
            ["query"] => Ok(Self::Query),
            ["cancel"] => Ok(Self::Cancel),
            _ => Err(ApiError::invalid_argument(format!(
                "X-Goog-Upload-Command \"{}\" is not supported for an upload that was started.",
                words.join(", ")
            ))),
        }
    }
}

/// The size that a start announces.
pub(super) fn announced_length(headers: &HeaderMap) -> Result<Option<u64>, ApiError> {
    match text(headers, ANNOUNCED_LENGTH) {
        None => Ok(None),
        Some(text) => text.parse().map(Some).map_err(|_| {
            ApiError::invalid_argument(format!(
                "X-Goog-Upload-Header-Content-Length \"{text}\" is no number."
            ))
        }),
    }
}

/// The media type that a start announces.
pub(super) fn announced_type(headers: &HeaderMap) -> Option<&str> {
    text(headers, ANNOUNCED_TYPE).filter(|text| !text.is_empty())
}

/// The name the file has on the caller's disk.
pub(super) fn file_name(headers: &HeaderMap) -> Option<&str> {
    text(headers, FILE_NAME).filter(|text| !text.is_empty())
}

/// The bytes a request says its body has.
pub(super) fn body_length(headers: &HeaderMap) -> Option<u64> {
    number(headers, CONTENT_LENGTH.as_str())
}

/// Marks an answer with the state of the upload.
pub(super) fn mark(reply: &mut Reply, status: Status, received: Option<u64>) {
    let word = match status {
        Status::Active => "active",
        Status::Final => "final",
        Status::Cancelled => "cancelled",
    };
    reply.headers.insert(STATUS, HeaderValue::from_static(word));
    if let Some(received) = received {
        reply.headers.insert(RECEIVED, HeaderValue::from(received));
    }
}

/// Marks the answer to a start with where the content goes, and in which unit.
pub(super) fn mark_opened(reply: &mut Reply, url: &HeaderValue, granularity: u64) {
    mark(reply, Status::Active, None);
    reply.headers.insert(URL, url.clone());
    reply.headers.insert(CONTROL_URL, url.clone());
    reply
        .headers
        .insert(GRANULARITY, HeaderValue::from(granularity));
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}

fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    text(headers, name)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.insert(*name, value.parse().expect("value"));
        }
        map
    }

    #[test]
    fn commands_in_any_order_of_words() {
        let read = |word, offset| Command::read(&headers(&[(COMMAND, word), (OFFSET, offset)]));
        let upload = |offset, last| Ok(Command::Upload { offset, last });
        assert_eq!(read("upload", "8"), upload(8, false));
        assert_eq!(read("upload, finalize", "8"), upload(8, true));
        assert_eq!(read("finalize,upload", "8"), upload(8, true));
        assert_eq!(read("query", ""), Ok(Command::Query));
        assert_eq!(read("cancel", ""), Ok(Command::Cancel));
        for (word, offset) in [
            ("upload", "x"),
            ("", "0"),
            ("start", "0"),
            ("query, cancel", ""),
        ] {
            assert_eq!(read(word, offset).expect_err(word).code(), 400);
        }
    }

    #[test]
    fn protocols_by_header_and_by_query() {
        let read = |pairs: &[(&'static str, &str)], kind: &str| {
            let query = [("uploadType".to_owned(), kind.to_owned())];
            Protocol::read(&headers(pairs), &query).ok()
        };
        let start = [(PROTOCOL, "resumable"), (COMMAND, "start")];
        assert_eq!(read(&start, ""), Some(Protocol::Resumable));
        assert_eq!(read(&[(PROTOCOL, "raw")], ""), Some(Protocol::Raw));
        assert_eq!(read(&[], "media"), Some(Protocol::Raw));
        assert_eq!(read(&[], "multipart"), Some(Protocol::Multipart));
        assert_eq!(read(&[], "resumable"), None, "that is another protocol");
        assert_eq!(read(&[], ""), None);
    }
}
