//! Generation in chunks.

use anyhow::{Context as _, ensure};
use futures_util::StreamExt as _;
use gimmal_client::types::gemini::{BlockedReason, FinishReason};
use serde_json::json;

use super::bench::{DOCUMENT, QUESTION, among, chunks, config, refused, same, status_of, text};
use super::functions::{WEATHER, Weather};
use crate::conformance::sdk::emulators::Settings;
use crate::conformance::sdk::ours::{Backend, Bench, Cases};

const STREAM: &str = ":streamGenerateContent";

pub(super) fn add(cases: &mut Cases) {
    let mut stream = cases.group(Backend::ALL, "models.generate_content_stream");
    stream.add("chunks", same_as_whole);
    let mut stream = cases.group(Backend::BOTH, "models.generate_content_stream");
    stream.add("usage", usage);
    stream.add("thoughts", thoughts);
    stream.add("function that runs", runs);
    let blocked = Settings {
        blocked_phrases: vec!["plum".to_owned()],
        ..Settings::default()
    };
    stream.add_with(&blocked, "blocked prompt", blocked_prompt);
    stream.add("left early", left_early);
    stream.add("unknown model", unknown_model);
}

async fn same_as_whole(bench: Bench) -> anyhow::Result<()> {
    let generate = || bench.generate(&[&DOCUMENT, QUESTION]);
    let chunks = chunks(generate()?).await?;
    let whole = generate()?.send().await?.into_body();
    ensure!(chunks.len() > 1, "one chunk");
    same(Some(text(&chunks)), whole.text())?;
    let (last, others) = chunks.split_last().context("no chunks")?;
    ensure!(others.iter().all(|chunk| chunk.finish_reason().is_none()));
    same(last.finish_reason(), Some(&FinishReason::Stop))?;
    ensure!(
        others
            .iter()
            .all(|chunk| chunk.response_id == last.response_id)
    );
    Ok(())
}

async fn usage(bench: Bench) -> anyhow::Result<()> {
    let generate = || bench.generate(&[&DOCUMENT, QUESTION]);
    let whole = generate()?.send().await?.into_body();
    let expected = whole.usage_metadata.context("no usage")?;
    let mut last = None;
    for chunk in chunks(generate()?).await? {
        let usage = chunk.usage_metadata.context("no usage")?;
        ensure!(usage.prompt_token_count > Some(0));
        last = usage.total_token_count;
    }
    same(last, expected.total_token_count)
}

async fn thoughts(bench: Bench) -> anyhow::Result<()> {
    let thinking = json!({"thinkingConfig": {"thinkingBudget": 512, "includeThoughts": true}});
    let call = bench.generate(&[&DOCUMENT, QUESTION])?;
    let chunks = chunks(call.set_config(config(thinking)?)).await?;
    let parts = chunks.iter().flat_map(|chunk| chunk.parts());
    let kinds: Vec<bool> = parts.map(|part| part.thought == Some(true)).collect();
    ensure!(
        kinds.first() == Some(&true)
            && kinds.last() == Some(&false)
            && kinds.is_sorted_by(|a, b| a >= b),
        "{kinds:?}"
    );
    Ok(())
}

async fn runs(bench: Bench) -> anyhow::Result<()> {
    let weather = Weather::default();
    let call = bench.generate(&[WEATHER])?;
    let chunks = chunks(call.with_functions(weather.function(None))).await?;
    same(weather.asked(), ["Boston"])?;
    among("rain until noon", text(&chunks))?;
    same(bench.requests(STREAM).len(), 2)
}

async fn blocked_prompt(bench: Bench) -> anyhow::Result<()> {
    let chunks = chunks(bench.generate(&["Where is the plum?"])?).await?;
    let first = chunks.first().context("no chunk")?;
    let feedback = first.prompt_feedback.as_ref().context("no feedback")?;
    same(feedback.block_reason.as_ref(), Some(&BlockedReason::Safety))
}

async fn left_early(bench: Bench) -> anyhow::Result<()> {
    let client = bench.client()?;
    let ask = |texts: &[&str]| {
        let call = client.models().generate_content(super::bench::MODEL);
        call.set_contents(texts.iter().copied())
    };
    let mut stream = ask(&[&DOCUMENT, QUESTION]).stream().await?;
    let first = stream.next().await.context("no chunk")??;
    ensure!(first.text().is_some());
    drop(stream);
    ensure!(ask(&["Hi"]).send().await?.body().text().is_some());
    Ok(())
}

async fn unknown_model(bench: Bench) -> anyhow::Result<()> {
    let call = bench.client()?.models().generate_content("gemini-none");
    let outcome = chunks(call.set_contents(["Hi"])).await;
    let error = refused(outcome, 404, "gemini-none")?;
    same(status_of(&error), "NOT_FOUND")
}
