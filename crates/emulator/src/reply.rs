//! What goes back over the wire: a status, headers and a body in one or more pieces, together with
//! the ways it can be spoiled (cut, late, connection reset). Knows no route and no JSON shape.

use std::{io, iter, time::Duration};

use axum::body::Body;
use bytes::Bytes;
use futures_util::{future::BoxFuture, stream};
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use serde_json::Value;

use crate::content::Slice;

const JSON: HeaderValue = HeaderValue::from_static("application/json; charset=UTF-8");
const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=UTF-8");

/// An answer before it is handed to the connection.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<Bytes>,
    /// What is sent in place of `body` when it is too large to be held.
    pub(crate) slice: Option<Slice>,
    /// Whether the body is sent piece by piece rather than with a length.
    pub(crate) streamed: bool,
    pub(crate) delivery: Delivery,
}

/// How an answer travels.
#[derive(Clone, Debug, Default)]
pub(crate) struct Delivery {
    /// Waited out on the emulator's clock before the status line.
    pub(crate) delay: Duration,
    /// Waited out on the emulator's clock before every piece of body but the first.
    pub(crate) pause: Duration,
    /// Waited out besides, before the piece of the same place.
    pub(crate) waits: Vec<Duration>,
    /// The connection is closed after this many bytes of body.
    pub(crate) cut_after: Option<usize>,
    /// The connection is reset before the status line.
    pub(crate) reset: bool,
}

impl Reply {
    pub(crate) fn json(status: StatusCode, value: &Value) -> Self {
        // Writing a `Value` to memory has no way to fail; an empty body would show if it did.
        let body = serde_json::to_vec(value).unwrap_or_default();
        Self::new(status, JSON, vec![body.into()], false)
    }

    pub(crate) fn text(status: StatusCode, text: impl Into<Bytes>) -> Self {
        Self::new(status, TEXT, vec![text.into()], false)
    }

    /// Server-sent events, one piece per event, each `data: {json}` and a blank line.
    pub(crate) fn events(values: &[Value]) -> Self {
        let pieces = values
            .iter()
            .map(|value| event(&value.to_string()))
            .collect();
        Self::new(StatusCode::OK, EVENT_STREAM, pieces, true)
    }

    /// Pieces written as they are, announced as server-sent events.
    pub(crate) fn event_pieces(pieces: Vec<Bytes>) -> Self {
        Self::new(StatusCode::OK, EVENT_STREAM, pieces, true)
    }

    /// A JSON array sent element by element, which is what streaming without `alt=sse` gives.
    pub(crate) fn json_array(status: StatusCode, values: &[Value]) -> Self {
        let mut pieces: Vec<Bytes> = Vec::with_capacity(values.len().max(1));
        for (i, value) in values.iter().enumerate() {
            let lead = if i == 0 { "[" } else { ",\r\n" };
            // The end comes with the last element, so that there is nothing left to wait for.
            let tail = if i + 1 == values.len() { "\n]" } else { "" };
            pieces.push(format!("{lead}{value}{tail}").into());
        }
        if values.is_empty() {
            pieces.push(Bytes::from_static(b"[]"));
        }
        Self::new(status, JSON, pieces, true)
    }

    /// A piece of a content, read while it is sent; it has no content type yet.
    pub(crate) fn slice(status: StatusCode, slice: Slice) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(slice.len()));
        Self {
            status,
            headers,
            body: Vec::new(),
            slice: Some(slice),
            streamed: true,
            delivery: Delivery::default(),
        }
    }

    fn new(
        status: StatusCode,
        content_type: HeaderValue,
        body: Vec<Bytes>,
        streamed: bool,
    ) -> Self {
        let mut headers = HeaderMap::with_capacity(2);
        headers.insert(header::CONTENT_TYPE, content_type);
        Self {
            status,
            headers,
            body,
            slice: None,
            streamed,
            delivery: Delivery::default(),
        }
    }

    /// Makes the answer last `latency` longer: before the status line or, when it is sent piece by
    /// piece, in equal parts before the pieces.
    pub(crate) fn slow_down(&mut self, latency: Duration) {
        let pieces = if self.streamed { self.body.len() } else { 1 };
        let others = u32::try_from(pieces.saturating_sub(1)).unwrap_or(u32::MAX);
        let pause = latency / others.saturating_add(1);
        let first = latency.saturating_sub(pause.saturating_mul(others));
        self.delivery.pause = self.delivery.pause.saturating_add(pause);
        self.delivery.delay = self.delivery.delay.saturating_add(first);
    }

    /// The response for the connection, with `wait` to wait between pieces. A cut and the pauses
    /// are applied here, a delay and a reset are not.
    pub(crate) fn into_response(
        self,
        wait: impl Fn(Duration) -> BoxFuture<'static, ()> + Send + 'static,
    ) -> Response<Body> {
        let pause = self.delivery.pause;
        let cut_after = self.delivery.cut_after;
        if let Some(slice) = self.slice {
            let limit = cut_after.map_or(u64::MAX, |limit| limit as u64);
            let mut response = Response::new(slice_body(slice, limit, pause, wait));
            *response.status_mut() = self.status;
            *response.headers_mut() = self.headers;
            return response;
        }
        let waits = self.delivery.waits;
        let pauses = move |at: usize| {
            let own = waits.get(at).copied().unwrap_or_default();
            own.saturating_add(if at > 0 { pause } else { Duration::ZERO })
        };
        let body = match cut_after {
            Some(limit) => paced_body(cut(self.body, limit), pauses, wait),
            None if self.streamed => paced_body(self.body.into_iter().map(Ok), pauses, wait),
            None => match <[Bytes; 1]>::try_from(self.body) {
                Ok([only]) => Body::from(only),
                Err(pieces) => Body::from(pieces.concat()),
            },
        };
        let mut response = Response::new(body);
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}

