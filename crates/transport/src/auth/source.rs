//! Where tokens come from: one trait, and the source that needs no asking. Keeping a token and
//! replacing it in time is not done here.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use secrecy::SecretString;

use crate::error::Error;

/// Obtains tokens, one at a time and as often as asked.
///
/// [`TokenCredentials`](crate::auth::TokenCredentials) keeps what comes out of it, so a source
/// remembers nothing. Its errors never hold the token or the secret it is obtained with; one whose
/// [`Persistence`](crate::Persistence) is temporary may be followed by another try.
pub trait TokenSource: Debug + Send + Sync + 'static {
    /// Obtains a token. Dropping the future gives up.
    fn fetch(&self) -> BoxFuture<'_, Result<AccessToken, Error>>;
}

/// Anything that can stand for a source of tokens: a value of a type that implements
/// [`TokenSource`], or an `Arc` of one.
#[derive(Clone, Debug)]
pub struct TokenSourceArg(Arc<dyn TokenSource>);

impl TokenSourceArg {
    pub(crate) fn into_inner(self) -> Arc<dyn TokenSource> {
        self.0
    }

    pub(crate) async fn fetch(&self) -> Result<AccessToken, Error> {
        self.0.fetch().await
    }
}

impl<S: TokenSource> From<S> for TokenSourceArg {
    fn from(source: S) -> Self {
        Self(Arc::new(source))
    }
}

impl From<Arc<dyn TokenSource>> for TokenSourceArg {
    fn from(source: Arc<dyn TokenSource>) -> Self {
        Self(source)
    }
}

/// A token and how long it is valid. `Debug` does not show the token.
#[derive(Clone, Debug)]
pub struct AccessToken {
    secret: SecretString,
    lifetime: Option<Duration>,
}

impl AccessToken {
    /// A token that is valid until the server refuses it.
    pub fn new(secret: SecretString) -> Self {
        Self {
            secret,
            lifetime: None,
        }
    }

    /// Says how long the token is valid, counted from the moment it is handed over.
    #[must_use]
    pub fn with_lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = Some(lifetime);
        self
    }

    /// The token.
    pub fn secret(&self) -> &SecretString {
        &self.secret
    }

    /// How long the token is valid; `None` is until the server refuses it.
    pub fn lifetime(&self) -> Option<Duration> {
        self.lifetime
    }
}

/// The source that always gives the same secret, for what is exchanged for a token.
#[derive(Clone, Debug)]
pub struct FixedToken {
    token: AccessToken,
}

impl FixedToken {
    /// Gives `secret`, which is valid until the server refuses it.
    pub fn new(secret: SecretString) -> Self {
        Self {
            token: AccessToken::new(secret),
        }
    }
}

impl TokenSource for FixedToken {
    fn fetch(&self) -> BoxFuture<'_, Result<AccessToken, Error>> {
        ready(Ok(self.token.clone())).boxed()
    }
}
