//! Batch and tuning jobs on both backends, by scripted replies: what goes out, what comes back, and
//! what is refused before anything is sent.

use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use gimmal_client::gemini::GeminiClient;
use gimmal_client::transport::testing::{Reply, ScriptedTransport};
use gimmal_client::types::gemini::{
    BatchJobDestination, BatchJobSource, Content, CreateTuningJobConfig, EmbedContentBatch,
    EmbedContentConfig, EmbeddingsBatchJobSource, EvaluationConfig, EvaluationMetric,
    InlinedRequest, JobState, Metric, ReinforcementTuningExample,
    SingleReinforcementTuningRewardConfig, TuningDataset, TuningExample, TuningMethod,
    WebhookConfig,
};
use gimmal_client::{Error, ErrorKind};
use serde_json::{Value, json};
use tokio::time::timeout;

const VERTEX_JOB: &str = "projects/p/locations/l/batchPredictionJobs/7";

fn developer(replies: &[Value]) -> (GeminiClient, ScriptedTransport) {
    let http = script(replies);
    let client = GeminiClient::builder().with_api_key("key");
    (
        client.with_http(Arc::new(http.clone())).build().unwrap(),
        http,
    )
}

fn vertex(replies: &[Value]) -> (GeminiClient, ScriptedTransport) {
    let http = script(replies);
    let client = GeminiClient::builder()
        .with_vertex("p", "l")
        .with_bearer_token("token");
    (
        client.with_http(Arc::new(http.clone())).build().unwrap(),
        http,
    )
}

fn script(replies: &[Value]) -> ScriptedTransport {
    ScriptedTransport::new(
        replies
            .iter()
            .map(|reply| Reply::json(200, reply.to_string())),
    )
}

async fn in_time<F: Future>(future: F) -> F::Output {
    timeout(Duration::from_secs(10), future).await.unwrap()
}

/// Verb, path and JSON body of the only request.
fn only_request(http: &ScriptedTransport) -> (String, String, Value) {
    let requests = http.requests();
    assert_eq!(requests.len(), 1);
    let request = &requests[0];
    let body = serde_json::from_slice(request.body()).unwrap_or(Value::Null);
    (
        request.method().to_string(),
        request.uri().path().to_owned(),
        body,
    )
}

fn refused<T: std::fmt::Debug>(
    result: Result<T, Error>,
    http: &ScriptedTransport,
    field: &str,
    words: &str,
) {
    let error = result.unwrap_err();
    assert_eq!(
        (error.kind(), error.field()),
        (ErrorKind::Invalid, Some(field))
    );
    assert!(error.to_string().contains(words), "{error}");
    assert!(http.requests().is_empty(), "{error} came after sending");
}

/// Covers: batches.create
#[tokio::test]
async fn a_batch_of_requests_in_place() {
    let reply = json!({"name": "batches/b", "metadata": {"state": "BATCH_STATE_PENDING",
        "batchStats": {"pendingRequestCount": "1"}}});
    let (client, http) = developer(&[reply]);
    let request = InlinedRequest::new()
        .set_contents(["q"])
        .set_metadata([("key", "1")]);
    let call = client
        .batches()
        .create("gemini-x", vec![request])
        .set_display_name("d")
        .set_webhook_config(WebhookConfig::new().set_uris(["https://example.com/hook"]));
    let job = in_time(call.send()).await.unwrap();
    assert_eq!((job.status().as_u16(), job.attempts()), (200, 1));
    assert_eq!(job.body().state, Some(JobState::Pending));
    assert!(!job.body().is_done());
    let stats = job.body().completion_stats.as_ref().unwrap();
    assert_eq!(stats.incomplete_count, Some(1));
    let (verb, path, body) = only_request(&http);
    assert_eq!(
        (&*verb, &*path),
        ("POST", "/v1/models/gemini-x:batchGenerateContent")
    );
    assert_eq!(
        body,
        json!({"batch": {
            "displayName": "d", "webhookConfig": {"uris": ["https://example.com/hook"]},
            "inputConfig": {"requests": {"requests": [
                {"request": {"contents": [{"parts": [{"text": "q"}], "role": "user"}]},
                 "metadata": {"key": "1"}}]}}}})
    );
}

