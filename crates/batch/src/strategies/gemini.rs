//! Prompts for a Gemini model, with what they share kept in one context cache where that pays.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::future::BoxFuture;
use gimmal_client::gemini::planner::{
    Executed, Executor, PartsPayload, PlanHint, Planner, Prefix, PreparedPrefix,
};
use gimmal_client::gemini::{GeminiClient, ReplySource, ResponseStore, StoreQuery};
use gimmal_client::transport::{NeverRetry, RateLimitInfo};
use gimmal_client::types::gemini::{
    Content, GenerateContentRequest, GenerateContentResponse, HarmProbability, SafetyRating,
};
use gimmal_client::{CallOptions, Error};
use serde::{Deserialize, Serialize};

use crate::digest::short_hex;
use crate::{
    Attempt, CallStrategy, Category, CharacterTokenEstimator, Classifier, Failure,
    GeminiErrorClassifier, Outcome, TokenEstimate, Usage,
};

/// A model's answer to a prompt.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Answer {
    /// The text, without reasoning.
    pub text: String,
    /// Why the model stopped.
    pub finish_reason: Option<String>,
}

/// Sends each prompt after the shared context.
///
/// The planner decides whether the context goes into a cache. If it does, the cache is created
/// once before the first item, renewed while it is read, and deleted after the last.
///
/// With a response store replies that are kept cost nothing, and nothing is planned for them; then
/// the cache is created by the first prompt that has to be sent.
#[derive(Clone, Debug)]
pub struct GeminiStrategy {
    planner: Planner,
    executor: Executor,
    prefix: PreparedPrefix,
    hint: PlanHint,
    settings: GenerateContentRequest,
    options: CallOptions,
    store: Option<Arc<dyn ResponseStore>>,
    fingerprint: String,
}

/// Collects the settings of a [`GeminiStrategy`].
#[derive(Clone, Debug)]
#[must_use]
pub struct GeminiStrategyBuilder {
    client: GeminiClient,
    planner: Planner,
    model: String,
    prefix: Prefix,
    hint: PlanHint,
    settings: GenerateContentRequest,
    options: CallOptions,
    store: Option<Arc<dyn ResponseStore>>,
}

impl GeminiStrategy {
    /// Prompts for a model. The planner keeps the caches and counts what they save.
    pub fn builder(
        client: &GeminiClient,
        planner: &Planner,
        model: impl Into<String>,
    ) -> GeminiStrategyBuilder {
        GeminiStrategyBuilder {
            client: client.clone(),
            planner: planner.clone(),
            model: model.into(),
            prefix: Prefix::default(),
            hint: PlanHint::default(),
            settings: GenerateContentRequest::new(),
            options: CallOptions::default().with_retry_policy(NeverRetry),
            store: client.response_store().cloned(),
        }
    }

    /// What is known about the run, once it is known.
    #[must_use]
    pub fn with_hint(mut self, hint: PlanHint) -> Self {
        self.hint = hint;
        self
    }

    /// Tokens of the shared context, estimated.
    pub fn context_tokens(&self) -> u32 {
        self.prefix.estimate().expected
    }

    /// A short digest of everything but the prompt that decides the answer: the model, the shared
    /// context and the settings. Credentials and addresses are not part of it.
    pub fn fingerprint(&self) -> &str {
        &self.fingerprint
    }
}

impl GeminiStrategyBuilder {
    /// What stands before every prompt.
    pub fn with_shared_context(mut self, prefix: Prefix) -> Self {
        self.prefix = prefix;
        self
    }

    /// What is known about the run: how many prompts, how long.
    pub fn with_hint(mut self, hint: PlanHint) -> Self {
        self.hint = hint;
        self
    }

    /// Generation and safety settings of every request; its contents are ignored.
    pub fn with_settings(mut self, settings: GenerateContentRequest) -> Self {
        self.settings = settings;
        self
    }

    /// Options of every call. The client does not retry a prompt unless they say so: the run does.
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// Keeps replies, in the place of the client's store.
    pub fn with_response_store(mut self, store: Arc<dyn ResponseStore>) -> Self {
        self.store = Some(store);
        self
    }

