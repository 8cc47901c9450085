//! Sends what a plan says. Knows nothing of thresholds, hashes or lifetimes.

use gimmal_api::gemini::Gemini;
use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::gemini::{GenerateContentRequest, GenerateContentResponse};

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
