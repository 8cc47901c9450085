//! Every kind of work that outlives a call, through the same life: begun elsewhere and found by
//! its name, watched, failed with details, given up on, stopped.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use gimmal_api::gemini::{Endpoint, Gemini};
use gimmal_api::{ExponentialPacing, Poll, Poller, Progress};
use gimmal_transport::testing::{Reply, ScriptedTransport};
use gimmal_transport::{
    CallOptions, Error, ErrorKind, FixedJitter, NeverRetry, Timeout, TimeoutKind, Transport,
};
use gimmal_types::gemini::{
    BatchJob, File, GenerateVideosOperation, ImportFileOperation, ProjectOperation, TuningJob,
    UploadToFileSearchStoreOperation,
};
use serde_json::{Value, json};
use test_case::test_case;
use tokio::time::{Instant, timeout};

const PATIENCE: Duration = Duration::from_secs(10_000_000);
const SECOND: Duration = Duration::from_secs(1);

const FILM: &str = "projects/p/locations/l/publishers/google/models/veo/operations/1";
const BATCH: &str = "projects/p/locations/l/batchPredictionJobs/7";
const TUNING: &str = "projects/p/locations/l/tuningJobs/7";
const PROJECT: &str = "projects/p/locations/l/operations/1";

/// How one kind of work looks at each moment of its life, and where it is asked about.
struct Kind {
    vertex: bool,
    name: &'static str,
    asked: &'static str,
    running: Value,
    done: Value,
    failed: Value,
    /// The path of the request that stops it.
    stopped: Option<&'static str>,
}

fn error() -> Value {
    json!({"code": 8, "message": "no room", "details": [
        {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "FULL",
         "domain": "googleapis.com"}]})
}

fn operation(vertex: bool, name: &'static str, asked: &'static str, response: Value) -> Kind {
    Kind {
        vertex,
        name,
        asked,
        running: json!({"name": name, "metadata": {"progress": 10}}),
        done: json!({"name": name, "done": true, "response": response}),
        failed: json!({"name": name, "done": true, "error": error()}),
        stopped: None,
    }
}

fn films_on_vertex() -> Kind {
    let path = "/v1beta1/projects/p/locations/l/publishers/google/models/veo:fetchPredictOperation";
    operation(
        true,
        FILM,
        path,
        json!({"videos": [{"gcsUri": "gs://b/1"}]}),
    )
}

fn films() -> Kind {
    let name = "models/veo/operations/1";
    let sample = json!({"video": {"uri": "https://x/1"}});
    let response = json!({"generateVideoResponse": {"generatedSamples": [sample]}});
    operation(false, name, "/v1/models/veo/operations/1", response)
}

fn import() -> Kind {
    let name = "fileSearchStores/s/operations/1";
    let response = json!({"documentName": "fileSearchStores/s/documents/d"});
    operation(false, name, "/v1/fileSearchStores/s/operations/1", response)
}

fn upload() -> Kind {
    let name = "fileSearchStores/s/upload/operations/1";
    let response = json!({"documentName": "fileSearchStores/s/documents/d"});
    operation(
        false,
        name,
        "/v1/fileSearchStores/s/upload/operations/1",
        response,
    )
}

fn project() -> Kind {
    Kind {
        stopped: Some("/v1beta1/projects/p/locations/l/operations/1:cancel"),
        ..operation(
            true,
            PROJECT,
            "/v1beta1/projects/p/locations/l/operations/1",
            json!({"made": 1}),
        )
    }
}

fn file() -> Kind {
    let at = |state: &str| json!({"name": "files/f", "state": state});
    let mut failed = at("FAILED");
    failed["error"] = error();
    Kind {
        vertex: false,
        name: "files/f",
        asked: "/v1/files/f",
        running: at("PROCESSING"),
        done: at("ACTIVE"),
        failed,
        stopped: None,
    }
}

fn batch() -> Kind {
    let at = |state: &str| {
        json!({"name": "batches/7", "metadata": {
            "state": state, "model": "models/m",
            "batchStats": {"requestCount": "2", "pendingRequestCount": "1"}}})
    };
    let mut failed = at("BATCH_STATE_FAILED");
    failed["error"] = error();
    Kind {
        vertex: false,
        name: "batches/7",
        asked: "/v1/batches/7",
        running: at("BATCH_STATE_RUNNING"),
        done: at("BATCH_STATE_SUCCEEDED"),
        failed,
        stopped: Some("/v1/batches/7:cancel"),
    }
}

fn job_on_vertex(name: &'static str, asked: &'static str, stopped: &'static str) -> Kind {
    let at = |state: &str| json!({"name": name, "state": state});
    let mut failed = at("JOB_STATE_FAILED");
    failed["error"] = error();
    Kind {
        vertex: true,
        name,
        asked,
        running: at("JOB_STATE_RUNNING"),
        done: at("JOB_STATE_SUCCEEDED"),
        failed,
        stopped: Some(stopped),
    }
}

