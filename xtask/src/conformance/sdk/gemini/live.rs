//! Sessions over WebSocket and TLS, and live music.

use anyhow::{Context as _, bail, ensure};
use futures_util::{StreamExt as _, TryStreamExt as _};
use gimmal_client::Error;
use gimmal_client::gemini::{ConnectLive, LiveSession};
use gimmal_client::transport::CloseCode;
use gimmal_client::types::gemini::{
    ActivityEnd, ActivityStart, AudioChunk, Blob, Content, FunctionResponse,
    LiveClientContextUpdate, LiveConnectConfig, LiveMusicGenerationConfig,
    LiveSendRealtimeInputParameters, LiveServerContent, LiveServerMessage, MediaModality,
    TrafficType, UsageMetadata, WeightedPrompt,
};
use serde_json::{Value, json};

use super::bench::{FACT, QUESTION, among, failed, given, of, same};
use crate::conformance::sdk::emulators::Settings;
use crate::conformance::sdk::ours::{Backend, Bench, Cases};

pub(super) const LIVE: &str = "gemini-live-2.5-flash-preview";
const MUSIC: &str = "models/lyria-realtime-exp";
const TEA: &str = "Tell me about green tea.";
const SOUND: &str = "audio/pcm;rate=16000";

pub(super) fn add(cases: &mut Cases) {
    let tls = Settings {
        tls: true,
        ..Settings::default()
    };
    let mut connect = cases.group(Backend::BOTH, "live.connect");
    connect.add_with(&tls, "turns of text", turns_of_text);
    connect.add_with(&tls, "turns at once", turns_at_once);
    connect.add_with(&tls, "system instruction", system_instruction);
    connect.add_with(&tls, "text and pictures as they come", as_they_come);
    connect.add_with(&tls, "activity by hand", activity_by_hand);
    connect.add_with(&tls, "functions", functions);
    connect.add_with(&tls, "two forms", two_forms);
    let mut connect = cases.group(Backend::DEVELOPER, "live.connect");
    connect.add_with(&tls, "speech", speech);
    connect.add_with(&tls, "context that changes", context_that_changes);
    connect.add_with(&tls, "resumption", resumption);
    connect.add_with(&tls, "token", token);
    connect.add_with(&tls, "unknown model", unknown_model);
    let mut connect = cases.group(Backend::PROJECT, "live.connect");
    connect.add_with(&tls, "speech unless told otherwise", speech_by_itself);
    connect.add_with(&tls, "name and kind of traffic", name_and_traffic);
    let mut music = cases.group(Backend::DEVELOPER, "live.music.connect");
    music.add_with(&tls, "sound", music_sounds);
    let mut music = cases.group(Backend::PROJECT, "live.music.connect");
    music.add_with(&tls, "refused", music_refused);
}

fn text() -> Value {
    json!({"responseModalities": ["TEXT"]})
}

/// The settings with more members.
fn with(mut config: Value, name: &str, member: Value) -> Value {
    config[name] = member;
    config
}

fn connect(bench: &Bench, config: Value) -> anyhow::Result<ConnectLive> {
    let call = bench.client()?.live().connect(LIVE);
    Ok(call.set_config(of::<LiveConnectConfig>(config)?))
}

async fn session(bench: &Bench, config: Value) -> anyhow::Result<LiveSession> {
    Ok(connect(bench, config)?.send().await?)
}

/// The text of one turn, and its messages.
async fn said(session: &mut LiveSession) -> Result<(String, Vec<LiveServerMessage>), Error> {
    let messages: Vec<LiveServerMessage> = session.receive().try_collect().await?;
    let texts = messages.iter().filter_map(LiveServerMessage::text);
    Ok((texts.collect(), messages))
}

async fn ask(
    session: &mut LiveSession,
    text: &str,
) -> Result<(String, Vec<LiveServerMessage>), Error> {
    session.send_client_content([text], true).await?;
    said(session).await
}

