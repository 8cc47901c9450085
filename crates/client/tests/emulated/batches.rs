//! Batch jobs: their requests are really run, one a minute, and the answers come back in order.

use futures_util::TryStreamExt as _;
use gimmal_client::ErrorKind;
use gimmal_client::types::gemini::{
    BatchJobDestination, BatchJobSource, EmbedContentBatch, EmbedContentConfig,
    GenerateContentConfig, InlinedRequest, JobState,
};
use gimmal_emulator::{Fault, FaultRule, Route};
use serde_json::{Value, json};

use crate::support::{MODEL, World, in_time};

fn question(text: &str) -> InlinedRequest {
    InlinedRequest::new()
        .set_contents([text])
        .set_metadata([("key", text)])
}

fn line(text: &str) -> Value {
    json!({ "request": { "contents": [{ "role": "user", "parts": [{ "text": text }] }] } })
}

/// Covers: batches.create, batches.get
#[tokio::test]
async fn inlined_requests_are_answered_in_their_order() {
    let world = World::new().await;
    let batches = world.developer.batches();
    let config = GenerateContentConfig::new().set_temperature(9.0);
    let bad = question("bad").set_config(config);
    let src = BatchJobSource::inlined([question("one"), bad, question("three")]);
    let job = in_time(batches.create(MODEL, src).set_display_name("three").send())
        .await
        .unwrap()
        .into_body();
    assert_eq!(job.state, Some(JobState::Pending));
    let name = job.name.unwrap();

    world.clock.advance(120);
    let half = in_time(batches.get(&name).send())
        .await
        .unwrap()
        .into_body();
    assert_eq!(half.state, Some(JobState::Running));

    world.clock.advance(120);
    let done = in_time(batches.get(&name).send())
        .await
        .unwrap()
        .into_body();
    assert!(done.has_succeeded());
    let took = done.end_time.unwrap().unix_seconds() - done.create_time.unwrap().unix_seconds();
    assert_eq!(took, 240);
    let answers = done.dest.unwrap().inlined_responses;
    let keys: Vec<_> = answers
        .iter()
        .map(|answer| answer.metadata.as_ref().unwrap()["key"].clone())
        .collect();
    assert_eq!(keys, ["one", "bad", "three"]);
    assert!(answers[0].response.as_ref().unwrap().text().is_some());
    let error = answers[1].error.as_ref().unwrap();
    assert_eq!(error.code, Some(3));
    assert!(error.message.as_ref().unwrap().contains("temperature"));
}

/// Covers: batches.create
#[tokio::test]
async fn a_job_can_be_awaited() {
    let world = World::new().await;
    let src = BatchJobSource::inlined([question("one"), question("two")]);
    let call = world.developer.batches().create(MODEL, src);
    let job = world
        .clock
        .run(async move { call.poller().await?.wait().await })
        .await
        .unwrap();
    assert!(job.has_succeeded());
    assert_eq!(job.dest.unwrap().inlined_responses.len(), 2);
}

/// Covers: batches.create, Files.upload, Files.download
#[tokio::test]
async fn a_file_of_requests_becomes_a_file_of_answers() {
    let world = World::new().await;
    let mut lines = String::new();
    for key in ["a", "b"] {
        let mut line = line(key);
        line["key"] = key.into();
        lines += &format!("{line}\n");
    }
    lines += "{\"key\": \"c\", \"request\": {\"nope\": 1}}\n";
    let files = world.developer.files();
    let upload = files
        .upload(lines.into_bytes())
        .set_mime_type("application/jsonl");
    let source = in_time(upload.send()).await.unwrap().into_body();
    let src: BatchJobSource = source.name.unwrap().parse().unwrap();
    let batches = world.developer.batches();
    let job = in_time(batches.create(MODEL, src).send())
        .await
        .unwrap()
        .into_body();
    world.clock.advance(3600);
    let job = in_time(batches.get(job.name.unwrap()).send())
        .await
        .unwrap()
        .into_body();
    assert!(job.has_succeeded());
    let file = job.dest.unwrap().file_name.unwrap();
    let answers = in_time(files.download(file).send())
        .await
        .unwrap()
        .into_body();
    let answers: Vec<Value> = std::str::from_utf8(&answers)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(answers.len(), 3);
    assert_eq!(
        (&answers[0]["key"], &answers[2]["key"]),
        (&json!("a"), &json!("c"))
    );
    assert!(answers[1]["response"]["candidates"].is_array());
    assert!(
        answers[2]["error"]["message"]
            .as_str()
            .unwrap()
            .contains("nope")
    );
}

/// Covers: batches.create_embeddings
#[tokio::test]
async fn embeddings_come_in_batches_as_they_come_one_by_one() {
    let world = World::new().await;
    let config = EmbedContentConfig::new().set_output_dimensionality(64);
    let batch = EmbedContentBatch::new()
        .set_contents(["bees", "ants"])
        .set_config(config.clone());
    let batches = world.developer.batches();
    let job = in_time(
        batches
            .create_embeddings("gemini-embedding-001", batch)
            .send(),
    )
    .await
    .unwrap()
    .into_body();
    world.clock.advance(3600);
    let job = in_time(batches.get(job.name.unwrap()).send())
        .await
        .unwrap()
        .into_body();
    let answers = job.dest.unwrap().inlined_embed_content_responses;
    let direct = world
        .developer
        .models()
        .embed_content("gemini-embedding-001");
    let direct = direct.set_contents(["bees", "ants"]).set_config(config);
    let direct = in_time(direct.send()).await.unwrap().into_body();
    assert_eq!(answers.len(), 2);
    for (answer, direct) in answers.iter().zip(&direct.embeddings) {
        let embedding = answer
            .response
            .as_ref()
            .unwrap()
            .embedding
            .as_ref()
            .unwrap();
        assert_eq!(embedding.values, direct.values);
        assert_eq!(embedding.values.len(), 64);
    }
}

