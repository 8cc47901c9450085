//! One deadline for all the requests of a reply, and for what runs between them.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use gimmal_client::gemini::{Function, GeminiClient, GenerateContent};
use gimmal_client::transport::TimeoutKind;
use gimmal_client::transport::testing::{Reply, ScriptedTransport};
use gimmal_client::types::gemini::FunctionDeclaration;
use gimmal_client::{CallOptions, Error, Timeout};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use crate::support::{MODEL, calls, chunks, client, echo, says, whole};

const LIMIT: Duration = Duration::from_secs(5);
/// What a reply takes: two of them are too many.
const SLOW: Duration = Duration::from_secs(3);

fn options() -> CallOptions {
    CallOptions::new().with_deadline(Timeout::After(LIMIT))
}

fn call(replies: impl IntoIterator<Item = Reply>) -> (GenerateContent, ScriptedTransport) {
    let (client, http) = client(replies);
    let call = client.models().generate_content(MODEL).set_contents(["q"]);
    (call.with_options(options()), http)
}

fn cut(text: &str) -> Value {
    json!({"candidates": [{"content": {"role": "model", "parts": [{"text": text}]},
                           "finishReason": "CONTINUATION", "continuationToken": "AAAA"}]})
}

/// The call ended when its time was over, and says how much that was.
fn assert_late(error: &Error, began: Instant) {
    assert_eq!(error.timeout_kind(), Some(TimeoutKind::Deadline));
    assert!(error.to_string().contains("5s"), "{error}");
    assert_eq!(began.elapsed(), LIMIT);
}

/// Covers: models.generate_content
#[tokio::test(start_paused = true)]
async fn the_deadline_covers_all_rounds_of_functions() {
    let round = calls(&[("f", json!({}))]);
    let (call, http) = call([
        whole(&round).with_delay(SLOW),
        whole(&says("late")).with_delay(SLOW),
    ]);
    let began = Instant::now();
    let error = call.with_functions([echo("f")]).send().await.unwrap_err();
    assert_late(&error, began);
    assert_eq!(http.request_count(), 2);
}

/// Covers: models.generate_content
#[tokio::test(start_paused = true)]
async fn the_deadline_covers_the_parts_of_a_cut_reply() {
    let (call, http) = call([
        whole(&cut("a")).with_delay(SLOW),
        whole(&says("late")).with_delay(SLOW),
    ]);
    let began = Instant::now();
    assert_late(&call.send().await.unwrap_err(), began);
    assert_eq!(http.request_count(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_deadline_covers_a_function_that_hangs() {
    for streamed in [false, true] {
        let round = calls(&[("hang", json!({}))]);
        let reply = match streamed {
            true => chunks(&[round]),
            false => whole(&round),
        };
        let (call, http) = call([reply]);
        let declaration = FunctionDeclaration::new().set_name("hang");
        let hang = Function::new(declaration, |_: Map<String, Value>| {
            std::future::pending::<Result<(), String>>()
        });
        let call = call.with_functions([hang]);
        let began = Instant::now();
        let error = match streamed {
            true => call.stream().await.unwrap().next().await.unwrap().err(),
            false => call.send().await.err(),
        };
        assert_late(&error.unwrap(), began);
        assert_eq!(http.request_count(), 1);
    }
}

/// Covers: models.generate_content_stream
#[tokio::test(start_paused = true)]
async fn the_deadline_covers_all_requests_of_a_stream() {
    let rounds = [calls(&[("f", json!({}))]), cut("a")];
    for first in rounds {
        let (call, http) = call([
            chunks(&[first]).with_delay(SLOW),
            chunks(&[says("late")]).with_delay(SLOW),
        ]);
        let began = Instant::now();
        let stream = call.with_functions([echo("f")]).stream().await.unwrap();
        let error = stream.collect().await.unwrap_err();
        assert_late(&error, began);
        assert_eq!(http.request_count(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn what_comes_after_the_deadline_is_not_asked_for() {
    let (call, http) = call([chunks(&[cut("a")]).with_delay(SLOW)]);
    let mut stream = call.stream().await.unwrap();
    assert!(stream.next().await.unwrap().is_ok());
    tokio::time::sleep(SLOW).await;
    let error = stream.next().await.unwrap().unwrap_err();
    assert!(error.is_deadline(), "{error}");
    assert!(stream.next().await.is_none());
    assert_eq!(http.request_count(), 1);
}

/// Covers: Chat.send_message
#[tokio::test(start_paused = true)]
async fn the_deadline_of_a_client_covers_a_message_of_a_chat() {
    let round = calls(&[("f", json!({}))]);
    let http = ScriptedTransport::new([
        whole(&round).with_delay(SLOW),
        whole(&says("late")).with_delay(SLOW),
        whole(&says("in time")).with_delay(SLOW),
    ]);
    let builder = GeminiClient::builder().with_api_key("key");
    let builder = builder.with_http(Arc::new(http.clone()));
    let client = builder.with_options(options()).build().unwrap();
    let chat = client.chats().create(MODEL).with_functions([echo("f")]);
    let mut chat = chat.start().unwrap();
    let began = Instant::now();
    assert_late(&chat.send_message("q").send().await.unwrap_err(), began);
    assert!(chat.history().is_empty());
    // Each message has its own time.
    let reply = chat.send_message("q").send().await.unwrap();
    assert_eq!(reply.body().text().unwrap(), "in time");
}
