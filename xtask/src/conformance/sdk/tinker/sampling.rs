//! Drawing from models, and the ways to wait for it.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use gimmal_client::tinker::SamplingClient;
use gimmal_client::types::tinker::{
    SamplingClientKind, SamplingParams, Stop, StopReason, TensorData,
};
use gimmal_emulator::QueueState;
use serde_json::json;

use super::bench::{BASE, END, dynamically, failed_later, flagged, given, greedy, prompt, same};
use crate::conformance::sdk::ours::{Backend, Bench, Cases};

pub(super) fn add(cases: &mut Cases) {
    let on = Backend::TRAINING;
    let mut sample = cases.group(on, "sampling.sample");
    sample.add("what_was_taught", what_was_taught);
    sample.add("inflight", inflight);
    sample.add("a_seed_decides", a_seed_decides);
    let stops = [
        ("tokens", Stop::from(vec![13_u32])),
        ("none", Stop::from(Vec::<u32>::new())),
        ("text", Stop::from("zz")),
    ];
    for (name, stop) in stops {
        sample.add(format!("stop:{name}"), move |bench| {
            stops_at(bench, stop.clone(), name == "tokens")
        });
    }
    sample.add("logprobs", logprobs);
    sample.add("refused", refused);
    let mut group = cases.group(on, "sampling.compute_logprobs");
    group.add("all_and_the_last", all_and_the_last);
    let poller = ("sample_use_retrieve_futures", json!(true));
    let mut group = cases.group(on, "sampling.poller");
    group.add_with(
        &flagged(std::slice::from_ref(&poller)),
        "many_at_once",
        many_at_once,
    );
    let joining = flagged(&[poller, ("sample_join_sampling_session", json!(true))]);
    let mut group = cases.group(on, "sampling.from_sampler_handle");
    group.add_with(&joining, "a_clone", a_clone);
    let mut group = cases.group(on, "sampling.backpressure");
    group.add("the_same_number_again", |bench| {
        numbered(bench, "/asample", 429, [0, 0])
    });
    let mut group = cases.group(on, "sampling.broken_promise");
    group.add("another_number", |bench| {
        numbered(bench, "/retrieve_future", 410, [0, 1])
    });
    let cancelling = dynamically(&[("sample_cancel_enabled", json!(true))]);
    let mut group = cases.group(on, "sampling.cancel");
    group.add_with(&cancelling, "is_told", is_told);
    let mut group = cases.group(on, "sampling.async");
    group.add("sample_and_logprobs", sample_and_logprobs);
    let mut group = cases.group(on, "sampling.get_base_model");
    group.add("name", name);
}

/// A client that samples from the base model.
async fn base(bench: &Bench) -> anyhow::Result<SamplingClient> {
    let made = bench.service()?.create_sampling_client();
    Ok(made.set_base_model(BASE).await?)
}

/// A client that samples from a model that has learnt the texts.
async fn learnt(bench: &Bench) -> anyhow::Result<SamplingClient> {
    let client = bench.taught(40).await?;
    Ok(client.save_weights_and_get_sampling_client().await?)
}

async fn what_was_taught(bench: Bench) -> anyhow::Result<()> {
    let sampler = learnt(&bench).await?;
    let drawn = sampler.sample(prompt([11, 12]), 2, greedy(8)).await?;
    let [one, other] = &drawn.sequences[..] else {
        anyhow::bail!("{} sequences", drawn.sequences.len());
    };
    for sequence in [one, other] {
        same(&sequence.tokens, &[13, 1001, END])?;
        same(&sequence.stop_reason, &StopReason::Stop)?;
    }
    ensure!(one.sequence_id != other.sequence_id, "{}", one.sequence_id);
    Ok(())
}

async fn inflight(bench: Bench) -> anyhow::Result<()> {
    let client = bench.train().await?;
    let made = client.save_weights_and_get_sampling_client();
    let sampler = made.set_kind(SamplingClientKind::Inflight).await?;
    sampler.sample(prompt([11, 12]), 1, greedy(2)).await?;
    Ok(())
}

async fn a_seed_decides(bench: Bench) -> anyhow::Result<()> {
    let sampler = base(&bench).await?;
    let draw = async |seed: i64| {
        let params = SamplingParams::new().set_max_tokens(6_u32).set_seed(seed);
        let drawn = sampler.sample(prompt([1]), 1, params).await?;
        anyhow::Ok(drawn.sequences[0].tokens.clone())
    };
    let first = draw(5).await?;
    same(&draw(5).await?, &first)?;
    ensure!(draw(6).await? != first, "another seed drew the same");
    Ok(())
}

async fn stops_at(bench: Bench, stop: Stop, early: bool) -> anyhow::Result<()> {
    let params = greedy(5).set_stop(stop);
    let sampler = learnt(&bench).await?;
    let drawn = sampler.sample(prompt([11, 12]), 1, params).await?;
    let sequence = &drawn.sequences[0];
    if early {
        same(&sequence.tokens, &[13])?;
        return same(&sequence.stop_reason, &StopReason::Stop);
    }
    same(sequence.tokens.len(), 5)?;
    same(&sequence.stop_reason, &StopReason::Length)
}

