//! Events of a reply as they arrive. Time limits are the byte stream's; this only decodes and
//! turns a raw error object into an error.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::{Stream, StreamExt};

use crate::body::ByteStream;
use crate::error::Error;
use crate::observe::CallRecorder;
use crate::sse::{Decoder, Event, Frame};

/// A stream of server-sent events.
///
/// ```
/// use bytes::Bytes;
/// use futures_util::TryStreamExt;
/// use gimmal_transport::{ByteStream, EventStream};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), gimmal_transport::Error> {
/// let body = ByteStream::from_bytes(Bytes::from_static(b"data: {}\n\n"));
/// let events: Vec<_> = EventStream::new(body).try_collect().await?;
/// assert_eq!(events[0].data, "{}");
/// # Ok(())
/// # }
/// ```
///
/// A JSON error object that the server writes outside of any event becomes an `Err` with its
/// [`rpc_status`](Error::rpc_status) and ends the stream. Other JSON outside of events is
/// delivered as if it were an event's data, since that is how servers answer that ignore the wish
/// for events. An event above the size limit is an `Err` that does not end the stream.
#[must_use = "streams do nothing unless polled"]
pub struct EventStream {
    body: ByteStream,
    decoder: Decoder,
    state: State,
    received: u64,
    recorder: CallRecorder,
    ends_at_done: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Reading,
    /// The body is over; what the decoder holds is not.
    Draining,
    Done,
}

impl EventStream {
    /// Decodes a body with the default size limit.
    pub fn new(body: ByteStream) -> Self {
        Self::with_decoder(body, Decoder::new())
    }

    /// Decodes a body with a decoder that is set up already.
    pub fn with_decoder(body: ByteStream, decoder: Decoder) -> Self {
        Self {
            body,
            decoder,
            state: State::Reading,
            received: 0,
            recorder: CallRecorder::default(),
            ends_at_done: false,
        }
    }

    /// Tells what the server writes instead of events.
    pub(crate) fn with_recorder(mut self, recorder: CallRecorder) -> Self {
        self.recorder = recorder;
        self
    }

    /// Ends the stream at an event whose data is `[DONE]`, which is not delivered; without this it
    /// is an event like any other.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use futures_util::TryStreamExt;
    /// use gimmal_transport::{ByteStream, EventStream};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), gimmal_transport::Error> {
    /// let body = ByteStream::from_bytes(Bytes::from_static(b"data: {}\n\ndata: [DONE]\n\n"));
    /// let events: Vec<_> = EventStream::new(body).ending_at_done().try_collect().await?;
    /// assert_eq!(events.len(), 1);
    /// # Ok(())
    /// # }
    /// ```
    pub fn ending_at_done(mut self) -> Self {
        self.ends_at_done = true;
        self
    }

    /// The id to resume after, as `last-event-id`: the last one of a block that is complete.
    pub fn last_event_id(&self) -> Option<&str> {
        self.decoder.last_event_id()
    }

    /// How long to wait before reconnecting, if the server has said so.
    pub fn reconnection_time(&self) -> Option<Duration> {
        self.decoder.reconnection_time()
    }

    /// The error for the event delivered last, which the caller could not read: that the stream broke
    /// off, if it ended inside of this event and what is there cannot be decoded, and else what the
    /// caller found.
    ///
    /// A stream may end in good order without the blank line that ends an event. Such an event is
    /// delivered, as it may lack nothing else.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use futures_util::StreamExt;
    /// use gimmal_transport::{ByteStream, ErrorKind, EventStream};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), gimmal_transport::Error> {
    /// let body = ByteStream::from_bytes(Bytes::from_static(b"data: {\"text\": \"Hel"));
    /// let mut events = EventStream::new(body);
    /// let event = events.next().await.expect("an event")?;
    /// let error = event.json::<serde_json::Value>().unwrap_err();
    /// assert_eq!(events.unreadable(error).kind(), ErrorKind::StreamInterrupted);
    /// # Ok(())
    /// # }
    /// ```
    pub fn unreadable(&self, error: Error) -> Error {
        if self.state == State::Reading || !error.is_decode() {
            return error;
        }
        Error::interrupted(self.received, error)
    }

    /// Passes an event on, or ends the stream at the last one.
    fn deliver(&mut self, event: Event) -> Poll<Option<Result<Event, Error>>> {
        if self.ends_at_done && event.is_done() {
            self.end();
            return Poll::Ready(None);
        }
        Poll::Ready(Some(Ok(event)))
    }

    fn end_with(&mut self, error: Error) -> Poll<Option<Result<Event, Error>>> {
        self.end();
        Poll::Ready(Some(Err(error)))
    }

