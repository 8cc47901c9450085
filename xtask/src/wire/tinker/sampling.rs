//! Calls of the sampling client.

use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use gimmal_client::tinker::{QueueStateLogger, QueueUser, Sample, SamplingClient};
use gimmal_types::tinker::{QueueState, SamplingParams, TensorData};
use serde_json::Value;

use super::data::{optional, prompt};
use super::record::Call;
use super::rest::dump;
use super::service::{client as stands_for, telemetry, tokenizer};
use super::session::Session;
use crate::wire::arguments::{Arguments, decode_strictly};
use crate::wire::failure::Failure;

/// After how long a caller gives a sample up: in the midst of the second question.
const PATIENCE: Duration = Duration::from_millis(50);

/// Makes the call.
pub(super) async fn make(
    session: &mut Session,
    name: &str,
    call: &Call,
    given: &mut Arguments,
) -> Result<Value, Failure> {
    let client = &session.sampler()?.clone();
    match name {
        "compute_logprobs" => {
            let mut asked = client.compute_logprobs(required_prompt(given)?);
            if let Some(last) = optional(given, "prompt_logprobs_last_n")? {
                asked = asked.set_prompt_logprobs_last_n(last);
            }
            let logprobs: Vec<Option<f32>> = asked.await?;
            dump(&logprobs)
        }
        "from_sampler_handle" => {
            let handle = given.text("handle")?;
            let made = session.another_sampler(&handle)?;
            session.keep_sampler(made);
            Ok(stands_for("SamplingClient"))
        }
        "get_base_model" => Ok(client.get_base_model().into()),
        "get_sampler_handle" => Ok(client.get_sampler_handle().into()),
        "get_telemetry" => Ok(telemetry(client.get_telemetry().is_some())),
        "get_tokenizer" => Ok(tokenizer(&client.tokenizer_ref())),
        "on_queue_state_change" => {
            let state = QueueState::from(given.text("queue_state")?.as_str());
            let reason: Option<String> = optional(given, "queue_state_reason")?;
            let mut logger =
                QueueStateLogger::new(QueueUser::Sampling, client.sampling_session_id());
            dump(&logger.line(&state, reason.as_deref(), Instant::now()))
        }
        "sample" => dump(&sample(client, given)?.await?),
        "sample-batch" => {
            let prompts: Vec<Value> = optional(given, "prompts")?.unwrap_or_default();
            let params = params(given, call)?;
            let samples = prompts.into_iter().map(|value| {
                let prompt = prompt("prompts", value)?;
                Ok(client.sample(prompt, 1, params.clone()))
            });
            let samples = samples.collect::<Result<Vec<_>, Failure>>()?;
            let replies = try_join_all(samples.into_iter().map(|sample| sample.into_future()));
            dump(&replies.await?)
        }
        "sample-cancel" => {
            let recorded = call.recorded("asample").next().unwrap_or_default();
            let given_prompt = given.take("prompt");
            let prompt = prompt(
                "prompt",
                given_prompt.unwrap_or_else(|| recorded["prompt"].clone()),
            )?;
            let sample = client.sample(prompt, 1, params(given, call)?);
            match tokio::time::timeout(PATIENCE, sample).await {
                Ok(reply) => dump(&reply?),
                Err(_) => Ok("cancelled".into()),
            }
        }
        _ => Err(Failure::unimplemented(format!("SamplingClient.{name}"))),
    }
}

/// A sample as the arguments describe it.
fn sample(client: &SamplingClient, given: &mut Arguments) -> Result<Sample, Failure> {
    let prompt = required_prompt(given)?;
    let count = optional(given, "num_samples")?.unwrap_or(1);
    let params: SamplingParams = given.required("sampling_params")?;
    let mut sample = client.sample(prompt, count, params);
    if let Some(include) = optional(given, "include_prompt_logprobs")? {
        sample = sample.set_include_prompt_logprobs(include);
    }
    if let Some(k) = optional(given, "topk_prompt_logprobs")? {
        sample = sample.set_topk_prompt_logprobs(k);
    }
    if let Some(k) = optional(given, "topk_sample_logprobs")? {
        sample = sample.set_topk_sample_logprobs(k);
    }
    if let Some(targets) = optional::<TensorData>(given, "target_prompt_logprobs")? {
        sample = sample.set_target_prompt_logprobs(targets);
    }
    if let Some(k) = optional(given, "prompt_alt_tokens_k")? {
        sample = sample.set_prompt_alt_tokens_k(k);
    }
    if let Some(last) = optional(given, "prompt_logprobs_last_n")? {
        sample = sample.set_prompt_logprobs_last_n(last);
    }
    Ok(sample)
}

fn required_prompt(given: &mut Arguments) -> Result<gimmal_types::tinker::ModelInput, Failure> {
    let value = given.take("prompt");
    prompt(
        "prompt",
        value.ok_or_else(|| Failure::refused("prompt", "is missing"))?,
    )
}

/// How to sample: as the record says, or as its requests do.
fn params(given: &mut Arguments, call: &Call) -> Result<SamplingParams, Failure> {
    let given = given.take("sampling_params");
    let recorded = call.recorded("asample").next();
    let params = given.or_else(|| recorded?.get("sampling_params").cloned());
    match params {
        Some(params) => decode_strictly("sampling_params", params),
        None => Ok(SamplingParams::new()),
    }
}
