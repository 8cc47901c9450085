//! Replies of a model, kept by a response cache: the store that a client asks before it sends.
//!
//! What may be kept and for how long are the cache's to decide; this says what a request is to it.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::{StreamExt as _, TryStreamExt as _};
use gimmal_cache::{
    AiCache, CallError, CallOptions, Failure, Fresh, KeyRequest, Pacing, Provenance, ResponseCache,
};
use gimmal_client::Error;
use gimmal_client::gemini::{
    OpenReplies, ReplySource, ReplyStream, ResponseStore, SendReply, StoreQuery, StoredReply,
};
use gimmal_client::types::gemini::GenerateContentResponse;

/// Keeps the replies of Gemini in a response cache.
///
/// Requests that name files, whose contents may change, go past it, and so do those with tools
/// unless [`with_tools`](Self::with_tools) says otherwise. Failures are not remembered.
///
/// ```
/// use std::sync::Arc;
///
/// use gimmal_batch::ReplyCache;
/// use gimmal_cache::{AiCache, MemoryCache};
/// use gimmal_client::gemini::GeminiClient;
///
/// # fn main() -> Result<(), gimmal_client::Error> {
/// let cache = AiCache::new(MemoryCache::new(10_000));
/// let client = GeminiClient::builder()
///     .with_api_key("key")
///     .with_response_store(Arc::new(ReplyCache::new(cache)))
///     .build()?;
/// # let _ = client;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ReplyCache<C> {
    cache: AiCache<C>,
    namespace: Option<Arc<str>>,
    allows_tools: bool,
    pacing: Pacing,
}

impl<C: ResponseCache> ReplyCache<C> {
    /// Keeps replies in this cache.
    pub fn new(cache: AiCache<C>) -> Self {
        Self {
            cache,
            namespace: None,
            allows_tools: false,
            pacing: Pacing::default(),
        }
    }

    /// Keeps replies of its own: a tenant's, or those of a service that answers otherwise.
    pub fn with_namespace(mut self, namespace: impl Into<Arc<str>>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Also takes requests with tools. Their replies are kept if the cache's admission allows it.
    pub fn with_tools(mut self) -> Self {
        self.allows_tools = true;
        self
    }

    /// How fast a kept stream is replayed; at once if not set.
    pub fn with_pacing(mut self, pacing: Pacing) -> Self {
        self.pacing = pacing;
        self
    }

    /// The cache.
    pub fn cache(&self) -> &AiCache<C> {
        &self.cache
    }

    /// What the cache knows a request by; `None` for a request that must be sent.
    fn key<'a>(&'a self, query: StoreQuery<'a>) -> Option<KeyRequest<'a>> {
        if !self.allows_tools && !query.request.tools.is_empty() {
            return None;
        }
        let key = KeyRequest::for_generate_content(query.model, query.request)?;
        Some(match &self.namespace {
            Some(namespace) => key.with_namespace(namespace),
            None => key,
        })
    }
}

impl<C: ResponseCache> ResponseStore for ReplyCache<C> {
    fn get_or_send<'a>(
        &'a self,
        query: StoreQuery<'a>,
        send: SendReply,
    ) -> BoxFuture<'a, Result<StoredReply, Error>> {
        Box::pin(async move {
            let Some(key) = self.key(query) else {
                let (reply, source) = (send().await?, ReplySource::Sent);
                return Ok(StoredReply { reply, source });
            };
            let compute = || async move {
                let reply = send().await?;
                Fresh::json(&reply).map_err(|error| Failure::new(undecodable(error)))
            };
            let options = CallOptions::new();
            let answer = self.cache.get_or_compute(&key, options, compute);
            let answer = answer.await.map_err(|error| failed(&error))?;
            Ok(StoredReply {
                reply: answer.parse().map_err(undecodable)?,
                source: source(answer.provenance),
            })
        })
    }

    fn get_or_stream<'a>(
        &'a self,
        query: StoreQuery<'a>,
        open: OpenReplies,
    ) -> BoxFuture<'a, (ReplySource, ReplyStream)> {
        Box::pin(async move {
            let Some(key) = self.key(query) else {
                return (ReplySource::Sent, open());
            };
            let written =
                |chunk: GenerateContentResponse| serde_json::to_value(chunk).map_err(undecodable);
            let open = move || open().map(move |chunk| chunk.and_then(written));
            let options = CallOptions::new();
            let stream = self.cache.get_or_stream(&key, options, self.pacing, open);
            let stream = stream.await;
            let chunks = stream.events.map_err(|error| (*error).clone());
            let chunks = chunks
                .and_then(|chunk| async { serde_json::from_value(chunk).map_err(undecodable) });
            (source(stream.provenance), chunks.boxed())
        })
    }
}

fn source(provenance: Provenance) -> ReplySource {
    match provenance {
        Provenance::Joined => ReplySource::Joined,
        Provenance::Hit(_) | Provenance::Stale(_) => ReplySource::Kept,
        _ => ReplySource::Sent,
    }
}

fn undecodable(error: serde_json::Error) -> Error {
    Error::decode(error, Default::default())
}

fn failed(error: &CallError<Error>) -> Error {
    match error {
        CallError::Computation(error) => (**error).clone(),
        other => Error::cancelled(other.to_string()),
    }
}
