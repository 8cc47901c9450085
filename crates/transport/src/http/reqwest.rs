//! The network through reqwest: rustls, HTTP/1.1 and HTTP/2, the system's proxy. Retries, time
//! limits and redirects of reqwest are off, because the pipeline and `redirect` own them.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, TryStreamExt};

use crate::body::ByteStream;
use crate::error::{Error, Persistence};
use crate::http::{HttpTransport, redirect};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The implementation that is used unless another is given.
#[derive(Clone, Debug)]
pub(crate) struct ReqwestTransport {
    client: reqwest::Client,
}

impl ReqwestTransport {
    pub(crate) fn new() -> Result<Self, Error> {
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .tcp_nodelay(true)
            .pool_max_idle_per_host(usize::MAX)
            .build()
            .map_err(|source| {
                Error::config("HTTP client could not be set up").with_source(source)
            })?;
        Ok(Self { client })
    }

    async fn exchange(
        &self,
        request: http::Request<Bytes>,
    ) -> Result<http::Response<ByteStream>, Error> {
        let mut request = request;
        for _ in 0..=redirect::MAX_REDIRECTS {
            let outgoing = reqwest::Request::try_from(request.clone()).map_err(|source| {
                Error::invalid("request", "it cannot be sent over HTTP")
                    .with_source(source.without_url())
            })?;
            let reply = self.client.execute(outgoing).await.map_err(classify)?;
            match redirect::follow(&request, reply.status(), reply.headers())? {
                Some(next) => request = next,
                None => return Ok(convert(reply)),
            }
        }
        Err(
            Error::io(format!("more than {} redirects", redirect::MAX_REDIRECTS))
                .with_persistence(Persistence::Permanent),
        )
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

fn convert(mut reply: reqwest::Response) -> http::Response<ByteStream> {
    let status = reply.status();
    let version = reply.version();
    let headers = std::mem::take(reply.headers_mut());
    let mut response = http::Response::new(ByteStream::new(reply.bytes_stream().map_err(classify)));
    *response.status_mut() = status;
    *response.version_mut() = version;
    *response.headers_mut() = headers;
    response
}

/// The address is taken out of the error, because its query may hold a secret.
fn classify(error: reqwest::Error) -> Error {
    let connect = error.is_connect();
    let error = error.without_url();
    if connect {
        Error::connect(error)
    } else {
        Error::io(error)
    }
}
