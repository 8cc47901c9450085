//! The handle that calls go through. It only chooses how the reply is taken; the work is the
//! pipeline's.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::HeaderMap;
use http::header::CONTENT_TYPE;
use serde::de::DeserializeOwned;

use crate::body::ByteStream;
use crate::builder::TransportBuilder;
use crate::error::{Error, PAYLOAD_LIMIT};
use crate::json::Json;
use crate::limit::Limit;
use crate::options::CallOptions;
use crate::pipeline::{self, Core, ERROR_BODY_TIMEOUT};
use crate::receive::{Buffered, Streamed};
use crate::request::Request;
use crate::response::Response;
use crate::sse::{Decoder, EventStream};
use crate::time::{Clock, Elapsed, Jitter, within};
#[cfg(feature = "websocket")]
use crate::{
    http::PoolPurpose,
    ws::{self, WebSocket, WebSocketConfig},
};

/// Sends requests: with credentials, retries, time limits and errors that tell what happened.
///
/// A clone is cheap and shares connections and retry budget with the original. Dropping the
/// future of a call cancels it; what the server makes of a request that is already on its way is
/// the server's affair.
#[derive(Clone, Debug)]
pub struct Transport {
    core: Arc<Core>,
}

impl Transport {
    /// Starts building a transport.
    pub fn builder() -> TransportBuilder {
        TransportBuilder::default()
    }

    pub(crate) fn from_core(core: Core) -> Self {
        Self {
            core: Arc::new(core),
        }
    }

    pub(crate) fn core(&self) -> &Core {
        &self.core
    }

    /// Sends a request and reads the reply to its end. Success is any 2xx.
    pub async fn send(
        &self,
        request: Request,
        options: &CallOptions,
    ) -> Result<Response<Bytes>, Error> {
        Box::pin(pipeline::run(&self.core, &request, options, &Buffered)).await
    }

    /// Sends a request and reads the reply as JSON; an empty body reads as `{}`.
    pub async fn send_json<T: DeserializeOwned + Send>(
        &self,
        request: Request,
        options: &CallOptions,
    ) -> Result<Response<T>, Error> {
        let reply = Box::pin(pipeline::run(
            &self.core,
            &request,
            options,
            &Json::default(),
        ))
        .await?;
        Ok(reply.map(|(value, _)| value))
    }

    /// Sends a request and hands the body of the reply on as it arrives.
    ///
    /// Failures are retried until the head of a successful reply is here. From then on they come
    /// out of the stream as [`StreamInterrupted`](crate::ErrorKind::StreamInterrupted), with the
    /// number of bytes received.
    pub async fn open_bytes(
        &self,
        request: Request,
        options: &CallOptions,
    ) -> Result<Response<ByteStream>, Error> {
        Box::pin(pipeline::run(&self.core, &request, options, &Streamed)).await
    }

    /// Sends a request and decodes the body of the reply as server-sent events, under the rules
    /// of [`open_bytes`](Self::open_bytes).
    ///
    /// A page in HTML, as proxies and portals answer in the name of the server, is an error of the
    /// kind [`Decode`](crate::ErrorKind::Decode): read as events, it would be a stream without any.
    pub async fn open_events(
        &self,
        request: Request,
        options: &CallOptions,
    ) -> Result<Response<EventStream>, Error> {
        let limit = options.max_event_bytes_or(&self.core.options);
        let reply = Box::pin(pipeline::run(&self.core, &request, options, &Streamed)).await?;
        let recorder = reply.recorder().clone();
        if is_page(reply.headers()) {
            let error = self.refuse_page(reply).await;
            let error = error.with_request(request.method(), request.url());
            recorder.refuse(&error);
            return Err(error);
        }
        let decoder = Decoder::new().with_max_event_bytes(limit);
        Ok(reply.map(|body| EventStream::with_decoder(body, decoder).with_recorder(recorder)))
    }

