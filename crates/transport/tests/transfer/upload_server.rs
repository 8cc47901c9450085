//! An upload server that holds clients to the protocol: it panics at what no client may send, and
//! fails where it is told to.

use std::collections::VecDeque;

use bytes::Bytes;
use http::HeaderMap;

use crate::server::{Answer, Cut, Service};

/// What goes wrong with one request of an open upload.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    No,
    /// So many bytes of the body arrive and are kept.
    Half(usize),
    /// Everything is done and nothing is said.
    NoAnswer,
    /// Nothing is done, and this status is the answer.
    Refused(u16),
    /// Nothing is done, and this status is the answer, with the word `final`.
    Over(u16),
    /// Everything is done, and the answer does not say how the upload stands.
    Dumb,
    /// Nothing is done, and the upload is cancelled.
    Cancelled,
    /// Nothing is done, and the count is too large.
    Boastful,
}

#[derive(Default)]
pub(crate) struct UploadServer {
    /// The address that is named for the content; one of its own when empty.
    pub(crate) target: String,
    pub(crate) granularity: usize,
    pub(crate) faults: VecDeque<Fault>,
    pub(crate) content: Vec<u8>,
    pub(crate) finished: u32,
    pub(crate) cancelled: bool,
    /// Command and offset of each request, and how many bytes came.
    pub(crate) log: Vec<String>,
    pub(crate) starts: Vec<HeaderMap>,
    fault: Option<Fault>,
}

impl UploadServer {
    pub(crate) fn new(faults: impl IntoIterator<Item = Fault>) -> Self {
        Self {
            granularity: 4,
            faults: faults.into_iter().collect(),
            ..Self::default()
        }
    }

    fn open(&mut self, request: &http::Request<Bytes>) -> Answer {
        assert_eq!(request.headers()["x-goog-upload-protocol"], "resumable");
        self.starts.push(request.headers().clone());
        let target = if self.target.is_empty() {
            "/target?upload_id=TICKET"
        } else {
            &self.target
        };
        Answer::new(200)
            .with_header("x-goog-upload-url", target)
            .with_header("x-goog-upload-status", "active")
            .with_header(
                "x-goog-upload-chunk-granularity",
                self.granularity.to_string(),
            )
    }

    fn take(&mut self, headers: &HeaderMap, body: &[u8], whole: bool) {
        assert_eq!(self.finished, 0, "a finished upload takes nothing");
        let last = headers["x-goog-upload-command"] == "upload, finalize";
        let offset = &headers["x-goog-upload-offset"];
        assert_eq!(offset, &self.content.len().to_string(), "a wrong offset");
        assert!(
            last || !whole || body.len().is_multiple_of(self.granularity),
            "a chunk of {} bytes",
            body.len()
        );
        self.content.extend_from_slice(body);
        self.finished += u32::from(last && whole);
    }

    fn standing(&self, status: u16) -> Answer {
        let word = match (self.cancelled, self.finished) {
            (true, _) => "cancelled",
            (false, 0) => "active",
            (false, _) => "final",
        };
        Answer::new(status).with_header("x-goog-upload-status", word)
    }

    fn obey(&mut self, request: &http::Request<Bytes>, fault: Fault) -> Answer {
        let headers = request.headers();
        let command = headers["x-goog-upload-command"].to_str().unwrap();
        match fault {
            Fault::Refused(status) => return Answer::new(status),
            Fault::Over(status) => {
                return Answer::new(status).with_header("x-goog-upload-status", "final");
            }
            Fault::Cancelled => self.cancelled = true,
            Fault::Boastful => {
                let received = (self.content.len() + request.body().len() + 1).to_string();
                return self
                    .standing(200)
                    .with_header("x-goog-upload-size-received", received);
            }
            Fault::No | Fault::Half(_) | Fault::NoAnswer | Fault::Dumb => match command {
                "query" => {}
                "cancel" => self.cancelled = true,
                _ => {
                    let whole = !matches!(fault, Fault::Half(_));
                    self.take(headers, request.body(), whole);
                }
            },
        }
        let mut answer = self.standing(200);
        if command == "query" {
            let received = self.content.len().to_string();
            answer = answer.with_header("x-goog-upload-size-received", received);
        }
        if self.finished > 0 && command != "query" {
            answer = answer.with_body(r#"{"file": {}}"#);
        }
        match fault {
            Fault::Dumb => Answer::new(200),
            Fault::NoAnswer => answer.with_cut(Cut::BeforeHead),
            _ => answer,
        }
    }
}

impl Service for UploadServer {
    fn body_limit(&mut self, head: &http::request::Parts) -> Option<usize> {
        if head.headers["x-goog-upload-command"] == "start" {
            return None;
        }
        let fault = self.faults.pop_front().unwrap_or(Fault::No);
        self.fault = Some(fault);
        match fault {
            Fault::Half(bytes) => Some(bytes),
            _ => None,
        }
    }

    fn answer(&mut self, request: &http::Request<Bytes>) -> Answer {
        let headers = request.headers();
        let command = headers["x-goog-upload-command"].to_str().unwrap();
        let offset = headers
            .get("x-goog-upload-offset")
            .map_or("", |offset| offset.to_str().unwrap());
        let entry = format!("{command} {offset}+{}", request.body().len());
        self.log.push(entry);
        if command == "start" {
            assert!(headers.contains_key("x-goog-api-key"));
            return self.open(request);
        }
        for secret in ["x-goog-api-key", "authorization", "cookie", "x-secret"] {
            assert!(!headers.contains_key(secret), "{secret} goes along");
        }
        assert!(request.uri().query().unwrap().contains("TICKET"));
        let fault = self.fault.take().unwrap_or(Fault::No);
        self.obey(request, fault)
    }
}
