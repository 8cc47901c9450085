//! Sorts of failures, with the stable names that files and metrics carry, and whether a retry may
//! help. Nothing here looks at an error: that is the classifiers' work.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// What may be done after a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Retry {
    /// Nothing: it would fail again.
    Never,
    /// Try again after a growing wait.
    Backoff,
    /// Try again at once.
    AtOnce,
    /// Wait for the pause that all items of a scope make together; the attempt does not count.
    Cooldown,
}

macro_rules! categories {
    ($(#[$about:meta])+ pub enum $type:ident {
        $($(#[$doc:meta])+ $name:ident = $text:literal,)+
    }) => {
        $(#[$about])+
        #[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum $type {
            $($(#[$doc])+ $name,)+
            /// A name that this version does not know.
            Other(Arc<str>),
        }

        impl $type {
            /// All names, in the order of the documentation.
            pub const NAMES: &'static [&'static str] = &[$($text),+];

            /// The stable name.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$name => $text,)+
                    Self::Other(name) => name,
                }
            }
        }

        impl From<&str> for $type {
            fn from(name: &str) -> Self {
                match name {
                    $($text => Self::$name,)+
                    other => Self::Other(other.into()),
                }
            }
        }
    };
}

categories! {
    /// Sorts of failures; the names are stable, and unknown ones survive a round trip.
    pub enum Category {
        /// Too many requests for now.
        RateLimit = "rate_limit",
        /// The account has no credit left.
        InsufficientBalance = "insufficient_balance",
        /// A quota that waiting does not refill soon.
        QuotaExhausted = "quota_exhausted",
        /// The credentials are wrong.
        Authentication = "authentication",
        /// The credentials do not allow it.
        PermissionDenied = "permission_denied",
        /// The service refused the request.
        ClientError = "client_error",
        /// The request is larger than the service takes.
        RequestTooLarge = "request_too_large",
        /// The service failed.
        ServerError = "server_error",
        /// The service has too much to do.
        ServerOverload = "server_overload",
        /// The service took too long.
        ServerTimeout = "server_timeout",
        /// The service answered with a status that says little.
        ApiError = "api_error",
        /// A time limit of the connection passed.
        ApiTimeout = "api_timeout",
        /// No connection, or it broke.
        ConnectionError = "connection_error",
        /// The output is not what it should be.
        ValidationError = "validation_error",
        /// The output does not fit the schema.
        StructuredOutputValidationError = "structured_output_validation_error",
        /// The service refused the schema.
        StructuredOutputSchemaRejected = "structured_output_schema_rejected",
        /// A mistake of the program: a bad argument, or a panic.
        LogicError = "logic_error",
        /// The reply holds no text.
        EmptyResponse = "empty_response",
        /// The service withheld the reply.
        ContentBlocked = "content_blocked",
        /// The context cache is gone; it is made anew.
        CacheExpired = "cache_expired",
        /// Nobody knows.
        Unknown = "unknown",
        /// The classifier itself panicked.
        ClassifierError = "classifier_error",
        /// An attempt took longer than it may.
        FrameworkTimeout = "framework_timeout",
        /// Too many requests, however often it was tried.
        RateLimitRetriesExceeded = "rate_limit_retries_exceeded",
        /// The item took longer than it may.
        FrameworkTotalItemTimeout = "framework_total_item_timeout",
        /// The run took longer than it may.
        BatchDeadlineExceeded = "batch_deadline_exceeded",
        /// The run was stopped by the failure of another item.
        BatchAborted = "batch_aborted",
        /// The run has spent what it may.
        BatchBudgetExceeded = "batch_budget_exceeded",
        /// Tokens are limited and nobody says how many an item takes.
        TokenEstimatorRequired = "token_estimator_required",
        /// The estimate of an item's tokens failed.
        TokenEstimationError = "token_estimation_error",
        /// An item takes more tokens than a minute allows.
        TokenEstimateExceedsLimit = "token_estimate_exceeds_limit",
        /// A middleware passed the item over.
        MiddlewareFiltered = "middleware_filtered",
        /// The item names a strategy that the run does not have.
        UnknownStrategy = "unknown_strategy",
        /// The item cannot be identified for the journal.
        ArtifactPreparationError = "artifact_preparation_error",
        /// The result cannot be written down.
        ArtifactSerializationError = "artifact_serialization_error",
        /// The results could not be written down to their end.
        ArtifactError = "artifact_error",
        /// A pool has all the calls that it takes.
        PoolSaturated = "pool_saturated",
        /// A call of a pool took longer than its caller waits.
        SubmitTimeout = "submit_timeout",
        /// The input row is not valid.
        InputError = "input_error",
    }
}

impl Category {
    /// What may be done about it.
    pub fn retry(&self) -> Retry {
        match self {
            Self::RateLimit => Retry::Cooldown,
            Self::ValidationError | Self::StructuredOutputValidationError | Self::CacheExpired => {
                Retry::AtOnce
            }
            Self::ServerError
            | Self::ServerOverload
            | Self::ServerTimeout
            | Self::ApiError
            | Self::ApiTimeout
            | Self::ConnectionError
            | Self::Unknown
            | Self::FrameworkTimeout
            | Self::Other(_) => Retry::Backoff,
            Self::InsufficientBalance
            | Self::QuotaExhausted
            | Self::Authentication
            | Self::PermissionDenied
            | Self::ClientError
            | Self::RequestTooLarge
            | Self::StructuredOutputSchemaRejected
            | Self::LogicError
            | Self::EmptyResponse
            | Self::ContentBlocked
            | Self::ClassifierError
            | Self::RateLimitRetriesExceeded
            | Self::FrameworkTotalItemTimeout
            | Self::BatchDeadlineExceeded
            | Self::BatchAborted
            | Self::BatchBudgetExceeded
            | Self::TokenEstimatorRequired
            | Self::TokenEstimationError
            | Self::TokenEstimateExceedsLimit
            | Self::MiddlewareFiltered
            | Self::UnknownStrategy
            | Self::ArtifactPreparationError
            | Self::ArtifactSerializationError
            | Self::ArtifactError
            | Self::PoolSaturated
            | Self::SubmitTimeout
            | Self::InputError => Retry::Never,
        }
    }

    /// True when a time limit passed, whose ever it was.
    pub fn is_timeout(&self) -> bool {
        matches!(
            self,
            Self::ServerTimeout
                | Self::ApiTimeout
                | Self::FrameworkTimeout
                | Self::FrameworkTotalItemTimeout
                | Self::BatchDeadlineExceeded
                | Self::SubmitTimeout
        )
    }

    /// True when it says that the service has too much to do.
    pub(crate) fn is_congestion(&self) -> bool {
        matches!(
            self,
            Self::RateLimit | Self::ServerOverload | Self::ServerTimeout | Self::FrameworkTimeout
        )
    }

    /// True for results that only record how a run ended, and say nothing of the item.
    pub fn is_collateral(&self) -> bool {
        matches!(
            self,
            Self::BatchAborted | Self::BatchDeadlineExceeded | Self::BatchBudgetExceeded
        )
    }

    /// True when another run may come to another result, so that a journal does not replay it.
    pub(crate) fn is_never_replayed(&self) -> bool {
        self.is_collateral()
            || matches!(
                self,
                Self::FrameworkTotalItemTimeout
                    | Self::MiddlewareFiltered
                    | Self::ArtifactSerializationError
                    | Self::TokenEstimatorRequired
                    | Self::TokenEstimationError
                    | Self::TokenEstimateExceedsLimit
                    | Self::UnknownStrategy
            )
    }
}

impl fmt::Display for Category {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Serialize for Category {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for Category {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Ok(Self::from(name.as_str()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_category_says_what_may_be_done() {
        for (category, retry, is_timeout) in [
            (Category::RateLimit, Retry::Cooldown, false),
            (
                Category::StructuredOutputValidationError,
                Retry::AtOnce,
                false,
            ),
            (
                Category::StructuredOutputSchemaRejected,
                Retry::Never,
                false,
            ),
            (Category::EmptyResponse, Retry::Never, false),
            (Category::TokenEstimatorRequired, Retry::Never, false),
            (Category::BatchBudgetExceeded, Retry::Never, false),
            (Category::ServerOverload, Retry::Backoff, false),
            (Category::ServerTimeout, Retry::Backoff, true),
            (Category::FrameworkTimeout, Retry::Backoff, true),
            (Category::FrameworkTotalItemTimeout, Retry::Never, true),
            (Category::BatchDeadlineExceeded, Retry::Never, true),
            (Category::from("solar_flare"), Retry::Backoff, false),
        ] {
            assert_eq!(category.retry(), retry, "{category}");
            assert_eq!(category.is_timeout(), is_timeout, "{category}");
        }
    }

    /// Covers: AC-ER-7
    #[test]
    fn every_category_has_one_name_everywhere() {
        for name in Category::NAMES {
            let category = Category::from(*name);
            assert!(!matches!(category, Category::Other(_)), "{name}");
            assert_eq!(category.as_str(), *name);
            let json = serde_json::to_string(&category).unwrap();
            assert_eq!(json, format!("\"{name}\""));
            assert_eq!(serde_json::from_str::<Category>(&json).unwrap(), category);
        }
        let later: Category = serde_json::from_str("\"solar_flare\"").unwrap();
        assert_eq!(later.as_str(), "solar_flare", "unknown names are kept");
    }
}
