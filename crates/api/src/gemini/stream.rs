//! A streamed reply: chunks as they come, or one whole reply in the end.

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
    ended: bool,
}

impl GenerateStream {
    pub(crate) fn new(response: Response<EventStream>) -> Self {
        let (parts, events) = response.into_parts();
        Self {
            parts,
            events,
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
}

impl Stream for GenerateStream {
    type Item = Result<GenerateContentResponse, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let item = ready!(self.events.poll_next_unpin(context));
        let item = item.map(|event| event.and_then(|event| decode(&event.data)));
        self.ended = !matches!(item, Some(Ok(_)));
        if let Some(Ok(chunk)) = &item
            && self.parts.recorder.is_enabled()
        {
            self.parts.recorder.record(attributes::reply(chunk));
        }
        Poll::Ready(item)
    }
}

/// A chunk, or the error object that the service sends in place of one.
fn decode(data: &Bytes) -> Result<GenerateContentResponse, Error> {
    let chunk = match serde_json::from_slice::<GenerateContentResponse>(data) {
        Ok(chunk) => chunk,
        // A list of one error object is an error as well, and no chunk is a list.
        Err(_) if data.trim_ascii_start().starts_with(b"[") => {
            return Err(Error::from_error_body(data.clone())
                .unwrap_or_else(|| Error::decode("a chunk must be an object", data.clone())));
        }
        Err(error) => return Err(Error::decode(error, data.clone())),
    };
    // The type has no `error` member, so an error object leaves it among the unknown ones.
    match chunk.unknown_fields.get("error") {
        None | Some(Value::Null) => Ok(chunk),
        Some(_) => Err(Error::from_error_body(data.clone())
            .unwrap_or_else(|| Error::decode("the error cannot be read", data.clone()))),
    }
}
