//! What the server says: JSON in frames of text or of bytes, in either spelling of its keys.

use bytes::Bytes;
use gimmal_transport::{Error, json};
use gimmal_types::gemini::{LiveMusicServerMessage, LiveServerMessage, UsageMetadata};
use gimmal_types::wire::UnknownFields;

/// Reads a message of a Live session; an empty frame is an empty message.
///
/// A message of a kind that is not known keeps what it holds among its unknown fields.
///
/// ```
/// use bytes::Bytes;
/// use gimmal_api::gemini::live::live_message;
///
/// let frame = Bytes::from_static(br#"{"server_content": {"turnComplete": true}}"#);
/// let content = live_message(&frame)?.server_content.unwrap();
/// assert_eq!(content.turn_complete, Some(true));
/// # Ok::<(), gimmal_transport::Error>(())
/// ```
///
/// # Errors
///
/// Fails when the frame is no such message, with the frame as payload, cut at 64 KiB; and with the
/// server's error when it is one.
pub fn live_message(frame: &Bytes) -> Result<LiveServerMessage, Error> {
    let mut message: LiveServerMessage = json::from_slice(frame)?;
    refuse_error(frame, &message.unknown_fields)?;
    if let Some(usage) = &mut message.usage_metadata {
        count_as_live(usage);
    }
    Ok(message)
}

/// Reads a message of a session of music.
///
/// # Errors
///
/// As [`live_message`].
pub fn music_message(frame: &Bytes) -> Result<LiveMusicServerMessage, Error> {
    let message: LiveMusicServerMessage = json::from_slice(frame)?;
    refuse_error(frame, &message.unknown_fields)?;
    Ok(message)
}

/// No message has these members, so an error leaves them among the unknown ones.
fn refuse_error(frame: &Bytes, unknown: &UnknownFields) -> Result<(), Error> {
    let present = |name: &str| unknown.get(name).is_some_and(|value| !value.is_null());
    if !present("error") && !present("code") {
        return Ok(());
    }
    Err(Error::from_error_body(frame.clone())
        .unwrap_or_else(|| Error::decode("the error cannot be read", frame.clone())))
}

/// Vertex counts replies as candidates; in Live they are responses on both services.
fn count_as_live(usage: &mut UsageMetadata) {
    if usage.response_token_count.is_none() {
        usage.response_token_count = usage.candidates_token_count.take();
    }
    if usage.response_tokens_details.is_empty() {
        usage.response_tokens_details = std::mem::take(&mut usage.candidates_tokens_details);
    }
}

#[cfg(test)]
mod tests {
    use gimmal_transport::ErrorKind;

    use super::*;

    fn live(frame: &'static str) -> Result<LiveServerMessage, Error> {
        live_message(&Bytes::from(frame))
    }

    #[test]
    fn both_spellings_and_both_ways_of_counting_are_read() {
        let camel = live(
            r#"{"serverContent": {"modelTurn": {"parts": [{"text": "a"}]}},
                "usageMetadata": {"responseTokenCount": 3}}"#,
        );
        let snake = live(
            r#"{"server_content": {"model_turn": {"parts": [{"text": "a"}]}},
                "usage_metadata": {"candidates_token_count": 3}}"#,
        );
        assert_eq!(camel.unwrap(), snake.unwrap());
        assert_eq!(live("").unwrap(), LiveServerMessage::default());
        let news = live(r#"{"weatherReport": {"rain": true}}"#).unwrap();
        assert!(news.unknown_fields.get("weatherReport").is_some());
    }

    #[test]
    fn errors_are_errors() {
        let error = live(r#"{"error": {"code": 429, "message": "slow down"}}"#).unwrap_err();
        assert!(error.is_rate_limited());
        let error = live(r#"{"code": 503, "message": "busy"}"#).unwrap_err();
        assert_eq!(error.status().map(|status| status.as_u16()), Some(503));
        let error = live(r#"{"error": 7}"#).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert_eq!(error.payload().unwrap(), r#"{"error": 7}"#);
    }

    #[test]
    fn a_bad_frame_is_kept_up_to_a_limit() {
        let error = live(r#"{"serverContent": {"turnComplete": "maybe"}}"#).unwrap_err();
        assert_eq!(error.field(), Some("serverContent.turnComplete"));
        assert!(error.payload().is_some());
        let error = live_message(&Bytes::from(vec![0xff; 100_000])).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Decode);
        assert_eq!(error.payload().unwrap().len(), 64 * 1024);
        assert!(music_message(&Bytes::from_static(b"[]")).is_err());
    }

    #[test]
    fn music_is_read() {
        let frame =
            r#"{"serverContent": {"audioChunks": [{"data": "AAEC", "mimeType": "audio/l16"}]}}"#;
        let message = music_message(&Bytes::from(frame)).unwrap();
        let chunk = &message.server_content.unwrap().audio_chunks[0];
        assert_eq!(chunk.data.as_ref().unwrap().as_bytes(), [0, 1, 2]);
    }
}
