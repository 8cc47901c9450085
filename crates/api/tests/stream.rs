//! Replies as they arrive: whole ones, streamed ones, and those that end badly.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use gimmal_api::gemini::{Endpoint, Gemini, GenerateStream};
use gimmal_transport::testing::{Reply, ScriptedTransport};
use gimmal_transport::{
    CallOptions, Clock as _, Error, ErrorKind, Response, TokioClock, Transport,
};
use gimmal_types::gemini::{Content, GenerateContentRequest, GenerateContentResponse};
use http::{HeaderName, HeaderValue};
use serde_json::json;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(600);
const MODEL: &str = "gemini-2.5-flash";
const HELLO: &str =
    r#"{"candidates": [{"content": {"parts": [{"text": "Hel"}], "role": "model"}}]}"#;
const LO: &str = r#"{"candidates": [{"content": {"parts": [{"text": "lo"}]}, "finishReason": "STOP"}],
    "usageMetadata": {"totalTokenCount": 5}}"#;

fn gemini(reply: impl IntoIterator<Item = Reply>) -> (Gemini, ScriptedTransport) {
    let http = ScriptedTransport::new(reply);
    let transport = Transport::builder()
        .with_http(Arc::new(http.clone()))
        .build()
        .unwrap();
    (
        Gemini::new(transport, Endpoint::gemini_api().build().unwrap()),
        http,
    )
}

fn request() -> GenerateContentRequest {
    GenerateContentRequest::new().set_contents([Content::user("hi")])
}

async fn generate(gemini: &Gemini) -> Result<Response<GenerateContentResponse>, Error> {
    let options = CallOptions::default();
    let request = request();
    let reply = gemini.generate_content(MODEL, &request, &options);
    timeout(PATIENCE, reply).await.unwrap()
}

async fn open(reply: Reply) -> GenerateStream {
    let (gemini, http) = gemini([reply]);
    let options = CallOptions::default();
    let stream = gemini
        .stream_generate_content(MODEL, &request(), &options)
        .await
        .unwrap();
    assert_eq!(
        http.requests()[0].path_and_query(),
        "/v1/models/gemini-2.5-flash:streamGenerateContent?alt=sse"
    );
    stream
}

/// The texts of the chunks, and the error that ended the stream if one did.
async fn read(mut stream: GenerateStream) -> (Vec<String>, Option<Error>) {
    let mut texts = Vec::new();
    let mut failure = None;
    while let Some(chunk) = timeout(PATIENCE, stream.next()).await.unwrap() {
        assert!(failure.is_none(), "nothing follows an error");
        match chunk {
            Ok(chunk) => texts.push(chunk.text().unwrap_or_default()),
            Err(error) => failure = Some(error),
        }
    }
    (texts, failure)
}

/// A stream of one-line events.
fn events(data: &[&str]) -> Reply {
    Reply::events(data.iter().map(|data| data.replace('\n', " ")))
}

/// Covers: models.generate_content_stream
#[tokio::test(start_paused = true)]
async fn chunks_come_one_by_one_and_join_into_one_reply() {
    let (texts, failure) = read(open(events(&[HELLO, LO])).await).await;
    assert_eq!(texts, ["Hel", "lo"]);
    assert!(failure.is_none(), "{failure:?}");

    let reply = timeout(PATIENCE, open(events(&[HELLO, LO])).await.collect());
    let reply = reply.await.unwrap().unwrap();
    assert_eq!(reply.text().as_deref(), Some("Hello"));
    assert_eq!(reply.finish_reason().unwrap().name(), "STOP");
    assert_eq!(reply.usage_metadata.unwrap().total_token_count, Some(5));
}

#[tokio::test(start_paused = true)]
async fn headers_are_there_before_the_first_chunk() {
    let reply = events(&[HELLO]).with_header(
        HeaderName::from_static("x-request-id"),
        HeaderValue::from_static("r1"),
    );
    let stream = open(reply).await;
    assert_eq!(stream.headers()["x-request-id"], "r1");
    assert_eq!((stream.status().as_u16(), stream.attempts()), (200, 1));
}

/// Some servers take `alt=sse` for nothing and send a list of chunks.
#[tokio::test]
async fn a_list_where_events_were_asked_for_is_read_chunk_by_chunk() {
    let list = format!("[{HELLO},\r\n{LO}\n]");
    let (texts, failure) = read(open(Reply::json(200, list)).await).await;
    assert_eq!(texts, ["Hel", "lo"]);
    assert!(failure.is_none());
    let quota = json!({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "q"}});
    let list = format!("[{HELLO},{quota},{LO}]");
    let (texts, failure) = read(open(Reply::json(200, list)).await).await;
    assert_eq!(texts, ["Hel"]);
    assert_eq!(failure.unwrap().status().unwrap().as_u16(), 429);
    let (texts, failure) = read(open(Reply::json(200, "[]")).await).await;
    assert!(texts.is_empty() && failure.is_none());
}

