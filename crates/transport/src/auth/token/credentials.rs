//! The handle that a transport asks for headers. What to do is decided in `shared`.

use std::fmt;
use std::sync::Arc;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;

use crate::auth::token::TokenConfig;
use crate::auth::token::shared::{Shared, Step};
use crate::auth::{AuthHeaders, AuthTag, Credentials, TokenSourceArg};
use crate::error::Error;

/// A token that is kept while it is good and replaced before it runs out.
///
/// ```
/// use gimmal_transport::Credentials;
/// use gimmal_transport::auth::{FixedToken, TokenConfig, TokenCredentials};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), gimmal_transport::Error> {
/// let source = FixedToken::new("secret".into());
/// let credentials = TokenCredentials::new(source, TokenConfig::bearer());
/// assert_eq!(credentials.headers().await?.as_map()["authorization"], "Bearer secret");
/// # Ok(())
/// # }
/// ```
///
/// Nothing is fetched before the first call. From then on:
///
/// - However many callers wait, one fetch runs, in a task of its own: a caller that gives up
///   takes nothing from the others.
/// - The next token is fetched in the background, when a call comes along in the second half of
///   the lifetime of the present one. Nobody waits for it, and idle credentials fetch nothing.
/// - When a fetch fails, the present token serves until it expires, and the fetch is tried again
///   after a growing wait. From then on callers get the failure as an error of the kind
///   [`Authentication`](crate::ErrorKind::Authentication), with the same cause for all who
///   waited.
/// - A token that the server refuses is dropped, and the request is sent once more with the next.
///
/// Call it within a tokio runtime. Dropping it ends a fetch that is under way. To use it in
/// several transports, put it into an `Arc`.
pub struct TokenCredentials {
    shared: Arc<Shared>,
}

impl TokenCredentials {
    /// Takes tokens from `source`.
    pub fn new(source: impl Into<TokenSourceArg>, config: TokenConfig) -> Self {
        Self {
            shared: Arc::new(Shared::new(source.into().into_inner(), config)),
        }
    }

    async fn get(&self) -> Result<AuthHeaders, Error> {
        // The second round is for a fetch that was lost together with the runtime it ran on.
        for _ in 0..2 {
            let landing = match self.shared.step() {
                Step::Ready(headers) => return Ok(headers),
                Step::Wait(landing) => landing,
            };
            match landing.await {
                Ok(Ok(headers)) => return Ok(headers),
                Ok(Err(cause)) => {
                    let present = self.shared.live_headers();
                    return present.ok_or_else(|| Error::token_failed(&cause));
                }
                Err(_lost) => {}
            }
        }
        Err(Error::authentication(
            "the fetch of a token ended without a result",
        ))
    }
}

impl Credentials for TokenCredentials {
    fn headers(&self) -> BoxFuture<'_, Result<AuthHeaders, Error>> {
        self.get().boxed()
    }

    fn rejected(&self, tag: AuthTag, refusal: &Error) -> bool {
        self.shared.rejected(tag, refusal)
    }
}

impl Drop for TokenCredentials {
    fn drop(&mut self) {
        self.shared.abort();
    }
}

impl fmt::Debug for TokenCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCredentials")
            .field("source", self.shared.source())
            .finish_non_exhaustive()
    }
}
