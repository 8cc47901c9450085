//! A model is trained on a server of one's own, here SkyRL, sampled from, saved and resumed; and what
//! comes of it is compared with what the official SDK gets. `conformance/skyrl/run` starts the
//! server.
//!
//! Arguments: the address of the server, and the folder of the model that it serves.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write as _;
use std::path::Path;

use gimmal_client::tinker::{CustomLossOutput, Logprobs, ServiceClient, TrainingClient};
use gimmal_client::types::tinker::{AdamParams, Datum, LossFnType, ModelInput, SamplingParams};
use serde::Deserialize;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// The mean loss of a token at each step, as the official SDK gets it.
const LOSSES: [f64; 20] = [
    6.158, 4.528, 3.763, 3.222, 2.541, 2.103, 1.993, 1.642, 1.507, 1.361, 1.323, 1.353, 1.269,
    1.139, 1.089, 1.031, 0.948, 0.912, 0.875, 0.846,
];
const TOLERANCE: f64 = 1e-3;

/// Tokens of the texts to learn, and of a prompt that the first of them begins with.
#[derive(Deserialize)]
struct Texts {
    texts: Vec<Vec<u32>>,
    prompt: Vec<u32>,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome {
    let mut arguments = std::env::args().skip(1);
    let (Some(url), Some(model)) = (arguments.next(), arguments.next()) else {
        return Err("the address of a server and the folder of its model are needed".into());
    };
    let texts = std::fs::read(Path::new(&model).join("texts.json"))?;
    let texts: Texts = serde_json::from_slice(&texts)?;
    let service = ServiceClient::builder()
        .with_api_key("tml-any")
        .with_base_url(url)
        .build()?;
    let mut out = std::io::stdout();

    let made = service.create_lora_training_client(&model);
    let client = made.set_rank(8).set_seed(1).await?;
    for (number, expected) in LOSSES.into_iter().enumerate() {
        let loss = step(&client, &texts).await?;
        writeln!(out, "step {number}: {loss:.4}")?;
        ensure(
            (loss - expected).abs() <= TOLERANCE,
            "the loss is another one",
        )?;
    }

    let sampler = client.save_weights_and_get_sampling_client().await?;
    let params = SamplingParams::new()
        .set_max_tokens(8_u32)
        .set_temperature(0.0);
    let prompt = ModelInput::from_ints(texts.prompt.iter().copied());
    let drawn = sampler.sample(prompt.clone(), 2, params).await?;
    let rest_of_text = &texts.texts[0][texts.prompt.len()..];
    for sequence in &drawn.sequences {
        let learnt = rest_of_text
            .iter()
            .zip(&sequence.tokens)
            .all(|(a, b)| a == b);
        ensure(learnt, "the text was not learnt")?;
    }
    let logprobs = sampler.compute_logprobs(prompt).await?;
    // Of the first token there is nothing to say, and this server leaves it out.
    let scored = logprobs.iter().flatten().count();
    ensure(scored == texts.prompt.len() - 1, "a token was not scored")?;
    writeln!(out, "sampled: {:?}", drawn.sequences[0].tokens)?;

    let custom = service.create_lora_training_client(&model);
    let custom = custom.set_rank(8).set_seed(1).await?;
    // The same loss, computed here: the first steps must be the same.
    for expected in &LOSSES[..3] {
        let pass = custom.forward_backward_custom(data(&texts), likelihood);
        let step = custom.optim_step(adam());
        let (pass, step) = (pass.submit(), step.submit());
        let loss = pass.await?.await?.metrics["mean"];
        step.await?.await?;
        writeln!(out, "own loss: {loss:.4}")?;
        ensure(
            (loss - expected).abs() <= TOLERANCE,
            "the own loss is another one",
        )?;
    }

    let saved = client.save_state("state").await?.path;
    let before = forward(&client, &texts).await?;
    let with = service.create_training_client_from_state_with_optimizer(saved.as_str());
    let without = service.create_training_client_from_state(saved.as_str());
    for (name, resumed) in [("with", with.await?), ("without", without.await?)] {
        let loss = forward(&resumed, &texts).await?;
        writeln!(out, "resumed {name} optimizer: {loss:.4}")?;
        ensure(
            (loss - before).abs() <= TOLERANCE,
            "the state is another one",
        )?;
    }

    let rest = service.create_rest_client();
    let listed = rest.list_checkpoints(client.model_id()).await?.checkpoints;
    ensure(
        listed.iter().any(|it| it.tinker_path == saved),
        "the state is not listed",
    )?;
    rest.delete_checkpoint_from_tinker_path(&saved).await?;
    let listed = rest.list_checkpoints(client.model_id()).await?.checkpoints;
    ensure(
        listed.iter().all(|it| it.tinker_path != saved),
        "the state is still listed",
    )?;
    writeln!(out, "all as expected")?;
    Ok(())
}

fn ensure(holds: bool, otherwise: &str) -> Outcome {
    match holds {
        true => Ok(()),
        false => Err(otherwise.into()),
    }
}

fn adam() -> AdamParams {
    AdamParams::new().set_learning_rate(2e-2)
}

/// Examples that predict each token of a text from those before it.
fn data(texts: &Texts) -> Vec<Datum> {
    let datum = |tokens: &Vec<u32>| {
        let targets: Vec<i64> = tokens[1..].iter().copied().map(i64::from).collect();
        let weights = vec![1.0_f32; targets.len()];
        Datum::new(ModelInput::from_ints(
            tokens[..tokens.len() - 1].iter().copied(),
        ))
        .with_input("target_tokens", targets)
        .with_input("weights", weights)
    };
    texts.texts.iter().map(datum).collect()
}

/// A pass and a step; the mean loss before it.
async fn step(client: &TrainingClient, texts: &Texts) -> Outcome<f64> {
    let pass = client.forward_backward(data(texts), LossFnType::CrossEntropy);
    let (pass, step) = (pass.submit(), client.optim_step(adam()).submit());
    let passed = pass.await?.await?;
    step.await?.await?;
    mean(
        passed
            .loss_fn_outputs
            .iter()
            .map(|output| output["logprobs"].as_f32()),
    )
}

async fn forward(client: &TrainingClient, texts: &Texts) -> Outcome<f64> {
    let passed = client
        .forward(data(texts), LossFnType::CrossEntropy)
        .await?;
    mean(
        passed
            .loss_fn_outputs
            .iter()
            .map(|output| output["logprobs"].as_f32()),
    )
}

/// The mean of the losses of all tokens.
fn mean<'a>(outputs: impl Iterator<Item = Option<&'a [f32]>>) -> Outcome<f64> {
    let outputs: Option<Vec<&[f32]>> = outputs.collect();
    let logprobs = outputs.ok_or("log-probabilities are no floats")?.concat();
    let sum: f64 = logprobs.iter().copied().map(f64::from).sum();
    Ok(-sum / logprobs.len() as f64)
}

/// The negative sum of the log-probabilities, as a loss of one's own.
fn likelihood(
    _: &[Datum],
    logprobs: &[Logprobs],
) -> Result<CustomLossOutput, gimmal_client::Error> {
    let sum: f64 = logprobs.iter().flatten().copied().map(f64::from).sum();
    let count = logprobs.iter().flatten().count();
    let mean = -sum / count as f64;
    Ok(CustomLossOutput {
        loss: -sum,
        gradients: logprobs.iter().map(|one| vec![-1.0; one.len()]).collect(),
        metrics: BTreeMap::from([("mean".to_owned(), mean)]),
    })
}
