//! Results that come later.

use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::tinker::{CancelFutureRequest, FuturesRetrieveRequest, FuturesRetrieveResponse};
use http::header::CONTENT_TYPE;

use super::options::Manner;
use super::{FutureReply, RetrieveFuture, Tinker, requests};

impl Tinker {
    /// Gives a request up.
    ///
    /// Route: POST /api/v1/cancel_future
    ///
    /// # Errors
    ///
    /// As the transport does.
    pub async fn cancel_future(
        &self,
        request: &CancelFutureRequest,
        options: &CallOptions,
    ) -> Result<Response<()>, Error> {
        let request = requests::cancel_future(self.endpoint(), request)?;
        self.tell(request, Manner::CancelFuture, options).await
    }

    /// Asks for a result; the server holds the request until there is one, or for a while.
    ///
    /// Route: POST /api/v1/retrieve_future
    ///
    /// # Errors
    ///
    /// As the transport does; a 408 is the answer of a server that has no result yet.
    pub async fn retrieve_future(
        &self,
        poll: &RetrieveFuture<'_>,
        options: &CallOptions,
    ) -> Result<Response<FutureReply>, Error> {
        let request = requests::retrieve_future(self.endpoint(), poll)?;
        let options = Manner::Future.options(options);
        let reply = self.transport().send(request, &options).await?;
        let kind = reply
            .headers()
            .get(CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok());
        let kind = kind.unwrap_or_default().to_owned();
        reply.try_map(|body| FutureReply::read(&kind, body))
    }

    /// Asks which requests of a sampling client are done; the server waits for news unless the
    /// request says otherwise.
    ///
    /// Route: POST /api/v1/retrieve_futures
    ///
    /// # Errors
    ///
    /// As the transport does.
    pub async fn retrieve_futures(
        &self,
        request: &FuturesRetrieveRequest,
        options: &CallOptions,
    ) -> Result<Response<FuturesRetrieveResponse>, Error> {
        let manner = Manner::Poller {
            at_once: request.timeout == Some(0.0),
        };
        let request = requests::retrieve_futures(self.endpoint(), request)?;
        self.read(request, manner, options).await
    }
}
