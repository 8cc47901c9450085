//! Interactions against the emulator: answers, conversations, work in the background, functions.

use std::time::Duration;

use futures_util::StreamExt as _;
use gimmal_client::ErrorKind;
use gimmal_client::types::gemini::interactions::{
    Content, Function, GenerationConfig, InteractionSseEvent, InteractionStatus, Step, Tool,
};
use gimmal_emulator::Emulator;
use serde_json::json;

use crate::support::{AGENT, FACT, MODEL, QUESTION, emulated, in_time, quick};

fn departures() -> Tool {
    let schema = json!({"type": "object", "properties": {"quay": {"type": "string"}},
        "required": ["quay"]});
    Tool::Function(
        Function::new()
            .set_name("departures")
            .set_description("Tells when the ferry leaves a quay.")
            .set_parameters(schema),
    )
}

/// Covers: interactions.create, interactions.get, interactions.delete
#[tokio::test]
async fn an_answer_is_kept_until_it_is_deleted() {
    for vertex in [false, true] {
        let (client, emulator) = emulated(Emulator::builder(), vertex).await;
        let interactions = client.interactions();
        let input: Vec<Content> = vec![FACT.into(), QUESTION.into()];
        let call = interactions.create(MODEL).set_input(input);
        let made = in_time(call.send()).await.unwrap().into_body();
        assert_eq!(made.output_text(), FACT);
        assert_eq!(made.status, Some(InteractionStatus::Completed));
        let id = made.id.clone().unwrap();
        let got = in_time(interactions.get(&id).set_include_input(true).send()).await;
        let got = got.unwrap().into_body();
        assert_eq!(got.output_text(), FACT);
        assert!(got.input.is_some());
        assert_eq!(got.usage, made.usage);
        in_time(interactions.delete(&id).send()).await.unwrap();
        let gone = in_time(interactions.get(&id).send()).await.unwrap_err();
        assert_eq!(gone.status().map(|status| status.as_u16()), Some(404));
        emulator.shutdown().await;
    }
}

#[tokio::test]
async fn a_conversation_goes_on_by_the_name_of_its_last_turn() {
    let (client, emulator) = emulated(Emulator::builder(), false).await;
    let interactions = client.interactions();
    let first = interactions.create(MODEL).set_input(FACT).send();
    let first = in_time(first).await.unwrap().into_body();
    let second = interactions
        .create(MODEL)
        .set_input(QUESTION)
        .set_previous_interaction_id(first.id.clone().unwrap());
    let second = in_time(second.send()).await.unwrap().into_body();
    assert!(second.output_text().contains("a quarter past seven"));
    assert_eq!(second.previous_interaction_id, first.id);

    let unkept = interactions
        .create(MODEL)
        .set_input("Hello")
        .set_store(false);
    let unkept = in_time(unkept.send()).await.unwrap().into_body();
    assert_eq!(unkept.id.as_deref().unwrap_or(""), "");
    emulator.shutdown().await;
}

#[tokio::test]
async fn functions_are_called_and_answered() {
    let (client, emulator) = emulated(Emulator::builder(), false).await;
    let interactions = client.interactions();
    let asked = interactions
        .create(MODEL)
        .set_input("What is the departure time in Kinsarvik?")
        .set_tools([departures()]);
    let asked = in_time(asked.send()).await.unwrap().into_body();
    assert_eq!(asked.status, Some(InteractionStatus::RequiresAction));
    let calls: Vec<_> = asked.pending_calls().collect();
    assert_eq!(calls.len(), 1);
    assert_eq!(calls[0].name.as_deref(), Some("departures"));
    let answer = calls[0].answer(json!({"departure": "a quarter past seven"}));
    let told = interactions
        .create(MODEL)
        .set_input(vec![answer])
        .set_tools([departures()])
        .set_previous_interaction_id(asked.id.clone().unwrap());
    let told = in_time(told.send()).await.unwrap().into_body();
    assert!(told.output_text().contains("a quarter past seven"));
    assert_eq!(told.pending_calls().count(), 0);
    emulator.shutdown().await;
}

