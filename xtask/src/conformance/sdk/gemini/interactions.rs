//! Interactions: turns that the service keeps, their events, and work in the background.

use anyhow::ensure;
use base64::prelude::{BASE64_STANDARD, Engine as _};
use futures_util::TryStreamExt as _;
use gimmal_client::Error;
use gimmal_client::gemini::{CreateInteraction, InteractionEvents};
use gimmal_client::types::gemini::interactions::{
    Interaction, InteractionRequest, InteractionSseEvent, InteractionStatus, InteractionsInput,
    ResponseFormats, Step, StepDeltaData, Tool,
};
use serde_json::{Value, json};

use super::bench::{FACT, MODEL, QUESTION, among, declined, given, of, same};
use super::work::until;
use crate::conformance::sdk::emulators::Settings;
use crate::conformance::sdk::ours::{Backend, Bench, Cases};

pub(super) const AGENT: &str = "antigravity-preview-05-2026";
const DEPARTURE: &str = "What is the departure time in Kinsarvik?";
const ARRIVAL: &str = "a quarter past seven";

pub(super) fn add(cases: &mut Cases) {
    let standing = Settings::standing();
    let mut create = cases.group(Backend::BOTH, "interactions.create");
    create.add("reply", reply);
    for (row, input) in inputs() {
        create.add(format!("input:{row}"), move |bench| {
            takes(bench, input.clone())
        });
    }
    create.add("goes on", goes_on);
    create.add("goes on with nothing", goes_on_with_nothing);
    create.add("functions", functions);
    create.add("stream", streams);
    create.add("stream of calls", streams_calls);
    create.add_with(&standing, "in the background", in_the_background);
    create.add("settings and media", settings_and_media);
    create.add("search", searches);
    let mut create = cases.group(Backend::DEVELOPER, "interactions.create");
    create.add("not stored", not_stored);
    create.add("stream in the background", streams_in_the_background);
    for (row, code, request) in [
        (
            "unknown model",
            404,
            json!({"model": "gemini-none", "input": "x"}),
        ),
        ("no input", 400, json!({"model": MODEL, "input": []})),
        (
            "kept nowhere",
            400,
            json!({"model": MODEL, "input": "x", "background": true, "store": false}),
        ),
        (
            "agent that takes its time",
            400,
            json!({"agent": "deep-research-preview-04-2026", "input": "x"}),
        ),
    ] {
        create.add(format!("bad:{row}"), move |bench| {
            declines(bench, request.clone(), code)
        });
    }

    let mut get = cases.group(Backend::BOTH, "interactions.get");
    get.add("stream again", streams_again);
    get.add("with its input", gets_input);
    get.add("unknown", gets_unknown);
    let mut get = cases.group(Backend::DEVELOPER, "interactions.get");
    get.add("stream after an unknown event", streams_after_nothing);
    get.add("somebody else's", gets_foreign);
    let mut cancel = cases.group(Backend::BOTH, "interactions.cancel");
    cancel.add_with(&standing, "in the background", cancels);
    let mut cancel = cases.group(Backend::DEVELOPER, "interactions.cancel");
    cancel.add("done already", cancels_too_late);
    let mut delete = cases.group(Backend::BOTH, "interactions.delete");
    delete.add("gone afterwards", deletes);
}

/// The fact and the question about it.
fn asked() -> Value {
    json!([{"type": "text", "text": FACT}, {"type": "text", "text": QUESTION}])
}

