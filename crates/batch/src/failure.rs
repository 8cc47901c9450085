//! Why an item has no output.

use std::fmt;

use gimmal_client::{Error, ErrorKind};
use serde::{Deserialize, Serialize};

use super::Usage;

/// A failed item.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct Failure {
    /// What sort of failure.
    pub kind: FailureKind,
    /// What happened, for a person.
    pub message: String,
    /// The HTTP status, when the service answered.
    pub status: Option<u16>,
    /// Requests on the wire.
    pub attempts: u32,
    /// Tokens of a reply that could not be used, which are billed all the same.
    pub usage: Usage,
    /// True when every other item would fail the same way, so that the run should stop.
    pub is_fatal: bool,
}

/// Sorts of failures; stable names in output files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FailureKind {
    /// The credentials are wrong.
    Authentication,
    /// The service refused the request.
    Rejected,
    /// Too many requests, and waiting did not help.
    RateLimited,
    /// A quota that waiting does not refill soon.
    QuotaExhausted,
    /// The service failed.
    Server,
    /// A time limit passed.
    Timeout,
    /// No connection, or it broke.
    Connection,
    /// The reply could not be read.
    Decode,
    /// The service withheld the reply.
    Blocked,
    /// The reply holds no text.
    EmptyReply,
    /// The strategy panicked.
    Panicked,
    /// Anything else.
    #[serde(other)]
    Other,
}

impl FailureKind {
    /// The stable name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authentication => "authentication",
            Self::Rejected => "rejected",
            Self::RateLimited => "rate_limited",
            Self::QuotaExhausted => "quota_exhausted",
            Self::Server => "server",
            Self::Timeout => "timeout",
            Self::Connection => "connection",
            Self::Decode => "decode",
            Self::Blocked => "blocked",
            Self::EmptyReply => "empty_reply",
            Self::Panicked => "panicked",
            Self::Other => "other",
        }
    }
}

impl fmt::Display for FailureKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Failure {
    /// A failure of this sort that cost no request.
    pub fn new(kind: FailureKind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            status: None,
            attempts: 0,
            usage: Usage::default(),
            is_fatal: false,
        }
    }

    /// The same, after so many requests.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// The same, after a reply that took so many tokens.
    #[must_use]
    pub fn with_usage(mut self, usage: Usage) -> Self {
        self.usage = usage;
        self
    }

    /// The same, as a reason to stop the run.
    #[must_use]
    pub fn fatal(mut self) -> Self {
        self.is_fatal = true;
        self
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let status = error.status().map(|status| status.as_u16());
        let kind = match error.kind() {
            _ if error.is_authentication() => FailureKind::Authentication,
            ErrorKind::Invalid | ErrorKind::Config => FailureKind::Rejected,
            ErrorKind::RateLimited | ErrorKind::RetryDelayTooLong => FailureKind::RateLimited,
            ErrorKind::QuotaExhausted => FailureKind::QuotaExhausted,
            ErrorKind::Timeout => FailureKind::Timeout,
            ErrorKind::Connect | ErrorKind::Io | ErrorKind::StreamInterrupted => {
                FailureKind::Connection
            }
            ErrorKind::Decode | ErrorKind::ResponseTooLarge => FailureKind::Decode,
            ErrorKind::Status if status.is_some_and(|status| status >= 500) => FailureKind::Server,
            ErrorKind::Status => FailureKind::Rejected,
            _ => FailureKind::Other,
        };
        // A wrong key, a model that is not there and a request that cannot even be sent are the
        // same for every item.
        let is_fatal = kind == FailureKind::Authentication
            || status == Some(404)
            || matches!(error.kind(), ErrorKind::Invalid | ErrorKind::Config);
        let attempts = u32::try_from(error.attempts().len()).unwrap_or(u32::MAX);
        Self {
            kind,
            message: error.to_string(),
            status,
            attempts,
            usage: Usage::default(),
            is_fatal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_have_one_name_everywhere() {
        for kind in [
            FailureKind::RateLimited,
            FailureKind::EmptyReply,
            FailureKind::Other,
        ] {
            let json = serde_json::to_string(&kind).unwrap();
            assert_eq!(json, format!("\"{kind}\""));
        }
        let later: FailureKind = serde_json::from_str("\"solar_flare\"").unwrap();
        assert_eq!(later, FailureKind::Other);
    }

    #[test]
    fn a_bad_argument_is_a_rejection() {
        let failure = Failure::from(Error::invalid("model", "must not be empty"));
        assert_eq!(failure.kind, FailureKind::Rejected);
        assert!(failure.is_fatal, "every item would be refused alike");
    }
}
