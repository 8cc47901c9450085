//! Unpacking replies: what to ask the server for, what it answered, and the stream that undoes
//! it. Limits on the size of a whole reply are the reader's.

use std::num::NonZeroU32;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use http::header::{ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, RANGE};
use http::{HeaderMap, HeaderValue, Method};

use crate::body::ByteStream;
use crate::compression::{ContentCoding, Decompressor};
use crate::error::{Error, ErrorKind};
use crate::headers::LayeredHeaders;

/// The codings that are built in, the best one first.
const ACCEPTED: Option<&str> = if cfg!(all(feature = "gzip", feature = "zstd")) {
    Some("zstd, gzip, deflate")
} else if cfg!(feature = "zstd") {
    Some("zstd")
} else if cfg!(feature = "gzip") {
    Some("gzip, deflate")
} else {
    None
};

/// How many pieces are made of bytes that are already here before other tasks get their turn:
/// 128 KiB, a fraction of a millisecond of work.
const PIECES_PER_TURN: u32 = 8;

/// What to ask for, so that the reply may be packed.
///
/// A caller that names codings itself wants to read them itself, and a range counts the bytes as
/// they are sent.
pub(crate) fn accept(method: &Method, headers: &LayeredHeaders<'_>) -> Option<HeaderValue> {
    let taken =
        *method == Method::HEAD || headers.contains(&ACCEPT_ENCODING) || headers.contains(&RANGE);
    let accepted = ACCEPTED.filter(|_| !taken);
    accepted.map(HeaderValue::from_static)
}

/// The coding of a reply, if it is one that can be undone; the headers then tell no more of it.
pub(crate) fn take_coding(headers: &mut HeaderMap) -> Option<ContentCoding> {
    let mut values = headers.get_all(CONTENT_ENCODING).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let coding = ContentCoding::from_name(value.to_str().ok()?)?;
    if !coding.is_built_in() {
        return None;
    }
    headers.remove(CONTENT_ENCODING);
    headers.remove(CONTENT_LENGTH);
    Some(coding)
}

/// The body as it was before `coding`. A streamed one has a `max_ratio`, which says how much
/// larger it may be.
pub(crate) fn unpack(
    body: ByteStream,
    coding: Option<ContentCoding>,
    max_ratio: Option<NonZeroU32>,
) -> ByteStream {
    let Some(mut decompressor) = coding.and_then(Decompressor::new) else {
        return body;
    };
    if let Some(ratio) = max_ratio {
        decompressor = decompressor.with_max_ratio(ratio);
    }
    ByteStream::new(Unpacked {
        body,
        decompressor,
        streamed: max_ratio.is_some(),
        pieces: 0,
        state: State::Reading,
    })
}

struct Unpacked {
    body: ByteStream,
    decompressor: Decompressor,
    streamed: bool,
    /// How many pieces came out since the task last waited.
    pieces: u32,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Reading,
    /// The body is over; what the decompressor holds is not.
    Draining,
    Done,
}

impl Unpacked {
    fn end_with(&mut self, error: Error) -> Poll<Option<Result<Bytes, Error>>> {
        self.state = State::Done;
        self.body = ByteStream::empty();
        Poll::Ready(Some(Err(error)))
    }
}

impl Stream for Unpacked {
    type Item = Result<Bytes, Error>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            if this.state == State::Done {
                return Poll::Ready(None);
            }
            if this.pieces == PIECES_PER_TURN {
                this.pieces = 0;
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            match this.decompressor.next_piece() {
                Some(Ok(piece)) => {
                    this.pieces += 1;
                    return Poll::Ready(Some(Ok(piece)));
                }
                Some(Err(error)) if this.streamed && error.kind() == ErrorKind::Io => {
                    let received = this.decompressor.bytes_read();
                    return this.end_with(Error::interrupted(received, error));
                }
                Some(Err(error)) => return this.end_with(error),
                None if this.state == State::Draining => this.state = State::Done,
                None => {
                    this.pieces = 0;
                    match ready!(this.body.poll_next_unpin(cx)) {
                        Some(Ok(bytes)) => this.decompressor.push(bytes),
                        Some(Err(error)) => return this.end_with(error),
                        None => {
                            this.decompressor.finish();
                            this.state = State::Draining;
                        }
                    }
                }
            }
        }
    }
}
