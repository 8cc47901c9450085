//! Interactions: answers as steps, conversations, work on the clock, events, and what is left to say.

use std::{num::NonZeroUsize, sync::Arc, time::Duration};

use gimmal_emulator::{Emulator, ManualClock};
use reqwest::Method;
use serde_json::{Value, json};

use crate::client::{Answer, MODEL, Session};

const PATH: &str = "v1/interactions";
const AGENT: &str = "antigravity-preview-05-2026";
const FACT: &str = "The ferry to Utne leaves at a quarter past seven.";
const TAKES: Duration = Duration::from_secs(400);

async fn timed() -> (Session, ManualClock) {
    let clock = ManualClock::new();
    let builder = Emulator::builder()
        .with_clock(Arc::new(clock.clone()))
        .with_operation_time(TAKES)
        .with_failing_operation("doomed");
    (Session::start(builder).await, clock)
}

fn about(fields: Value) -> Value {
    let mut body = json!({ "model": MODEL, "input": "Hello" });
    for (name, value) in fields.as_object().expect("an object") {
        body[name] = value.clone();
    }
    body
}

async fn create(session: &Session, fields: Value) -> Answer {
    session.post(PATH, &about(fields)).await
}

fn path(interaction: &Value) -> String {
    format!("{PATH}/{}", interaction["id"].as_str().expect("an id"))
}

fn words(interaction: &Value) -> String {
    let steps = interaction["steps"].as_array().into_iter().flatten();
    let contents = steps
        .filter(|step| step["type"] == "model_output")
        .flat_map(|step| step["content"].as_array().into_iter().flatten());
    contents
        .filter_map(|content| content["text"].as_str())
        .collect()
}

/// The events of a reply; the last is the marker of the end.
fn events(body: &str) -> Vec<Value> {
    let mut blocks: Vec<&str> = body.trim_end().split("\n\n").collect();
    assert_eq!(blocks.pop(), Some("event: done\ndata: [DONE]"));
    let block = |block: &str| {
        let (name, data) = block.split_once("\ndata: ").expect("data");
        let event: Value = serde_json::from_str(data).expect("JSON");
        assert_eq!(name.strip_prefix("event: "), event["event_type"].as_str());
        event
    };
    blocks.into_iter().map(block).collect()
}

async fn stream(session: &Session, path: &str) -> Vec<Value> {
    let reply = session.request(Method::GET, path).send().await;
    let reply = reply.expect("a reply");
    assert_eq!(reply.headers()["content-type"], "text/event-stream");
    events(&reply.text().await.expect("a body"))
}

#[tokio::test]
async fn conversations_go_on_and_stay_their_owners() {
    let session = Session::plain().await;
    let first = create(&session, json!({ "input": FACT })).await.ok();
    let second = json!({ "input": [{ "type": "user_input", "content": [
        { "type": "text", "text": "When does the ferry to Utne leave?" }] }],
        "previous_interaction_id": first["id"] });
    let second = create(&session, second).await.ok();
    assert!(words(&second).starts_with(FACT), "{second}");
    let shown = session
        .get(&format!("{}?include_input=true", path(&second)))
        .await
        .ok();
    assert_eq!(shown["input"][0]["type"], "user_input");
    assert_eq!(shown["steps"], second["steps"]);

    let unkept = create(&session, json!({ "store": false })).await.ok();
    assert_eq!(unkept["id"], "");
    session.delete(&path(&first)).await.ok();
    session.get(&path(&first)).await.refused(404, "NOT_FOUND");
    let stranger = session.with_key("other");
    stranger.get(&path(&second)).await.refused(404, "NOT_FOUND");
}

