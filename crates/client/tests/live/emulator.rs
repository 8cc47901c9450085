//! Sessions against the emulator: plain, and over TLS with a certificate made for the run.

use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt as _;
use gimmal_client::Error;
use gimmal_client::gemini::{Function, GeminiClient, GeminiClientBuilder, LiveSession};
use gimmal_client::transport::{CloseCode, HttpConfig};
use gimmal_client::types::gemini::{
    AudioTranscriptionConfig, FunctionDeclaration, LiveConnectConfig, LiveConnectConstraints,
    LiveSendRealtimeInputParameters, LiveServerMessage, Modality, WeightedPrompt,
};
use gimmal_emulator::{Emulator, ManualClock};
use serde_json::json;

use crate::support::MODEL;

const FACT: &str = "The night porter of the Halden hotel keeps the spare keys in a blue tin.";

/// Fails a test that hangs.
async fn limited<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(20), future)
        .await
        .expect("the test hangs")
}

fn client(emulator: &Emulator, builder: GeminiClientBuilder) -> GeminiClient {
    let authority = emulator.certificate_authority().map(str::to_owned);
    let builder = builder.with_base_url(emulator.base_url());
    let builder = builder.with_transport(|transport| {
        let config = HttpConfig::default().with_no_proxy();
        transport.with_http_config(match authority {
            Some(authority) => config.with_only_root_certificates(authority),
            None => config,
        })
    });
    builder.build().unwrap()
}

fn keyed() -> GeminiClientBuilder {
    GeminiClient::builder().with_api_key("any")
}

async fn text(client: &GeminiClient) -> Result<LiveSession, Error> {
    let call = client.live().connect(MODEL);
    limited(call.set_response_modalities([Modality::Text]).send()).await
}

async fn ask(session: &mut LiveSession, text: &str) -> String {
    limited(session.send_client_content([text], true))
        .await
        .unwrap();
    limited(session.receive().text()).await.unwrap()
}

/// Covers: AsyncLive.connect, AsyncSession.send_client_content, AsyncSession.receive
/// Covers: AsyncSession.close
#[tokio::test]
async fn a_conversation_on_both_services_over_tcp_and_tls() {
    for tls in [false, true] {
        let builder = Emulator::builder();
        let builder = if tls { builder.with_tls() } else { builder };
        let emulator = builder.start().await.unwrap();
        let vertex = GeminiClient::builder()
            .with_vertex("p", "us-central1")
            .with_bearer_token("token");
        let express = keyed().with_vertex_express();
        for builder in [keyed(), vertex, express] {
            let mut session = text(&client(&emulator, builder)).await.unwrap();
            limited(session.send_client_content([FACT], false))
                .await
                .unwrap();
            assert_eq!(ask(&mut session, "Where are the spare keys?").await, FACT);
            assert!(
                ask(&mut session, "Of which colour is the tin?")
                    .await
                    .contains("blue tin")
            );
            limited(session.close()).await;
        }
        limited(emulator.shutdown()).await;
    }
}

/// Covers: AsyncSession.send_realtime_input
#[tokio::test]
async fn speech_is_answered_with_speech() {
    let emulator = Emulator::builder().start().await.unwrap();
    let client = client(&emulator, keyed());
    let config = LiveConnectConfig::new()
        .set_input_audio_transcription(AudioTranscriptionConfig::new())
        .set_output_audio_transcription(AudioTranscriptionConfig::new());
    let call = client.live().connect(MODEL).set_config(config);
    let session = limited(call.send()).await.unwrap();
    let (sender, mut receiver) = session.split();
    let loud: Vec<u8> = (0..8_000_i16)
        .flat_map(|n| ((n % 40) * 500).to_le_bytes())
        .collect();
    limited(sender.send_audio(loud, "audio/pcm;rate=16000"))
        .await
        .unwrap();
    let end = LiveSendRealtimeInputParameters::new().set_audio_stream_end(true);
    limited(sender.send_realtime_input(end)).await.unwrap();
    let turn = limited(receiver.receive().collect::<Vec<_>>()).await;
    let turn: Vec<LiveServerMessage> = turn.into_iter().map(Result::unwrap).collect();
    let contents = || {
        turn.iter()
            .filter_map(|message| message.server_content.as_ref())
    };
    let heard = contents().find_map(|content| content.input_transcription.as_ref());
    assert_eq!(
        heard.unwrap().text.as_deref(),
        Some("a sound of 0.5 seconds")
    );
    let bytes: usize = turn
        .iter()
        .filter_map(LiveServerMessage::data)
        .map(|data| data.len())
        .sum();
    assert!(bytes > 24_000, "half a second at least");
    let said: String = contents()
        .filter_map(|content| content.output_transcription.as_ref()?.text.as_deref())
        .collect();
    assert!(said.contains("sound"), "{said}");
    let usage = turn.last().unwrap().usage_metadata.as_ref().unwrap();
    assert!(usage.response_token_count > Some(0));
}

