//! Categories of the client's own errors, by status first.

use gimmal_client::{Error, ErrorKind};
use serde_json::Value;

use super::super::Category;
use super::text;

/// The category of a status that is an error, 429 and lost caches apart.
pub(super) fn of_status(status: u16) -> Category {
    match status {
        401 => Category::Authentication,
        402 => Category::InsufficientBalance,
        403 => Category::PermissionDenied,
        413 => Category::RequestTooLarge,
        408 | 425 | 500 | 502 => Category::ServerError,
        503 | 529 => Category::ServerOverload,
        499 | 504 => Category::ServerTimeout,
        400..=499 => Category::ClientError,
        _ => Category::ApiError,
    }
}

/// What an error of the client means.
pub(crate) fn of_client_error(error: &Error) -> Category {
    let status = error.status().map(|status| status.as_u16());
    let message = error.to_string();
    if status.is_some() && text::is_cache_gone(status, &message) {
        return Category::CacheExpired;
    }
    match (error.kind(), status) {
        (ErrorKind::QuotaExhausted, _) if is_daily(error) => Category::QuotaExhausted,
        (ErrorKind::RateLimited | ErrorKind::QuotaExhausted, _) | (_, Some(429)) => {
            text::of_429(&body_of(error, message))
        }
        // A 400 may blame the key as well; a 403 has a name of its own.
        (ErrorKind::Authentication, status) if status != Some(403) => Category::Authentication,
        (_, Some(status)) if status >= 400 => of_status(status),
        (ErrorKind::RetryDelayTooLong, _) => Category::RateLimit,
        (ErrorKind::Timeout, _) => Category::ApiTimeout,
        (ErrorKind::Connect | ErrorKind::Io | ErrorKind::StreamInterrupted, _) => {
            Category::ConnectionError
        }
        (ErrorKind::CircuitOpen | ErrorKind::Throttled, _) => Category::ServerOverload,
        (ErrorKind::Invalid | ErrorKind::Config | ErrorKind::File, _) => Category::LogicError,
        (ErrorKind::Decode | ErrorKind::ResponseTooLarge, _) => Category::ApiError,
        _ => Category::Unknown,
    }
}

/// True unless the refusal also names a quota that refills sooner than tomorrow.
fn is_daily(error: &Error) -> bool {
    let body = error.payload().map(|body| &body[..]).unwrap_or_default();
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let details = body["error"]["details"].as_array();
    let mut violations = details
        .into_iter()
        .flatten()
        .filter_map(|detail| detail["violations"].as_array())
        .flatten();
    violations.all(|violation| {
        let id = violation["quotaId"].as_str().unwrap_or_default();
        id.to_lowercase().contains("perday")
    })
}

/// The body of a refusal, or else what the error says of it.
fn body_of(error: &Error, message: String) -> String {
    let body = error
        .payload()
        .map(|body| String::from_utf8_lossy(body).into_owned());
    body.unwrap_or(message)
}