    /// Makes the strategy. No I/O.
    ///
    /// # Errors
    ///
    /// Fails on a bad model name.
    pub fn build(self) -> Result<GeminiStrategy, Error> {
        Ok(GeminiStrategy {
            fingerprint: fingerprint(&self.model, &self.prefix, &self.settings),
            prefix: self.planner.prepare(&self.model, self.prefix)?,
            executor: self.client.executor().with_planner(&self.planner),
            planner: self.planner,
            hint: self.hint,
            settings: self.settings,
            options: self.options,
            store: self.store,
        })
    }
}

impl CallStrategy for GeminiStrategy {
    type Input = String;
    type Output = Answer;

    fn prepare(&self) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async {
            // A cache that nobody will read is money lost, whatever the mode.
            // What is kept needs none either, and how much that is shows as the run goes on.
            if self.hint.expected_reads == Some(0) || self.store.is_some() {
                return Ok(());
            }
            match self.planner.warm(&self.prefix, &self.hint).await {
                Ok(_) => Ok(()),
                Err(error) if error.is_authentication() => {
                    Err(Failure::new(Category::Authentication, error.to_string()).fatal())
                }
                Err(error) => Err(Failure::new(Category::Unknown, error.to_string()).fatal()),
            }
        })
    }

    fn execute<'a>(
        &'a self,
        input: &'a String,
        attempt: &'a mut Attempt,
    ) -> BoxFuture<'a, Result<Outcome<Answer>, Failure>> {
        Box::pin(async move {
            match &self.store {
                None => {
                    let executed = self.send(Content::user(input)).await?;
                    // The service itself says nothing of limits; a gateway before it may.
                    let headers = executed.response.headers();
                    if headers
                        .keys()
                        .any(|name| name.as_str().contains("ratelimit"))
                    {
                        attempt.told = Some(RateLimitInfo::from_headers(headers));
                    }
                    let attempts = executed.attempts;
                    outcome_of(executed.response.into_body(), attempts)
                }
                Some(store) => self.look_up(&**store, Content::user(input)).await,
            }
        })
    }

    fn cleanup(&self) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async {
            self.planner.close().await;
            Ok(())
        })
    }

    fn dry_run(&self, input: &String) -> Option<Outcome<Answer>> {
        let estimate = self.estimate(input)?;
        let usage = Usage {
            prompt_tokens: estimate.input_tokens,
            output_tokens: estimate.output_tokens,
            total_tokens: estimate.total_tokens(),
            ..Usage::default()
        };
        Some(Outcome::new(Answer::default(), usage, 0))
    }

    fn classifier(&self) -> Arc<dyn Classifier> {
        Arc::new(GeminiErrorClassifier)
    }

    fn estimate(&self, input: &String) -> Option<TokenEstimate> {
        let mut estimate = CharacterTokenEstimator::default().estimate(input);
        estimate.input_tokens += u64::from(self.context_tokens());
        Some(estimate)
    }
}

impl GeminiStrategy {
    /// The whole request for a prompt, as it would be without a cache.
    pub fn request_for(&self, prompt: &str) -> GenerateContentRequest {
        self.whole_request(Content::user(prompt))
    }

    fn whole_request(&self, prompt: Content) -> GenerateContentRequest {
        let payload = PartsPayload {
            prefix: self.prefix.shared_prefix(),
            tail: Arc::from([prompt]),
        };
        payload.fill(&self.settings)
    }

    async fn send(&self, prompt: Content) -> Result<Executed, Error> {
        let plan = self.planner.plan(&self.prefix, [prompt], &self.hint).await;
        let executed = self
            .executor
            .execute(&plan, &self.settings, &self.options)
            .await?;
        self.planner.observe(&plan, &executed);
        Ok(executed)
    }

    /// The kept answer to a prompt, or the one that sending it brings.
    async fn look_up(
        &self,
        store: &dyn ResponseStore,
        prompt: Content,
    ) -> Result<Outcome<Answer>, Failure> {
        let request = self.whole_request(prompt.clone());
        let (strategy, attempts) = (self.clone(), Arc::new(AtomicU32::new(0)));
        let counted = Arc::clone(&attempts);
        let send = move || -> BoxFuture<'static, _> {
            Box::pin(async move {
                let executed = strategy.send(prompt).await?;
                counted.store(executed.attempts, Ordering::Relaxed);
                Ok(executed.response.into_body())
            })
        };
        let query = StoreQuery::new(self.prefix.model(), &request);
        let stored = store.get_or_send(query, Box::new(send)).await?;
        if stored.source == ReplySource::Sent {
            return outcome_of(stored.reply, attempts.load(Ordering::Relaxed));
        }
        let kept =
            outcome_of(stored.reply, 0).map_err(|failure| failure.with_usage(Usage::default()))?;
        Ok(Outcome::kept(kept.output, kept.usage))
    }
}

