//! The planner with its clock, its network and its memory.

use std::sync::Arc;

use gimmal_api::gemini::{Backend, Gemini, cached_content_model};
use gimmal_transport::{CallOptions, Clock, Error, Timeout};
use gimmal_types::gemini::{Content, CountTokensRequest, GenerateContentRequest, UsageMetadata};

use super::analysis::floor;
use super::draft::{Draft, DraftFacts};
use super::fanout::Fanout;
use super::ledger::{Ledger, Now};
use super::prepared::separate;
use super::seed;
use super::{
    CacheAction, CacheScope, CacheStrategy, Capabilities, Executed, ExecutedStream, Facts, Lease,
    Mode, ModelFacts, ModelTable, PartsPayload, Plan, PlanHint, PlannerEvent, PlannerOptions,
    PlannerStats, Prefix, PreparedPrefix, Reason, TokenEstimate, Verdict, decide,
};
use crate::gemini::GeminiClient;

/// Decides for each request whether it reads from a context cache, and keeps the caches.
///
/// Clones share one memory, so caches are created once however many tasks plan at the same time.
///
/// ```no_run
/// # async fn run() -> Result<(), gimmal_client::Error> {
/// use gimmal_client::gemini::GeminiClient;
/// use gimmal_client::gemini::planner::{PlanHint, Planner, Prefix};
/// use gimmal_client::types::gemini::{Content, GenerateContentRequest};
///
/// let client = GeminiClient::from_env()?;
/// let planner = Planner::builder(&client).build();
/// let prefix = Prefix { contents: vec![Content::user("a long handbook")], ..Prefix::default() };
/// let handbook = planner.prepare("gemini-2.5-flash", prefix)?;
///
/// let hint = PlanHint::new().with_expected_reads(200);
/// let plan = planner.plan(&handbook, [Content::user("How long do caches live?")], &hint).await;
/// let reply = client
///     .executor()
///     .execute(&plan, &GenerateContentRequest::new(), &Default::default())
///     .await?;
/// planner.observe(&plan, &reply);
/// planner.close().await;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct Planner {
    pub(super) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) api: Gemini,
    pub(super) scope: CacheScope,
    pub(super) options: PlannerOptions,
    pub(super) table: ModelTable,
    pub(super) ledger: Ledger,
    pub(super) fanout: Fanout,
}

/// Collects the settings of a [`Planner`].
#[derive(Clone, Debug)]
#[must_use]
pub struct PlannerBuilder {
    api: Gemini,
    scope: CacheScope,
    options: PlannerOptions,
    table: ModelTable,
}

impl PlannerBuilder {
    /// How to decide.
    pub fn with_options(mut self, options: PlannerOptions) -> Self {
        self.options = options;
        self
    }

    /// Replaces what is known of models.
    pub fn with_model_table(mut self, table: ModelTable) -> Self {
        self.table = table;
        self
    }

    /// Makes the planner. No I/O.
    pub fn build(self) -> Planner {
        let scope = match &self.options.scope_salt {
            Some(salt) => self.scope.salted(salt),
            None => self.scope,
        };
        Planner {
            inner: Arc::new(Inner {
                api: self.api,
                scope,
                options: self.options,
                table: self.table,
                ledger: Ledger::default(),
                fanout: Fanout::default(),
            }),
        }
    }
}

impl Planner {
    /// A planner for a client, with the built-in model table.
    pub fn builder(client: &GeminiClient) -> PlannerBuilder {
        PlannerBuilder {
            api: client.api().clone(),
            scope: client.cache_scope().clone(),
            options: PlannerOptions::default(),
            table: ModelTable::default(),
        }
    }

    /// Identifies and measures a prefix that many requests will share.
    ///
    /// # Errors
    ///
    /// Fails on a bad model name.
    pub fn prepare(&self, model: &str, prefix: Prefix) -> Result<PreparedPrefix, Error> {
        let full = cached_content_model(self.inner.api.endpoint(), model)?;
        Ok(PreparedPrefix::new(model, &full, &self.inner.scope, prefix))
    }

