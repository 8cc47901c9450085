//! What can be told about calls, as one open set of events. An event is facts only: no header, no
//! body, no text of the server, and addresses without the values of their query.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::{Method, StatusCode};

use crate::circuit::CircuitEvent;
use crate::error::ErrorKind;
use crate::observe::{AttributeValue, CallAttributes, ReplyAttributes};
use crate::redact::RedactedUrl;
use crate::request::Request;
use crate::retry::StopReason;

/// Something that happened.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Event {
    /// A call has begun.
    #[non_exhaustive]
    CallStarted {
        /// The call.
        call: Arc<CallInfo>,
    },
    /// An attempt could not be made at once and waited for leave.
    #[non_exhaustive]
    Held {
        /// The call.
        call: Arc<CallInfo>,
        /// What held it back.
        gate: Gate,
        /// How long.
        waited: Duration,
    },
    /// An attempt begins.
    #[non_exhaustive]
    AttemptStarted {
        /// The call.
        call: Arc<CallInfo>,
        /// The number of the attempt; the first one is 1.
        attempt: u32,
    },
    /// An attempt has failed.
    #[non_exhaustive]
    AttemptFailed {
        /// The call.
        call: Arc<CallInfo>,
        /// The number of the attempt; the first one is 1.
        attempt: u32,
        /// How long it took.
        took: Duration,
        /// How it failed.
        kind: ErrorKind,
        /// The status the server answered with, if it did.
        status: Option<StatusCode>,
        /// What the call does now.
        next: NextStep,
    },
    /// An attempt has succeeded: its reply is read, or its head is here when it is streamed.
    #[non_exhaustive]
    AttemptSucceeded {
        /// The call.
        call: Arc<CallInfo>,
        /// The number of the attempt; the first one is 1.
        attempt: u32,
        /// How long it took.
        took: Duration,
        /// The status the server answered with.
        status: StatusCode,
    },
    /// The first bytes of a streamed reply were handed on.
    #[non_exhaustive]
    FirstByte {
        /// The call.
        call: Arc<CallInfo>,
        /// Time since the call began.
        after: Duration,
    },
    /// A call is over: answered to the last byte, failed or dropped.
    #[non_exhaustive]
    CallFinished {
        /// The call.
        call: Arc<CallInfo>,
        /// How it ended.
        outcome: CallOutcome,
        /// The last status the server answered with.
        status: Option<StatusCode>,
        /// How many attempts were made.
        attempts: u32,
        /// How long it took, waits included.
        took: Duration,
        /// Bytes of the reply's body that were handed on.
        bytes: u64,
    },
    /// The reply was understood or refused by the caller. It comes when the caller lets go of the
    /// reply, and only if something was recorded.
    #[non_exhaustive]
    ReplyRead {
        /// The call.
        call: Arc<CallInfo>,
        /// What the reply holds.
        reply: ReplyAttributes,
        /// Why the reply is of no use, though it arrived.
        error: Option<ErrorKind>,
    },
    /// A circuit breaker has changed its state. It belongs to no call.
    #[non_exhaustive]
    CircuitChanged {
        /// The change.
        change: CircuitEvent,
    },
    /// An event of a layer above.
    #[non_exhaustive]
    Custom {
        /// Its name, in dotted form.
        name: Cow<'static, str>,
        /// Its facts.
        attributes: Vec<(&'static str, AttributeValue)>,
    },
}

