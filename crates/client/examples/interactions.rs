//! A conversation that the service keeps, a function that it calls, and work in the background:
//! with the service when an API key is in the environment, else with an emulator inside of the
//! program.

use std::error::Error;
use std::io::Write as _;

use futures_util::TryStreamExt as _;
use gimmal_client::types::gemini::interactions::{Function, Tool};
use serde_json::json;

mod support;

const MODEL: &str = "gemini-2.5-flash";
const FACT: &str = "The ferry to Utne leaves at a quarter past seven.";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout();
    let (client, emulator) = support::connect().await?;
    let interactions = client.interactions();

    // Each turn names the one before: the service keeps what was said.
    let first = interactions.create(MODEL).set_input(FACT);
    let first = first.send().await?.into_body();
    let id = first.id.clone().unwrap_or_default();
    let question = "When does the ferry to Utne leave?";
    writeln!(out, "> {question}")?;
    let second = interactions
        .create(MODEL)
        .set_input(question)
        .set_previous_interaction_id(id);
    let mut events = second.stream().await?;
    while let Some(event) = events.try_next().await? {
        write!(out, "{}", event.text().unwrap_or_default())?;
    }
    writeln!(out)?;

    // A function is called, and its result is the input of the next turn.
    let departures = Function::new()
        .set_name("departures")
        .set_description("Tells when the ferry leaves a quay.")
        .set_parameters(json!({
            "type": "object",
            "properties": {"quay": {"type": "string"}},
            "required": ["quay"],
        }));
    let tools = [Tool::Function(departures)];
    let question = "What is the departure time in Kinsarvik?";
    writeln!(out, "> {question}")?;
    let asked = interactions.create(MODEL).set_input(question);
    let asked = asked.set_tools(tools.clone()).send().await?.into_body();
    let mut results = Vec::new();
    for call in asked.pending_calls() {
        writeln!(out, "(calls {})", call.name.as_deref().unwrap_or_default())?;
        results.push(call.answer(json!({"departure": "half past nine"})));
    }
    let told = interactions
        .create(MODEL)
        .set_input(results)
        .set_tools(tools)
        .set_previous_interaction_id(asked.id.clone().unwrap_or_default());
    let told = told.send().await?.into_body();
    writeln!(out, "{}", told.output_text())?;

    // The name of work in the background is enough to wait for it, in any process.
    let poller = interactions
        .create(MODEL)
        .set_input("What is a fjord?")
        .poller()
        .await?;
    let name = poller.name().to_owned();
    writeln!(out, "> What is a fjord? (in the background)")?;
    let done = interactions.poller(&name).await?;
    writeln!(out, "{}", done.output_text())?;

    for id in [first.id, asked.id, told.id, done.id].into_iter().flatten() {
        interactions.delete(id).send().await?;
    }
    if let Some(emulator) = emulator {
        emulator.shutdown().await;
    }
    Ok(())
}