async fn logprobs(bench: Bench) -> anyhow::Result<()> {
    let sampler = learnt(&bench).await?;
    let targets = TensorData::from(vec![12_i64, -1, 13, 12]).with_shape([2, 2])?;
    let drawn = sampler
        .sample(prompt([11, 12, 13]), 1, greedy(2))
        .set_include_prompt_logprobs(true)
        .set_topk_prompt_logprobs(2)
        .set_topk_sample_logprobs(2)
        .set_target_prompt_logprobs(targets)
        .set_prompt_alt_tokens_k(2)
        .await?;
    let of_prompt = given(drawn.prompt_logprobs)?;
    same(of_prompt[0], None)?;
    ensure!(of_prompt[1] < Some(0.0), "{:?}", of_prompt[1]);
    let places: Vec<_> = given(drawn.topk_prompt_logprobs.as_ref())?
        .places()
        .collect();
    same(&places[0], &None)?;
    same(given(places[1].as_ref())?[0].0, 12)?;
    let topk = given(drawn.sequences[0].topk_logprobs.as_ref())?;
    let first = topk.places().next().flatten().context("no first place")?;
    same(first[0].0, 1001)?;
    let scored = given(drawn.target_prompt_logprobs)?;
    same(scored.shape(), Some(&[2_i64, 2][..]))?;
    same(given(scored.as_f32())?[1], 0.0)?;
    let alternatives = given(drawn.prompt_alt_tokens)?.tokens;
    same(alternatives.shape(), Some(&[2_i64, 2][..]))
}

async fn refused(bench: Bench) -> anyhow::Result<()> {
    let sampler = base(&bench).await?;
    let drawn = sampler.sample(prompt([9_999_999]), 1, greedy(8)).await;
    failed_later(drawn, "vocabulary")
}

async fn all_and_the_last(bench: Bench) -> anyhow::Result<()> {
    let sampler = base(&bench).await?;
    let all = sampler.compute_logprobs(prompt([1, 2, 3])).await?;
    same((all.len(), all[0]), (3, None))?;
    let last = sampler.compute_logprobs(prompt([1, 2, 3]));
    let last = last.set_prompt_logprobs_last_n(1).await?;
    let absent: Vec<bool> = last.iter().map(Option::is_none).collect();
    same(absent, [true, true, false])
}

async fn many_at_once(bench: Bench) -> anyhow::Result<()> {
    let sampler = base(&bench).await?;
    let samples = (1..=50).map(|n| sampler.sample(prompt([n]), 1, greedy(2)));
    for sample in samples.map(|sample| sample.submit()).collect::<Vec<_>>() {
        same(sample.await?.await?.sequences.len(), 1)?;
    }
    let polls = bench.requests("/retrieve_futures");
    let cursors: Vec<_> = polls
        .iter()
        .filter_map(|poll| poll.body()?.get("prev_cursor")?.as_u64())
        .collect();
    ensure!(!cursors.is_empty(), "the poller was not used");
    ensure!(cursors.is_sorted(), "{cursors:?}");
    Ok(())
}

async fn a_clone(bench: Bench) -> anyhow::Result<()> {
    let handle = base(&bench).await?.get_sampler_handle();
    let clone = SamplingClient::from_sampler_handle(&handle, bench.setup())?;
    clone.sample(prompt([1]), 1, greedy(2)).await?;
    same(bench.numbers("/asample"), [1_000_000_000])
}

/// The numbers that a sample has when one answer is this status.
async fn numbered(
    bench: Bench,
    path: &'static str,
    status: u16,
    numbers: [u64; 2],
) -> anyhow::Result<()> {
    let sampler = base(&bench).await?;
    bench.script(&json!({"path": path, "status": status, "json": {"detail": "later"}}))?;
    sampler.sample(prompt([1]), 1, greedy(2)).await?;
    same(bench.numbers("/asample"), numbers)
}

async fn is_told(bench: Bench) -> anyhow::Result<()> {
    let sampler = base(&bench).await?;
    let server = bench.running.emulator.tinker();
    server.hold(QueueState::PausedRateLimit, Some("too much"));
    let sample = sampler.sample(prompt([1]), 1, greedy(2)).submit().await?;
    let drawn = tokio::time::timeout(Duration::from_millis(500), sample).await;
    ensure!(drawn.is_err(), "it was drawn");
    for _ in 0..100 {
        if !bench.requests("/cancel_future").is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    same(bench.last("/cancel_future")?.status(), Some(200))
}

async fn sample_and_logprobs(bench: Bench) -> anyhow::Result<()> {
    let sampler = base(&bench).await?;
    let drawn = sampler.sample(prompt([1]), 1, greedy(2)).await?;
    let logprobs = sampler.compute_logprobs(prompt([1, 2])).await?;
    same((drawn.sequences.len(), logprobs.len()), (1, 2))
}

async fn name(bench: Bench) -> anyhow::Result<()> {
    same(base(&bench).await?.get_base_model(), Some(BASE))
}
