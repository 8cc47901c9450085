//! The half that receives, of Live sessions and of music: frames become messages, and what is
//! needed to go on in another connection is remembered.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};
use futures_util::{Stream, StreamExt as _};
use gimmal_api::gemini::live;
use gimmal_transport::ws::WebSocketReceiver;
use gimmal_transport::{Clock, CloseCode, Error, TimeoutKind};
use gimmal_types::gemini::{LiveMusicServerMessage, LiveServerGoAway, LiveServerMessage};

/// Messages that may come before the one that says that a session has begun.
const EARLY: usize = 64;

/// A stream of messages out of a stream of frames.
struct Messages<M> {
    frames: WebSocketReceiver,
    decode: fn(&Bytes) -> Result<M, Error>,
    /// What came before the session had begun.
    early: VecDeque<M>,
}

impl<M> Messages<M> {
    fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<M, Error>>> {
        if let Some(message) = self.early.pop_front() {
            return Poll::Ready(Some(Ok(message)));
        }
        let frame = ready!(self.frames.poll_next_unpin(cx));
        Poll::Ready(frame.map(|frame| (self.decode)(&frame?.into_bytes())))
    }

    /// Reads up to the message that says that the session has begun.
    async fn begin<T>(&mut self, is_it: impl Fn(&mut M) -> Option<T>) -> Result<T, Error> {
        let mut early = VecDeque::new();
        while early.len() < EARLY {
            let Some(message) = std::future::poll_fn(|cx| self.poll_next(cx)).await else {
                return Err(Error::closed(CloseCode::NORMAL, ""));
            };
            let mut message = message?;
            if let Some(begun) = is_it(&mut message) {
                self.early = early;
                return Ok(begun);
            }
            early.push_back(message);
        }
        Err(Error::decode(
            "the server talks without saying that the session has begun",
            Bytes::new(),
        ))
    }
}

/// The half of a Live session that receives: a stream of all messages of the server.
///
/// A frame that cannot be read is an error of the kind [`Decode`](crate::ErrorKind::Decode) in its
/// place, with the frame as payload, and the stream goes on. The end of the connection is an error
/// of another kind and the last item, unless the connection was closed in peace.
pub struct LiveReceiver {
    messages: Messages<LiveServerMessage>,
    handle: Option<String>,
    going_away: Option<LiveServerGoAway>,
}

impl LiveReceiver {
    pub(super) fn new(frames: WebSocketReceiver) -> Self {
        Self {
            messages: Messages {
                frames,
                decode: live::live_message,
                early: VecDeque::new(),
            },
            handle: None,
            going_away: None,
        }
    }

    /// Reads up to the message that says that the session has begun, and returns what it says.
    pub(super) async fn begin(
        &mut self,
        limit: Limit<'_>,
    ) -> Result<gimmal_types::gemini::LiveServerSetupComplete, Error> {
        let begun = self
            .messages
            .begin(|message| message.setup_complete.take().map(|begun| *begun));
        limit.hold(begun).await
    }

    /// The messages of one turn: up to and including the one after which it is the user's turn.
    ///
    /// What is not read of it is left to the next. A message that calls functions does not end a
    /// turn; the model goes on when they are answered.
    pub fn receive(&mut self) -> LiveTurn<'_> {
        LiveTurn {
            receiver: self,
            ended: false,
        }
    }

    /// By what the session can be resumed in another connection, as the server said last.
    pub fn resumption_handle(&self) -> Option<&str> {
        self.handle.as_deref()
    }

    /// The server's announcement that it will end the connection, once it has been read.
    pub fn going_away(&self) -> Option<&LiveServerGoAway> {
        self.going_away.as_ref()
    }

    pub(super) fn set_resumption_handle(&mut self, handle: String) {
        self.handle = Some(handle);
    }

    fn note(&mut self, message: &LiveServerMessage) {
        if let Some(update) = &message.session_resumption_update
            && update.resumable == Some(true)
            && let Some(handle) = update.new_handle.as_ref().filter(|new| !new.is_empty())
        {
            self.handle = Some(handle.clone());
        }
        if let Some(going) = &message.go_away {
            self.going_away = Some((**going).clone());
        }
    }
}

impl Stream for LiveReceiver {
    type Item = Result<LiveServerMessage, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = ready!(self.messages.poll_next(cx));
        if let Some(Ok(message)) = &item {
            self.note(message);
        }
        Poll::Ready(item)
    }
}

/// Shows no handle, which opens the session to whoever has it.
impl fmt::Debug for LiveReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LiveReceiver")
            .field("is_resumable", &self.handle.is_some())
            .field("going_away", &self.going_away)
            .finish_non_exhaustive()
    }
}

/// The messages of one turn; see [`LiveReceiver::receive`].
#[derive(Debug)]
#[must_use = "a stream does nothing until it is read"]
pub struct LiveTurn<'a> {
    receiver: &'a mut LiveReceiver,
    ended: bool,
}

impl LiveTurn<'_> {
    /// Reads the turn to its end, and returns what was said in text.
    ///
    /// # Errors
    ///
    /// Fails with the first error of the stream, and when the connection ends before the turn.
    pub async fn text(mut self) -> Result<String, Error> {
        let mut text = String::new();
        while let Some(message) = self.next().await {
            text.push_str(&message?.text().unwrap_or_default());
        }
        if self.ended {
            return Ok(text);
        }
        Err(Error::closed(CloseCode::NORMAL, "before the turn was over"))
    }
}

impl Stream for LiveTurn<'_> {
    type Item = Result<LiveServerMessage, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let item = ready!(self.receiver.poll_next_unpin(cx));
        if let Some(Ok(message)) = &item {
            self.ended = message.ends_turn();
        }
        Poll::Ready(item)
    }
}

/// The half of a session of music that receives: a stream of all messages of the server, under the
/// rules of [`LiveReceiver`].
pub struct MusicReceiver {
    messages: Messages<LiveMusicServerMessage>,
}

impl MusicReceiver {
    pub(super) fn new(frames: WebSocketReceiver) -> Self {
        Self {
            messages: Messages {
                frames,
                decode: live::music_message,
                early: VecDeque::new(),
            },
        }
    }

    pub(super) async fn begin(&mut self, limit: Limit<'_>) -> Result<(), Error> {
        let begun = self
            .messages
            .begin(|message| message.setup_complete.take().map(drop));
        limit.hold(begun).await
    }
}

impl Stream for MusicReceiver {
    type Item = Result<LiveMusicServerMessage, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.messages.poll_next(cx)
    }
}

impl fmt::Debug for MusicReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MusicReceiver").finish_non_exhaustive()
    }
}

/// How long the server may take to begin.
pub(super) struct Limit<'a> {
    pub(super) clock: &'a Arc<dyn Clock>,
    pub(super) after: Option<Duration>,
}

impl Limit<'_> {
    async fn hold<T>(self, beginning: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let Some(after) = self.after else {
            return beginning.await;
        };
        match select(std::pin::pin!(beginning), self.clock.sleep(after)).await {
            Either::Left((begun, _)) => begun,
            Either::Right(((), _)) => Err(Error::timeout(TimeoutKind::FirstByte, after)),
        }
    }
}
