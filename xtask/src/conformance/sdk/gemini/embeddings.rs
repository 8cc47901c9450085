//! Vectors, and tokens one by one.

use anyhow::ensure;
use gimmal_client::gemini::EmbedContent;
use gimmal_client::types::gemini::{Content, EmbedContentConfig, EmbedContentResponse};
use serde_json::{Value, json};

use super::bench::{MODEL, declined, given, of, refused, same};
use super::images::picture;
use crate::conformance::sdk::ours::{Backend, Bench, Cases};

const EMBEDDER: &str = "gemini-embedding-001";
const WORDS: &str = "text-embedding-005";
const MIXED: &str = "gemini-embedding-2";
const KINDS: [&str; 4] = [
    "RETRIEVAL_DOCUMENT",
    "RETRIEVAL_QUERY",
    "SEMANTIC_SIMILARITY",
    "CLASSIFICATION",
];

pub(super) fn add(cases: &mut Cases) {
    let mut embed = cases.group(Backend::BOTH, "models.embed_content");
    for count in [1, 128, 768] {
        embed.add(format!("dimensions:{count}"), move |bench| {
            dimensions(bench, count)
        });
    }
    for kind in KINDS {
        embed.add(format!("task:{kind}"), move |bench| task(bench, kind));
    }
    let mut embed = cases.group(Backend::DEVELOPER, "models.embed_content");
    embed.add("likeness", likeness);
    embed.add("too many dimensions", too_many_dimensions);
    embed.add("not an embedder", not_an_embedder);
    let mut embed = cases.group(Backend::PROJECT, "models.embed_content");
    embed.add("statistics", statistics);
    embed.add("truncation", truncation);
    embed.add("picture", mixed);
    let mut compute = cases.group(Backend::PROJECT, "models.compute_tokens");
    compute.add("tokens", tokens);
    let mut compute = cases.group(Backend::DEVELOPER, "models.compute_tokens");
    compute.add("refused", tokens_refused);
}

fn embed(
    bench: &Bench,
    model: &str,
    texts: &[&str],
    config: Value,
) -> anyhow::Result<EmbedContent> {
    let call = bench.client()?.models().embed_content(model);
    let call = call.set_contents(texts.iter().copied());
    Ok(call.set_config(of::<EmbedContentConfig>(config)?))
}

/// The call with the model for words that the back end has.
fn embed_bees(bench: &Bench, config: Value) -> anyhow::Result<EmbedContent> {
    let model = if bench.is_vertex() { WORDS } else { EMBEDDER };
    embed(bench, model, &["Bees"], config)
}

fn lengths(reply: &EmbedContentResponse) -> Vec<usize> {
    let lengths = reply
        .embeddings
        .iter()
        .map(|embedding| embedding.values.len());
    lengths.collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(x, y)| x * y).sum()
}

async fn likeness(bench: Bench) -> anyhow::Result<()> {
    let texts = ["How do I return a parcel?", "Sending goods back", "Bees"];
    let reply = embed(&bench, EMBEDDER, &texts, json!({}))?.send().await?;
    let reply = reply.into_body();
    same(lengths(&reply), [3072; 3])?;
    let [a, b, c] = [0, 1, 2].map(|n| &*reply.embeddings[n].values);
    let norm = dot(a, a).sqrt();
    ensure!((norm - 1.0).abs() < 1e-4, "a length of {norm}");
    ensure!(dot(a, b) > dot(a, c), "bees are like parcels");
    ensure!(
        given(reply.usage_metadata)?.prompt_token_count > Some(5),
        "no tokens"
    );
    Ok(())
}

async fn dimensions(bench: Bench, count: usize) -> anyhow::Result<()> {
    let reply = embed_bees(&bench, json!({"outputDimensionality": count}))?;
    same(lengths(&reply.send().await?.into_body()), [count])
}

async fn too_many_dimensions(bench: Bench) -> anyhow::Result<()> {
    let call = embed_bees(&bench, json!({"outputDimensionality": 5000}))?;
    declined(call.send().await, 400)
}

async fn task(bench: Bench, kind: &str) -> anyhow::Result<()> {
    let reply = embed_bees(&bench, json!({"taskType": kind}))?
        .send()
        .await?;
    same(lengths(&reply.into_body()).len(), 1)?;
    let path = if bench.is_vertex() {
        "/instances/0/task_type"
    } else {
        "/requests/0/taskType"
    };
    same(bench.sent("models", path)?, kind)
}

async fn not_an_embedder(bench: Bench) -> anyhow::Result<()> {
    declined(embed(&bench, MODEL, &["x"], json!({}))?.send().await, 404)
}

async fn statistics(bench: Bench) -> anyhow::Result<()> {
    let call = embed(&bench, WORDS, &["one two three", "four"], json!({}))?;
    let reply = call.send().await?.into_body();
    let statistics = reply.embeddings.into_iter().map(|it| given(it.statistics));
    let statistics = statistics.collect::<anyhow::Result<Vec<_>>>()?;
    let counts: Vec<_> = statistics.iter().map(|it| it.token_count).collect();
    same(counts, [Some(3.0), Some(1.0)])?;
    same(statistics[0].truncated, Some(false))?;
    same(given(reply.metadata)?.billable_character_count, Some(15))
}

async fn truncation(bench: Bench) -> anyhow::Result<()> {
    let long = "word ".repeat(5000);
    let reply = embed(&bench, WORDS, &[&long], json!({}))?.send().await?;
    let statistics = reply.into_body().embeddings.remove(0).statistics;
    same(given(statistics)?.truncated, Some(true))?;
    let call = embed(&bench, WORDS, &[&long], json!({"autoTruncate": false}))?;
    refused(call.send().await, 400, "supports up to").map(|_| ())
}

async fn mixed(bench: Bench) -> anyhow::Result<()> {
    let drawn = given(picture(&bench).await?.image_bytes)?;
    let picture = json!({"mimeType": "image/png", "data": drawn});
    let parts = json!([{"text": "a red barn"}, {"inlineData": picture}]);
    let content: Content = of(json!({"role": "user", "parts": parts}))?;
    let call = bench.client()?.models().embed_content(MIXED);
    let reply = call.set_contents([content]).send().await?.into_body();
    same(lengths(&reply), [3072])?;
    let statistics = given(reply.embeddings[0].statistics.as_ref())?;
    ensure!(statistics.token_count > Some(258.0), "{statistics:?}");
    Ok(())
}

async fn tokens(bench: Bench) -> anyhow::Result<()> {
    let texts = ["Grüße aus Utne, 日本!", "and a second turn"];
    let call = bench.client()?.models().compute_tokens(MODEL);
    let reply = call.set_contents(texts).send().await?.into_body();
    let tokens = reply.tokens_info.iter().flat_map(|info| &info.tokens);
    let joined: Vec<u8> = tokens.flat_map(|token| token.as_bytes()).copied().collect();
    same(String::from_utf8(joined)?, texts.concat())?;
    for info in reply.tokens_info {
        same(info.role.as_deref(), Some("user"))?;
        same(info.token_ids.len(), info.tokens.len())?;
    }
    Ok(())
}

async fn tokens_refused(bench: Bench) -> anyhow::Result<()> {
    let call = bench.client()?.models().compute_tokens(MODEL);
    bench.unsent(call.set_contents(["x"]).send().await)
}
