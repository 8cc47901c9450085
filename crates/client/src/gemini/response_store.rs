//! The seam between generation and a cache of whole replies. It keeps nothing itself: a store is
//! the caller's, and what it may keep is the store's to decide.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use gimmal_transport::{Error, ResponseParts};
use gimmal_types::gemini::{GenerateContentRequest, GenerateContentResponse};

/// A request as a store sees it: what decides its reply, before anything rewrites it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct StoreQuery<'a> {
    /// The model that answers, as the caller wrote it.
    pub model: &'a str,
    /// The whole request.
    pub request: &'a GenerateContentRequest,
}

impl<'a> StoreQuery<'a> {
    /// Asks for the reply of a model to a request.
    pub fn new(model: &'a str, request: &'a GenerateContentRequest) -> Self {
        Self { model, request }
    }
}

/// Where a reply of a store is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReplySource {
    /// The request was sent for this call.
    Sent,
    /// Another call had sent the same request, and its reply served this one too.
    Joined,
    /// It was kept from an earlier call.
    Kept,
}

/// What a store gives.
#[derive(Clone, Debug)]
pub struct StoredReply {
    /// The reply, with the token counts of the call that brought it.
    pub reply: GenerateContentResponse,
    /// Where it is from.
    pub source: ReplySource,
}

/// Sends the request that a store does not know the reply to.
pub type SendReply =
    Box<dyn FnOnce() -> BoxFuture<'static, Result<GenerateContentResponse, Error>> + Send>;

/// Opens the stream that a store does not know.
pub type OpenReplies = Box<dyn FnOnce() -> ReplyStream + Send>;

/// The chunks of a reply.
pub type ReplyStream = BoxStream<'static, Result<GenerateContentResponse, Error>>;

/// Keeps whole replies, so that a request that was answered before is not sent again.
///
/// [`GeminiClientBuilder::with_response_store`](super::GeminiClientBuilder::with_response_store)
/// puts one before every generation of a client. A store must never fail a call by itself: what it
/// cannot read it does not know.
pub trait ResponseStore: fmt::Debug + Send + Sync + 'static {
    /// The reply that is kept for a request, or the one that `send` brings.
    ///
    /// # Errors
    ///
    /// Those of `send`.
    fn get_or_send<'a>(
        &'a self,
        query: StoreQuery<'a>,
        send: SendReply,
    ) -> BoxFuture<'a, Result<StoredReply, Error>>;

    /// The stream that is kept for a request, or the one that `open` opens, and where it is from.
    /// Unless a store says otherwise it keeps no streams.
    fn get_or_stream<'a>(
        &'a self,
        query: StoreQuery<'a>,
        open: OpenReplies,
    ) -> BoxFuture<'a, (ReplySource, ReplyStream)> {
        let _ = query;
        Box::pin(async { (ReplySource::Sent, open()) })
    }
}

/// Status, headers and attempts of the request that a store may cause, on their way around it.
#[derive(Clone, Debug, Default)]
pub(super) struct SentParts(Arc<Mutex<Option<ResponseParts>>>);

impl SentParts {
    pub(super) fn note(&self, parts: ResponseParts) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(parts);
    }

    /// The parts of a reply from this source.
    pub(super) fn of(&self, source: ReplySource) -> ResponseParts {
        let mut noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let parts = match source {
            ReplySource::Sent => noted.take(),
            ReplySource::Joined | ReplySource::Kept => None,
        };
        parts.unwrap_or_else(ResponseParts::unsent)
    }
}
