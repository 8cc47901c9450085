//! The door to the network: one trait, so that no HTTP client's types appear in a signature.

mod client;
mod config;
mod connect;
#[cfg(feature = "websocket")]
mod connection;
mod failure;
mod pool;
mod proxy;
mod redirect;
mod tls;

pub use config::{HttpConfig, HttpVersions};
pub use pool::{PoolConfig, PoolKey, PoolPurpose};
pub use proxy::Proxy;

pub(crate) use client::HyperTransport;
#[cfg(feature = "websocket")]
pub(crate) use connection::Connection;
pub(crate) use redirect::{KeepRedirects, harmless};

use std::fmt::Debug;

use bytes::Bytes;
use futures_util::future::BoxFuture;

use crate::body::ByteStream;
use crate::error::Error;

/// Sends one request and returns the head of the reply with its body as a stream.
///
/// Bring your own by passing it to
/// [`TransportBuilder::with_http`](crate::TransportBuilder::with_http). An implementation sends
/// the request once: it does not retry, has no time limit for the whole exchange, returns any
/// status as `Ok`, and aborts the exchange when the future or the body is dropped. It follows
/// redirects or not as it likes, but never carries credentials or a body to another host. Its
/// errors say how far the request came: [`Error::connect`] when it never left, [`Error::io`]
/// otherwise. A call that asks for a pool other than the default one has its [`PoolPurpose`]
/// among the extensions of the request; the body of a reply is handed on as it was sent, since
/// the pipeline undoes a `content-encoding`. A reply with the status 101 has its connection for a
/// body, by [`ByteStream::switched`]; requests that ask for one are of
/// [`PoolPurpose::WEBSOCKET`] and go over HTTP/1.1.
pub trait HttpTransport: Debug + Send + Sync + 'static {
    /// Sends `request`.
    fn execute(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<ByteStream>, Error>>;
}
