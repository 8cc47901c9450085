//! What can be waited for: how it is asked about, and how to tell that it is over.

use std::time::Duration;

use gimmal_transport::{Error, Request};
use serde::de::DeserializeOwned;

use super::pacing::ExponentialPacing;
use crate::gemini::Endpoint;

/// Work that outlives a call, as the service describes it at one moment.
///
/// Implement it for a description to get a [`Poller`](crate::Poller) of that kind.
///
/// ```
/// use gimmal_api::gemini::{Endpoint, requests};
/// use gimmal_api::{Poll, Verdict};
/// use gimmal_transport::{Error, Request};
/// use serde::Deserialize;
///
/// #[derive(Deserialize)]
/// struct Export {
///     name: Option<String>,
///     rows: Option<u64>,
/// }
///
/// impl Poll for Export {
///     type Output = u64;
///     type Reply = Self;
///     const WHAT: &'static str = "an export";
///
///     fn request(endpoint: &Endpoint, name: &str) -> Result<Request, Error> {
///         requests::get_operation(endpoint, name)
///     }
///
///     fn name(&self) -> Option<&str> {
///         self.name.as_deref()
///     }
///
///     fn verdict(self) -> Verdict<Self> {
///         match self.rows {
///             Some(rows) => Verdict::Done(rows),
///             None => Verdict::Running(self),
///         }
///     }
/// }
/// ```
pub trait Poll: Send + Sized + 'static {
    /// What it comes to in the end.
    type Output: Send + 'static;

    /// How the service writes the description; `Self` where the two are the same.
    type Reply: DeserializeOwned + Into<Self> + Send;

    /// What it is, for messages: "the making of films".
    const WHAT: &'static str;

    /// How long it is waited for unless set otherwise; `None` waits for ever.
    const PATIENCE: Option<Duration> = Some(Duration::from_secs(600));

    /// How it is asked about unless set otherwise.
    fn pacing() -> ExponentialPacing {
        ExponentialPacing::default()
    }

    /// Builds the request that asks for the description.
    ///
    /// # Errors
    ///
    /// Fails on a bad name and where the backend has no such work.
    fn request(endpoint: &Endpoint, name: &str) -> Result<Request, Error>;

    /// Builds the request that asks the service to stop the work.
    ///
    /// # Errors
    ///
    /// Fails, unless implemented: not everything can be stopped.
    fn cancel_request(endpoint: &Endpoint, _name: &str) -> Result<Request, Error> {
        Err(Error::invalid(
            "operation",
            format!(
                "is {}, which {} cannot stop",
                Self::WHAT,
                endpoint.backend()
            ),
        ))
    }

    /// Its name, by which any process can ask about it.
    fn name(&self) -> Option<&str>;

    /// Whether it is over, and how it ended.
    fn verdict(self) -> Verdict<Self>;
}

/// Whether work is over, and how it ended.
#[derive(Debug)]
pub enum Verdict<P: Poll> {
    /// It goes on; this is its description.
    Running(P),
    /// It came to a good end.
    Done(P::Output),
    /// It came to a bad end; [`Error::operation_failed`] makes the error.
    Failed(Error),
}
