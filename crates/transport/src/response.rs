//! A reply with the facts around it. Only successes become a `Response`; failures are errors.

use std::fmt;
use std::time::Duration;

use http::{HeaderMap, StatusCode};

use crate::observe::CallRecorder;
use crate::rate_limit::RateLimitInfo;
use crate::redact::HeaderNames;

/// Headers that servers name a request by, the most specific first.
const REQUEST_ID_HEADERS: [&str; 4] = [
    "x-request-id",
    "x-goog-request-id",
    "request-id",
    "x-guploader-uploadid",
];

/// Headers that servers name the trace of a request in.
const TRACE_ID_HEADERS: [&str; 3] = ["x-cloud-trace-context", "traceresponse", "traceparent"];

/// A successful reply: its body together with status, headers and the number of attempts.
#[derive(Clone)]
pub struct Response<T> {
    parts: ResponseParts,
    body: T,
}

/// Everything of a reply but its body.
#[derive(Clone)]
#[non_exhaustive]
pub struct ResponseParts {
    /// The status; always a success (2xx).
    pub status: StatusCode,
    /// The headers as the server sent them.
    pub headers: HeaderMap,
    /// How many attempts the call took, the successful one included.
    pub attempts: u32,
    /// How long the call took, with all attempts and waits: to the last byte when buffered, to the
    /// headers when streamed.
    pub took: Duration,
    /// Adds what the reply holds to the events and the trace of its call.
    pub recorder: CallRecorder,
}

impl ResponseParts {
    /// Of a reply that nothing was sent for, because it was kept from an earlier call: status 200,
    /// no headers, no attempts and no time.
    ///
    /// ```
    /// use gimmal_transport::ResponseParts;
    ///
    /// assert_eq!(ResponseParts::unsent().attempts, 0);
    /// ```
    pub fn unsent() -> Self {
        Self {
            status: StatusCode::OK,
            headers: HeaderMap::new(),
            attempts: 0,
            took: Duration::ZERO,
            recorder: CallRecorder::default(),
        }
    }

    /// The server's name for the request, to quote in a support case.
    pub fn request_id(&self) -> Option<&str> {
        request_id(&self.headers)
    }

    /// The trace that the server says the request is part of.
    pub fn trace_id(&self) -> Option<&str> {
        trace_id(&self.headers)
    }

    /// What the server says of its limits.
    pub fn rate_limits(&self) -> RateLimitInfo {
        RateLimitInfo::from_headers(&self.headers)
    }
}

impl<T> Response<T> {
    pub(crate) fn with_recorder(mut self, recorder: CallRecorder) -> Self {
        self.parts.recorder = recorder;
        self
    }

    /// Joins parts with a body, for example to replace the body by a value that took an await to
    /// make.
    pub fn from_parts(parts: ResponseParts, body: T) -> Self {
        Self { parts, body }
    }

    /// The status; always a success (2xx).
    pub fn status(&self) -> StatusCode {
        self.parts.status
    }

    /// The headers as the server sent them.
    pub fn headers(&self) -> &HeaderMap {
        &self.parts.headers
    }

    /// Everything but the body.
    pub fn parts(&self) -> &ResponseParts {
        &self.parts
    }

    /// The server's name for the request, to quote in a support case.
    pub fn request_id(&self) -> Option<&str> {
        self.parts.request_id()
    }

    /// The trace that the server says the request is part of.
    pub fn trace_id(&self) -> Option<&str> {
        self.parts.trace_id()
    }

    /// What the server says of its limits.
    pub fn rate_limits(&self) -> RateLimitInfo {
        self.parts.rate_limits()
    }

    /// How many attempts the call took, the successful one included.
    pub fn attempts(&self) -> u32 {
        self.parts.attempts
    }

    /// How long the call took, with all attempts and waits.
    pub fn took(&self) -> Duration {
        self.parts.took
    }

    /// Adds what the reply holds to the events and the trace of its call.
    pub fn recorder(&self) -> &CallRecorder {
        &self.parts.recorder
    }

    /// The body.
    pub fn body(&self) -> &T {
        &self.body
    }

