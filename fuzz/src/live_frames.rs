//! Frames of a Live session and of music as a server might send them: what is read can be written
//! and read again, and what cannot be read is kept as it came, up to a limit.

use bytes::Bytes;
use gimmal_api::gemini::live::{live_message, music_message};
use gimmal_transport::{Error, ErrorKind};
use serde_json::Value;

/// How much of a frame an error keeps.
const KEPT: usize = 64 * 1024;

/// Runs the target: the input is one frame.
pub fn run(input: &[u8]) {
    let frame = Bytes::copy_from_slice(input);
    let json: Option<Value> = serde_json::from_slice(input).ok();
    let is_blank = input.trim_ascii().is_empty();

    match live_message(&frame) {
        Ok(message) => {
            assert!(is_blank || json.as_ref().is_some_and(Value::is_object));
            let written = serde_json::to_vec(&message).expect("a message can be written");
            let again = live_message(&Bytes::from(written)).expect("what was written can be read");
            assert_eq!(again.text(), message.text());
            assert_eq!(again.data(), message.data());
            assert_eq!(again.ends_turn(), message.ends_turn());
            let left = |message: &gimmal_types::gemini::LiveServerMessage| {
                let going = message.go_away.as_ref();
                going.and_then(|going| going.remaining())
            };
            assert_eq!(left(&again), left(&message));
        }
        Err(error) => refused(&error, &frame, json.as_ref()),
    }
    match music_message(&frame) {
        Ok(message) => {
            assert!(is_blank || json.as_ref().is_some_and(Value::is_object));
            let written = serde_json::to_vec(&message).expect("a message can be written");
            let again = music_message(&Bytes::from(written)).expect("what was written can be read");
            let chunks = |message: &gimmal_types::gemini::LiveMusicServerMessage| {
                let content = message.server_content.as_ref();
                content.map(|content| content.audio_chunks.len())
            };
            assert_eq!(chunks(&again), chunks(&message));
        }
        Err(error) => refused(&error, &frame, json.as_ref()),
    }
}

/// A frame that cannot be read is kept; one that the server calls an error is one.
fn refused(error: &Error, frame: &Bytes, json: Option<&Value>) {
    let says_so = json.is_some_and(|json| {
        let members = ["error", "code"].into_iter();
        members
            .filter_map(|name| json.get(name))
            .any(|it| !it.is_null())
    });
    if error.kind() != ErrorKind::Decode {
        assert!(says_so, "{error:?}");
    }
    let payload = error.payload().expect("the frame is kept");
    assert_eq!(payload, &frame.slice(..frame.len().min(KEPT)));
    let text = error.to_string();
    assert!(!text.chars().any(char::is_control), "{text:?}");
}
