//! The events of a streamed interaction, as they come.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use gimmal_transport::{Error, EventStream, Response, ResponseParts};
use gimmal_types::gemini::interactions::{Interaction, InteractionAssembly, InteractionSseEvent};
use http::{HeaderMap, StatusCode};
use serde_json::Value;

/// What some servers of event streams send last; it says nothing.
const LAST_WORD: &[u8] = b"[DONE]";

/// The events of a streamed interaction.
///
/// After an error the stream ends; [`last_event_id`](Self::last_event_id) then is the place to
/// resume it at.
#[derive(Debug)]
#[must_use = "a stream does nothing until it is read"]
pub struct InteractionStream {
    parts: ResponseParts,
    events: EventStream,
    interaction_id: Option<String>,
    last_event_id: Option<String>,
    ended: bool,
}

impl InteractionStream {
    pub(crate) fn new(response: Response<EventStream>) -> Self {
        let (parts, events) = response.into_parts();
        Self {
            parts,
            events,
            interaction_id: None,
            last_event_id: None,
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

    /// The interaction, once an event has named it.
    pub fn interaction_id(&self) -> Option<&str> {
        self.interaction_id.as_deref()
    }

    /// The last event that the stream can be resumed after.
    pub fn last_event_id(&self) -> Option<&str> {
        self.last_event_id.as_deref()
    }

    /// Reads to the end and puts the interaction together.
    ///
    /// # Errors
    ///
    /// Fails with the first error of the stream; what came before it is lost. Read the stream
    /// event by event to keep it. Faults that the service reports in events are no errors here:
    /// they stand in [`Interaction::errors`].
    pub async fn collect(mut self) -> Result<Interaction, Error> {
        let mut assembly = InteractionAssembly::default();
        while let Some(event) = self.next().await {
            assembly.absorb(event?);
        }
        Ok(assembly.finish())
    }

    /// Takes note of where the stream is.
    fn note(&mut self, event: &InteractionSseEvent) {
        let place = event.event_id().map(str::to_owned);
        self.last_event_id = place.or(self.last_event_id.take());
        let id = event.interaction_id().map(str::to_owned);
        self.interaction_id = id.or(self.interaction_id.take());
    }
}

impl Stream for InteractionStream {
    type Item = Result<InteractionSseEvent, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let item = loop {
            match ready!(self.events.poll_next_unpin(context)) {
                Some(Ok(event)) if event.data == LAST_WORD => {}
                other => break other,
            }
        };
        let item =
            item.map(|event| decode(&event?.data).map_err(|error| self.events.unreadable(error)));
        match &item {
            Some(Ok(event)) => self.note(event),
            _ => self.ended = true,
        }
        Poll::Ready(item)
    }
}

/// An event, or the error object that the service sends in place of one.
fn decode(data: &Bytes) -> Result<InteractionSseEvent, Error> {
    let event = serde_json::from_slice(data).map_err(|error| Error::decode(error, data.clone()))?;
    let InteractionSseEvent::Unknown(value) = &event else {
        return Ok(event);
    };
    let nameless = event.kind().is_empty();
    let is_list = value.is_array();
    if nameless && (is_list || value.get("error").is_some_and(|error| !error.is_null())) {
        return Err(Error::from_error_body(data.clone())
            .unwrap_or_else(|| Error::decode("the error cannot be read", data.clone())));
    }
    match value {
        Value::Object(_) => Ok(event),
        _ => Err(Error::decode("an event must be an object", data.clone())),
    }
}