fn inputs() -> [(&'static str, Value); 3] {
    let hello = json!([{"type": "text", "text": "Hello"}]);
    [
        ("a text", json!("Hello")),
        ("parts", asked()),
        ("steps", json!([{"type": "user_input", "content": hello}])),
    ]
}

fn quay() -> Value {
    json!({
        "type": "object", "properties": {"quay": {"type": "string"}}, "required": ["quay"],
    })
}

fn departures() -> anyhow::Result<[Tool; 1]> {
    Ok([of(json!({
        "type": "function", "name": "departures", "parameters": quay(),
        "description": "Tells when the ferry leaves a quay.",
    }))?])
}

/// An interaction with the usual model.
fn create(bench: &Bench, input: Value) -> anyhow::Result<CreateInteraction> {
    let call = bench.client()?.interactions().create(MODEL);
    Ok(call.set_input(of::<InteractionsInput>(input)?))
}

async fn sent(call: CreateInteraction) -> anyhow::Result<(Interaction, String)> {
    let made = call.send().await?.into_body();
    let name = given(made.id.clone())?;
    Ok((made, name))
}

async fn made(bench: &Bench) -> anyhow::Result<(Interaction, String)> {
    sent(create(bench, asked())?).await
}

async fn got(bench: &Bench, name: &str) -> anyhow::Result<Interaction> {
    let call = bench.client()?.interactions().get(name);
    Ok(call.send().await?.into_body())
}

async fn gone(bench: &Bench, name: &str) -> anyhow::Result<()> {
    declined(bench.client()?.interactions().get(name).send().await, 404)
}

async fn all(stream: InteractionEvents) -> Result<Vec<InteractionSseEvent>, Error> {
    stream.try_collect().await
}

/// The kinds of the events, as they come over the wire.
fn kinds(events: &[InteractionSseEvent]) -> Vec<String> {
    let kind = |event| json!(event)["event_type"].as_str().map(str::to_owned);
    events.iter().filter_map(kind).collect()
}

fn places(events: &[InteractionSseEvent]) -> Vec<Option<&str>> {
    events.iter().map(InteractionSseEvent::event_id).collect()
}

fn text_of(events: &[InteractionSseEvent]) -> String {
    events
        .iter()
        .filter_map(InteractionSseEvent::text)
        .collect()
}

/// The interaction that the last event tells of: its name and status.
fn end(events: &[InteractionSseEvent]) -> anyhow::Result<(String, InteractionStatus)> {
    let Some(InteractionSseEvent::Completed(event)) = events.last() else {
        anyhow::bail!("the stream does not end: {:?}", kinds(events));
    };
    let told = given(event.interaction.as_ref())?;
    Ok((given(told.id.clone())?, given(told.status.clone())?))
}

async fn reply(bench: Bench) -> anyhow::Result<()> {
    let (made, _) = made(&bench).await?;
    ensure!(made.created.is_some() && made.updated.is_some(), "no times");
    same(made.status.as_ref(), Some(&InteractionStatus::Completed))?;
    same(json!(made.model), json!(MODEL))?;
    among(FACT, made.output_text())?;
    let usage = given(made.usage)?;
    let sum = given(usage.total_input_tokens)? + given(usage.total_output_tokens)?;
    same(usage.total_tokens, Some(sum))
}

async fn takes(bench: Bench, input: Value) -> anyhow::Result<()> {
    let (made, _) = sent(create(&bench, input)?).await?;
    ensure!(!made.output_text().is_empty(), "no answer");
    Ok(())
}

async fn not_stored(bench: Bench) -> anyhow::Result<()> {
    let call = create(&bench, json!("Hello"))?.set_store(false);
    let made = call.send().await?.into_body();
    ensure!(!made.output_text().is_empty(), "no answer");
    same(made.id.unwrap_or_default(), "")
}

async fn goes_on(bench: Bench) -> anyhow::Result<()> {
    let (first, name) = sent(create(&bench, json!(FACT))?).await?;
    let call = create(&bench, json!(QUESTION))?.set_previous_interaction_id(&*name);
    let (second, _) = sent(call).await?;
    among(FACT, second.output_text())?;
    same(second.previous_interaction_id, Some(name))?;
    let (before, after) = (given(first.usage)?, given(second.usage)?);
    ensure!(
        after.total_input_tokens > before.total_input_tokens,
        "{after:?}"
    );
    Ok(())
}

async fn goes_on_with_nothing(bench: Bench) -> anyhow::Result<()> {
    let call = create(&bench, json!("x"))?.set_previous_interaction_id("nothing");
    declined(call.send().await, 404)
}

async fn functions(bench: Bench) -> anyhow::Result<()> {
    let call = create(&bench, json!(DEPARTURE))?.set_tools(departures()?);
    let (asked, name) = sent(call).await?;
    same(
        asked.status.as_ref(),
        Some(&InteractionStatus::RequiresAction),
    )?;
    let calls: Vec<_> = asked.pending_calls().collect();
    same(
        (calls.len(), calls[0].name.as_deref()),
        (1, Some("departures")),
    )?;
    ensure!(
        given(calls[0].arguments.as_ref())?.contains_key("quay"),
        "no quay"
    );
    let told = bench.client()?.interactions().create(MODEL);
    let told = told.set_input(vec![calls[0].answer(json!({"departure": ARRIVAL}))]);
    let told = told
        .set_tools(departures()?)
        .set_previous_interaction_id(name);
    let (answer, _) = sent(told).await?;
    same(answer.status.as_ref(), Some(&InteractionStatus::Completed))?;
    among(ARRIVAL, answer.output_text())
}

async fn streams(bench: Bench) -> anyhow::Result<()> {
    let events = all(create(&bench, asked())?.stream().await?).await?;
    let kinds = kinds(&events);
    same(
        kinds.first().map(String::as_str),
        Some("interaction.created"),
    )?;
    same(
        kinds.last().map(String::as_str),
        Some("interaction.completed"),
    )?;
    let count = |kind| kinds.iter().filter(|other| *other == kind).count();
    ensure!(
        count("step.start") > 0 && count("step.stop") > 0,
        "{kinds:?}"
    );
    ensure!(count("step.delta") > 1, "{kinds:?}");
    among(FACT, text_of(&events))?;
    let mut places = places(&events);
    places.sort_unstable();
    places.dedup();
    same((places.len(), places[0].is_some()), (events.len(), true))
}

async fn streams_calls(bench: Bench) -> anyhow::Result<()> {
    let call = create(&bench, json!(DEPARTURE))?.set_tools(departures()?);
    let events = all(call.stream().await?).await?;
    let piece = |event: &InteractionSseEvent| {
        let InteractionSseEvent::StepDelta(step) = event else {
            return None;
        };
        match &**step.delta.as_ref()? {
            StepDeltaData::Arguments(delta) => delta.arguments.clone(),
            _ => None,
        }
    };
    among("quay", events.iter().filter_map(piece).collect::<String>())?;
    same(end(&events)?.1, InteractionStatus::RequiresAction)
}

async fn streams_again(bench: Bench) -> anyhow::Result<()> {
    let events = all(create(&bench, asked())?.stream().await?).await?;
    let ((name, _), places_before) = (end(&events)?, places(&events));
    let interactions = bench.client()?.interactions();
    let again = all(interactions.get(&*name).stream().await?).await?;
    same(places(&again), &*places_before)?;
    let half = places_before.len() / 2;
    let rest = interactions
        .get(name)
        .set_last_event_id(given(places_before[half])?);
    let rest = all(rest.stream().await?).await?;
    same(places(&rest), &places_before[half + 1..])
}

async fn streams_after_nothing(bench: Bench) -> anyhow::Result<()> {
    let (_, name) = made(&bench).await?;
    let call = bench.client()?.interactions().get(name);
    let opened = call.set_last_event_id("evt_none").stream().await;
    let outcome = match opened {
        Ok(stream) => all(stream).await,
        Err(error) => Err(error),
    };
    declined(outcome, 400)
}

async fn gets_input(bench: Bench) -> anyhow::Result<()> {
    let (made, name) = made(&bench).await?;
    let call = bench.client()?.interactions().get(&*name);
    let whole = call.set_include_input(true).send().await?.into_body();
    ensure!(whole.input.is_some(), "no input");
    let plain = got(&bench, &name).await?;
    same(
        (plain.input.is_some(), plain.output_text()),
        (false, made.output_text()),
    )
}

async fn gets_unknown(bench: Bench) -> anyhow::Result<()> {
    gone(&bench, "nothing").await
}

async fn gets_foreign(bench: Bench) -> anyhow::Result<()> {
    let (_, name) = made(&bench).await?;
    let other = bench.builder_with_key("another-key").build()?;
    declined(other.interactions().get(name).send().await, 404)
}

async fn in_the_background(bench: Bench) -> anyhow::Result<()> {
    let interactions = bench.client()?.interactions();
    let call = interactions.create_with_agent(AGENT).set_background(true);
    let (made, name) = sent(call.set_input("What is a fjord?")).await?;
    ensure!(made.is_running(), "{:?}", made.status);
    let is_done = |found: &Interaction| found.status == Some(InteractionStatus::Completed);
    let done = until(&bench, 0.1, || interactions.get(&*name).send(), is_done).await?;
    ensure!(!done.output_text().is_empty(), "no answer");
    same(json!(done.agent), json!(AGENT))
}

async fn streams_in_the_background(bench: Bench) -> anyhow::Result<()> {
    let call = create(&bench, json!(FACT))?.set_background(true);
    let events = all(call.stream().await?).await?;
    same(end(&events)?.1, InteractionStatus::Completed)?;
    ensure!(!text_of(&events).is_empty(), "no answer");
    Ok(())
}

async fn cancels(bench: Bench) -> anyhow::Result<()> {
    let call = create(&bench, json!("Hello"))?.set_background(true);
    let (_, name) = sent(call).await?;
    let stopped = bench.client()?.interactions().cancel(&*name).send().await?;
    let cancelled = Some(InteractionStatus::Cancelled);
    same(&stopped.into_body().status, &cancelled)?;
    same(got(&bench, &name).await?.status, cancelled)
}

async fn cancels_too_late(bench: Bench) -> anyhow::Result<()> {
    let (_, name) = made(&bench).await?;
    declined(
        bench.client()?.interactions().cancel(name).send().await,
        400,
    )
}

async fn deletes(bench: Bench) -> anyhow::Result<()> {
    let (_, name) = made(&bench).await?;
    bench.client()?.interactions().delete(&*name).send().await?;
    gone(&bench, &name).await
}

async fn settings_and_media(bench: Bench) -> anyhow::Result<()> {
    let picture = [&b"\x89PNG\r\n\x1a\n"[..], &[0; 40]].concat();
    let call = create(
        &bench,
        json!([
            {"type": "text", "text": "Answer with the name of a quay."},
            {"type": "image", "mime_type": "image/png", "data": BASE64_STANDARD.encode(picture)},
        ]),
    )?;
    let settings = json!({"max_output_tokens": 200, "temperature": 0.1, "seed": 7});
    let format = json!({"type": "text", "mime_type": "application/json", "schema": quay()});
    let call = call
        .set_system_instruction("Be short.")
        .set_generation_config(of(settings)?)
        .set_response_format(of::<ResponseFormats>(format)?);
    let answer: Value = serde_json::from_str(&sent(call).await?.0.output_text())?;
    ensure!(answer["quay"].is_string(), "{answer}");
    Ok(())
}

async fn searches(bench: Bench) -> anyhow::Result<()> {
    let search: Tool = of(json!({"type": "google_search"}))?;
    let call = create(&bench, json!("Who sails to Utne?"))?.set_tools([search]);
    let (made, _) = sent(call).await?;
    let [.., call, result, output] = &made.steps[..] else {
        anyhow::bail!("{:?}", made.steps);
    };
    ensure!(
        matches!(call, Step::GoogleSearchCall(_))
            && matches!(result, Step::GoogleSearchResult(_))
            && matches!(output, Step::ModelOutput(_)),
        "{:?}",
        made.steps
    );
    Ok(())
}

async fn declines(bench: Bench, request: Value, code: u16) -> anyhow::Result<()> {
    let request = if request.get("agent").is_some() {
        InteractionRequest::Agent(of(request)?)
    } else {
        InteractionRequest::Model(of(request)?)
    };
    let call = bench.client()?.interactions().request(request);
    declined(call.send().await, code)
}
