//! Bodies as they arrive: an opaque stream of bytes, and the guard that watches a streamed reply.
//! The guard is the only place where a failure becomes "the stream broke off after n bytes".

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::{Bytes, BytesMut};
use futures_util::future::BoxFuture;
use futures_util::stream::{self, BoxStream};
use futures_util::{FutureExt, Stream, StreamExt};

use crate::error::{Error, TimeoutKind};
#[cfg(feature = "websocket")]
use crate::http::Connection;
use crate::time::Clock;

/// A body as a stream of bytes; dropping it closes the connection it comes from.
pub struct ByteStream {
    chunks: BoxStream<'static, Result<Bytes, Error>>,
    #[cfg(feature = "websocket")]
    connection: Option<Connection>,
}

impl ByteStream {
    /// Wraps a stream.
    pub fn new(chunks: impl Stream<Item = Result<Bytes, Error>> + Send + 'static) -> Self {
        Self {
            chunks: chunks.boxed(),
            #[cfg(feature = "websocket")]
            connection: None,
        }
    }

    /// A body that is already here.
    pub fn from_bytes(body: Bytes) -> Self {
        let chunk = (!body.is_empty()).then_some(Ok(body));
        Self::new(stream::iter(chunk))
    }

    /// A body without bytes.
    pub fn empty() -> Self {
        Self::from_bytes(Bytes::new())
    }

    /// The connection itself, for a reply with the status 101: the server no longer speaks HTTP on
    /// it. As a body it is empty.
    #[cfg(feature = "websocket")]
    pub fn switched(
        connection: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Send + Unpin + 'static,
    ) -> Self {
        Self {
            connection: Some(Connection::new(connection)),
            ..Self::empty()
        }
    }

    /// The connection, where the server switched to something else than HTTP.
    #[cfg(feature = "websocket")]
    pub(crate) fn into_connection(self) -> Option<Connection> {
        self.connection
    }

    /// The same body, which keeps `held` until it is read to its end or dropped.
    pub(crate) fn holding<T: Send + 'static>(self, held: T) -> Self {
        #[cfg(feature = "websocket")]
        if let Some(connection) = self.connection {
            return Self {
                connection: Some(connection.holding(held)),
                ..Self::empty()
            };
        }
        Self::new(stream::unfold((self, held), |(mut body, held)| async {
            let chunk = body.next().await?;
            Some((chunk, (body, held)))
        }))
    }

    /// Reads to the end; more than `max_bytes` is an error.
    pub async fn collect(mut self, max_bytes: usize) -> Result<Bytes, Error> {
        let Some(first) = self.next().await.transpose()? else {
            return Ok(Bytes::new());
        };
        let too_large = |len: usize| (len > max_bytes).then(|| Error::too_large(max_bytes));
        if let Some(error) = too_large(first.len()) {
            return Err(error);
        }
        // One chunk is the common case and needs no copy.
        let Some(second) = self.next().await.transpose()? else {
            return Ok(first);
        };
        let mut body = BytesMut::from(first);
        let mut next = Some(second);
        while let Some(chunk) = next {
            if let Some(error) = too_large(body.len().saturating_add(chunk.len())) {
                return Err(error);
            }
            body.extend_from_slice(&chunk);
            next = self.next().await.transpose()?;
        }
        Ok(body.freeze())
    }

    /// Reads at most `max_bytes` into `prefix` and leaves the rest; a failure ends the reading.
    pub(crate) async fn read_prefix(mut self, max_bytes: usize, prefix: &mut BytesMut) {
        while prefix.len() < max_bytes {
            let Some(Ok(chunk)) = self.next().await else {
                return;
            };
            let wanted = chunk.len().min(max_bytes - prefix.len());
            prefix.extend_from_slice(&chunk[..wanted]);
        }
    }
}

impl Stream for ByteStream {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.chunks.poll_next_unpin(cx)
    }
}

impl fmt::Debug for ByteStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ByteStream").finish_non_exhaustive()
    }
}

/// What a streamed body is held to.
#[derive(Debug)]
pub(crate) struct Limits {
    /// When the first byte is due, and the limit it comes from.
    pub(crate) first_byte: Option<(Instant, Duration)>,
    /// How long the body may be silent after its first byte.
    pub(crate) idle: Option<Duration>,
    /// When the whole call is over, and the limit it comes from.
    pub(crate) deadline: Option<(Instant, Duration)>,
}

