//! The connection, and what can go wrong with it. It sends one command at a time within a limit; it
//! knows neither keys nor entries.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use redis::aio::{ConnectionLike, ConnectionManager, ConnectionManagerConfig};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::{Client, Cmd, ErrorKind, RedisError, ServerErrorKind, Value};
use tokio::sync::OnceCell;

use super::config::{Place, RedisCacheBuilder, RedisConfigError};
use crate::lookup::MissReason;
use crate::outcome::DegradeReason;
use crate::time::Clock;

/// A command that did not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It was not tried.
    Rejected,
    /// There is no connection, or it broke.
    Away,
    /// There was no reply in time.
    Timeout,
    OutOfMemory,
    Denied,
    /// Any other error that the server answered.
    Other,
}

impl Fault {
    /// Whether it speaks against the server as a whole.
    pub(super) fn is_outage(self) -> bool {
        matches!(self, Self::Away | Self::Timeout)
    }

    pub(super) fn miss_reason(self) -> MissReason {
        match self {
            Self::Timeout => MissReason::Timeout,
            _ => MissReason::Unavailable,
        }
    }

    pub(super) fn degrade_reason(self) -> DegradeReason {
        match self {
            Self::Rejected | Self::Away => DegradeReason::Unavailable,
            Self::Timeout => DegradeReason::Timeout,
            Self::OutOfMemory => DegradeReason::OutOfMemory,
            Self::Denied => DegradeReason::Denied,
            Self::Other => DegradeReason::Failed,
        }
    }
}

impl From<&RedisError> for Fault {
    fn from(error: &RedisError) -> Self {
        if error.is_timeout() {
            return Self::Timeout;
        }
        match (error.code(), error.kind()) {
            (Some("OOM"), _) => Self::OutOfMemory,
            (Some("NOAUTH" | "WRONGPASS" | "NOPERM"), _)
            | (_, ErrorKind::AuthenticationFailed)
            | (_, ErrorKind::Server(ServerErrorKind::NoPerm)) => Self::Denied,
            (_, ErrorKind::Server(_) | ErrorKind::Extension) => Self::Other,
            (_, ErrorKind::UnexpectedReturnType | ErrorKind::Client) => Self::Other,
            _ => Self::Away,
        }
    }
}

#[derive(Clone)]
pub(super) struct Link {
    kind: Kind,
    pubsub: Client,
    clock: Arc<dyn Clock>,
}

#[derive(Clone)]
enum Kind {
    /// It connects again by itself. Made at the first use, because it needs a runtime.
    Single(Arc<(Client, ConnectionManagerConfig, OnceCell<ConnectionManager>)>),
    Cluster(Arc<(ClusterClient, OnceCell<ClusterConnection>)>),
}

impl Link {
    pub(super) fn new(builder: &RedisCacheBuilder) -> Result<Self, RedisConfigError> {
        let refused = |_| RedisConfigError("the settings of the connection are refused");
        let (places, is_cluster) = builder.places()?;
        let client = client(&places[0], builder)?;
        let connect = builder.timeouts.connect;
        let kind = if is_cluster {
            let is_tls = places[0].is_tls;
            let nodes = places.into_iter().map(|place| place.info);
            let cluster = ClusterClient::builder(nodes)
                .connection_timeout(connect)
                .retries(2);
            // Certificates would make it insist on TLS.
            let cluster = match is_tls {
                true => tls_of_cluster(cluster, builder),
                false => cluster,
            };
            Kind::Cluster(Arc::new((
                cluster.build().map_err(refused)?,
                OnceCell::new(),
            )))
        } else {
            let config = ConnectionManagerConfig::new()
                .set_connection_timeout(Some(connect))
                // Waiting is limited per operation.
                .set_response_timeout(None)
                .set_number_of_retries(1);
            Kind::Single(Arc::new((client.clone(), config, OnceCell::new())))
        };
        Ok(Self {
            kind,
            pubsub: client,
            clock: builder.clock.clone(),
        })
    }

    pub(super) fn is_cluster(&self) -> bool {
        matches!(self.kind, Kind::Cluster(_))
    }

    /// For subscriptions, which need a connection of their own.
    pub(super) fn client(&self) -> &Client {
        &self.pubsub
    }

    /// Sends a command and waits for the reply, for at most `limit`. If the wait ends first, the
    /// reply is thrown away when it comes; no other command can get it.
    pub(super) async fn send(&self, command: &Cmd, limit: Duration) -> Result<Value, Fault> {
        let reply = std::pin::pin!(self.reply(command));
        match select(reply, self.clock.sleep(limit)).await {
            Either::Left((reply, _)) => reply.map_err(|error| {
                let fault = Fault::from(&error);
                tracing::debug!(?fault, code = error.code(), "a command failed");
                fault
            }),
            Either::Right(_) => Err(Fault::Timeout),
        }
    }

    async fn reply(&self, command: &Cmd) -> Result<Value, RedisError> {
        match &self.kind {
            Kind::Single(single) => {
                let (client, config, manager) = &**single;
                let make = async || {
                    ConnectionManager::new_lazy_with_config(client.clone(), config.clone())
                };
                let mut manager = manager.get_or_try_init(make).await?.clone();
                manager.req_packed_command(command).await
            }
            Kind::Cluster(cluster) => {
                let (client, connection) = &**cluster;
                let connect = || client.get_async_connection();
                let mut connection = connection.get_or_try_init(connect).await?.clone();
                connection.req_packed_command(command).await
            }
        }
        .and_then(Value::extract_error)
    }
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link")
            .field("is_cluster", &self.is_cluster())
            .finish_non_exhaustive()
    }
}

#[cfg(feature = "redis-tls")]
fn certificates(builder: &RedisCacheBuilder) -> redis::TlsCertificates {
    redis::TlsCertificates {
        client_tls: builder
            .client_pem
            .clone()
            .map(|(certificate, key)| redis::ClientTlsConfig {
                client_cert: certificate,
                client_key: key.0,
            }),
        root_cert: builder.ca_pem.clone(),
    }
}

#[cfg(feature = "redis-tls")]
fn client(place: &Place, builder: &RedisCacheBuilder) -> Result<Client, RedisConfigError> {
    let info = place.info.clone();
    let client = if place.is_tls {
        // The first to come decides for the process; whoever was before us has chosen.
        drop(rustls::crypto::aws_lc_rs::default_provider().install_default());
        Client::build_with_tls(info, certificates(builder))
    } else {
        Client::open(info)
    };
    client.map_err(|_| RedisConfigError("the url or a certificate is refused"))
}

#[cfg(not(feature = "redis-tls"))]
fn client(place: &Place, _: &RedisCacheBuilder) -> Result<Client, RedisConfigError> {
    debug_assert!(!place.is_tls);
    Client::open(place.info.clone()).map_err(|_| RedisConfigError("the url is refused"))
}

#[cfg(feature = "redis-tls")]
fn tls_of_cluster(
    cluster: redis::cluster::ClusterClientBuilder,
    builder: &RedisCacheBuilder,
) -> redis::cluster::ClusterClientBuilder {
    cluster.certs(certificates(builder))
}

#[cfg(not(feature = "redis-tls"))]
fn tls_of_cluster(
    cluster: redis::cluster::ClusterClientBuilder,
    _: &RedisCacheBuilder,
) -> redis::cluster::ClusterClientBuilder {
    cluster
}
