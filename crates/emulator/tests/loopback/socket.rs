//! A plain WebSocket client with the few things the tests do. It knows no more of the wire than
//! paths and JSON.

use std::time::Duration;

use futures_util::{SinkExt as _, StreamExt as _};
use gimmal_emulator::Emulator;
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    WebSocketStream, client_async,
    tungstenite::{self, Message, client::IntoClientRequest as _},
};

pub(crate) const MODEL: &str = "gemini-live-2.5-flash-preview";
const DEVELOPER: &str = "ws/google.ai.generativelanguage.v1beta.GenerativeService";
pub(crate) const VERTEX: &str =
    "/ws/google.cloud.aiplatform.v1beta1.LlmBidiService/BidiGenerateContent";

/// How it ended: code and reason.
pub(crate) type End = (u16, String);

/// One connection.
pub(crate) struct Socket {
    stream: WebSocketStream<TcpStream>,
    /// Whether the last message came as bytes.
    pub(crate) binary: bool,
}

/// Fails a test that hangs.
pub(crate) async fn limited<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(20), future)
        .await
        .expect("the test hangs")
}

/// The path of a method of the developer service.
pub(crate) fn method(name: &str) -> String {
    format!("{DEVELOPER}.{name}")
}

impl Socket {
    /// Opens a socket at a path, with these headers.
    pub(crate) async fn try_open(
        emulator: &Emulator,
        path: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, tungstenite::Error> {
        let url = format!("{}{path}", emulator.base_url()).replace("http", "ws");
        let mut request = url.into_client_request().expect("an address");
        for (name, value) in headers {
            let value = value.parse().expect("a value");
            request.headers_mut().insert(*name, value);
        }
        let tcp = TcpStream::connect(emulator.address()).await.expect("TCP");
        let (stream, _) = limited(client_async(request, tcp)).await?;
        let binary = false;
        Ok(Self { stream, binary })
    }

    /// Opens a session of the developer service with a key.
    pub(crate) async fn open(emulator: &Emulator, name: &str) -> Self {
        let headers = [("x-goog-api-key", "test-key")];
        let path = method(name);
        let socket = Self::try_open(emulator, &path, &headers).await;
        socket.expect("a socket")
    }

    /// A session in text, set up.
    pub(crate) async fn text(emulator: &Emulator) -> Self {
        let config = json!({"generationConfig": {"responseModalities": ["TEXT"]}});
        Self::live(emulator, config).await
    }

    /// A session set up with these fields and a model.
    pub(crate) async fn live(emulator: &Emulator, mut setup: Value) -> Self {
        let mut socket = Self::open(emulator, "BidiGenerateContent").await;
        setup["model"] = format!("models/{MODEL}").into();
        socket.say(json!({ "setup": setup })).await;
        assert_eq!(socket.hear().await, json!({"setupComplete": {}}));
        socket
    }

    pub(crate) async fn say(&mut self, message: Value) {
        self.send(Message::text(message.to_string())).await;
    }

    pub(crate) async fn send(&mut self, message: Message) {
        limited(self.stream.send(message)).await.expect("sent");
    }

    /// Says something as the user, and leaves the turn to the model.
    pub(crate) async fn ask(&mut self, text: &str) {
        let turns = json!([{"role": "user", "parts": [{ "text": text }]}]);
        let content = json!({ "turns": turns, "turnComplete": true });
        self.say(json!({ "clientContent": content })).await;
    }

    /// The next message, or how it ended.
    pub(crate) async fn next(&mut self) -> Result<Value, End> {
        loop {
            let frame = limited(self.stream.next()).await;
            let frame = frame.expect("a frame").expect("a frame");
            self.binary = frame.is_binary();
            match frame {
                Message::Close(Some(close)) => {
                    return Err((close.code.into(), close.reason.to_string()));
                }
                Message::Close(None) => return Err((1005, String::new())),
                Message::Text(_) | Message::Binary(_) => {
                    return Ok(serde_json::from_slice(&frame.into_data()).expect("JSON"));
                }
                _ => {}
            }
        }
    }

    pub(crate) async fn hear(&mut self) -> Value {
        self.next().await.expect("a message")
    }

    pub(crate) async fn end(&mut self) -> End {
        self.next().await.expect_err("the end")
    }

    /// The messages up to the end of the turn.
    pub(crate) async fn turn(&mut self) -> Vec<Value> {
        let mut messages = Vec::new();
        loop {
            let message = self.hear().await;
            let complete = message["serverContent"]["turnComplete"] == true;
            messages.push(message);
            if complete {
                return messages;
            }
        }
    }

    /// Closes, and waits until the server has answered.
    pub(crate) async fn close(mut self) {
        limited(self.stream.close(None)).await.expect("closed");
        while limited(self.stream.next()).await.is_some() {}
    }

    /// Whether nothing comes for now.
    pub(crate) async fn is_silent(&mut self) -> bool {
        let wait = Duration::from_millis(50);
        tokio::time::timeout(wait, self.stream.next())
            .await
            .is_err()
    }
}

/// The words in these messages.
pub(crate) fn words(messages: &[Value]) -> String {
    let parts = messages
        .iter()
        .filter_map(|message| message["serverContent"]["modelTurn"]["parts"].as_array())
        .flatten();
    parts.filter_map(|part| part["text"].as_str()).collect()
}
