//! Sessions of music.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use gimmal_emulator::{Emulator, ManualClock, Route};
use serde_json::{Value, json};

use crate::socket::Socket;

const MODEL: &str = "models/lyria-realtime-exp";

async fn music(emulator: &Emulator) -> Socket {
    let mut socket = Socket::open(emulator, "BidiGenerateMusic").await;
    socket.say(json!({"setup": {"model": MODEL}})).await;
    assert_eq!(socket.hear().await, json!({"setupComplete": {}}));
    socket
}

fn chunk(message: &Value) -> &Value {
    &message["serverContent"]["audioChunks"][0]
}

#[tokio::test]
async fn music_plays_at_its_own_pace_until_it_is_halted() {
    let clock = ManualClock::new();
    let emulator = Emulator::builder()
        .with_clock(Arc::new(clock.clone()))
        .with_blocked_phrase("anthem")
        .start()
        .await
        .expect("started");
    let mut socket = music(&emulator).await;
    let prompts = json!([{"text": "slow harp", "weight": 1.0}, {"text": "anthem"}]);
    socket
        .say(json!({"client_content": {"weighted_prompts": prompts}}))
        .await;
    let filtered = socket.hear().await;
    assert_eq!(filtered["filteredPrompt"]["text"], "anthem");
    let config = json!({"bpm": 90, "scale": "D_MAJOR_B_MINOR"});
    socket.say(json!({ "musicGenerationConfig": config })).await;
    assert!(socket.is_silent().await, "nothing plays yet");

    socket.say(json!({"playbackControl": "PLAY"})).await;
    let first = socket.hear().await;
    let data = chunk(&first)["data"].as_str().expect("data");
    let sound = STANDARD.decode(data).expect("base64");
    assert_eq!(
        sound.len(),
        48_000 / 5 * 4,
        "a fifth of a second, in stereo"
    );
    assert!(sound.iter().any(|byte| *byte != 0));
    let source = &chunk(&first)["sourceMetadata"];
    assert_eq!(source["musicGenerationConfig"], config);
    let heard = &source["clientContent"]["weightedPrompts"];
    assert_eq!(heard, &json!([{"text": "slow harp", "weight": 1.0}]));
    assert!(socket.is_silent().await, "time stands still");
    clock.advance(Duration::from_millis(200));
    let second = socket.hear().await;
    assert_ne!(chunk(&first)["data"], chunk(&second)["data"]);

    socket.say(json!({"playbackControl": "STOP"})).await;
    assert!(socket.is_silent().await);
    clock.advance(Duration::from_secs(5));
    assert!(socket.is_silent().await);
    socket.say(json!({"playbackControl": "PLAY"})).await;
    assert_eq!(
        chunk(&socket.hear().await)["data"],
        chunk(&first)["data"],
        "from the start"
    );
    assert_eq!(emulator.journal().count(Route::LiveMusic), 1);
}

#[tokio::test]
async fn what_cannot_be_played_is_refused() {
    let emulator = Emulator::builder().start().await.expect("started");
    let mut socket = Socket::open(&emulator, "BidiGenerateMusic").await;
    socket
        .say(json!({"setup": {"model": "models/gemini-2.5-flash"}}))
        .await;
    let (code, reason) = socket.end().await;
    assert_eq!(code, 1008);
    assert!(reason.contains("not supported for"), "{reason}");
    for (message, expected) in [
        (
            json!({"musicGenerationConfig": {"bpm": 300}}),
            "bpm: must be in the range [60.0, 200.0]",
        ),
        (
            json!({"clientContent": {"weightedPrompts": [{"text": "x", "weight": 0}]}}),
            "weight: must not be zero",
        ),
        (json!({"playbackControl": "LOUDER"}), "LOUDER"),
        (json!({"volume": 11}), "Unknown name \"volume\""),
        (json!({"setup": {}}), "setup must be the first message"),
    ] {
        let mut socket = music(&emulator).await;
        socket.say(message).await;
        let (code, reason) = socket.end().await;
        assert_eq!(code, 1007);
        assert!(reason.contains(expected), "{reason}");
    }
}
