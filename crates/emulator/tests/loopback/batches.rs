//! Batch jobs: requests that are really run, progress on the clock, answers in order.

use std::{sync::Arc, time::Duration};

use gimmal_emulator::{Emulator, EmulatorBuilder, Fault, FaultRule, ManualClock, Route};
use serde_json::{Value, json};

use crate::client::{FACT, MODEL, Session, ask};

const PARENT: &str = "v1/projects/p/locations/l";

/// A minute in the queue, and ten seconds for each request.
fn slow(clock: &ManualClock) -> EmulatorBuilder {
    Emulator::builder()
        .with_clock(Arc::new(clock.clone()))
        .with_job_pace(Duration::from_secs(60), Duration::from_secs(10))
}

async fn create(session: &Session, requests: Value) -> Value {
    let body = json!({ "batch": {
        "displayName": "test",
        "inputConfig": { "requests": { "requests": requests } },
    }});
    let path = format!("v1beta/models/{MODEL}:batchGenerateContent");
    session.post(&path, &body).await.ok()
}

async fn look(session: &Session, job: &Value) -> Value {
    let name = job["name"].as_str().expect("a name");
    session.get(&format!("v1beta/{name}")).await.ok()
}

fn question(text: &str, key: &str) -> Value {
    json!({ "request": ask(text), "metadata": { "my_key": key } })
}

#[tokio::test]
async fn requests_are_run_one_by_one_on_the_clock() {
    let clock = ManualClock::new();
    let session = Session::start(slow(&clock)).await;
    let bad = json!({ "request": { "contents": [] }, "metadata": { "my_key": "b" } });
    let document = format!(
        "{FACT} {}\n\nWhere are the spare keys?",
        "It is old. ".repeat(20)
    );
    let requests = json!([question(&document, "a"), bad, question("x", "c")]);
    let job = create(&session, requests).await;
    assert_eq!(job["metadata"]["state"], "BATCH_STATE_PENDING");
    assert!(job.get("done").is_none() && job["metadata"].get("output").is_none());
    assert_eq!(job["metadata"]["batchStats"]["pendingRequestCount"], "3");

    clock.advance(Duration::from_secs(80));
    let half = look(&session, &job).await;
    assert_eq!(half["metadata"]["state"], "BATCH_STATE_RUNNING");
    let stats = json!({
        "requestCount": "3",
        "pendingRequestCount": "1",
        "successfulRequestCount": "1",
        "failedRequestCount": "1",
    });
    assert_eq!(half["metadata"]["batchStats"], stats);
    assert_eq!(half["metadata"]["updateTime"], "2026-01-01T00:01:20Z");

    clock.advance(Duration::from_secs(3600));
    let done = look(&session, &job).await;
    assert_eq!(done["metadata"]["state"], "BATCH_STATE_SUCCEEDED");
    assert_eq!(done["done"], true);
    assert_eq!(done["metadata"]["endTime"], "2026-01-01T00:01:30Z");
    let answers = &done["metadata"]["output"]["inlinedResponses"]["inlinedResponses"];
    assert_eq!(
        &done["response"]["inlinedResponses"]["inlinedResponses"],
        answers
    );
    let keys: Vec<_> = (0..3).map(|n| &answers[n]["metadata"]["my_key"]).collect();
    assert_eq!(keys, ["a", "b", "c"]);
    let text = &answers[0]["response"]["candidates"][0]["content"]["parts"][0]["text"];
    assert_eq!(*text, FACT);
    assert_eq!(answers[1]["error"]["code"], 3);
    assert!(answers[1].get("response").is_none());
}

#[tokio::test]
async fn a_cancelled_job_keeps_what_it_has() {
    let clock = ManualClock::new();
    let session = Session::start(slow(&clock)).await;
    let job = create(&session, json!([question("a", "1"), question("b", "2")])).await;
    clock.advance(Duration::from_secs(75));
    let name = job["name"].as_str().expect("a name").to_owned();
    let cancelled = session
        .post(&format!("v1beta/{name}:cancel"), &json!({}))
        .await;
    assert_eq!(cancelled.ok(), json!({}));
    clock.advance(Duration::from_secs(60));
    let job = look(&session, &job).await;
    assert_eq!(job["metadata"]["state"], "BATCH_STATE_CANCELLED");
    assert_eq!(job["metadata"]["endTime"], "2026-01-01T00:01:15Z");
    let answers = &job["metadata"]["output"]["inlinedResponses"]["inlinedResponses"];
    assert_eq!(answers.as_array().map(Vec::len), Some(1));
    assert_eq!(
        session.delete(&format!("v1beta/{name}")).await.ok(),
        json!({})
    );
    let gone = session.get(&format!("v1beta/{name}")).await;
    assert!(gone.refused(404, "NOT_FOUND").contains(&name));
}

