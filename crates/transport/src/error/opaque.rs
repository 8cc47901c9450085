//! The error's private record and its accessors. Construction lives in `build`, text in `format`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gimmal_types::rpc::Status;
use http::{HeaderMap, Method, StatusCode};

use crate::error::{AttemptRecord, CloseCode, Delivery, ErrorKind, Persistence, TimeoutKind};
use crate::rate_limit::RateLimitInfo;
use crate::response::{request_id, trace_id};
use crate::retry::hint;

/// The source of an error, of any type.
pub(crate) type BoxError = Box<dyn std::error::Error + Send + Sync + 'static>;

/// How much of a reply's body an error keeps.
pub(crate) const PAYLOAD_LIMIT: usize = 64 * 1024;

/// Why a call failed.
///
/// ```
/// use bytes::Bytes;
/// use gimmal_transport::{Error, ErrorKind, Persistence};
/// use http::{HeaderMap, StatusCode};
///
/// let body = Bytes::from_static(br#"{"error": {"status": "UNAVAILABLE", "message": "overloaded"}}"#);
/// let error = Error::from_response(StatusCode::SERVICE_UNAVAILABLE, HeaderMap::new(), body);
/// assert_eq!(error.kind(), ErrorKind::Status);
/// assert_eq!(error.persistence(), Persistence::Temporary);
/// assert_eq!(error.to_string(), "http 503 UNAVAILABLE: overloaded");
/// ```
///
/// `Display` is one line without secrets; `Debug` adds the context, and
/// [`source`](std::error::Error::source) leads to the cause. The request's query, the values of
/// its headers and its body never show. A clone shares the cause.
#[derive(Clone)]
pub struct Error(pub(super) Box<Inner>);

#[derive(Clone)]
pub(super) struct Inner {
    pub(super) kind: ErrorKind,
    pub(super) message: String,
    pub(super) persistence: Persistence,
    pub(super) delivery: Delivery,
    pub(super) status: Option<StatusCode>,
    pub(super) headers: Option<HeaderMap>,
    pub(super) payload: Option<Bytes>,
    pub(super) rpc_status: Option<Status>,
    pub(super) retry_after: Option<Duration>,
    pub(super) timeout: Option<TimeoutKind>,
    pub(super) bytes_received: Option<u64>,
    pub(super) close: Option<(CloseCode, String)>,
    pub(super) field: Option<String>,
    pub(super) attempts: Vec<AttemptRecord>,
    pub(super) request: Option<(Method, String)>,
    pub(super) context: Vec<(&'static str, String)>,
    pub(super) source: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// What went wrong.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether trying again may help.
    pub fn persistence(&self) -> Persistence {
        self.0.persistence
    }

    /// How far the request came.
    pub fn delivery(&self) -> Delivery {
        self.0.delivery
    }

    /// The status the server answered with.
    pub fn status(&self) -> Option<StatusCode> {
        self.0.status
    }

    /// The headers of the server's answer.
    pub fn headers(&self) -> Option<&HeaderMap> {
        self.0.headers.as_ref()
    }

    /// The raw body of the server's answer, cut at 64 KiB.
    pub fn payload(&self) -> Option<&Bytes> {
        self.0.payload.as_ref()
    }

    /// The body read as a `google.rpc.Status`, where it is one.
    pub fn rpc_status(&self) -> Option<&Status> {
        self.0.rpc_status.as_ref()
    }

    /// How long the server asks to wait before trying again.
    pub fn retry_after(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Whether the server wants the request tried again, where its answer says so in the header
    /// `x-should-retry`.
    pub fn retry_advice(&self) -> Option<bool> {
        hint::advice(self.headers().filter(|_| self.is_status())?)
    }

    /// Which time limit passed, for errors of the kind [`ErrorKind::Timeout`] and for streams
    /// that broke off because of one.
    pub fn timeout_kind(&self) -> Option<TimeoutKind> {
        self.0.timeout
    }

    /// How many bytes of the body had arrived when a stream broke off.
    pub fn bytes_received(&self) -> Option<u64> {
        self.0.bytes_received
    }

    /// Why a connection that speaks both ways was closed, for errors of the kind
    /// [`ErrorKind::Closed`].
    pub fn close_code(&self) -> Option<CloseCode> {
        self.0.close.as_ref().map(|(code, _)| *code)
    }

    /// What the other side said when it closed the connection; empty when it said nothing.
    pub fn close_reason(&self) -> Option<&str> {
        self.0.close.as_ref().map(|(_, reason)| reason.as_str())
    }

    /// The failed attempts of the call, in order; empty when nothing was tried.
    pub fn attempts(&self) -> &[AttemptRecord] {
        &self.0.attempts
    }

    /// The server's name for the request, to quote in a support case.
    pub fn request_id(&self) -> Option<&str> {
        request_id(self.0.headers.as_ref()?)
    }

    /// The trace that the server says the request is part of.
    pub fn trace_id(&self) -> Option<&str> {
        trace_id(self.0.headers.as_ref()?)
    }

    /// What the server says of its limits, if it answered.
    pub fn rate_limits(&self) -> Option<RateLimitInfo> {
        self.headers().map(RateLimitInfo::from_headers)
    }

    /// The argument that is wrong, or the path of the JSON member that could not be read.
    pub fn field(&self) -> Option<&str> {
        self.0.field.as_deref()
    }

    /// Facts added on the way up, in the order they were added.
    pub fn context(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0
            .context
            .iter()
            .map(|(key, value)| (*key, value.as_str()))
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0
            .source
            .as_deref()
            .map(|source| source as &(dyn std::error::Error + 'static))
    }
}
