//! What settings do to each request on its way out, and to the connections it takes.

use std::num::NonZeroU32;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use gimmal_api::tinker::{default_options, default_retry};
use gimmal_transport::redact::shown_headers;
use gimmal_transport::{
    Attempt, CallOptions, Error, HttpConfig, Interceptor, PoolConfig, Proxy, Timeout,
    TransportBuilder,
};
use http::{HeaderName, HeaderValue, Uri};
use secrecy::{ExposeSecret as _, SecretString};
use url::{Url, form_urlencoded};

use super::Config;
use super::env::SECRET_HEADERS;

const CF_ID: HeaderName = HeaderName::from_static("cf-access-client-id");
const CF_SECRET: HeaderName = HeaderName::from_static("cf-access-client-secret");
const PROXY_AUTHORIZATION: &str = "proxy-authorization";

impl Config {
    /// The options of every call.
    pub(crate) fn call_options(&self) -> Result<CallOptions, Error> {
        let attempts = NonZeroU32::MIN.saturating_add(self.max_retries.value);
        let mut options = default_options()
            .with_attempt_timeout(Timeout::After(self.timeout.value))
            .with_retry_policy(default_retry().with_max_attempts(attempts));
        let id = self.cf_access_client_id.as_ref();
        let id = id.map(|id| (CF_ID, id.value.as_str()));
        let secret = self.cf_access_client_secret.as_ref();
        let secret = secret.map(|secret| (CF_SECRET, secret.value.expose_secret()));
        for (name, value) in id.into_iter().chain(secret) {
            let message = "holds characters that no header may hold";
            let mut value =
                HeaderValue::from_str(value).map_err(|_| Error::invalid(name.as_str(), message))?;
            value.set_sensitive(true);
            options = options.with_header(name, value);
        }
        for (name, value) in &self.default_headers.value {
            options = options.with_header(name.clone(), value.clone());
        }
        Ok(options)
    }

    /// The transport with what this configuration adds to it.
    pub(crate) fn apply(&self, mut transport: TransportBuilder) -> Result<TransportBuilder, Error> {
        if self.proxy.is_some() || self.pool_size.is_some() || self.pool_count.is_some() {
            transport = transport.with_http_config(self.http()?);
        }
        if !self.default_query.value.is_empty() {
            let query = DefaultQuery {
                host: Url::parse(&self.base_url.value)
                    .ok()
                    .map(|url| url.authority().to_owned()),
                pairs: self.default_query.value.clone(),
            };
            transport = transport.with_interceptor(Arc::new(query));
        }
        if self.dump_headers.value {
            transport = transport.with_interceptor(Arc::new(DumpHeaders));
        }
        #[cfg(feature = "otel")]
        if self.otel_propagate.value {
            let otel = gimmal_transport::otel::Otel::global().with_global_propagator();
            transport = transport.with_otel(otel);
        }
        Ok(transport)
    }

    fn http(&self) -> Result<HttpConfig, Error> {
        let mut http = HttpConfig::default();
        let size = self.pool_size.as_ref().map(|size| size.value);
        let count = self.pool_count.as_ref().map(|count| count.value);
        if let Some(size) = size {
            let idle = usize::try_from(size.get()).unwrap_or(usize::MAX);
            let most = size.saturating_mul(count.unwrap_or(NonZeroU32::MIN));
            let pool = PoolConfig::default()
                .with_max_idle_per_host(idle)
                .with_max_in_flight(most);
            http = http.with_default_pool(pool);
        } else if count.is_some() {
            return Err(Error::invalid(
                "pool_count",
                "needs a pool_size to multiply",
            ));
        }
        if let Some(proxy) = self.proxy()? {
            http = http.with_proxy(proxy);
        }
        Ok(http)
    }

    fn proxy(&self) -> Result<Option<Proxy>, Error> {
        let Some(proxy) = &self.proxy else {
            return Ok(None);
        };
        let mut proxy = Proxy::new(proxy.value.expose_secret())?;
        for (name, value) in &self.proxy_headers.value {
            if !name.eq_ignore_ascii_case(PROXY_AUTHORIZATION) {
                let message = format!("`{name}` cannot be sent; only `{PROXY_AUTHORIZATION}` can");
                return Err(Error::invalid("proxy_headers", message));
            }
            let (user, password) = basic(value).ok_or_else(|| {
                let message = "must be `Basic` and user:password in base64";
                Error::invalid("proxy_headers", message)
            })?;
            proxy = proxy.with_basic_auth(&user, &password)?;
        }
        Ok(Some(proxy))
    }
}

