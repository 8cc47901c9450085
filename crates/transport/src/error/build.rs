//! How errors come to be: one constructor per situation, each of which fixes the kind, whether a
//! retry may help and how far the request came.

use std::io;
use std::num::NonZeroU32;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use gimmal_types::InvalidInput;
use gimmal_types::rpc::Status;
use http::{HeaderMap, Method, StatusCode};
use url::Url;

use crate::circuit::{CircuitOpen, Throttled};
use crate::error::opaque::Inner;
use crate::error::predicates::blames_credentials;
use crate::error::{
    AttemptRecord, BoxError, CloseCode, Delivery, Error, ErrorKind, PAYLOAD_LIMIT, Persistence,
    TimeoutKind,
};
use crate::redact;
use crate::retry::{StopReason, hint};

impl Error {
    fn new(
        kind: ErrorKind,
        persistence: Persistence,
        delivery: Delivery,
        message: impl Into<String>,
    ) -> Self {
        Self(Box::new(Inner {
            kind,
            message: message.into(),
            persistence,
            delivery,
            status: None,
            headers: None,
            payload: None,
            rpc_status: None,
            retry_after: None,
            timeout: None,
            bytes_received: None,
            close: None,
            field: None,
            attempts: Vec::new(),
            request: None,
            context: Vec::new(),
            source: None,
        }))
    }

    /// An argument is wrong; `message` says how to fix it.
    pub fn invalid(field: impl Into<String>, message: impl Into<String>) -> Self {
        let mut error = Self::new(
            ErrorKind::Invalid,
            Persistence::Permanent,
            Delivery::NotSent,
            message,
        );
        error.0.field = Some(field.into());
        error
    }

    /// The client is set up in a way that cannot work.
    pub fn config(message: impl Into<String>) -> Self {
        Self::new(
            ErrorKind::Config,
            Persistence::Permanent,
            Delivery::NotSent,
            message,
        )
    }

    /// The credentials could not be turned into headers; nothing was sent.
    pub fn authentication(message: impl Into<String>) -> Self {
        Self::new(
            ErrorKind::Authentication,
            Persistence::Permanent,
            Delivery::NotSent,
            message,
        )
    }

    /// No token could be obtained; all callers that waited for it share the cause.
    pub(crate) fn token_failed(cause: &Arc<Self>) -> Self {
        let inner = &cause.0;
        let mut error = if inner.kind == ErrorKind::Authentication && inner.status.is_none() {
            Self::authentication(inner.message.clone())
        } else {
            Self::authentication(format!("no token could be obtained: {cause}"))
        };
        error.0.persistence = inner.persistence;
        error.0.retry_after = inner.retry_after;
        error.0.field.clone_from(&inner.field);
        error.with_source(Arc::clone(cause))
    }

    /// The reply could not be read; `payload` is its raw body.
    pub fn decode(source: impl Into<BoxError>, payload: Bytes) -> Self {
        Self::new(
            ErrorKind::Decode,
            Persistence::Permanent,
            Delivery::Answered,
            "reply could not be read",
        )
        .with_payload(payload)
        .with_source(source)
    }

    /// No connection could be made.
    pub fn connect(source: impl Into<BoxError>) -> Self {
        Self::new(
            ErrorKind::Connect,
            Persistence::Temporary,
            Delivery::NotSent,
            "connection could not be made",
        )
        .with_source(source)
    }

    /// The connection failed after the request may have left.
    pub fn io(source: impl Into<BoxError>) -> Self {
        Self::new(
            ErrorKind::Io,
            Persistence::Temporary,
            Delivery::MaybeSent,
            "connection failed",
        )
        .with_source(source)
    }

    /// The time limit `which`, set to `after`, passed.
    pub fn timeout(which: TimeoutKind, after: Duration) -> Self {
        let mut error = Self::new(
            ErrorKind::Timeout,
            Persistence::Temporary,
            Delivery::MaybeSent,
            format!("{which} ({after:?})"),
        );
        error.0.timeout = Some(which);
        error
    }

