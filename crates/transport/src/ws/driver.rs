//! The task that owns the connection. It reads, so that pings are answered while the caller does
//! something else, writes what the caller hands over, asks for signs of life, and says once how it
//! all ended.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Message as Frame, Utf8Bytes};

use crate::error::{CloseCode, Error, TimeoutKind};
use crate::http::Connection;
use crate::observe::Observation;
use crate::semaphore::{BytesPermit, BytesSemaphore};
use crate::time::{Clock, within};
use crate::ws::{Message, failure};

/// How long the other side has for its part of the end.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a lost write waits for the other side's word on why.
const GRACE: Duration = Duration::from_secs(1);
/// What a message costs beside its bytes, so that many empty ones are not free.
const OVERHEAD: u64 = 64;

type Socket = WebSocketStream<Connection>;

/// What the caller wants done.
#[derive(Debug)]
pub(super) enum Command {
    /// Send this, and say when it has left.
    Send(Message, oneshot::Sender<()>),
    /// Close, with code and reason.
    Close(CloseCode, String),
}

/// A message or the error at the end, with its share of the buffer.
pub(super) type Received = (Result<Message, Error>, Option<BytesPermit>);

/// How a connection ended, for whoever still wants to send.
#[derive(Clone, Debug)]
pub(super) struct Ended {
    pub(super) code: CloseCode,
    pub(super) reason: String,
}

/// What a connection is held to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) max_message_bytes: usize,
    pub(super) ping: Option<Duration>,
    pub(super) idle: Option<Duration>,
    pub(super) deadline: Option<(Instant, Duration)>,
}

/// The connection and everybody who has to do with it.
#[derive(Debug)]
pub(super) struct Driver {
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) incoming: mpsc::UnboundedSender<Received>,
    pub(super) ended: watch::Sender<Option<Ended>>,
    pub(super) budget: BytesSemaphore,
    pub(super) limits: Limits,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) observation: Option<Observation>,
}

/// How it came to the end.
enum Outcome {
    /// By the rules, as one side asked.
    Closed(CloseCode, String),
    Failed(Error, Option<CloseCode>),
    /// Nobody is left who would read or send.
    Dropped,
}

impl Driver {
    pub(super) async fn run(mut self, connection: Connection) {
        let limit = Some(self.limits.max_message_bytes);
        let config = WebSocketConfig::default()
            .max_message_size(limit)
            .max_frame_size(limit);
        let socket = Socket::from_raw_socket(connection, Role::Client, Some(config)).await;
        let (mut sink, stream) = socket.split();
        let pulse = Pulse::default();
        let outcome = {
            let mut commands = std::mem::replace(&mut self.commands, mpsc::channel(1).1);
            let this = &self;
            tokio::select! {
                biased;
                outcome = this.read(stream, &pulse) => outcome,
                outcome = this.write(&mut sink, &mut commands, &pulse) => outcome,
                error = this.watch(&pulse) => Outcome::Failed(error, Some(CloseCode::AWAY)),
            }
        };
        let farewell = match &outcome {
            Outcome::Failed(_, farewell) => *farewell,
            Outcome::Closed(..) | Outcome::Dropped => None,
        };
        self.conclude(&pulse, outcome);
        if let Some(code) = farewell {
            // It is a courtesy; whoever does not take it has lost nothing.
            let farewell = sink.send(close_frame(code, ""));
            let _ = within(&*self.clock, Some(GRACE), farewell).await;
        }
    }

    /// Says how it ended: to the observers, to the reader and to the sender.
    fn conclude(&mut self, pulse: &Pulse, outcome: Outcome) {
        let bytes = pulse.received.load(Ordering::Relaxed);
        let observation = self.observation.take();
        let (ended, error) = match outcome {
            Outcome::Closed(code, reason) => {
                let error = pulse.closing_error(code, &reason);
                (Ended { code, reason }, error)
            }
            Outcome::Failed(error, _) => {
                let code = error.close_code().unwrap_or(CloseCode::ABNORMAL);
                let said = error.close_reason().map(str::to_owned);
                let reason = said.unwrap_or_else(|| error.to_string());
                (Ended { code, reason }, Some(error))
            }
            Outcome::Dropped => return drop(observation),
        };
        if let Some(mut observation) = observation {
            observation.set_bytes(bytes);
            match &error {
                Some(error) => observation.failed(error),
                None => observation.succeeded(bytes),
            }
        }
        self.announce(ended, error);
    }

    /// Lets both halves know, the first time.
    fn announce(&self, ended: Ended, error: Option<Error>) {
        let first = self.ended.send_if_modified(|state| {
            let first = state.is_none();
            state.get_or_insert(ended);
            first
        });
        if let Some(error) = error.filter(|_| first) {
            let _ = self.incoming.send((Err(error), None));
        }
    }

