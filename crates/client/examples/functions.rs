//! A function that the model calls, and a reply that is a Rust value. Without a key in the
//! environment the emulator answers, in this process.

mod support;

use std::error::Error;
use std::io::{Write as _, stdout};

use gimmal_client::gemini::Function;
use schemars::JsonSchema;
use serde::Deserialize;

const MODEL: &str = "gemini-2.5-flash";

#[derive(Deserialize, JsonSchema)]
struct Place {
    /// Name of the city.
    city: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[expect(dead_code, reason = "it is read by printing it")]
struct City {
    name: String,
    /// People who live there.
    population: u64,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (client, _emulator) = support::connect().await?;
    let mut out = stdout();

    let weather = Function::typed(
        "get_weather",
        "Tells the weather in a city.",
        |place: Place| async move { Ok::<_, String>(format!("sunny in {}", place.city)) },
    );
    let call = client.models().generate_content(MODEL);
    let reply = call
        .set_contents(["What is the weather in Ulm?"])
        .with_functions([weather])
        .send()
        .await?;
    for turn in &reply.body().automatic_function_calling_history {
        writeln!(out, "{}", serde_json::to_string(turn)?)?;
    }
    writeln!(out, "{}", reply.body().text().unwrap_or_default())?;

    let call = client.models().generate_content(MODEL);
    let call = call.set_contents(["Describe the city of Ulm."]);
    let city = call.send_as::<City>().await?.into_body();
    writeln!(out, "{city:?}")?;
    Ok(())
}