    /// A streamed reply broke off after `received` bytes of its body.
    pub fn interrupted(received: u64, source: Error) -> Self {
        let mut error = Self::new(
            ErrorKind::StreamInterrupted,
            Persistence::Temporary,
            Delivery::Answered,
            format!("stream broke off after {received} bytes"),
        );
        error.0.bytes_received = Some(received);
        error.0.timeout = source.timeout_kind();
        error.with_source(source)
    }

    /// A connection that speaks both ways was closed for this reason.
    ///
    /// ```
    /// use gimmal_transport::{CloseCode, Error};
    ///
    /// let error = Error::closed(CloseCode::POLICY, "no such model");
    /// assert_eq!(
    ///     error.to_string(),
    ///     "connection was closed: 1008 policy violation: no such model"
    /// );
    /// ```
    pub fn closed(code: CloseCode, reason: impl Into<String>) -> Self {
        let persistence = if code.is_temporary() {
            Persistence::Temporary
        } else {
            Persistence::Permanent
        };
        let mut error = Self::new(
            ErrorKind::Closed,
            persistence,
            Delivery::Answered,
            "connection was closed",
        );
        error.0.close = Some((code, reason.into()));
        error
    }

    /// The reply is larger than `limit` bytes.
    pub fn too_large(limit: usize) -> Self {
        Self::new(
            ErrorKind::ResponseTooLarge,
            Persistence::Permanent,
            Delivery::Answered,
            format!("reply is larger than the limit of {limit} bytes"),
        )
    }

    /// The reply unpacks to more than `ratio` times its size.
    pub(crate) fn unpacks_too_large(ratio: NonZeroU32) -> Self {
        Self::new(
            ErrorKind::ResponseTooLarge,
            Persistence::Permanent,
            Delivery::Answered,
            format!("reply unpacks to more than {ratio} times its size"),
        )
    }

    /// The server answered with a redirect that is not followed.
    pub(crate) fn redirect(message: impl Into<String>) -> Self {
        Self::new(
            ErrorKind::Status,
            Persistence::Permanent,
            Delivery::Answered,
            message,
        )
    }

    /// A circuit breaker let nothing through.
    pub fn circuit_open(refusal: &CircuitOpen) -> Self {
        let mut error = Self::new(
            ErrorKind::CircuitOpen,
            Persistence::Temporary,
            Delivery::NotSent,
            refusal.to_string(),
        );
        error.0.retry_after = refusal.retry_after();
        error
    }

    /// The client itself held the request back, because the server refuses too many.
    pub fn throttled(refusal: &Throttled) -> Self {
        Self::new(
            ErrorKind::Throttled,
            Persistence::Temporary,
            Delivery::NotSent,
            refusal.to_string(),
        )
    }

    /// Calls pause for `remaining`, which is longer than the client may wait.
    pub(crate) fn paused(remaining: Duration) -> Self {
        Self::new(
            ErrorKind::RetryDelayTooLong,
            Persistence::Temporary,
            Delivery::NotSent,
            String::new(),
        )
        .with_retry_after(remaining)
    }

    /// The client itself gave the call up; `message` says why.
    pub fn cancelled(message: impl Into<String>) -> Self {
        Self::new(
            ErrorKind::Cancelled,
            Persistence::Permanent,
            Delivery::MaybeSent,
            message,
        )
    }

    /// A local file could not be worked on; `action` is a verb such as `read`.
    pub fn file(action: &str, path: &Path, source: io::Error) -> Self {
        Self::new(
            ErrorKind::File,
            Persistence::Permanent,
            Delivery::MaybeSent,
            format!("could not {action} `{}`", path.display()),
        )
        .with_source(source)
    }

    /// An upload or download cannot go on as it is; `message` says why.
    pub(crate) fn transfer(message: impl Into<String>) -> Self {
        Self::new(
            ErrorKind::Transfer,
            Persistence::Permanent,
            Delivery::Answered,
            message,
        )
    }

