//! Calls of the Tinker API on a scripted transport: connections, limits, retries, replies, errors.

use std::sync::Arc;
use std::time::Duration;

use gimmal_api::tinker::{
    API_KEY, Endpoint, ErrorClass, FutureReply, PROTOCOL_VERSION, RequestType, RetrieveFuture,
    Tinker, advice, category, classify, default_options, failed_request_id, is_user_error,
    request_failed, summary, with_sdk_method,
};
use gimmal_transport::testing::{Reply, ScriptedTransport};
use gimmal_transport::{ApiKey, CallOptions, Error, Transport};
use gimmal_types::tinker::{
    AccessScope, ClientConfigRequest, CreateModelResponse, ForwardBackwardOutput,
    FutureRetrieveRequest, FuturesRetrieveRequest, LoadWeightsResponse, ModelInput, QueueState,
    RequestErrorCategory, RequestFailedResponse, SampleRequest,
    SaveWeightsForSamplerResponseInternal, SaveWeightsResponse, SessionHeartbeatRequest,
    UntypedAPIFuture,
};
use http::header::{CONTENT_TYPE, EXPIRES, LOCATION};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use secrecy::SecretString;
use test_case::test_case;

fn tinker(replies: impl IntoIterator<Item = Reply>) -> (Arc<ScriptedTransport>, Tinker) {
    let http = Arc::new(ScriptedTransport::new(replies));
    let key = ApiKey::new(API_KEY, SecretString::from("tml-secret"));
    let transport = Transport::builder()
        .with_http(http.clone())
        .with_credentials(key)
        .with_options(default_options())
        .build()
        .unwrap();
    (
        http,
        Tinker::new(transport, Endpoint::new("http://host").unwrap()),
    )
}

fn none() -> CallOptions {
    CallOptions::new()
}

/// Covers: tinker.training_runs.get
#[tokio::test(start_paused = true)]
async fn calls_carry_the_headers_of_a_client() {
    let run = r#"{"training_run_id": "r", "base_model": "b", "model_owner": "o", "is_lora": true,
        "last_request_time": "2026-01-01T00:00:00Z", "new_field": 1}"#;
    let (http, tinker) = tinker([Reply::json(500, "{}"), Reply::json(200, run)]);
    let options = with_sdk_method(&none(), "RestClient.get_training_run");
    let reply = tinker
        .get_training_run("r", &AccessScope::Owned, &options)
        .await
        .unwrap();
    assert_eq!(reply.attempts(), 2);
    let run = reply.into_body();
    assert!(!run.corrupted && run.unknown_fields.get("new_field").is_some());
    for request in http.requests() {
        assert_eq!(request.pool().as_str(), "training");
        for (name, value) in [
            ("accept", "application/json"),
            ("x-api-key", "tml-secret"),
            ("x-sdk-method", "RestClient.get_training_run"),
            ("x-sdk-version", PROTOCOL_VERSION),
            ("x-stainless-package-version", PROTOCOL_VERSION),
            ("x-stainless-read-timeout", "60"),
        ] {
            assert_eq!(request.header(name), Some(value), "{name}");
        }
        assert_eq!(request.header("x-idempotency-key"), None);
    }
}

/// Covers: CHK-EP-1, tinker.service.client_config, tinker.sessions.heartbeat, tinker.sampling.sample,
/// tinker.futures.retrieve_many
#[tokio::test(start_paused = true)]
async fn calls_go_where_they_belong_and_as_often_as_they_may() {
    let busy = || Reply::json(503, "{}");
    let (http, tinker) = tinker([
        busy(),
        Reply::json(200, "{}"),
        busy(),
        busy(),
        busy(),
        busy(),
        Reply::json(409, "{}"),
    ]);
    let config = ClientConfigRequest::new().set_sdk_version(PROTOCOL_VERSION);
    tinker.client_config(&config, &none()).await.unwrap();
    let beat = SessionHeartbeatRequest::new().set_session_id("s");
    tinker.session_heartbeat(&beat, &none()).await.unwrap_err();
    let ask = SampleRequest::new().set_prompt(ModelInput::from_ints([1]));
    tinker.sample(&ask, &none()).await.unwrap_err();
    let news = FuturesRetrieveRequest::new();
    tinker.retrieve_futures(&news, &none()).await.unwrap_err();
    tinker
        .retrieve_futures(&news.set_timeout(0.0), &none())
        .await
        .unwrap_err();
    let conflict = tinker
        .publish_checkpoint("r", "weights/1", &none())
        .await
        .unwrap_err();
    assert_eq!(classify(&conflict), ErrorClass::ConflictError);
    let seen: Vec<_> = http
        .requests()
        .iter()
        .map(|request| {
            let limit = request
                .header("x-stainless-read-timeout")
                .unwrap()
                .to_owned();
            (request.pool().as_str().to_owned(), limit)
        })
        .collect();
    let expected = [
        ("session", "60"),
        ("session", "60"),
        ("session", "10"),
        ("sampling", "60"),
        ("futures-poller", "45"),
        ("futures-poller", "5"),
        ("training", "60"),
    ];
    assert_eq!(
        seen,
        expected.map(|(pool, limit)| (pool.to_owned(), limit.to_owned()))
    );
    let keys: Vec<_> = http
        .requests()
        .iter()
        .map(|it| it.header("x-idempotency-key").map(str::to_owned))
        .collect();
    assert!(keys[0].is_some() && keys[0] == keys[1] && keys[1] != keys[2]);
}

