//! The open hook of the pipeline. An interceptor sees each attempt; it cannot reorder the layers,
//! retry or swallow a result.

use std::fmt::Debug;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::error::Error;

/// Code that runs before and after each attempt.
///
/// Both methods are called on the task that makes the call and must not block. Several
/// interceptors run in the order they were added, before and after alike.
///
/// ```
/// use bytes::Bytes;
/// use gimmal_transport::{Attempt, Error, Interceptor};
/// use http::HeaderValue;
///
/// #[derive(Debug)]
/// struct NumberAttempts;
///
/// impl Interceptor for NumberAttempts {
///     fn before_attempt(
///         &self,
///         attempt: &Attempt,
///         request: &mut http::Request<Bytes>,
///     ) -> Result<(), Error> {
///         let number = HeaderValue::from(attempt.number());
///         request.headers_mut().insert("x-attempt", number);
///         Ok(())
///     }
/// }
/// ```
pub trait Interceptor: Debug + Send + Sync + 'static {
    /// Runs when the request is complete, credentials included, and about to be sent.
    ///
    /// An error takes the place of the attempt's result and is classified like one. When a token
    /// is refused and replaced, this runs again for the request that goes out in the same attempt.
    fn before_attempt(
        &self,
        attempt: &Attempt,
        request: &mut http::Request<Bytes>,
    ) -> Result<(), Error> {
        let _ = (attempt, request);
        Ok(())
    }

    /// Runs when the attempt is over, whatever its result.
    fn after_attempt(&self, attempt: &Attempt, result: Result<&ReplyHead<'_>, &Error>) {
        let _ = (attempt, result);
    }
}

/// Tells the server in a header how often the request was retried before: 0, 1, 2, ….
///
/// ```
/// use std::sync::Arc;
/// use gimmal_transport::{RetryCountHeader, Transport};
/// use http::HeaderName;
///
/// # fn main() -> Result<(), gimmal_transport::Error> {
/// let name = HeaderName::from_static("x-stainless-retry-count");
/// let transport = Transport::builder()
///     .with_interceptor(Arc::new(RetryCountHeader::new(name)))
///     .build()?;
/// # let _ = transport;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RetryCountHeader {
    name: HeaderName,
}

impl RetryCountHeader {
    /// Sends the count under this name.
    pub fn new(name: HeaderName) -> Self {
        Self { name }
    }
}

impl Interceptor for RetryCountHeader {
    fn before_attempt(
        &self,
        attempt: &Attempt,
        request: &mut http::Request<Bytes>,
    ) -> Result<(), Error> {
        let count = HeaderValue::from(attempt.number().saturating_sub(1));
        request.headers_mut().insert(self.name.clone(), count);
        Ok(())
    }
}

/// Which attempt of its call this is.
#[derive(Clone, Copy, Debug)]
pub struct Attempt {
    pub(crate) number: u32,
    pub(crate) started_after: Duration,
}

impl Attempt {
    /// The number of the attempt; the first one is 1.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Time from the start of the call to the start of this attempt.
    pub fn started_after(&self) -> Duration {
        self.started_after
    }
}

/// The head of a successful reply, as interceptors see it.
#[derive(Debug)]
pub struct ReplyHead<'a> {
    pub(crate) status: StatusCode,
    pub(crate) headers: &'a HeaderMap,
    pub(crate) took: Duration,
}

impl ReplyHead<'_> {
    /// The status; always a success (2xx).
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers as the server sent them.
    pub fn headers(&self) -> &HeaderMap {
        self.headers
    }

    /// Duration of the attempt: to the last byte when buffered, to the headers when streamed.
    pub fn took(&self) -> Duration {
        self.took
    }
}
