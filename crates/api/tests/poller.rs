//! Waiting for work that outlives a call: on a script, with a clock that stands still until
//! somebody sleeps.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use gimmal_api::gemini::{Endpoint, Gemini};
use gimmal_api::{ExponentialPacing, NeverTolerate, Poller, Progress, TolerateOutages};
use gimmal_transport::testing::{Reply, ScriptedTransport};
use gimmal_transport::{
    CallOptions, Error, ErrorKind, FixedJitter, NeverRetry, Timeout, TimeoutKind, Transport,
};
use gimmal_types::gemini::{
    GenerateVideosOperation, ImportFileOperation, ProjectOperation,
    UploadToFileSearchStoreOperation,
};
use http::Method;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

const PATIENCE: Duration = Duration::from_secs(100_000);
const SECOND: Duration = Duration::from_secs(1);
const FILM: &str = "projects/p/locations/l/publishers/google/models/veo/operations/1";
const IMPORT: &str = "fileSearchStores/s/operations/1";

fn on(http: &ScriptedTransport, endpoint: Endpoint) -> Gemini {
    let transport = Transport::builder()
        .with_http(Arc::new(http.clone()))
        .with_retry_policy(NeverRetry)
        .with_jitter(Arc::new(FixedJitter::new(0.0)))
        .build()
        .unwrap();
    Gemini::new(transport, endpoint)
}

fn vertex(http: &ScriptedTransport) -> Gemini {
    let endpoint = Endpoint::vertex().with_project("p").with_location("l");
    on(http, endpoint.build().unwrap())
}

fn developer(http: &ScriptedTransport) -> Gemini {
    on(http, Endpoint::gemini_api().build().unwrap())
}

fn script(replies: impl IntoIterator<Item = Value>) -> ScriptedTransport {
    ScriptedTransport::new(replies.into_iter().map(reply))
}

fn reply(body: Value) -> Reply {
    Reply::json(200, body.to_string())
}

fn running(progress: u32) -> Value {
    json!({"name": FILM, "metadata": {"progress": progress}})
}

fn films() -> Value {
    json!({"name": FILM, "done": true,
        "response": {"videos": [{"gcsUri": "gs://b/1.mp4", "mimeType": "video/mp4"}]}})
}

async fn outcome<P: gimmal_api::Poll>(poller: Poller<P>) -> Result<P::Output, Error> {
    timeout(PATIENCE, poller).await.expect("the poller ends")
}

fn operation_in(error: &Error) -> Option<&str> {
    let mut context = error.context();
    context.find_map(|(key, value)| (key == "operation").then_some(value))
}

/// Covers: operations.fetch_predict_videos_operation
#[tokio::test(start_paused = true)]
async fn films_are_waited_for_at_growing_intervals() {
    let http = script([running(10), running(40), running(80), films()]);
    let start = Instant::now();
    let films = outcome(vertex(&http).poller::<GenerateVideosOperation>(FILM)).await;
    let uris: Vec<_> = films
        .unwrap()
        .videos()
        .map(|film| film.uri.clone())
        .collect();
    assert_eq!(uris, [Some("gs://b/1.mp4".to_owned())]);

    let asked: Vec<Duration> = http
        .requests()
        .iter()
        .map(|request| request.at() - start.into_std())
        .collect();
    assert_eq!(asked[0], Duration::ZERO);
    let waits: Vec<u128> = asked
        .windows(2)
        .map(|pair| (pair[1] - pair[0]).as_millis())
        .collect();
    // The clock of the test counts whole milliseconds.
    assert!(
        waits
            .iter()
            .zip([500, 750, 1_125])
            .all(|(is, wanted)| is.abs_diff(wanted) <= 1),
        "{waits:?}"
    );
    let request = &http.requests()[0];
    assert_eq!(request.method(), Method::POST);
    assert_eq!(
        request.path_and_query(),
        "/v1beta1/projects/p/locations/l/publishers/google/models/veo:fetchPredictOperation"
    );
    let body: Value = serde_json::from_slice(request.body()).unwrap();
    assert_eq!(body, json!({"operationName": FILM}));
}

/// Covers: operations.get_videos_operation
#[tokio::test(start_paused = true)]
async fn the_developer_api_is_asked_by_name() {
    let http = script(
        [json!({"done": true, "response": {"generateVideoResponse": {
        "generatedSamples": [{"video": {"encodedVideo": "dmlk"}}]}}})],
    );
    let poller = developer(&http).poller::<GenerateVideosOperation>("models/veo/operations/1");
    let films = outcome(poller).await.unwrap();
    let film = films.videos().next().unwrap();
    assert_eq!(film.video_bytes.as_ref().unwrap().as_bytes(), b"vid");
    assert_eq!(
        http.requests()[0].path_and_query(),
        "/v1/models/veo/operations/1"
    );
}

