//! Events of a reply as they arrive. Time limits are the byte stream's; this only decodes and
//! turns a raw error object into an error.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

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
    recorder: CallRecorder,
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
            recorder: CallRecorder::default(),
        }
    }

    /// Tells what the server writes instead of events.
    pub(crate) fn with_recorder(mut self, recorder: CallRecorder) -> Self {
        self.recorder = recorder;
        self
    }

    fn end_with(&mut self, error: Error) -> Poll<Option<Result<Event, Error>>> {
        self.state = State::Done;
        self.body = ByteStream::empty();
        Poll::Ready(Some(Err(error)))
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
                Some(Ok(Frame::Event(event))) => return Poll::Ready(Some(Ok(event))),
                Some(Ok(Frame::Raw(json))) => {
                    return match Error::from_error_body(json.clone()) {
                        Some(error) => {
                            this.recorder.refuse(&error);
                            this.end_with(error)
                        }
                        None => Poll::Ready(Some(Ok(Event::from_data(json)))),
                    };
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None if this.state == State::Draining => this.state = State::Done,
                None => match ready!(this.body.poll_next_unpin(cx)) {
                    Some(Ok(chunk)) => this.decoder.push(&chunk),
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
    async fn the_end_delivers_an_unterminated_event() {
        let items = collect(vec![Ok("data: 1")]).await;
        assert_eq!(items[0].as_ref().unwrap().data, "1");
        assert_eq!(items.len(), 1);
    }
}
