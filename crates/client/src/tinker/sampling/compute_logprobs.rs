//! How likely the tokens of a prompt are.

use std::future::IntoFuture;

use futures_util::future::BoxFuture;
use gimmal_transport::Error;
use gimmal_types::tinker::{ModelInput, SamplingParams};

use super::{Sample, SamplingClient};
use crate::tinker::promise::Submission;

/// A question about the tokens of a prompt that is not asked yet.
#[derive(Debug)]
#[must_use = "nothing is asked until it is awaited or submitted"]
pub struct ComputeLogprobs(Sample);

impl SamplingClient {
    /// How likely each token of a prompt is; `None` where that is not known.
    pub fn compute_logprobs(&self, prompt: impl Into<ModelInput>) -> ComputeLogprobs {
        let params = SamplingParams::new().set_max_tokens(1_u32);
        let sample = self.sample(prompt, 1, params);
        let sample = sample.on_behalf_of("SamplingClient.compute_logprobs");
        ComputeLogprobs(sample.set_include_prompt_logprobs(true))
    }
}

impl ComputeLogprobs {
    /// Asks for the last tokens of the prompt alone; those before are `None`.
    pub fn set_prompt_logprobs_last_n(self, last: u32) -> Self {
        Self(self.0.set_prompt_logprobs_last_n(last))
    }

    /// Asks in the background, as [`Sample::submit`] does.
    pub fn submit(self) -> Submission<Vec<Option<f32>>> {
        let asked = self.0.submit();
        Submission::spawn(async move {
            Ok(asked.await?.map(|reply| {
                let missing = || {
                    let message = "the server sent no log-probabilities of the prompt";
                    Error::decode(message, bytes::Bytes::new()).with_field("prompt_logprobs")
                };
                reply.prompt_logprobs.ok_or_else(missing)
            }))
        })
    }
}

impl IntoFuture for ComputeLogprobs {
    type Output = Result<Vec<Option<f32>>, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.submit().result())
    }
}