    /// Plans one request that shares a prepared prefix. Never fails: whatever goes wrong, the plan
    /// degrades to sending the request whole, and the decision says why.
    pub async fn plan(
        &self,
        prefix: &PreparedPrefix,
        tail: impl Into<Arc<[Content]>>,
        hint: &PlanHint,
    ) -> Plan {
        let payload = PartsPayload {
            prefix: Arc::clone(&prefix.prefix),
            tail: tail.into(),
        };
        let tail_estimate = TokenEstimate::of_contents(payload.tail.iter());
        self.inner
            .ledger
            .read_line(prefix.line(), self.clock().now());
        let mut estimate = self.estimate(prefix);
        loop {
            let (verdict, facts) = self.verdict(prefix, &payload, estimate, tail_estimate, hint);
            let draft = Draft {
                prefix,
                payload: &payload,
                estimate,
                tail_estimate,
                facts,
            };
            return match verdict {
                Verdict::NeedTokens => {
                    estimate = self.count_or_guess(prefix).await;
                    continue;
                }
                Verdict::Send {
                    optimized,
                    reason,
                    saving_usd,
                } => self.finish(draft.send(optimized, reason, saving_usd)),
                Verdict::UseNamed => {
                    let name = hint.cache_override_name.clone().unwrap_or_default();
                    self.finish(draft.cached(name, Reason::CallerOverride, None, None))
                }
                Verdict::UseLease => match self.longest_lease(prefix) {
                    Some((lease, turns)) if turns + 1 < prefix.keys.len() => {
                        self.read_lease(&lease, hint);
                        self.finish(draft.cached_beginning(lease, turns))
                    }
                    Some((lease, _)) => {
                        self.read_lease(&lease, hint);
                        self.finish(draft.cached(lease.name, Reason::LeaseHit, None, None))
                    }
                    // It expired between the two looks.
                    None => continue,
                },
                Verdict::Create { ttl, saving_usd } => {
                    match self
                        .ensure(prefix, ttl, Some(self.inner.options.create_wait))
                        .await
                    {
                        Ok(lease) => {
                            self.retire_beginnings(prefix);
                            let now = self.clock().system_now();
                            self.inner.ledger.note_read(&lease.key, now);
                            self.finish(draft.cached(lease.name, Reason::Ok, saving_usd, Some(ttl)))
                        }
                        Err(failure) => self.finish(draft.failed(&failure)),
                    }
                }
            };
        }
    }

    /// Plans a whole request: separates the part that can be cached from the part that is sent.
    ///
    /// A request that names a cache itself is left as it is.
    pub async fn plan_generation(
        &self,
        model: &str,
        request: &GenerateContentRequest,
        hint: &PlanHint,
    ) -> Plan {
        // A bad name is the executor's to report, with the same words as for any other request.
        let full = cached_content_model(self.inner.api.endpoint(), model)
            .unwrap_or_else(|_| model.to_owned());
        let prepare = |prefix| PreparedPrefix::new(model, &full, &self.inner.scope, prefix);
        if let Some(name) = &request.cached_content {
            return self.untouched(&prepare(Prefix::default()), name, request, hint);
        }
        let (prefix, tail) = separate(request, hint.cache_until);
        self.plan(&prepare(prefix), tail, hint).await
    }

    /// The plan of a request that names a cache itself: nothing may be taken out of it.
    fn untouched(
        &self,
        nothing: &PreparedPrefix,
        cache_name: &str,
        request: &GenerateContentRequest,
        hint: &PlanHint,
    ) -> Plan {
        let payload = PartsPayload {
            prefix: Arc::clone(&nothing.prefix),
            tail: Arc::from(request.contents.as_slice()),
        };
        let tail_estimate = TokenEstimate::of_contents(payload.tail.iter());
        let estimate = nothing.estimate;
        let (_, facts) = self.verdict(nothing, &payload, estimate, tail_estimate, hint);
        let draft = Draft {
            prefix: nothing,
            payload: &payload,
            estimate,
            tail_estimate,
            facts,
        };
        let name = cache_name.to_owned();
        let mut plan = draft.cached(name, Reason::CallerOverride, None, None);
        if let CacheAction::FromCache(payload) = &mut plan.action {
            payload.fallback = None;
        }
        self.finish(plan)
    }

    /// Learns from a reply: token counts, and caches that vanished.
    pub fn observe(&self, plan: &Plan, executed: &Executed) {
        let usage = executed.response.body().usage_metadata.as_deref();
        self.learn(
            plan,
            usage,
            executed.strategy,
            executed.retried_without_cache,
        );
    }

    /// As [`observe`](Self::observe), from a stream that has been read.
    pub fn observe_stream(&self, plan: &Plan, stream: &ExecutedStream) {
        let (strategy, retried) = (stream.strategy(), stream.retried_without_cache());
        self.learn(plan, stream.usage(), strategy, retried);
    }

