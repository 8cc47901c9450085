//! The chunks of a reply in a chat, which the chat remembers when they have all come.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::{Stream, StreamExt as _};
use gimmal_transport::{Error, ResponseParts};
use gimmal_types::gemini::{Content, GenerateContentResponse};
use http::{HeaderMap, StatusCode};

use super::history::{History, is_valid};
use crate::gemini::generate::Chunks;

/// The chunks of a reply in a chat, as [`GenerateStream`](crate::gemini::GenerateStream) has them.
///
/// The chat has the message and the reply, joined into one turn, when the stream has ended without
/// an error; a stream that fails or is dropped leaves the chat as it was. The turn is sent again
/// with later messages when every piece had content and the last said why it was the last.
#[must_use = "a stream does nothing until it is read"]
pub struct ChatStream<'a> {
    history: &'a mut History,
    chunks: Chunks,
    /// Turns that are complete: a message or results, and the reply to it.
    rounds: Vec<(Content, Content)>,
    user: Content,
    /// What the model said since, all in one turn.
    said: Option<Content>,
    valid: bool,
    finished: bool,
    ended: bool,
}

impl<'a> ChatStream<'a> {
    pub(super) fn new(history: &'a mut History, user: Content, chunks: Chunks) -> Self {
        Self {
            history,
            chunks,
            rounds: Vec::new(),
            user,
            said: None,
            valid: true,
            finished: false,
            ended: false,
        }
    }

    /// Everything of the first reply but its body.
    pub fn parts(&self) -> &ResponseParts {
        self.chunks.parts()
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
    /// Fails with the first error of the stream.
    pub async fn collect(mut self) -> Result<GenerateContentResponse, Error> {
        let mut reply = GenerateContentResponse::default();
        let mut rounds = 0;
        while let Some(chunk) = self.next().await {
            let chunk = chunk?;
            if self.rounds.len() > rounds {
                // The calls are answered; the reply is what comes after them.
                rounds = self.rounds.len();
                reply = GenerateContentResponse::default();
            }
            reply.absorb(chunk);
        }
        Ok(reply)
    }

    /// Takes note of what a chunk says.
    fn note(&mut self, chunk: &GenerateContentResponse) {
        self.finished |= chunk.finish_reason().is_some();
        let candidate = chunk.candidates.first();
        let content = candidate.and_then(|candidate| candidate.content.as_deref());
        // A chunk may bring only counts or the reason for the end.
        let content = content.filter(|content| !content.parts.is_empty());
        if let Some(content) = content {
            self.valid &= is_valid(content);
            self.said.get_or_insert_default().absorb(content.clone());
        }
    }

    fn record(&mut self) {
        for (user, reply) in self.rounds.drain(..) {
            self.history.record(user, vec![reply], true);
        }
        let said = self.said.take();
        let valid = self.valid && self.finished && said.is_some();
        let user = std::mem::take(&mut self.user);
        self.history.record(user, said.into_iter().collect(), valid);
    }
}

impl Stream for ChatStream<'_> {
    type Item = Result<GenerateContentResponse, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let mut next = self.chunks.poll_next_unpin(context);
        if let Some(round) = self.chunks.take_round() {
            let user = std::mem::replace(&mut self.user, round.results);
            self.rounds.push((user, round.calls));
            self.said = None;
            (self.valid, self.finished) = (true, false);
        }
        match &mut next {
            Poll::Ready(Some(Ok(chunk))) => {
                chunk.automatic_function_calling_history = Vec::new();
                self.note(chunk);
            }
            Poll::Ready(Some(Err(_))) => self.ended = true,
            Poll::Ready(None) => {
                self.ended = true;
                self.record();
            }
            Poll::Pending => {}
        }
        next
    }
}

impl fmt::Debug for ChatStream<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ChatStream")
            .field("chunks", &self.chunks)
            .finish_non_exhaustive()
    }
}
