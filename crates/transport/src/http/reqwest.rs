//! The network through reqwest: rustls, HTTP/1.1 and HTTP/2, one client for each purpose. Retries,
//! time limits and redirects of reqwest are off, because the pipeline and `redirect` own them.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, TryStreamExt};
use reqwest::Client;

use crate::body::ByteStream;
use crate::error::Error;
use crate::http::{HttpConfig, HttpTransport, PoolKey, PoolPurpose, failure, redirect};
use crate::semaphore::{KeyedPermit, KeyedSemaphore};

/// The implementation that is used unless another is given.
pub(crate) struct ReqwestTransport {
    config: HttpConfig,
    client: Client,
    /// Clients of purposes other than the default one, made when they are first asked for.
    others: Mutex<HashMap<PoolPurpose, Client>>,
    in_flight: KeyedSemaphore<PoolKey>,
}

impl ReqwestTransport {
    pub(crate) fn new(config: HttpConfig) -> Result<Self, Error> {
        Ok(Self {
            client: config.build(&PoolPurpose::DEFAULT)?,
            config,
            others: Mutex::default(),
            in_flight: KeyedSemaphore::new(),
        })
    }

    fn client(&self, purpose: &PoolPurpose) -> Result<Client, Error> {
        if *purpose == PoolPurpose::DEFAULT {
            return Ok(self.client.clone());
        }
        let mut others = self.others.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(client) = others.get(purpose) {
            return Ok(client.clone());
        }
        let client = self.config.build(purpose)?;
        others.insert(purpose.clone(), client.clone());
        Ok(client)
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

    async fn exchange(
        &self,
        mut request: http::Request<Bytes>,
    ) -> Result<http::Response<ByteStream>, Error> {
        let purpose = request.extensions_mut().remove::<PoolPurpose>();
        let purpose = purpose.unwrap_or_default();
        let client = self.client(&purpose)?;
        let mut redirects = 0;
        loop {
            let turn = self.turn(&request, &purpose).await?;
            let outgoing = reqwest::Request::try_from(request.clone()).map_err(|source| {
                Error::invalid("request", "it cannot be sent over HTTP")
                    .with_source(source.without_url())
            })?;
            let reply = client.execute(outgoing).await;
            let reply = reply.map_err(failure::of_exchange)?;
            let answered = |error: Error| error.with_answer(reply.status(), reply.headers());
            let next = redirect::follow(&request, reply.status(), reply.headers());
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

impl HttpTransport for ReqwestTransport {
    fn execute(
        &self,
        request: http::Request<Bytes>,
    ) -> BoxFuture<'_, Result<http::Response<ByteStream>, Error>> {
        self.exchange(request).boxed()
    }
}

impl fmt::Debug for ReqwestTransport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReqwestTransport")
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// Takes the connection out of HTTP.
#[cfg(feature = "websocket")]
async fn switch(
    mut reply: reqwest::Response,
    turn: Option<KeyedPermit>,
) -> Result<http::Response<ByteStream>, Error> {
    let mut response = http::Response::new(ByteStream::empty());
    *response.status_mut() = reply.status();
    *response.version_mut() = reply.version();
    *response.headers_mut() = std::mem::take(reply.headers_mut());
    let connection = reply.upgrade().await.map_err(failure::of_body)?;
    let body = ByteStream::switched(connection);
    *response.body_mut() = match turn {
        Some(turn) => body.holding(turn),
        None => body,
    };
    Ok(response)
}

fn convert(mut reply: reqwest::Response, turn: Option<KeyedPermit>) -> http::Response<ByteStream> {
    let status = reply.status();
    let version = reply.version();
    let headers = std::mem::take(reply.headers_mut());
    let body = ByteStream::new(reply.bytes_stream().map_err(failure::of_body));
    let mut response = http::Response::new(match turn {
        Some(turn) => body.holding(turn),
        None => body,
    });
    *response.status_mut() = status;
    *response.version_mut() = version;
    *response.headers_mut() = headers;
    response
}
