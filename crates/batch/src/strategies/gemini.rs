//! Prompts for a Gemini model, with what they share kept in one context cache where that pays.

use futures_util::future::BoxFuture;
use gimmal_client::gemini::GeminiClient;
use gimmal_client::gemini::planner::{
    Executed, Executor, PlanHint, Planner, Prefix, PreparedPrefix,
};
use gimmal_client::types::gemini::{Content, GenerateContentRequest, GenerateContentResponse};
use gimmal_client::{CallOptions, Error};

use crate::digest::short_hex;
use crate::{CallStrategy, Failure, FailureKind, Outcome, Usage};

/// A model's answer to a prompt.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
#[derive(Clone, Debug)]
pub struct GeminiStrategy {
    planner: Planner,
    executor: Executor,
    prefix: PreparedPrefix,
    hint: PlanHint,
    settings: GenerateContentRequest,
    options: CallOptions,
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
            options: CallOptions::default(),
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

    /// Options of every call.
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = options;
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
            executor: self.client.executor(),
            planner: self.planner,
            hint: self.hint,
            settings: self.settings,
            options: self.options,
        })
    }
}

impl CallStrategy for GeminiStrategy {
    type Input = String;
    type Output = Answer;

    fn prepare(&self) -> BoxFuture<'_, Result<(), Failure>> {
        Box::pin(async {
            // A cache that nobody will read is money lost, whatever the mode.
            if self.hint.expected_reads == Some(0) {
                return Ok(());
            }
            match self.planner.warm(&self.prefix, &self.hint).await {
                Ok(_) => Ok(()),
                Err(error) if error.is_authentication() => {
                    Err(Failure::new(FailureKind::Authentication, error.to_string()).fatal())
                }
                Err(error) => Err(Failure::new(FailureKind::Other, error.to_string()).fatal()),
            }
        })
    }

    fn execute<'a>(&'a self, input: &'a String) -> BoxFuture<'a, Result<Outcome<Answer>, Failure>> {
        Box::pin(async move {
            let tail = [Content::user(input)];
            let plan = self.planner.plan(&self.prefix, tail, &self.hint).await;
            let executed = self
                .executor
                .execute(&plan, &self.settings, &self.options)
                .await?;
            self.planner.observe(&plan, &executed);
            outcome(executed)
        })
    }

    fn cleanup(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.planner.close())
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

fn outcome(executed: Executed) -> Result<Outcome<Answer>, Failure> {
    let attempts = executed.attempts;
    let reply = executed.response.into_body();
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
    if let Some(reason) = feedback.and_then(|feedback| feedback.block_reason.as_ref()) {
        return Failure::new(
            FailureKind::Blocked,
            format!("the prompt was refused: {reason}"),
        );
    }
    match finish_reason {
        Some(reason) if reason != "STOP" && reason != "MAX_TOKENS" => Failure::new(
            FailureKind::Blocked,
            format!("the reply was withheld: {reason}"),
        ),
        _ => Failure::new(FailureKind::EmptyReply, "the reply holds no text"),
    }
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
