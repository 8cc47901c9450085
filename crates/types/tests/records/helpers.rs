//! What records tell of themselves, and records that say all by being there.

use std::fmt::Debug;

use gimmal_types::Bytes64;
use gimmal_types::gemini::{
    ExternalApiSimpleSearchParams, GenerateContentResponse, GoogleMapsPlaces, GoogleMapsRouting,
    ImageSearch, LanguageAuto, LiveServerMessage,
    ReinforcementTuningAutoraterScorerParsedResponseConversionScorer, UrlContext, Video,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

/// A record without fields of its own.
fn empty<T: DeserializeOwned + Serialize + Default + PartialEq + Debug>() {
    let record: T = serde_json::from_value(json!({})).unwrap();
    assert_eq!(record, T::default());
    assert_eq!(serde_json::to_value(record).unwrap(), json!({}));
}

#[test]
fn a_mark_is_an_empty_object() {
    empty::<ExternalApiSimpleSearchParams>();
    empty::<GoogleMapsPlaces>();
    empty::<GoogleMapsRouting>();
    empty::<ImageSearch>();
    empty::<LanguageAuto>();
    empty::<ReinforcementTuningAutoraterScorerParsedResponseConversionScorer>();
    empty::<UrlContext>();
}

/// Covers: GenerateContentResponse.text, GenerateContentResponse.executable_code
/// Covers: GenerateContentResponse.code_execution_result, GenerateContentResponse.parts
#[test]
fn a_reply_is_read_from_its_first_candidate() {
    let parts = json!([
        {"text": "hm", "thought": true}, {"text": "It is "}, {"text": "4."},
        {"executableCode": {"code": "2 + 2"}}, {"codeExecutionResult": {"output": "4"}},
    ]);
    let other = json!({"content": {"parts": [{"text": "5"}]}});
    let reply = json!({"candidates": [{"content": {"parts": parts}}, other]});
    let reply: GenerateContentResponse = serde_json::from_value(reply).unwrap();
    assert_eq!(reply.text().as_deref(), Some("It is 4."));
    assert_eq!(reply.parts().len(), 5);
    let code = reply.executable_code().unwrap();
    assert_eq!(code.code.as_deref(), Some("2 + 2"));
    let output = reply.code_execution_result().unwrap();
    assert_eq!(output.output.as_deref(), Some("4"));

    let nothing = GenerateContentResponse::default();
    assert_eq!(nothing.text(), None);
    assert!(nothing.parts().is_empty());
    assert!(nothing.executable_code().is_none() && nothing.code_execution_result().is_none());
}

/// Covers: LiveServerMessage.text, LiveServerMessage.data
#[test]
fn a_message_of_a_session_has_words_and_sound() {
    let parts = json!([
        {"text": "hm", "thought": true}, {"text": "Hello"},
        {"inlineData": {"data": "AQI=", "mimeType": "audio/pcm"}},
        {"inlineData": {"data": "Aw==", "mimeType": "audio/pcm"}},
    ]);
    let message = json!({"serverContent": {"modelTurn": {"parts": parts}}});
    let message: LiveServerMessage = serde_json::from_value(message).unwrap();
    assert_eq!(message.text().as_deref(), Some("Hello"));
    assert_eq!(message.data(), Some(vec![1, 2, 3]));
    let nothing = LiveServerMessage::default();
    assert_eq!((nothing.text(), nothing.data()), (None, None));
}

/// Covers: Video.from_file
#[test]
fn a_film_is_made_of_bytes() {
    let film = Video::from_bytes(vec![1, 2, 3], "video/mp4");
    assert_eq!(film.video_bytes, Some(Bytes64::from(vec![1, 2, 3])));
    assert_eq!(film.mime_type.as_deref(), Some("video/mp4"));
}
