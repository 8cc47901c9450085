//! Settings of the built-in HTTP client, in words of our own. What they mean to hyper is said at
//! the end.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use crate::error::Error;
use crate::http::client::Pool;
use crate::http::connect::Connector;
use crate::http::tls::{self, Roots};
use crate::http::{PoolConfig, PoolPurpose, Proxy};
use crate::options::Timeout;

/// A connection must be made within this time unless set otherwise.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Connections are probed after this much silence unless set otherwise.
const TCP_KEEP_ALIVE: Duration = Duration::from_secs(15);
/// A probe that stays without answer is followed by the next after this time.
const TCP_PROBE_INTERVAL: Duration = Duration::from_secs(15);
/// A connection is given up after as many probes without answer.
const TCP_PROBES: u32 = 3;
/// A connection is given up when what was sent stays unconfirmed for this long.
#[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
const TCP_USER_TIMEOUT: Duration = Duration::from_secs(30);
/// An HTTP/2 ping must be answered within this time unless set otherwise.
const HTTP2_PING_TIMEOUT: Duration = Duration::from_secs(20);

/// Which versions of HTTP are spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum HttpVersions {
    /// HTTP/2 where the TLS handshake agrees on it (ALPN), HTTP/1.1 otherwise.
    #[default]
    Negotiated,
    /// HTTP/1.1 alone.
    Http1,
    /// HTTP/2 alone, without asking; the only way to have it without TLS.
    Http2PriorKnowledge,
}

/// Settings of the built-in HTTP client.
///
/// ```
/// use std::num::NonZeroU32;
/// use std::time::Duration;
/// use gimmal_transport::{HttpConfig, PoolConfig, PoolPurpose, Proxy, Timeout, Transport};
///
/// # fn main() -> Result<(), gimmal_transport::Error> {
/// let config = HttpConfig::default()
///     .with_connect_timeout(Timeout::After(Duration::from_secs(3)))
///     .with_proxy(Proxy::new("http://proxy.internal:3128")?)
///     .with_http2_keep_alive(Timeout::After(Duration::from_secs(30)))
///     .with_pool(
///         PoolPurpose::SAMPLING,
///         PoolConfig::default().with_max_in_flight(NonZeroU32::new(64).unwrap()),
///     );
/// let transport = Transport::builder().with_http_config(config).build()?;
/// # let _ = transport;
/// # Ok(())
/// # }
/// ```
///
/// Without any settings it trusts the system's root certificates (on Linux those that
/// `SSL_CERT_FILE` and `SSL_CERT_DIR` name, where they are set) and goes through the proxy that
/// `HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY` and `NO_PROXY` name.
#[derive(Clone, Default)]
#[non_exhaustive]
#[must_use]
pub struct HttpConfig {
    connect_timeout: Timeout,
    tcp_keep_alive: Timeout,
    proxies: Proxies,
    roots: Roots,
    versions: HttpVersions,
    http2_keep_alive: Timeout,
    http2_keep_alive_timeout: Timeout,
    http2_adaptive_window: bool,
    pool: PoolConfig,
    pools: BTreeMap<PoolPurpose, PoolConfig>,
}

#[derive(Clone, Debug, Default)]
enum Proxies {
    #[default]
    Environment,
    Never,
    Always(Proxy),
}

impl HttpConfig {
    /// Limits the making of a connection: name lookup, TCP, proxy and TLS; 10 s by default.
    ///
    /// A connection that was not made in time is an error of the kind
    /// [`Connect`](crate::ErrorKind::Connect): nothing was sent, so it may be tried again.
    pub fn with_connect_timeout(mut self, timeout: Timeout) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// Lets the system probe a connection that has been silent for this long; 15 s by default.
    pub fn with_tcp_keep_alive(mut self, interval: Timeout) -> Self {
        self.tcp_keep_alive = interval;
        self
    }

    /// Goes through this proxy and not through the one that the environment names.
    pub fn with_proxy(mut self, proxy: Proxy) -> Self {
        self.proxies = Proxies::Always(proxy);
        self
    }

    /// Goes through no proxy, whatever the environment says.
    pub fn with_no_proxy(mut self) -> Self {
        self.proxies = Proxies::Never;
        self
    }

