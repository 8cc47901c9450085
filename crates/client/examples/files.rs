//! A file goes to the service, is asked about, and is deleted: with the service when an API key is
//! in the environment, else with an emulator inside of the program.

use std::error::Error;
use std::io::Write as _;

use futures_util::TryStreamExt as _;
use gimmal_client::types::gemini::{Content, Part};

mod support;

const MODEL: &str = "gemini-2.5-flash";
const NOTES: &str = "The ferry to Halden leaves at noon from the second pier.\n\
    The harbour master keeps the spare keys in a blue tin.\n";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout();
    let (client, emulator) = support::connect().await?;
    let files = client.files();

    let upload = files
        .upload(NOTES.as_bytes().to_vec())
        .set_mime_type("text/plain")
        .set_display_name("Harbour notes")
        .with_progress(|progress| {
            let total = progress.total.unwrap_or_default();
            // A progress bar would not end the program over this either.
            let _ = writeln!(std::io::stdout(), "{} of {total} bytes", progress.bytes);
        });
    let file = upload.send().await?.into_body();
    // A film would be worked on for a while; a text is ready at once.
    let file = files.wait_until_active(&file).await?;
    let name = file.name.clone().unwrap_or_default();
    if let Some(time) = file.expiration_time {
        writeln!(out, "{name} is there until {time}")?;
    }

    let prompt = [
        Part::try_from(&file)?,
        Part::text("Where are the spare keys?"),
    ];
    let reply = client
        .models()
        .generate_content(MODEL)
        .set_contents([Content::from(prompt)])
        .send()
        .await?;
    writeln!(out, "{}", reply.body().text().unwrap_or_default())?;

    let mut all = files.list().items();
    while let Some(file) = all.try_next().await? {
        let bytes = file.size_bytes.unwrap_or_default();
        let title = file.display_name.unwrap_or_default();
        writeln!(out, "{title}: {bytes} bytes")?;
    }
    files.delete(name.as_str()).send().await?;
    let gone = files.get(name.as_str()).send().await;
    if let Err(error) = gone {
        writeln!(out, "deleted: {error}")?;
    }
    if let Some(emulator) = emulator {
        emulator.shutdown().await;
    }
    Ok(())
}
