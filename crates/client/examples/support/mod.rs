//! A client for the examples: of the service when an API key is in the environment, else of an
//! emulator inside of the program.

use std::error::Error;

use gimmal_client::gemini::GeminiClient;
use gimmal_emulator::Emulator;

/// The client, and the emulator it speaks to. The emulator ends with its value.
pub(crate) async fn connect() -> Result<(GeminiClient, Option<Emulator>), Box<dyn Error>> {
    let builder = GeminiClient::builder().from_env();
    if builder.has_api_key() {
        return Ok((builder.build()?, None));
    }
    let emulator = Emulator::builder().start().await?;
    let client = GeminiClient::builder()
        .with_api_key("any")
        .with_base_url(emulator.base_url())
        .build()?;
    Ok((client, Some(emulator)))
}
