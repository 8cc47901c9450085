//! The server's side of a scripted WebSocket. It speaks the real protocol over a pipe, so that what
//! a test sees went through the code that users run.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt as _, StreamExt as _};
use http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, UPGRADE};
use http::{HeaderMap, HeaderValue, StatusCode};
use tokio::io::DuplexStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message as Frame;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role};

use crate::body::ByteStream;
use crate::error::CloseCode;
use crate::time::Clock;
use crate::ws::Message;

/// What both sides may have under way.
const PIPE_BYTES: usize = 64 * 1024;

/// What a server does on a WebSocket, step by step; see [`Reply::socket`](super::Reply::socket).
///
/// ```
/// use gimmal_transport::CloseCode;
/// use gimmal_transport::testing::{Reply, SocketScript};
///
/// let script = SocketScript::new()
///     .receive()
///     .send_text(r#"{"ready": true}"#)
///     .close(CloseCode::POLICY, "no more");
/// let reply = Reply::socket(script);
/// # let _ = reply;
/// ```
///
/// After the last step it listens until the client closes.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct SocketScript {
    steps: Vec<Step>,
}

#[derive(Clone, Debug)]
enum Step {
    Receive,
    Send(Message),
    Ping,
    Wait(Duration),
    Close(CloseCode, String),
    Reset,
    Silence,
}

impl SocketScript {
    /// A server that only listens.
    pub fn new() -> Self {
        Self::default()
    }

    /// Waits for a message of the client.
    pub fn receive(self) -> Self {
        self.with(Step::Receive)
    }

    /// Sends text.
    pub fn send_text(self, text: impl Into<String>) -> Self {
        self.with(Step::Send(Message::text(text)))
    }

    /// Sends bytes.
    pub fn send_binary(self, bytes: impl Into<Bytes>) -> Self {
        self.with(Step::Send(Message::binary(bytes)))
    }

    /// Sends a ping.
    pub fn ping(self) -> Self {
        self.with(Step::Ping)
    }

    /// Waits, on the clock of the transport.
    pub fn wait(self, duration: Duration) -> Self {
        self.with(Step::Wait(duration))
    }

    /// Closes.
    pub fn close(self, code: CloseCode, reason: impl Into<String>) -> Self {
        self.with(Step::Close(code, reason.into()))
    }

    /// Hangs up without a word.
    pub fn reset(self) -> Self {
        self.with(Step::Reset)
    }

    /// Keeps the connection and neither reads nor writes, for ever.
    pub fn silence(self) -> Self {
        self.with(Step::Silence)
    }

    fn with(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// Answers the request for a WebSocket, and plays the script on it.
    pub(super) fn open(
        self,
        headers: &HeaderMap,
        heard: Arc<Mutex<Vec<Message>>>,
        clock: Arc<dyn Clock>,
    ) -> http::Response<ByteStream> {
        let (ours, theirs) = tokio::io::duplex(PIPE_BYTES);
        tokio::spawn(self.play(ours, heard, clock));
        let key = headers.get(http::header::SEC_WEBSOCKET_KEY);
        let accept = derive_accept_key(key.map_or(&b""[..], HeaderValue::as_bytes));
        let mut response = http::Response::new(ByteStream::switched(theirs));
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        let headers = response.headers_mut();
        headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
        headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
        if let Ok(accept) = HeaderValue::try_from(accept) {
            headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
        }
        response
    }

    async fn play(self, io: DuplexStream, heard: Arc<Mutex<Vec<Message>>>, clock: Arc<dyn Clock>) {
        let mut socket = WebSocketStream::from_raw_socket(io, Role::Server, None).await;
        let hear = |message: Message| {
            let mut heard = heard.lock().unwrap_or_else(PoisonError::into_inner);
            heard.push(message);
        };
        for step in self.steps {
            let sent = match step {
                Step::Receive => match next(&mut socket).await {
                    Some(message) => {
                        hear(message);
                        Ok(())
                    }
                    None => return,
                },
                Step::Send(message) => socket.send(message.into_frame()).await,
                Step::Ping => socket.send(Frame::Ping(Bytes::new())).await,
                Step::Wait(duration) => {
                    clock.sleep(duration).await;
                    Ok(())
                }
                Step::Close(code, reason) => {
                    let frame = CloseFrame {
                        code: code.get().into(),
                        reason: reason.into(),
                    };
                    socket.send(Frame::Close(Some(frame))).await
                }
                Step::Reset => return,
                Step::Silence => std::future::pending().await,
            };
            if sent.is_err() {
                return;
            }
        }
        while let Some(message) = next(&mut socket).await {
            hear(message);
        }
    }
}

/// The next message; none when the client has closed.
async fn next(socket: &mut WebSocketStream<DuplexStream>) -> Option<Message> {
    loop {
        let frame = socket.next().await?.ok()?;
        if let Some(message) = Message::of_frame(frame) {
            return Some(message);
        }
    }
}
