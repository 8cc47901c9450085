//! Pictures and speech of models that generate content, and films.

use anyhow::ensure;
use gimmal_client::gemini::GenerateContent;
use gimmal_client::types::gemini::{GenerateVideosConfig, MediaModality, Part};
use serde_json::{Value, json};

use super::bench::{MODEL, PARENT, begins, chunks, config, given, of, refused, same, status_of};
use super::images::size_of;
use super::work::VEO;
use crate::conformance::sdk::emulators::Settings;
use crate::conformance::sdk::ours::{Backend, Bench, Cases};

const PAINTER: &str = "gemini-2.5-flash-image";
const SPEAKER: &str = "gemini-2.5-flash-preview-tts";

pub(super) fn add(cases: &mut Cases) {
    let mut generate = cases.group(Backend::BOTH, "models.generate_content");
    generate.add("picture", picture);
    generate.add("speech", speech);
    generate.add("form that the model lacks", lacks);
    let mut stream = cases.group(Backend::BOTH, "models.generate_content_stream");
    stream.add("picture", streams_a_picture);
    let mut films = cases.group(Backend::PROJECT, "models.generate_videos");
    films.add_with(&Settings::standing(), "operation", film);
    films.add("too many", too_many_films);
}

fn ask(bench: &Bench, model: &str, prompt: &str, of: Value) -> anyhow::Result<GenerateContent> {
    let call = bench.client()?.models().generate_content(model);
    Ok(call.set_contents([prompt]).set_config(config(of)?))
}

async fn picture(bench: Bench) -> anyhow::Result<()> {
    let config = json!({
        "responseModalities": ["TEXT", "IMAGE"], "imageConfig": {"aspectRatio": "3:2"},
    });
    let reply = ask(&bench, PAINTER, "Paint a boat", config)?.send().await?;
    let mut reply = reply.into_body();
    let parts = given(given(reply.candidates.pop())?.content)?.parts;
    let [words, drawn] = &parts[..] else {
        anyhow::bail!("{} parts", parts.len());
    };
    ensure!(
        words.text.as_ref().is_some_and(|text| !text.is_empty()),
        "no words"
    );
    let png = given(
        drawn
            .inline_data
            .as_ref()
            .and_then(|blob| blob.data.as_ref()),
    )?;
    let (width, height) = size_of(png.as_bytes())?;
    same(width * 2, height * 3)?;
    let details = given(reply.usage_metadata)?.candidates_tokens_details;
    let of_pictures = details
        .iter()
        .find(|of| of.modality == Some(MediaModality::Image));
    same(given(of_pictures)?.token_count, Some(1290))
}

async fn streams_a_picture(bench: Bench) -> anyhow::Result<()> {
    let call = ask(&bench, PAINTER, "Paint a boat", json!({}))?;
    let chunks = chunks(call).await?.into_iter();
    let contents = chunks.filter_map(|chunk| chunk.candidates.into_iter().next()?.content);
    let parts: Vec<Part> = contents.flat_map(|content| content.parts).collect();
    let drawn = given(parts.last())?.inline_data.as_ref();
    same(given(drawn)?.mime_type.as_deref(), Some("image/png"))
}

async fn speech(bench: Bench) -> anyhow::Result<()> {
    let voice = json!({"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Puck"}}});
    let config = json!({"responseModalities": ["AUDIO"], "speechConfig": voice});
    let call = ask(&bench, SPEAKER, "Say hello to the harbour", config)?;
    let mut reply = call.send().await?.into_body();
    let parts = given(given(reply.candidates.pop())?.content)?.parts;
    let sound = given(given(parts.into_iter().next())?.inline_data)?;
    let kind = given(sound.mime_type)?;
    begins("audio/L16", kind)?;
    let samples = given(sound.data)?;
    let samples = samples.as_bytes();
    same(samples.len() % 2, 0)?;
    ensure!(samples.iter().any(|byte| *byte != 0), "silence");
    Ok(())
}

async fn lacks(bench: Bench) -> anyhow::Result<()> {
    let call = ask(&bench, MODEL, "x", json!({"responseModalities": ["IMAGE"]}))?;
    refused(call.send().await, 400, "response modalities").map(|_| ())
}

async fn film(bench: Bench) -> anyhow::Result<()> {
    let call = bench.client()?.models().generate_videos(VEO);
    let begun = call.set_prompt("a cat on a roof").send().await?.into_body();
    ensure!(!begun.is_done(), "it is done already");
    let name = given(begun.name)?;
    ensure!(
        name.starts_with(PARENT) && name.contains("/operations/"),
        "{name}"
    );
    Ok(())
}

async fn too_many_films(bench: Bench) -> anyhow::Result<()> {
    let call = bench.client()?.models().generate_videos(VEO);
    let config: GenerateVideosConfig = of(json!({"numberOfVideos": 9}))?;
    let call = call.set_prompt("a cat on a roof").set_config(config);
    let error = refused(call.send().await, 400, "")?;
    same(status_of(&error), "INVALID_ARGUMENT")
}
