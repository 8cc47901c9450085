//! The caller's side of a WebSocket: a stream of messages, a way to send, and how to part the two.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use futures_util::Stream;
use tokio::sync::{mpsc, oneshot, watch};
use tracing::Instrument as _;

use crate::error::{CloseCode, Error};
use crate::options::CallOptions;
use crate::semaphore::BytesSemaphore;
use crate::time::Clock;
use crate::ws::driver::{Command, Driver, Ended, Limits, Received};
use crate::ws::handshake::Switched;
use crate::ws::{Message, WebSocketConfig};

/// An open WebSocket: a stream of the server's messages, to which the caller's can be sent.
///
/// A task reads and writes, so that pings are answered while the caller does something else.
/// Messages wait to be read up to a [limit](WebSocketConfig::with_buffered_bytes), beyond which
/// the server has to wait. The stream ends when the server closes in peace (1000), or after
/// [`close`](WebSocketSender::close); any other end comes out of it first, as an error of the kind
/// [`Closed`](crate::ErrorKind::Closed) or, where a limit of this side was met,
/// [`StreamInterrupted`](crate::ErrorKind::StreamInterrupted) or
/// [`ResponseTooLarge`](crate::ErrorKind::ResponseTooLarge).
///
/// Dropping it closes the connection.
#[derive(Debug)]
pub struct WebSocket {
    sender: WebSocketSender,
    receiver: WebSocketReceiver,
}

/// The half that sends. Clones send over the same connection.
#[derive(Clone)]
pub struct WebSocketSender {
    commands: mpsc::Sender<Command>,
    ended: watch::Receiver<Option<Ended>>,
}

/// The half that receives: a stream of messages.
pub struct WebSocketReceiver {
    incoming: mpsc::UnboundedReceiver<Received>,
}

impl WebSocket {
    /// Starts the task that owns the connection.
    pub(crate) fn start(
        switched: Switched,
        config: &WebSocketConfig,
        options: &CallOptions,
        clock: &Arc<dyn Clock>,
    ) -> Self {
        // Whoever sends waits until it has left, so that nothing piles up here.
        let (commands, orders) = mpsc::channel(1);
        let (messages, incoming) = mpsc::unbounded_channel();
        let (told, ended) = watch::channel(None);
        let span = switched.observation.as_ref().map(|seen| seen.span());
        let driver = Driver {
            commands: orders,
            incoming: messages,
            ended: told,
            budget: BytesSemaphore::new(config.buffered_bytes()),
            limits: Limits {
                max_message_bytes: options.max_event_bytes(),
                ping: config.ping_interval(),
                idle: options.idle_timeout(),
                deadline: switched.deadline,
            },
            clock: Arc::clone(clock),
            observation: switched.observation,
        };
        let work = driver.run(switched.connection);
        tokio::spawn(work.instrument(span.unwrap_or_else(tracing::Span::none)));
        Self {
            sender: WebSocketSender { commands, ended },
            receiver: WebSocketReceiver { incoming },
        }
    }

    /// Sends a message; see [`WebSocketSender::send`].
    pub async fn send(&self, message: Message) -> Result<(), Error> {
        self.sender.send(message).await
    }

    /// Closes the connection; see [`WebSocketSender::close`].
    pub async fn close(self, code: CloseCode, reason: &str) {
        let Self { sender, receiver } = self;
        // What nobody will read must not stand in the way.
        drop(receiver);
        sender.close(code, reason).await;
    }

    /// The two halves.
    pub fn split(self) -> (WebSocketSender, WebSocketReceiver) {
        (self.sender, self.receiver)
    }
}

impl WebSocketSender {
    /// Sends a message; it has left when this is done. A slow server makes it slow.
    ///
    /// Dropping the future leaves open whether the message is sent.
    ///
    /// # Errors
    ///
    /// Fails when the connection has ended, with the reason.
    pub async fn send(&self, message: Message) -> Result<(), Error> {
        let (done, left) = oneshot::channel();
        let handed = self.commands.send(Command::Send(message, done)).await;
        if handed.is_ok() && left.await.is_ok() {
            return Ok(());
        }
        let Ended { code, reason } = self.ended().await;
        Err(Error::closed(code, reason))
    }

    /// Closes the connection, and waits until the server has done so too, for some seconds at
    /// most. A reason longer than 123 bytes is cut.
    ///
    /// Messages that are on their way still come out of the other half.
    pub async fn close(&self, code: CloseCode, reason: &str) {
        let order = Command::Close(code, reason.to_owned());
        // One that has ended needs no closing.
        if self.commands.send(order).await.is_ok() {
            self.ended().await;
        }
    }

    /// True when the connection has ended.
    pub fn is_closed(&self) -> bool {
        self.ended.borrow().is_some() || self.commands.is_closed()
    }

    async fn ended(&self) -> Ended {
        let mut ended = self.ended.clone();
        let told = ended.wait_for(Option::is_some).await;
        told.ok()
            .and_then(|ended| ended.clone())
            .unwrap_or_else(|| Ended {
                code: CloseCode::ABNORMAL,
                reason: String::new(),
            })
    }
}

impl Stream for WebSocket {
    type Item = Result<Message, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.receiver).poll_next(cx)
    }
}

impl Stream for WebSocketReceiver {
    type Item = Result<Message, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // With the message its share of the buffer is handed out, and is free again.
        let received = ready!(self.incoming.poll_recv(cx));
        Poll::Ready(received.map(|(message, _share)| message))
    }
}

impl fmt::Debug for WebSocketSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketSender")
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for WebSocketReceiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebSocketReceiver").finish_non_exhaustive()
    }
}