/// Covers: interactions.create, interactions.get
#[tokio::test]
async fn a_stream_rebuilds_the_interaction_and_can_be_taken_up() {
    let (client, emulator) = emulated(Emulator::builder(), false).await;
    let interactions = client.interactions();
    let input: Vec<Content> = vec![FACT.into(), QUESTION.into()];
    let call = interactions.create(MODEL).set_input(input);
    let call = call.set_generation_config(GenerationConfig::new().set_seed(3));
    let mut stream = in_time(call.stream()).await.unwrap();
    let mut places = Vec::new();
    let mut said = String::new();
    while let Some(event) = in_time(stream.next()).await {
        let event = event.unwrap();
        places.push(event.event_id().unwrap().to_owned());
        said += event.text().unwrap_or_default();
    }
    assert_eq!(said, FACT);
    assert_eq!(stream.parts().status, stream.status());
    assert_eq!(stream.parts().attempts, 1);
    assert_eq!(stream.last_event_id(), places.last().map(String::as_str));
    let id = stream.interaction_id().unwrap().to_owned();

    let again = interactions.get(&id).stream();
    let again = in_time(again).await.unwrap();
    let again = in_time(again.collect()).await.unwrap();
    let whole = in_time(interactions.get(&id).send()).await.unwrap();
    assert_eq!(again.output_text(), FACT);
    assert_eq!(again.steps, whole.body().steps);

    let half = places.len() / 2;
    let rest = interactions.get(&id).set_last_event_id(&places[half]);
    let mut rest = in_time(rest.stream()).await.unwrap();
    let mut left = Vec::new();
    while let Some(event) = in_time(rest.next()).await {
        left.push(event.unwrap().event_id().unwrap().to_owned());
    }
    assert_eq!(left, places[half + 1..]);
    emulator.shutdown().await;
}

/// Covers: interactions.create, interactions.get, interactions.cancel
#[tokio::test]
async fn work_in_the_background_is_waited_for_or_cancelled() {
    let (client, emulator) = emulated(quick(), false).await;
    let interactions = client.interactions();
    let call = interactions.create_with_agent(AGENT);
    let call = call.set_input("What is a fjord?").set_background(true);
    let poller = in_time(call.poller()).await.unwrap();
    let done = in_time(poller).await.unwrap();
    assert_eq!(done.status, Some(InteractionStatus::Completed));
    assert!(!done.output_text().is_empty());
    emulator.shutdown().await;

    let slow = Emulator::builder().with_operation_time(Duration::from_secs(600));
    let (client, emulator) = emulated(slow, true).await;
    let interactions = client.interactions();
    let call = interactions.create(MODEL).set_input("Hello");
    let call = in_time(call.set_background(true).send()).await;
    let made = call.unwrap().into_body();
    assert!(made.is_running(), "{made:?}");
    let id = made.id.unwrap();
    let stopped = in_time(interactions.cancel(&id).send()).await.unwrap();
    assert_eq!(stopped.body().status, Some(InteractionStatus::Cancelled));
    let ended = in_time(interactions.poller(&id)).await.unwrap_err();
    assert_eq!(ended.kind(), ErrorKind::Cancelled, "{ended}");
    emulator.shutdown().await;
}

#[tokio::test]
async fn events_of_the_background_come_as_it_works() {
    let (client, emulator) = emulated(quick(), false).await;
    let call = client.interactions().create(MODEL).set_input(FACT);
    let mut stream = in_time(call.set_background(true).stream()).await.unwrap();
    let mut last = None;
    while let Some(event) = in_time(stream.next()).await {
        last = Some(event.unwrap());
    }
    let Some(InteractionSseEvent::Completed(end)) = last else {
        panic!("{last:?}");
    };
    let told = end.interaction.unwrap();
    assert_eq!(told.status, Some(InteractionStatus::Completed));
    emulator.shutdown().await;
}

#[tokio::test]
async fn what_the_service_searched_stands_in_the_steps() {
    let (client, emulator) = emulated(Emulator::builder(), false).await;
    let call = client.interactions().create(MODEL);
    let call = call.set_input("Who sails to Utne?");
    let tool: Tool = serde_json::from_value(json!({"type": "google_search"})).unwrap();
    let made = in_time(call.set_tools([tool]).send()).await.unwrap();
    let kinds = &made.body().steps[made.body().steps.len() - 3..];
    assert!(
        matches!(
            kinds,
            [
                Step::GoogleSearchCall(_),
                Step::GoogleSearchResult(_),
                Step::ModelOutput(_)
            ]
        ),
        "{kinds:?}"
    );
    emulator.shutdown().await;
}