/// The order of members counts: in a schema it decides the order in which the model answers.
fn fingerprint(model: &str, prefix: &Prefix, settings: &GenerateContentRequest) -> String {
    let json = |part: Result<Vec<u8>, serde_json::Error>| part.unwrap_or_default();
    let parts = [
        json(serde_json::to_vec(model)),
        json(serde_json::to_vec(&prefix.system_instruction)),
        json(serde_json::to_vec(&prefix.tools)),
        json(serde_json::to_vec(&prefix.tool_config)),
        json(serde_json::to_vec(&prefix.contents)),
        json(serde_json::to_vec(settings)),
    ];
    short_hex(parts.iter().map(Vec::as_slice))
}

/// The answer in a reply, or why there is none.
pub(crate) fn outcome_of(
    reply: GenerateContentResponse,
    attempts: u32,
) -> Result<Outcome<Answer>, Failure> {
    let usage = reply
        .usage_metadata
        .as_deref()
        .map(Usage::from)
        .unwrap_or_default();
    let finish_reason = reply
        .finish_reason()
        .map(|reason| reason.name().into_owned());
    match reply.text() {
        Some(text) => Ok(Outcome::new(
            Answer {
                text,
                finish_reason,
            },
            usage,
            attempts,
        )),
        None => Err(withheld(&reply, finish_reason.as_deref())
            .with_attempts(attempts)
            .with_usage(usage)),
    }
}

/// A reply without text, explained as far as the service does.
fn withheld(reply: &GenerateContentResponse, finish_reason: Option<&str>) -> Failure {
    let feedback = reply.prompt_feedback.as_ref();
    if let Some(feedback) = feedback
        && let Some(reason) = feedback.block_reason.as_ref()
    {
        let why = risks(&feedback.safety_ratings);
        let message = format!("the prompt was refused: {reason}{why}");
        return Failure::new(Category::ContentBlocked, message);
    }
    let candidate = reply.candidates.first();
    let why = candidate.map_or_else(String::new, |candidate| risks(&candidate.safety_ratings));
    let calls: Vec<&str> = reply
        .function_calls()
        .filter_map(|call| call.name.as_deref())
        .collect();
    match finish_reason {
        _ if !calls.is_empty() => {
            let calls = calls.join(", ");
            let message = format!("the reply calls {calls} and holds no text");
            Failure::new(Category::EmptyResponse, message)
        }
        Some("MAX_TOKENS") => Failure::new(
            Category::EmptyResponse,
            "the reply holds no text: all of its tokens (MAX_TOKENS) went before the first word",
        ),
        Some("STOP") => Failure::new(
            Category::EmptyResponse,
            format!("the reply holds no text, though the model was done (STOP){why}"),
        ),
        Some(reason) => Failure::new(
            Category::ContentBlocked,
            format!("the reply was withheld: {reason}{why}"),
        ),
        None => Failure::new(Category::EmptyResponse, "the reply holds no text"),
    }
}

/// The risks that were found, for the end of a message.
fn risks(ratings: &[SafetyRating]) -> String {
    let found = ratings.iter().filter_map(|rating| {
        let (category, risk) = (rating.category.as_ref()?, rating.probability.as_ref()?);
        (rating.blocked == Some(true) || *risk != HarmProbability::Negligible)
            .then(|| format!("{category} {risk}"))
    });
    let found: Vec<String> = found.collect();
    if found.is_empty() {
        return String::new();
    }
    format!(" ({})", found.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_a_schema_is_part_of_the_fingerprint() {
        let of = |settings: &str| {
            let settings: GenerateContentRequest = serde_json::from_str(settings).unwrap();
            fingerprint("m", &Prefix::default(), &settings)
        };
        let schema = |members: &str| {
            format!(
                r#"{{"generationConfig": {{"responseSchema": {{"properties": {{{members}}}}}}}}}"#
            )
        };
        let one = schema(r#""why": {}, "answer": {}"#);
        let other = schema(r#""answer": {}, "why": {}"#);
        assert_eq!(of(&one), of(&one));
        assert_ne!(of(&one), of(&other));
    }
}
