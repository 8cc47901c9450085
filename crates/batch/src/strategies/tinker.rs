//! Samples from a model of the Tinker service: tokens in, tokens out.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use gimmal_client::tinker::SamplingClient;
use gimmal_client::types::tinker::{ModelInput, SamplingParams};

use crate::{
    Attempt, CallStrategy, Classifier, Failure, Outcome, TinkerErrorClassifier, TokenEstimate,
    Usage,
};

/// What was drawn for a prompt.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct TinkerSample {
    /// The tokens of each sequence.
    pub sequences: Vec<Vec<u32>>,
}

/// Draws sequences that go on from each prompt of tokens.
///
/// The sampling client keeps to the service's own limits; what it gives up on is the run's affair.
#[derive(Clone)]
pub struct TinkerStrategy {
    client: SamplingClient,
    params: SamplingParams,
    samples: u32,
}

impl TinkerStrategy {
    /// One sequence for each prompt.
    pub fn new(client: &SamplingClient, params: SamplingParams) -> Self {
        Self {
            client: client.clone(),
            params,
            samples: 1,
        }
    }

    /// So many sequences for each prompt.
    #[must_use]
    pub fn with_samples(mut self, samples: u32) -> Self {
        self.samples = samples;
        self
    }

    async fn sample(&self, prompt: &[u32]) -> Result<Outcome<TinkerSample>, Failure> {
        let input = ModelInput::from_ints(prompt.iter().copied());
        let handle = self
            .client
            .sample(input, self.samples, self.params.clone())
            .submit()
            .await?;
        let reply = handle.await?;
        let sequences: Vec<Vec<u32>> = reply
            .sequences
            .into_iter()
            .map(|sequence| sequence.tokens)
            .collect();
        let drawn: usize = sequences.iter().map(Vec::len).sum();
        let mut usage = Usage::of(prompt.len() as u64, drawn as u64);
        usage.cached_tokens = reply.prompt_cache_hit_tokens;
        Ok(Outcome::new(TinkerSample { sequences }, usage, 1))
    }
}

impl std::fmt::Debug for TinkerStrategy {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("TinkerStrategy")
            .field("session", &self.client.sampling_session_id())
            .field("samples", &self.samples)
            .finish_non_exhaustive()
    }
}

impl CallStrategy for TinkerStrategy {
    type Input = Vec<u32>;
    type Output = TinkerSample;

    fn execute<'a>(
        &'a self,
        input: &'a Vec<u32>,
        _attempt: &'a mut Attempt,
    ) -> BoxFuture<'a, Result<Outcome<TinkerSample>, Failure>> {
        Box::pin(self.sample(input))
    }

    fn classifier(&self) -> Arc<dyn Classifier> {
        Arc::new(TinkerErrorClassifier)
    }

    fn estimate(&self, input: &Vec<u32>) -> Option<TokenEstimate> {
        let most = self.params.max_tokens.unwrap_or(256);
        Some(TokenEstimate {
            input_tokens: input.len() as u64,
            output_tokens: u64::from(most) * u64::from(self.samples),
        })
    }

    fn scope(&self) -> Option<String> {
        Some(self.client.sampling_session_id().to_owned())
    }
}
