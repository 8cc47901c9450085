//! Direct preference optimisation, as a loss of one's own: of two answers the better one becomes
//! likelier than the other. Without an account.

mod support;

use std::io::{Write as _, stdout};

use gimmal_client::types::tinker::{AdamParams, Datum, LossFnType};
use gimmal_training::{Dpo, MetricsLog, StepMetrics, TensorLoss, byte_tokens, supervised};

const STEPS: u64 = 30;

/// Prompts with the better answer and the other one.
const PAIRS: [[&str; 3]; 3] = [
    ["May I come in?", " Please do.", " No."],
    ["Is it far?", " A short walk.", " Yes."],
    ["Thank you.", " You are welcome.", " Whatever."],
];

#[tokio::main]
async fn main() -> support::Result<()> {
    let (service, _emulator) = support::connect().await?;
    let training = service
        .create_lora_training_client(support::MODEL)
        .set_seed(2)
        .await?;
    let answers = PAIRS.iter().flat_map(|[prompt, better, worse]| {
        [better, worse]
            .map(|answer| supervised(&byte_tokens(prompt, false), &byte_tokens(answer, true)))
    });
    let answers: Vec<Datum> = answers.collect::<Result<_, _>>()?;

    // The reference is the model as it is before anything is learnt.
    let before = training
        .forward(answers.clone(), LossFnType::CrossEntropy)
        .await?;
    let data = answers
        .into_iter()
        .zip(before.loss_fn_outputs)
        .map(|(datum, output)| {
            let mask = datum
                .loss_fn_inputs
                .get("weights")
                .cloned()
                .ok_or("no weights")?;
            let logprobs = output.get("logprobs").cloned().ok_or("no logprobs")?;
            Ok(datum
                .with_input("mask", mask)
                .with_input("ref_logprobs", logprobs))
        });
    let data: Vec<Datum> = data.collect::<support::Result<_>>()?;

    let folder = support::folder("dpo")?;
    let mut log = MetricsLog::create(folder.join("metrics.jsonl"))?;
    let dpo = Dpo::new(0.5)?;
    let mut accuracy = 0.0;
    for step in 0..STEPS {
        let loss = TensorLoss::new(move |batch| dpo.loss(batch));
        let output = training.forward_backward_custom(data.clone(), loss).await?;
        training
            .optim_step(AdamParams::new().set_learning_rate(0.0002))
            .await?;
        let metric = |name: &str| output.metrics.get(name).copied().unwrap_or(f64::NAN);
        accuracy = metric("accuracy:mean");
        let noted = [
            ("loss", metric("loss:sum")),
            ("accuracy:mean", accuracy),
            ("margin:mean", metric("margin:mean")),
        ];
        log.append(&StepMetrics::new(step, noted))?;
    }
    let (first, last) = support::draw(&folder, "loss")?;
    if last > 0.5 * first || accuracy < 1.0 {
        return Err(format!("the loss fell from {first} to {last} only").into());
    }
    writeln!(stdout(), "of all pairs, {accuracy:.2} are in order")?;
    Ok(())
}