#[tokio::test]
async fn a_job_that_takes_two_days_expires() {
    let clock = ManualClock::new();
    let builder = slow(&clock).with_job_pace(Duration::ZERO, Duration::from_secs(86_400));
    let session = Session::start(builder).await;
    let requests: Vec<_> = (0..3).map(|n| question("x", &n.to_string())).collect();
    let job = create(&session, json!(requests)).await;
    clock.advance(Duration::from_secs(4 * 86_400));
    let job = look(&session, &job).await;
    assert_eq!(job["metadata"]["state"], "BATCH_STATE_EXPIRED");
    assert!(job["metadata"].get("output").is_none());
    assert_eq!(job["error"]["code"], 4);
}

#[tokio::test]
async fn a_request_finds_what_there_was_at_its_time() {
    let clock = ManualClock::new();
    let session = Session::start(slow(&clock)).await;
    let cache = session.create_cache(json!({ "ttl": "75s" })).await.ok();
    let mut cached = ask("Where are the spare keys?");
    cached["cachedContent"] = cache["name"].clone();
    let requests = json!([{ "request": cached }, { "request": cached }]);
    let job = create(&session, requests).await;
    // Nobody looks before both the job and the cache have ended.
    clock.advance(Duration::from_secs(3600));
    let job = look(&session, &job).await;
    let answers = &job["metadata"]["output"]["inlinedResponses"]["inlinedResponses"];
    assert!(answers[0]["response"]["usageMetadata"]["cachedContentTokenCount"].is_u64());
    assert_eq!(
        answers[1]["error"]["code"], 7,
        "the cache expired in between"
    );
}

#[tokio::test]
async fn jobs_belong_to_their_key_and_are_listed_newest_first() {
    let session = Session::plain().await;
    let mut names = Vec::new();
    for n in 0..3 {
        let job = create(&session, json!([question(&n.to_string(), "k")])).await;
        names.insert(0, job["name"].clone());
    }
    let page = session.get("v1beta/batches?pageSize=2").await.ok();
    let token = page["nextPageToken"].as_str().expect("a second page");
    let next = format!("v1beta/batches?pageSize=2&pageToken={token}");
    let rest = session.get(&next).await.ok();
    let listed: Vec<_> = [&page, &rest]
        .iter()
        .flat_map(|page| page["operations"].as_array().expect("jobs"))
        .map(|job| job["name"].clone())
        .collect();
    assert_eq!(listed, names);
    let other = session.with_key("another");
    assert_eq!(other.get("v1beta/batches").await.ok(), json!({}));
}

#[tokio::test]
async fn bad_jobs_are_refused_by_name() {
    let session = Session::plain().await;
    let path = format!("v1beta/models/{MODEL}:batchGenerateContent");
    for (body, part) in [
        (json!({}), "batch is not specified"),
        (json!({"batch": {}}), "batch.input_config"),
        (
            json!({"batch": {"inputConfig": {"requests": {"requests": []}}}}),
            "requests.requests is not specified",
        ),
        (
            json!({"batch": {"nope": 1}}),
            "Unknown name \"nope\" at 'batch'",
        ),
    ] {
        let answer = session.post(&path, &body).await;
        let message = answer.refused(400, "INVALID_ARGUMENT").to_owned();
        assert!(message.contains(part), "{message}");
    }
    let body = json!({"batch": {"inputConfig": {"fileName": "files/none"}}});
    session
        .post(&path, &body)
        .await
        .refused(403, "PERMISSION_DENIED");
    let wrong = "v1beta/models/gemini-embedding-001:batchGenerateContent";
    session.post(wrong, &body).await.refused(404, "NOT_FOUND");
}

#[tokio::test]
async fn faults_and_the_journal_know_jobs() {
    let rule = FaultRule::new(Fault::unavailable())
        .on(Route::CreateBatch)
        .at_most(1);
    let session = Session::start(Emulator::builder().with_fault(rule)).await;
    let path = format!("v1beta/models/{MODEL}:batchGenerateContent");
    session
        .post(&path, &json!({}))
        .await
        .refused(503, "UNAVAILABLE");
    session
        .post(&path, &json!({}))
        .await
        .refused(400, "INVALID_ARGUMENT");
    let journal = session.emulator.journal();
    assert_eq!(journal.count(Route::CreateBatch), 2);
    let last = journal.last(Route::CreateBatch).expect("a request");
    assert_eq!(last.model(), Some(MODEL));
}

fn prediction_job(source: &str) -> Value {
    json!({
        "displayName": "test",
        "model": format!("publishers/google/models/{MODEL}"),
        "inputConfig": { "instancesFormat": "jsonl", "gcsSource": { "uris": [source] } },
        "outputConfig": {
            "predictionsFormat": "jsonl",
            "gcsDestination": { "outputUriPrefix": "gs://b/out" },
        },
    })
}