/// Covers: batches.create
#[tokio::test]
async fn a_batch_of_a_file_in_cloud_storage() {
    let (client, http) = vertex(&[json!({"name": VERTEX_JOB, "state": "JOB_STATE_QUEUED"})]);
    let src: BatchJobSource = "gs://b/in.jsonl".parse().unwrap();
    let call = client
        .batches()
        .create("gemini-x", src)
        .set_display_name("d");
    let call = call.set_dest(BatchJobDestination::bigquery("bq://p.d.t"));
    in_time(call.send()).await.unwrap();
    let (_, path, body) = only_request(&http);
    assert_eq!(path, "/v1beta1/projects/p/locations/l/batchPredictionJobs");
    assert_eq!(
        body,
        json!({"displayName": "d", "model": "publishers/google/models/gemini-x",
            "inputConfig": {"instancesFormat": "jsonl", "gcsSource": {"uris": ["gs://b/in.jsonl"]}},
            "outputConfig": {"predictionsFormat": "bigquery",
                             "bigqueryDestination": {"outputUri": "bq://p.d.t"}}})
    );
}

/// Covers: batches.create_embeddings
#[tokio::test]
async fn a_batch_of_embeddings() {
    let vectors = json!({"inlinedResponses": {"inlinedResponses": [
        {"response": {"embedding": {"values": [0.5, 1]}}}, {"error": {"code": 3}}]}});
    let (client, http) =
        developer(&[json!({"name": "batches/b", "metadata": {"output": vectors}})]);
    let batch = EmbedContentBatch::new()
        .set_contents([Content::text("1")])
        .set_config(EmbedContentConfig::new().set_task_type("CLUSTERING"));
    let call = client.batches().create_embeddings("e", batch);
    let job = in_time(call.send()).await.unwrap().into_body();
    let answers = job.dest.unwrap().inlined_embed_content_responses;
    let first = answers[0].response.as_ref().unwrap();
    assert_eq!(first.embedding.as_ref().unwrap().values, [0.5, 1.0]);
    assert_eq!(answers[1].error.as_ref().unwrap().code, Some(3));
    let (_, path, body) = only_request(&http);
    assert_eq!(path, "/v1/models/e:asyncBatchEmbedContent");
    let request = &body["batch"]["inputConfig"]["requests"]["requests"][0]["request"];
    assert_eq!(request["taskType"], "CLUSTERING");
}

/// Covers: batches.get, batches.cancel, batches.delete
#[tokio::test]
async fn jobs_are_asked_for_stopped_and_deleted() {
    let (client, http) = vertex(&[
        json!({"state": "JOB_STATE_PARTIALLY_SUCCEEDED"}),
        json!({}),
        json!({"name": "operations/1", "done": true}),
    ]);
    let batches = client.batches();
    let job = in_time(batches.get(VERTEX_JOB).send()).await.unwrap();
    assert!(job.body().is_done() && !job.body().has_succeeded());
    in_time(batches.cancel("7").send()).await.unwrap();
    let gone = in_time(batches.delete("7").send()).await.unwrap();
    assert_eq!(gone.body().done, Some(true));
    let sent: Vec<_> = http
        .requests()
        .iter()
        .map(|request| format!("{} {}", request.method(), request.uri().path()))
        .collect();
    let path = format!("/v1beta1/{VERTEX_JOB}");
    assert_eq!(
        sent,
        [
            format!("GET {path}"),
            format!("POST {path}:cancel"),
            format!("DELETE {path}")
        ]
    );
}

/// Covers: batches.list
#[tokio::test]
async fn jobs_of_both_services_are_listed() {
    let (client, _) = developer(&[
        json!({"operations": [{"name": "batches/1"}], "nextPageToken": "t"}),
        json!({"operations": [{"name": "batches/2", "metadata": {"state": "BATCH_STATE_FAILED"}}]}),
    ]);
    let jobs: Vec<_> = in_time(client.batches().list().items().try_collect())
        .await
        .unwrap();
    assert_eq!(jobs.len(), 2);
    assert_eq!(jobs[1].state, Some(JobState::Failed));

    let (client, http) = vertex(&[json!({"batchPredictionJobs": [{"name": VERTEX_JOB}, 3]})]);
    let list = client
        .batches()
        .list()
        .set_filter("a=\"b\"")
        .set_page_size(2);
    let page = in_time(list.items().try_next()).await.unwrap().unwrap();
    assert_eq!(page.name.as_deref(), Some(VERTEX_JOB));
    let query = http.requests()[0].uri().query().unwrap().to_owned();
    assert_eq!(query, "pageSize=2&filter=a%3D%22b%22");
}