/// A streamed body under [`Limits`]; its errors are of the kind `StreamInterrupted`.
pub(crate) struct Guarded {
    body: ByteStream,
    limits: Limits,
    clock: Arc<dyn Clock>,
    timer: Option<BoxFuture<'static, ()>>,
    started: bool,
    /// Since when the caller has been waiting for bytes. A caller that is slow to ask is not a
    /// silent server, so the time between a chunk and the next question does not count.
    silent_since: Option<Instant>,
    received: u64,
    done: bool,
}

impl Guarded {
    pub(crate) fn new(body: ByteStream, limits: Limits, clock: Arc<dyn Clock>) -> Self {
        Self {
            body,
            limits,
            clock,
            timer: None,
            started: false,
            silent_since: None,
            received: 0,
            done: false,
        }
    }

    /// The limit that passes next.
    fn next_limit(&self) -> Option<(Instant, TimeoutKind, Duration)> {
        let silence = if self.started {
            self.limits.idle.and_then(|limit| {
                let due = self.silent_since?.checked_add(limit)?;
                Some((due, TimeoutKind::Idle, limit))
            })
        } else {
            let first_byte = self.limits.first_byte;
            first_byte.map(|(due, limit)| (due, TimeoutKind::FirstByte, limit))
        };
        let deadline = self
            .limits
            .deadline
            .map(|(due, limit)| (due, TimeoutKind::Deadline, limit));
        silence
            .into_iter()
            .chain(deadline)
            .min_by_key(|(due, ..)| *due)
    }

    /// Ready when a limit has passed.
    ///
    /// The timer is not reset for each chunk: when it fires, the limit is looked at afresh and the
    /// timer set again if bytes have arrived since.
    fn poll_limit(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        loop {
            let Some((due, which, limit)) = self.next_limit() else {
                return Poll::Pending;
            };
            let left = due.saturating_duration_since(self.clock.now());
            let timer = self.timer.get_or_insert_with(|| self.clock.sleep(left));
            ready!(timer.poll_unpin(cx));
            self.timer = None;
            if self.clock.now() >= due {
                return Poll::Ready(Error::timeout(which, limit));
            }
        }
    }

    fn past_deadline(&self) -> Option<Error> {
        let (due, limit) = self.limits.deadline?;
        (self.clock.now() >= due).then(|| Error::timeout(TimeoutKind::Deadline, limit))
    }

    fn interrupt(&mut self, source: Error) -> Poll<Option<Result<Bytes, Error>>> {
        self.done = true;
        // The connection is of no more use, so it is closed now and not when the caller lets go.
        self.body = ByteStream::empty();
        Poll::Ready(Some(Err(Error::interrupted(self.received, source))))
    }
}

