//! Batch jobs: begun, watched, read, listed, cancelled and deleted; over requests in the call,
//! files, Cloud Storage and BigQuery.

use anyhow::{Context as _, ensure};
use gimmal_client::types::gemini::{
    BatchJob, BatchJobDestination, BatchJobSource, EmbedContentBatch, EmbeddingsBatchJobSource,
    JobState,
};
use serde_json::{Value, json};

use super::bench::{
    FACT, MODEL, PARENT, among, begins, declined, given, of, paged, refused, same, sorted,
    status_of,
};
use super::work::{lines, until, values};
use crate::conformance::sdk::emulators::Settings;
use crate::conformance::sdk::ours::{Backend, Bench, Cases};

const EMBEDDER: &str = "gemini-embedding-001";

pub(super) fn add(cases: &mut Cases) {
    let standing = Settings::standing();
    let mut create = cases.group(Backend::BOTH, "batches.create");
    create.add_with(&standing, "reply", reply);
    create.add_with(&standing, "states", states);
    create.add("unknown model", unknown_model);
    let mut create = cases.group(Backend::DEVELOPER, "batches.create");
    create.add_with(&standing, "inline requests", inline);
    create.add_with(&standing, "file", file);
    create.add("unknown file", unknown_file);
    let mut create = cases.group(Backend::PROJECT, "batches.create");
    create.add("inline requests refused", inline_refused);
    create.add_with(&standing, "Cloud Storage", cloud_storage);
    create.add_with(&standing, "place of the answers", place_of_the_answers);
    create.add_with(&standing, "missing object", missing_object);
    create.add_with(&standing, "BigQuery", bigquery);
    let mut embed = cases.group(Backend::DEVELOPER, "batches.create_embeddings");
    embed.add_with(&standing, "inline requests", embeddings);
    embed.add_with(&standing, "file", embeddings_of_a_file);
    let mut embed = cases.group(Backend::PROJECT, "batches.create_embeddings");
    embed.add("refused", embeddings_refused);

    let mut get = cases.group(Backend::BOTH, "batches.get");
    get.add_with(&standing, "name:whole", |bench| gets(bench, false));
    get.add_with(&standing, "name:short", |bench| gets(bench, true));
    get.add("unknown", gets_unknown);
    let mut list = cases.group(Backend::BOTH, "batches.list");
    for size in [1, 2, 9] {
        list.add_with(&standing, format!("page size:{size}"), move |bench| {
            lists(bench, size)
        });
    }
    list.add("empty", lists_nothing);
    let mut list = cases.group(Backend::PROJECT, "batches.list");
    list.add_with(&standing, "filter", filters);
    let mut cancel = cases.group(Backend::BOTH, "batches.cancel");
    cancel.add_with(&standing, "while it waits", cancels);
    cancel.add("unknown", cancels_unknown);
    let mut delete = cases.group(Backend::BOTH, "batches.delete");
    delete.add_with(&standing, "gone afterwards", deletes);
    delete.add("unknown", deletes_unknown);
}

fn ask(text: &str) -> Value {
    json!({"contents": [{"role": "user", "parts": [{"text": text}]}]})
}

/// A request with a key of one's own.
fn keyed(key: &str, mut request: Value) -> Value {
    request["metadata"] = json!({"my_key": key});
    request
}

/// So many questions, where the back end reads them.
fn source(bench: &Bench, count: usize) -> anyhow::Result<BatchJobSource> {
    let questions = (0..count).map(|n| ask(&format!("Question {n}")));
    if bench.is_vertex() {
        let questions = questions.map(|request| json!({ "request": request }));
        let uri = bench.put_lines("questions.jsonl", &questions.collect::<Vec<_>>());
        return Ok(BatchJobSource::gcs(uri));
    }
    let requests: anyhow::Result<Vec<_>> = questions.map(of).collect();
    Ok(BatchJobSource::inlined(requests?))
}

async fn start(bench: &Bench, src: BatchJobSource) -> anyhow::Result<BatchJob> {
    let call = bench.client()?.batches().create(MODEL, src);
    Ok(call.send().await?.into_body())
}

/// The name of a new job over one question.
async fn made(bench: &Bench) -> anyhow::Result<String> {
    given(start(bench, source(bench, 1)?).await?.name)
}

async fn ended(bench: &Bench, name: Option<String>) -> anyhow::Result<BatchJob> {
    let (batches, name) = (bench.client()?.batches(), given(name)?);
    until(bench, 0.1, || batches.get(&*name).send(), BatchJob::is_done).await
}

/// A job that ended well.
async fn succeeded(bench: &Bench, job: BatchJob) -> anyhow::Result<BatchJob> {
    let job = ended(bench, job.name).await?;
    same(job.state.as_ref(), Some(&JobState::Succeeded))?;
    Ok(job)
}

