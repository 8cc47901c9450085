//! One scripted reply: what is sent, when, and where it fails.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::body::ByteStream;
use crate::error::Error;
#[cfg(feature = "websocket")]
use crate::testing::SocketScript;
use crate::time::Clock;

/// What a [`ScriptedTransport`](crate::testing::ScriptedTransport) does with one request.
///
/// ```
/// use std::time::Duration;
/// use gimmal_transport::testing::Reply;
///
/// let slow = Reply::json(200, r#"{"done": true}"#).with_delay(Duration::from_secs(3));
/// let stream = Reply::events(["1", "2"]).with_reset();
/// # let _ = (slow, stream);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Reply {
    delay: Duration,
    head: Head,
    steps: Vec<Step>,
    #[cfg(feature = "websocket")]
    socket: Option<SocketScript>,
}

#[derive(Clone, Debug)]
enum Head {
    Answer(StatusCode, HeaderMap),
    ConnectError,
    IoError,
    Silence,
}

/// One thing that happens to the body.
#[derive(Clone, Debug)]
enum Step {
    Chunk(Bytes),
    Wait(Duration),
    Reset,
    Silence,
}

impl Reply {
    fn new(head: Head) -> Self {
        Self {
            delay: Duration::ZERO,
            head,
            steps: Vec::new(),
            #[cfg(feature = "websocket")]
            socket: None,
        }
    }

    /// A reply with this status and an empty body.
    ///
    /// # Panics
    ///
    /// When the number is no HTTP status.
    pub fn status(status: u16) -> Self {
        let status = StatusCode::from_u16(status).expect("a script holds valid statuses");
        Self::new(Head::Answer(status, HeaderMap::new()))
    }

    /// A reply with a JSON body.
    ///
    /// # Panics
    ///
    /// When the number is no HTTP status.
    pub fn json(status: u16, body: impl Into<Bytes>) -> Self {
        Self::status(status)
            .with_header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .with_chunk(body)
    }

    /// A stream of events, one chunk each.
    pub fn events<D: AsRef<str>>(data: impl IntoIterator<Item = D>) -> Self {
        let head = Self::status(200)
            .with_header(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        data.into_iter().fold(head, |reply, data| {
            reply.with_chunk(format!("data: {}\n\n", data.as_ref()))
        })
    }

    /// The server switches to WebSocket, and does there what the script says.
    #[cfg(feature = "websocket")]
    pub fn socket(script: SocketScript) -> Self {
        let mut reply = Self::status(101);
        reply.socket = Some(script);
        reply
    }

    /// No connection can be made.
    pub fn connect_error() -> Self {
        Self::new(Head::ConnectError)
    }

    /// The connection fails after the request was sent.
    pub fn io_error() -> Self {
        Self::new(Head::IoError)
    }

    /// No answer ever comes.
    pub fn silence() -> Self {
        Self::new(Head::Silence)
    }

    /// Waits before the head of the reply.
    pub fn with_delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Sets a header of the reply.
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        if let Head::Answer(_, headers) = &mut self.head {
            headers.insert(name, value);
        }
        self
    }

    /// Adds a chunk to the body.
    pub fn with_chunk(self, chunk: impl Into<Bytes>) -> Self {
        self.with_step(Step::Chunk(chunk.into()))
    }

    /// Waits at this point of the body.
    pub fn with_pause(self, pause: Duration) -> Self {
        self.with_step(Step::Wait(pause))
    }

    /// Breaks the connection at this point of the body.
    pub fn with_reset(self) -> Self {
        self.with_step(Step::Reset)
    }

    /// Falls silent for ever at this point of the body.
    pub fn with_silence(self) -> Self {
        self.with_step(Step::Silence)
    }

    fn with_step(mut self, step: Step) -> Self {
        self.steps.push(step);
        self
    }

    /// What is to happen after the head, instead of a body.
    #[cfg(feature = "websocket")]
    pub(super) fn take_socket(&mut self) -> Option<SocketScript> {
        self.socket.take()
    }

    /// Plays the reply.
    pub(super) async fn play(
        self,
        clock: Arc<dyn Clock>,
    ) -> Result<http::Response<ByteStream>, Error> {
        if !self.delay.is_zero() {
            clock.sleep(self.delay).await;
        }
        match self.head {
            Head::Answer(status, headers) => {
                let mut response = http::Response::new(play_body(self.steps, clock));
                *response.status_mut() = status;
                *response.headers_mut() = headers;
                Ok(response)
            }
            Head::ConnectError => Err(Error::connect("scripted connect error")),
            Head::IoError => Err(Error::io("scripted connection loss")),
            Head::Silence => std::future::pending().await,
        }
    }
}

fn play_body(steps: Vec<Step>, clock: Arc<dyn Clock>) -> ByteStream {
    let state = (steps.into_iter(), clock);
    ByteStream::new(stream::unfold(state, |(mut steps, clock)| async move {
        loop {
            let item = match steps.next()? {
                Step::Chunk(chunk) => Ok(chunk),
                Step::Wait(pause) => {
                    clock.sleep(pause).await;
                    continue;
                }
                Step::Reset => Err(Error::io("scripted reset")),
                Step::Silence => std::future::pending().await,
            };
            return Some((item, (steps, clock)));
        }
    }))
}
