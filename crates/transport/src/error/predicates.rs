//! Yes/no questions about an error, for callers that need no more than that.

use http::StatusCode;

use crate::error::{Error, ErrorKind, TimeoutKind};

/// Reasons of `google.rpc.ErrorInfo` that blame the credentials, beside those named `API_KEY_…`.
const CREDENTIAL_REASONS: [&str; 5] = [
    "CREDENTIALS_MISSING",
    "ACCESS_TOKEN_EXPIRED",
    "ACCESS_TOKEN_TYPE_UNSUPPORTED",
    "ACCOUNT_STATE_INVALID",
    "SESSION_COOKIE_INVALID",
];

impl Error {
    /// A time limit passed, before or within the reply.
    pub fn is_timeout(&self) -> bool {
        self.0.timeout.is_some()
    }

    /// The deadline of the whole call passed, so that asking again is of no use.
    pub fn is_deadline(&self) -> bool {
        self.0.timeout == Some(TimeoutKind::Deadline)
    }

    /// No connection could be made.
    pub fn is_connect(&self) -> bool {
        self.0.kind == ErrorKind::Connect
    }

    /// The server said "too many requests" (429), whether for a moment or for the day.
    pub fn is_rate_limited(&self) -> bool {
        self.0.status == Some(StatusCode::TOO_MANY_REQUESTS)
            || matches!(
                self.0.kind,
                ErrorKind::RateLimited | ErrorKind::QuotaExhausted
            )
    }

    /// A quota per day is used up.
    pub fn is_quota_exhausted(&self) -> bool {
        self.0.kind == ErrorKind::QuotaExhausted
    }

    /// The server answered with a status that is not a success.
    pub fn is_status(&self) -> bool {
        self.0.status.is_some_and(|status| !status.is_success())
    }

    /// The reply arrived and could not be read.
    pub fn is_decode(&self) -> bool {
        self.0.kind == ErrorKind::Decode
    }

    /// The credentials are the problem: 401, or a 400 or 403 whose reason blames the key.
    pub fn is_authentication(&self) -> bool {
        self.0.kind == ErrorKind::Authentication
    }

    /// The client itself gave the call up.
    pub fn is_cancelled(&self) -> bool {
        self.0.kind == ErrorKind::Cancelled
    }
}

/// True when an answer blames the credentials.
pub(super) fn blames_credentials(status: StatusCode, reason: Option<&str>) -> bool {
    match status {
        StatusCode::UNAUTHORIZED => true,
        StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN => reason.is_some_and(|reason| {
            reason.starts_with("API_KEY_") || CREDENTIAL_REASONS.contains(&reason)
        }),
        _ => false,
    }
}
