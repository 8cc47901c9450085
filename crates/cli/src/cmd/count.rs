//! `gimmal count`: the tokens of a text.

use std::process::ExitCode;

use super::files;
use crate::args::{Connection, Count};
use crate::connect::connect;
use crate::output;

/// Counts the tokens of a text or a file.
pub(crate) async fn run(connection: &Connection, args: Count) -> anyhow::Result<ExitCode> {
    let text = match (&args.file, &args.text) {
        (Some(path), _) => files::read_text(path, "file")?,
        (None, text) => files::text_or_stdin(text.as_deref().unwrap_or_default())?,
    };
    let connected = connect(connection).await?;
    let reply = connected
        .client
        .models()
        .count_tokens(&args.model)
        .set_contents([text])
        .send();
    let reply = reply.await?;
    if connection.json {
        output::json(reply.body())?;
    } else {
        output::line(&output::grouped(reply.body().total_tokens.unwrap_or(0)))?;
    }
    connected.close().await;
    Ok(ExitCode::SUCCESS)
}
