//! A server with one file: it sends ranges or not, changes the file, and breaks off where it is
//! told to.

use std::collections::VecDeque;

use bytes::Bytes;
use http::HeaderMap;

use crate::server::{Answer, Cut, Service};

/// What goes wrong with one request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    No,
    /// The body breaks off after so many bytes.
    After(usize),
    /// Nothing is answered.
    NoAnswer,
    Refused(u16),
    /// The whole file comes, whatever was asked for.
    IgnoreRange,
    /// The condition of the range is not looked at.
    IgnoreIfRange,
    /// The part begins one byte too early.
    WrongPart,
}

pub(crate) struct FileServer {
    pub(crate) content: Vec<u8>,
    pub(crate) etag: Option<String>,
    /// Added to each answer.
    pub(crate) headers: HeaderMap,
    pub(crate) faults: VecDeque<Fault>,
    /// The range of each request, or a dash.
    pub(crate) log: Vec<String>,
    pub(crate) requests: Vec<HeaderMap>,
}

impl FileServer {
    pub(crate) fn new(len: usize, faults: impl IntoIterator<Item = Fault>) -> Self {
        Self {
            content: crate::server::content(len),
            etag: Some("\"v1\"".into()),
            headers: HeaderMap::new(),
            faults: faults.into_iter().collect(),
            log: Vec::new(),
            requests: Vec::new(),
        }
    }

    /// The offset that the request asks for, if the server heeds it.
    fn wanted(&self, headers: &HeaderMap, fault: Fault) -> Option<usize> {
        let range = headers.get("range")?.to_str().unwrap();
        let first = range.strip_prefix("bytes=")?.strip_suffix('-')?;
        let condition = headers.get("if-range").map(|tag| tag.to_str().unwrap());
        let holds = condition.is_none_or(|tag| Some(tag) == self.etag.as_deref());
        let heeded = match fault {
            Fault::IgnoreRange => false,
            Fault::IgnoreIfRange => true,
            _ => holds,
        };
        heeded.then(|| first.parse().unwrap())
    }

    fn file(&self, headers: &HeaderMap, fault: Fault) -> Answer {
        let total = self.content.len();
        let Some(first) = self.wanted(headers, fault) else {
            return Answer::new(200).with_body(self.content.clone());
        };
        if first >= total {
            return Answer::new(416).with_header("content-range", format!("bytes */{total}"));
        }
        let first = first - usize::from(fault == Fault::WrongPart);
        Answer::new(206)
            .with_header(
                "content-range",
                format!("bytes {first}-{}/{total}", total - 1),
            )
            .with_body(self.content[first..].to_vec())
    }
}

impl Service for FileServer {
    fn answer(&mut self, request: &http::Request<Bytes>) -> Answer {
        let headers = request.headers();
        assert_eq!(headers["accept-encoding"], "identity");
        let range = headers.get("range").map_or("-", |it| it.to_str().unwrap());
        self.log.push(range.to_owned());
        self.requests.push(headers.clone());
        let fault = self.faults.pop_front().unwrap_or(Fault::No);
        let mut answer = match fault {
            Fault::Refused(status) => return Answer::new(status),
            Fault::NoAnswer => Answer::new(200).with_cut(Cut::BeforeHead),
            Fault::After(bytes) => self.file(headers, fault).with_cut(Cut::AfterBytes(bytes)),
            _ => self.file(headers, fault),
        };
        if let Some(etag) = &self.etag {
            answer = answer.with_header("etag", etag);
        }
        answer.headers.extend(self.headers.clone());
        answer
    }
}
