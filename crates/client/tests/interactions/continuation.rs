//! Models that have to stop: the library goes on by itself, whole and in events.

use std::num::NonZeroUsize;

use futures_util::StreamExt as _;
use gimmal_client::gemini::ContinuationInterrupted;
use gimmal_client::transport::testing::Reply;
use gimmal_client::types::gemini::interactions::{Content, InteractionStatus};
use gimmal_emulator::{Emulator, EmulatorBuilder, ResourceCall, Route};
use serde_json::{Value, json};

use crate::support::{FACT, MODEL, QUESTION, emulated, events, in_time, reply, scripted, sent};

fn short_winded() -> EmulatorBuilder {
    Emulator::builder().with_decode_limit(NonZeroUsize::new(4).unwrap())
}

fn input() -> Vec<Content> {
    vec![FACT.into(), QUESTION.into()]
}

fn part(id: &str, text: &str, token: Option<&str>) -> Value {
    let status = match token {
        Some(_) => "requires_continuation",
        None => "completed",
    };
    json!({"id": id, "status": status, "continuation_token": token, "steps": [
        {"type": "model_output", "content": [{"type": "text", "text": text}]}]})
}

fn created(id: &str) -> Value {
    json!({"event_type": "interaction.created", "event_id": format!("{id}-0"),
        "interaction": {"id": id, "status": "in_progress"}})
}

fn says(text: &str) -> Value {
    json!({"event_type": "step.delta", "index": 0, "delta": {"type": "text", "text": text}})
}

fn ended(id: &str, token: Option<&str>) -> Value {
    let mut interaction = part(id, "", token);
    interaction.as_object_mut().unwrap().remove("steps");
    json!({"event_type": "interaction.completed", "interaction": interaction})
}

#[tokio::test]
async fn parts_become_one_interaction() {
    for store in [true, false] {
        let (client, emulator) = emulated(short_winded(), false).await;
        let call = client.interactions().create(MODEL).set_input(input());
        let made = in_time(call.clone().set_store(store).send()).await.unwrap();
        let made = made.into_body();
        assert_eq!(made.output_text(), FACT);
        assert_eq!(made.status, Some(InteractionStatus::Completed));
        let create = Route::Resource(ResourceCall::CreateInteraction);
        let requests = emulator.journal().count(create);
        assert!(requests > 2, "{requests}");

        let mut stream = in_time(call.clone().set_store(store).stream())
            .await
            .unwrap();
        let mut said = String::new();
        while let Some(event) = in_time(stream.next()).await {
            said += event.unwrap().text().unwrap_or_default();
        }
        assert_eq!(said, FACT);
        assert_eq!(emulator.journal().count(create), requests * 2);

        let alone = call.set_store(store).with_automatic_continuation(false);
        let alone = in_time(alone.send()).await.unwrap().into_body();
        assert_eq!(alone.status, Some(InteractionStatus::RequiresContinuation));
        assert!(alone.token_to_continue().is_some());
        emulator.shutdown().await;
    }
}

#[tokio::test]
async fn later_requests_name_the_part_before_or_say_everything_again() {
    for store in [true, false] {
        let (client, http) = scripted([
            reply(&part("a", "One ", Some("t1"))),
            reply(&part("b", "two", None)),
        ]);
        let call = client.interactions().create(MODEL).set_input("Count.");
        let made = in_time(call.set_store(store).send()).await.unwrap();
        assert_eq!(made.body().output_text(), "One two");
        let sent = sent(&http);
        assert_eq!(sent[1].1["continuation_token"], "t1");
        match store {
            true => {
                assert_eq!(sent[1].1["previous_interaction_id"], "a");
                assert!(sent[1].1.get("input").is_none(), "{}", sent[1].1);
            }
            false => assert_eq!(sent[1].1["input"], "Count."),
        }
    }
}

#[tokio::test]
async fn a_refused_part_says_what_came_before() {
    let refused = Reply::json(
        400,
        r#"{"error": {"code": 400, "message": "no", "status": "INVALID_ARGUMENT"}}"#,
    );
    let (client, _) = scripted([reply(&part("a", "One ", Some("t1"))), refused]);
    let call = client.interactions().create(MODEL).set_input("Count.");
    let error = in_time(call.send()).await.unwrap_err();
    assert_eq!(error.status().map(|status| status.as_u16()), Some(400));
    let place = ContinuationInterrupted::of(&error).unwrap();
    assert_eq!(place.continuation_token(), "t1");
    assert_eq!(place.interaction_id(), Some("a"));
    assert_eq!(place.partial().unwrap().output_text(), "One ");
    assert_eq!(place.continuation_ids(), ["a"]);
}

#[tokio::test]
async fn a_token_that_leads_to_itself_ends_the_matter() {
    let (client, http) = scripted([
        reply(&part("a", "One ", Some("t"))),
        reply(&part("a", "two", Some("t"))),
    ]);
    let call = client.interactions().create(MODEL).set_input("Count.");
    let made = in_time(call.send()).await.unwrap().into_body();
    assert_eq!(made.output_text(), "One two");
    assert_eq!(made.token_to_continue(), Some("t"));
    assert_eq!(http.request_count(), 2);
}

#[tokio::test]
async fn a_stream_that_ends_with_a_token_goes_on() {
    let (client, http) = scripted([
        events(&[created("a"), says("One "), ended("a", Some("t1"))]),
        events(&[created("b"), says("two"), ended("b", None)]),
    ]);
    let call = client.interactions().create(MODEL).set_input("Count.");
    let stream = in_time(call.stream()).await.unwrap();
    let whole = in_time(stream.collect()).await.unwrap();
    assert_eq!(whole.output_text(), "One two");
    assert_eq!(whole.status, Some(InteractionStatus::Completed));
    let sent = sent(&http);
    assert_eq!(sent[1].1["continuation_token"], "t1");
    assert_eq!(sent[1].1["previous_interaction_id"], "a");
    assert_eq!(sent[1].1["stream"], true);
}

#[tokio::test]
async fn a_stream_that_is_refused_later_tells_where_it_was() {
    let refused = Reply::json(
        404,
        r#"{"error": {"code": 404, "message": "gone", "status": "NOT_FOUND"}}"#,
    );
    let first = events(&[created("a"), says("One "), ended("a", Some("t1"))]);
    let (client, _) = scripted([first, refused]);
    let call = client.interactions().create(MODEL).set_input("Count.");
    let mut stream = in_time(call.stream()).await.unwrap();
    let mut said = String::new();
    let error = loop {
        match in_time(stream.next()).await {
            Some(Ok(event)) => said += event.text().unwrap_or_default(),
            Some(Err(error)) => break error,
            None => panic!("no error"),
        }
    };
    assert_eq!(said, "One ");
    let place = ContinuationInterrupted::of(&error).unwrap();
    assert_eq!(
        (place.continuation_token(), place.interaction_id()),
        ("t1", Some("a"))
    );
    assert!(place.partial().is_none());
    assert!(in_time(stream.next()).await.is_none());
}
