//! Turns of a Live session: text, speech, functions, and who interrupts whom.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use gimmal_emulator::{Emulator, EmulatorBuilder, ManualClock};
use serde_json::{Value, json};

use crate::socket::{MODEL, Socket, VERTEX, words};

async fn start(builder: EmulatorBuilder) -> Emulator {
    builder.start().await.expect("started")
}

/// A tenth of a second of a tone, or of silence.
fn sound(loud: bool) -> Value {
    let samples = (0..1_600_i16).map(|n| if loud { (n % 40) * 500 - 10_000 } else { 0 });
    let bytes: Vec<u8> = samples.flat_map(i16::to_le_bytes).collect();
    json!({"mimeType": "audio/pcm;rate=16000", "data": STANDARD.encode(bytes)})
}

async fn speak(socket: &mut Socket, loud: bool) {
    let audio = json!({ "audio": sound(loud) });
    socket.say(json!({ "realtimeInput": audio })).await;
}

fn is(message: &Value, flag: &str) -> bool {
    message["serverContent"][flag] == true
}

#[tokio::test]
async fn text_comes_in_pieces_and_is_counted() {
    let emulator = start(Emulator::builder()).await;
    let mut socket = Socket::text(&emulator).await;
    let said = "The night porter of the Halden hotel keeps the spare keys in a blue tin.";
    let turns = json!({"turns": [{"role": "user", "parts": [{ "text": said }]}]});
    socket.say(json!({ "client_content": turns })).await;
    assert!(socket.is_silent().await, "the turn goes on");
    socket.ask("Where are the spare keys?").await;
    let turn = socket.turn().await;
    assert_eq!(words(&turn), said);
    assert!(turn.len() > 3, "{turn:?}");
    assert!(is(&turn[turn.len() - 2], "generationComplete"));
    let usage = &turn[turn.len() - 1]["usageMetadata"];
    let count = |name: &str| usage[name].as_u64().expect("a count");
    assert_eq!(
        count("totalTokenCount"),
        count("promptTokenCount") + count("responseTokenCount")
    );
    assert_eq!(usage["responseTokensDetails"][0]["modality"], "TEXT");
    // What the model said is part of the conversation.
    socket.ask("And of which colour is the tin?").await;
    assert!(words(&socket.turn().await).contains("blue tin"));
}

#[tokio::test]
async fn speech_is_sound_with_its_words_beside_it() {
    let emulator = start(Emulator::builder()).await;
    let setup = json!({"outputAudioTranscription": {}, "inputAudioTranscription": {}});
    let mut socket = Socket::live(&emulator, setup).await;
    for _ in 0..3 {
        speak(&mut socket, true).await;
    }
    assert!(socket.is_silent().await);
    for _ in 0..5 {
        speak(&mut socket, false).await;
    }
    let turn = socket.turn().await;
    let heard = &turn[0]["serverContent"]["inputTranscription"];
    assert_eq!(heard["text"], "a sound of 0.3 seconds");
    let mut bytes = 0;
    let mut transcript = String::new();
    for message in &turn {
        let content = &message["serverContent"];
        if let Some(blob) = content["modelTurn"]["parts"][0].get("inlineData") {
            assert_eq!(blob["mimeType"], "audio/pcm;rate=24000");
            let data = blob["data"].as_str().expect("data");
            let sound = STANDARD.decode(data).expect("base64");
            assert_eq!(sound.len() % 2, 0);
            bytes += sound.len();
        }
        transcript.push_str(
            content["outputTranscription"]["text"]
                .as_str()
                .unwrap_or_default(),
        );
    }
    assert!(bytes > 24_000, "{bytes}");
    assert!(transcript.contains("sound"), "{transcript}");
    let usage = &turn.last().expect("a message")["usageMetadata"];
    assert_eq!(usage["responseTokensDetails"][0]["modality"], "AUDIO");
}

