//! Live music: its opening, and each message of the client's; developer API only.

use bytes::Bytes;
use gimmal_transport::{Error, Request};
use gimmal_types::gemini::{
    LiveMusicClientContent, LiveMusicGenerationConfig, LiveMusicPlaybackControl,
};
use http::Method;

use crate::gemini::mapping::Body;
use crate::gemini::names::model_path;
use crate::gemini::{Backend, Endpoint, fields};

/// The request that opens a session of music.
///
/// # Errors
///
/// Fails on Vertex, and with an ephemeral token, which is for Live alone.
pub fn live_music(endpoint: &Endpoint) -> Result<Request, Error> {
    endpoint.require(Backend::GeminiApi, "live.music.connect")?;
    if endpoint.has_ephemeral_token() {
        return Err(Error::invalid(
            "api_key",
            "is an ephemeral token, which only Live accepts",
        ));
    }
    Ok(Request::new(
        Method::GET,
        endpoint.socket("BidiGenerateMusic"),
    ))
}

/// The first message of a session of music.
///
/// # Errors
///
/// Fails on a bad model name.
pub fn music_setup(endpoint: &Endpoint, model: &str) -> Result<Bytes, Error> {
    let mut message = Body::default();
    message.set("setup.model", model_path(endpoint.backend(), model)?);
    message.into_bytes()
}

/// A message that says what the music is about.
///
/// # Errors
///
/// Fails without a description.
pub fn music_weighted_prompts(
    endpoint: &Endpoint,
    content: &LiveMusicClientContent,
) -> Result<Bytes, Error> {
    fields::check(endpoint.backend(), content)?;
    if content.weighted_prompts.is_empty() {
        return Err(Error::invalid("weightedPrompts", "must not be empty"));
    }
    let mut message = Body::default();
    message.add("clientContent", content);
    message.into_bytes()
}

/// A message that says how the music sounds.
///
/// # Errors
///
/// Fails on fields that the backend does not have.
pub fn music_generation_config(
    endpoint: &Endpoint,
    config: &LiveMusicGenerationConfig,
) -> Result<Bytes, Error> {
    fields::check(endpoint.backend(), config)?;
    let mut message = Body::default();
    message.add("musicGenerationConfig", config);
    message.into_bytes()
}

/// A message that says whether the music plays.
///
/// # Errors
///
/// Never; it has the shape of the others.
pub fn music_playback(control: &LiveMusicPlaybackControl) -> Result<Bytes, Error> {
    let mut message = Body::default();
    message.add("playbackControl", control);
    message.into_bytes()
}

#[cfg(test)]
mod tests {
    use gimmal_types::gemini::{Scale, WeightedPrompt};
    use serde_json::{Value, json};

    use super::*;

    fn read(message: Result<Bytes, Error>) -> Value {
        serde_json::from_slice(&message.unwrap()).unwrap()
    }

    #[test]
    fn each_message_has_one_member() {
        let endpoint = Endpoint::gemini_api().build().unwrap();
        assert_eq!(
            live_music(&endpoint).unwrap().url().path(),
            "/ws/google.ai.generativelanguage.v1.GenerativeService.BidiGenerateMusic"
        );
        assert_eq!(
            read(music_setup(&endpoint, "lyria")),
            json!({"setup": {"model": "models/lyria"}})
        );
        let prompt = WeightedPrompt::new().set_text("harp").set_weight(0.5);
        let prompts = LiveMusicClientContent::new().set_weighted_prompts([prompt]);
        assert_eq!(
            read(music_weighted_prompts(&endpoint, &prompts)),
            json!({"clientContent": {"weightedPrompts": [{"text": "harp", "weight": 0.5}]}})
        );
        let config = LiveMusicGenerationConfig::new()
            .set_bpm(90)
            .set_scale(Scale::DMajorBMinor)
            .set_mute_bass(true);
        assert_eq!(
            read(music_generation_config(&endpoint, &config)),
            json!({"musicGenerationConfig":
                {"bpm": 90, "scale": "D_MAJOR_B_MINOR", "muteBass": true}})
        );
        assert_eq!(
            read(music_playback(&LiveMusicPlaybackControl::ResetContext)),
            json!({"playbackControl": "RESET_CONTEXT"})
        );
    }

    #[test]
    fn music_is_made_by_the_developer_api_for_those_with_a_key() {
        let vertex = Endpoint::vertex().build().unwrap();
        assert_eq!(
            live_music(&vertex).unwrap_err().to_string(),
            "invalid `backend`: live.music.connect is not available on Vertex AI"
        );
        let token = Endpoint::gemini_api().with_ephemeral_token().build();
        let error = live_music(&token.unwrap()).unwrap_err();
        assert_eq!(error.field(), Some("api_key"));
        let endpoint = Endpoint::gemini_api().build().unwrap();
        let nothing = music_weighted_prompts(&endpoint, &LiveMusicClientContent::new());
        assert_eq!(nothing.unwrap_err().field(), Some("weightedPrompts"));
    }
}
