//! Sends what a plan says. Knows nothing of thresholds, hashes or lifetimes.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::{Stream, StreamExt as _};
use gimmal_api::gemini::{Gemini, GenerateStream};
use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::gemini::{GenerateContentRequest, GenerateContentResponse, UsageMetadata};
use serde::Serialize;

use super::fanout::First;
use super::{CacheAction, CacheStrategy, ExplicitCachePayload, Plan, Planner, is_cache_lost};

/// Sends plans. Clones share the connection.
#[derive(Clone, Debug)]
pub struct Executor {
    api: Gemini,
    planner: Option<Planner>,
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
    /// True when the cache had vanished and the request was sent again from a new one.
    pub recreated: bool,
    /// Requests on the wire, of all sendings.
    pub attempts: u32,
}

impl Executed {
    /// What the model said, as [`Response::body`] gives it.
    pub fn body(&self) -> &GenerateContentResponse {
        self.response.body()
    }
}

/// What kind of caching served a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum CacheMode {
    /// A context cache, which the request named.
    Persistent,
    /// The service's own.
    Implicit,
    /// None.
    None,
}

impl Executed {
    /// What kind of caching served the reply, by the tokens that the service counted as cached: a
    /// request that named a cache and read nothing from it was served by none.
    pub fn cache_mode(&self) -> CacheMode {
        let usage = self.response.body().usage_metadata.as_deref();
        let cached = usage.and_then(|usage| usage.cached_content_token_count);
        match (cached.unwrap_or(0) > 0, self.strategy) {
            (true, CacheStrategy::GenerateFromExplicitCache) => CacheMode::Persistent,
            (true, _) => CacheMode::Implicit,
            (false, _) => CacheMode::None,
        }
    }
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

/// One sending of a plan.
struct Sending {
    request: GenerateContentRequest,
    way: Way,
}

/// How a sending came about.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    /// As the plan says.
    Planned(CacheStrategy),
    /// From a cache that was made for one that had vanished.
    Recreated,
    /// Whole, because the cache had vanished.
    Whole,
}

impl Way {
    fn strategy(self) -> CacheStrategy {
        match self {
            Self::Planned(strategy) => strategy,
            Self::Recreated => CacheStrategy::GenerateFromExplicitCache,
            Self::Whole => CacheStrategy::GenerateRaw,
        }
    }
}

impl Executor {
    pub(crate) fn new(api: Gemini) -> Self {
        Self { api, planner: None }
    }

    /// Follows the options [`recreate_on_loss`] and [`warm_first`] of the planner that makes the
    /// plans.
    ///
    /// ```no_run
    /// # async fn run(client: gimmal_client::gemini::GeminiClient) -> Result<(), gimmal_client::Error> {
    /// use gimmal_client::gemini::planner::{PlanHint, Planner, PlannerOptions};
    /// use gimmal_client::types::gemini::{Content, GenerateContentRequest};
    ///
    /// let mut options = PlannerOptions::default();
    /// options.recreate_on_loss = true;
    /// let planner = Planner::builder(&client).with_options(options).build();
    /// let turns = ["a long text", "a question"].map(Content::user);
    /// let request = GenerateContentRequest::new().set_contents(turns);
    /// let plan = planner.plan_generation("gemini-2.5-flash", &request, &PlanHint::new()).await;
    /// let executor = client.executor().with_planner(&planner);
    /// let reply = executor.execute(&plan, &request, &Default::default()).await?;
    /// planner.observe(&plan, &reply);
    /// # Ok(()) }
    /// ```
    ///
    /// [`recreate_on_loss`]: super::PlannerOptions::recreate_on_loss
    /// [`warm_first`]: super::PlannerOptions::warm_first
    #[must_use]
    pub fn with_planner(mut self, planner: &Planner) -> Self {
        self.planner = Some(planner.clone());
        self
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
        let first = self.may_go(plan).await;
        let (mut sending, mut lost) = (planned(plan, settings), 0_u32);
        loop {
            let sent = self
                .api
                .generate_content(&plan.model, &sending.request, options);
            match sent.await {
                Ok(response) => {
                    self.arrived(first);
                    return Ok(Executed {
                        strategy: sending.way.strategy(),
                        retried_without_cache: sending.way == Way::Whole,
                        recreated: sending.way == Way::Recreated,
                        attempts: response.attempts().saturating_add(lost),
                        response,
                    });
                }
                Err(error) => {
                    let attempts = u32::try_from(error.attempts().len()).unwrap_or(u32::MAX);
                    lost = lost.saturating_add(attempts.max(1));
                    sending = self.after(error, plan, settings, sending.way).await?;
                }
            }
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
        let first = self.may_go(plan).await;
        let mut sending = planned(plan, settings);
        loop {
            let request = &sending.request;
            let opened = self
                .api
                .stream_generate_content(&plan.model, request, options);
            match opened.await {
                Ok(chunks) => {
                    self.arrived(first);
                    return Ok(ExecutedStream {
                        chunks,
                        usage: None,
                        strategy: sending.way.strategy(),
                        retried_without_cache: sending.way == Way::Whole,
                    });
                }
                Err(error) => sending = self.after(error, plan, settings, sending.way).await?,
            }
        }
    }

    /// What to send after a sending failed: the same from a new cache or whole if its cache had
    /// vanished, else the error.
    async fn after(
        &self,
        error: Error,
        plan: &Plan,
        settings: &GenerateContentRequest,
        way: Way,
    ) -> Result<Sending, Error> {
        let fallback = match &plan.action {
            CacheAction::FromCache(payload) => payload.fallback.as_ref().map(|it| (payload, it)),
            CacheAction::Raw(_) | CacheAction::Optimized(_) => None,
        };
        let Some((payload, whole)) = fallback.filter(|_| way != Way::Whole) else {
            return Err(error);
        };
        if !is_cache_lost(&error) {
            return Err(error);
        }
        if let (Way::Planned(_), Some(planner)) = (way, &self.planner)
            && let Some(cache_name) = planner.recreate(plan).await
        {
            let payload = ExplicitCachePayload {
                cache_name,
                ..payload.clone()
            };
            return Ok(Sending {
                request: payload.fill(settings),
                way: Way::Recreated,
            });
        }
        Ok(Sending {
            request: whole.fill(settings),
            way: Way::Whole,
        })
    }

    async fn may_go(&self, plan: &Plan) -> Option<First> {
        self.planner.as_ref()?.may_go(plan).await
    }

    fn arrived(&self, first: Option<First>) {
        if let (Some(first), Some(planner)) = (first, &self.planner) {
            first.arrived(planner.now().instant);
        }
    }
}

fn planned(plan: &Plan, settings: &GenerateContentRequest) -> Sending {
    let request = match &plan.action {
        CacheAction::Raw(payload) => payload.fill(settings),
        CacheAction::Optimized(payload) => payload.fill_optimized(settings),
        CacheAction::FromCache(payload) => payload.fill(settings),
    };
    Sending {
        request,
        way: Way::Planned(plan.action.strategy()),
    }
}
