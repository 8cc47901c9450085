//! A conversation that is saved and taken up again. Without a key in the environment the emulator
//! answers, in this process.

mod support;

use std::error::Error;
use std::io::{Write as _, stdout};

use futures_util::StreamExt as _;
use gimmal_client::types::gemini::Content;

const MODEL: &str = "gemini-2.5-flash";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let (client, _emulator) = support::connect().await?;
    let mut out = stdout();

    let mut chat = client.chats().create(MODEL).start()?;
    let reply = chat.send_message("The Danube flows through Ulm.");
    writeln!(out, "{:?}", reply.send().await?.body().text())?;

    // What was said is plain data.
    let saved = serde_json::to_string(chat.history())?;
    let history: Vec<Content> = serde_json::from_str(&saved)?;
    let mut chat = client.chats().create(MODEL).with_history(history).start()?;
    let message = chat.send_message("Which river flows through Ulm?");
    let mut stream = message.stream().await?;
    while let Some(chunk) = stream.next().await {
        write!(out, "{}|", chunk?.text().unwrap_or_default())?;
    }
    drop(stream);
    writeln!(out, "\n{} turns", chat.history().len())?;
    Ok(())
}
