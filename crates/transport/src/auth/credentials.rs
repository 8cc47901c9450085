//! The trait that every kind of credentials implements. No kind is known here.

use std::fmt::Debug;

use futures_util::future::BoxFuture;

use crate::auth::{AuthHeaders, AuthTag};
use crate::error::Error;

/// A source of headers that say who the caller is.
///
/// ```
/// use futures_util::FutureExt;
/// use futures_util::future::{BoxFuture, ready};
/// use gimmal_transport::auth::{AuthHeaders, Credentials};
/// use gimmal_transport::Error;
/// use http::{HeaderMap, HeaderValue};
///
/// /// A header that the gateway in front of the server asks for.
/// #[derive(Debug)]
/// struct Gateway(AuthHeaders);
///
/// impl Credentials for Gateway {
///     fn headers(&self) -> BoxFuture<'_, Result<AuthHeaders, Error>> {
///         ready(Ok(self.0.clone())).boxed()
///     }
/// }
///
/// let mut headers = HeaderMap::new();
/// headers.insert("x-gateway-pass", HeaderValue::from_static("example"));
/// let credentials = Gateway(AuthHeaders::new(headers));
/// assert!(!format!("{credentials:?}").contains("example"));
/// ```
///
/// It is asked before every attempt, so that a token that ran out while the call was waiting is
/// replaced. An implementation makes its headers once, keeps them until they expire, and hands
/// out cheap clones.
pub trait Credentials: Debug + Send + Sync + 'static {
    /// The headers to add to the next attempt.
    fn headers(&self) -> BoxFuture<'_, Result<AuthHeaders, Error>>;

    /// Takes note that the server answered 401 to the headers with this tag, and says whether
    /// asking for headers again gives others.
    ///
    /// If so, the pipeline sends the request once more within the same attempt. The default is
    /// for credentials that have nothing else to offer.
    fn rejected(&self, tag: AuthTag, refusal: &Error) -> bool {
        let _ = (tag, refusal);
        false
    }
}