    fn learn(
        &self,
        plan: &Plan,
        usage: Option<&UsageMetadata>,
        strategy: CacheStrategy,
        retried_without_cache: bool,
    ) {
        let ledger = &self.inner.ledger;
        if retried_without_cache
            && let (Some(key), Some(name)) = (&plan.key, plan.action.cache_name())
        {
            ledger.forget(key, name, self.clock().system_now());
        }
        let tokens = |count: Option<i32>| u64::try_from(count.unwrap_or(0)).unwrap_or(0);
        let prompt = tokens(usage.and_then(|usage| usage.prompt_token_count));
        let cached = tokens(usage.and_then(|usage| usage.cached_content_token_count));
        let output = tokens(usage.and_then(|usage| usage.candidates_token_count))
            + tokens(usage.and_then(|usage| usage.thoughts_token_count));
        let from_cache = strategy == CacheStrategy::GenerateFromExplicitCache;
        let estimated = u64::from(plan.estimate.min)..=u64::from(plan.estimate.max);
        ledger.count(|stats| {
            stats.prompt_tokens += prompt;
            stats.cached_tokens_read += cached;
            stats.output_tokens += output;
            stats.estimate_in_range += u64::from(estimated.contains(&prompt));
            stats.retried_without_cache += u64::from(retried_without_cache);
            stats.cache_read_zero += u64::from(from_cache && cached == 0);
        });
        let Some(facts) = self.model_facts(&plan.model) else {
            return;
        };
        let price = facts.price(prompt);
        ledger.charge(|bill| bill.add_reply(&price, prompt, cached, output));
        let Some(line) = &plan.line else { return };
        // An estimate that is too high must not pass for tokens to be spared.
        let reported = u32::try_from(prompt).unwrap_or(u32::MAX);
        let coverable = plan.decision.estimate.expected.min(reported);
        let ratio = price.cached_ratio();
        ledger.change_line(line, |line| match (from_cache, plan.is_covered) {
            (false, _) => line.sent_whole(coverable, cached, ratio),
            (true, false) => line.read_beginning(coverable, cached, ratio),
            (true, true) => {}
        });
    }

    /// The live caches, for instance to name those that [`Planner::close`] left alive.
    pub fn leases(&self) -> Vec<Lease> {
        self.inner.ledger.leases()
    }

    /// What happened to caches, the newest last; the last thousand events.
    pub fn events(&self) -> Vec<PlannerEvent> {
        self.inner.ledger.events()
    }

    /// What the planner did so far.
    pub fn stats(&self) -> PlannerStats {
        let price = |model: &str| Some(self.model_facts(model)?.price(0));
        self.inner.ledger.stats(self.clock().system_now(), price)
    }

    /// What is known of a model.
    pub fn model_facts(&self, model: &str) -> Option<&ModelFacts> {
        self.inner.table.find(model)
    }

    /// What is known of a model's caching, with what the service taught since; it is not asked.
    /// `None` when the table does not have the model.
    pub fn capabilities(&self, model: &str) -> Option<Capabilities> {
        let facts = self.model_facts(model)?;
        let full = cached_content_model(self.inner.api.endpoint(), model).ok()?;
        let learnt = self.inner.ledger.learnt_min(&full, self.clock().now());
        Some(Capabilities {
            explicit_min: learnt.or(facts.explicit_min),
            is_min_learnt: learnt.is_some(),
            implicit_min: facts.implicit_min,
            implicit_ceiling: facts.implicit_ceiling,
            prices: facts.prices.clone(),
            facts_of: self.inner.table.version.clone(),
        })
    }

    pub(super) fn clock(&self) -> &Arc<dyn Clock> {
        self.inner.api.transport().clock()
    }

    pub(super) fn now(&self) -> Now {
        Now {
            date: self.clock().system_now(),
            instant: self.clock().now(),
        }
    }

    /// The live cache that holds most of a prefix, and how many of its turns.
    pub(super) fn longest_lease(&self, prefix: &PreparedPrefix) -> Option<(Lease, usize)> {
        let now = self.clock().system_now();
        self.inner.ledger.longest(&prefix.keys, now)
    }

    /// Counts a read of a live cache, and moves its expiry if need be.
    fn read_lease(&self, lease: &Lease, hint: &PlanHint) {
        let ledger = &self.inner.ledger;
        ledger.note_read(&lease.key, self.clock().system_now());
        ledger.count(|stats| stats.lease_hits += 1);
        self.renew_beside(lease, hint);
    }