impl Stream for Guarded {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if this.done {
            return Poll::Ready(None);
        }
        match this.body.poll_next_unpin(cx) {
            Poll::Ready(Some(Ok(chunk))) => {
                this.received = this.received.saturating_add(chunk.len() as u64);
                this.silent_since = None;
                // A server that never pauses must not talk its way past the deadline.
                if let Some(error) = this.past_deadline() {
                    return this.interrupt(error);
                }
                if !this.started {
                    // The limit changes from first byte to idle, which may be the sooner one.
                    this.started = true;
                    this.timer = None;
                }
                Poll::Ready(Some(Ok(chunk)))
            }
            Poll::Ready(Some(Err(error))) => this.interrupt(error),
            Poll::Ready(None) => {
                this.done = true;
                Poll::Ready(None)
            }
            Poll::Pending => {
                if this.silent_since.is_none() {
                    this.silent_since = Some(this.clock.now());
                }
                let error = ready!(this.poll_limit(cx));
                this.interrupt(error)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::time::TokioClock;

    const SECOND: Duration = Duration::from_secs(1);

    /// Chunks of one byte, each after its own wait.
    fn paced(waits: &'static [u32]) -> ByteStream {
        ByteStream::new(stream::iter(waits).then(|wait| async move {
            TokioClock.sleep(*wait * SECOND).await;
            Ok(Bytes::from_static(b"x"))
        }))
    }

    fn guarded(body: ByteStream, first: u32, idle: u32, deadline: Option<u32>) -> Guarded {
        let now = TokioClock.now();
        let at = |seconds: u32| (now + seconds * SECOND, seconds * SECOND);
        let limits = Limits {
            first_byte: Some(at(first)),
            idle: Some(idle * SECOND),
            deadline: deadline.map(at),
        };
        Guarded::new(body, limits, Arc::new(TokioClock))
    }

    async fn outcome(mut stream: Guarded) -> (usize, Option<Error>) {
        let mut chunks = 0;
        while let Some(item) = stream.next().await {
            match item {
                Ok(_) => chunks += 1,
                Err(error) => {
                    assert!(stream.next().await.is_none(), "an error ends the stream");
                    return (chunks, Some(error));
                }
            }
        }
        (chunks, None)
    }

    #[tokio::test]
    async fn collect_enforces_the_limit_exactly() {
        let body = || ByteStream::new(stream::iter([Ok(Bytes::from("ab")), Ok(Bytes::from("c"))]));
        assert_eq!(body().collect(3).await.unwrap(), "abc");
        let error = body().collect(2).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ResponseTooLarge);
        let one = ByteStream::from_bytes(Bytes::from("ab"));
        assert!(one.collect(1).await.is_err());
        assert_eq!(ByteStream::empty().collect(0).await.unwrap(), "");
    }

    #[tokio::test]
    async fn read_prefix_cuts_and_survives_a_failure() {
        let chunks = [Ok(Bytes::from("abc")), Err(Error::cancelled("test"))];
        let mut prefix = BytesMut::new();
        ByteStream::new(stream::iter(chunks))
            .read_prefix(10, &mut prefix)
            .await;
        assert_eq!(prefix, "abc");
        let mut prefix = BytesMut::new();
        ByteStream::from_bytes(Bytes::from("abc"))
            .read_prefix(2, &mut prefix)
            .await;
        assert_eq!(prefix, "ab");
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_stream_that_keeps_talking_is_never_cut() {
        let (chunks, error) = outcome(guarded(paced(&[9, 4, 4, 4, 4, 4, 4]), 10, 5, None)).await;
        assert_eq!(chunks, 7);
        assert!(error.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn silence_interrupts_with_the_bytes_received() {
        let start = TokioClock.now();
        let (chunks, error) = outcome(guarded(paced(&[1, 1, 6]), 10, 5, None)).await;
        let error = error.unwrap();
        assert_eq!(chunks, 2);
        assert_eq!(error.kind(), ErrorKind::StreamInterrupted);
        assert_eq!(error.bytes_received(), Some(2));
        assert_eq!(error.timeout_kind(), Some(TimeoutKind::Idle));
        assert!(error.is_timeout());
        assert_eq!(TokioClock.now() - start, 7 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn a_caller_that_is_slow_to_ask_is_not_a_silent_server() {
        let mut stream = guarded(paced(&[1, 1, 1]), 10, 5, None);
        for _ in 0..3 {
            assert!(stream.next().await.unwrap().is_ok());
            TokioClock.sleep(60 * SECOND).await;
        }
        assert!(stream.next().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_byte_has_a_limit_of_its_own() {
        let (chunks, error) = outcome(guarded(paced(&[11]), 10, 50, None)).await;
        assert_eq!(chunks, 0);
        assert_eq!(error.unwrap().timeout_kind(), Some(TimeoutKind::FirstByte));
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_covers_bytes_that_are_always_ready() {
        let endless = ByteStream::new(stream::repeat_with(|| Ok(Bytes::from_static(b"x"))));
        let mut stream = guarded(endless, 10, 10, Some(5));
        assert!(stream.next().await.unwrap().is_ok());
        TokioClock.sleep(5 * SECOND).await;
        let error = stream.next().await.unwrap().unwrap_err();
        assert_eq!(error.timeout_kind(), Some(TimeoutKind::Deadline));
        assert_eq!(error.bytes_received(), Some(2));
        assert!(stream.next().await.is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_covers_the_reading() {
        let (chunks, error) = outcome(guarded(paced(&[2, 2, 2, 2]), 10, 10, Some(5))).await;
        assert_eq!(chunks, 2);
        assert_eq!(error.unwrap().timeout_kind(), Some(TimeoutKind::Deadline));
    }
}
