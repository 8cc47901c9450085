//! Credentials that are one fixed header, or none. The header is made once, when they are set up.

use std::fmt;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use http::HeaderName;
use http::header::AUTHORIZATION;
use secrecy::SecretString;

use crate::auth::secret::{BEARER, Flaw, secret_headers};
use crate::auth::{AuthHeaders, Credentials};
use crate::error::Error;

/// A key in a header of its own.
///
/// ```
/// use gimmal_transport::ApiKey;
/// use http::HeaderName;
///
/// let name = HeaderName::from_static("x-goog-api-key");
/// let key = ApiKey::new(name.clone(), "secret".into());
/// assert!(!format!("{key:?}").contains("secret"));
/// assert!(key.check().is_ok());
///
/// let error = ApiKey::new(name, "secret\n".into()).check().unwrap_err();
/// assert!(error.to_string().ends_with("`api_key` begins or ends with white space; trim it"));
/// ```
///
/// A key that no header can carry makes every call fail with such a message.
#[derive(Clone)]
pub struct ApiKey {
    header: HeaderName,
    headers: Result<AuthHeaders, Flaw>,
}

impl ApiKey {
    /// Sends `key` as the value of `header`.
    pub fn new(header: HeaderName, key: SecretString) -> Self {
        let headers = secret_headers(&header, "", &key);
        Self { header, headers }
    }

    /// Sends `key` as the value of `header` after the name of a scheme, such as `"Token "`.
    pub fn with_scheme(header: HeaderName, scheme: &'static str, key: SecretString) -> Self {
        let headers = secret_headers(&header, scheme, &key);
        Self { header, headers }
    }

    /// Fails when the key is empty, too long, or holds white space, line breaks or other
    /// characters that cannot be part of a key.
    pub fn check(&self) -> Result<(), Error> {
        self.get().map(drop)
    }

    fn get(&self) -> Result<AuthHeaders, Error> {
        self.headers.clone().map_err(|flaw| flaw.error("api_key"))
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApiKey")
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}

impl Credentials for ApiKey {
    fn headers(&self) -> BoxFuture<'_, Result<AuthHeaders, Error>> {
        ready(self.get()).boxed()
    }
}

/// A fixed token, sent as `Authorization: Bearer …`.
///
/// For tokens that run out there is [`TokenCredentials`](crate::auth::TokenCredentials).
#[derive(Clone)]
pub struct BearerToken {
    headers: Result<AuthHeaders, Flaw>,
}

impl BearerToken {
    /// Sends `token`.
    pub fn new(token: SecretString) -> Self {
        let headers = secret_headers(&AUTHORIZATION, BEARER, &token);
        Self { headers }
    }

    /// Fails when the token is unfit for a header, as [`ApiKey::check`] does.
    pub fn check(&self) -> Result<(), Error> {
        self.get().map(drop)
    }

    fn get(&self) -> Result<AuthHeaders, Error> {
        self.headers
            .clone()
            .map_err(|flaw| flaw.error("bearer_token"))
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BearerToken").finish_non_exhaustive()
    }
}

impl Credentials for BearerToken {
    fn headers(&self) -> BoxFuture<'_, Result<AuthHeaders, Error>> {
        ready(self.get()).boxed()
    }
}

/// No headers at all, for servers that ask for none.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoCredentials;

impl Credentials for NoCredentials {
    fn headers(&self) -> BoxFuture<'_, Result<AuthHeaders, Error>> {
        ready(Ok(AuthHeaders::default())).boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;

    async fn of(credentials: &dyn Credentials) -> Result<AuthHeaders, Error> {
        credentials.headers().await
    }

    #[tokio::test]
    async fn values_are_sensitive_and_made_once() {
        let key = ApiKey::new(HeaderName::from_static("x-api-key"), "KEY".into());
        let headers = of(&key).await.unwrap();
        assert_eq!(headers.as_map()["x-api-key"], "KEY");
        assert!(headers.as_map()["x-api-key"].is_sensitive());
        assert_eq!(of(&key).await.unwrap().tag(), headers.tag());

        let headers = of(&BearerToken::new("TOKEN".into())).await.unwrap();
        assert_eq!(headers.as_map()["authorization"], "Bearer TOKEN");
        assert!(headers.as_map()["authorization"].is_sensitive());
        assert!(of(&NoCredentials).await.unwrap().as_map().is_empty());
    }

    #[tokio::test]
    async fn a_bad_secret_fails_the_check_and_every_call() {
        let token = BearerToken::new("SEC\nRET".into());
        for error in [
            token.check().unwrap_err(),
            of(&token).await.unwrap_err(),
            of(&token).await.unwrap_err(),
        ] {
            assert_eq!(error.kind(), ErrorKind::Authentication);
            assert_eq!(error.field(), Some("bearer_token"));
            assert!(!format!("{error:?} {error}").contains("SEC"));
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        let key = ApiKey::new(HeaderName::from_static("x-api-key"), "KEY".into());
        assert!(!format!("{key:?}").contains("KEY"));
        assert!(!format!("{:?}", BearerToken::new("TOKEN".into())).contains("TOKEN\""));
    }
}