/// User and password of a `Basic` header.
fn basic(value: &SecretString) -> Option<(String, SecretString)> {
    let encoded = value.expose_secret().trim().strip_prefix("Basic ")?;
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (user, password) = decoded.split_once(':')?;
    Some((user.to_owned(), password.into()))
}

/// Adds to each request to the service the parameters that it does not have.
#[derive(Debug)]
struct DefaultQuery {
    host: Option<String>,
    pairs: Vec<(String, String)>,
}

impl DefaultQuery {
    fn over(&self, uri: &Uri) -> Option<Uri> {
        if uri.authority().map(http::uri::Authority::as_str) != self.host.as_deref() {
            return None;
        }
        let query = uri.query().unwrap_or_default();
        let has = |name: &str| form_urlencoded::parse(query.as_bytes()).any(|(own, _)| own == name);
        let mut added = form_urlencoded::Serializer::new(query.to_owned());
        added.extend_pairs(self.pairs.iter().filter(|(name, _)| !has(name)));
        let mut parts = uri.clone().into_parts();
        let path = format!("{}?{}", uri.path(), added.finish());
        parts.path_and_query = Some(path.parse().ok()?);
        Uri::from_parts(parts).ok()
    }
}

impl Interceptor for DefaultQuery {
    fn before_attempt(&self, _: &Attempt, request: &mut http::Request<Bytes>) -> Result<(), Error> {
        if let Some(uri) = self.over(request.uri()) {
            *request.uri_mut() = uri;
        }
        Ok(())
    }
}

/// Logs each attempt with its headers. What may be secret is not shown, and of bodies the size.
#[derive(Debug)]
struct DumpHeaders;

impl DumpHeaders {
    fn line(attempt: u32, request: &http::Request<Bytes>) -> String {
        let (method, path) = (request.method(), request.uri().path());
        let host = request.uri().authority().map_or("", |host| host.host());
        let secret = |name: &HeaderName| SECRET_HEADERS.contains(&name.as_str());
        let headers: Vec<_> = shown_headers(request.headers(), secret).collect();
        let bytes = request.body().len();
        format!("{method} {host}{path} attempt={attempt} headers={headers:?} body={bytes} bytes")
    }
}

impl Interceptor for DumpHeaders {
    fn before_attempt(
        &self,
        attempt: &Attempt,
        request: &mut http::Request<Bytes>,
    ) -> Result<(), Error> {
        tracing::info!("{}", Self::line(attempt.number(), request));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;

    /// Covers: CHK-URL-1
    #[test_case(
        "https://h/services/p/api/v1/x",
        "https://h/services/p/api/v1/x?mode=fast&d=1"
    )]
    #[test_case("https://h/x?mode=req&a=1", "https://h/x?mode=req&a=1&d=1")]
    #[test_case("https://h/x?mode=slow&a=%26", "https://h/x?mode=slow&a=%26&d=1")]
    fn chk_url_1_a_parameter_of_the_call_wins_over_the_default(uri: &str, sent: &str) {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let query = DefaultQuery {
            host: Some("h".to_owned()),
            pairs: vec![pair("mode", "fast"), pair("d", "1")],
        };
        assert!(query.over(&"https://other/x".parse().unwrap()).is_none());
        let uri = query.over(&uri.parse().unwrap()).unwrap();
        assert_eq!(uri.to_string(), sent);
    }

    /// Covers: CHK-HDR-1
    #[test]
    fn chk_hdr_1_a_dump_shows_no_secret() {
        let mut gateway = HeaderValue::from_static("cf-s3cret");
        gateway.set_sensitive(true);
        let request = http::Request::post("https://user:p4ss@h/x?token=t0ken")
            .header("x-api-key", "tml-s3cret")
            .header("x-team", "blue")
            .header("x-gateway", gateway)
            .body(Bytes::from_static(b"prompt"))
            .unwrap();
        let line = DumpHeaders::line(2, &request);
        assert!(line.starts_with("POST h/x attempt=2 "), "{line}");
        assert!(
            line.contains("[REDACTED]") && line.contains("blue"),
            "{line}"
        );
        for secret in ["s3cret", "p4ss", "t0ken", "prompt"] {
            assert!(!line.contains(secret), "{line}");
        }
    }
}
