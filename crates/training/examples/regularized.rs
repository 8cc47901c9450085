//! Likelihood with regularizers: the model learns, and is held back from leaving what it was. Without
//! an account.

mod support;

use std::io::{Write as _, stdout};

use gimmal_client::transport::observe::{Event, EventBus};
use gimmal_client::types::tinker::{AdamParams, Datum, LossFnType};
use gimmal_training::{
    Consistency, L2, Likelihood, MetricsLog, Pipeline, Reduction, RegularizerSpec, StepMetrics,
    byte_tokens, log_line, supervised,
};

const STEPS: u64 = 40;

#[tokio::main]
async fn main() -> support::Result<()> {
    let (service, _emulator) = support::connect().await?;
    let training = service
        .create_lora_training_client(support::MODEL)
        .set_seed(5)
        .await?;
    let texts = [
        ("Red and green make", " yellow"),
        ("Red and blue make", " magenta"),
    ];
    let data = texts.map(|(prompt, completion)| {
        supervised(&byte_tokens(prompt, false), &byte_tokens(completion, true))
    });
    let data: Vec<Datum> = data.into_iter().collect::<Result<_, _>>()?;
    let before = training
        .forward(data.clone(), LossFnType::CrossEntropy)
        .await?;
    let data = data
        .into_iter()
        .zip(before.loss_fn_outputs)
        .map(|(datum, output)| {
            let logprobs = output.get("logprobs").cloned().ok_or("no logprobs")?;
            Ok(datum.with_input("original_logprobs", logprobs))
        });
    let data: Vec<Datum> = data.collect::<support::Result<_>>()?;

    // The last line of each step is what a log would have.
    let bus = EventBus::new();
    bus.attach(
        "lines",
        std::sync::Arc::new(|event: &Event| {
            let line = log_line(event).filter(|line| line.starts_with("Custom loss computed"));
            let _ = line.map(|line| writeln!(stdout(), "{line}"));
        }),
    )?;
    let l2 = L2::new().with_reduction(Reduction::Mean);
    let loss = Pipeline::new(Likelihood::new())
        .with_regularizer(RegularizerSpec::of(0.01, Consistency::new())?)
        .with_regularizer(RegularizerSpec::of(0.001, l2)?)
        .with_grad_norms(true)
        .with_event_bus(bus);
    let folder = support::folder("regularized")?;
    let mut log = MetricsLog::create(folder.join("metrics.jsonl"))?;
    for step in 0..STEPS {
        let output = training
            .forward_backward_custom(data.clone(), loss.clone())
            .await?;
        training
            .optim_step(AdamParams::new().set_learning_rate(0.0005))
            .await?;
        let names = [
            "base_loss",
            "consistency/value",
            "l2_weight_decay/value",
            "total_grad_norm",
        ];
        let noted = names.map(|name| (name, output.metrics.get(name).copied().unwrap_or(f64::NAN)));
        log.append(&StepMetrics::new(step, noted))?;
    }
    let (first, last) = support::draw(&folder, "base_loss")?;
    if last > 0.3 * first {
        return Err(format!("the loss fell from {first} to {last} only").into());
    }
    Ok(())
}