#[tokio::test]
async fn bad_batches_are_refused_before_sending() {
    let (client, http) = developer(&[]);
    let batches = client.batches();
    let result = in_time(batches.create("m", BatchJobSource::new()).send()).await;
    refused(
        result,
        &http,
        "src",
        "exactly one of inlinedRequests or fileName",
    );
    for empty in [BatchJobSource::inlined([]), BatchJobSource::file("")] {
        let result = in_time(batches.create("m", empty).send()).await;
        refused(result, &http, "src", "none of them holds anything");
    }
    let nothing = EmbeddingsBatchJobSource::new().set_inlined_requests(EmbedContentBatch::new());
    let result = in_time(batches.create_embeddings("m", nothing).send()).await;
    refused(result, &http, "src", "none of them holds anything");
    let result = in_time(batches.create("m", BatchJobSource::gcs("gs://b/x")).send()).await;
    refused(result, &http, "src", "the Gemini developer API");
    let file = || BatchJobSource::file("files/f");
    let call = batches
        .create("m", file())
        .set_dest(BatchJobDestination::gcs("gs://b/o"));
    refused(in_time(call.send()).await, &http, "dest", "not available");
    let result = in_time(batches.create("a b", file()).send()).await;
    refused(result, &http, "model", "white space");
    let result = in_time(batches.get(VERTEX_JOB).send()).await;
    refused(result, &http, "name", "must look like `batches/…`");
    let list = batches.list().set_filter("x").items();
    let result = in_time(list.try_collect::<Vec<_>>()).await;
    refused(result, &http, "filter", "not available");

    let (client, http) = vertex(&[]);
    let batches = client.batches();
    let result = in_time(batches.create("m", BatchJobSource::gcs("")).send()).await;
    refused(result, &http, "src", "none of them holds anything");
    let result = in_time(batches.create("m", file()).send()).await;
    refused(
        result,
        &http,
        "src",
        "gcsUri, bigqueryUri or vertexDatasetName",
    );
    let gcs = BatchJobSource::gcs("gs://b/x");
    let call = batches
        .create("m", gcs)
        .set_webhook_config(WebhookConfig::new());
    refused(
        in_time(call.send()).await,
        &http,
        "webhookConfig",
        "not available",
    );
    let call = batches.create_embeddings("m", EmbedContentBatch::new());
    refused(
        in_time(call.send()).await,
        &http,
        "backend",
        "batches.create_embeddings",
    );
    let result = in_time(batches.delete("batches/b").send()).await;
    refused(result, &http, "name", "or a number");
}

/// Covers: tunings.tune, tunings.get
#[tokio::test]
async fn a_job_on_vertex() {
    let name = "projects/p/locations/l/tuningJobs/1";
    let done = json!({"name": name, "state": "JOB_STATE_SUCCEEDED",
        "tunedModel": {"checkpoints": [{"epoch": "2"}]},
        "tuningDataStats": {"supervisedTuningDataStats": {"tuningStepCount": "9"}}});
    let (client, http) = vertex(&[json!({"name": name, "state": "JOB_STATE_PENDING"}), done]);
    let metrics = [EvaluationMetric::from(Metric::new().set_name("rouge_l"))];
    let config = CreateTuningJobConfig::new()
        .set_epoch_count(3)
        .set_evaluation_config(EvaluationConfig::new().set_metrics(metrics));
    let examples = TuningDataset::new().set_gcs_uri("gs://b/t");
    let call = client
        .tunings()
        .tune("gemini-x", examples)
        .set_config(config);
    let job = in_time(call.send()).await.unwrap().into_body();
    assert!(!job.has_ended());
    assert!(job.evaluation_config.is_some());
    let body: Value = serde_json::from_slice(http.requests()[0].body()).unwrap();
    let spec = &body["supervisedTuningSpec"];
    assert_eq!(spec["hyperParameters"], json!({"epochCount": 3}));
    assert_eq!(
        spec["evaluationConfig"]["metrics"],
        json!([{"rougeSpec": {"rougeType": "rougeL"},
                "aggregationMetrics": ["AVERAGE", "STANDARD_DEVIATION"]}])
    );
    let job = in_time(client.tunings().get(name).send()).await.unwrap();
    let job = job.into_body();
    assert!(job.has_ended() && job.has_succeeded());
    assert_eq!(job.tuned_model.unwrap().checkpoints[0].epoch, Some(2));
    let stats = job.tuning_data_stats.unwrap().supervised_tuning_data_stats;
    assert_eq!(stats.unwrap().tuning_step_count, Some(9));
}