    /// Hands messages on until there are no more.
    async fn read(&self, mut stream: SplitStream<Socket>, pulse: &Pulse) -> Outcome {
        loop {
            pulse.wait(self.clock.now());
            let item = stream.next().await;
            pulse.rest();
            let frame = match item {
                Some(Ok(frame)) => frame,
                Some(Err(error)) => return self.lost(error, pulse),
                None => return Outcome::Closed(CloseCode::ABNORMAL, String::new()),
            };
            if let Frame::Close(frame) = frame {
                let (code, reason) = frame.map_or((CloseCode::NO_STATUS, String::new()), |frame| {
                    (CloseCode::new(frame.code.into()), frame.reason.to_string())
                });
                let error = pulse.closing_error(code, &reason);
                let ended = Ended {
                    code,
                    reason: reason.clone(),
                };
                self.announce(ended, error);
                // Reading on sends the answer to the close frame, and waits for the server to hang
                // up, which is its part.
                let rest = async { while let Some(Ok(_)) = stream.next().await {} };
                let _ = within(&*self.clock, Some(CLOSE_TIMEOUT), rest).await;
                return Outcome::Closed(code, reason);
            }
            let Some(message) = Message::of_frame(frame) else {
                continue;
            };
            let bytes = message.as_bytes().len() as u64;
            if pulse.received.fetch_add(bytes, Ordering::Relaxed) == 0
                && let Some(observation) = &self.observation
            {
                observation.first_byte();
            }
            if !self.incoming.is_closed() {
                let permit = self.budget.acquire(bytes + OVERHEAD).await;
                // Whoever does not listen any more misses nothing.
                let _ = self.incoming.send((Ok(message), Some(permit)));
            }
        }
    }

    fn lost(&self, error: tungstenite::Error, pulse: &Pulse) -> Outcome {
        if pulse.closing.load(Ordering::Relaxed) {
            return Outcome::Closed(CloseCode::NORMAL, String::new());
        }
        let (error, farewell) = failure::of_connection(error, self.limits.max_message_bytes);
        Outcome::Failed(error, farewell)
    }

    /// Does what the caller wants until nobody can want anything.
    async fn write(
        &self,
        sink: &mut SplitSink<Socket, Frame>,
        commands: &mut mpsc::Receiver<Command>,
        pulse: &Pulse,
    ) -> Outcome {
        let mut may_come = true;
        loop {
            let ping = async {
                match self.limits.ping {
                    Some(interval) => self.clock.sleep(interval).await,
                    None => std::future::pending().await,
                }
            };
            let sent = tokio::select! {
                command = commands.recv(), if may_come => match command {
                    Some(Command::Send(message, done)) => {
                        let sent = sink.send(message.into_frame()).await;
                        if sent.is_ok() {
                            // Whoever gave up waiting does not need to know.
                            let _ = done.send(());
                        }
                        sent
                    }
                    Some(Command::Close(code, reason)) => {
                        pulse.closing.store(true, Ordering::Relaxed);
                        let farewell = sink.send(close_frame(code, &reason));
                        let _ = within(&*self.clock, Some(CLOSE_TIMEOUT), farewell).await;
                        self.clock.sleep(CLOSE_TIMEOUT).await;
                        return Outcome::Closed(CloseCode::NORMAL, String::new());
                    }
                    None => {
                        may_come = false;
                        Ok(())
                    }
                },
                () = self.incoming.closed(), if !may_come => {
                    let farewell = sink.send(close_frame(CloseCode::NORMAL, ""));
                    let _ = within(&*self.clock, Some(GRACE), farewell).await;
                    return Outcome::Dropped;
                }
                () = ping => sink.send(Frame::Ping(Bytes::new())).await,
            };
            if let Err(error) = sent {
                // The other side has often said why, and the reader finds it.
                self.clock.sleep(GRACE).await;
                return self.lost(error, pulse);
            }
        }
    }

    /// Ends with the limit that passes.
    async fn watch(&self, pulse: &Pulse) -> Error {
        loop {
            let now = self.clock.now();
            let silence = self.limits.idle.and_then(|limit| {
                // While messages wait for the caller, it is not the server who is silent.
                let since = pulse.silent_since().unwrap_or(now);
                Some((since.checked_add(limit)?, TimeoutKind::Idle, limit))
            });
            let deadline = self
                .limits
                .deadline
                .map(|(at, limit)| (at, TimeoutKind::Deadline, limit));
            let next = silence
                .into_iter()
                .chain(deadline)
                .min_by_key(|(at, ..)| *at);
            let Some((at, which, limit)) = next else {
                return std::future::pending().await;
            };
            if at <= now {
                let received = pulse.received.load(Ordering::Relaxed);
                return Error::interrupted(received, Error::timeout(which, limit));
            }
            self.clock.sleep(at - now).await;
        }
    }
}

fn close_frame(code: CloseCode, reason: &str) -> Frame {
    Frame::Close(Some(CloseFrame {
        code: code.get().into(),
        reason: Utf8Bytes::from(fitting(reason)),
    }))
}

/// The beginning of a reason that fits into a close frame: 123 bytes (RFC 6455, section 5.5).
fn fitting(reason: &str) -> &str {
    let mut end = reason.len().min(123);
    while !reason.is_char_boundary(end) {
        end -= 1;
    }
    &reason[..end]
}

/// Signs of life, as the reader sees them.
#[derive(Debug, Default)]
struct Pulse {
    /// Since when the server has been silent; none while it is not being listened to.
    silent_since: Mutex<Option<Instant>>,
    /// Bytes of messages so far.
    received: AtomicU64,
    /// The caller wants to close, so that any end is a good one.
    closing: AtomicBool,
}

impl Pulse {
    fn wait(&self, now: Instant) {
        *self.lock() = Some(now);
    }

    fn rest(&self) {
        *self.lock() = None;
    }

    fn silent_since(&self) -> Option<Instant> {
        *self.lock()
    }

    /// The error that a close is; none for a close in peace, or one that the caller asked for.
    fn closing_error(&self, code: CloseCode, reason: &str) -> Option<Error> {
        let in_peace = code == CloseCode::NORMAL || self.closing.load(Ordering::Relaxed);
        (!in_peace).then(|| Error::closed(code, reason))
    }

    fn lock(&self) -> MutexGuard<'_, Option<Instant>> {
        self.silent_since
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}
