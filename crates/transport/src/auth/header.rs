//! Credentials that are one fixed header, or none.

use std::fmt;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};

use crate::auth::Credentials;
use crate::error::Error;

/// A key in a header of its own.
///
/// ```
/// use gimmal_transport::ApiKey;
/// use http::HeaderName;
///
/// let key = ApiKey::new(HeaderName::from_static("x-goog-api-key"), "secret".into());
/// assert!(!format!("{key:?}").contains("secret"));
/// ```
#[derive(Clone)]
pub struct ApiKey {
    header: HeaderName,
    key: SecretString,
}

impl ApiKey {
    /// Sends `key` as the value of `header`.
    pub fn new(header: HeaderName, key: SecretString) -> Self {
        Self { header, key }
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
    fn headers(&self) -> BoxFuture<'_, Result<HeaderMap, Error>> {
        let headers = secret_header(&self.header, self.key.expose_secret().trim(), "api_key");
        ready(headers).boxed()
    }
}

/// A fixed token, sent as `Authorization: Bearer …`.
#[derive(Clone)]
pub struct BearerToken {
    token: SecretString,
}

impl BearerToken {
    /// Sends `token`.
    pub fn new(token: SecretString) -> Self {
        Self { token }
    }
}

impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BearerToken").finish_non_exhaustive()
    }
}

impl Credentials for BearerToken {
    fn headers(&self) -> BoxFuture<'_, Result<HeaderMap, Error>> {
        let token = self.token.expose_secret().trim();
        let headers = if token.is_empty() {
            secret_header(&AUTHORIZATION, token, "bearer_token")
        } else {
            let value = SecretString::from(format!("Bearer {token}"));
            secret_header(&AUTHORIZATION, value.expose_secret(), "bearer_token")
        };
        ready(headers).boxed()
    }
}

/// No headers at all, for servers that ask for none.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoCredentials;

impl Credentials for NoCredentials {
    fn headers(&self) -> BoxFuture<'_, Result<HeaderMap, Error>> {
        ready(Ok(HeaderMap::new())).boxed()
    }
}

/// One sensitive header; the error must not repeat the value.
fn secret_header(header: &HeaderName, secret: &str, field: &str) -> Result<HeaderMap, Error> {
    if secret.is_empty() {
        return Err(Error::authentication("it is empty; set a value").with_field(field));
    }
    let mut value = HeaderValue::from_str(secret).map_err(|_| {
        Error::authentication("it holds characters that no header can carry; check for line breaks")
            .with_field(field)
    })?;
    value.set_sensitive(true);
    Ok(HeaderMap::from_iter([(header.clone(), value)]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Delivery, ErrorKind};

    async fn of(credentials: impl Credentials) -> Result<HeaderMap, Error> {
        credentials.headers().await
    }

    #[tokio::test]
    async fn values_are_sensitive_and_trimmed() {
        let name = HeaderName::from_static("x-api-key");
        let headers = of(ApiKey::new(name, " KEY\n".into())).await.unwrap();
        assert_eq!(headers["x-api-key"], "KEY");
        assert!(headers["x-api-key"].is_sensitive());
        assert!(!format!("{headers:?}").contains("KEY"));

        let headers = of(BearerToken::new("TOKEN".into())).await.unwrap();
        assert_eq!(headers["authorization"], "Bearer TOKEN");
        assert!(headers["authorization"].is_sensitive());
        assert!(of(NoCredentials).await.unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_bad_secret_is_named_but_not_shown() {
        for secret in ["", "SEC\nRET"] {
            let error = of(BearerToken::new(secret.into())).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Authentication);
            assert_eq!(error.delivery(), Delivery::NotSent);
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
