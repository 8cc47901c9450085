//! A short conversation in a Live session: with the service when an API key is in the environment,
//! else with an emulator inside of the program.

use std::error::Error;
use std::io::Write as _;

use futures_util::StreamExt as _;
use gimmal_client::gemini::Function;
use gimmal_client::types::gemini::{FunctionDeclaration, Modality};
use serde_json::{Map, Value};

mod support;

const MODEL: &str = "gemini-live-2.5-flash-preview";
const FACT: &str = "The ferry to Halden leaves at noon from the second pier.";
const QUESTIONS: [&str; 2] = [
    "When does the ferry leave?",
    "What is the weather in Halden?",
];

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout();
    let (client, emulator) = support::connect().await?;

    let declaration = FunctionDeclaration::new()
        .set_name("get_weather")
        .set_description("Reports the weather of a place.");
    let weather = Function::new(declaration, |_: Map<String, Value>| async {
        Ok::<_, String>("rain until noon, then sun")
    });
    let call = client
        .live()
        .connect(MODEL)
        .set_response_modalities([Modality::Text])
        .with_functions([weather]);
    let mut session = call.send().await?;

    // The model waits for more.
    session.send_client_content([FACT], false).await?;
    for question in QUESTIONS {
        writeln!(out, "> {question}")?;
        session.send_client_content([question], true).await?;
        // All messages, and not `receive`, so that calls can be answered on the way.
        while let Some(message) = session.next().await {
            let message = message?;
            if let Some(call) = &message.tool_call {
                session.answer(call).await?;
            }
            write!(out, "{}", message.text().unwrap_or_default())?;
            if message.ends_turn() {
                break;
            }
        }
        writeln!(out)?;
    }
    session.close().await;
    if let Some(emulator) = emulator {
        emulator.shutdown().await;
    }
    Ok(())
}
