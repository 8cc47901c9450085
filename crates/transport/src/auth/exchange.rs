//! A long-lived secret for a short-lived JSON web token, by asking the server for one. Which server,
//! which header and which member of the reply are parameters; no service is known here.

use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{HeaderName, Method, StatusCode};
use secrecy::SecretString;
use serde_json::{Map, Value};
use url::Url;

use crate::auth::secret::secret_headers;
use crate::auth::{AccessToken, JwtClaims, TokenSource, TokenSourceArg};
use crate::error::Error;
use crate::options::CallOptions;
use crate::request::{Idempotency, Request};
use crate::transport::Transport;

/// Exchanges a secret for a JSON web token.
///
/// ```
/// use std::sync::Arc;
/// use gimmal_transport::auth::{FixedToken, JwtExchange, TokenConfig, TokenCredentials};
/// use gimmal_transport::testing::{Reply, ScriptedTransport};
/// use gimmal_transport::{Credentials, Transport};
/// use http::HeaderName;
/// use url::Url;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // A server that hands out {"alg":"none"}.{"sub":"someone"} without a signature.
/// let reply = r#"{"jwt": "eyJhbGciOiJub25lIn0.eyJzdWIiOiJzb21lb25lIn0."}"#;
/// let http = ScriptedTransport::new([Reply::json(200, reply)]);
/// let transport = Transport::builder().with_http(Arc::new(http.clone())).build()?;
///
/// let header = HeaderName::from_static("x-api-key");
/// let url = Url::parse("https://api.example.com/auth/token")?;
/// let key = FixedToken::new("secret".into());
/// let exchange = JwtExchange::new(transport, url, header.clone(), key);
/// let credentials = TokenCredentials::new(exchange, TokenConfig::in_header(header));
///
/// assert!(credentials.headers().await?.as_map()["x-api-key"].to_str()?.starts_with("eyJ"));
/// assert_eq!(http.requests()[0].header("x-api-key"), Some("secret"));
/// # Ok(())
/// # }
/// ```
///
/// The request is a POST of `{}` with the secret in a header; the reply is a JSON object with the
/// token in the member `jwt`. The token is good until the time in its claim `exp`; without one it
/// counts as run out at once, so that it serves the callers who wait for it and no others.
///
/// The transport decides about retries and time limits. It needs no credentials of its own.
#[derive(Debug)]
pub struct JwtExchange {
    transport: Transport,
    url: Url,
    header: HeaderName,
    secret: TokenSourceArg,
    token_field: String,
    body: Bytes,
    fallback: Option<Duration>,
}

impl JwtExchange {
    /// Posts what `secret` gives, in `header`, to `url`. The secret is asked for each exchange.
    pub fn new(
        transport: Transport,
        url: Url,
        header: HeaderName,
        secret: impl Into<TokenSourceArg>,
    ) -> Self {
        Self {
            transport,
            url,
            header,
            secret: secret.into(),
            token_field: "jwt".into(),
            body: Bytes::from_static(b"{}"),
            fallback: None,
        }
    }

    /// Sets the member of the reply that holds the token, `jwt` by default.
    #[must_use]
    pub fn with_token_field(mut self, field: impl Into<String>) -> Self {
        self.token_field = field.into();
        self
    }

    /// Sets the JSON body of the request, `{}` by default.
    #[must_use]
    pub fn with_json_body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Uses the secret itself where the server has no such endpoint (404, 405 or 501), and looks
    /// for one again after `period`; off by default.
    #[must_use]
    pub fn with_fallback(mut self, period: Duration) -> Self {
        self.fallback = Some(period);
        self
    }

    async fn exchange(&self) -> Result<AccessToken, Error> {
        let secret = self.secret.fetch().await?;
        let headers = secret_headers(&self.header, "", secret.secret())
            .map_err(|flaw| flaw.error("secret"))?;
        let mut request = Request::new(Method::POST, self.url.clone())
            .with_json_body(self.body.clone())
            .with_idempotency(Idempotency::Idempotent);
        for (name, value) in headers.as_map() {
            request = request.with_header(name.clone(), value.clone());
        }
        match self.transport.send(request, &CallOptions::default()).await {
            Ok(reply) => self.read(reply.body()),
            Err(error) => match self.fallback {
                Some(period) if is_missing(error.status()) => {
                    tracing::debug!("server exchanges no secrets, using the secret itself");
                    Ok(secret.with_lifetime(period))
                }
                _ => Err(error),
            },
        }
    }

    /// The token in a reply. No error quotes the reply, because the token may be anywhere in it.
    fn read(&self, reply: &[u8]) -> Result<AccessToken, Error> {
        let flaw = |flaw: &str| {
            let field = &self.token_field;
            Error::authentication(format!("the reply of the token endpoint {flaw} `{field}`"))
                .with_field(field)
        };
        let Ok(mut reply) = serde_json::from_slice::<Map<String, Value>>(reply) else {
            return Err(flaw("is no JSON object with a member"));
        };
        let Some(Value::String(token)) = reply.remove(&self.token_field) else {
            return Err(flaw("has no text in the member"));
        };
        let token = SecretString::from(token);
        let expires_at = JwtClaims::decode(&token)
            .ok()
            .and_then(|claims| claims.expires_at())
            .unwrap_or(SystemTime::UNIX_EPOCH);
        let now = self.transport.clock().system_now();
        let left = expires_at.duration_since(now).unwrap_or_default();
        Ok(AccessToken::new(token).with_lifetime(left))
    }
}

impl TokenSource for JwtExchange {
    fn fetch(&self) -> BoxFuture<'_, Result<AccessToken, Error>> {
        self.exchange().boxed()
    }
}

/// True for the statuses that say that there is nothing at this address.
fn is_missing(status: Option<StatusCode>) -> bool {
    matches!(
        status,
        Some(StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED)
    )
}