    /// Trusts these root certificates (PEM, one or more) beside the system's.
    pub fn with_extra_root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots = Roots::SystemAnd(pem.into());
        self
    }

    /// Trusts these root certificates (PEM, one or more) and no others.
    pub fn with_only_root_certificates(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.roots = Roots::Only(pem.into());
        self
    }

    /// Says which versions of HTTP to speak; whatever the TLS handshake agrees on by default.
    pub fn with_versions(mut self, versions: HttpVersions) -> Self {
        self.versions = versions;
        self
    }

    /// Pings the server this often while an HTTP/2 connection is in use; off by default.
    ///
    /// It finds out about a connection that is gone without a word, at the price of packets that
    /// some servers answer with "calm down" when they come more than a few times a minute.
    pub fn with_http2_keep_alive(mut self, interval: Timeout) -> Self {
        self.http2_keep_alive = interval;
        self
    }

    /// Gives up an HTTP/2 connection whose ping is not answered within this time; 20 s by
    /// default, and without effect unless [`with_http2_keep_alive`](Self::with_http2_keep_alive)
    /// is set.
    pub fn with_http2_keep_alive_timeout(mut self, timeout: Timeout) -> Self {
        self.http2_keep_alive_timeout = timeout;
        self
    }

    /// Lets the HTTP/2 window grow with the bandwidth and the distance of the server, for large
    /// replies from afar; off by default.
    pub fn with_http2_adaptive_window(mut self, adaptive: bool) -> Self {
        self.http2_adaptive_window = adaptive;
        self
    }

    /// Sets the pool of every purpose that has no settings of its own.
    pub fn with_default_pool(mut self, pool: PoolConfig) -> Self {
        self.pool = pool;
        self
    }

    /// Sets the pool of one purpose; see
    /// [`CallOptions::with_pool`](crate::CallOptions::with_pool).
    pub fn with_pool(mut self, purpose: PoolPurpose, pool: PoolConfig) -> Self {
        self.pools.insert(purpose, pool);
        self
    }

    pub(super) fn pool(&self, purpose: &PoolPurpose) -> &PoolConfig {
        self.pools.get(purpose).unwrap_or(&self.pool)
    }

    /// Which requests go through a proxy.
    pub(super) fn proxies(&self) -> Result<Matcher, Error> {
        match &self.proxies {
            Proxies::Environment => Ok(Matcher::from_system()),
            Proxies::Never => Ok(Matcher::builder().build()),
            Proxies::Always(proxy) => proxy.matcher(),
        }
    }

    /// A pool for this purpose.
    pub(super) fn build(
        &self,
        purpose: &PoolPurpose,
        proxies: &Arc<Matcher>,
    ) -> Result<Pool, Error> {
        let limit = self.connect_timeout.resolve(Some(CONNECT_TIMEOUT));
        // HTTP/2 connections cannot be switched to something else.
        let versions = if *purpose == PoolPurpose::WEBSOCKET {
            HttpVersions::Http1
        } else {
            self.versions
        };
        let tls = tls::config(&self.roots, versions)?;
        let connector = Connector::new(self.tcp(), tls, Arc::clone(proxies), limit);

        let pool = self.pool(purpose);
        let mut builder = legacy::Client::builder(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(pool.idle_timeout())
            .pool_max_idle_per_host(pool.max_idle_per_host())
            .http2_only(versions == HttpVersions::Http2PriorKnowledge)
            .http2_adaptive_window(self.http2_adaptive_window)
            .http2_keep_alive_interval(self.http2_keep_alive.resolve(None));
        let ping_timeout = self.http2_keep_alive_timeout;
        if let Some(limit) = ping_timeout.resolve(Some(HTTP2_PING_TIMEOUT)) {
            builder.http2_keep_alive_timeout(limit);
        }
        Ok(builder.build(connector))
    }

    fn tcp(&self) -> HttpConnector {
        let mut tcp = HttpConnector::new();
        tcp.set_nodelay(true);
        if let Some(silence) = self.tcp_keep_alive.resolve(Some(TCP_KEEP_ALIVE)) {
            tcp.set_keepalive(Some(silence));
            tcp.set_keepalive_interval(Some(TCP_PROBE_INTERVAL));
            tcp.set_keepalive_retries(Some(TCP_PROBES));
        }
        #[cfg(any(target_os = "android", target_os = "fuchsia", target_os = "linux"))]
        tcp.set_tcp_user_timeout(Some(TCP_USER_TIMEOUT));
        tcp
    }
}

/// Shows no certificates, which are long, and nothing of a proxy's password.
impl fmt::Debug for HttpConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let roots = match &self.roots {
            Roots::System => "system",
            Roots::SystemAnd(_) => "system and own",
            Roots::Only(_) => "own",
        };
        f.debug_struct("HttpConfig")
            .field("connect_timeout", &self.connect_timeout)
            .field("tcp_keep_alive", &self.tcp_keep_alive)
            .field("proxies", &self.proxies)
            .field("roots", &roots)
            .field("versions", &self.versions)
            .field("http2_keep_alive", &self.http2_keep_alive)
            .field("http2_keep_alive_timeout", &self.http2_keep_alive_timeout)
            .field("http2_adaptive_window", &self.http2_adaptive_window)
            .field("pool", &self.pool)
            .field("pools", &self.pools)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use test_case::test_case;

    use super::*;
    use crate::http::HyperTransport;

    #[test]
    fn every_setting_builds_a_client() {
        let long = Timeout::After(Duration::from_secs(60));
        let config = HttpConfig::default()
            .with_connect_timeout(Timeout::Never)
            .with_tcp_keep_alive(Timeout::Never)
            .with_no_proxy()
            .with_versions(HttpVersions::Http1)
            .with_http2_keep_alive(long)
            .with_http2_keep_alive_timeout(long)
            .with_http2_adaptive_window(true)
            .with_default_pool(PoolConfig::default().with_idle_timeout(Timeout::Never))
            .with_pool(
                PoolPurpose::SESSION,
                PoolConfig::default().with_max_idle_per_host(1),
            );
        assert!(HyperTransport::new(config.clone()).is_ok());
        assert_eq!(config.pool(&PoolPurpose::SESSION).max_idle_per_host(), 1);
        assert_eq!(config.pool(&PoolPurpose::TRAINING).idle_timeout(), None);
    }

    #[test_case(""; "nothing")]
    #[test_case("/etc/ssl/ca.pem"; "a path")]
    #[test_case("-----BEGIN CERTIFICATE-----\n!!\n-----END CERTIFICATE-----\n"; "no base64")]
    fn bad_certificates_are_named(pem: &str) {
        for config in [
            HttpConfig::default().with_extra_root_certificates(pem),
            HttpConfig::default().with_only_root_certificates(pem),
        ] {
            let error = HyperTransport::new(config).unwrap_err();
            assert_eq!(error.field(), Some("root_certificates"));
        }
    }

    #[test]
    fn debug_shows_no_password() {
        let proxy = Proxy::new("http://user:SECRET@proxy:3128").unwrap();
        let shown = format!("{:?}", HttpConfig::default().with_proxy(proxy));
        assert!(
            !shown.contains("SECRET") && shown.contains("proxy:3128"),
            "{shown}"
        );
    }
}
