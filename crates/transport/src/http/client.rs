//! The network through hyper: HTTP/1.1 and HTTP/2, one pool of connections for each purpose. It
//! sends what it is given: retries and time limits are the pipeline's, redirects those of
//! `redirect`.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, TryStreamExt};
use http::header::{ACCEPT, PROXY_AUTHORIZATION};
use http::uri::Scheme;
use http::{HeaderValue, Uri};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::client::proxy::matcher::Matcher;
#[cfg(feature = "websocket")]
use hyper_util::rt::TokioIo;

use crate::body::ByteStream;
use crate::error::Error;
use crate::http::connect::Connector;
use crate::http::{
    HttpConfig, HttpTransport, KeepRedirects, PoolKey, PoolPurpose, failure, redirect,
};
use crate::semaphore::{KeyedPermit, KeyedSemaphore};

/// Connections to all servers for one purpose.
pub(super) type Pool = legacy::Client<Connector, Full<Bytes>>;

/// The implementation that is used unless another is given.
pub(crate) struct HyperTransport {
    config: HttpConfig,
    proxies: Arc<Matcher>,
    pool: Pool,
    /// Pools of purposes other than the default one, made when they are first asked for.
    others: Mutex<HashMap<PoolPurpose, Pool>>,
    in_flight: KeyedSemaphore<PoolKey>,
}

impl HyperTransport {
    pub(crate) fn new(config: HttpConfig) -> Result<Self, Error> {
        let proxies = Arc::new(config.proxies()?);
        Ok(Self {
            pool: config.build(&PoolPurpose::DEFAULT, &proxies)?,
            proxies,
            config,
            others: Mutex::default(),
            in_flight: KeyedSemaphore::new(),
        })
    }

    fn pool(&self, purpose: &PoolPurpose) -> Result<Pool, Error> {
        if *purpose == PoolPurpose::DEFAULT {
            return Ok(self.pool.clone());
        }
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pool) = others.get(purpose) {
            return Ok(pool.clone());
        }
        let pool = self.config.build(purpose, &self.proxies)?;
        others.insert(purpose.clone(), pool.clone());
        Ok(pool)
    }

    /// Waits for a turn where the pool has a limit.
    async fn turn(
        &self,
        request: &http::Request<Bytes>,
        purpose: &PoolPurpose,
    ) -> Result<Option<KeyedPermit>, Error> {
        let Some(limit) = self.config.pool(purpose).max_in_flight() else {
            return Ok(None);
        };
        let key = PoolKey::parse(&request.uri().to_string(), purpose.clone())?;
        Ok(Some(self.in_flight.acquire(key, limit).await))
    }

    /// The request as it goes out. The original is kept, in case the reply is a redirect.
    fn outgoing(
        &self,
        request: &http::Request<Bytes>,
    ) -> Result<http::Request<Full<Bytes>>, Error> {
        let mut outgoing = http::Request::new(Full::new(request.body().clone()));
        *outgoing.method_mut() = request.method().clone();
        *outgoing.uri_mut() = sendable(request.uri())?.clone();
        *outgoing.version_mut() = request.version();
        let headers = outgoing.headers_mut();
        *headers = request.headers().clone();
        let any = HeaderValue::from_static("*/*");
        headers.entry(ACCEPT).or_insert(any);
        // Behind TLS the proxy is told when the tunnel is opened, and the server must not be.
        if request.uri().scheme() == Some(&Scheme::HTTP)
            && let Some(proxy) = self.proxies.intercept(request.uri())
            && let Some(secret) = proxy.basic_auth()
        {
            let secret = secret.clone();
            headers.entry(PROXY_AUTHORIZATION).or_insert(secret);
        }
        Ok(outgoing)
    }

    async fn exchange(
        &self,
        mut request: http::Request<Bytes>,
    ) -> Result<http::Response<ByteStream>, Error> {
        let purpose = request.extensions_mut().remove::<PoolPurpose>();
        let purpose = purpose.unwrap_or_default();
        let keep = request.extensions_mut().remove::<KeepRedirects>().is_some();
        let pool = self.pool(&purpose)?;
        let mut redirects = 0;
        loop {
            let turn = self.turn(&request, &purpose).await?;
            let reply = pool.request(self.outgoing(&request)?).await;
            let reply = reply.map_err(failure::of_exchange)?;
            let answered = |error: Error| error.with_answer(reply.status(), reply.headers());
            let next = match keep {
                true => Ok(None),
                false => redirect::follow(&request, reply.status(), reply.headers()),
            };
            let Some(next) = next.map_err(answered)? else {
                #[cfg(feature = "websocket")]
                if reply.status() == http::StatusCode::SWITCHING_PROTOCOLS {
                    return switch(reply, turn).await;
                }
                return Ok(convert(reply, turn));
            };
            if redirects == redirect::MAX_REDIRECTS {
                let message = format!("more than {redirects} redirects");
                return Err(answered(Error::redirect(message)));
            }
            redirects += 1;
            request = next;
        }
    }
}

impl HttpTransport for HyperTransport {
    fn execute(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<ByteStream>, Error>> {
        self.exchange(request).boxed()
    }
}

impl fmt::Debug for HyperTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HyperTransport")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// An interceptor may have set an address that leads nowhere.
fn sendable(uri: &Uri) -> Result<&Uri, Error> {
    let scheme = matches!(uri.scheme_str(), Some("http" | "https"));
    if scheme && uri.host().is_some() {
        Ok(uri)
    } else {
        Err(Error::invalid("request", "it cannot be sent over HTTP"))
    }
}

/// Takes the connection out of HTTP.
#[cfg(feature = "websocket")]
async fn switch(
    mut reply: http::Response<Incoming>,
    turn: Option<KeyedPermit>,
) -> Result<http::Response<ByteStream>, Error> {
    let connection = hyper::upgrade::on(&mut reply).await;
    let connection = TokioIo::new(connection.map_err(failure::of_body)?);
    reply.extensions_mut().clear();
    Ok(reply.map(|_| holding(ByteStream::switched(connection), turn)))
}

fn convert(
    reply: http::Response<Incoming>,
    turn: Option<KeyedPermit>,
) -> http::Response<ByteStream> {
    let (mut head, body) = reply.into_parts();
    // What hyper notes about the connection there is nobody's business.
    head.extensions.clear();
    let body = ByteStream::new(body.into_data_stream().map_err(failure::of_body));
    http::Response::from_parts(head, holding(body, turn))
}

/// The body, which keeps the turn in its pool until it is read.
fn holding(body: ByteStream, turn: Option<KeyedPermit>) -> ByteStream {
    match turn {
        Some(turn) => body.holding(turn),
        None => body,
    }
}