#[tokio::test]
async fn the_background_follows_the_clock() {
    let (session, clock) = timed().await;
    let made = create(&session, json!({ "background": true })).await.ok();
    assert_eq!(
        (&made["status"], &made["steps"]),
        (&json!("queued"), &json!([]))
    );
    clock.advance(TAKES / 2);
    let half = session.get(&path(&made)).await.ok();
    assert_eq!(half["status"], "in_progress");
    let early = json!({ "previous_interaction_id": made["id"] });
    create(&session, early)
        .await
        .refused(400, "FAILED_PRECONDITION");
    clock.advance(TAKES);
    let done = session.get(&path(&made)).await.ok();
    assert_eq!(done["status"], "completed");
    assert!(!words(&done).is_empty(), "{done}");
    assert!(done["usage"]["total_tokens"].as_u64() > Some(0), "{done}");

    let broken = json!({ "background": true, "input": "A doomed question" });
    let broken = create(&session, broken).await.ok();
    clock.advance(TAKES);
    let broken = session.get(&path(&broken)).await.ok();
    assert_eq!(broken["status"], "failed");
    assert_eq!(broken["errors"][0]["code"], "internal");
}

#[tokio::test]
async fn cancelled_work_stays_undone() {
    let (session, clock) = timed().await;
    let made = create(&session, json!({ "background": true })).await.ok();
    let cancel = format!("{}/cancel", path(&made));
    clock.advance(TAKES / 2);
    let stopped = session.post(&cancel, &json!({})).await.ok();
    assert_eq!(stopped["status"], "cancelled");
    clock.advance(TAKES);
    let later = session.get(&path(&made)).await.ok();
    assert_eq!(later["steps"], json!([]));
    let told = stream(&session, &format!("{}?stream=true", path(&made))).await;
    let end = told.last().expect("an end");
    assert_eq!(end["interaction"]["status"], "cancelled");
    assert!(
        told.iter()
            .any(|event| event["event_type"] == "interaction.created")
    );

    let plain = create(&session, json!({})).await.ok();
    let refused = session
        .post(&format!("{}/cancel", path(&plain)), &json!({}))
        .await;
    refused.refused(400, "FAILED_PRECONDITION");
}

#[tokio::test]
async fn events_rebuild_the_interaction() {
    let session = Session::plain().await;
    let body = about(
        json!({ "stream": true, "tools": [{ "type": "google_search" }],
        "generation_config": { "thinking_summaries": "auto" } }),
    );
    let reply = session.request(Method::POST, PATH).body(body.to_string());
    let reply = reply.send().await.expect("a reply");
    let told = events(&reply.text().await.expect("a body"));
    let id = told[0]["interaction"]["id"].as_str().expect("an id");
    let whole = session.get(&format!("{PATH}/{id}")).await.ok();
    let starts: Vec<&Value> = told
        .iter()
        .filter(|event| event["event_type"] == "step.start")
        .map(|event| &event["step"]["type"])
        .collect();
    let steps = whole["steps"].as_array().expect("steps");
    let kinds: Vec<&Value> = steps.iter().map(|step| &step["type"]).collect();
    assert_eq!(starts, kinds);
    let said: String = told
        .iter()
        .filter(|event| event["delta"]["type"] == "text")
        .filter_map(|event| event["delta"]["text"].as_str())
        .collect();
    assert_eq!(said, words(&whole));

    // A stream can be taken up behind any event.
    let path = format!("{PATH}/{id}?stream=true");
    assert_eq!(stream(&session, &path).await, told);
    for (at, event) in told.iter().enumerate() {
        let last = event["event_id"].as_str().expect("an id");
        let rest = stream(&session, &format!("{path}&last_event_id={last}")).await;
        assert_eq!(rest, told[at + 1..], "after {last}");
    }
    let unknown = session.get(&format!("{path}&last_event_id=none")).await;
    unknown.refused(400, "INVALID_ARGUMENT");
    let alone = session
        .get(&format!("{PATH}/{id}?last_event_id=evt_1"))
        .await;
    alone.refused(400, "INVALID_ARGUMENT");
}

#[tokio::test]
async fn events_of_the_background_come_in_their_time() {
    let (session, clock) = timed().await;
    let made = create(&session, json!({ "background": true })).await.ok();
    let path = format!("{}?stream=true", path(&made));
    let reply = session.request(Method::GET, &path).send();
    let mut reply = reply.await.expect("a reply");
    let first = reply.chunk().await.expect("a reply").expect("an event");
    assert!(
        first.starts_with(b"event: interaction.created"),
        "{first:?}"
    );
    // Nothing else comes while the clock stands.
    let rest = tokio::spawn(async move { reply.text().await.expect("a body") });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!rest.is_finished());
    while !rest.is_finished() {
        clock.advance(TAKES / 10);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    let rest = rest.await.expect("no panic");
    let told = events(&rest);
    let end = told.last().expect("an end");
    assert_eq!(end["interaction"]["status"], "completed");
}

