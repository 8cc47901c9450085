//! One reply to the question for a promise, told apart. It does not decide what comes next.

use std::time::Duration;

use bytes::Bytes;
use gimmal_transport::{Error, ErrorKind};
use gimmal_types::tinker::{QueueState, RequestErrorCategory};
use http::StatusCode;
use http::header::CONTENT_TYPE;
use serde::Deserialize;
use serde_json::Value;

const PROTOBUF: &str = "application/x-protobuf";

/// Why a request waits in its queue, as the server says.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueNotice {
    /// The state of the queue.
    pub state: QueueState,
    /// The server's own words.
    pub reason: Option<String>,
    /// When the server wants to be asked again.
    pub retry_after: Option<Duration>,
}

impl QueueNotice {
    /// A notice of this state, without reason.
    pub fn new(state: QueueState) -> Self {
        Self {
            state,
            reason: None,
            retry_after: None,
        }
    }

    /// Sets the server's own words.
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// The notice in a body, wherever it turns up: in a reply of "try again", in that of a 408, in
    /// the refusal of a sample.
    pub fn from_json(body: &[u8]) -> Option<Self> {
        serde_json::from_slice::<Body>(body).ok()?.notice()
    }
}

/// What the server said to the question for a promise.
#[derive(Debug)]
#[non_exhaustive]
pub enum PollReply {
    /// The result, in protobuf.
    Protobuf(Bytes),
    /// The result, in JSON.
    Json(Bytes),
    /// Not yet.
    TryAgain(QueueNotice),
    /// Not yet, and not a word about the queue.
    Pending,
    /// The result is there and has this many bytes; ask for it again when there is room.
    Metadata {
        /// The size of the result.
        bytes: u64,
    },
    /// The work failed.
    Failed {
        /// What the server says.
        message: String,
        /// Whose fault it is.
        category: RequestErrorCategory,
    },
    /// The question itself failed: a status that is no success, no connection, no time left.
    Refused {
        /// What happened.
        error: Error,
        /// What a 408 says about the queue.
        notice: Option<QueueNotice>,
    },
}

#[derive(Default, Deserialize)]
struct Body {
    #[serde(rename = "type")]
    kind: Option<String>,
    status: Option<String>,
    queue_state: Option<QueueState>,
    queue_state_reason: Option<String>,
    retry_after_ms: Option<u64>,
    response_payload_size: Option<Value>,
    error: Option<Value>,
    message: Option<String>,
    category: Option<String>,
    result: Option<Value>,
}

impl Body {
    fn notice(&self) -> Option<QueueNotice> {
        Some(QueueNotice {
            state: self.queue_state.clone()?,
            reason: self.queue_state_reason.clone(),
            retry_after: self.retry_after_ms.map(Duration::from_millis),
        })
    }

    /// The failure in the forms that servers have used: an `error` that is a text, or an object
    /// with message and category.
    fn failure(&self) -> (String, RequestErrorCategory) {
        let inner = self.error.as_ref();
        let text = |name| inner.and_then(|error| error.get(name)?.as_str());
        let message = inner
            .and_then(Value::as_str)
            .or_else(|| text("message"))
            .or(self.message.as_deref())
            .unwrap_or("the server gives no reason");
        let category = self.category.as_deref().or_else(|| text("category"));
        (
            message.to_owned(),
            category.unwrap_or("unknown").trim().into(),
        )
    }
}

impl PollReply {
    /// Reads a successful reply.
    ///
    /// What cannot be read is the error; its kind is
    /// [`Decode`](gimmal_transport::ErrorKind::Decode).
    pub fn read(content_type: Option<&str>, body: Bytes) -> Self {
        if content_type.is_some_and(|kind| kind.contains(PROTOBUF)) {
            return Self::Protobuf(body);
        }
        // Results differ; only the members that make it something else than a result are looked at.
        let envelope = match serde_json::from_slice::<Value>(&body) {
            Ok(value) if value.is_object() => serde_json::from_value(value).unwrap_or_default(),
            Ok(_) => Body::default(),
            Err(source) => {
                let error = Error::decode(source, body);
                return Self::Refused {
                    error,
                    notice: None,
                };
            }
        };
        Self::told_apart(envelope, body)
    }

    fn told_apart(envelope: Body, body: Bytes) -> Self {
        if envelope.kind.as_deref() == Some("try_again") {
            let notice = envelope.notice();
            return notice.map_or(Self::Pending, Self::TryAgain);
        }
        match envelope.status.as_deref() {
            Some("pending") => return Self::Pending,
            Some("complete_metadata") => {
                let size = envelope.response_payload_size.as_ref();
                let bytes = size.and_then(Value::as_u64).unwrap_or_default();
                return Self::Metadata { bytes };
            }
            Some("completed") if envelope.result.is_some() => {
                return Self::Json(envelope.result.unwrap_or_default().to_string().into());
            }
            _ => {}
        }
        if envelope.error.is_some() || envelope.status.as_deref() == Some("failed") {
            let (message, category) = envelope.failure();
            return Self::Failed { message, category };
        }
        Self::Json(body)
    }

    /// Reads the outcome of a call: a reply with its headers, or the error instead of one.
    pub fn of_call(outcome: Result<gimmal_transport::Response<Bytes>, Error>) -> Self {
        match outcome {
            Ok(reply) => {
                let kind = reply.headers().get(CONTENT_TYPE);
                let kind = kind.and_then(|kind| kind.to_str().ok()).map(str::to_owned);
                Self::read(kind.as_deref(), reply.into_body())
            }
            Err(error) => Self::of_error(error),
        }
    }

    fn of_error(error: Error) -> Self {
        let late = error.status() == Some(StatusCode::REQUEST_TIMEOUT);
        let said = error.payload().filter(|_| late);
        let notice = said.and_then(|body| QueueNotice::from_json(body));
        Self::Refused { error, notice }
    }

    /// True when the reply is a result.
    pub fn is_result(&self) -> bool {
        matches!(self, Self::Protobuf(_) | Self::Json(_))
    }

    /// True when the question did not reach the server, or its answer did not reach us, be it that
    /// a good one broke off.
    pub(crate) fn is_unreachable(error: &Error) -> bool {
        error.status().is_none_or(|status| status.is_success())
            && matches!(
                error.kind(),
                ErrorKind::Connect
                    | ErrorKind::Io
                    | ErrorKind::Timeout
                    | ErrorKind::StreamInterrupted
            )
    }
}