/// What came with the end of a turn.
fn usage(messages: &[LiveServerMessage]) -> anyhow::Result<UsageMetadata> {
    let last = messages.last().context("no messages")?;
    Ok(*given(last.usage_metadata.clone())?)
}

fn contents(messages: &[LiveServerMessage]) -> impl Iterator<Item = &LiveServerContent> {
    let contents = messages.iter();
    contents.filter_map(|message| message.server_content.as_deref())
}

fn input() -> LiveSendRealtimeInputParameters {
    LiveSendRealtimeInputParameters::new()
}

fn sound(samples: Vec<u8>) -> LiveSendRealtimeInputParameters {
    input().set_audio(Blob::new().set_data(samples).set_mime_type(SOUND))
}

/// A tone of so many samples.
fn tone(samples: u16) -> Vec<u8> {
    let wave = (0..samples).map(|n| (9000.0 * (f64::from(n) / 5.0).sin()) as i16);
    wave.flat_map(i16::to_le_bytes).collect()
}

/// The refusal of a session, which must close with this code and text.
fn closed<T>(outcome: Result<T, Error>, code: CloseCode, text: &str) -> anyhow::Result<()> {
    let error = failed(outcome)?;
    same(error.close_code(), Some(code))?;
    among(text, error.close_reason().unwrap_or_default())
}

async fn turns_of_text(bench: Bench) -> anyhow::Result<()> {
    let mut session = session(&bench, text()).await?;
    session.send_client_content([FACT], false).await?;
    let (answer, messages) = ask(&mut session, QUESTION).await?;
    same(answer, FACT)?;
    let last = contents(&messages).last().context("no content")?;
    same(last.turn_complete, Some(true))?;
    let usage = usage(&messages)?;
    let sum = given(usage.prompt_token_count)? + given(usage.response_token_count)?;
    same(usage.total_token_count, Some(sum))?;
    let (answer, _) = ask(&mut session, "Of which colour is the tin?").await?;
    among("blue tin", answer)
}

async fn turns_at_once(bench: Bench) -> anyhow::Result<()> {
    let mut session = session(&bench, text()).await?;
    let turns = [
        Content::user(FACT),
        Content::model("Noted."),
        Content::user(QUESTION),
    ];
    session.send_client_content(turns, true).await?;
    same(said(&mut session).await?.0, FACT)
}

async fn system_instruction(bench: Bench) -> anyhow::Result<()> {
    let instruction = json!({"parts": [{"text": FACT}]});
    let mut counts = Vec::new();
    for config in [text(), with(text(), "systemInstruction", instruction)] {
        let mut session = session(&bench, config).await?;
        let (_, messages) = ask(&mut session, QUESTION).await?;
        counts.push(given(usage(&messages)?.prompt_token_count)?);
    }
    ensure!(counts[0] < counts[1], "{counts:?}");
    Ok(())
}

async fn speech(bench: Bench) -> anyhow::Result<()> {
    let voice = json!({"voiceConfig": {"prebuiltVoiceConfig": {"voiceName": "Kore"}}});
    let config = json!({
        "responseModalities": ["AUDIO"], "inputAudioTranscription": {},
        "outputAudioTranscription": {}, "speechConfig": voice,
    });
    let mut session = session(&bench, config).await?;
    session.send_realtime_input(sound(tone(8000))).await?;
    session.send_realtime_input(sound(vec![0; 32_000])).await?;
    let (_, messages) = said(&mut session).await?;
    let heard =
        contents(&messages).filter_map(|it| it.input_transcription.as_ref()?.text.as_deref());
    same(heard.collect::<Vec<_>>(), ["a sound of 0.5 seconds"])?;
    let spoken =
        contents(&messages).filter_map(|it| it.output_transcription.as_ref()?.text.as_deref());
    among("sound", spoken.collect::<String>())?;
    let audio = messages.iter().filter_map(LiveServerMessage::data);
    let audio = audio.collect::<Vec<_>>().concat();
    ensure!(
        audio.len() > 24_000 && audio.len() % 2 == 0,
        "{} bytes",
        audio.len()
    );
    Ok(())
}

