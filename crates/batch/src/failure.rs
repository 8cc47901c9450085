//! Why an item has no output.

use std::sync::Arc;
use std::time::Duration;

use gimmal_client::Error;

use super::classify::of_client_error;
use super::{Category, Usage};

/// A failed item, or a failed try of one.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
#[non_exhaustive]
pub struct Failure {
    /// What sort of failure.
    pub category: Category,
    /// What happened, for a person.
    pub message: String,
    /// The HTTP status, when the service answered.
    pub status: Option<u16>,
    /// Requests on the wire.
    pub attempts: u32,
    /// Tokens of a reply that could not be used, which are billed all the same; `None` when nobody
    /// knows.
    pub usage: Option<Box<Usage>>,
    /// How long the service asks to be left alone.
    pub retry_after: Option<Duration>,
    /// True when every other item would fail the same way, so that the run should stop.
    pub is_fatal: bool,
    /// The error of the client, for classifiers and for callers that look closer.
    pub error: Option<Arc<Error>>,
}

impl Failure {
    /// A failure of this sort that cost no request.
    pub fn new(category: Category, message: impl Into<String>) -> Self {
        Self {
            category,
            message: message.into(),
            status: None,
            attempts: 0,
            usage: None,
            retry_after: None,
            is_fatal: false,
            error: None,
        }
    }

    /// The same, after so many requests.
    #[must_use]
    pub fn with_attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// The tokens that are known to be billed.
    pub fn billed(&self) -> Option<Usage> {
        self.usage.as_deref().copied()
    }

    /// The same, after a reply that took so many tokens.
    #[must_use]
    pub fn with_usage(mut self, usage: Usage) -> Self {
        self.usage = Some(Box::new(usage));
        self
    }

    /// The same, answered with this HTTP status.
    #[must_use]
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// The same, with the wait that the service asks for.
    #[must_use]
    pub fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
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
        let category = of_client_error(&error);
        let status = error.status().map(|status| status.as_u16());
        // A wrong key, a model that is not there and a request that cannot even be sent are the
        // same for every item.
        let is_fatal = match category {
            Category::Authentication | Category::LogicError => true,
            Category::CacheExpired => false,
            _ => error.is_authentication() || status == Some(404),
        };
        Self {
            category,
            message: error.to_string(),
            status,
            attempts: u32::try_from(error.attempts().len()).unwrap_or(u32::MAX),
            usage: None,
            retry_after: error.retry_after(),
            is_fatal,
            error: Some(Arc::new(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_argument_stops_the_run() {
        let failure = Failure::from(Error::invalid("model", "must not be empty"));
        assert_eq!(failure.category, Category::LogicError);
        assert!(failure.is_fatal, "every item would be refused alike");
    }
}
