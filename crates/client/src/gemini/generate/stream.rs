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

use super::automatic::{Done, Streaming};

/// Functions ran, and the model was asked again with their results.
#[derive(Debug)]
pub(in crate::gemini) struct Round {
    pub(in crate::gemini) calls: Content,
    pub(in crate::gemini) results: Content,
}

/// The chunks of a reply, and the rounds between them.
pub(in crate::gemini) struct Chunks {
    parts: ResponseParts,
    state: State,
    round: Option<Round>,
}

enum State {
    /// Chunks are handed on as they come.
    Reading(Box<Streaming>),
    /// Functions run, or the next request is made.
    Working(BoxFuture<'static, (Box<Streaming>, Result<Done, Error>)>),
    /// Chunks come from a store, or pass it.
    Stored(BoxStream<'static, Result<GenerateContentResponse, Error>>),
    Ended,
}

impl Chunks {
    pub(super) fn new(streaming: Streaming) -> Self {
        Self {
            parts: streaming.parts().clone(),
            state: State::Reading(Box::new(streaming)),
            round: None,
        }
    }

    pub(super) fn stored(
        parts: ResponseParts,
        chunks: BoxStream<'static, Result<GenerateContentResponse, Error>>,
    ) -> Self {
        Self {
            parts,
            state: State::Stored(chunks),
            round: None,
        }
    }

    pub(in crate::gemini) fn parts(&self) -> &ResponseParts {
        &self.parts
    }

    /// The round that came before what was read last.
    pub(in crate::gemini) fn take_round(&mut self) -> Option<Round> {
        self.round.take()
    }
}

impl Stream for Chunks {
    type Item = Result<GenerateContentResponse, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match &mut self.state {
                State::Reading(streaming) => {
                    let next = streaming.poll_next(context);
                    if !matches!(next, Poll::Ready(None)) {
                        return next;
                    }
                }
                State::Working(work) => {
                    let (streaming, done) = ready!(work.as_mut().poll(context));
                    self.state = State::Reading(streaming);
                    match done {
                        Ok(Done::Nothing) => {}
                        Ok(Done::Chunk(chunk)) => return Poll::Ready(Some(Ok(*chunk))),
                        Ok(Done::Round(round)) => self.round = Some(round),
                        Err(error) => {
                            self.state = State::Ended;
                            return Poll::Ready(Some(Err(error)));
                        }
                    }
                    continue;
                }
                State::Stored(chunks) => return chunks.poll_next_unpin(context),
                State::Ended => return Poll::Ready(None),
            }
            // Nothing more to read: there is work to do, or this is the end.
            let State::Reading(mut streaming) = std::mem::replace(&mut self.state, State::Ended)
            else {
                continue;
            };
            if let Some(work) = streaming.take_work() {
                self.state = State::Working(Box::pin(async move {
                    let done = streaming.work(work).await;
                    (streaming, done)
                }));
            }
        }
    }
}

impl fmt::Debug for Chunks {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Chunks")
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
pub struct GenerateStream(Chunks);

impl GenerateStream {
    pub(super) fn new(chunks: Chunks) -> Self {
        Self(chunks)
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
        while let Some(chunk) = self.0.next().await {
            let chunk = chunk?;
            // The calls are answered; the reply is what comes after them.
            if self.0.take_round().is_some() {
                reply = GenerateContentResponse::default();
            }
            reply.absorb(chunk);
        }
        Ok(reply)
    }
}

impl Stream for GenerateStream {
    type Item = Result<GenerateContentResponse, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next_unpin(context)
    }
}