/// The name of a new file with these lines.
async fn uploaded(bench: &Bench, values: &[Value]) -> anyhow::Result<String> {
    let call = bench.client()?.files().upload(lines(values).into_bytes());
    let file = call.set_mime_type("application/jsonl").send().await?;
    given(file.into_body().name)
}

/// The lines of the file that a job wrote.
async fn answers(bench: &Bench, job: BatchJob) -> anyhow::Result<Vec<Value>> {
    let name = given(given(job.dest)?.file_name)?;
    let file = bench.client()?.files().download(name).send().await?;
    values(file.body())
}

fn unknown(bench: &Bench) -> &'static str {
    if bench.is_vertex() {
        "123"
    } else {
        "batches/none"
    }
}

async fn reply(bench: Bench) -> anyhow::Result<()> {
    let call = bench.client()?.batches().create(MODEL, source(&bench, 1)?);
    let job = call.set_display_name("three questions").send().await?;
    let job = job.into_body();
    let name = given(job.name.clone())?;
    if bench.is_vertex() {
        begins(&format!("{PARENT}/batchPredictionJobs/"), name)?;
    } else {
        begins("batches/", name)?;
    }
    same(&job.state, &Some(JobState::Pending))?;
    same(job.display_name.as_deref(), Some("three questions"))?;
    ensure!(!job.is_done() && job.create_time.is_some(), "{job:?}");
    among(MODEL, given(job.model)?)
}

async fn inline(bench: Bench) -> anyhow::Result<()> {
    let turn = |text: &str| json!({"role": "user", "parts": [{"text": text}]});
    let question = json!({"contents": [turn(FACT), turn("Where are the spare keys?")]});
    let mut hot = ask(FACT);
    hot["config"] = json!({"temperature": 9});
    let requests = [
        of(keyed("a", question))?,
        of(keyed("b", hot))?,
        of(keyed("c", ask("What is a fjord?")))?,
    ];
    let job = start(&bench, BatchJobSource::inlined(requests)).await?;
    let answers = given(succeeded(&bench, job).await?.dest)?.inlined_responses;
    let keys: Vec<_> = answers.iter().map(|answer| &answer.metadata).collect();
    let expected = ["a", "b", "c"].map(|key| json!({"my_key": key}));
    same(json!(keys), json!(expected))?;
    let first = given(answers[0].response.as_ref())?;
    among(FACT, first.text().unwrap_or_default())?;
    let error = given(answers[1].error.as_ref())?;
    same(
        (error.code, answers[1].response.is_some()),
        (Some(3), false),
    )?;
    among("temperature", error.message.as_deref().unwrap_or_default())?;
    let usage = given(answers[2].response.as_ref())?.usage_metadata.as_ref();
    ensure!(given(usage)?.total_token_count > Some(0), "no tokens");
    Ok(())
}

async fn inline_refused(bench: Bench) -> anyhow::Result<()> {
    let src = BatchJobSource::inlined([of(ask("x"))?]);
    bench.unsent(bench.client()?.batches().create(MODEL, src).send().await)
}

async fn states(bench: Bench) -> anyhow::Result<()> {
    let name = given(start(&bench, source(&bench, 3)?).await?.name)?;
    let (batches, mut seen) = (bench.client()?.batches(), Vec::new());
    let is_done = |job: &BatchJob| {
        seen.extend(job.state.clone());
        job.is_done()
    };
    until(&bench, 0.1, || batches.get(&*name).send(), is_done).await?;
    ensure!(seen.contains(&JobState::Running), "{seen:?}");
    same(seen.last(), Some(&JobState::Succeeded))
}

async fn file(bench: Bench) -> anyhow::Result<()> {
    let mut instructed = ask("x");
    instructed["system_instruction"] = json!({"parts": [{"text": "y"}]});
    let name = uploaded(
        &bench,
        &[
            json!({"key": "one", "request": ask(FACT)}),
            json!({"key": "two", "request": {"contents": []}}),
            json!({"key": "three", "request": instructed}),
        ],
    )
    .await?;
    let job = start(&bench, BatchJobSource::file(name)).await?;
    let answers = answers(&bench, succeeded(&bench, job).await?).await?;
    let keys: Vec<_> = answers.iter().map(|answer| &answer["key"]).collect();
    same(keys, ["one", "two", "three"])?;
    ensure!(
        answers[0]["response"]["candidates"][0].is_object(),
        "no answer"
    );
    same(&answers[1]["error"]["code"], 3)?;
    same(&answers[2]["response"]["modelVersion"], MODEL)
}

