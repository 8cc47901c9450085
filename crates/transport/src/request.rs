//! A request before anything is known about where or how often it is sent. Its body is bytes, so
//! that every attempt can send the same one; it knows nothing of credentials or of retries beyond
//! whether repeating it is safe.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::Serialize;
use url::Url;

use crate::error::Error;
use crate::observe::CallAttributes;
use crate::redact::HeaderNames;

/// A request to send, replayable by construction.
///
/// ```
/// use bytes::Bytes;
/// use gimmal_transport::{Idempotency, Request};
/// use http::Method;
/// use url::Url;
///
/// let request = Request::new(Method::POST, Url::parse("https://example.com/v1/echo")?)
///     .with_json_body(Bytes::from_static(b"{}"))
///     .with_idempotency(Idempotency::Idempotent);
/// assert_eq!(request.headers()["content-type"], "application/json");
/// # Ok::<(), url::ParseError>(())
/// ```
#[derive(Clone)]
#[must_use = "a request does nothing until it is sent"]
pub struct Request {
    method: Method,
    url: Url,
    headers: HeaderMap,
    body: Bytes,
    idempotency: Idempotency,
    attributes: Option<Arc<CallAttributes>>,
}

/// Whether sending a request twice has the effect of sending it once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Idempotency {
    /// Repeating it is safe, so it may be retried after any temporary failure.
    Idempotent,
    /// Repeating it may repeat its effect, so it is retried only when it never left.
    NotIdempotent,
}

impl Idempotency {
    /// What the method promises: POST, PATCH and CONNECT are not idempotent, the others are.
    pub fn of_method(method: &Method) -> Self {
        match *method {
            Method::GET
            | Method::HEAD
            | Method::PUT
            | Method::DELETE
            | Method::OPTIONS
            | Method::TRACE => Self::Idempotent,
            _ => Self::NotIdempotent,
        }
    }
}

impl Request {
    /// A request without headers and body; its idempotency follows from the method.
    pub fn new(method: Method, url: Url) -> Self {
        Self {
            idempotency: Idempotency::of_method(&method),
            method,
            url,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            attributes: None,
        }
    }

    /// Writes `value` as JSON into the body and sets the content type `application/json`.
    ///
    /// ```
    /// use gimmal_transport::Request;
    /// use http::Method;
    /// use url::Url;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let request = Request::new(Method::POST, Url::parse("https://example.com/v1/echo")?)
    ///     .with_json(&serde_json::json!({"text": "hello"}))?;
    /// assert_eq!(request.body(), r#"{"text":"hello"}"#);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// It fails for what JSON cannot say, such as a map whose keys are lists.
    pub fn with_json<T: Serialize + ?Sized>(self, value: &T) -> Result<Self, Error> {
        let body = serde_json::to_vec(value).map_err(|source| {
            Error::invalid("body", "it cannot be written as JSON").with_source(source)
        })?;
        Ok(self.with_json_body(body.into()))
    }

    /// Sets a body that is JSON already, and the content type `application/json`.
    pub fn with_json_body(self, body: Bytes) -> Self {
        self.with_body(body)
            .with_header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
    }

    /// Sets the body and leaves the content type to the caller.
    pub fn with_body(mut self, body: Bytes) -> Self {
        self.body = body;
        self
    }

    /// Sets a header, replacing an earlier value.
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Says whether repeating the request is safe, where the method alone does not tell.
    pub fn with_idempotency(mut self, idempotency: Idempotency) -> Self {
        self.idempotency = idempotency;
        self
    }

    /// Says what the request asks of a model, for logs, events and traces; what the options of the
    /// call say wins.
    pub fn with_attributes(mut self, attributes: impl Into<Arc<CallAttributes>>) -> Self {
        self.attributes = Some(attributes.into());
        self
    }

    /// What the request asks of a model, if somebody said so.
    pub fn attributes(&self) -> Option<&Arc<CallAttributes>> {
        self.attributes.as_ref()
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The address, query included.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The headers set on the request itself.
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The body; empty for none.
    pub fn body(&self) -> &Bytes {
        &self.body
    }

    /// Whether repeating the request is safe.
    pub fn idempotency(&self) -> Idempotency {
        self.idempotency
    }
}

/// Shows no query, no header values and no body: any of them may hold a secret or a prompt.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("host", &self.url.host_str())
            .field("path", &self.url.path())
            .field("headers", &HeaderNames(&self.headers))
            .field("body", &format_args!("{} bytes", self.body.len()))
            .field("idempotency", &self.idempotency)
            .field("attributes", &self.attributes)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use test_case::test_case;

    use super::*;

    #[test_case(Method::GET, Idempotency::Idempotent)]
    #[test_case(Method::PUT, Idempotency::Idempotent)]
    #[test_case(Method::DELETE, Idempotency::Idempotent)]
    #[test_case(Method::POST, Idempotency::NotIdempotent)]
    #[test_case(Method::PATCH, Idempotency::NotIdempotent)]
    fn idempotency_follows_the_method(method: Method, expected: Idempotency) {
        let url = Url::parse("http://localhost/").unwrap();
        assert_eq!(Request::new(method, url).idempotency(), expected);
    }

    #[test]
    fn what_json_cannot_say_is_an_error_that_names_the_body() {
        let url = Url::parse("http://localhost/").unwrap();
        let error = Request::new(Method::POST, url)
            .with_json(&BTreeMap::from([([1, 2], 3)]))
            .unwrap_err();
        assert_eq!(error.field(), Some("body"));
        assert!(error.to_string().contains("cannot be written as JSON"));
    }

    #[test]
    fn debug_hides_query_header_values_and_body() {
        let url = Url::parse("http://localhost/path?key=QUERY").unwrap();
        let request = Request::new(Method::POST, url)
            .with_json_body(Bytes::from_static(b"PROMPT"))
            .with_header(
                HeaderName::from_static("x-secret"),
                HeaderValue::from_static("VALUE"),
            );
        let debug = format!("{request:?}");
        for hidden in ["QUERY", "PROMPT", "VALUE"] {
            assert!(!debug.contains(hidden), "{debug}");
        }
        assert!(debug.contains("6 bytes") && debug.contains("x-secret"));
    }
}
