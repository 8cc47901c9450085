//! `gimmal generate`: one reply, whole or as it is written.

use std::io::Write as _;
use std::process::ExitCode;

use futures_util::StreamExt as _;
use gimmal_client::gemini::GenerateContent;
use gimmal_client::types::gemini::{Content, GenerateContentResponse};

use super::files;
use crate::args::{Connection, Generate};
use crate::connect::connect;
use crate::exit::Failure;
use crate::output;

/// Generates one reply.
pub(crate) async fn run(connection: &Connection, args: Generate) -> anyhow::Result<ExitCode> {
    let prompt = files::text_or_stdin(&args.prompt)?;
    if prompt.trim().is_empty() {
        return Err(Failure::usage("the prompt is empty"));
    }
    let context = args
        .context
        .as_deref()
        .map(|path| files::read_text(path, "context"));
    let context = context.transpose()?;
    let connected = connect(connection).await?;

    let contents = context.into_iter().chain([prompt]).map(Content::user);
    let mut request = args.sampling.to_settings().set_contents(contents);
    if let Some(system) = &args.system {
        request = request.set_system_instruction(Content::text(system));
    }
    request.cached_content = args.cached_content;
    let call = connected
        .client
        .models()
        .generate_content(&args.model)
        .set_request(request);
    let reply = if args.stream {
        stream(call, connection.json).await?
    } else {
        call.send().await?.into_body()
    };
    connected.close().await;
    if connection.json && !args.stream {
        output::json(&reply)?;
    }
    // A withheld reply is an error in every form, after whatever of it there is to show.
    let text = shown(&reply)?;
    let printed = connection.json || (args.stream && reply.text().is_some());
    if !printed {
        output::line(&text)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints chunks as they come, their text or each as a line of JSON, and returns the whole reply.
async fn stream(call: GenerateContent, json: bool) -> anyhow::Result<GenerateContentResponse> {
    let mut chunks = call.stream().await?;
    let mut whole = GenerateContentResponse::default();
    let mut out = std::io::stdout();
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk?;
        if json {
            output::json_line(&chunk)?;
        } else if let Some(text) = chunk.text() {
            write!(out, "{text}")?;
            out.flush()?;
        }
        whole.absorb(chunk);
    }
    if !json && whole.text().is_some() {
        writeln!(out)?;
    }
    Ok(whole)
}

/// The text of a reply; calls as JSON; an error when the service withheld it.
fn shown(reply: &GenerateContentResponse) -> anyhow::Result<String> {
    if let Some(text) = reply.text() {
        return Ok(text);
    }
    let calls: Vec<_> = reply.function_calls().collect();
    if !calls.is_empty() {
        return Ok(serde_json::to_string_pretty(&calls)?);
    }
    let feedback = reply.prompt_feedback.as_ref();
    let why = feedback
        .and_then(|feedback| feedback.block_reason.as_ref())
        .map(ToString::to_string)
        .or_else(|| reply.finish_reason().map(ToString::to_string))
        .unwrap_or_else(|| "no reason given".to_owned());
    Err(Failure::service(format!("the reply holds no text ({why})")))
}