/// Covers: tunings.tune_mldev, tunings.get, tunings.cancel
#[tokio::test]
async fn a_tuned_model_on_the_developer_api() {
    let (client, http) = developer(&[
        json!({"name": "tunedModels/t/operations/o", "metadata": {"tunedModel": "tunedModels/t"}}),
        json!({"name": "tunedModels/t", "state": "CREATING"}),
        json!({}),
    ]);
    let tunings = client.tunings();
    let examples = TuningDataset::new().set_examples([TuningExample::of("1", "2")]);
    let job = in_time(tunings.tune("models/m", examples).send())
        .await
        .unwrap();
    assert_eq!(job.body().name.as_deref(), Some("tunedModels/t"));
    assert_eq!(job.body().state, Some(JobState::Queued));
    let body: Value = serde_json::from_slice(http.requests()[0].body()).unwrap();
    let examples = &body["tuningTask"]["trainingData"]["examples"]["examples"];
    assert_eq!(examples, &json!([{"textInput": "1", "output": "2"}]));
    let job = in_time(tunings.get("tunedModels/t").send()).await.unwrap();
    assert_eq!(job.body().state, Some(JobState::Running));
    in_time(tunings.cancel("tunedModels/t").send())
        .await
        .unwrap();
    assert_eq!(http.requests()[2].uri().path(), "/v1/tunedModels/t:cancel");
}

/// Covers: tunings.list
#[tokio::test]
async fn tuning_jobs_are_listed() {
    let (client, http) = vertex(&[json!({"tuningJobs": [{"state": "JOB_STATE_RUNNING"}]})]);
    let list = client
        .tunings()
        .list()
        .set_filter("state=x")
        .set_page_size(5);
    let jobs = in_time(list.items().collect_all()).await.unwrap();
    assert_eq!(jobs[0].state, Some(JobState::Running));
    let query = http.requests()[0].uri().query().unwrap().to_owned();
    assert_eq!(query, "pageSize=5&filter=state%3Dx");
}

/// Covers: tunings.validate_reward
#[tokio::test]
async fn a_reward_is_tried_out() {
    let reply = json!({"overallReward": 0.75, "rewardInfoDetails": {"r": {"reward": 0.5}}});
    let (client, http) = vertex(&[reply]);
    let reward: SingleReinforcementTuningRewardConfig = serde_json::from_value(json!({
        "rewardName": "r", "codeExecutionRewardScorer": {"pythonCodeSnippet": "reward = 1"}}))
    .unwrap();
    let example = ReinforcementTuningExample::new().set_contents(["q"]);
    let call = client
        .tunings()
        .validate_reward(Content::model("a"), example);
    let call = call.set_reward_config(reward);
    let verdict = in_time(call.send()).await.unwrap().into_body();
    assert_eq!(verdict.overall_reward, Some(0.75));
    assert_eq!(verdict.reward_info_details["r"].reward, Some(0.5));
    let (verb, path, body) = only_request(&http);
    assert_eq!(
        (&*verb, &*path),
        (
            "POST",
            "/v1beta1/projects/p/locations/l/tuningJobs:validateReinforcementTuningReward"
        )
    );
    assert_eq!(body["sampleResponse"]["parts"][0]["text"], "a");
    assert_eq!(
        body["singleRewardConfig"]["codeExecutionRewardScorer"]["pythonCodeSnippet"],
        "reward = 1"
    );
}

#[tokio::test]
async fn bad_tunings_are_refused_before_sending() {
    let (client, http) = developer(&[]);
    let tunings = client.tunings();
    let gcs = || TuningDataset::new().set_gcs_uri("gs://b/t");
    let result = in_time(tunings.tune("m", gcs()).send()).await;
    refused(result, &http, "gcsUri", "the Gemini developer API");
    let config = CreateTuningJobConfig::new().set_description("d");
    let call = tunings.tune("m", TuningDataset::new()).set_config(config);
    refused(
        in_time(call.send()).await,
        &http,
        "description",
        "not available",
    );
    let result = in_time(tunings.list().items().collect_all()).await;
    refused(result, &http, "backend", "tunings.list");
    let call = tunings.validate_reward("a", ReinforcementTuningExample::new());
    refused(
        in_time(call.send()).await,
        &http,
        "backend",
        "tunings.validate_reward",
    );
    let result = in_time(tunings.get("tunedModels/../x").send()).await;
    refused(result, &http, "name", "must not contain \"..\"");

    let (client, http) = vertex(&[]);
    let tunings = client.tunings();
    let examples = TuningDataset::new().set_examples([TuningExample::of("1", "2")]);
    let result = in_time(tunings.tune("m", examples).send()).await;
    refused(result, &http, "examples", "Vertex AI");
    let metrics = [EvaluationMetric::from(Metric::new().set_name("mine"))];
    let evaluation = EvaluationConfig::new().set_metrics(metrics);
    let config = CreateTuningJobConfig::new().set_evaluation_config(evaluation);
    let call = tunings.tune("m", gcs()).set_config(config);
    let call = call.set_method(TuningMethod::PreferenceTuning);
    let place = "evaluationConfig.metrics[0].name";
    refused(
        in_time(call.send()).await,
        &http,
        place,
        "no metric the service knows",
    );
}
