//! A streamed reply: chunks as they come, or one whole reply in the end.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use gimmal_transport::{Error, EventStream, Response, ResponseParts};
use gimmal_types::gemini::GenerateContentResponse;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::attributes;

/// The chunks of a streamed reply.
///
/// Each item is a partial [`GenerateContentResponse`]; [`GenerateStream::collect`] joins them.
/// After an error the stream ends.
#[derive(Debug)]
#[must_use = "a stream does nothing until it is read"]
pub struct GenerateStream {
    parts: ResponseParts,
    events: EventStream,
    /// Chunks that came together with one that was given already.
    waiting: VecDeque<Result<GenerateContentResponse, Error>>,
    ended: bool,
}

impl GenerateStream {
    pub(crate) fn new(response: Response<EventStream>) -> Self {
        let (parts, events) = response.into_parts();
        Self {
            parts,
            events,
            waiting: VecDeque::new(),
            ended: false,
        }
    }

    /// Everything of the reply but its body.
    pub fn parts(&self) -> &ResponseParts {
        &self.parts
    }

    /// The HTTP status of the reply.
    pub fn status(&self) -> StatusCode {
        self.parts.status
    }

    /// The headers of the reply.
    pub fn headers(&self) -> &HeaderMap {
        &self.parts.headers
    }

    /// How many requests it took to open the stream.
    pub fn attempts(&self) -> u32 {
        self.parts.attempts
    }

    /// Reads to the end and joins the chunks into one reply.
    ///
    /// # Errors
    ///
    /// Fails with the first error of the stream; what came before it is lost. Read the stream
    /// chunk by chunk to keep it.
    pub async fn collect(mut self) -> Result<GenerateContentResponse, Error> {
        let mut reply = GenerateContentResponse::default();
        while let Some(chunk) = self.next().await {
            reply.absorb(chunk?);
        }
        Ok(reply)
    }

    fn poll_chunk(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<GenerateContentResponse, Error>>> {
        while !self.ended {
            if let Some(chunk) = self.waiting.pop_front() {
                return Poll::Ready(Some(chunk));
            }
            match ready!(self.events.poll_next_unpin(context)) {
                Some(Ok(event)) => match chunks_of_list(&event.data) {
                    Some(chunks) => self.waiting = chunks,
                    None => return Poll::Ready(Some(self.read(&event.data))),
                },
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => break,
            }
        }
        Poll::Ready(None)
    }

    fn read(&self, data: &Bytes) -> Result<GenerateContentResponse, Error> {
        decode(data).map_err(|error| self.events.unreadable(error))
    }
}

impl Stream for GenerateStream {
    type Item = Result<GenerateContentResponse, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = self.poll_chunk(context);
        match &next {
            Poll::Ready(Some(Ok(chunk))) if self.parts.recorder.is_enabled() => {
                self.parts.recorder.record(attributes::reply(chunk));
            }
            Poll::Ready(None | Some(Err(_))) => self.ended = true,
            _ => {}
        }
        next
    }
}

/// The chunks of an event that has all of them as one list, which some servers send where events
/// were asked for.
fn chunks_of_list(data: &Bytes) -> Option<VecDeque<Result<GenerateContentResponse, Error>>> {
    if !data.trim_ascii_start().starts_with(b"[") {
        return None;
    }
    let items = serde_json::from_slice::<Vec<Value>>(data).ok()?;
    let chunks = items.iter().map(|item| decode(&item.to_string().into()));
    Some(chunks.collect())
}

/// A chunk, or the error object that the service sends in place of one.
fn decode(data: &Bytes) -> Result<GenerateContentResponse, Error> {
    let chunk = serde_json::from_slice::<GenerateContentResponse>(data)
        .map_err(|error| Error::decode(error, data.clone()))?;
    // The type has no `error` member, so an error object leaves it among the unknown ones.
    match chunk.unknown_fields.get("error") {
        None | Some(Value::Null) => Ok(chunk),
        Some(_) => Err(Error::from_error_body(data.clone())
            .unwrap_or_else(|| Error::decode("the error cannot be read", data.clone()))),
    }
}
