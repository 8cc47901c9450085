//! What a call is refused with: a status and a `detail`, as web frameworks of the service's kind give
//! it. Which refusal applies is decided elsewhere.

use http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::reply::Reply;

/// A refusal, before it becomes a reply.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    status: StatusCode,
    detail: Value,
    /// Whether a fresh token would be let in.
    stale_token: bool,
}

impl Refusal {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self {
            status,
            detail: Value::String(detail.into()),
            stale_token: false,
        }
    }

    pub(crate) fn bad_request(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }

    pub(crate) fn unauthorized(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, detail)
    }

    /// A token that has run out, or was never good.
    pub(crate) fn invalid_token(detail: impl Into<String>) -> Self {
        Self {
            stale_token: true,
            ..Self::unauthorized(detail)
        }
    }

    pub(crate) fn not_found(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }

    pub(crate) fn conflict(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, detail)
    }

    pub(crate) fn gone(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::GONE, detail)
    }

    pub(crate) fn too_many(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, detail)
    }

    /// A field that is missing, unknown or of the wrong kind.
    pub(crate) fn invalid(field: &str, message: impl Into<String>) -> Self {
        let place = if field.is_empty() {
            json!(["body"])
        } else {
            json!(["body", field])
        };
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            detail: json!([{ "loc": place, "msg": message.into(), "type": "value_error" }]),
            stale_token: false,
        }
    }

    pub(crate) fn to_reply(&self) -> Reply {
        let mut reply = Reply::json(self.status, &json!({ "detail": self.detail }));
        if self.status == StatusCode::INSUFFICIENT_STORAGE {
            // A disk that is full stays so for as long as anyone would ask again.
            let never = HeaderValue::from_static("false");
            reply.headers.insert("x-should-retry", never);
        }
        if self.stale_token {
            let challenge = HeaderValue::from_static(r#"Bearer error="invalid_token""#);
            reply.headers.insert(header::WWW_AUTHENTICATE, challenge);
        }
        reply
    }
}