#[tokio::test(start_paused = true)]
async fn progress_is_a_stream_that_ends_with_the_result() {
    let http = ScriptedTransport::new([reply(running(10)), Reply::status(503), reply(films())]);
    let mut poller = vertex(&http).poller::<GenerateVideosOperation>(FILM);
    let mut seen = Vec::new();
    while let Some(progress) = timeout(PATIENCE, poller.next()).await.unwrap() {
        seen.push(match progress.unwrap() {
            Progress::Running(operation) => operation.metadata.unwrap()["progress"].to_string(),
            Progress::PollFailed(error) => error.to_string(),
            Progress::Done(films) => format!("{} films", films.generated_videos.len()),
            other => format!("{other:?}"),
        });
    }
    assert_eq!(seen, ["10", "http 503 service unavailable", "1 films"]);
    assert!(poller.next().await.is_none(), "the stream stays at its end");
    assert_eq!(poller.name(), FILM);
}

#[tokio::test(start_paused = true)]
async fn what_was_begun_is_not_asked_for_at_once() {
    let begun: GenerateVideosOperation = serde_json::from_value(running(0)).unwrap();
    let http = script([films()]);
    let start = Instant::now();
    outcome(Poller::new(vertex(&http), begun)).await.unwrap();
    assert!(http.requests()[0].at() - start.into_std() >= Duration::from_millis(500));

    let done = GenerateVideosOperation::new()
        .set_done(true)
        .set_response(gimmal_types::gemini::GenerateVideosResponse::new());
    let http = script([]);
    outcome(Poller::new(vertex(&http), done)).await.unwrap();
    assert_eq!(http.request_count(), 0);
}

/// Covers: operations.get
#[tokio::test(start_paused = true)]
async fn failed_work_tells_why() {
    let http = script([json!({"name": IMPORT, "done": true, "error": {
        "code": 9, "message": "no\n space", "details": [
            {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "STORE_FULL",
             "domain": "googleapis.com"}]}})]);
    let error = outcome(developer(&http).poller::<ImportFileOperation>(IMPORT))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OperationFailed);
    assert_eq!(
        error.to_string(),
        "operation failed: FAILED_PRECONDITION: no space"
    );
    assert_eq!(error.rpc_status().unwrap().reason(), Some("STORE_FULL"));
    assert_eq!(operation_in(&error), Some(IMPORT));

    let stopped = json!({"done": true, "error": {"code": 1, "message": "stopped"}});
    let http = script([stopped]);
    let error = outcome(vertex(&http).poller::<ProjectOperation>("1"))
        .await
        .unwrap_err();
    assert!(error.is_cancelled(), "{error}");
    assert_eq!(
        http.requests()[0].path_and_query(),
        "/v1beta1/projects/p/locations/l/operations/1"
    );
}

