//! Asks a model: a whole reply, a reply in pieces, and the number of tokens. Without a key in the
//! environment the emulator answers, in this process.

mod support;

use std::error::Error;
use std::io::{Write as _, stdout};

use futures_util::TryStreamExt as _;
use gimmal_client::types::gemini::GenerationConfig;

const MODEL: &str = "gemini-2.5-flash";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (client, _emulator) = support::connect().await?;
    let mut out = stdout();

    let question = "A gimmal is a ring made of two hoops. What is a gimmal?";
    let reply = client
        .models()
        .generate_content(MODEL)
        .set_contents([question])
        .set_system_instruction("Answer in one sentence.")
        .set_generation_config(GenerationConfig::new().set_temperature(0.2))
        .send()
        .await?;
    writeln!(out, "{}", reply.body().text().unwrap_or_default())?;
    let usage = reply.body().usage_metadata.as_deref();
    let tokens = usage.and_then(|usage| usage.total_token_count);
    writeln!(out, "{} attempt, {tokens:?} tokens", reply.attempts())?;

    let call = client.models().generate_content(MODEL);
    let mut stream = call.set_contents([question]).stream().await?;
    while let Some(chunk) = stream.try_next().await? {
        write!(out, "{}|", chunk.text().unwrap_or_default())?;
    }
    writeln!(out)?;

    let count = client.models().count_tokens(MODEL);
    let count = count.set_contents([question]).send().await?;
    writeln!(out, "{:?} tokens asked", count.body().total_tokens)?;
    Ok(())
}