#[tokio::test]
async fn what_is_left_to_say_follows_by_token() {
    let limit = NonZeroUsize::new(4).expect("not zero");
    let session = Session::start(Emulator::builder().with_decode_limit(limit)).await;
    let input = json!([{ "type": "text", "text": FACT },
        { "type": "text", "text": "When does the ferry to Utne leave?" }]);
    let mut part = create(&session, json!({ "input": input })).await.ok();
    let mut said = words(&part);
    let mut parts = 1;
    while part["status"] == "requires_continuation" {
        let body = json!({ "model": MODEL, "continuation_token": part["continuation_token"],
            "previous_interaction_id": part["id"] });
        part = session.post(PATH, &body).await.ok();
        said += &words(&part);
        parts += 1;
    }
    assert_eq!(said, FACT);
    assert!(parts > 2, "{parts}");
    let unknown = json!({ "model": MODEL, "continuation_token": "none" });
    let refused = session.post(PATH, &unknown).await;
    refused.refused(400, "INVALID_ARGUMENT");
}

#[tokio::test]
async fn functions_are_called_and_answered() {
    let session = Session::plain().await;
    let tool = json!({ "type": "function", "name": "departures",
        "description": "Tells when the ferry leaves a quay.",
        "parameters": { "type": "object", "properties": { "quay": { "type": "string" } },
            "required": ["quay"] } });
    let input = "What is the departure time in Kinsarvik?";
    let asked = create(&session, json!({ "input": input, "tools": [tool] }))
        .await
        .ok();
    assert_eq!(asked["status"], "requires_action");
    let steps = asked["steps"].as_array().expect("steps");
    let call = steps.iter().find(|step| step["type"] == "function_call");
    let call = call.expect("a call");
    assert_eq!(call["arguments"]["quay"], "Kinsarvik");
    let answer = json!({ "tools": [tool], "previous_interaction_id": asked["id"], "input": [
        { "type": "function_result", "call_id": call["id"], "name": "departures",
          "result": { "departure": "a quarter past seven" } }] });
    let answer = create(&session, answer).await.ok();
    assert!(words(&answer).contains("a quarter past seven"), "{answer}");
}

#[tokio::test]
async fn requests_are_checked() {
    let session = Session::plain().await;
    for (fields, part) in [
        (json!({ "agent": AGENT }), "exactly one of model and agent"),
        (json!({ "background": true, "store": false }), "stored"),
        (json!({ "input": [] }), "input"),
        (json!({ "input": [{ "type": "riddle" }] }), "riddle"),
        (json!({ "surprise": 1 }), "surprise"),
        (json!({ "stream": "yes" }), "stream"),
        (json!({ "tools": [{ "type": "function" }] }), "name"),
        (
            json!({ "generation_config": { "temperature": 9 } }),
            "temperature",
        ),
    ] {
        let refused = create(&session, fields.clone()).await;
        let message = refused.refused(400, "INVALID_ARGUMENT");
        assert!(message.contains(part), "{fields}: {message}");
    }
    let unknown = create(&session, json!({ "model": "gemini-none" })).await;
    unknown.refused(404, "NOT_FOUND");
    let unknown = json!({ "agent": "nobody", "input": "x" });
    session.post(PATH, &unknown).await.refused(404, "NOT_FOUND");
    let slow = json!({ "agent": "deep-research-preview-04-2026", "input": "x" });
    session
        .post(PATH, &slow)
        .await
        .refused(400, "INVALID_ARGUMENT");
    let unnamed = session
        .bare(Method::POST, PATH)
        .body(about(json!({})).to_string());
    assert_eq!(unnamed.send().await.expect("a reply").status(), 403);
}
