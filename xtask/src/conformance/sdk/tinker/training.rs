//! Passes and steps: their order, how they are sent, and how their results are asked for.

use std::time::Duration;

use gimmal_client::types::tinker::LossFnType;
use gimmal_emulator::QueueState;
use serde_json::{Value, json};

use super::bench::{adam, examples, flagged, given, header, loss_of, same, step, with};
use crate::conformance::sdk::ours::{Backend, Bench, Cases};
use crate::conformance::sdk::tinker::Settings;

pub(super) fn add(cases: &mut Cases) {
    let mut passes = cases.group(Backend::TRAINING, "training.forward_backward");
    let two_at_a_time = flagged(&[("fwdbwd_max_chunk_len", json!(2))]);
    passes.add_with(&two_at_a_time, "chunks", chunks);
    let packed = flagged(&[("proto_compress_fwdbwd", json!(true))]);
    passes.add_with(&packed, "zstd", zstd);
    let mut passes = cases.group(Backend::TRAINING, "training.forward");
    passes.add("leaves_no_gradient", leaves_no_gradient);
    let mut twice = cases.group(Backend::TRAINING, "training.async");
    twice.add("double_await", double_await);
    let mut retries = cases.group(Backend::TRAINING, "training.retries");
    for kind in ["unavailable", "reset", "repeat"] {
        let name = format!("each_request_is_applied_once:{kind}");
        retries.add(name, move |bench| applied_once(bench, kind));
    }
    let mut polls = cases.group(Backend::TRAINING, "training.polls");
    let brief = with(Settings {
        hold_seconds: Some(0.2),
        ..Settings::default()
    });
    polls.add_with(&brief, "told_to_try_again", told_to_try_again);
    let wordy = with(Settings {
        announced_over: Some(10),
        ..Settings::default()
    });
    polls.add_with(&wordy, "large_results_are_announced", announced);
}

async fn chunks(bench: Bench) -> anyhow::Result<()> {
    let client = bench.train().await?;
    let pass = client.forward_backward(examples(5), LossFnType::CrossEntropy);
    same(pass.await?.loss_fn_outputs.len(), 5)?;
    client.optim_step(adam()).await?;
    let mut numbers = bench.numbers("/forward_backward");
    // The first chunk goes last: it releases the others.
    same(numbers.last(), Some(&1))?;
    numbers.sort_unstable();
    same(numbers, [1, 2, 3])?;
    let applied = bench.applied();
    let applied: Vec<_> = applied.iter().map(|it| (it.call, it.seq_id)).collect();
    same(
        applied,
        [
            ("create_model", 0),
            ("forward_backward", 1),
            ("forward_backward", 2),
            ("forward_backward", 3),
            ("optim_step", 4),
        ],
    )
}

async fn zstd(bench: Bench) -> anyhow::Result<()> {
    step(&bench.train().await?, examples(6)).await?;
    let request = bench.last("/forward_backward")?;
    same(header(&request, "content-encoding"), "zstd")
}

async fn leaves_no_gradient(bench: Bench) -> anyhow::Result<()> {
    let client = bench.train().await?;
    let before = loss_of(&client).await?;
    client.optim_step(adam()).await?;
    same(loss_of(&client).await?, before)?;
    let request = bench.last("/forward_backward")?;
    same(&given(request.body())?["forward_only"], &Value::Bool(true))
}

async fn double_await(bench: Bench) -> anyhow::Result<()> {
    step(&bench.train().await?, examples(6)).await.map(drop)
}

async fn applied_once(bench: Bench, kind: &'static str) -> anyhow::Result<()> {
    let client = bench.train().await?;
    for path in ["/forward_backward", "/optim_step", "/retrieve_future"] {
        bench.fault(&json!({"kind": kind, "path": path, "every": 2, "at_most": 3}))?;
    }
    for _ in 0..4 {
        step(&client, examples(6)).await?;
    }
    let numbers: Vec<u64> = bench.applied().iter().map(|it| it.seq_id).collect();
    same(numbers, (0..9).collect::<Vec<u64>>())
}

async fn told_to_try_again(bench: Bench) -> anyhow::Result<()> {
    let client = bench.train().await?;
    let server = bench.running.emulator.tinker();
    server.hold(QueueState::PausedCapacity, Some("the machines are full"));
    let pass = client.forward_backward(examples(6), LossFnType::CrossEntropy);
    let passed = pass.submit().await?;
    let told = || {
        let polls = bench.requests("/retrieve_future");
        polls.iter().any(|poll| poll.status() == Some(408))
    };
    while !told() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    server.hold(QueueState::Active, None);
    passed.await?;
    Ok(())
}

async fn announced(bench: Bench) -> anyhow::Result<()> {
    step(&bench.train().await?, examples(6)).await?;
    let polls = bench.requests("/retrieve_future");
    let mut allowed = polls
        .iter()
        .filter_map(|poll| poll.body()?.get("allow_metadata_only")?.as_bool());
    same(allowed.any(|allowed| !allowed), true)
}
