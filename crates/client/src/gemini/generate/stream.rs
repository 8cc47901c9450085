//! A streamed reply: its chunks, across all the requests that it took.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::future::BoxFuture;
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt as _};
use gimmal_transport::{Error, ResponseParts};
use gimmal_types::gemini::{Content, GenerateContentResponse};
use http::{HeaderMap, StatusCode};

use super::automatic::Streaming;

/// What happens in a stream.
#[derive(Debug)]
pub(in crate::gemini) enum Event {
    Chunk(GenerateContentResponse),
    /// Functions ran, and the model was asked again with their results.
    Round {
        calls: Content,
        results: Content,
    },
}

/// A stream with everything that happens in it.
pub(in crate::gemini) struct Events {
    parts: ResponseParts,
    state: State,
}

enum State {
    /// Chunks are handed on as they come.
    Reading(Box<Streaming>),
    /// Functions run, or the next request is made.
    Working(BoxFuture<'static, (Box<Streaming>, Result<Option<Event>, Error>)>),
    /// Chunks come from a store, or pass it.
    Stored(BoxStream<'static, Result<GenerateContentResponse, Error>>),
    Ended,
}

impl Events {
    pub(super) fn new(streaming: Streaming) -> Self {
        Self {
            parts: streaming.parts().clone(),
            state: State::Reading(Box::new(streaming)),
        }
    }

    pub(super) fn stored(
        parts: ResponseParts,
        chunks: BoxStream<'static, Result<GenerateContentResponse, Error>>,
    ) -> Self {
        let state = State::Stored(chunks);
        Self { parts, state }
    }

    pub(in crate::gemini) fn parts(&self) -> &ResponseParts {
        &self.parts
    }
}

impl Stream for Events {
    type Item = Result<Event, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let work = match &mut self.state {
                State::Reading(streaming) => match ready!(streaming.poll_next(context)) {
                    Some(Ok(chunk)) => return Poll::Ready(Some(Ok(Event::Chunk(chunk)))),
                    Some(Err(work)) => work,
                    None => {
                        self.state = State::Ended;
                        continue;
                    }
                },
                State::Working(work) => {
                    let (streaming, done) = ready!(work.as_mut().poll(context));
                    self.state = match &done {
                        Ok(_) => State::Reading(streaming),
                        Err(_) => State::Ended,
                    };
                    match done.transpose() {
                        Some(event) => return Poll::Ready(Some(event)),
                        None => continue,
                    }
                }
                State::Stored(chunks) => {
                    let chunk = ready!(chunks.poll_next_unpin(context));
                    return Poll::Ready(chunk.map(|chunk| chunk.map(Event::Chunk)));
                }
                State::Ended => return Poll::Ready(None),
            };
            if let State::Reading(mut streaming) = std::mem::replace(&mut self.state, State::Ended)
            {
                self.state = State::Working(Box::pin(async move {
                    let done = streaming.work(work).await;
                    (streaming, done)
                }));
            }
        }
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Events")
            .field("parts", &self.parts)
            .finish_non_exhaustive()
    }
}

/// The chunks of a streamed reply.
///
/// Each item is a partial [`GenerateContentResponse`]; [`GenerateStream::collect`] joins them.
/// A reply that the service cuts is resumed, and functions that the model calls have run when the
/// chunk that calls them comes; the chunks that follow are part of the same stream. After an error
/// the stream ends.
#[derive(Debug)]
#[must_use = "a stream does nothing until it is read"]
pub struct GenerateStream(Events);

impl GenerateStream {
    pub(super) fn new(events: Events) -> Self {
        Self(events)
    }

    /// Everything of the first reply but its body.
    pub fn parts(&self) -> &ResponseParts {
        self.0.parts()
    }

    /// The HTTP status of the first reply.
    pub fn status(&self) -> StatusCode {
        self.parts().status
    }

    /// The headers of the first reply.
    pub fn headers(&self) -> &HeaderMap {
        &self.parts().headers
    }

    /// How many requests it took to open the stream.
    pub fn attempts(&self) -> u32 {
        self.parts().attempts
    }

    /// Reads to the end and joins the chunks into one reply.
    ///
    /// # Errors
    ///
    /// Fails with the first error of the stream; what came before it is lost. Read the stream
    /// chunk by chunk to keep it.
    pub async fn collect(mut self) -> Result<GenerateContentResponse, Error> {
        let mut reply = GenerateContentResponse::default();
        while let Some(event) = self.0.next().await {
            match event? {
                Event::Chunk(chunk) => reply.absorb(chunk),
                // The calls are answered; the reply is what comes after them.
                Event::Round { .. } => reply = GenerateContentResponse::default(),
            }
        }
        Ok(reply)
    }
}

impl Stream for GenerateStream {
    type Item = Result<GenerateContentResponse, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let event = ready!(self.0.poll_next_unpin(context));
            return Poll::Ready(match event {
                Some(Ok(Event::Chunk(chunk))) => Some(Ok(chunk)),
                Some(Ok(Event::Round { .. })) => continue,
                Some(Err(error)) => Some(Err(error)),
                None => None,
            });
        }
    }
}
