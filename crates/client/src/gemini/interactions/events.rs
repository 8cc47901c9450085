//! The events of a streamed interaction, across all the requests that it took.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt as _};
use gimmal_api::gemini::InteractionStream;
use gimmal_transport::{Error, ResponseParts};
use gimmal_types::gemini::interactions::{Interaction, InteractionAssembly, InteractionSseEvent};
use http::{HeaderMap, StatusCode};

use super::continuation::Hops;

/// The events of a streamed interaction.
///
/// Where the model has to stop and goes on in a new request, the events of that one follow: a
/// `Completed` event with the status `RequiresContinuation` is not the last. After an error the
/// stream ends. A stream of an interaction that the service keeps can be taken up again: read
/// [`interaction_id`](Self::interaction_id) and [`last_event_id`](Self::last_event_id), and ask for
/// the rest with [`GetInteraction::stream`](super::GetInteraction::stream).
#[must_use = "a stream does nothing until it is read"]
pub struct InteractionEvents {
    parts: ResponseParts,
    events: BoxStream<'static, Result<InteractionSseEvent, Error>>,
    interaction_id: Option<String>,
    last_event_id: Option<String>,
}

impl InteractionEvents {
    /// The events of one request.
    pub(super) fn plain(stream: InteractionStream) -> Self {
        Self::new(stream.parts().clone(), stream.boxed())
    }

    /// The events of as many requests as it takes.
    pub(super) fn continued(hops: Hops) -> Self {
        let parts = hops.stream().parts().clone();
        let events = futures_util::stream::unfold(hops, |mut hops| async move {
            let event = hops.next().await?;
            Some((event, hops))
        });
        Self::new(parts, events.boxed())
    }

    fn new(
        parts: ResponseParts,
        events: BoxStream<'static, Result<InteractionSseEvent, Error>>,
    ) -> Self {
        Self {
            parts,
            events,
            interaction_id: None,
            last_event_id: None,
        }
    }

    /// Everything of the first reply but its body.
    pub fn parts(&self) -> &ResponseParts {
        &self.parts
    }

    /// The HTTP status of the first reply.
    pub fn status(&self) -> StatusCode {
        self.parts.status
    }

    /// The headers of the first reply.
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

    /// The last event that the stream can be taken up after.
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
}

impl Stream for InteractionEvents {
    type Item = Result<InteractionSseEvent, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let item = ready!(self.events.poll_next_unpin(context));
        if let Some(Ok(event)) = &item {
            let place = event.event_id().map(str::to_owned);
            self.last_event_id = place.or(self.last_event_id.take());
            let id = event.interaction_id().map(str::to_owned);
            self.interaction_id = id.or(self.interaction_id.take());
        }
        Poll::Ready(item)
    }
}

impl fmt::Debug for InteractionEvents {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("InteractionEvents")
            .field("status", &self.parts.status)
            .field("interaction_id", &self.interaction_id)
            .field("last_event_id", &self.last_event_id)
            .finish_non_exhaustive()
    }
}