async fn unknown_file(bench: Bench) -> anyhow::Result<()> {
    let src = BatchJobSource::file("files/none");
    declined(
        bench.client()?.batches().create(MODEL, src).send().await,
        403,
    )
}

async fn unknown_model(bench: Bench) -> anyhow::Result<()> {
    let batches = bench.client()?.batches();
    let outcome = batches.create("gemini-none", source(&bench, 1)?);
    refused(outcome.send().await, 404, "gemini-none").map(|_| ())
}

async fn cloud_storage(bench: Bench) -> anyhow::Result<()> {
    let questions = [
        json!({"id": 7, "request": ask(FACT)}),
        json!({"id": 8, "request": {"contents": []}}),
    ];
    let uri = bench.put_lines("questions.jsonl", &questions);
    let job = start(&bench, BatchJobSource::gcs(&*uri)).await?;
    let src = given(job.src.as_ref())?;
    same(&src.gcs_uri, &[&*uri])?;
    same(src.format.as_deref(), Some("jsonl"))?;
    let place = given(job.dest.as_ref())?.gcs_uri.clone();
    same(
        place,
        uri.strip_suffix(".jsonl")
            .map(|stem| format!("{stem}/dest")),
    )?;
    let job = succeeded(&bench, job).await?;
    let stats = given(job.completion_stats)?;
    same(
        (stats.successful_count, stats.failed_count),
        (Some(1), Some(1)),
    )?;
    ensure!(job.start_time.is_some(), "it never started");
    let (created, ended) = (given(job.create_time)?, given(job.end_time)?);
    ensure!(
        ended.to_system_time() > created.to_system_time(),
        "it ended at once"
    );
    let folder = given(given(job.output_info)?.gcs_output_directory)?;
    let answers = bench.get_lines(&format!("{folder}/predictions.jsonl"))?;
    let ids: Vec<_> = answers.iter().map(|answer| &answer["id"]).collect();
    same(ids, [7, 8])?;
    ensure!(
        answers[0]["response"]["candidates"][0].is_object(),
        "no answer"
    );
    same(&answers[0]["status"], "")?;
    among(
        "Bad Request",
        answers[1]["status"].as_str().unwrap_or_default(),
    )
}

async fn place_of_the_answers(bench: Bench) -> anyhow::Result<()> {
    let place = "gs://elsewhere/answers";
    let call = bench.client()?.batches().create(MODEL, source(&bench, 1)?);
    let call = call.set_dest(BatchJobDestination::gcs(place));
    let job = call.send().await?.into_body();
    same(given(job.dest.as_ref())?.gcs_uri.as_deref(), Some(place))?;
    let job = succeeded(&bench, job).await?;
    let folder = given(given(job.output_info)?.gcs_output_directory)?;
    begins(place, folder)
}

async fn missing_object(bench: Bench) -> anyhow::Result<()> {
    let src = BatchJobSource::gcs("gs://halden-jobs/nothing.jsonl");
    let job = ended(&bench, start(&bench, src).await?.name).await?;
    same(job.state.as_ref(), Some(&JobState::Failed))?;
    among("nothing.jsonl", given(given(job.error)?.message)?)
}

async fn bigquery(bench: Bench) -> anyhow::Result<()> {
    let (questions, place) = ("bq://halden.questions.first", "bq://halden.answers.all");
    let request = |n| ask(&format!("Question {n}")).to_string();
    let rows = (0..3).map(|n| json!({"my_id": n, "request": request(n)}));
    let storage = bench.running.emulator.storage();
    storage.put_rows(questions, rows);
    let src = BatchJobSource::bigquery(questions);
    let call = bench.client()?.batches().create(MODEL, src);
    let call = call.set_dest(BatchJobDestination::bigquery(place));
    let job = succeeded(&bench, call.send().await?.into_body()).await?;
    let table = given(job.output_info)?.bigquery_output_table;
    same(table.as_deref(), Some(place))?;
    same(storage.rows(place).map(|rows| rows.len()), Some(3))
}

fn vectors() -> anyhow::Result<EmbedContentBatch> {
    let contents = ["a dog barks", "a puppy yelps", "the tax return is due"];
    let contents = contents.map(|text| json!({"parts": [{"text": text}]}));
    let config = json!({"taskType": "CLUSTERING", "outputDimensionality": 256});
    of(json!({"contents": contents, "config": config}))
}