fn batch_on_vertex() -> Kind {
    job_on_vertex(
        BATCH,
        "/v1beta1/projects/p/locations/l/batchPredictionJobs/7",
        "/v1beta1/projects/p/locations/l/batchPredictionJobs/7:cancel",
    )
}

fn tuning_on_vertex() -> Kind {
    job_on_vertex(
        TUNING,
        "/v1beta1/projects/p/locations/l/tuningJobs/7",
        "/v1beta1/projects/p/locations/l/tuningJobs/7:cancel",
    )
}

fn on(kind: &Kind, http: &ScriptedTransport) -> Gemini {
    let endpoint = if kind.vertex {
        Endpoint::vertex().with_project("p").with_location("l")
    } else {
        Endpoint::gemini_api()
    };
    let transport = Transport::builder()
        .with_http(Arc::new(http.clone()))
        .with_retry_policy(NeverRetry)
        .with_jitter(Arc::new(FixedJitter::new(0.0)))
        .build()
        .unwrap();
    Gemini::new(transport, endpoint.build().unwrap())
}

fn script(replies: &[&Value]) -> ScriptedTransport {
    ScriptedTransport::new(
        replies
            .iter()
            .map(|body| Reply::json(200, body.to_string())),
    )
}

async fn outcome<P: Poll>(poller: Poller<P>) -> Result<P::Output, Error> {
    timeout(PATIENCE, poller).await.expect("the poller ends")
}

/// The whole life of one kind.
async fn lives<P: Poll>(kind: &Kind) {
    found_by_its_name::<P>(kind).await;
    watched::<P>(kind).await;
    fails_with_details::<P>(kind).await;
    is_given_up_on::<P>(kind).await;
    is_stopped::<P>(kind).await;
}

/// Another process knows nothing but the name.
async fn found_by_its_name<P: Poll>(kind: &Kind) {
    let http = script(&[&kind.running, &kind.done]);
    let poller = on(kind, &http).poller::<P>(kind.name);
    let saved = poller.name().to_owned();
    drop(poller);
    assert_eq!(
        http.request_count(),
        0,
        "a poller that is dropped asks nothing"
    );
    assert!(outcome(on(kind, &http).poller::<P>(saved)).await.is_ok());
    let asked = http.requests();
    assert_eq!(asked.len(), 2);
    assert!(
        asked
            .iter()
            .all(|request| request.path_and_query() == kind.asked)
    );
}

async fn watched<P: Poll>(kind: &Kind) {
    let http = script(&[&kind.running, &kind.running, &kind.done]);
    let mut poller = on(kind, &http).poller::<P>(kind.name);
    let mut seen = String::new();
    while let Some(progress) = timeout(PATIENCE, poller.next()).await.unwrap() {
        seen.push(match progress.unwrap() {
            Progress::Running(_) => 'r',
            Progress::Done(_) => 'd',
            _ => '?',
        });
    }
    assert_eq!(seen, "rrd");

    // Whoever does not wait any longer sends nothing any longer.
    let http = ScriptedTransport::repeating(Reply::json(200, kind.running.to_string()));
    let waiting = timeout(10 * SECOND, on(kind, &http).poller::<P>(kind.name));
    assert!(waiting.await.is_err());
    let asked = http.request_count();
    tokio::time::sleep(600 * SECOND).await;
    assert_eq!(http.request_count(), asked);
}

async fn fails_with_details<P: Poll>(kind: &Kind) {
    let http = script(&[&kind.failed]);
    let failed = outcome(on(kind, &http).poller::<P>(kind.name)).await;
    let error = failed.err().expect("it failed");
    assert_eq!(error.kind(), ErrorKind::OperationFailed);
    assert_eq!(
        error.to_string(),
        "operation failed: RESOURCE_EXHAUSTED: no room"
    );
    assert_eq!(error.rpc_status().unwrap().reason(), Some("FULL"));
    assert!(error.context().any(|it| it == ("operation", kind.name)));
}

async fn is_given_up_on<P: Poll>(kind: &Kind) {
    let http = ScriptedTransport::repeating(Reply::json(200, kind.running.to_string()));
    let begun = Instant::now();
    let poller = on(kind, &http)
        .poller::<P>(kind.name)
        .with_pacing(ExponentialPacing::every(8 * SECOND))
        .with_deadline(Timeout::After(60 * SECOND));
    let error = outcome(poller).await.err().expect("it takes too long");
    assert_eq!(error.timeout_kind(), Some(TimeoutKind::Deadline));
    assert!(error.to_string().contains(P::WHAT), "{error}");
    assert!(error.context().any(|it| it == ("operation", kind.name)));
    assert!(begun.elapsed() <= 60 * SECOND);

    let patience = P::PATIENCE.expect("no kind is waited for without an end");
    let begun = Instant::now();
    let endless = outcome(on(kind, &http).poller::<P>(kind.name)).await;
    assert!(endless.is_err());
    assert!(begun.elapsed() <= patience && begun.elapsed() + 10 * SECOND > patience);
}