    pub(super) fn verdict(
        &self,
        prefix: &PreparedPrefix,
        payload: &PartsPayload,
        estimate: TokenEstimate,
        tail: TokenEstimate,
        hint: &PlanHint,
    ) -> (Verdict, DraftFacts) {
        let (now, planned_at) = (self.clock().now(), self.clock().system_now());
        let ledger = &self.inner.ledger;
        let contents = &payload.prefix.contents;
        let has_history = contents
            .iter()
            .chain(payload.tail.iter())
            .any(|content| content.is_model());
        let (beginning, whole) = (self.longest_lease(prefix), prefix.keys.len() - 1);
        let facts = Facts {
            options: &self.inner.options,
            hint,
            model: self.inner.table.find(&prefix.full_model),
            learnt_min: ledger.learnt_min(&prefix.full_model, now),
            prefix: estimate,
            tail,
            prefix_empty: payload.prefix.is_empty(),
            tail_empty: payload.tail.is_empty(),
            has_history,
            lease: beginning.as_ref().is_some_and(|(_, turns)| *turns == whole),
            beginning_tokens: beginning
                .filter(|(_, turns)| *turns < whole)
                .map(|(lease, _)| lease.tokens),
            recent_failure: ledger.recent_failure(&prefix.key, &prefix.full_model, now),
            backend_supported: ledger.backend_supported(now),
            // The service reads the addresses when it is asked, and not when it caches.
            request_time_part: payload
                .prefix
                .tools
                .iter()
                .any(|tool| tool.url_context.is_some()),
            kept: ledger.kept(planned_at, |model| Some(self.model_facts(model)?.price(0))),
            line: ledger.line(prefix.line(), now),
        };
        let floor = floor(&facts);
        let conf_cut = self.inner.options.conf_skip_floor;
        (
            decide(&facts),
            DraftFacts {
                floor,
                conf_cut,
                first_turn: !has_history,
                planned_at,
            },
        )
    }

    /// What is known of the size of a prefix without a call.
    pub(super) fn estimate(&self, prefix: &PreparedPrefix) -> TokenEstimate {
        let (ledger, options) = (&self.inner.ledger, &self.inner.options);
        let estimate = match ledger.counted(&prefix.key) {
            Some(tokens) => TokenEstimate::exact(tokens),
            None if prefix.estimate.is_of_text() => prefix
                .estimate
                .scaled(ledger.calibration(&prefix.full_model)),
            None => prefix.estimate,
        };
        estimate.bounded(options.widen_max_factor, options.clamp_max_tokens)
    }

    /// The exact size of a prefix; when counting fails the estimate's upper bound has to do.
    pub(super) async fn count_or_guess(&self, prefix: &PreparedPrefix) -> TokenEstimate {
        match self.count(prefix).await {
            Some(tokens) => {
                let tokens = self.with_margin(prefix, tokens);
                self.inner.ledger.remember_count(&prefix.key, tokens);
                TokenEstimate::exact(tokens)
            }
            None => TokenEstimate::exact(prefix.estimate.max),
        }
    }

    /// Planners without prices put a margin on counts.
    fn with_margin(&self, prefix: &PreparedPrefix, tokens: u32) -> u32 {
        let model = self.model_facts(&prefix.full_model);
        match (self.inner.options.mode, model) {
            (Mode::Seed { .. }, Some(model)) => {
                let thresholds = [model.implicit_min, model.explicit_min];
                seed::with_margin(tokens, seed::Kind::of(&prefix.prefix), thresholds)
            }
            _ => tokens,
        }
    }

    /// Counts a prefix with the service. The developer API counts contents only, so there
    /// instructions are counted as a turn, which differs by a handful of tokens, and the estimate
    /// of the tools is added.
    async fn count(&self, prefix: &PreparedPrefix) -> Option<u32> {
        let shared = &*prefix.prefix;
        let mut request = CountTokensRequest::new();
        let mut uncounted = 0;
        if self.inner.api.endpoint().backend() == Backend::Vertex {
            request.contents.clone_from(&shared.contents);
            request.tools.clone_from(&shared.tools);
            request.system_instruction = shared.system_instruction.clone().map(Box::new);
        } else {
            let system = shared.system_instruction.iter();
            request.contents = system.chain(&shared.contents).cloned().collect();
            uncounted = TokenEstimate::of_tools(&shared.tools).expected;
        }
        let wait = Timeout::After(self.inner.options.create_wait);
        let options = CallOptions::default().with_deadline(wait);
        let api = &self.inner.api;
        let reply = api.count_tokens(&prefix.model, &request, &options).await;
        let tokens = reply.ok()?.into_body().total_tokens?;
        Some(u32::try_from(tokens).ok()?.saturating_add(uncounted))
    }

    fn finish(&self, plan: Plan) -> Plan {
        let reason = plan.decision.reason.as_str();
        self.inner
            .ledger
            .count(|stats| stats.count_plan(plan.decision.reason));
        tracing::debug!(
            reason,
            model = %plan.model,
            prefix_tokens = plan.decision.estimate.expected,
            saving_usd = plan.decision.expected_saving_usd,
            "planned"
        );
        plan
    }
}