/// One server-sent event in the only form every client of the service reads.
pub(crate) fn event(data: &str) -> Bytes {
    format!("data: {data}\r\n\r\n").into()
}

/// Waits, or at least yields, between pieces so that each one reaches the socket by itself.
fn paced_body(
    pieces: impl IntoIterator<Item = io::Result<Bytes>, IntoIter: Send + 'static>,
    pauses: impl Fn(usize) -> Duration + Send + 'static,
    wait: impl Fn(Duration) -> BoxFuture<'static, ()> + Send + 'static,
) -> Body {
    let state = (pieces.into_iter().enumerate(), pauses, wait);
    Body::from_stream(stream::unfold(
        state,
        |(mut rest, pauses, wait)| async move {
            let (at, piece) = rest.next()?;
            let pause = pauses(at);
            if piece.is_ok() && !pause.is_zero() {
                wait(pause).await;
            }
            // What the connection already has is written while this waits.
            tokio::task::yield_now().await;
            Some((piece, (rest, pauses, wait)))
        },
    ))
}

/// The first `limit` bytes of what is read piece by piece, then a failure if there were more.
fn slice_body(
    mut slice: Slice,
    limit: u64,
    pause: Duration,
    wait: impl Fn(Duration) -> BoxFuture<'static, ()> + Send + 'static,
) -> Body {
    let end = (limit < slice.len()).then(|| Err(broken()));
    slice.truncate(limit);
    let pieces = iter::from_fn(move || slice.next()).chain(end);
    let pauses = move |at| if at > 0 { pause } else { Duration::ZERO };
    paced_body(pieces, pauses, wait)
}

fn broken() -> io::Error {
    io::Error::other("cut by a fault")
}

/// The first `limit` bytes, then a failure, so that the connection closes unfinished.
fn cut(pieces: Vec<Bytes>, limit: usize) -> Vec<io::Result<Bytes>> {
    let mut left = limit;
    let mut kept = Vec::new();
    for piece in pieces {
        if left == 0 {
            break;
        }
        let take = piece.len().min(left);
        left -= take;
        kept.push(Ok(piece.slice(..take)));
    }
    kept.push(Err(broken()));
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn events_are_data_lines_and_blank_lines_only() {
        let reply = Reply::events(&[json!({"a": 1}), json!({"b": 2})]);
        let text = String::from_utf8(reply.body.concat()).expect("text");
        assert_eq!(text, "data: {\"a\":1}\r\n\r\ndata: {\"b\":2}\r\n\r\n");
    }

    #[test]
    fn an_array_stream_joins_to_one_json_array() {
        for n in 0..4 {
            let values: Vec<Value> = (0..n).map(|i| json!({ "i": i })).collect();
            let reply = Reply::json_array(StatusCode::OK, &values);
            let back: Value = serde_json::from_slice(&reply.body.concat()).expect("json");
            assert_eq!(back, Value::Array(values));
        }
    }

    #[test]
    fn slowness_is_spread_over_the_pieces_of_a_stream() {
        let second = Duration::from_secs(1);
        let mut whole = Reply::json(StatusCode::OK, &json!({}));
        whole.slow_down(second);
        assert_eq!(whole.delivery.delay, second);
        for n in 1..8 {
            let mut stream = Reply::events(&vec![json!({}); n as usize]);
            stream.slow_down(second);
            let Delivery { delay, pause, .. } = stream.delivery;
            assert_eq!(delay + pause * (n - 1), second);
            assert!(delay.abs_diff(pause) < Duration::from_micros(1));
        }
    }
}