/// Covers: batches.cancel, batches.delete, batches.list
#[tokio::test]
async fn a_job_is_listed_stopped_and_deleted() {
    let world = World::new().await;
    let batches = world.developer.batches();
    let src = BatchJobSource::inlined([question("one"), question("two")]);
    let job = in_time(batches.create(MODEL, src).send())
        .await
        .unwrap()
        .into_body();
    let name = job.name.unwrap();
    world.clock.advance(130);
    in_time(batches.cancel(&name).send()).await.unwrap();
    let jobs: Vec<_> = in_time(batches.list().items().try_collect()).await.unwrap();
    assert_eq!(jobs.len(), 1);
    assert_eq!(jobs[0].state, Some(JobState::Cancelled));
    assert_eq!(jobs[0].dest.as_ref().unwrap().inlined_responses.len(), 1);
    in_time(batches.delete(&name).send()).await.unwrap();
    let error = in_time(batches.get(&name).send()).await.unwrap_err();
    assert_eq!(error.status().map(|status| status.as_u16()), Some(404));
}

/// Covers: batches.create, batches.get, batches.list
#[tokio::test]
async fn vertex_reads_lines_and_writes_lines() {
    let lines = format!("{}\n{}\n", line("one"), line("two"));
    let world = World::with(|it| it.with_object("gs://b/in.jsonl", lines)).await;
    let batches = world.vertex.batches();
    let src: BatchJobSource = "gs://b/in.jsonl".parse().unwrap();
    let call = batches
        .create(MODEL, src)
        .set_dest(BatchJobDestination::gcs("gs://b/out"));
    let job = in_time(call.send()).await.unwrap().into_body();
    let name = job.name.unwrap();
    world.clock.advance(3600);
    let job = in_time(batches.get(&name).send())
        .await
        .unwrap()
        .into_body();
    assert!(job.has_succeeded());
    assert_eq!(job.completion_stats.unwrap().successful_count, Some(2));
    let folder = job.output_info.unwrap().gcs_output_directory.unwrap();
    let written = world.emulator.storage().objects(&folder);
    assert_eq!(written.len(), 1);
    let list = batches.list().set_filter("state=\"JOB_STATE_SUCCEEDED\"");
    let jobs: Vec<_> = in_time(list.items().try_collect()).await.unwrap();
    assert_eq!(jobs.len(), 1);
    let none = batches.list().set_filter("state=\"JOB_STATE_FAILED\"");
    let none: Vec<_> = in_time(none.items().try_collect()).await.unwrap();
    assert!(none.is_empty());
}

/// Covers: batches.create
#[tokio::test]
async fn vertex_reads_rows_and_writes_rows() {
    let rows = [json!({"id": 1, "request": line("one")["request"].to_string()})];
    let world = World::with(|it| it.with_rows("bq://p.d.questions", rows)).await;
    let batches = world.vertex.batches();
    let src: BatchJobSource = "bq://p.d.questions".parse().unwrap();
    let call = batches
        .create(MODEL, src)
        .set_dest(BatchJobDestination::bigquery("bq://p.d.answers"));
    let job = in_time(call.send()).await.unwrap().into_body();
    world.clock.advance(3600);
    let job = in_time(batches.get(job.name.unwrap()).send())
        .await
        .unwrap()
        .into_body();
    let table = job.output_info.unwrap().bigquery_output_table.unwrap();
    assert_eq!(table, "bq://p.d.answers");
    let rows = world.emulator.storage().rows(&table).unwrap();
    assert_eq!(
        (&rows[0]["id"], &rows[0]["status"]),
        (&json!(1), &json!(""))
    );
    let response: Value = serde_json::from_str(rows[0]["response"].as_str().unwrap()).unwrap();
    assert!(response["candidates"].is_array());
}

/// Covers: batches.create, batches.get
#[tokio::test]
async fn a_job_without_requests_fails_and_says_why() {
    let world = World::new().await;
    let batches = world.vertex.batches();
    let src: BatchJobSource = "gs://b/none.jsonl".parse().unwrap();
    let job = in_time(batches.create(MODEL, src).send())
        .await
        .unwrap()
        .into_body();
    world.clock.advance(3600);
    let job = in_time(batches.get(job.name.unwrap()).send())
        .await
        .unwrap()
        .into_body();
    assert_eq!(job.state, Some(JobState::Failed));
    assert!(
        job.error
            .unwrap()
            .message
            .unwrap()
            .contains("gs://b/none.jsonl")
    );
}

#[tokio::test]
async fn a_fault_on_a_job_is_an_error_of_its_kind() {
    let rule = FaultRule::new(Fault::unavailable()).on(Route::CreateBatch);
    let world = World::with(|it| it.with_fault(rule)).await;
    let src = BatchJobSource::inlined([question("one")]);
    let call = world.developer.batches().create(MODEL, src);
    let error = in_time(call.send()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Status);
    assert_eq!(error.status().map(|status| status.as_u16()), Some(503));
}