#[tokio::test]
async fn the_end_of_the_stream_and_the_clients_word_end_speech() {
    let emulator = start(Emulator::builder()).await;
    let mut socket = Socket::text(&emulator).await;
    speak(&mut socket, false).await;
    socket
        .say(json!({"realtimeInput": {"audioStreamEnd": true}}))
        .await;
    assert!(words(&socket.turn().await).contains("sound"));

    let manual = json!({"generationConfig": {"responseModalities": ["TEXT"]},
        "realtimeInputConfig": {"automaticActivityDetection": {"disabled": true}}});
    let mut socket = Socket::live(&emulator, manual).await;
    socket
        .say(json!({"realtimeInput": {"activityStart": {}}}))
        .await;
    speak(&mut socket, true).await;
    for _ in 0..9 {
        speak(&mut socket, false).await;
    }
    assert!(socket.is_silent().await);
    socket
        .say(json!({"realtimeInput": {"activityEnd": {}}}))
        .await;
    assert!(words(&socket.turn().await).contains("sound"));

    let mut socket = Socket::text(&emulator).await;
    socket
        .say(json!({"realtimeInput": {"activityStart": {}}}))
        .await;
    let (code, reason) = socket.end().await;
    assert_eq!(code, 1007);
    assert!(
        reason.starts_with("Explicit activity control is not supported"),
        "{reason}"
    );
}

#[tokio::test]
async fn vertex_signals_when_speech_begins_and_ends() {
    let emulator = start(Emulator::builder()).await;
    let headers = [("authorization", "Bearer t")];
    let mut socket = Socket::try_open(&emulator, VERTEX, &headers)
        .await
        .expect("open");
    let model = format!("projects/p/locations/l/publishers/google/models/{MODEL}");
    let setup = json!({"model": model, "explicitVadSignal": true,
        "sessionResumption": {"transparent": true},
        "generationConfig": {"responseModalities": ["TEXT"]}});
    socket.say(json!({ "setup": setup })).await;
    socket.hear().await;
    speak(&mut socket, true).await;
    let signal = |kind: &str| json!({"voiceActivityDetectionSignal": {"vadSignalType": kind}});
    assert_eq!(socket.hear().await, signal("VAD_SIGNAL_TYPE_SOS"));
    socket
        .say(json!({"realtimeInput": {"audioStreamEnd": true}}))
        .await;
    assert_eq!(socket.hear().await, signal("VAD_SIGNAL_TYPE_EOS"));
    socket.turn().await;
    let update = socket.hear().await;
    let update = &update["sessionResumptionUpdate"];
    assert_eq!(update["lastConsumedClientMessageIndex"], "2");
}

fn weather() -> Value {
    json!([{"functionDeclarations": [{
        "name": "get_weather",
        "parameters": {"type": "OBJECT", "properties": {"city": {"type": "STRING"}}},
    }]}])
}

#[tokio::test]
async fn a_function_is_called_and_its_answer_told() {
    let emulator = start(Emulator::builder()).await;
    let setup = json!({"generationConfig": {"responseModalities": ["TEXT"]}, "tools": weather()});
    let mut socket = Socket::live(&emulator, setup).await;
    socket.ask("What is the weather in Boston?").await;
    let call = socket.hear().await;
    let call = &call["toolCall"]["functionCalls"][0];
    assert_eq!(call["name"], "get_weather");
    assert_eq!(call["args"]["city"], "Boston");
    let answer = json!({"id": call["id"], "name": "get_weather",
        "response": {"result": "rain until noon"}});
    let answers = json!({ "function_responses": [answer] });
    socket.say(json!({ "tool_response": answers })).await;
    assert!(words(&socket.turn().await).contains("rain until noon"));
    // It was answered already.
    socket
        .say(json!({"toolResponse": {"functionResponses": [answer]}}))
        .await;
    let (code, reason) = socket.end().await;
    assert_eq!(
        (code, reason.as_str()),
        (1007, "Request contains an invalid argument.")
    );
}

