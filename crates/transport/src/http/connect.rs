//! How a connection is made: straight to the server or by way of a proxy, with TLS where the
//! address asks for it, and all of it within one time limit. What is sent is not known here.

use std::future::Future;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::Uri;
use http::uri::Scheme;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use rustls::ClientConfig;
use tower_service::Service;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Makes connections for hyper.
#[derive(Clone)]
pub(super) struct Connector {
    proxies: Arc<Matcher>,
    tls: Arc<ClientConfig>,
    to_server: HttpsConnector<HttpConnector>,
    to_proxy: HttpsConnector<HttpConnector>,
    limit: Option<Duration>,
}

impl Connector {
    /// The limit is on everything from the lookup of the name to the end of the handshake.
    pub(super) fn new(
        mut tcp: HttpConnector,
        tls: ClientConfig,
        proxies: Arc<Matcher>,
        limit: Option<Duration>,
    ) -> Self {
        tcp.enforce_http(false);
        tcp.set_connect_timeout(limit);
        // What is agreed on with a proxy is not the version that the server behind it speaks.
        let mut tls_to_proxy = tls.clone();
        tls_to_proxy.alpn_protocols.clear();
        let tls = Arc::new(tls);
        Self {
            proxies,
            to_server: HttpsConnector::from((tcp.clone(), Arc::clone(&tls))),
            to_proxy: HttpsConnector::from((tcp, tls_to_proxy)),
            tls,
            limit,
        }
    }

    fn connect(&mut self, to: Uri) -> BoxFuture<'static, Result<Link, BoxError>> {
        let Some(proxy) = self.proxies.intercept(&to) else {
            return Link::made(self.to_server.call(to), false).boxed();
        };
        tracing::debug!(host = to.host(), proxy = %proxy.uri(), "a proxy intercepts");
        if to.scheme() == Some(&Scheme::HTTPS) {
            let tunnel = tunnel(&proxy, self.to_proxy.clone());
            let mut through = HttpsConnector::from((tunnel, Arc::clone(&self.tls)));
            Link::made(through.call(to), false).boxed()
        } else {
            Link::made(self.to_proxy.call(proxy.uri().clone()), true).boxed()
        }
    }
}

fn tunnel<C>(proxy: &Intercept, to_proxy: C) -> Tunnel<C> {
    let tunnel = Tunnel::new(proxy.uri().clone(), to_proxy);
    match proxy.basic_auth() {
        Some(secret) => tunnel.with_auth(secret.clone()),
        None => tunnel,
    }
}

impl Service<Uri> for Connector {
    type Response = Link;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Link, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, to: Uri) -> Self::Future {
        let connecting = self.connect(to);
        let Some(limit) = self.limit else {
            return connecting;
        };
        let limited = tokio::time::timeout(limit, connecting);
        limited
            .map(|made| made.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))?)
            .boxed()
    }
}

trait Stream: Read + Write + Connection + Send + Unpin {}

impl<S: Read + Write + Connection + Send + Unpin> Stream for S {}

/// A connection, of whichever kind. In a box, because the state of TLS is large and would take its
/// room where there is none too.
pub(super) struct Link {
    stream: Box<dyn Stream>,
    /// Requests are for a proxy to read, which wants to see whole addresses.
    proxied: bool,
}

impl Link {
    async fn made<S: Stream + 'static>(
        connecting: impl Future<Output = Result<S, BoxError>>,
        proxied: bool,
    ) -> Result<Self, BoxError> {
        let stream = Box::new(connecting.await?);
        Ok(Self { stream, proxied })
    }
}

impl Connection for Link {
    fn connected(&self) -> Connected {
        self.stream.connected().proxy(self.proxied)
    }
}

impl Read for Link {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl Write for Link {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