/// Covers: AsyncSession.send_tool_response
#[tokio::test]
async fn functions_run_and_the_model_goes_on() {
    let emulator = Emulator::builder().start().await.unwrap();
    let client = client(&emulator, keyed());
    let declaration = FunctionDeclaration::new()
        .set_name("get_weather")
        .set_parameters_json_schema(json!({"type": "object",
            "properties": {"city": {"type": "string"}}}));
    #[derive(serde::Deserialize)]
    struct Place {
        city: String,
    }
    let weather = Function::new(declaration, |place: Place| async move {
        Ok::<_, String>(format!("rain in {} until noon", place.city))
    });
    let call = client
        .live()
        .connect(MODEL)
        .set_response_modalities([Modality::Text])
        .with_functions([weather]);
    let mut session = limited(call.send()).await.unwrap();
    let question = ["What is the weather in Boston?"];
    limited(session.send_client_content(question, true))
        .await
        .unwrap();
    let mut said = String::new();
    loop {
        let message = limited(session.next()).await.unwrap().unwrap();
        if let Some(call) = &message.tool_call {
            limited(session.answer(call)).await.unwrap();
        }
        said.push_str(&message.text().unwrap_or_default());
        if message.ends_turn() {
            break;
        }
    }
    assert!(said.contains("rain in Boston until noon"), "{said}");
}

#[tokio::test]
async fn a_session_outlives_its_connections() {
    let clock = ManualClock::new();
    let emulator = Emulator::builder()
        .with_clock(Arc::new(clock.clone()))
        .with_live_session_limit(Duration::from_secs(60))
        .start()
        .await
        .unwrap();
    let client = client(&emulator, keyed());
    let call = client
        .live()
        .connect(MODEL)
        .set_response_modalities([Modality::Text])
        .set_resumption_handle(None);
    let mut session = limited(call.send()).await.unwrap();
    ask(&mut session, FACT).await;
    while session.resumption_handle().is_none() {
        limited(session.next()).await.unwrap().unwrap();
    }
    clock.advance(Duration::from_secs(30));
    while session.going_away().is_none() {
        limited(session.next()).await.unwrap().unwrap();
    }
    let left = session.going_away().unwrap().remaining();
    assert_eq!(left, Some(Duration::from_secs(30)));
    limited(session.reconnect()).await.unwrap();
    assert!(
        ask(&mut session, "Where are the spare keys?")
            .await
            .contains(FACT)
    );
    // The old connection would have ended long ago; this one does now.
    clock.advance(Duration::from_secs(60));
    let mut last = None;
    while let Some(item) = limited(session.next()).await {
        last = item.err();
    }
    assert_eq!(last.unwrap().close_code(), Some(CloseCode::INTERNAL));
    limited(session.reconnect()).await.unwrap();
    assert!(
        ask(&mut session, "Where are the spare keys?")
            .await
            .contains(FACT)
    );
}

#[tokio::test]
async fn refusals_are_the_servers_words() {
    let emulator = Emulator::builder()
        .with_api_key("right")
        .start()
        .await
        .unwrap();
    let wrong = client(&emulator, keyed());
    let error = text(&wrong).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "connection was closed: 1007 invalid payload: API key not valid. Please pass a valid API key."
    );
    let right = client(&emulator, GeminiClient::builder().with_api_key("right"));
    let error = limited(right.live().connect("gemini-none").send())
        .await
        .unwrap_err();
    assert_eq!(error.close_code(), Some(CloseCode::POLICY));
    let reason = error.close_reason().unwrap();
    assert!(
        reason.starts_with("models/gemini-none is not found for API version v1"),
        "{reason}"
    );
}

/// Covers: tokens.create
#[tokio::test]
async fn a_token_opens_the_session_that_it_was_made_for() {
    let emulator = Emulator::builder().start().await.unwrap();
    let maker = client(&emulator, keyed().with_api_version("v1alpha"));
    let config = LiveConnectConfig::new().set_response_modalities([Modality::Text]);
    let constraints = LiveConnectConstraints::new()
        .set_model(MODEL)
        .set_config(config);
    let call = maker.auth_tokens().create().set_uses(1);
    let call = call.set_live_connect_constraints(constraints);
    let token = limited(call.send()).await.unwrap().into_body();
    let bearer = GeminiClient::builder().with_api_key(token.name.unwrap());
    let bearer = client(&emulator, bearer);
    // What it asks for does not count.
    let call = bearer.live().connect("gemini-none");
    let mut session = limited(call.send()).await.unwrap();
    assert!(!ask(&mut session, "Hi.").await.is_empty());
    let error = limited(bearer.live().connect(MODEL).send())
        .await
        .unwrap_err();
    assert_eq!(
        error.close_reason(),
        Some("Token has been used the maximum number of times.")
    );
}

/// Covers: AsyncLiveMusic.connect, AsyncMusicSession.set_weighted_prompts, AsyncMusicSession.play
/// Covers: AsyncMusicSession.receive, AsyncMusicSession.close
#[tokio::test]
async fn music_plays() {
    let emulator = Emulator::builder().with_tls().start().await.unwrap();
    let client = client(&emulator, keyed());
    let call = client.live_music().connect("lyria-realtime-exp");
    let mut music = limited(call.send()).await.unwrap();
    let prompt = WeightedPrompt::new().set_text("slow harp").set_weight(1.0);
    limited(music.set_weighted_prompts([prompt])).await.unwrap();
    limited(music.play()).await.unwrap();
    let heard = limited(music.next()).await.unwrap().unwrap();
    let chunk = heard.server_content.unwrap().audio_chunks.remove(0);
    assert_eq!(chunk.data.unwrap().as_bytes().len(), 38_400);
    let source = chunk.source_metadata.unwrap().client_content.unwrap();
    assert_eq!(
        source.weighted_prompts[0].text.as_deref(),
        Some("slow harp")
    );
    limited(music.close()).await;
}
