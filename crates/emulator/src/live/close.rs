//! Why the server closes a connection: a code and a reason, as the service gives them.

use crate::gemini::errors::ApiError;

/// The longest reason a close frame has room for (RFC 6455, section 5.5).
const MOST_REASON_BYTES: usize = 123;

/// The end of a connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Close {
    pub(super) code: u16,
    pub(super) reason: String,
}

impl Close {
    pub(super) fn new(code: u16, reason: impl Into<String>) -> Self {
        let mut reason: String = reason.into();
        let mut end = reason.len().min(MOST_REASON_BYTES);
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        reason.truncate(end);
        Self { code, reason }
    }

    /// The client has closed; there is nothing to say.
    pub(super) fn answered() -> Self {
        Self::new(1000, "")
    }

    /// The server stops.
    pub(super) fn stopping() -> Self {
        Self::new(1001, "")
    }

    /// The connection has been open for as long as one may be.
    pub(super) fn over() -> Self {
        Self::new(1011, "Deadline expired before operation could complete.")
    }

    /// A message that does not fit in where it comes.
    pub(super) fn invalid(reason: impl Into<String>) -> Self {
        Self::new(1007, reason)
    }

    /// Against the rules.
    pub(super) fn policy(reason: impl Into<String>) -> Self {
        Self::new(1008, reason)
    }
}

/// A refusal on a socket: 1007 for what is not understood, 1008 for who and what is not admitted,
/// 1011 for what is too much or has failed.
impl From<ApiError> for Close {
    fn from(error: ApiError) -> Self {
        let code = match error.code() {
            400 => 1007,
            401 | 403 | 404 => 1008,
            _ => 1011,
        };
        Self::new(code, error.message())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_have_codes_and_reasons_that_fit() {
        let invalid = Close::from(ApiError::invalid_argument("é".repeat(100)));
        assert_eq!((invalid.code, invalid.reason.len()), (1007, 122));
        assert_eq!(Close::from(ApiError::not_found("x")).code, 1008);
        assert_eq!(Close::from(ApiError::resource_exhausted("x")).code, 1011);
        assert_eq!(Close::from(ApiError::unavailable()).code, 1011);
    }
}