    /// What arrived has another size or digest than it should.
    pub(crate) fn integrity(message: impl Into<String>) -> Self {
        Self::new(
            ErrorKind::Integrity,
            Persistence::Permanent,
            Delivery::Answered,
            message,
        )
    }

    /// Work that outlives a call came to a bad end, as its description says.
    ///
    /// Work that was stopped ([code 1](Status::name)) is [`ErrorKind::Cancelled`].
    pub fn operation_failed(status: Status) -> Self {
        const CANCELLED: &str = "CANCELLED";
        let mut error = if status.name() == Some(CANCELLED) {
            Self::cancelled("the operation was stopped").with_delivery(Delivery::Answered)
        } else {
            Self::new(
                ErrorKind::OperationFailed,
                Persistence::Permanent,
                Delivery::Answered,
                String::new(),
            )
        };
        error.0.rpc_status = Some(status);
        error
    }

    /// The server answered with a status that is not a success.
    ///
    /// A 429 that names a quota per day is [`ErrorKind::QuotaExhausted`] and permanent; 408, 429,
    /// 500, 502, 503 and 504 are temporary, and everything else is permanent, unless the server
    /// says otherwise in `x-should-retry`.
    pub fn from_response(status: StatusCode, headers: HeaderMap, body: Bytes) -> Self {
        let rpc_status = Status::from_error_body(&body);
        let mut error = Self::answered(status, rpc_status).with_payload(body);
        error.0.retry_after = hint::server_delay(&headers, error.rpc_status(), None);
        error.0.headers = Some(headers);
        if error.kind() != ErrorKind::QuotaExhausted {
            match error.retry_advice() {
                Some(true) => error.0.persistence = Persistence::Temporary,
                Some(false) => error.0.persistence = Persistence::Permanent,
                None => {}
            }
        }
        error
    }

    /// The error that a JSON body describes, as it turns up inside a stream that began well.
    ///
    /// Returns `None` when the body is not an error object. The HTTP status is the `code` of the
    /// body, because the real status of such a reply was a success.
    pub fn from_error_body(body: Bytes) -> Option<Self> {
        let rpc_status = Status::from_error_body(&body)?;
        let status = rpc_status
            .code
            .and_then(|code| u16::try_from(code).ok())
            .and_then(|code| StatusCode::from_u16(code).ok())
            .filter(|status| status.is_client_error() || status.is_server_error())
            .unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let mut error = Self::answered(status, Some(rpc_status)).with_payload(body);
        error.0.retry_after = hint::server_delay(&HeaderMap::new(), error.rpc_status(), None);
        Some(error)
    }

    fn answered(status: StatusCode, rpc_status: Option<Status>) -> Self {
        let reason = rpc_status.as_ref().and_then(Status::reason);
        let daily = rpc_status.as_ref().is_some_and(Status::is_daily_quota);
        let (kind, persistence) = match status.as_u16() {
            429 if daily => (ErrorKind::QuotaExhausted, Persistence::Permanent),
            429 => (ErrorKind::RateLimited, Persistence::Temporary),
            408 | 500 | 502 | 503 | 504 => (ErrorKind::Status, Persistence::Temporary),
            _ if blames_credentials(status, reason) => {
                (ErrorKind::Authentication, Persistence::Permanent)
            }
            _ => (ErrorKind::Status, Persistence::Permanent),
        };
        let mut error = Self::new(kind, persistence, Delivery::Answered, String::new());
        error.0.status = Some(status);
        error.0.rpc_status = rpc_status;
        error
    }

    /// Adds a fact that shows in `Debug`. Never put a secret or a prompt here.
    #[must_use]
    pub fn with_context(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.0.context.push((key, value.into()));
        self
    }

