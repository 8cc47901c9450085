//! Losses: what comes of a pass, and what is refused.

use anyhow::ensure;
use gimmal_client::types::tinker::{Datum, LossFnType, PromptProvenanceSpan, TensorData};

use super::bench::{adam, datum, examples, failed_later, loss, prompt, same, step, texts};
use crate::conformance::sdk::ours::{Backend, Bench, Cases};

const LOSSES: [&str; 7] = [
    "cross_entropy",
    "importance_sampling",
    "ppo",
    "cispo",
    "dro",
    "gspo",
    "stable_reinforce",
];

pub(super) fn add(cases: &mut Cases) {
    let mut passes = cases.group(Backend::TRAINING, "training.forward_backward");
    passes.add("the_loss_falls", the_loss_falls);
    passes.add("logprobs_make_the_loss", logprobs_make_the_loss);
    passes.add("ragged", ragged);
    passes.add("several_targets", several_targets);
    for name in LOSSES {
        passes.add(format!("losses:{name}"), move |bench| of_kind(bench, name));
    }
    passes.add("unknown_setting", unknown_setting);
    passes.add("missing_input", missing_input);
    passes.add("foreign_token", foreign_token);
    passes.add("goes_on_after_an_error", goes_on);
    passes.add("spans", spans);
}

async fn the_loss_falls(bench: Bench) -> anyhow::Result<()> {
    let client = bench.train().await?;
    let first = step(&client, examples(20)).await?;
    let mut last = first;
    for _ in 1..60 {
        last = step(&client, examples(20)).await?;
    }
    ensure!(last < 0.2 * first, "{first} became {last}");
    Ok(())
}

async fn logprobs_make_the_loss(bench: Bench) -> anyhow::Result<()> {
    let client = bench.train().await?;
    let passed = client
        .forward_backward(examples(6), LossFnType::CrossEntropy)
        .await?;
    same(passed.loss_fn_outputs.len(), 6)?;
    let mut total = 0.0;
    for output in &passed.loss_fn_outputs {
        let logprobs = output["logprobs"].as_f32().unwrap_or_default();
        same(logprobs.len(), 4)?;
        total -= logprobs.iter().copied().map(f64::from).sum::<f64>();
    }
    let loss = loss(&passed)?;
    ensure!((total - loss).abs() < 1e-3, "{total} is not {loss}");
    Ok(())
}

async fn ragged(bench: Bench) -> anyhow::Result<()> {
    let texts = texts(3);
    let data: Vec<Datum> = texts
        .iter()
        .zip([2, 5, 3])
        .map(|(text, length)| datum(&text[..length]))
        .collect();
    let client = bench.train().await?;
    let passed = client
        .forward_backward(data, LossFnType::CrossEntropy)
        .await?;
    let outputs = passed.loss_fn_outputs.iter();
    let lengths: Vec<_> = outputs
        .map(|output| output["logprobs"].element_count())
        .collect();
    same(lengths, [1, 4, 2])
}

async fn several_targets(bench: Bench) -> anyhow::Result<()> {
    let targets = TensorData::from(vec![2_i64, 3, 4, 5]).with_shape([2, 2])?;
    let weights = TensorData::from(vec![0.5_f32, 0.5, 1.0, 0.0]).with_shape([2, 2])?;
    let one = Datum::new(prompt([1, 2]))
        .with_input("target_tokens", targets)
        .with_input("weights", weights);
    let client = bench.train().await?;
    let passed = client
        .forward_backward([one], LossFnType::CrossEntropy)
        .await?;
    let shape = passed.loss_fn_outputs[0]["logprobs"].shape();
    same(shape, Some(&[2_i64, 2][..]))
}

async fn of_kind(bench: Bench, name: &'static str) -> anyhow::Result<()> {
    let with_inputs = |text: &Vec<u32>| match name {
        "cross_entropy" => datum(text),
        _ => datum(text)
            .with_input("logprobs", vec![-1.0_f32; 4])
            .with_input("advantages", vec![1.0_f32, -1.0, 0.5, 0.0]),
    };
    let data: Vec<Datum> = texts(6).iter().map(with_inputs).collect();
    let client = bench.train().await?;
    let mut pass = client.forward_backward(data, name);
    let settings: &[(&str, f64)] = match name {
        "ppo" | "cispo" => &[("clip_low_threshold", 0.9), ("clip_high_threshold", 1.1)],
        "dro" => &[("beta", 0.1)],
        _ => &[],
    };
    for (setting, value) in settings {
        pass = pass.set_loss_fn_config(*setting, *value);
    }
    loss(&pass.await?)?;
    client.optim_step(adam()).await?;
    Ok(())
}

async fn unknown_setting(bench: Bench) -> anyhow::Result<()> {
    let client = bench.train().await?;
    let pass = client.forward_backward(examples(6), LossFnType::CrossEntropy);
    failed_later(pass.set_loss_fn_config("colour", 1.0).await, "colour")
}

async fn missing_input(bench: Bench) -> anyhow::Result<()> {
    let client = bench.train().await?;
    let pass = client.forward_backward(examples(6), LossFnType::Ppo);
    failed_later(pass.await, "advantages")
}

async fn foreign_token(bench: Bench) -> anyhow::Result<()> {
    let client = bench.train().await?;
    let pass = client.forward_backward([datum(&[1, 9_999_999])], LossFnType::CrossEntropy);
    failed_later(pass.await, "vocabulary")
}

async fn goes_on(bench: Bench) -> anyhow::Result<()> {
    let client = bench.train().await?;
    let bad = client.forward_backward([datum(&[1, 9_999_999])], LossFnType::CrossEntropy);
    let good = client.forward_backward(examples(6), LossFnType::CrossEntropy);
    let (bad, good) = (bad.submit(), good.submit());
    failed_later(bad.await?.await, "")?;
    good.await?.await?;
    Ok(())
}

async fn spans(bench: Bench) -> anyhow::Result<()> {
    let whole = || [PromptProvenanceSpan::of("s", 4)];
    let one = datum(&texts(1)[0]).with_provenance(whole(), whole())?;
    let client = bench.train().await?;
    client
        .forward_backward([one], LossFnType::CrossEntropy)
        .await?;
    Ok(())
}
