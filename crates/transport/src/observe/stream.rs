//! A streamed body that tells how it went. It changes nothing of the stream.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};

use crate::body::ByteStream;
use crate::error::Error;
use crate::observe::Observation;

/// A body under observation; dropping it before its end is part of what is told.
pub(crate) struct Observed {
    body: ByteStream,
    observation: Observation,
    bytes: u64,
}

impl Observed {
    pub(crate) fn new(body: ByteStream, observation: Observation) -> Self {
        Self {
            body,
            observation,
            bytes: 0,
        }
    }
}

impl Stream for Observed {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let item = ready!(this.body.poll_next_unpin(cx));
        match &item {
            Some(Ok(chunk)) => {
                if this.bytes == 0 && !chunk.is_empty() {
                    this.observation.first_byte();
                }
                this.bytes = this.bytes.saturating_add(chunk.len() as u64);
                this.observation.set_bytes(this.bytes);
            }
            Some(Err(error)) => this.observation.failed(error),
            None => this.observation.succeeded(this.bytes),
        }
        Poll::Ready(item)
    }
}