async fn embeddings(bench: Bench) -> anyhow::Result<()> {
    let client = bench.client()?;
    let call = client.batches().create_embeddings(EMBEDDER, vectors()?);
    let job = call.set_display_name("animals").send().await?.into_body();
    same(job.display_name.as_deref(), Some("animals"))?;
    let job = succeeded(&bench, job).await?;
    let answers = given(job.dest)?.inlined_embed_content_responses;
    let of_the_job: Option<Vec<_>> = answers
        .into_iter()
        .map(|answer| Some(answer.response?.embedding?.values))
        .collect();
    let of_the_job = of_the_job.context("no embedding")?;
    same(
        of_the_job.iter().map(Vec::len).collect::<Vec<_>>(),
        [256; 3],
    )?;
    let batch = vectors()?;
    let direct = client.models().embed_content(EMBEDDER);
    let direct = direct.set_contents(batch.contents);
    let direct = direct.set_config(*given(batch.config)?).send().await?;
    let direct = direct.into_body().embeddings.into_iter();
    same(direct.map(|it| it.values).collect::<Vec<_>>(), of_the_job)
}

async fn embeddings_of_a_file(bench: Bench) -> anyhow::Result<()> {
    let line = |key: &str| {
        let content = json!({"parts": [{"text": key}]});
        json!({"key": key, "request": {"content": content, "output_dimensionality": 64}})
    };
    let name = uploaded(&bench, &["a", "b"].map(line)).await?;
    let batches = bench.client()?.batches();
    let call = batches.create_embeddings(EMBEDDER, EmbeddingsBatchJobSource::file(name));
    let job = succeeded(&bench, call.send().await?.into_body()).await?;
    let answers = answers(&bench, job).await?;
    let lengths = answers.iter().map(|answer| {
        let values = answer["response"]["embedding"]["values"].as_array();
        values.map(Vec::len)
    });
    same(lengths.collect::<Vec<_>>(), [Some(64), Some(64)])
}

async fn embeddings_refused(bench: Bench) -> anyhow::Result<()> {
    let batches = bench.client()?.batches();
    bench.unsent(batches.create_embeddings(EMBEDDER, vectors()?).send().await)
}

async fn gets(bench: Bench, short: bool) -> anyhow::Result<()> {
    let name = made(&bench).await?;
    let (_, id) = given(name.rsplit_once('/'))?;
    // The developer API knows its jobs by their whole names alone.
    let asked = if short && bench.is_vertex() {
        id
    } else {
        &name
    };
    let found = bench.client()?.batches().get(asked).send().await?;
    same(found.into_body().name, Some(name))
}

async fn gets_unknown(bench: Bench) -> anyhow::Result<()> {
    let outcome = bench.client()?.batches().get(unknown(&bench)).send().await;
    let error = refused(outcome, 404, "")?;
    same(status_of(&error), "NOT_FOUND")
}

async fn lists(bench: Bench, size: u8) -> anyhow::Result<()> {
    let mut names = Vec::new();
    for _ in 0..3 {
        names.push(Some(made(&bench).await?));
    }
    let list = bench.client()?.batches().list().set_page_size(size.into());
    let jobs = paged(list.items(), size.into()).await?;
    same(sorted(jobs.into_iter().map(|job| job.name)), sorted(names))
}

async fn lists_nothing(bench: Bench) -> anyhow::Result<()> {
    let list = bench.client()?.batches().list();
    same(list.items().collect_all().await?.len(), 0)
}

async fn filters(bench: Bench) -> anyhow::Result<()> {
    let batches = bench.client()?.batches();
    for name in ["a", "b"] {
        let call = batches.create(MODEL, source(&bench, 1)?);
        call.set_display_name(name).send().await?;
    }
    let list = batches.list().set_filter(r#"display_name="b""#);
    let jobs = list.items().collect_all().await?.into_iter();
    same(sorted(jobs.map(|job| job.display_name)), ["b"])
}

async fn cancels(bench: Bench) -> anyhow::Result<()> {
    let name = given(start(&bench, source(&bench, 50)?).await?.name)?;
    bench.client()?.batches().cancel(&*name).send().await?;
    let job = ended(&bench, Some(name)).await?;
    same(job.state.as_ref(), Some(&JobState::Cancelled))
}

async fn cancels_unknown(bench: Bench) -> anyhow::Result<()> {
    let call = bench.client()?.batches().cancel(unknown(&bench));
    declined(call.send().await, 404)
}

async fn deletes(bench: Bench) -> anyhow::Result<()> {
    let name = made(&bench).await?;
    ended(&bench, Some(name.clone())).await?;
    bench.client()?.batches().delete(&*name).send().await?;
    declined(bench.client()?.batches().get(name).send().await, 404)?;
    lists_nothing(bench).await
}

async fn deletes_unknown(bench: Bench) -> anyhow::Result<()> {
    let call = bench.client()?.batches().delete(unknown(&bench));
    declined(call.send().await, 404)
}