    /// Opens a WebSocket: a GET whose reply is a connection that speaks both ways.
    ///
    /// Failures are retried until the server has switched; what is sent and received afterwards
    /// is not, because nobody else knows what it means. The address may begin with `ws` or `http`,
    /// `wss` or `https`. The connection counts as in flight until it is closed or dropped, and
    /// belongs to the runtime that this is called on.
    ///
    /// A proxy is asked for a tunnel to `wss`; to `ws` it has to know WebSocket itself.
    #[cfg(feature = "websocket")]
    pub async fn open_websocket(
        &self,
        request: Request,
        config: &WebSocketConfig,
        options: &CallOptions,
    ) -> Result<Response<WebSocket>, Error> {
        let core = &self.core;
        let (request, key) = ws::request(request, &*core.jitter)?;
        let options = options.clone().with_pool(PoolPurpose::WEBSOCKET);
        let call = pipeline::run(core, &request, &options, &ws::Switch);
        let reply = Box::pin(call).await?;
        if let Err(error) = ws::verify(reply.headers(), &key) {
            let error = error
                .with_answer(reply.status(), reply.headers())
                .with_request(request.method(), request.url());
            reply.recorder().refuse(&error);
            return Err(error);
        }
        let options = options.or(&core.options);
        Ok(reply.map(|switched| WebSocket::start(switched, config, &options, &core.clock)))
    }

    /// The same transport for addresses that need no credentials, such as signed ones.
    ///
    /// It shares connections, limits and retry budget with this one. Of the headers that are set
    /// for all calls, only those stay that are known to be harmless. Interceptors stay too: one
    /// that adds a secret has to look at the address.
    #[must_use]
    pub fn without_credentials(&self) -> Self {
        Self::from_core(self.core.without_credentials())
    }

    /// The same transport with other options for its calls; what they leave open is inherited from
    /// this one. It shares connections, limits and retry budget.
    #[must_use]
    pub fn with_options(&self, options: &CallOptions) -> Self {
        Self::from_core(Core {
            options: options.or(&self.core.options),
            ..(*self.core).clone()
        })
    }

    /// These options for several requests that share one deadline: it counts from now, unless they
    /// say from when.
    pub fn start_deadline(&self, options: CallOptions) -> CallOptions {
        options.started(self.core.clock.now())
    }

    /// Waits for what is done between requests, as long as the deadline that they share allows.
    ///
    /// # Errors
    ///
    /// Fails with [`TimeoutKind::Deadline`](crate::TimeoutKind::Deadline) when it has passed.
    pub async fn within_deadline<F: Future>(
        &self,
        options: &CallOptions,
        future: F,
    ) -> Result<F::Output, Error> {
        let clock = &*self.core.clock;
        let due = options.due_or(&self.core.options, || clock.now());
        Limit::of_call(due).hold(clock, pin!(future)).await
    }

    async fn refuse_page(&self, reply: Response<ByteStream>) -> Error {
        let (parts, body) = reply.into_parts();
        let mut page = BytesMut::new();
        let reading = body.read_prefix(PAYLOAD_LIMIT, &mut page);
        let clock = &*self.core.clock;
        // What the page says helps to find out who sent it, but is not worth a long wait.
        let _: Result<(), Elapsed> = within(clock, Some(ERROR_BODY_TIMEOUT), reading).await;
        Error::decode("it is a page in HTML where events should be", page.freeze())
            .with_answer(parts.status, &parts.headers)
    }

    /// The clock that waits and time limits follow.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.core.clock
    }

    /// Where the randomness of waits comes from.
    pub fn jitter(&self) -> &Arc<dyn Jitter> {
        &self.core.jitter
    }

    /// The options that calls inherit.
    pub fn options(&self) -> &CallOptions {
        &self.core.options
    }
}

fn is_page(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let kind = kind
        .and_then(|kind| kind.split(';').next())
        .unwrap_or_default();
    let kind = kind.trim().to_ascii_lowercase();
    matches!(kind.as_str(), "text/html" | "application/xhtml+xml")
}
