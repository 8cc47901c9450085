//! `live.*`: a session is opened, one thing is said on it or heard, and it is closed. The model and
//! the settings of a session that is not the record's own subject are those of its receiver.

use futures_util::{StreamExt as _, TryStreamExt as _};
use gimmal_client::gemini::{ConnectLive, GeminiClient, LiveSession, MusicSession};
use gimmal_types::gemini::{
    FunctionResponse, LiveClientContextUpdate, LiveConnectConfig, LiveMusicGenerationConfig,
    LiveSendRealtimeInputParameters, WeightedPrompt,
};
use serde_json::{Value, json};

use crate::wire::arguments::{self, Arguments};
use crate::wire::failure::Failure;
use crate::wire::gemini::{Call, dump};

/// The model of a session whose record names none.
const MODEL: &str = "test-model";

pub(super) async fn connect(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let Call {
        mut arguments,
        config,
        http_options,
        ..
    } = call;
    session_options(http_options.as_ref())?;
    let model = arguments.text("model")?;
    arguments.finish("")?;
    let session = opening(&client, model, config)?.send().await?;
    let begun = dump(session.setup_complete())?;
    session.close().await;
    Ok(begun)
}

pub(super) async fn receive(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    call.arguments.finish("")?;
    let mut session = session(&client, call.receiver).await?;
    let turn: Vec<_> = session.receive().try_collect().await?;
    session.close().await;
    turn.iter().map(dump).collect()
}

pub(super) async fn send_client_content(
    client: GeminiClient,
    mut call: Call<'_>,
) -> Result<Value, Failure> {
    let turns = match call.arguments.take("turns") {
        Some(turns) => arguments::contents("turns", turns)?,
        None => Vec::new(),
    };
    let complete = call.arguments.take("turn_complete");
    let complete = complete.map(|value| arguments::decode("turnComplete", value));
    call.arguments.finish("")?;
    let session = session(&client, call.receiver).await?;
    let complete = complete.transpose()?.unwrap_or(true);
    session.send_client_content(turns, complete).await?;
    ended(session).await
}

pub(super) async fn send_realtime_input(
    client: GeminiClient,
    call: Call<'_>,
) -> Result<Value, Failure> {
    let input: LiveSendRealtimeInputParameters = call.arguments.rest("")?;
    let session = session(&client, call.receiver).await?;
    session.send_realtime_input(input).await?;
    ended(session).await
}

pub(super) async fn send_tool_response(
    client: GeminiClient,
    mut call: Call<'_>,
) -> Result<Value, Failure> {
    let responses = match call.arguments.take("function_responses") {
        Some(list @ Value::Array(_)) => list,
        Some(one) => json!([one]),
        None => return Err(Failure::refused("functionResponses", "is missing")),
    };
    call.arguments.finish("")?;
    let responses: Vec<FunctionResponse> =
        arguments::decode_strictly("functionResponses", responses)?;
    let session = session(&client, call.receiver).await?;
    session.send_tool_response(responses).await?;
    ended(session).await
}

pub(super) async fn send_context_update(
    client: GeminiClient,
    mut call: Call<'_>,
) -> Result<Value, Failure> {
    let arguments = &mut call.arguments;
    arguments.replace("system_instruction", arguments::content_json)?;
    arguments.replace("tools", |place, tools| {
        Ok(json!({"tools": arguments::tools_json(place, tools)?}))
    })?;
    let update: LiveClientContextUpdate = call.arguments.rest("")?;
    let session = session(&client, call.receiver).await?;
    session.send_context_update(update).await?;
    ended(session).await
}

pub(super) async fn music_connect(
    client: GeminiClient,
    mut call: Call<'_>,
) -> Result<Value, Failure> {
    let model = call.arguments.text("model")?;
    call.arguments.finish("")?;
    let session = client.live_music().connect(model).send().await?;
    session.close().await;
    Ok(Value::Null)
}

pub(super) async fn music_receive(
    client: GeminiClient,
    mut call: Call<'_>,
) -> Result<Value, Failure> {
    let mut session = music(&client, &mut call).await?;
    call.arguments.finish("")?;
    let heard: Vec<_> = session.by_ref().try_collect().await?;
    heard.iter().map(dump).collect()
}

pub(super) async fn music_prompts(
    client: GeminiClient,
    mut call: Call<'_>,
) -> Result<Value, Failure> {
    let prompts: Vec<WeightedPrompt> = call.arguments.required("prompts")?;
    let session = music(&client, &mut call).await?;
    call.arguments.finish("")?;
    session.set_weighted_prompts(prompts).await?;
    session.close().await;
    Ok(Value::Null)
}

pub(super) async fn music_config(
    client: GeminiClient,
    mut call: Call<'_>,
) -> Result<Value, Failure> {
    let session = music(&client, &mut call).await?;
    call.arguments.finish("")?;
    let config: LiveMusicGenerationConfig = call.config.rest("config")?;
    session.set_music_generation_config(config).await?;
    session.close().await;
    Ok(Value::Null)
}

/// Says whether the music plays; `control` is the name of the method.
pub(super) async fn music_control(
    client: GeminiClient,
    mut call: Call<'_>,
    control: &str,
) -> Result<Value, Failure> {
    let session = music(&client, &mut call).await?;
    call.arguments.finish("")?;
    match control {
        "play" => session.play().await?,
        "pause" => session.pause().await?,
        "stop" => session.stop().await?,
        _ => session.reset_context().await?,
    }
    session.close().await;
    Ok(Value::Null)
}

/// The call that opens a session with these settings.
fn opening(
    client: &GeminiClient,
    model: String,
    mut config: Arguments,
) -> Result<ConnectLive, Failure> {
    config.replace("system_instruction", arguments::content_json)?;
    config.replace("speech_config", arguments::speech_json)?;
    config.replace("tools", arguments::tools_json)?;
    let config: LiveConnectConfig = config.rest("config")?;
    Ok(client.live().connect(model).set_config(config))
}

async fn session(
    client: &GeminiClient,
    receiver: serde_json::Map<String, Value>,
) -> Result<LiveSession, Failure> {
    let mut receiver = Arguments::new(receiver);
    let config = receiver.object("config")?;
    let model = receiver.text("model").unwrap_or_else(|_| MODEL.to_owned());
    Ok(opening(client, model, config)?.send().await?)
}

async fn music(client: &GeminiClient, call: &mut Call<'_>) -> Result<MusicSession, Failure> {
    let mut receiver = Arguments::new(std::mem::take(&mut call.receiver));
    let model = receiver.text("model").unwrap_or_else(|_| MODEL.to_owned());
    Ok(client.live_music().connect(model).send().await?)
}

async fn ended(session: LiveSession) -> Result<Value, Failure> {
    session.close().await;
    Ok(Value::Null)
}

/// Of the options of a connection a session takes where it goes and what headers it sends.
fn session_options(options: Option<&Value>) -> Result<(), Failure> {
    const TAKEN: [&str; 5] = [
        "api_version",
        "apiVersion",
        "base_url",
        "baseUrl",
        "headers",
    ];
    let options = options.and_then(Value::as_object);
    let mut set = options
        .into_iter()
        .flatten()
        .filter(|(_, value)| !value.is_null());
    match set.find(|(name, _)| !TAKEN.contains(&name.as_str())) {
        None => Ok(()),
        Some((name, _)) => Err(Failure::refused(
            format!("config.httpOptions.{name}"),
            "is not for one session; base_url, api_version and headers are",
        )),
    }
}
