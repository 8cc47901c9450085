//! Sessions of music.

use futures_util::StreamExt as _;
use gimmal_client::gemini::GeminiClient;
use gimmal_client::transport::CloseCode;
use gimmal_client::transport::testing::SocketScript;
use gimmal_client::types::gemini::{LiveMusicGenerationConfig, WeightedPrompt};
use serde_json::json;

use crate::support::{begun, limited, scripted, sent};

/// Covers: AsyncLiveMusic.connect, AsyncMusicSession.set_weighted_prompts
/// Covers: AsyncMusicSession.set_music_generation_config, AsyncMusicSession.play
/// Covers: AsyncMusicSession.pause, AsyncMusicSession.stop, AsyncMusicSession.reset_context
/// Covers: AsyncMusicSession.receive, AsyncMusicSession.close
#[tokio::test(start_paused = true)]
async fn music_is_steered_and_heard() {
    let chunk =
        r#"{"serverContent": {"audioChunks": [{"data": "AAE=", "mimeType": "audio/l16"}]}}"#;
    let script = begun()
        .receive()
        .receive()
        .receive()
        .send_binary(chunk)
        .send_text(r#"{"filteredPrompt": {"text": "x", "filteredReason": "y"}}"#);
    let (client, http) = scripted([script]);
    let call = client.live_music().connect("lyria-realtime-exp");
    let mut music = limited(call.send()).await.unwrap();
    let prompt = WeightedPrompt::new().set_text("harp").set_weight(1.0);
    limited(music.set_weighted_prompts([prompt])).await.unwrap();
    let config = LiveMusicGenerationConfig::new().set_bpm(90);
    limited(music.set_music_generation_config(config))
        .await
        .unwrap();
    limited(music.play()).await.unwrap();
    let heard = limited(music.next()).await.unwrap().unwrap();
    let content = heard.server_content.unwrap();
    assert_eq!(
        content.audio_chunks[0].data.as_ref().unwrap().as_bytes(),
        [0, 1]
    );
    let filtered = limited(music.next()).await.unwrap().unwrap();
    assert!(filtered.filtered_prompt.is_some());
    limited(music.pause()).await.unwrap();
    limited(music.reset_context()).await.unwrap();
    limited(music.stop()).await.unwrap();
    let (sender, mut receiver) = music.split();
    limited(sender.close()).await;
    assert!(limited(receiver.next()).await.is_none());
    let request = &http.requests()[0];
    assert!(
        request
            .path_and_query()
            .ends_with("GenerativeService.BidiGenerateMusic")
    );
    assert_eq!(
        sent(&http),
        [
            json!({"setup": {"model": "models/lyria-realtime-exp"}}),
            json!({"clientContent": {"weightedPrompts": [{"text": "harp", "weight": 1.0}]}}),
            json!({"musicGenerationConfig": {"bpm": 90}}),
            json!({"playbackControl": "PLAY"}),
            json!({"playbackControl": "PAUSE"}),
            json!({"playbackControl": "RESET_CONTEXT"}),
            json!({"playbackControl": "STOP"}),
        ]
    );
}

/// Covers: AsyncLiveMusic.connect, AsyncLive.music
#[tokio::test(start_paused = true)]
async fn music_that_cannot_be_made_says_why() {
    let refused = SocketScript::new()
        .receive()
        .close(CloseCode::POLICY, "no such model");
    let (client, _) = scripted([refused]);
    let call = client.live_music().connect("lyria");
    let error = limited(call.send()).await.unwrap_err();
    assert_eq!(error.close_reason(), Some("no such model"));
    let vertex = GeminiClient::builder()
        .with_vertex_express()
        .with_api_key("KEY");
    let call = vertex.build().unwrap().live_music().connect("lyria");
    assert_eq!(
        call.send().await.unwrap_err().to_string(),
        "invalid `backend`: live.music.connect is not available on Vertex AI"
    );
}
