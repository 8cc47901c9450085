//! Streams of events that do not go as they should.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use gimmal_client::gemini::{ContinuationInterrupted, GeminiClient};
use gimmal_client::transport::testing::{Reply, ScriptedTransport};
use gimmal_client::types::gemini::interactions::{InteractionSseEvent, InteractionStatus};
use gimmal_client::{CallOptions, ErrorKind, Timeout};
use http::header::{CONTENT_TYPE, HeaderValue};
use serde_json::{Value, json};

use crate::support::{MODEL, events, in_time, scripted, sent};

fn piece(id: u32, text: &str) -> Value {
    json!({"event_type": "step.delta", "event_id": format!("e{id}"), "index": 0,
        "delta": {"type": "text", "text": text}})
}

fn open_ended(chunks: &[&str]) -> Reply {
    let reply =
        Reply::status(200).with_header(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    chunks.iter().fold(reply, |reply, chunk| {
        reply.with_chunk(Bytes::copy_from_slice(chunk.as_bytes()))
    })
}

#[tokio::test]
async fn a_cut_stream_keeps_its_place_to_go_on_from() {
    let cut = open_ended(&[&format!("data: {}\n\n", piece(1, "One "))]).with_reset();
    let rest = events(&[
        piece(2, "two"),
        json!({"event_type": "interaction.completed",
        "interaction": {"id": "a", "status": "completed"}}),
    ]);
    let (client, http) = scripted([cut, rest]);
    let mut stream = in_time(client.interactions().get("a").stream())
        .await
        .unwrap();
    let first = in_time(stream.next()).await.unwrap().unwrap();
    assert_eq!(first.text(), Some("One "));
    let error = in_time(stream.next()).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::StreamInterrupted, "{error}");
    assert!(in_time(stream.next()).await.is_none());
    let place = stream.last_event_id().unwrap().to_owned();
    assert_eq!(place, "e1");

    let rest = client.interactions().get("a").set_last_event_id(&place);
    let rest = in_time(rest.stream()).await.unwrap();
    let rest = in_time(rest.collect()).await.unwrap();
    assert_eq!(rest.output_text(), "two");
    let sent = sent(&http);
    assert_eq!(sent[0].0, "GET /v1/interactions/a?stream=true");
    assert_eq!(
        sent[1].0,
        "GET /v1/interactions/a?last_event_id=e1&stream=true"
    );
}

#[tokio::test]
async fn an_error_of_the_service_ends_the_stream() {
    let refused = json!({"error": {"code": 429, "message": "slow down",
        "status": "RESOURCE_EXHAUSTED"}});
    for refused in [refused.clone(), json!([refused])] {
        let (client, _) = scripted([events(&[piece(1, "One "), refused, piece(2, "two")])]);
        let call = client.interactions().create(MODEL).set_input("Count.");
        let mut stream = in_time(call.stream()).await.unwrap();
        assert!(in_time(stream.next()).await.unwrap().is_ok());
        let error = in_time(stream.next()).await.unwrap().unwrap_err();
        assert!(error.to_string().contains("slow down"), "{error}");
        assert!(in_time(stream.next()).await.is_none());
    }
}

#[tokio::test]
async fn faults_that_are_told_in_events_are_events() {
    let fault = json!({"event_type": "error", "error": {"code": "blocked", "message": "no"}});
    let end = json!({"event_type": "interaction.completed",
        "interaction": {"id": "a", "status": "failed"}});
    let (client, _) = scripted([events(&[fault, end])]);
    let call = client.interactions().create(MODEL).set_input("Count.");
    let stream = in_time(call.stream()).await.unwrap();
    let whole = in_time(stream.collect()).await.unwrap();
    assert_eq!(whole.status, Some(InteractionStatus::Failed));
    assert_eq!(whole.errors[0].message.as_deref(), Some("no"));
}

#[tokio::test]
async fn events_nobody_knows_pass_through_and_nonsense_does_not() {
    let new = json!({"event_type": "interaction.dreamt", "event_id": "e7", "of": "sheep"});
    let (client, _) = scripted([open_ended(&[
        &format!("event: x\ndata: {new}\n\n"),
        ": a comment\n\n",
        "data: {\"event_type\"\n\n",
    ])]);
    let call = client.interactions().create(MODEL).set_input("Count.");
    let mut stream = in_time(call.stream()).await.unwrap();
    let event = in_time(stream.next()).await.unwrap().unwrap();
    assert_eq!(event.event_id(), Some("e7"));
    assert_eq!(event, InteractionSseEvent::Unknown(new));
    let error = in_time(stream.next()).await.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Decode, "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_deadline_covers_a_stream_that_stalls() {
    let stalled = open_ended(&[&format!("data: {}\n\n", piece(1, "One "))]).with_silence();
    let (client, _) = scripted([stalled]);
    let options = CallOptions::new().with_deadline(Timeout::After(Duration::from_secs(5)));
    let call = client.interactions().create(MODEL).set_input("Count.");
    let mut stream = call.with_options(options).stream().await.unwrap();
    assert!(stream.next().await.unwrap().is_ok());
    let error = stream.next().await.unwrap().unwrap_err();
    assert!(error.is_timeout(), "{error}");
}

#[tokio::test(start_paused = true)]
async fn one_deadline_covers_the_parts_of_an_interaction_and_may_be_the_client_s() {
    let slow = Duration::from_secs(3);
    let stopped = json!({"id": "a", "status": "requires_continuation",
        "continuation_token": "AAAA"});
    let event = json!({"event_type": "interaction.completed", "interaction": stopped});
    for streamed in [false, true] {
        let part = match streamed {
            true => events(std::slice::from_ref(&event)),
            false => Reply::json(200, stopped.to_string()),
        };
        let part = part.with_delay(slow);
        let http = ScriptedTransport::new([part.clone(), part]);
        let options = CallOptions::new().with_deadline(Timeout::After(Duration::from_secs(5)));
        let builder = GeminiClient::builder().with_api_key("key");
        let builder = builder.with_http(Arc::new(http.clone()));
        let client = builder.with_options(options).build().unwrap();
        let call = client.interactions().create(MODEL).set_input("Count.");
        let began = tokio::time::Instant::now();
        let error = match streamed {
            true => call.stream().await.unwrap().collect().await.err(),
            false => call.send().await.err(),
        };
        let error = error.unwrap();
        assert!(error.is_deadline(), "{error}");
        assert_eq!(began.elapsed(), Duration::from_secs(5));
        assert_eq!(http.request_count(), 2);
        let interrupted = ContinuationInterrupted::of(&error).unwrap();
        assert_eq!(interrupted.continuation_token(), "AAAA");
    }
}