#[tokio::test(start_paused = true)]
async fn an_error_among_the_chunks_ends_the_stream() {
    let quota = json!({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "message": "q"}});
    let tailing = json!({"candidates": [], "error": {"code": 503, "status": "UNAVAILABLE"}});
    let pretty = serde_json::to_string_pretty(&quota).unwrap();
    for (reply, status) in [
        (events(&[HELLO, &quota.to_string(), LO]), 429),
        // The `error` key need not come first.
        (events(&[HELLO, &tailing.to_string(), LO]), 503),
        (events(&[HELLO, &json!([quota]).to_string()]), 429),
        // An error object written without `data:`, on several lines, and in several packets.
        (events(&[HELLO]).with_chunk(pretty.clone()), 429),
        (
            events(&[HELLO])
                .with_chunk(pretty[..9].to_owned())
                .with_chunk(pretty[9..].to_owned()),
            429,
        ),
    ] {
        let (texts, failure) = read(open(reply.clone()).await).await;
        assert_eq!(texts, ["Hel"], "{reply:?}");
        let error = failure.unwrap();
        assert_eq!(error.status().unwrap().as_u16(), status, "{error}");
        assert!(error.payload().is_some());
        let collected = timeout(PATIENCE, open(reply).await.collect())
            .await
            .unwrap();
        assert_eq!(collected.unwrap_err().status().unwrap().as_u16(), status);
    }
}

#[tokio::test(start_paused = true)]
async fn an_error_that_is_null_is_no_error() {
    let chunk = r#"{"error": null, "candidates": [{"content": {"parts": [{"text": "a"}]}}]}"#;
    let (texts, failure) = read(open(events(&[chunk])).await).await;
    assert_eq!(texts, ["a"]);
    assert!(failure.is_none(), "{failure:?}");
}

#[tokio::test(start_paused = true)]
async fn a_cut_stream_is_an_error_after_what_came() {
    let (texts, failure) = read(open(events(&[HELLO]).with_reset()).await).await;
    assert_eq!(texts, ["Hel"]);
    let error = failure.unwrap();
    assert_eq!(error.kind(), ErrorKind::StreamInterrupted);
    assert!(error.bytes_received().unwrap() > 0);

    // The connection ends in good order, but in the middle of a chunk.
    let (texts, failure) = read(open(events(&[HELLO]).with_chunk("data: {\"cand")).await).await;
    assert_eq!(texts, ["Hel"]);
    let error = failure.unwrap();
    assert_eq!(error.kind(), ErrorKind::StreamInterrupted);
    assert!(error.bytes_received().unwrap() > 0);
}

/// Covers: models.generate_content
#[tokio::test(start_paused = true)]
async fn what_the_service_adds_later_costs_no_reply() {
    let body = json!({"candidates": [
        {"finishReason": "TIRED_OF_TALKING", "mood": "low"},
        {"content": {"role": "model"}, "finishReason": "STOP"}], "novelty": 1});
    let (gemini, _) = gemini([Reply::json(200, body.to_string())]);
    let reply = generate(&gemini).await.unwrap();
    assert_eq!(
        reply.body().finish_reason().unwrap().name(),
        "TIRED_OF_TALKING"
    );
    assert_eq!(reply.body().text(), None);
    assert_eq!(serde_json::to_value(reply.body()).unwrap(), body);
}

#[tokio::test(start_paused = true)]
async fn an_empty_reply_is_an_empty_object() {
    let (gemini, _) = gemini([Reply::json(200, "")]);
    let reply = generate(&gemini).await;
    assert_eq!(*reply.unwrap().body(), GenerateContentResponse::default());
}

#[tokio::test(start_paused = true)]
async fn the_wait_the_server_asks_for_is_kept() {
    let busy = json!({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "details": [
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "22.5s"}]}});
    let (gemini, http) = gemini([
        Reply::json(429, busy.to_string()),
        Reply::json(429, busy.to_string()),
        Reply::json(200, HELLO),
    ]);
    let started = TokioClock.now();
    let reply = generate(&gemini).await.unwrap();
    assert_eq!((reply.attempts(), http.request_count()), (3, 3));
    assert!(TokioClock.now() - started >= Duration::from_secs(45));
    for pair in http.requests().windows(2) {
        assert!(pair[1].at() - pair[0].at() >= Duration::from_millis(22_500));
        assert_eq!(pair[0].body(), pair[1].body());
    }
}

#[tokio::test(start_paused = true)]
async fn opening_a_stream_is_retried_and_reading_it_is_not() {
    let (gemini, http) = gemini([Reply::json(503, "{}"), events(&[HELLO]).with_reset()]);
    let options = CallOptions::default();
    let stream = gemini
        .stream_generate_content(MODEL, &request(), &options)
        .await
        .unwrap();
    assert_eq!(stream.attempts(), 2);
    let (texts, failure) = read(stream).await;
    assert_eq!(texts, ["Hel"]);
    assert!(failure.is_some());
    assert_eq!(http.request_count(), 2);
}

#[tokio::test(start_paused = true)]
async fn creating_a_cache_is_not_repeated_when_the_answer_is_lost() {
    let (gemini, http) = gemini([Reply::io_error(), Reply::json(200, "{}")]);
    let create = gimmal_types::gemini::CreateCachedContentRequest::new().set_model(MODEL);
    let options = CallOptions::default();
    let error = timeout(PATIENCE, gemini.create_cache(&create, &options))
        .await
        .unwrap();
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Io);
    assert_eq!(http.request_count(), 1, "a second cache would be billed");
}