#[tokio::test]
async fn vertex_reads_and_writes_objects() {
    let clock = ManualClock::new();
    let lines = format!(
        "{}\n{{\"id\": 2, \"request\": {{\"contents\": []}}}}\n",
        json!({ "id": 1, "request": ask("x") })
    );
    let session = Session::start(slow(&clock).with_object("gs://b/in/1.jsonl", lines)).await;
    let path = format!("{PARENT}/batchPredictionJobs");
    let job = session
        .post(&path, &prediction_job("gs://b/in/*"))
        .await
        .ok();
    assert_eq!(job["state"], "JOB_STATE_PENDING");
    assert!(job.get("startTime").is_none() && job.get("completionStats").is_none());
    clock.advance(Duration::from_secs(70));
    let name = job["name"].as_str().expect("a name");
    let running = session.get(&format!("v1/{name}")).await.ok();
    assert_eq!(running["state"], "JOB_STATE_RUNNING");
    assert_eq!(running["completionStats"]["incompleteCount"], "1");
    clock.advance(Duration::from_secs(10));
    // What a job has written is there whether or not anybody asked for the job.
    let written = session.emulator.storage().objects("gs://b/out/");
    let done = session.get(&format!("v1/{name}")).await.ok();
    assert_eq!(done["state"], "JOB_STATE_SUCCEEDED");
    let folder = done["outputInfo"]["gcsOutputDirectory"]
        .as_str()
        .expect("a folder");
    assert_eq!(written, [format!("{folder}/predictions.jsonl")]);
    let text = session
        .emulator
        .storage()
        .object(&written[0])
        .expect("lines");
    let text = String::from_utf8(text.to_vec()).expect("text");
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!((&lines[0]["id"], &lines[1]["id"]), (&json!(1), &json!(2)));
    assert_eq!(
        (&lines[0]["status"], &lines[0]["request"]),
        (&json!(""), &ask("x"))
    );
    assert!(lines[0]["response"]["candidates"].is_array());
    assert_eq!(lines[0]["processed_time"], "2026-01-01T00:01:10Z");
    assert!(
        lines[1]["status"]
            .as_str()
            .expect("text")
            .contains("contents")
    );
}

#[tokio::test]
async fn vertex_stops_jobs_in_two_steps_and_deletes_only_what_has_ended() {
    let clock = ManualClock::new();
    let line = json!({ "request": ask("x") }).to_string();
    let lines = [line.as_str(); 5].join("\n");
    let session = Session::start(slow(&clock).with_object("gs://b/o.jsonl", lines)).await;
    let path = format!("{PARENT}/batchPredictionJobs");
    let job = session
        .post(&path, &prediction_job("gs://b/o.jsonl"))
        .await
        .ok();
    let name = format!("v1/{}", job["name"].as_str().expect("a name"));
    clock.advance(Duration::from_secs(85));
    session
        .delete(&name)
        .await
        .refused(400, "FAILED_PRECONDITION");
    session
        .post(&format!("{name}:cancel"), &json!({}))
        .await
        .ok();
    let stopping = session.get(&name).await.ok();
    assert_eq!(stopping["state"], "JOB_STATE_CANCELLING");
    clock.advance(Duration::from_secs(10));
    let stopped = session.get(&name).await.ok();
    assert_eq!(stopped["state"], "JOB_STATE_CANCELLED");
    assert_eq!(stopped["completionStats"]["successfulCount"], "2");
    assert_eq!(stopped["completionStats"]["incompleteCount"], "3");
    let deleted = session.delete(&name).await.ok();
    assert!(
        deleted["name"]
            .as_str()
            .expect("an operation")
            .contains("/operations/")
    );
    session.get(&name).await.refused(404, "NOT_FOUND");
}

#[tokio::test]
async fn vertex_embeds_lines_and_refuses_what_means_nothing() {
    let session = Session::start(
        Emulator::builder()
            .with_job_pace(Duration::ZERO, Duration::ZERO)
            .with_object(
                "gs://b/texts.jsonl",
                "{\"content\": \"a b\", \"task_type\": \"CLUSTERING\"}",
            ),
    )
    .await;
    let path = format!("{PARENT}/batchPredictionJobs");
    let mut body = prediction_job("gs://b/texts.jsonl");
    body["model"] = "publishers/google/models/text-embedding-005".into();
    let job = session.post(&path, &body).await.ok();
    let job = session
        .get(&format!("v1/{}", job["name"].as_str().expect("a name")))
        .await
        .ok();
    let folder = job["outputInfo"]["gcsOutputDirectory"]
        .as_str()
        .expect("a folder");
    let storage = session.emulator.storage();
    let lines = storage
        .object(&format!("{folder}/predictions.jsonl"))
        .expect("lines");
    let line: Value = serde_json::from_slice(&lines).expect("one line");
    assert_eq!(line["instance"]["content"], "a b");
    let embedding = &line["predictions"][0]["embeddings"];
    assert_eq!(embedding["statistics"]["token_count"], 2);
    assert_eq!(embedding["values"].as_array().map(Vec::len), Some(768));

    for (field, value, part) in [
        ("displayName", Value::Null, "display_name is required"),
        ("model", json!("nonsense"), "not a valid model name"),
        ("inputConfig", json!({}), "must have a source"),
        (
            "inputConfig",
            json!({"instancesFormat": "csv", "gcsSource": {"uris": ["gs://b/o"]}}),
            "must be jsonl",
        ),
        ("outputConfig", json!({}), "must have a destination"),
    ] {
        let mut body = prediction_job("gs://b/o.jsonl");
        body[field] = value;
        let answer = session.post(&path, &body).await;
        let message = answer.refused(400, "INVALID_ARGUMENT").to_owned();
        assert!(message.contains(part), "{message}");
    }
}
