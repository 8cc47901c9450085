//! Batch jobs: begun, watched, read, listed, cancelled and deleted.

use anyhow::{Context as _, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _};
use gimmal_client::gemini::CreateBatch;
use gimmal_client::types::gemini::{
    BatchJob, BatchJobSource, EmbedContentBatch, InlinedRequest, JobState,
};
use serde_json::json;

use super::bench::{FACT, MODEL, PARENT, among, refused, same};
use crate::conformance::sdk::emulators::Settings;
use crate::conformance::sdk::ours::{Backend, Bench, Cases};

const EMBEDDER: &str = "gemini-embedding-001";

pub(super) fn add(cases: &mut Cases) {
    let standing = Settings::standing();
    let mut create = cases.group(Backend::DEVELOPER, "batches.create");
    create.add_with(&standing, "inline requests", inline);
    create.add_with(&standing, "file", file);
    create.add_with(&standing, "reply", reply);
    create.add_with(&standing, "states", states);
    create.add("unknown file", unknown_file);
    create.add("unknown model", unknown_model);
    let mut create = cases.group(Backend::PROJECT, "batches.create");
    create.add("inline requests refused", inline_refused);
    create.add_with(&standing, "missing object", missing_object);
    let mut embed = cases.group(Backend::DEVELOPER, "batches.create_embeddings");
    embed.add_with(&standing, "inline requests", embeddings);
    let mut embed = cases.group(Backend::PROJECT, "batches.create_embeddings");
    embed.add("refused", embeddings_refused);
    let mut get = cases.group(Backend::DEVELOPER, "batches.get");
    get.add_with(&standing, "name:whole", gets);
    cases
        .group(Backend::BOTH, "batches.get")
        .add("unknown", gets_unknown);
    let mut list = cases.group(Backend::DEVELOPER, "batches.list");
    for size in [1, 2, 9] {
        list.add_with(&standing, format!("page size:{size}"), move |bench| {
            lists(bench, size)
        });
    }
    cases
        .group(Backend::BOTH, "batches.list")
        .add("empty", lists_nothing);
    let mut cancel = cases.group(Backend::DEVELOPER, "batches.cancel");
    cancel.add_with(&standing, "while it waits", cancels);
    cases
        .group(Backend::BOTH, "batches.cancel")
        .add("unknown", cancels_unknown);
    let mut delete = cases.group(Backend::DEVELOPER, "batches.delete");
    delete.add_with(&standing, "gone afterwards", deletes);
    cases
        .group(Backend::BOTH, "batches.delete")
        .add("unknown", deletes_unknown);
}

fn request(text: &str, key: &str) -> anyhow::Result<InlinedRequest> {
    let contents = json!([{"role": "user", "parts": [{"text": text}]}]);
    Ok(serde_json::from_value(
        json!({"contents": contents, "metadata": {"my_key": key}}),
    )?)
}

fn create(bench: &Bench) -> anyhow::Result<CreateBatch> {
    let src = BatchJobSource::inlined([request(FACT, "a")?, request("What is a fjord?", "b")?]);
    Ok(bench.client()?.batches().create(MODEL, src))
}

async fn made(bench: &Bench) -> anyhow::Result<String> {
    let job = create(bench)?.send().await?.into_body();
    job.name.context("no name")
}

/// The job once it is done, and the states on the way.
async fn ended(bench: &Bench, name: &str) -> anyhow::Result<(BatchJob, Vec<JobState>)> {
    let mut states = Vec::new();
    for _ in 0..400 {
        let job = bench
            .client()?
            .batches()
            .get(name)
            .send()
            .await?
            .into_body();
        states.extend(job.state.clone());
        if job.is_done() {
            return Ok((job, states));
        }
        bench.advance(0.1)?;
    }
    anyhow::bail!("{name} is not done")
}

fn unknown(bench: &Bench) -> &'static str {
    if bench.is_vertex() {
        "123"
    } else {
        "batches/none"
    }
}

async fn inline(bench: Bench) -> anyhow::Result<()> {
    let (job, _) = ended(&bench, &made(&bench).await?).await?;
    same(&job.state, &Some(JobState::Succeeded))?;
    let answers = job.dest.context("no answers")?.inlined_responses;
    let keys: Vec<_> = answers.iter().map(|answer| &answer.metadata).collect();
    same(json!(keys), json!([{"my_key": "a"}, {"my_key": "b"}]))?;
    let first = answers[0].response.as_ref().context("no response")?;
    among("keys", first.text().unwrap_or_default())
}

async fn inline_refused(bench: Bench) -> anyhow::Result<()> {
    ensure!(create(&bench)?.send().await.is_err(), "nothing was refused");
    same(bench.requests("").len(), 0)
}

async fn file(bench: Bench) -> anyhow::Result<()> {
    let line = |key: &str| {
        let contents = json!([{"role": "user", "parts": [{"text": key}]}]);
        format!(
            "{}\n",
            json!({"key": key, "request": {"contents": contents}})
        )
    };
    let upload = bench
        .client()?
        .files()
        .upload((line("one") + &line("two")).into_bytes());
    let source = upload
        .set_mime_type("application/jsonl")
        .send()
        .await?
        .into_body();
    let src = BatchJobSource::file(source.name.context("no name")?);
    let job = bench
        .client()?
        .batches()
        .create(MODEL, src)
        .send()
        .await?
        .into_body();
    let (job, _) = ended(&bench, &job.name.context("no name")?).await?;
    let name = job
        .dest
        .and_then(|dest| dest.file_name)
        .context("no file")?;
    let written = bench
        .client()?
        .files()
        .download(name)
        .send()
        .await?
        .into_body();
    let text = String::from_utf8_lossy(&written).into_owned();
    same(text.lines().count(), 2)?;
    among("\"one\"", text)
}