#[tokio::test(start_paused = true)]
async fn films_that_are_done_and_not_there_are_an_error() {
    let http = script([json!({"done": true})]);
    let error = outcome(vertex(&http).poller::<GenerateVideosOperation>(FILM))
        .await
        .unwrap_err();
    assert!(
        error.to_string().contains("neither films nor an error"),
        "{error}"
    );

    let http = script([json!({"done": true})]);
    let poller = developer(&http)
        .poller::<UploadToFileSearchStoreOperation>("fileSearchStores/s/upload/operations/1");
    assert_eq!(outcome(poller).await.unwrap().document_name, None);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_ends_the_waiting_and_says_that_work_goes_on() {
    let http = ScriptedTransport::repeating(reply(running(10)));
    let start = Instant::now();
    let poller = vertex(&http)
        .poller::<GenerateVideosOperation>(FILM)
        .with_pacing(ExponentialPacing::every(20 * SECOND))
        .with_deadline(Timeout::After(15 * SECOND));
    let error = outcome(poller).await.unwrap_err();
    assert_eq!(error.timeout_kind(), Some(TimeoutKind::Deadline));
    assert_eq!(
        error.to_string(),
        "deadline of the call passed (15s): the making of films is not done; it goes on and can \
         be asked about by its name"
    );
    assert_eq!(operation_in(&error), Some(FILM));
    assert_eq!(http.request_count(), 3, "at 0 s, 10 s and 14 s");
    assert!(start.elapsed() <= 15 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn ten_minutes_unless_said_otherwise() {
    let http = ScriptedTransport::repeating(reply(running(10)));
    let start = Instant::now();
    let poller = vertex(&http).poller::<GenerateVideosOperation>(FILM);
    outcome(poller).await.unwrap_err();
    let waited = start.elapsed();
    assert!(
        waited > 590 * SECOND && waited <= 600 * SECOND,
        "{waited:?}"
    );

    let poller = vertex(&http)
        .poller::<GenerateVideosOperation>(FILM)
        .with_deadline(Timeout::Never);
    let waited = timeout(86_400 * SECOND, poller.wait()).await;
    assert!(waited.is_err(), "it is still waiting after a day");
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_does_not_outlast_the_deadline() {
    let http = ScriptedTransport::new([Reply::silence(), reply(films())]);
    outcome(vertex(&http).poller::<GenerateVideosOperation>(FILM))
        .await
        .unwrap();

    let http = ScriptedTransport::repeating(Reply::silence());
    let start = Instant::now();
    let poller = vertex(&http)
        .poller::<GenerateVideosOperation>(FILM)
        .with_deadline(Timeout::After(30 * SECOND));
    let error = outcome(poller).await.unwrap_err();
    assert!(error.is_timeout(), "{error}");
    assert!(start.elapsed() <= 31 * SECOND);
    assert_eq!(operation_in(&error), Some(FILM));
}

#[tokio::test(start_paused = true)]
async fn outages_are_sat_out_and_errors_that_last_are_not() {
    let outage = || Reply::status(503);
    let http = ScriptedTransport::new([
        outage(),
        Reply::connect_error(),
        reply(running(1)),
        outage(),
        reply(films()),
    ]);
    outcome(vertex(&http).poller::<GenerateVideosOperation>(FILM))
        .await
        .unwrap();

    let http = ScriptedTransport::repeating(outage());
    let poller = vertex(&http)
        .poller::<GenerateVideosOperation>(FILM)
        .with_error_policy(TolerateOutages::up_to(NonZeroU32::new(2).unwrap()));
    let error = outcome(poller).await.unwrap_err();
    assert_eq!(
        (error.status().unwrap().as_u16(), http.request_count()),
        (503, 3)
    );
    assert_eq!(operation_in(&error), Some(FILM));

    for (first, strict) in [(Reply::status(404), false), (outage(), true)] {
        let http = ScriptedTransport::new([first]);
        let poller = vertex(&http).poller::<GenerateVideosOperation>(FILM);
        let poller = if strict {
            poller.with_error_policy(NeverTolerate)
        } else {
            poller
        };
        let error = outcome(poller).await.unwrap_err();
        assert!(error.is_status(), "{error}");
        assert_eq!(http.request_count(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn the_waiting_can_be_stopped() {
    let http = ScriptedTransport::repeating(reply(running(10)));
    let start = Instant::now();
    let poller = vertex(&http)
        .poller::<GenerateVideosOperation>(FILM)
        .with_pacing(ExponentialPacing::every(20 * SECOND))
        .with_stop(tokio::time::sleep(25 * SECOND));
    let error = outcome(poller).await.unwrap_err();
    assert!(error.is_cancelled());
    assert_eq!(
        error.to_string(),
        "cancelled: waiting for the making of films was stopped; the service works on"
    );
    assert_eq!(start.elapsed(), 25 * SECOND);
    assert_eq!(http.request_count(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_asked_is_refused_before_sending() {
    let http = script([]);
    let refused = |error: Error, field: &str, says: &str| {
        assert_eq!(error.field(), Some(field), "{error}");
        assert!(error.to_string().contains(says), "{error}");
    };
    for (name, says) in [
        ("", "must not be empty"),
        ("models/veo/../x", "must not contain"),
        ("models/veo", "must be the name of an operation"),
    ] {
        let poller = vertex(&http).poller::<GenerateVideosOperation>(name);
        refused(outcome(poller).await.unwrap_err(), "operation", says);
    }
    let poller = vertex(&http).poller::<ImportFileOperation>(IMPORT);
    refused(
        outcome(poller).await.unwrap_err(),
        "backend",
        "not available on Vertex AI",
    );
    let poller = developer(&http).poller::<ProjectOperation>("1");
    refused(
        outcome(poller).await.unwrap_err(),
        "backend",
        "not available on the Gemini",
    );
    let poller = vertex(&http).poller::<GenerateVideosOperation>(FILM);
    let error = poller.cancel(&CallOptions::default()).await.unwrap_err();
    refused(error, "operation", "Vertex AI cannot stop");
    assert_eq!(http.request_count(), 0);
}
