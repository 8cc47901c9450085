//! A policy gradient: what is sampled and found good becomes likelier. The reward is the share of
//! letters among the bytes of a text, and rises. Without an account.

mod support;

use std::io::{Write as _, stdout};

use gimmal_client::types::tinker::{
    AdamParams, Datum, LossFnType, ModelInput, SampledSequence, SamplingParams,
};
use gimmal_training::{MetricsLog, StepMetrics, byte_tokens};

const STEPS: u64 = 25;
const SAMPLES: u32 = 64;
const LENGTH: u32 = 8;

/// One for a token that is a letter.
fn reward(token: u32) -> f32 {
    let letter = u8::try_from(token).is_ok_and(|byte| byte.is_ascii_alphabetic());
    if letter { 1.0 } else { 0.0 }
}

/// What was sampled, with how much better than `usual` each token was.
fn datum(prompt: &[u32], sequence: &SampledSequence, usual: f32) -> support::Result<Datum> {
    let logprobs = sequence
        .logprobs
        .as_ref()
        .ok_or("the server tells no logprobs")?;
    let text: Vec<u32> = prompt.iter().chain(&sequence.tokens).copied().collect();
    let read = text.get(..text.len() - 1).unwrap_or_default();
    let targets: Vec<i64> = text.iter().skip(1).map(|token| i64::from(*token)).collect();
    // Nothing is learnt from the tokens of the prompt.
    let of_prompt = vec![0.0_f32; prompt.len() - 1];
    let advantages = sequence.tokens.iter().map(|token| reward(*token) - usual);
    Ok(Datum::new(ModelInput::from_ints(read.iter().copied()))
        .with_input("target_tokens", targets)
        .with_input("logprobs", [&of_prompt[..], logprobs].concat())
        .with_input(
            "advantages",
            of_prompt.into_iter().chain(advantages).collect::<Vec<_>>(),
        ))
}

#[tokio::main]
async fn main() -> support::Result<()> {
    let (service, _emulator) = support::connect().await?;
    let training = service
        .create_lora_training_client(support::MODEL)
        .set_seed(1)
        .await?;
    let folder = support::folder("policy_gradient")?;
    let mut log = MetricsLog::create(folder.join("metrics.jsonl"))?;
    let prompt = byte_tokens("Write: ", false);
    for step in 0..STEPS {
        let sampling = training.save_weights_and_get_sampling_client().await?;
        let params = SamplingParams::new()
            .set_max_tokens(LENGTH)
            .set_seed(step.cast_signed());
        let sampled = sampling
            .sample(ModelInput::from_ints(prompt.clone()), SAMPLES, params)
            .await?;
        let sequences: Vec<_> = sampled
            .sequences
            .iter()
            .filter(|one| !one.tokens.is_empty())
            .collect();
        let rewards: Vec<f32> = sequences
            .iter()
            .flat_map(|one| one.tokens.iter().copied())
            .map(reward)
            .collect();
        let mean = rewards.iter().sum::<f32>() / rewards.len() as f32;
        let data = sequences.iter().map(|one| datum(&prompt, one, mean));
        let data = data.collect::<support::Result<Vec<_>>>()?;
        let pass = training
            .forward_backward(data, LossFnType::ImportanceSampling)
            .submit()
            .await?;
        let moved = training
            .optim_step(AdamParams::new().set_learning_rate(0.0003))
            .submit()
            .await?;
        pass.await?;
        moved.await?;
        log.append(&StepMetrics::new(step, [("reward:mean", f64::from(mean))]))?;
    }
    let (first, last) = support::draw(&folder, "reward:mean")?;
    if last < first + 0.2 {
        return Err(format!("the reward rose from {first} to {last} only").into());
    }
    writeln!(
        stdout(),
        "of all bytes, {last:.2} are letters; at first {first:.2} were"
    )?;
    Ok(())
}
