//! What our Tinker cases share: clients for a server, a few texts to learn, and ways to fail.

use gimmal_api::tinker::{ErrorClass, classify};
use gimmal_client::Error;
use gimmal_client::tinker::{RestClient, ServiceClient, ServiceClientBuilder, TrainingClient};
use gimmal_client::types::tinker::{
    AdamParams, Datum, ForwardBackwardOutput, LossFnType, ModelInput, SamplingParams,
};
use gimmal_emulator::AppliedRequest;
use serde_json::{Map, Value};

pub(super) use crate::conformance::sdk::checks::{among, failed, given, header, refused, same};
use crate::conformance::sdk::emulators::Settings;
use crate::conformance::sdk::ours::Bench;
use crate::conformance::sdk::tinker;

pub(super) const BASE: &str = "meta-llama/Llama-3.2-1B";
pub(super) const KEY: &str = "tml-conformance";
pub(super) const END: u32 = 128_001;

impl Bench {
    /// The settings of a client.
    pub(super) fn setup(&self) -> ServiceClientBuilder {
        ServiceClient::builder()
            .with_api_key(KEY)
            .with_base_url(self.running.emulator.base_url())
    }

    /// A client, which opens a session of its own.
    pub(super) fn service(&self) -> anyhow::Result<ServiceClient> {
        Ok(self.setup().build()?)
    }

    /// A client without a session.
    pub(super) fn rest(&self) -> anyhow::Result<RestClient> {
        Ok(self.service()?.create_rest_client())
    }

    /// A new model in training.
    pub(super) async fn train(&self) -> anyhow::Result<TrainingClient> {
        train(&self.service()?).await
    }

    /// A model that has learnt the texts.
    pub(super) async fn taught(&self, steps: usize) -> anyhow::Result<TrainingClient> {
        let client = self.train().await?;
        for _ in 0..steps {
            step(&client, examples(6)).await?;
        }
        Ok(client)
    }

    /// What models have carried out, in order.
    pub(super) fn applied(&self) -> Vec<AppliedRequest> {
        self.running.emulator.tinker().applied()
    }

    /// The numbers of the requests that came with this part in their path, in order.
    pub(super) fn numbers(&self, path: &str) -> Vec<u64> {
        let requests = self.requests(path);
        let number = |body: &Value| body.get("seq_id")?.as_u64();
        requests
            .iter()
            .filter_map(|request| number(request.body()?))
            .collect()
    }
}

/// Settings of the emulator under which clients are told this flag.
pub(super) fn flagged(flags: &[(&str, Value)]) -> Settings {
    with(tinker::Settings {
        config: of(flags),
        ..tinker::Settings::default()
    })
}

/// The same for a flag that clients ask for again and again.
pub(super) fn dynamically(flags: &[(&str, Value)]) -> Settings {
    with(tinker::Settings {
        dynamic_config: of(flags),
        ..tinker::Settings::default()
    })
}

/// Settings of the emulator that differ in what concerns Tinker.
pub(super) fn with(tinker: tinker::Settings) -> Settings {
    Settings {
        tinker,
        ..Settings::default()
    }
}

fn of(flags: &[(&str, Value)]) -> Map<String, Value> {
    let flags = flags
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()));
    flags.collect()
}

/// A new model in training, in the session of a client.
pub(super) async fn train(service: &ServiceClient) -> anyhow::Result<TrainingClient> {
    let made = service.create_lora_training_client(BASE);
    Ok(made.set_rank(8).set_seed(1).await?)
}

/// A pass over the data and a step; the loss before it.
pub(super) async fn step(client: &TrainingClient, data: Vec<Datum>) -> anyhow::Result<f64> {
    let pass = client.forward_backward(data, LossFnType::CrossEntropy);
    let (pass, step) = (pass.submit(), client.optim_step(adam()).submit());
    let passed = pass.await?.await?;
    step.await?.await?;
    loss(&passed)
}

/// The sum of the losses of a pass.
pub(super) fn loss(passed: &ForwardBackwardOutput) -> anyhow::Result<f64> {
    given(passed.metrics.get("loss:sum").copied())
}

/// A forward pass; the loss.
pub(super) async fn loss_of(client: &TrainingClient) -> anyhow::Result<f64> {
    loss(
        &client
            .forward(examples(6), LossFnType::CrossEntropy)
            .await?,
    )
}

pub(super) fn adam() -> AdamParams {
    AdamParams::new().set_learning_rate(1e-3)
}

/// Token sequences in which each token has one successor.
pub(super) fn texts(count: u32) -> Vec<Vec<u32>> {
    let text = |n| vec![10 * n + 1, 10 * n + 2, 10 * n + 3, 1000 + n, END];
    (0..count).map(text).collect()
}

/// An example that predicts each token from those before it.
pub(super) fn datum(tokens: &[u32]) -> Datum {
    let (read, targets) = (&tokens[..tokens.len() - 1], &tokens[1..]);
    let targets: Vec<i64> = targets.iter().copied().map(i64::from).collect();
    Datum::new(ModelInput::from_ints(read.iter().copied())).with_input("target_tokens", targets)
}

/// The texts as examples.
pub(super) fn examples(count: u32) -> Vec<Datum> {
    let example = |tokens: &Vec<u32>| {
        let weights = vec![1.0_f32; tokens.len() - 1];
        datum(tokens).with_input("weights", weights)
    };
    texts(count).iter().map(example).collect()
}

/// A prompt of these tokens.
pub(super) fn prompt<const N: usize>(tokens: [u32; N]) -> ModelInput {
    ModelInput::from_ints(tokens)
}

/// Parameters that always draw the likeliest token.
pub(super) fn greedy(max_tokens: u32) -> SamplingParams {
    SamplingParams::new()
        .set_max_tokens(max_tokens)
        .set_temperature(0.0)
}

/// The failure of a request that the server had accepted, which must have this text in it.
pub(super) fn failed_later<T>(outcome: Result<T, Error>, text: &str) -> anyhow::Result<()> {
    let error = failed(outcome)?;
    same(classify(&error), ErrorClass::RequestFailedError)?;
    among(text, error.to_string())
}