    /// The body, for streams that are read in place.
    pub fn body_mut(&mut self) -> &mut T {
        &mut self.body
    }

    /// The body alone.
    pub fn into_body(self) -> T {
        self.body
    }

    /// The same reply with its body changed.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Response<U> {
        Response {
            parts: self.parts,
            body: change(self.body),
        }
    }

    /// The same reply with its body changed by something that may fail.
    pub fn try_map<U, E>(self, change: impl FnOnce(T) -> Result<U, E>) -> Result<Response<U>, E> {
        Ok(Response {
            body: change(self.body)?,
            parts: self.parts,
        })
    }

    /// Takes the reply apart.
    pub fn into_parts(self) -> (ResponseParts, T) {
        (self.parts, self.body)
    }
}

/// The request id among these headers.
pub(crate) fn request_id(headers: &HeaderMap) -> Option<&str> {
    REQUEST_ID_HEADERS
        .iter()
        .find_map(|name| headers.get(*name)?.to_str().ok())
}

/// The trace among these headers: `TRACE/SPAN;o=1` in Google's form, `00-TRACE-SPAN-01` in that of
/// the W3C.
pub(crate) fn trace_id(headers: &HeaderMap) -> Option<&str> {
    TRACE_ID_HEADERS.iter().find_map(|name| {
        let value = headers.get(*name)?.to_str().ok()?;
        let trace = match *name {
            "x-cloud-trace-context" => value.split(['/', ';']).next(),
            _ => value.split('-').nth(1),
        };
        trace.filter(|trace| !trace.is_empty())
    })
}

/// Shows names of headers only: values such as cookies are secrets.
impl fmt::Debug for ResponseParts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseParts")
            .field("status", &self.status)
            .field("headers", &HeaderNames(&self.headers))
            .field("attempts", &self.attempts)
            .field("took", &self.took)
            .finish()
    }
}

/// Shows no body, which may hold a user's content.
impl<T> fmt::Debug for Response<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Response")
            .field("parts", &self.parts)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response() -> Response<&'static str> {
        let mut headers = HeaderMap::new();
        headers.insert("request-id", "second".parse().unwrap());
        headers.insert("x-request-id", "first".parse().unwrap());
        let parts = ResponseParts {
            status: StatusCode::OK,
            headers,
            attempts: 2,
            took: Duration::ZERO,
            recorder: CallRecorder::default(),
        };
        Response::from_parts(parts, "BODY")
    }

    #[test]
    fn the_most_specific_request_id_wins() {
        assert_eq!(response().request_id(), Some("first"));
    }

    #[test]
    fn traces_are_read_in_both_forms() {
        let trace = |name: &'static str, value: &str| {
            let headers = HeaderMap::from_iter([(
                http::HeaderName::from_static(name),
                value.parse().unwrap(),
            )]);
            trace_id(&headers).map(str::to_owned)
        };
        let id = "4bf92f3577b34da6a3ce929d0e0e4736";
        for (name, value) in [
            ("x-cloud-trace-context", format!("{id}/123;o=1")),
            ("x-cloud-trace-context", id.to_owned()),
            ("traceparent", format!("00-{id}-00f067aa0ba902b7-01")),
            ("traceresponse", format!("00-{id}-00f067aa0ba902b7-01")),
        ] {
            assert_eq!(trace(name, &value).as_deref(), Some(id), "{name}: {value}");
        }
        assert_eq!(trace("traceparent", "odd"), None);
        assert_eq!(trace("x-cloud-trace-context", ""), None);
    }

    #[test]
    fn map_keeps_the_parts() {
        let mapped = response().map(str::len);
        assert_eq!((*mapped.body(), mapped.attempts()), (4, 2));
        assert_eq!(mapped.request_id(), Some("first"));
        let failed = response().try_map(|body| body.parse::<u32>());
        assert!(failed.is_err());
    }

    #[test]
    fn debug_hides_body_and_header_values() {
        let debug = format!("{:?}", response());
        assert!(
            !debug.contains("BODY") && !debug.contains("first"),
            "{debug}"
        );
    }
}
