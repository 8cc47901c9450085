//! Answers that are to be JSON of a certain shape: parsed, and asked for again when they are not.

use std::fmt;
use std::marker::PhantomData;
use std::num::NonZeroU32;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use serde::de::DeserializeOwned;

use super::Answer;
use crate::recovery::before_trailing_fence;
use crate::{
    Attempt, CallStrategy, Category, Classifier, Failure, Outcome, Recovery, TokenEstimate,
};

/// Takes a fence of three backticks off a text.
///
/// ```
/// use gimmal_batch::strategies::strip_code_fences;
///
/// assert_eq!(strip_code_fences("```json\n{\"a\": 1}\n```"), "{\"a\": 1}");
/// assert_eq!(strip_code_fences(" {} "), "{}");
/// ```
pub fn strip_code_fences(text: &str) -> &str {
    let text = text.trim();
    let Some(fenced) = text.strip_prefix("```") else {
        return text;
    };
    let body = fenced.split_once('\n').map_or("", |(_, body)| body);
    let body = body.trim_end();
    body.strip_suffix("```").unwrap_or(body).trim()
}

/// Parses the answers of another strategy as JSON.
///
/// An answer of another shape is a failed attempt that is repeated at once. With
/// [`with_repair`](Self::with_repair) the next prompt says what was wrong, and with
/// [`with_recovery`](Self::with_recovery) the end of a fence behind an answer is no reason to ask
/// again.
pub struct Structured<S, T> {
    inner: S,
    repair: bool,
    recovery: bool,
    types: PhantomData<fn() -> T>,
}

/// The name under which an item remembers what was wrong with its last answer.
const COMPLAINT: &str = "gimmal.complaint";
/// So much of a bad answer is shown to the model.
const SHOWN: usize = 2_000;

impl<S, T> Structured<S, T> {
    /// Parses the answers of `inner`.
    pub fn new(inner: S) -> Self {
        Self {
            inner,
            repair: false,
            recovery: false,
            types: PhantomData,
        }
    }

    /// Adds the answer that could not be parsed, and why, to the prompt of the next attempt.
    #[must_use]
    pub fn with_repair(mut self) -> Self {
        self.repair = true;
        self
    }

    /// Takes an answer that is whole JSON with nothing but the end of a fence behind it, instead of
    /// asking again. Whatever else is wrong with an answer stays wrong.
    #[must_use]
    pub fn with_recovery(mut self) -> Self {
        self.recovery = true;
        self
    }

    /// The output in a text, when it can be recovered.
    fn recover(&self, text: &str) -> Option<T>
    where
        T: DeserializeOwned,
    {
        let json = before_trailing_fence(text).filter(|_| self.recovery)?;
        serde_json::from_str(json).ok()
    }
}

impl<S: fmt::Debug, T> fmt::Debug for Structured<S, T> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Structured")
            .field("inner", &self.inner)
            .field("repair", &self.repair)
            .field("recovery", &self.recovery)
            .finish()
    }
}

impl<S, T> Structured<S, T>
where
    S: CallStrategy<Input = String, Output = Answer>,
    T: DeserializeOwned,
{
    async fn ask(&self, input: &String, attempt: &mut Attempt) -> Result<Outcome<T>, Failure> {
        let complaint = attempt.state.get(COMPLAINT).and_then(|text| text.as_str());
        let repaired = complaint.map(|complaint| format!("{input}\n\n{complaint}"));
        let prompt = repaired.as_ref().unwrap_or(input);
        let outcome = self.inner.execute(prompt, attempt).await?;
        let text = strip_code_fences(&outcome.output.text);
        let outcome_of = |output| Outcome::new(output, outcome.usage, outcome.attempts);
        match serde_json::from_str(text) {
            Ok(output) => Ok(outcome_of(output)),
            Err(error) => {
                if let Some(output) = self.recover(text) {
                    return Ok(Outcome {
                        recovered: Some(Recovery::TrailingMarkdownFence),
                        ..outcome_of(output)
                    });
                }
                if self.repair {
                    let shown: String = text.chars().take(SHOWN).collect();
                    let complaint = format!(
                        "Your last answer could not be read as JSON of the required shape \
                         ({error}). It was:\n{shown}\nAnswer again, with the JSON alone."
                    );
                    attempt.state.set(COMPLAINT, complaint);
                }
                let message = format!("the answer is not JSON of the required shape: {error}");
                Err(Failure::new(Category::ValidationError, message)
                    .with_usage(outcome.usage)
                    .with_attempts(outcome.attempts))
            }
        }
    }
}

impl<S, T> CallStrategy for Structured<S, T>
where
    S: CallStrategy<Input = String, Output = Answer>,
    T: DeserializeOwned + Send + Sync + 'static,
{
    type Input = String;
    type Output = T;

    fn prepare(&self) -> BoxFuture<'_, Result<(), Failure>> {
        self.inner.prepare()
    }

    fn execute<'a>(
        &'a self,
        input: &'a String,
        attempt: &'a mut Attempt,
    ) -> BoxFuture<'a, Result<Outcome<T>, Failure>> {
        Box::pin(self.ask(input, attempt))
    }

    fn on_error<'a>(
        &'a self,
        failure: &'a mut Failure,
        attempt: &'a mut Attempt,
    ) -> BoxFuture<'a, ()> {
        self.inner.on_error(failure, attempt)
    }

    fn cleanup(&self) -> BoxFuture<'_, Result<(), Failure>> {
        self.inner.cleanup()
    }

    fn classifier(&self) -> Arc<dyn Classifier> {
        self.inner.classifier()
    }

    fn estimate(&self, input: &String) -> Option<TokenEstimate> {
        self.inner.estimate(input)
    }

    fn max_concurrency(&self) -> Option<NonZeroU32> {
        self.inner.max_concurrency()
    }

    fn scope(&self) -> Option<String> {
        self.inner.scope()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Covers: AC-SO-1
    #[test]
    fn fences_are_taken_off_and_nothing_else() {
        for (text, expected) in [
            ("{}", "{}"),
            ("```json\n{}\n```", "{}"),
            ("```\n[1,\n2]\n```\n", "[1,\n2]"),
            ("```json\n{}", "{}"),
            ("```", ""),
            ("a ```b```", "a ```b```"),
        ] {
            assert_eq!(strip_code_fences(text), expected, "{text:?}");
        }
    }
}
