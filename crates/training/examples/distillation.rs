//! Distillation: a student takes over the judgement of a teacher, whose likeliest tokens it is
//! brought close to by the Kullback-Leibler divergence. Without an account.

mod support;

use std::io::{Write as _, stdout};

use gimmal_client::tinker::{ServiceClient, TrainingClient};
use gimmal_client::types::tinker::{
    AdamParams, Datum, LossFnType, ModelInput, SamplingParams, TensorData,
};
use gimmal_training::{
    Direction, KlDivergence, MetricsLog, Pipeline, StepMetrics, byte_tokens, supervised,
};

const STEPS: u64 = 40;
/// Of so many of its likeliest tokens the teacher tells how likely they are.
const TOKENS: usize = 4;
const TEXTS: [&str; 3] = [
    "the cat sat on the mat",
    "the dog sat on the log",
    "the hen sat on the pen",
];

fn adam() -> AdamParams {
    AdamParams::new().set_learning_rate(0.001)
}

/// A model that knows the texts.
async fn teacher(service: &ServiceClient) -> support::Result<TrainingClient> {
    let teacher = service
        .create_lora_training_client(support::MODEL)
        .set_seed(3)
        .await?;
    let data = TEXTS.iter().map(|text| {
        let tokens = byte_tokens(text, true);
        supervised(&tokens[..1], &tokens[1..])
    });
    let data: Vec<Datum> = data.collect::<Result<_, _>>()?;
    for _ in 0..STEPS {
        let pass = teacher
            .forward_backward(data.clone(), LossFnType::CrossEntropy)
            .submit()
            .await?;
        let moved = teacher.optim_step(adam()).submit().await?;
        pass.await?;
        moved.await?;
    }
    Ok(teacher)
}

/// What the teacher thinks of a text: rows of its likeliest tokens, and how likely it finds them.
async fn judged(teacher: &TrainingClient, text: &str) -> support::Result<Datum> {
    let tokens = byte_tokens(text, false);
    let sampling = teacher.save_weights_and_get_sampling_client().await?;
    let prompt = ModelInput::from_ints(tokens.clone());
    let params = SamplingParams::new().set_max_tokens(1_u32);
    let asked = sampling
        .sample(prompt, 1, params)
        .set_include_prompt_logprobs(true);
    let reply = asked.set_topk_prompt_logprobs(TOKENS as u32).await?;
    let told = reply
        .topk_prompt_logprobs
        .ok_or("the teacher tells nothing")?;
    let (mut targets, mut logprobs) = (Vec::new(), Vec::new());
    // Nothing is told of the first token, which nothing leads to.
    for place in told.places().skip(1) {
        for (token, logprob) in place.ok_or("a place is missing")? {
            targets.push(i64::from(token));
            logprobs.push(logprob);
        }
    }
    let shape = [tokens.len() as i64 - 1, TOKENS as i64];
    let read = tokens.get(..tokens.len() - 1).unwrap_or_default();
    Ok(Datum::new(ModelInput::from_ints(read.iter().copied()))
        .with_input(
            "target_tokens",
            TensorData::from(targets).with_shape(shape)?,
        )
        .with_input(
            "reference_logprobs",
            TensorData::from(logprobs).with_shape(shape)?,
        ))
}

#[tokio::main]
async fn main() -> support::Result<()> {
    let (service, _emulator) = support::connect().await?;
    let teacher = teacher(&service).await?;
    let mut data = Vec::new();
    for text in TEXTS {
        data.push(judged(&teacher, text).await?);
    }
    let student = service
        .create_lora_training_client(support::MODEL)
        .set_seed(4)
        .await?;
    let folder = support::folder("distillation")?;
    let mut log = MetricsLog::create(folder.join("metrics.jsonl"))?;
    for step in 0..STEPS {
        // Weighted by what the teacher finds likely.
        let divergence =
            KlDivergence::from_field("reference_logprobs").with_direction(Direction::Reverse);
        let output = student
            .forward_backward_custom(data.clone(), Pipeline::new(divergence))
            .await?;
        student.optim_step(adam()).await?;
        let loss = output.metrics.get("loss:sum").copied().unwrap_or(f64::NAN);
        log.append(&StepMetrics::new(step, [("divergence", loss)]))?;
    }
    let (first, last) = support::draw(&folder, "divergence")?;
    if last > 0.2 * first {
        return Err(format!("the divergence fell from {first} to {last} only").into());
    }
    writeln!(
        stdout(),
        "the student is {last:.3} nats from its teacher; at first it was {first:.3}"
    )?;
    Ok(())
}
