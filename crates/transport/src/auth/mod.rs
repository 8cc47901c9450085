//! Credentials: who the caller is, as headers. Nothing here sends a request or keeps a header
//! longer than one attempt.

mod arg;
mod header;

pub use arg::CredentialsArg;
pub use header::{ApiKey, BearerToken, NoCredentials};

use std::fmt::Debug;

use futures_util::future::BoxFuture;
use http::HeaderMap;

use crate::error::Error;

/// A source of headers that say who the caller is.
///
/// It is asked before every attempt, so that a token that ran out while the call was waiting is
/// replaced. An implementation that fetches tokens keeps them until they expire, and marks the
/// values it returns with [`HeaderValue::set_sensitive`](http::HeaderValue::set_sensitive).
pub trait Credentials: Debug + Send + Sync + 'static {
    /// The headers to add to the next attempt.
    fn headers(&self) -> BoxFuture<'_, Result<HeaderMap, Error>>;
}
