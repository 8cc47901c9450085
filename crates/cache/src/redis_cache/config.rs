//! Where the store is and how it is reached. Building opens no connection.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};

use super::cache::RedisCache;
use crate::frame::FrameCodec;
use crate::time::{Clock, SystemClock};

/// Settings of a [`RedisCache`].
///
/// `Debug` shows no credentials.
#[derive(Clone, Debug)]
#[must_use]
pub struct RedisCacheBuilder {
    urls: Vec<SecretString>,
    username: Option<String>,
    password: Option<SecretString>,
    #[cfg(feature = "redis-tls")]
    pub(super) ca_pem: Option<Vec<u8>>,
    #[cfg(feature = "redis-tls")]
    pub(super) client_pem: Option<(Vec<u8>, Secret)>,
    requires_tls: bool,
    pub(super) timeouts: Timeouts,
    pub(super) failures: u32,
    pub(super) pause: Duration,
    pub(super) codec: FrameCodec,
    pub(super) clock: Arc<dyn Clock>,
}

/// Bytes that `Debug` does not show.
#[cfg(feature = "redis-tls")]
#[derive(Clone)]
pub(super) struct Secret(pub(super) Vec<u8>);

#[cfg(feature = "redis-tls")]
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[REDACTED]")
    }
}

/// How long each kind of operation may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeouts {
    pub(super) connect: Duration,
    pub(super) get: Duration,
    pub(super) set: Duration,
    pub(super) scan: Duration,
}

/// A place to connect to.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) info: redis::ConnectionInfo,
    pub(super) is_tls: bool,
}

impl RedisCacheBuilder {
    pub(super) fn new(url: &str) -> Self {
        Self {
            urls: vec![url.to_owned().into()],
            username: None,
            password: None,
            #[cfg(feature = "redis-tls")]
            ca_pem: None,
            #[cfg(feature = "redis-tls")]
            client_pem: None,
            requires_tls: false,
            timeouts: Timeouts {
                connect: Duration::from_secs(1),
                get: Duration::from_millis(250),
                set: Duration::from_millis(500),
                scan: Duration::from_secs(1),
            },
            failures: 5,
            pause: Duration::from_secs(5),
            codec: FrameCodec::default(),
            clock: Arc::new(SystemClock),
        }
    }

    /// One more node of a cluster to start from; with it, or with the scheme `redis+cluster`, the
    /// store is taken for a cluster.
    pub fn with_node(mut self, url: &str) -> Self {
        self.urls.push(url.to_owned().into());
        self
    }

    /// The user of an access control list; wins over the URL.
    pub fn with_username(mut self, username: impl Into<String>) -> Self {
        self.username = Some(username.into());
        self
    }

    /// The password; wins over the URL.
    pub fn with_password(mut self, password: SecretString) -> Self {
        self.password = Some(password);
        self
    }

    /// Certificates of the authorities to trust, in PEM, in the place of those of the system.
    #[cfg(feature = "redis-tls")]
    pub fn with_root_certificates(mut self, pem: Vec<u8>) -> Self {
        self.ca_pem = Some(pem);
        self
    }

    /// A certificate of our own and its private key, both in PEM.
    #[cfg(feature = "redis-tls")]
    pub fn with_client_certificate(mut self, certificate: Vec<u8>, key: Vec<u8>) -> Self {
        self.client_pem = Some((certificate, Secret(key)));
        self
    }

    /// Refuses connections without TLS to other machines, for production.
    pub fn with_required_tls(mut self) -> Self {
        self.requires_tls = true;
        self
    }

    /// How long connecting may take; 1 s if not set.
    pub fn with_connect_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.connect = timeout;
        self
    }

    /// How long a read may take; 250 ms if not set.
    pub fn with_get_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.get = timeout;
        self
    }

    /// How long a write may take; 500 ms if not set.
    pub fn with_set_timeout(mut self, timeout: Duration) -> Self {
        self.timeouts.set = timeout;
        self
    }

    /// How many failures in a row make it leave the store alone (5 if not set), and for how long at
    /// first (5 s if not set; it doubles up to 30 s).
    pub fn with_breaker(mut self, failures: u32, pause: Duration) -> Self {
        (self.failures, self.pause) = (failures.max(1), pause);
        self
    }

    /// How entries are written: compression, encryption, the largest value.
    pub fn with_codec(mut self, codec: FrameCodec) -> Self {
        self.codec = codec;
        self
    }

    /// The clock to go by; that of the system if not set.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The cache. It connects at the first use; a store that is away makes misses, not errors.
    ///
    /// # Errors
    ///
    /// If a URL is malformed or refused.
    pub fn build(self) -> Result<RedisCache, RedisConfigError> {
        RedisCache::from_builder(self)
    }

    /// The nodes, and whether they are a cluster.
    pub(super) fn places(&self) -> Result<(Vec<Place>, bool), RedisConfigError> {
        let mut is_cluster = self.urls.len() > 1;
        let mut places = Vec::new();
        for url in &self.urls {
            let url = url.expose_secret();
            let (scheme, rest) = url.split_once("://").ok_or_else(invalid_url)?;
            let scheme = match scheme {
                "redis" | "valkey" => "redis",
                "rediss" | "valkeys" => "rediss",
                "unix" | "redis+unix" => "redis+unix",
                "redis+cluster" => {
                    is_cluster = true;
                    "redis"
                }
                "rediss+cluster" => {
                    is_cluster = true;
                    "rediss"
                }
                _ => return Err(invalid_url()),
            };
            places.push(self.place(scheme, rest)?);
        }
        Ok((places, is_cluster))
    }

    fn place(&self, scheme: &str, rest: &str) -> Result<Place, RedisConfigError> {
        use redis::IntoConnectionInfo;

        let info = format!("{scheme}://{rest}")
            .into_connection_info()
            .map_err(|_| invalid_url())?;
        let is_tls = scheme == "rediss";
        if is_tls && !cfg!(feature = "redis-tls") {
            return Err(RedisConfigError(
                "url asks for TLS: build with the feature `redis-tls`",
            ));
        }
        if scheme == "redis" && !is_loopback(info.addr()) {
            if self.requires_tls {
                return Err(RedisConfigError(
                    "url has no TLS and leads to another machine: use rediss://, or allow it",
                ));
            }
            tracing::warn!("the cache talks to another machine without TLS");
        }
        let mut settings = info.redis_settings().clone().set_skip_set_lib_name();
        if let Some(username) = &self.username {
            settings = settings.set_username(username);
        }
        if let Some(password) = &self.password {
            settings = settings.set_password(password.expose_secret());
        }
        Ok(Place {
            info: info.set_redis_settings(settings),
            is_tls,
        })
    }
}

fn is_loopback(address: &redis::ConnectionAddr) -> bool {
    match address {
        redis::ConnectionAddr::Tcp(host, _) => {
            let host = host.trim_matches(['[', ']']);
            let is_local = |ip: std::net::IpAddr| ip.is_loopback();
            host == "localhost" || host.parse().is_ok_and(is_local)
        }
        _ => true,
    }
}

fn invalid_url() -> RedisConfigError {
    RedisConfigError("url is malformed: write redis://, rediss://, redis+cluster:// or unix://")
}

/// Settings under which no [`RedisCache`] can be made. It never shows credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RedisConfigError(pub(super) &'static str);

impl fmt::Display for RedisConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl std::error::Error for RedisConfigError {}