    /// The connection is given back now and not when the caller lets go.
    fn end(&mut self) {
        self.state = State::Done;
        self.body = ByteStream::empty();
    }
}

impl Stream for EventStream {
    type Item = Result<Event, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if this.state == State::Done {
                return Poll::Ready(None);
            }
            match this.decoder.next_frame() {
                Some(Ok(Frame::Event(event))) => return this.deliver(event),
                Some(Ok(Frame::Raw(json))) => {
                    return match Error::from_error_body(json.clone()) {
                        Some(error) => {
                            this.recorder.refuse(&error);
                            this.end_with(error)
                        }
                        None => this.deliver(Event::from_data(json)),
                    };
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None if this.state == State::Draining => this.state = State::Done,
                None => match ready!(this.body.poll_next_unpin(cx)) {
                    Some(Ok(chunk)) => {
                        this.received += chunk.len() as u64;
                        this.decoder.push_bytes(chunk);
                    }
                    Some(Err(error)) => return this.end_with(error),
                    None => {
                        this.decoder.finish();
                        this.state = State::Draining;
                    }
                },
            }
        }
    }
}

impl fmt::Debug for EventStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventStream")
            .field("state", &self.state)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures_util::stream;

    use super::*;
    use crate::error::ErrorKind;

    async fn collect(chunks: Vec<Result<&'static str, Error>>) -> Vec<Result<Event, Error>> {
        let chunks = chunks.into_iter().map(|chunk| chunk.map(Bytes::from));
        EventStream::new(ByteStream::new(stream::iter(chunks)))
            .collect()
            .await
    }

    #[tokio::test]
    async fn a_raw_error_ends_the_stream_with_its_status() {
        let items = collect(vec![
            Ok("data: 1\n\n{\n  \"error\": {\n    \"code\": 503,\n"),
            Ok("    \"status\": \"UNAVAILABLE\", \"message\": \"}\"\n  }\n}\ndata: 2\n\n"),
        ])
        .await;
        assert_eq!(items.len(), 2);
        assert_eq!(items[0].as_ref().unwrap().data, "1");
        let error = items[1].as_ref().unwrap_err();
        assert_eq!(error.status().unwrap(), 503);
        assert_eq!(error.to_string(), "http 503 UNAVAILABLE: }");
        assert!(error.payload().is_some());
    }

    #[tokio::test]
    async fn other_raw_json_is_data() {
        let items = collect(vec![Ok(
            "[{\"candidates\": []}\n,\n{\"candidates\": []}]\n",
        )])
        .await;
        assert_eq!(items.len(), 1);
        assert!(items[0].as_ref().unwrap().data.starts_with(b"[{"));
    }

    #[tokio::test]
    async fn a_broken_body_ends_the_stream_without_the_half_event() {
        let broken = Error::interrupted(10, Error::io("reset"));
        let items = collect(vec![Ok("data: 1\n\ndata: ha"), Err(broken)]).await;
        assert_eq!(items.len(), 2);
        let error = items[1].as_ref().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StreamInterrupted);
    }

    #[tokio::test]
    async fn done_ends_the_stream_where_that_was_asked_for() {
        for done in ["data: [DONE]\n\n", "data: \"[DONE]\"\n\n", "[DONE]\n"] {
            let text = format!("data: 1\n\n{done}data: 2\n\n");
            let body = || ByteStream::from_bytes(Bytes::from(text.clone()));
            let all: Vec<_> = EventStream::new(body()).collect().await;
            assert_eq!(all.len(), 3, "{done}");
            assert!(all[1].as_ref().unwrap().is_done());
            let until: Vec<_> = EventStream::new(body()).ending_at_done().collect().await;
            assert_eq!(until.len(), 1, "{done}");
        }
    }

    #[tokio::test]
    async fn a_broken_stream_knows_where_to_resume() {
        let broken = Error::interrupted(10, Error::io("reset"));
        let chunks = [
            Ok(Bytes::from(
                "retry: 1500\nid: 7\ndata: 1\n\nid: 8\ndata: ha",
            )),
            Err(broken),
        ];
        let mut events = EventStream::new(ByteStream::new(stream::iter(chunks)));
        assert_eq!(events.next().await.unwrap().unwrap().data, "1");
        assert!(events.next().await.unwrap().is_err());
        assert_eq!(events.last_event_id(), Some("7"), "8 was not complete");
        assert_eq!(
            events.reconnection_time(),
            Some(Duration::from_millis(1_500))
        );
    }

    #[tokio::test]
    async fn the_end_delivers_an_unterminated_event() {
        let items = collect(vec![Ok("data: 1")]).await;
        assert_eq!(items[0].as_ref().unwrap().data, "1");
        assert_eq!(items.len(), 1);
    }
}
