//! What a failure means: its category, and with it whether a retry may help. A classifier judges
//! and does nothing else.

mod client_error;
mod text;

use std::fmt::Debug;
use std::time::Duration;

use super::{Category, Failure};

pub(crate) use client_error::of_client_error;

/// Judges failures.
///
/// ```
/// use gimmal_batch::{Category, Classifier, Failure};
///
/// /// Treats every failure of the service as final.
/// #[derive(Debug)]
/// struct Strict;
///
/// impl Classifier for Strict {
///     fn classify(&self, failure: &Failure) -> Category {
///         match failure.category {
///             Category::ServerError => Category::ClientError,
///             ref other => other.clone(),
///         }
///     }
/// }
/// ```
pub trait Classifier: Debug + Send + Sync + 'static {
    /// The failure's category. A panic makes it [`Category::ClassifierError`].
    fn classify(&self, failure: &Failure) -> Category;

    /// How long the service asks to be left alone.
    fn suggested_wait(&self, failure: &Failure) -> Option<Duration> {
        failure.retry_after
    }
}

/// Takes a failure's own category, unless that is unknown: then the message decides.
#[derive(Clone, Copy, Debug, Default)]
pub struct DefaultClassifier;

impl Classifier for DefaultClassifier {
    fn classify(&self, failure: &Failure) -> Category {
        match (&failure.category, failure.status) {
            (Category::Unknown, Some(429)) => text::of_429(&failure.message),
            (Category::Unknown, None) => text::generic(&failure.message),
            (category, _) => category.clone(),
        }
    }
}

/// Knows how Gemini says things: caches that are gone, quotas per day, overload.
#[derive(Clone, Copy, Debug, Default)]
pub struct GeminiErrorClassifier;

impl Classifier for GeminiErrorClassifier {
    fn classify(&self, failure: &Failure) -> Category {
        if let Some(error) = &failure.error {
            return of_client_error(error);
        }
        if text::is_cache_gone(failure.status, &failure.message) {
            return Category::CacheExpired;
        }
        match (&failure.category, failure.status) {
            (Category::Unknown, Some(429)) => text::of_429(&failure.message),
            (Category::Unknown, Some(status)) => client_error::of_status(status),
            (Category::Unknown, None) => text::gemini(&failure.message),
            (category, _) => category.clone(),
        }
    }
}

/// Knows how Tinker says things: a request that was the user's mistake is not worth a second try.
#[derive(Clone, Copy, Debug, Default)]
pub struct TinkerErrorClassifier;

impl Classifier for TinkerErrorClassifier {
    fn classify(&self, failure: &Failure) -> Category {
        match &failure.error {
            Some(error) if error.kind() == gimmal_client::ErrorKind::OperationFailed => {
                match error.retry_advice() {
                    Some(false) => Category::ClientError,
                    _ => Category::ServerError,
                }
            }
            Some(error) => of_client_error(error),
            None => DefaultClassifier.classify(failure),
        }
    }
}
