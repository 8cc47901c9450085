//! A short conversation in a Live session: with the service when an API key is in the environment,
//! else with an emulator inside of the program.

use std::error::Error;
use std::io::Write as _;

use futures_util::StreamExt as _;
use gimmal_client::gemini::{Function, GeminiClient};
use gimmal_client::types::gemini::{FunctionDeclaration, Modality};
use gimmal_emulator::Emulator;
use serde_json::{Map, Value};

const MODEL: &str = "gemini-live-2.5-flash-preview";
const FACT: &str = "The ferry to Halden leaves at noon from the second pier.";
const QUESTIONS: [&str; 2] = [
    "When does the ferry leave?",
    "What is the weather in Halden?",
];

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout();
    let builder = GeminiClient::builder().from_env();
    let emulator = if builder.has_api_key() {
        None
    } else {
        Some(Emulator::builder().start().await?)
    };
    let client = match &emulator {
        Some(emulator) => GeminiClient::builder()
            .with_api_key("any")
            .with_base_url(emulator.base_url())
            .build()?,
        None => builder.build()?,
    };

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
