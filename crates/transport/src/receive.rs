//! The two ways of taking a reply: read to the end, or handed on as a stream. The pipeline is the
//! same for both; what differs is the time limit of an attempt and what is done with the body.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::StatusCode;

use crate::body::{ByteStream, Guarded, Limits};
use crate::compression::{self, ContentCoding};
use crate::error::{Error, TimeoutKind};
use crate::observe::{Observation, Observed};
use crate::options::CallOptions;
use crate::time::Clock;

/// When things are due that outlive the attempt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Due {
    pub(crate) attempt_started: Instant,
    pub(crate) deadline: Option<(Instant, Duration)>,
}

/// What there is to know about a body before it is read.
pub(crate) struct Terms<'a> {
    /// How it is packed.
    pub(crate) coding: Option<ContentCoding>,
    pub(crate) options: &'a CallOptions,
    pub(crate) clock: &'a Arc<dyn Clock>,
    pub(crate) due: Due,
}

/// What is done with the body of a successful reply.
pub(crate) trait Receive: Sync {
    type Output: Send;

    /// Whether the body outlives the call.
    const STREAMED: bool;

    /// Whether an answer with this status is the one that was asked for.
    fn accepts(&self, status: StatusCode) -> bool {
        status.is_success()
    }

    /// The limit on one attempt, and its name.
    fn limit(&self, options: &CallOptions) -> Option<(TimeoutKind, Duration)>;

    /// Reads `body`.
    fn receive(
        &self,
        body: ByteStream,
        terms: Terms<'_>,
    ) -> impl Future<Output = Result<Self::Output, Error>> + Send;

    /// Ends the observation, now or when the body is read.
    fn conclude(output: Self::Output, observation: Observation) -> Self::Output;
}

/// Reads the body to the end, within the attempt.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Buffered;

impl Receive for Buffered {
    type Output = Bytes;

    const STREAMED: bool = false;

    fn limit(&self, options: &CallOptions) -> Option<(TimeoutKind, Duration)> {
        Some((TimeoutKind::Attempt, options.attempt_timeout()?))
    }

    async fn receive(&self, body: ByteStream, terms: Terms<'_>) -> Result<Bytes, Error> {
        // The limit on the size is enough, however the reply comes to it.
        let body = compression::unpack(body, terms.coding, None);
        body.collect(terms.options.max_response_bytes()).await
    }

    fn conclude(output: Bytes, mut observation: Observation) -> Bytes {
        observation.succeeded(output.len() as u64);
        output
    }
}

/// Ends the attempt at the head of the reply and hands the body on under guard.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Streamed;

impl Receive for Streamed {
    type Output = ByteStream;

    const STREAMED: bool = true;

    fn limit(&self, options: &CallOptions) -> Option<(TimeoutKind, Duration)> {
        Some((TimeoutKind::FirstByte, options.first_byte_timeout()?))
    }

    async fn receive(&self, body: ByteStream, terms: Terms<'_>) -> Result<ByteStream, Error> {
        let Terms {
            coding,
            options,
            clock,
            due,
        } = terms;
        let limits = Limits {
            first_byte: options.first_byte_timeout().and_then(|limit| {
                let at = due.attempt_started.checked_add(limit)?;
                Some((at, limit))
            }),
            idle: options.idle_timeout(),
            deadline: due.deadline,
        };
        let guarded = Guarded::new(body, limits, Arc::clone(clock));
        // Outside of the guard, so that signs of life are bytes of the wire.
        Ok(compression::unpack(
            ByteStream::new(guarded),
            coding,
            Some(options.max_decompression_ratio()),
        ))
    }

    fn conclude(output: ByteStream, observation: Observation) -> ByteStream {
        if observation.is_seen() {
            ByteStream::new(Observed::new(output, observation))
        } else {
            output
        }
    }
}