async fn reply(bench: Bench) -> anyhow::Result<()> {
    let call = create(&bench)?.set_display_name("three questions");
    let job = call.send().await?.into_body();
    same(&job.state, &Some(JobState::Pending))?;
    same(job.display_name.as_deref(), Some("three questions"))?;
    ensure!(!job.is_done() && job.create_time.is_some(), "{job:?}");
    among("batches/", job.name.unwrap_or_default())
}

async fn states(bench: Bench) -> anyhow::Result<()> {
    let (_, states) = ended(&bench, &made(&bench).await?).await?;
    ensure!(states.contains(&JobState::Running), "{states:?}");
    same(states.last(), Some(&JobState::Succeeded))
}

async fn unknown_file(bench: Bench) -> anyhow::Result<()> {
    let src = BatchJobSource::file("files/none");
    let outcome = bench.client()?.batches().create(MODEL, src).send().await;
    ensure!(outcome.is_err(), "nothing was refused");
    Ok(())
}

async fn unknown_model(bench: Bench) -> anyhow::Result<()> {
    let src = BatchJobSource::inlined([request("x", "a")?]);
    let outcome = bench.client()?.batches().create("gemini-none", src);
    refused(outcome.send().await, 404, "gemini-none").map(|_| ())
}

async fn missing_object(bench: Bench) -> anyhow::Result<()> {
    let src = BatchJobSource::gcs("gs://halden-jobs/nothing.jsonl");
    let job = bench
        .client()?
        .batches()
        .create(MODEL, src)
        .send()
        .await?
        .into_body();
    let name = job.name.context("no name")?;
    among(PARENT, &name)?;
    let (job, _) = ended(&bench, &name).await?;
    same(&job.state, &Some(JobState::Failed))?;
    let error = job.error.and_then(|error| error.message);
    among("nothing.jsonl", error.unwrap_or_default())
}

fn vectors() -> anyhow::Result<EmbedContentBatch> {
    let contents = ["a dog barks", "the tax return is due"];
    let contents = contents.map(|text| json!({"parts": [{"text": text}]}));
    let config = json!({"outputDimensionality": 256});
    Ok(serde_json::from_value(
        json!({"contents": contents, "config": config}),
    )?)
}

async fn embeddings(bench: Bench) -> anyhow::Result<()> {
    let batches = bench.client()?.batches();
    let call = batches.create_embeddings(EMBEDDER, vectors()?);
    let job = call.set_display_name("animals").send().await?.into_body();
    same(job.display_name.as_deref(), Some("animals"))?;
    let (job, _) = ended(&bench, &job.name.context("no name")?).await?;
    let answers = job
        .dest
        .context("no answers")?
        .inlined_embed_content_responses;
    let lengths = answers.iter().filter_map(|answer| {
        let embedding = answer.response.as_ref()?.embedding.as_ref()?;
        Some(embedding.values.len())
    });
    same(lengths.collect::<Vec<_>>(), [256, 256])
}

async fn embeddings_refused(bench: Bench) -> anyhow::Result<()> {
    let batches = bench.client()?.batches();
    let outcome = batches.create_embeddings(EMBEDDER, vectors()?).send().await;
    ensure!(outcome.is_err(), "nothing was refused");
    same(bench.requests("").len(), 0)
}

async fn gets(bench: Bench) -> anyhow::Result<()> {
    let name = made(&bench).await?;
    let found = bench.client()?.batches().get(&*name).send().await?;
    same(found.into_body().name, Some(name))
}

async fn gets_unknown(bench: Bench) -> anyhow::Result<()> {
    let outcome = bench.client()?.batches().get(unknown(&bench)).send().await;
    refused(outcome, 404, "").map(|_| ())
}

async fn lists(bench: Bench, size: i32) -> anyhow::Result<()> {
    let mut names = Vec::new();
    for _ in 0..3 {
        names.push(made(&bench).await?);
    }
    names.sort();
    let list = || anyhow::Ok(bench.client()?.batches().list().set_page_size(size).items());
    let mut pages = std::pin::pin!(list()?.pages());
    let first = pages.next().await.context("no page")??;
    same(first.items.len(), usize::try_from(size)?.min(3))?;
    let jobs: Vec<BatchJob> = list()?.try_collect().await?;
    let mut listed: Vec<String> = jobs.into_iter().filter_map(|job| job.name).collect();
    listed.sort();
    same(listed, names)
}

async fn lists_nothing(bench: Bench) -> anyhow::Result<()> {
    let list = bench.client()?.batches().list();
    let jobs: Vec<BatchJob> = list.items().try_collect().await?;
    same(jobs.len(), 0)
}

async fn cancels(bench: Bench) -> anyhow::Result<()> {
    let name = made(&bench).await?;
    bench.client()?.batches().cancel(&*name).send().await?;
    let (job, _) = ended(&bench, &name).await?;
    same(&job.state, &Some(JobState::Cancelled))
}

async fn cancels_unknown(bench: Bench) -> anyhow::Result<()> {
    let call = bench.client()?.batches().cancel(unknown(&bench));
    refused(call.send().await, 404, "").map(|_| ())
}

async fn deletes(bench: Bench) -> anyhow::Result<()> {
    let name = made(&bench).await?;
    ended(&bench, &name).await?;
    bench.client()?.batches().delete(&*name).send().await?;
    let outcome = bench.client()?.batches().get(name).send().await;
    refused(outcome, 404, "").map(|_| ())
}

async fn deletes_unknown(bench: Bench) -> anyhow::Result<()> {
    let call = bench.client()?.batches().delete(unknown(&bench));
    refused(call.send().await, 404, "").map(|_| ())
}
