//! Sends what a plan says. Knows nothing of thresholds, hashes or lifetimes.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::{Stream, StreamExt as _};
use gimmal_api::gemini::{Gemini, GenerateStream};
use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::gemini::{GenerateContentRequest, GenerateContentResponse, UsageMetadata};

use super::{CacheAction, CacheStrategy, Plan, is_cache_lost};

/// Sends plans. Clones share the connection.
#[derive(Clone, Debug)]
pub struct Executor {
    api: Gemini,
}

/// The reply to a plan, and how it was come by.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Executed {
    /// The reply.
    pub response: Response<GenerateContentResponse>,
    /// The strategy that produced it.
    pub strategy: CacheStrategy,
    /// True when the cache had vanished and the request was sent again whole.
    pub retried_without_cache: bool,
    /// Requests on the wire, of both sendings.
    pub attempts: u32,
}

/// The streamed reply to a plan: its chunks, and how it was come by.
///
/// Once it has been read, [`Planner::observe_stream`](super::Planner::observe_stream) learns from it.
#[derive(Debug)]
#[must_use = "a stream does nothing until it is read"]
pub struct ExecutedStream {
    chunks: GenerateStream,
    usage: Option<Box<UsageMetadata>>,
    strategy: CacheStrategy,
    retried_without_cache: bool,
}

impl ExecutedStream {
    /// The strategy that produced it.
    pub fn strategy(&self) -> CacheStrategy {
        self.strategy
    }

    /// True when the cache had vanished and the request was sent again whole.
    pub fn retried_without_cache(&self) -> bool {
        self.retried_without_cache
    }

    /// Token counts, as the newest chunk that had any told them.
    pub fn usage(&self) -> Option<&UsageMetadata> {
        self.usage.as_deref()
    }
}

impl Stream for ExecutedStream {
    type Item = Result<GenerateContentResponse, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = ready!(self.chunks.poll_next_unpin(context));
        if let Some(Ok(chunk)) = &item
            && chunk.usage_metadata.is_some()
        {
            self.usage.clone_from(&chunk.usage_metadata);
        }
        Poll::Ready(item)
    }
}

impl Executor {
    pub(crate) fn new(api: Gemini) -> Self {
        Self { api }
    }

    /// Sends a plan with the per-request settings of `settings`, whose contents, instructions,
    /// tools and cache name are ignored in favour of the plan's.
    ///
    /// # Errors
    ///
    /// As [`Gemini::generate_content`]. A cache that vanished is not an error: the request is sent
    /// once more whole. Only the cache that a request names itself has no substitute.
    pub async fn execute(
        &self,
        plan: &Plan,
        settings: &GenerateContentRequest,
        options: &CallOptions,
    ) -> Result<Executed, Error> {
        let strategy = plan.action.strategy();
        let payload = match &plan.action {
            CacheAction::Raw(payload) | CacheAction::Optimized(payload) => {
                let request = payload.fill(settings);
                return self.send(plan, request, strategy, options).await;
            }
            CacheAction::FromCache(payload) => payload,
        };
        let sent = self.send(plan, payload.fill(settings), strategy, options);
        match (sent.await, &payload.fallback) {
            (Err(error), Some(fallback)) if is_cache_lost(&error) => {
                let raw = CacheStrategy::GenerateRaw;
                let whole = fallback.fill(settings);
                let mut executed = self.send(plan, whole, raw, options).await?;
                executed.retried_without_cache = true;
                let lost = u32::try_from(error.attempts().len()).unwrap_or(u32::MAX);
                executed.attempts = executed.attempts.saturating_add(lost.max(1));
                Ok(executed)
            }
            (other, _) => other,
        }
    }

    /// As [`execute`](Self::execute), with the reply in chunks as the model writes it.
    ///
    /// # Errors
    ///
    /// As [`execute`](Self::execute), up to the response headers, where a cache that vanished shows;
    /// what fails later is an item of the stream.
    pub async fn stream(
        &self,
        plan: &Plan,
        settings: &GenerateContentRequest,
        options: &CallOptions,
    ) -> Result<ExecutedStream, Error> {
        let strategy = plan.action.strategy();
        let payload = match &plan.action {
            CacheAction::Raw(payload) | CacheAction::Optimized(payload) => {
                let request = payload.fill(settings);
                return self.open(plan, request, strategy, options).await;
            }
            CacheAction::FromCache(payload) => payload,
        };
        let opened = self.open(plan, payload.fill(settings), strategy, options);
        match (opened.await, &payload.fallback) {
            (Err(error), Some(fallback)) if is_cache_lost(&error) => {
                let raw = CacheStrategy::GenerateRaw;
                let whole = fallback.fill(settings);
                let mut executed = self.open(plan, whole, raw, options).await?;
                executed.retried_without_cache = true;
                Ok(executed)
            }
            (other, _) => other,
        }
    }

    async fn open(
        &self,
        plan: &Plan,
        request: GenerateContentRequest,
        strategy: CacheStrategy,
        options: &CallOptions,
    ) -> Result<ExecutedStream, Error> {
        let api = &self.api;
        let chunks = api
            .stream_generate_content(&plan.model, &request, options)
            .await?;
        Ok(ExecutedStream {
            chunks,
            usage: None,
            strategy,
            retried_without_cache: false,
        })
    }

    async fn send(
        &self,
        plan: &Plan,
        request: GenerateContentRequest,
        strategy: CacheStrategy,
        options: &CallOptions,
    ) -> Result<Executed, Error> {
        let response = self
            .api
            .generate_content(&plan.model, &request, options)
            .await?;
        let attempts = response.attempts();
        Ok(Executed {
            response,
            strategy,
            retried_without_cache: false,
            attempts,
        })
    }
}