async fn speech_by_itself(bench: Bench) -> anyhow::Result<()> {
    let mut session = session(&bench, json!({})).await?;
    let (_, messages) = ask(&mut session, TEA).await?;
    ensure!(
        messages.iter().any(|message| message.data().is_some()),
        "no sound"
    );
    Ok(())
}

async fn as_they_come(bench: Bench) -> anyhow::Result<()> {
    let mut session = session(&bench, text()).await?;
    let picture = Blob::new().set_data(&b"\x89PNG\r\n\x1a\n"[..]);
    let picture = picture.set_mime_type("image/png");
    session
        .send_realtime_input(input().set_video(picture))
        .await?;
    let question = "What is in the picture of the harbour?";
    session
        .send_realtime_input(input().set_text(question))
        .await?;
    let (answer, messages) = said(&mut session).await?;
    among("harbour", answer)?;
    let details = usage(&messages)?.prompt_tokens_details;
    let image = Some(MediaModality::Image);
    ensure!(details.iter().any(|of| of.modality == image), "{details:?}");
    Ok(())
}

async fn activity_by_hand(bench: Bench) -> anyhow::Result<()> {
    let by_hand = json!({"automaticActivityDetection": {"disabled": true}});
    let config = with(text(), "realtimeInputConfig", by_hand);
    let mut session = session(&bench, config).await?;
    let start = input().set_activity_start(ActivityStart::new());
    session.send_realtime_input(start).await?;
    session.send_realtime_input(sound(tone(3200))).await?;
    let end = input().set_activity_end(ActivityEnd::new());
    session.send_realtime_input(end).await?;
    among("sound", said(&mut session).await?.0)
}

async fn functions(bench: Bench) -> anyhow::Result<()> {
    let parameters = json!({"type": "OBJECT", "properties": {"city": {"type": "STRING"}}});
    let declaration = json!({
        "name": "get_weather", "description": "Reports the weather of a city.",
        "parameters": parameters,
    });
    let tools = json!([{"functionDeclarations": [declaration]}]);
    let mut session = session(&bench, with(text(), "tools", tools)).await?;
    let question = "What is the weather in Boston?";
    session.send_client_content([question], true).await?;
    let (mut answer, mut calls) = (String::new(), 0);
    loop {
        let message = session.next().await.context("the session ended")??;
        if let Some(asked) = &message.tool_call {
            let call = &asked.function_calls[0];
            same(call.name.as_deref(), Some("get_weather"))?;
            same(json!(call.args), json!({"city": "Boston"}))?;
            let response: FunctionResponse = of(json!({
                "id": call.id, "name": call.name, "response": {"result": "rain until noon"},
            }))?;
            session.send_tool_response([response]).await?;
            calls += 1;
        }
        answer += &message.text().unwrap_or_default();
        if message.ends_turn() {
            break;
        }
    }
    same(calls, 1)?;
    among("rain until noon", answer)
}

async fn context_that_changes(bench: Bench) -> anyhow::Result<()> {
    let mut session = session(&bench, text()).await?;
    let tools = json!([{"functionDeclarations": [{"name": "turn_on_the_lights"}]}]);
    let update: LiveClientContextUpdate = of(json!({
        "systemInstruction": {"parts": [{"text": "Be brief."}]}, "tools": {"tools": tools},
    }))?;
    session.send_context_update(update).await?;
    let asked = "Please turn_on_the_lights now.";
    session.send_client_content([asked], true).await?;
    while let Some(message) = session.next().await {
        if let Some(call) = message?.tool_call {
            let name = call.function_calls[0].name.as_deref();
            return same(name, Some("turn_on_the_lights"));
        }
    }
    bail!("no function was called")
}

