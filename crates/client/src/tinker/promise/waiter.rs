//! Asks for one promise until there is a result: the loop around the state machine.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt as _;
use gimmal_api::tinker::polling::{FuturePoll, PollNext, PollOptions, PollReply};
use gimmal_api::tinker::session_futures::Completion;
use gimmal_transport::Clock;
use gimmal_transport::Error;
use gimmal_transport::semaphore::{BytesPermit, BytesSemaphore};
use gimmal_types::tinker::FutureResult;

use super::{Promise, PromiseApi, Question, SessionPoller};
use crate::tinker::billing::Billing;
use crate::tinker::queue_state::QueueHub;

/// A result as it came.
#[derive(Debug)]
pub(crate) enum Payload {
    Protobuf(Bytes),
    Json(Bytes),
}

/// What all waiting of a session shares.
#[derive(Clone, Debug)]
pub(crate) struct PromiseWaiter {
    pub(crate) api: Arc<dyn PromiseApi>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) billing: Arc<Billing>,
    /// Room for results on their way.
    pub(crate) room: BytesSemaphore,
    pub(crate) options: PollOptions,
}

impl Payload {
    /// Reads the result; servers of older versions send JSON where newer ones send protobuf.
    pub(crate) fn read<T: FutureResult>(self) -> Result<T, Error> {
        let (read, body) = match self {
            Self::Protobuf(body) => (T::from_protobuf(body.clone()), body),
            Self::Json(body) => (T::from_json(&body), body),
        };
        read.map_err(|error| Error::decode(error, body))
    }
}

impl PromiseWaiter {
    /// Waits for the result of a promise. `session` knows when it is there.
    ///
    /// # Errors
    ///
    /// Fails when the work failed, the promise is broken or the server will not hear of it. An
    /// expired promise (410) is an answer of this status that may be tried again as a whole.
    pub(crate) async fn wait(
        &self,
        promise: &Promise,
        hub: &QueueHub,
        session: Option<&SessionPoller>,
    ) -> Result<Payload, Error> {
        let mut room = None;
        if let Some(session) = session {
            let done = session.wait_for(&promise.request_id).await?;
            if let Completion::Finished { bytes: Some(bytes) } = done
                && bytes > 0
            {
                room = Some(self.room.acquire(bytes).boxed().await);
            }
        }
        // In boxes that are not there yet while others wait for their turn.
        let result = self.ask(promise, hub, room).boxed().await;
        if let Some(session) = session {
            session.mark_retrieved(&promise.request_id);
        }
        result
    }

    async fn ask(
        &self,
        promise: &Promise,
        hub: &QueueHub,
        room: Option<BytesPermit>,
    ) -> Result<Payload, Error> {
        let mut poll = FuturePoll::new(&promise.request_id, self.options.clone());
        if room.is_some() {
            poll.sized();
        }
        let mut _held = room;
        loop {
            let iteration = poll.ask(self.clock.now())?;
            let question = Question {
                promise,
                allow_metadata_only: poll.allows_metadata_only(),
                iteration,
            };
            let reply = self.api.retrieve(question).await;
            if let PollReply::Refused { error, .. } = &reply {
                let event = match error.status() {
                    Some(_) => "api_status_error",
                    None => "connection_error",
                };
                self.api.note(event, promise, iteration, error);
            }
            let now = self.clock.now();
            let next = poll.answered(now, reply);
            if let Some(news) = poll.take_news() {
                hub.tell(&news, &promise.request_id, now);
            }
            let after = match next {
                PollNext::Ask { after } => after,
                PollNext::Reserve { bytes } => {
                    // Held until the result is in memory.
                    _held = Some(self.room.acquire(bytes).await);
                    continue;
                }
                PollNext::Unpaid { after, error } => {
                    if !self.billing.may_wait(now) {
                        return Err(error);
                    }
                    after
                }
                PollNext::Protobuf(body) => return Ok(Payload::Protobuf(body)),
                PollNext::Json(body) => return Ok(Payload::Json(body)),
                PollNext::Failed(error) => {
                    self.api
                        .note("application_error", promise, iteration, &error);
                    return Err(error);
                }
                PollNext::Expired(error) => {
                    return Err(error.with_context("request_id", promise.request_id.clone()));
                }
                PollNext::Fatal(error) => {
                    return Err(error.with_context("request_id", promise.request_id.clone()));
                }
                _ => continue,
            };
            if !after.is_zero() {
                self.clock.sleep(after).await;
            }
        }
    }
}