impl Event {
    /// An event of a layer above, to be sent with [`EventBus::emit`](crate::EventBus::emit).
    pub fn custom(
        name: impl Into<Cow<'static, str>>,
        attributes: Vec<(&'static str, AttributeValue)>,
    ) -> Self {
        Self::Custom {
            name: name.into(),
            attributes,
        }
    }

    /// The event's name, in dotted form.
    pub fn name(&self) -> &str {
        match self {
            Self::CallStarted { .. } => "gimmal.call.started",
            Self::Held { .. } => "gimmal.call.held",
            Self::AttemptStarted { .. } => "gimmal.attempt.started",
            Self::AttemptFailed { .. } => "gimmal.attempt.failed",
            Self::AttemptSucceeded { .. } => "gimmal.attempt.succeeded",
            Self::FirstByte { .. } => "gimmal.call.first_byte",
            Self::CallFinished { .. } => "gimmal.call.finished",
            Self::ReplyRead { .. } => "gimmal.reply.read",
            Self::CircuitChanged { .. } => "gimmal.circuit.changed",
            Self::Custom { name, .. } => name,
        }
    }
}

/// The call an event belongs to.
#[derive(Clone, Debug)]
pub struct CallInfo {
    id: u64,
    method: Method,
    server_address: String,
    server_port: Option<u16>,
    url: String,
    streamed: bool,
    attributes: Option<Arc<CallAttributes>>,
}

impl CallInfo {
    pub(crate) fn new(
        request: &Request,
        streamed: bool,
        attributes: Option<Arc<CallAttributes>>,
    ) -> Self {
        static NEXT_ID: AtomicU64 = AtomicU64::new(1);
        let url = request.url();
        Self {
            id: NEXT_ID.fetch_add(1, Ordering::Relaxed),
            method: request.method().clone(),
            server_address: url.host_str().unwrap_or_default().to_owned(),
            server_port: url.port_or_known_default(),
            url: RedactedUrl(url).to_string(),
            streamed,
            attributes,
        }
    }

    /// A number that no other call of this process has.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// The host (`server.address`).
    pub fn server_address(&self) -> &str {
        &self.server_address
    }

    /// The port (`server.port`).
    pub fn server_port(&self) -> Option<u16> {
        self.server_port
    }

    /// The address without user, fragment and values of the query (`url.full`).
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Whether the reply is handed on as it arrives.
    pub fn streamed(&self) -> bool {
        self.streamed
    }

    /// What the caller said about the call.
    pub fn attributes(&self) -> Option<&CallAttributes> {
        self.attributes.as_deref()
    }
}

/// What holds an attempt back before it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Gate {
    /// Too many calls are in flight.
    Concurrency,
    /// The rate of requests or tokens is used up.
    RateLimit,
    /// The server asked for a pause.
    Pause,
}

impl Gate {
    /// The gate's name, as logs and traces have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Concurrency => "concurrency",
            Self::RateLimit => "rate_limit",
            Self::Pause => "pause",
        }
    }
}

/// What a call does after an attempt has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NextStep {
    /// It tries again after this time.
    Retry(Duration),
    /// It ends with the error.
    GiveUp(StopReason),
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CallOutcome {
    /// The reply was handed on to its last byte.
    Succeeded,
    /// It failed.
    Failed(ErrorKind),
    /// The caller dropped the call or the stream before its end.
    Dropped,
}

/// The value of `error.type`: the status where there is one, the kind of the error elsewhere.
pub(crate) fn error_type(kind: ErrorKind, status: Option<StatusCode>) -> impl fmt::Display {
    struct ErrorType(ErrorKind, Option<StatusCode>);

    impl fmt::Display for ErrorType {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            match self.1 {
                Some(status) => f.write_str(status.as_str()),
                None => f.write_str(self.0.as_str()),
            }
        }
    }

    // A reply that arrived well and could not be used has a status that says nothing.
    ErrorType(kind, status.filter(|status| !status.is_success()))
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    #[test_case(ErrorKind::RateLimited, Some(429), "429")]
    #[test_case(ErrorKind::Timeout, None, "timeout")]
    #[test_case(ErrorKind::Decode, Some(200), "decode"; "a good status is no error")]
    fn error_type_is_the_status_or_the_kind(kind: ErrorKind, status: Option<u16>, expected: &str) {
        let status = status.map(|status| StatusCode::from_u16(status).unwrap());
        assert_eq!(error_type(kind, status).to_string(), expected);
    }

    #[test]
    fn a_call_shows_no_secret_of_its_address() {
        let url = "https://user:PASS@h.example:8443/v1/x?key=SECRET#frag";
        let request = Request::new(Method::GET, url.parse().unwrap());
        let call = CallInfo::new(&request, false, None);
        assert_eq!(call.url(), "https://h.example:8443/v1/x?key=REDACTED");
        assert_eq!(call.server_address(), "h.example");
        assert_eq!(call.server_port(), Some(8443));
    }
}