async fn resumption(bench: Bench) -> anyhow::Result<()> {
    let resumable = || connect(&bench, text());
    let mut first = resumable()?.set_resumption_handle(None).send().await?;
    ask(&mut first, FACT).await?;
    while first.resumption_handle().is_none() {
        first.next().await.context("the session ended")??;
    }
    let handle = first.resumption_handle().map(str::to_owned);
    first.close().await;
    let mut second = resumable()?.set_resumption_handle(handle).send().await?;
    among(FACT, ask(&mut second, QUESTION).await?.0)
}

async fn name_and_traffic(bench: Bench) -> anyhow::Result<()> {
    let mut session = session(&bench, text()).await?;
    ensure!(
        session.session_id().is_some_and(|id| !id.is_empty()),
        "no name"
    );
    let (_, messages) = ask(&mut session, TEA).await?;
    same(usage(&messages)?.traffic_type, Some(TrafficType::OnDemand))
}

async fn token(bench: Bench) -> anyhow::Result<()> {
    let maker = bench.builder().with_api_version("v1alpha").build()?;
    let constraints = of(json!({"model": LIVE, "config": text()}))?;
    let call = maker.auth_tokens().create().set_uses(1);
    let call = call.set_live_connect_constraints(constraints);
    let token = given(call.send().await?.into_body().name)?;
    let bearer = bench.builder_with_key(&token).with_api_version("v1alpha");
    let live = bearer.build()?.live();
    let mut session = live.connect(LIVE).send().await?;
    among("tea", ask(&mut session, TEA).await?.0)?;
    closed(live.connect(LIVE).send().await, CloseCode::POLICY, "")
}

async fn unknown_model(bench: Bench) -> anyhow::Result<()> {
    let call = bench.client()?.live().connect("gemini-none");
    let call = call.set_config(of::<LiveConnectConfig>(text())?);
    let text = "models/gemini-none is not found";
    closed(call.send().await, CloseCode::POLICY, text)
}

async fn two_forms(bench: Bench) -> anyhow::Result<()> {
    let call = connect(&bench, json!({"responseModalities": ["TEXT", "AUDIO"]}))?;
    let text = "At most one response modality";
    closed(call.send().await, CloseCode::INVALID, text)
}

async fn music_sounds(bench: Bench) -> anyhow::Result<()> {
    let mut music = bench.client()?.live_music().connect(MUSIC).send().await?;
    let prompt = WeightedPrompt::new().set_text("slow harp").set_weight(1.0);
    music.set_weighted_prompts([prompt.clone()]).await?;
    let config: LiveMusicGenerationConfig = of(json!({"bpm": 90, "scale": "D_MAJOR_B_MINOR"}))?;
    music.set_music_generation_config(config).await?;
    music.play().await?;
    let mut chunks: Vec<AudioChunk> = Vec::new();
    while chunks.len() < 2 {
        let message = music.next().await.context("the music ended")??;
        chunks.extend(
            message
                .server_content
                .into_iter()
                .flat_map(|it| it.audio_chunks),
        );
    }
    let sound = |n: usize| given(chunks[n].data.as_ref());
    let (first, second) = (sound(0)?.as_bytes(), sound(1)?.as_bytes());
    same((first.len(), second.len()), (38_400, 38_400))?;
    ensure!(first != second, "the same sound again");
    let source = given(chunks[0].source_metadata.as_ref())?;
    let about = given(source.client_content.as_ref())?;
    same(&*about.weighted_prompts, [prompt])?;
    let how = given(source.music_generation_config.as_ref())?;
    same(how.bpm, Some(90))?;
    music.pause().await?;
    music.reset_context().await?;
    music.stop().await?;
    music.close().await;
    Ok(())
}

async fn music_refused(bench: Bench) -> anyhow::Result<()> {
    bench.unsent(bench.client()?.live_music().connect(MUSIC).send().await)
}
