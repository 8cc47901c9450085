//! A socket as messages: JSON in, in frames of either kind and either spelling of its keys, and JSON
//! out, in the kind of frame that the service uses.

use std::{sync::Arc, time::Duration};

use futures_util::{SinkExt as _, StreamExt as _};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use serde_json::{Map, Value};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        self, Message,
        protocol::{CloseFrame, Role},
    },
};

use crate::{gemini::keys, live::close::Close, route::Backend};

/// How long a client has to close its side.
const GOODBYE: Duration = Duration::from_secs(5);

/// One connection.
pub(super) struct Wire {
    socket: WebSocketStream<TokioIo<Upgraded>>,
    /// The developer service sends its JSON as bytes.
    binary: bool,
}

impl Wire {
    pub(super) async fn new(io: Upgraded, backend: Backend) -> Self {
        let io = TokioIo::new(io);
        Self {
            socket: WebSocketStream::from_raw_socket(io, Role::Server, None).await,
            binary: backend == Backend::Developer,
        }
    }

    /// The next message, with keys in camelCase. Dropping the future loses nothing.
    pub(super) async fn receive(&mut self) -> Result<Map<String, Value>, Close> {
        loop {
            let frame = match self.socket.next().await {
                Some(Ok(frame)) => frame,
                Some(Err(tungstenite::Error::Utf8(_))) => {
                    return Err(Close::invalid("Invalid UTF-8 in a text frame."));
                }
                Some(Err(_)) | None => return Err(Close::answered()),
            };
            return match &frame {
                Message::Text(text) => read(text.as_bytes()),
                Message::Binary(bytes) => read(bytes),
                Message::Close(_) => Err(Close::answered()),
                _ => continue,
            };
        }
    }

    /// Sends a message; a client that is gone will be noticed when it is next listened to.
    pub(super) async fn send(&mut self, message: &Value) {
        let text = message.to_string();
        let frame = if self.binary {
            Message::binary(text)
        } else {
            Message::text(text)
        };
        if let Err(error) = self.socket.send(frame).await {
            tracing::debug!(%error, "a message did not arrive");
        }
    }

    /// Closes, and waits until the client has seen it.
    pub(super) async fn close(mut self, close: Close) {
        let frame = CloseFrame {
            code: close.code.into(),
            reason: close.reason.into(),
        };
        let goodbye = async {
            // The client may be gone, or may have closed first, which has been answered already.
            let _ = self.socket.close(Some(frame)).await;
            while let Some(Ok(_)) = self.socket.next().await {}
        };
        // Whoever does not say goodbye within this time is left.
        let _ = tokio::time::timeout(GOODBYE, goodbye).await;
    }
}

/// The object in a frame.
fn read(frame: &[u8]) -> Result<Map<String, Value>, Close> {
    let invalid =
        |problem: &str| Close::invalid(format!("Invalid JSON payload received. {problem}"));
    let value: Value =
        serde_json::from_slice(frame).map_err(|error| invalid(&error.to_string()))?;
    match Arc::unwrap_or_clone(keys::normalise(&Arc::new(value))) {
        Value::Object(message) => Ok(message),
        _ => Err(invalid("Root element must be a message.")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn both_spellings_are_one_and_free_values_stay() {
        let frame = br#"{"tool_response": {"function_responses": [
            {"id": "1", "response": {"some_key": 1}}]}}"#;
        let expected = json!({"toolResponse": {"functionResponses": [
            {"id": "1", "response": {"some_key": 1}}]}});
        assert_eq!(Value::Object(read(frame).expect("read")), expected);
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for frame in [&b"nonsense"[..], b"[]", b"\xff"] {
            let close = read(frame).expect_err("refused");
            assert_eq!(close.code, 1007);
            assert!(close.reason.starts_with("Invalid JSON payload received. "));
        }
    }
}