    /// Names the argument or the JSON path that the error is about.
    #[must_use]
    pub fn with_field(mut self, field: impl Into<String>) -> Self {
        self.0.field = Some(field.into());
        self
    }

    /// Sets the cause.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.0.source = Some(Arc::from(source.into()));
        self
    }

    /// Sets how far the request came, where the maker of the error knows better.
    #[must_use]
    pub fn with_delivery(mut self, delivery: Delivery) -> Self {
        self.0.delivery = delivery;
        self
    }

    /// Sets whether trying again may help, where the maker of the error knows better.
    #[must_use]
    pub fn with_persistence(mut self, persistence: Persistence) -> Self {
        self.0.persistence = persistence;
        self
    }

    /// Sets how long to wait before trying again.
    #[must_use]
    pub fn with_retry_after(mut self, delay: Duration) -> Self {
        self.0.retry_after = Some(delay);
        self
    }

    /// Says which time limit it was that ended the attempt.
    pub(crate) fn with_timeout_kind(mut self, which: TimeoutKind) -> Self {
        self.0.timeout = Some(which);
        self
    }

    pub(crate) fn with_payload(mut self, payload: Bytes) -> Self {
        // A slice would keep the whole body alive, so a long one is copied.
        self.0.payload = Some(if payload.len() > PAYLOAD_LIMIT {
            Bytes::copy_from_slice(&payload[..PAYLOAD_LIMIT])
        } else {
            payload
        });
        self
    }

    pub(crate) fn with_answer(mut self, status: StatusCode, headers: &HeaderMap) -> Self {
        self.0.status = Some(status);
        self.0.headers = Some(headers.clone());
        self
    }

    pub(crate) fn with_request(mut self, method: &Method, url: &Url) -> Self {
        self.0.request = Some((method.clone(), visible_url(url)));
        self
    }

    /// Takes secrets that the server repeats out of its message, which is shown.
    pub(crate) fn without_secrets(mut self, headers: &HeaderMap) -> Self {
        let message = self
            .0
            .rpc_status
            .as_mut()
            .and_then(|it| it.message.as_mut());
        if let Some(message) = message {
            redact::hide_secrets(message, headers);
        }
        self
    }

    pub(crate) fn with_attempts(mut self, attempts: Vec<AttemptRecord>) -> Self {
        self.0.attempts = attempts;
        self
    }

    /// The error that a call ends with after `attempts` attempts.
    pub(crate) fn given_up(self, attempts: u32, reason: StopReason) -> Self {
        // An error that names the wait is still of use to an outer layer that can wait longer.
        let final_as_it_is = matches!(reason, StopReason::Permanent | StopReason::DelayTooLong);
        let error = if attempts > 1 && !final_as_it_is {
            self.with_persistence(Persistence::Persistent)
        } else {
            self
        };
        error.with_context("stopped_because", reason.to_string())
    }

    /// Turns the server's answer into "the wait it asks for is longer than we may sleep".
    pub(crate) fn into_delay_too_long(mut self, limit: Duration) -> Self {
        self.0.kind = ErrorKind::RetryDelayTooLong;
        self.with_context("max_server_delay", format!("{limit:?}"))
    }
}

impl From<Throttled> for Error {
    fn from(refusal: Throttled) -> Self {
        Self::throttled(&refusal)
    }
}

impl From<InvalidInput> for Error {
    fn from(input: InvalidInput) -> Self {
        Self::invalid(input.field(), input.reason())
    }
}

impl From<CircuitOpen> for Error {
    fn from(refusal: CircuitOpen) -> Self {
        Self::circuit_open(&refusal)
    }
}

/// The address without query, fragment and user information, any of which may hold a secret.
fn visible_url(url: &Url) -> String {
    let mut visible = String::from(url.scheme());
    visible.push_str("://");
    visible.push_str(url.host_str().unwrap_or_default());
    if let Some(port) = url.port() {
        visible.push(':');
        visible.push_str(&port.to_string());
    }
    visible.push_str(url.path());
    visible
}
