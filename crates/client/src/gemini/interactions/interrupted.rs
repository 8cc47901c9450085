//! What is left when an interaction that takes several requests breaks off between them.

use std::error::Error as StdError;
use std::fmt;

use gimmal_transport::Error;
use gimmal_types::gemini::interactions::Interaction;

/// How far an interaction came whose later request failed, so that nothing is lost.
///
/// It is the source of the error of that request:
///
/// ```
/// use gimmal_client::gemini::ContinuationInterrupted;
///
/// fn tell(error: &gimmal_client::Error) {
///     if let Some(interrupted) = ContinuationInterrupted::of(error) {
///         println!("go on from {:?}", interrupted.interaction_id());
///     }
/// }
/// # tell(&gimmal_client::Error::config("x"));
/// ```
pub struct ContinuationInterrupted {
    partial: Option<Box<Interaction>>,
    continuation_token: String,
    interaction_id: Option<String>,
    continuation_ids: Vec<String>,
    cause: String,
}

impl ContinuationInterrupted {
    /// What an error says of it.
    pub fn of(error: &Error) -> Option<&Self> {
        error.source()?.downcast_ref()
    }

    /// The interaction as far as it came; `None` for a stream, whose events have come already.
    pub fn partial(&self) -> Option<&Interaction> {
        self.partial.as_deref()
    }

    /// Goes on from here, as the token of a new request.
    pub fn continuation_token(&self) -> &str {
        &self.continuation_token
    }

    /// The interaction before, for the new request; `None` where the service keeps none, so that
    /// everything has to be said again.
    pub fn interaction_id(&self) -> Option<&str> {
        self.interaction_id.as_deref()
    }

    /// The interactions that it took so far, in order.
    pub fn continuation_ids(&self) -> &[String] {
        &self.continuation_ids
    }

    /// The error of the later request, with what is left as its source.
    pub(super) fn attach(
        error: Error,
        partial: Option<Interaction>,
        token: &str,
        owner: Option<&str>,
        ids: Vec<String>,
    ) -> Error {
        let cause = error.source().map(ToString::to_string);
        error.with_source(Self {
            partial: partial.map(Box::new),
            continuation_token: token.to_owned(),
            interaction_id: owner.map(str::to_owned),
            continuation_ids: ids,
            cause: cause.unwrap_or_default(),
        })
    }
}

impl fmt::Display for ContinuationInterrupted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.continuation_ids.len();
        write!(
            formatter,
            "the interaction can go on after {count} requests"
        )?;
        if !self.cause.is_empty() {
            write!(formatter, "; {}", self.cause)?;
        }
        Ok(())
    }
}

impl fmt::Debug for ContinuationInterrupted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ContinuationInterrupted")
            .field("interaction_id", &self.interaction_id)
            .field("continuation_ids", &self.continuation_ids)
            .field("cause", &self.cause)
            .finish_non_exhaustive()
    }
}

impl StdError for ContinuationInterrupted {}