async fn retrieved(reply: Reply) -> Result<FutureReply, Error> {
    let (_, tinker) = tinker([reply]);
    let ask = FutureRetrieveRequest::new().set_request_id("r");
    let poll = RetrieveFuture::new(&ask, RequestType::Forward);
    Ok(tinker.retrieve_future(&poll, &none()).await?.into_body())
}

/// Covers: tinker.futures.retrieve
#[tokio::test(start_paused = true)]
async fn replies_to_a_poll_are_told_apart() {
    let wait = r#"{"type": "try_again", "request_id": "r", "queue_state": "paused_capacity",
        "queue_state_reason": "full"}"#;
    let FutureReply::TryAgain(wait) = retrieved(Reply::json(200, wait)).await.unwrap() else {
        panic!("not a wait");
    };
    assert_eq!(wait.queue_state, QueueState::PausedCapacity);
    assert_eq!(wait.queue_state_reason.as_deref(), Some("full"));
    let size = r#"{"status": "complete_metadata", "response_payload_size": 70}"#;
    let FutureReply::Metadata(size) = retrieved(Reply::json(200, size)).await.unwrap() else {
        panic!("not a size");
    };
    assert_eq!(size.response_payload_size, 70);
    let failed = r#"{"error": "bad", "category": "nonsense"}"#;
    let FutureReply::Failed(failed) = retrieved(Reply::json(200, failed)).await.unwrap() else {
        panic!("not a failure");
    };
    assert_eq!(failed.error, "bad");
    let model = Reply::json(200, r#"{"model_id": "m", "type": "create_model"}"#);
    let FutureReply::Result(model) = retrieved(model).await.unwrap() else {
        panic!("not a result");
    };
    assert_eq!(model.content_type(), "application/json");
    assert_eq!(model.decode::<CreateModelResponse>().unwrap().model_id, "m");
    assert!(!format!("{model:?}").contains("model_id"));
    let error = model.decode::<ForwardBackwardOutput>().unwrap_err();
    assert_eq!(classify(&error), ErrorClass::APIResponseValidationError);
    let binary = Reply::status(200)
        .with_header(
            CONTENT_TYPE,
            HeaderValue::from_static("application/x-protobuf"),
        )
        .with_chunk(&b"\x0a\x01A"[..]);
    let FutureReply::Result(binary) = retrieved(binary).await.unwrap() else {
        panic!("not a result");
    };
    assert_eq!(binary.body().len(), 3);
    let output = binary.decode::<ForwardBackwardOutput>().unwrap();
    assert_eq!(output.loss_fn_output_type, "A");
    assert!(
        retrieved(Reply::json(200, r#"{"type": "try_again"}"#))
            .await
            .is_err()
    );
    let error = retrieved(Reply::json(410, "{}")).await.unwrap_err();
    assert_eq!(advice(&error), "it has ended or expired: begin it again");
}

#[test_case(400, ErrorClass::BadRequestError, true)]
#[test_case(401, ErrorClass::AuthenticationError, true)]
#[test_case(402, ErrorClass::BillingError, true)]
#[test_case(403, ErrorClass::PermissionDeniedError, true)]
#[test_case(404, ErrorClass::NotFoundError, true)]
#[test_case(408, ErrorClass::APIStatusError, false)]
#[test_case(409, ErrorClass::ConflictError, true)]
#[test_case(410, ErrorClass::APIStatusError, false)]
#[test_case(418, ErrorClass::APIStatusError, true)]
#[test_case(422, ErrorClass::UnprocessableEntityError, true)]
#[test_case(429, ErrorClass::RateLimitError, false)]
#[test_case(500, ErrorClass::InternalServerError, false)]
#[test_case(503, ErrorClass::InternalServerError, false)]
fn statuses_have_classes(status: u16, class: ErrorClass, users: bool) {
    let status = StatusCode::from_u16(status).unwrap();
    let mut headers = HeaderMap::new();
    headers.insert("x-request-id", HeaderValue::from_static("req-1"));
    let error = Error::from_response(status, headers, r#"{"detail": "d"}"#.into());
    assert_eq!((classify(&error), is_user_error(&error)), (class, users));
    let expected = match status.as_u16() {
        408 | 429 | 500.. => RequestErrorCategory::Server,
        _ => RequestErrorCategory::User,
    };
    assert_eq!(category(&error), expected);
    assert_eq!(failed_request_id(&error), Some("req-1"));
    assert!(!advice(&error).is_empty());
}

/// Covers: CHK-ERR-1
#[test]
fn chk_err_1_a_summary_begins_with_the_type() {
    let answer = |status: u16, body: &'static str| {
        let status = StatusCode::from_u16(status).unwrap();
        Error::from_response(status, HeaderMap::new(), body.into())
    };
    let failed = RequestFailedResponse::new().set_error("out of memory");
    for (error, expected) in [
        (
            answer(429, r#"{"message": "Rate limited"}"#),
            "[api_status (429)] Rate limited",
        ),
        (
            answer(500, r#"{"detail": "odd"}"#),
            "[api_status (500)] odd",
        ),
        (
            request_failed(&failed, "r"),
            "[request_failed] out of memory",
        ),
        (
            Error::invalid("rank", "bad"),
            "[validation] invalid `rank`: bad",
        ),
    ] {
        assert_eq!(summary(&error), expected);
    }
    assert!(summary(&Error::connect("refused")).starts_with("[api_connection] "));
}

/// Covers: CHK-ERR-1
#[test_case(400, true)]
#[test_case(408, false)]
#[test_case(410, false)]
#[test_case(429, false)]
#[test_case(500, false)]
fn chk_err_1_whose_fault_a_status_is(status: u16, users: bool) {
    let status = StatusCode::from_u16(status).unwrap();
    let error = Error::from_response(status, HeaderMap::new(), "".into());
    assert_eq!(is_user_error(&error), users);
}

/// Covers: CHK-ERR-1
#[test]
fn failed_requests_say_which_and_whose_fault() {
    let reply = |category: &str| {
        RequestFailedResponse::new()
            .set_error("out of memory")
            .set_category(category)
    };
    let error = request_failed(&reply("user"), "req-7");
    assert_eq!(classify(&error), ErrorClass::RequestFailedError);
    assert_eq!(category(&error), RequestErrorCategory::User);
    assert_eq!(failed_request_id(&error), Some("req-7"));
    assert!(is_user_error(&error));
    assert!(error.to_string().contains("out of memory"), "{error}");
    let outer = Error::config("a run cannot go on").with_source(error);
    assert!(is_user_error(&outer));
    let error = request_failed(&reply("server"), "req-8");
    assert_eq!(category(&error), RequestErrorCategory::Server);
    assert!(!is_user_error(&error));
    assert!(advice(&error).contains("checkpoint"));
}

#[test]
fn other_errors_have_classes_as_well() {
    assert_eq!(
        classify(&Error::connect("x")),
        ErrorClass::APIConnectionError
    );
    assert_eq!(classify(&Error::invalid("a", "b")), ErrorClass::TinkerError);
    assert_eq!(
        category(&Error::invalid("a", "b")),
        RequestErrorCategory::User
    );
    assert_eq!(
        category(&Error::io("x")),
        RequestErrorCategory::Undetermined
    );
    let error = Error::authentication("no key");
    assert!(advice(&error).contains("TINKER_API_KEY"));
}

const ARCHIVE: &str = "https://files.test/archive?sig=1";

fn found() -> Reply {
    Reply::status(302)
        .with_header(LOCATION, HeaderValue::from_static(ARCHIVE))
        .with_header(
            EXPIRES,
            HeaderValue::from_static("Wed, 21 Oct 2026 07:28:00 GMT"),
        )
}

/// Covers: CHK-REST-1
#[tokio::test(start_paused = true)]
async fn chk_rest_1_an_archive_that_is_being_made_is_asked_for_again() {
    let busy = || Reply::json(503, "{}");
    let (http, tinker) = tinker([busy(), busy(), found()]);
    let start = tokio::time::Instant::now();
    let archive = tinker
        .checkpoint_archive_url("r", "weights/1", &none())
        .await;
    let archive = archive.unwrap();
    assert_eq!(archive.url, ARCHIVE);
    assert_eq!(
        archive.expires.as_deref(),
        Some("Wed, 21 Oct 2026 07:28:00 GMT")
    );
    assert_eq!(start.elapsed(), Duration::from_secs(60));
    let path = "/api/v1/training_runs/r/checkpoints/weights/1/archive";
    assert_eq!(http.requests()[2].path_and_query(), path);
}

/// Covers: CHK-REST-1
#[tokio::test(start_paused = true)]
async fn chk_rest_1_after_six_refusals_the_last_one_is_told() {
    let (http, tinker) = tinker((0..6).map(|_| Reply::json(503, "{}")));
    let start = tokio::time::Instant::now();
    let archive = tinker
        .checkpoint_archive_url("r", "weights/1", &none())
        .await;
    assert_eq!(
        archive.unwrap_err().status(),
        Some(StatusCode::SERVICE_UNAVAILABLE)
    );
    assert_eq!(http.request_count(), 6);
    assert_eq!(start.elapsed(), Duration::from_secs(150));
}

#[tokio::test(start_paused = true)]
async fn an_archive_may_also_be_named_in_json() {
    let json = format!(r#"{{"url": "{ARCHIVE}", "expires": "soon"}}"#);
    let (_, tinker) = tinker([Reply::json(200, json), Reply::json(500, "{}")]);
    let archive = tinker
        .checkpoint_archive_url("r", "weights/1", &none())
        .await;
    assert_eq!(archive.unwrap().url, ARCHIVE);
    let archive = tinker
        .checkpoint_archive_url("r", "weights/1", &none())
        .await;
    assert_eq!(
        archive.unwrap_err().status(),
        Some(StatusCode::INTERNAL_SERVER_ERROR)
    );
}

/// Covers: CHK-EP-2
#[tokio::test(start_paused = true)]
async fn chk_ep_2_a_sample_sends_no_null() {
    let (http, tinker) = tinker([Reply::json(200, r#"{"request_id": "r"}"#)]);
    let ask = SampleRequest::new().set_prompt(ModelInput::from_ints([1]));
    tinker.sample(&ask, &none()).await.unwrap();
    let request = &http.requests()[0];
    let body = String::from_utf8_lossy(request.body());
    assert!(
        !body.contains("null") && body.contains("sampling_params"),
        "{body}"
    );
    assert_eq!(request.header("x-tinker-sampling-backpressure"), Some("1"));
}

/// Covers: CHK-OPS-1
#[test_case(r#"{"path": "tinker://r/weights/c", "type": "save_weights"}"#, true, true; "typed")]
#[test_case(r#"{"path": "tinker://r/weights/c"}"#, true, true; "path")]
#[test_case(r#"{"sampling_session_id": "s"}"#, false, true; "session")]
#[test_case(r#"{"unrelated": 1}"#, false, false; "unrelated")]
fn chk_ops_1_what_was_saved_is_read_in_every_form(body: &'static str, path: bool, place: bool) {
    let read = |kind| FutureReply::read(kind, body.into()).unwrap();
    let FutureReply::Result(payload) = read("application/json") else {
        panic!("a result");
    };
    assert_eq!(payload.decode::<SaveWeightsResponse>().is_ok(), path);
    let loaded: LoadWeightsResponse = payload.decode().unwrap();
    assert_eq!(loaded.path.is_some(), path);
    let saved: SaveWeightsForSamplerResponseInternal = payload.decode().unwrap();
    assert_eq!(
        saved.path.is_some() || saved.sampling_session_id.is_some(),
        place
    );
}

/// Covers: CHK-OPS-1
#[test]
fn chk_ops_1_a_promise_is_no_result() {
    let promise = r#"{"request_id": "r", "model_id": "m"}"#;
    let future: UntypedAPIFuture = serde_json::from_str(promise).unwrap();
    assert_eq!(future.request_id, "r");
    let reply = FutureReply::read("application/json", promise.into()).unwrap();
    let FutureReply::Result(payload) = reply else {
        panic!("a result");
    };
    assert!(payload.decode::<SaveWeightsResponse>().is_err());
}

/// Covers: CHK-RESP-1
#[tokio::test(start_paused = true)]
async fn chk_resp_1_a_reply_tells_its_story() {
    let run = r#"{"training_run_id": "r", "base_model": "b", "model_owner": "o", "is_lora": true,
        "last_request_time": "2026-01-01T00:00:00Z"}"#;
    let id = HeaderName::from_static("x-request-id");
    let named = Reply::json(200, run).with_header(id, HeaderValue::from_static("req-7"));
    let (_, tinker) = tinker([Reply::json(500, "{}"), named]);
    let reply = tinker
        .get_training_run("r", &AccessScope::Owned, &none())
        .await
        .unwrap();
    assert_eq!(reply.headers().get("X-Request-ID").unwrap(), "req-7");
    assert_eq!((reply.status(), reply.attempts()), (StatusCode::OK, 2));
}