#[tokio::test]
async fn calls_are_taken_back_when_the_user_goes_on() {
    let emulator = start(Emulator::builder()).await;
    let setup = json!({"generationConfig": {"responseModalities": ["TEXT"]}, "tools": weather()});
    let mut socket = Socket::live(&emulator, setup).await;
    socket.ask("What is the weather in Boston?").await;
    let call = socket.hear().await;
    let id = call["toolCall"]["functionCalls"][0]["id"].clone();
    socket.ask("Never mind.").await;
    let taken_back = socket.hear().await;
    assert_eq!(taken_back, json!({"toolCallCancellation": {"ids": [id]}}));
    assert!(is(&socket.hear().await, "interrupted"));
    assert!(is(&socket.hear().await, "turnComplete"));
    let answer = json!({"id": id, "name": "get_weather", "response": {}});
    socket
        .say(json!({"toolResponse": {"functionResponses": [answer]}}))
        .await;
    assert!(
        !socket.turn().await.is_empty(),
        "a late answer does no harm"
    );
}

#[tokio::test]
async fn the_user_interrupts_the_model_unless_that_is_switched_off() {
    let second = Duration::from_secs(1);
    let clock = ManualClock::new();
    let builder = Emulator::builder()
        .with_clock(Arc::new(clock.clone()))
        .with_latency(6 * second);
    let emulator = start(builder).await;
    let mut socket = Socket::text(&emulator).await;
    socket
        .ask("Tell me of green tea and black tea and white tea and all the others.")
        .await;
    // Let the server get to its first wait.
    assert!(socket.is_silent().await);
    clock.advance(2 * second);
    let first = socket.hear().await;
    assert!(!words(&[first]).is_empty());
    socket
        .say(json!({"realtimeInput": {"text": "Stop."}}))
        .await;
    assert!(is(&socket.hear().await, "interrupted"));
    let over = socket.hear().await;
    assert!(is(&over, "turnComplete"));
    assert!(over["usageMetadata"]["responseTokenCount"].as_u64() > Some(0));

    let setup = json!({"generationConfig": {"responseModalities": ["TEXT"]},
        "realtimeInputConfig": {"activityHandling": "NO_INTERRUPTION"}});
    let mut socket = Socket::live(&emulator, setup).await;
    socket.ask("Tell me of tea.").await;
    assert!(socket.is_silent().await);
    socket
        .say(json!({"realtimeInput": {"text": "And of coffee."}}))
        .await;
    assert!(socket.is_silent().await);
    let mut turns = 0;
    for _ in 0..100 {
        clock.advance(second);
        while !socket.is_silent().await {
            // `is_silent` takes a message when there is one.
            turns += 1;
        }
        if turns > 6 {
            break;
        }
    }
    assert!(turns > 6, "both are answered, one after the other");
}

#[tokio::test]
async fn instructions_tools_and_history_can_be_given_later() {
    let emulator = start(Emulator::builder()).await;
    let setup = json!({"generationConfig": {"responseModalities": ["TEXT"]},
        "historyConfig": {"initialHistoryInClientContent": true}});
    let mut socket = Socket::live(&emulator, setup).await;
    socket
        .ask("The ferry to Halden leaves at noon from the second pier.")
        .await;
    assert!(socket.is_silent().await, "that was history");
    socket.ask("When does the ferry leave?").await;
    assert!(words(&socket.turn().await).contains("at noon"));
    let update = json!({"contextUpdate": {"tools": {"tools": weather()}}});
    socket.say(update).await;
    socket.ask("What is the weather in Boston?").await;
    assert!(socket.hear().await["toolCall"].is_object());
}

#[tokio::test]
async fn a_blocked_prompt_ends_the_turn_with_a_reason() {
    let emulator = start(Emulator::builder().with_blocked_phrase("forbidden")).await;
    let mut socket = Socket::text(&emulator).await;
    socket.ask("Say the forbidden thing.").await;
    let turn = socket.turn().await;
    assert_eq!(
        turn[0]["serverContent"]["turnCompleteReason"],
        "PROHIBITED_INPUT_CONTENT"
    );
}