async fn is_stopped<P: Poll>(kind: &Kind) {
    let nothing = json!({});
    let http = script(&[&nothing]);
    let poller = on(kind, &http).poller::<P>(kind.name);
    let answer = poller.cancel(&CallOptions::new()).await;
    match kind.stopped {
        Some(path) => {
            answer.unwrap();
            let request = &http.requests()[0];
            assert_eq!(
                (request.method().as_str(), request.path_and_query()),
                ("POST", path)
            );
            assert!(request.body().is_empty());
        }
        None => {
            assert_eq!(answer.unwrap_err().field(), Some("operation"));
            assert_eq!(http.request_count(), 0);
        }
    }
}

/// Covers: operations.get, batches.get, batches.cancel, tunings.get, tunings.cancel, files.get
#[tokio::test(start_paused = true)]
async fn every_kind_lives_through_the_same() {
    lives::<GenerateVideosOperation>(&films_on_vertex()).await;
    lives::<GenerateVideosOperation>(&films()).await;
    lives::<ImportFileOperation>(&import()).await;
    lives::<UploadToFileSearchStoreOperation>(&upload()).await;
    lives::<ProjectOperation>(&project()).await;
    lives::<File>(&file()).await;
    lives::<BatchJob>(&batch()).await;
    lives::<BatchJob>(&batch_on_vertex()).await;
    lives::<TuningJob>(&tuning_on_vertex()).await;
}

/// Covers: tunings.get
#[tokio::test(start_paused = true)]
async fn a_model_in_the_making_is_a_job_with_the_name_of_the_model() {
    let at =
        |state: &str| json!({"name": "tunedModels/t", "state": state, "baseModel": "models/m"});
    let kind = Kind {
        vertex: false,
        ..batch()
    };
    let http = script(&[&at("CREATING"), &at("ACTIVE")]);
    let job = outcome(on(&kind, &http).poller::<TuningJob>("tunedModels/t"))
        .await
        .unwrap();
    assert_eq!(job.base_model.as_deref(), Some("models/m"));
    assert_eq!(http.requests()[1].path_and_query(), "/v1/tunedModels/t");

    let http = script(&[&at("FAILED")]);
    let error = outcome(on(&kind, &http).poller::<TuningJob>("tunedModels/t"))
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "operation failed: UNKNOWN: a tuning job failed, and the service does not say why"
    );
}

#[test_case("JOB_STATE_CANCELLED", "a batch job was cancelled", ErrorKind::Cancelled; "cancelled")]
#[test_case(
    "JOB_STATE_EXPIRED", "DEADLINE_EXCEEDED: a batch job expired before it was done",
    ErrorKind::OperationFailed; "expired")]
#[tokio::test(start_paused = true)]
async fn a_state_says_how_a_job_ended_where_the_job_does_not(
    state: &str,
    says: &str,
    kind: ErrorKind,
) {
    let end = json!({"name": BATCH, "state": state});
    let http = script(&[&end]);
    let gemini = on(&batch_on_vertex(), &http);
    let error = outcome(gemini.poller::<BatchJob>(BATCH)).await.unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    let shown = format!("{error} {:?}", error.rpc_status());
    assert!(shown.contains(says), "{shown}");
}

#[tokio::test(start_paused = true)]
async fn a_part_of_the_results_is_a_good_end_and_a_pause_is_none() {
    let at = |state: &str| json!({"name": BATCH, "state": state});
    let (paused, new, part) = (
        at("JOB_STATE_PAUSED"),
        at("JOB_STATE_NEW"),
        at("JOB_STATE_PARTIALLY_SUCCEEDED"),
    );
    let http = script(&[&paused, &new, &part]);
    let job = outcome(on(&batch_on_vertex(), &http).poller::<BatchJob>(BATCH))
        .await
        .unwrap();
    assert_eq!(job.name.as_deref(), Some(BATCH));
    assert_eq!(http.remaining(), 0);
}

#[tokio::test(start_paused = true)]
async fn an_operation_that_is_done_needs_no_state() {
    let done = json!({"name": "batches/7", "done": true, "response": {"responsesFile": "files/r"}});
    let http = script(&[&done]);
    let job = outcome(on(&batch(), &http).poller::<BatchJob>("batches/7"))
        .await
        .unwrap();
    assert_eq!(job.dest.unwrap().file_name.as_deref(), Some("files/r"));
}

/// Jobs take long: five seconds at first, and two minutes at most, before jitter.
#[tokio::test(start_paused = true)]
async fn jobs_are_asked_about_less_often() {
    let kind = batch();
    let mut replies = vec![&kind.running; 20];
    replies.push(&kind.done);
    let http = script(&replies);
    outcome(on(&kind, &http).poller::<BatchJob>("batches/7"))
        .await
        .unwrap();
    let asked: Vec<_> = http.requests().iter().map(|request| request.at()).collect();
    let waits: Vec<_> = asked
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).as_secs_f64())
        .collect();
    assert!((waits[0] - 2.5).abs() < 0.01, "{waits:?}");
    assert!((waits[19] - 60.0).abs() < 0.01, "{waits:?}");
}
