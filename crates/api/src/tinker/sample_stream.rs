//! A sequence as it is drawn: events in, pieces out. What the pieces mean is said by their type.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::{Stream, StreamExt as _};
use gimmal_transport::sse::Event;
use gimmal_transport::{Error, EventStream};
use gimmal_types::rpc::Status;
use gimmal_types::tinker::{SampleStreamChunk, SampleStreamEvent};

/// The pieces of a sequence, each as soon as it is there. After the end or an error there are none.
///
/// [`SampleStream::collect_text`] joins them.
#[derive(Debug)]
#[must_use = "a stream does nothing until it is read"]
pub struct SampleStream {
    events: EventStream,
    ended: bool,
}

impl SampleStream {
    /// Reads pieces from these events.
    pub fn new(events: EventStream) -> Self {
        let ended = false;
        Self { events, ended }
    }

    /// Reads to the end: the text of all tokens, and the last piece, if there was any.
    ///
    /// # Errors
    ///
    /// Fails with the first error of the stream; what came before it is lost.
    pub async fn collect_text(mut self) -> Result<(String, Option<SampleStreamChunk>), Error> {
        let (mut text, mut last) = (String::new(), None);
        while let Some(chunk) = self.next().await {
            let chunk = chunk?;
            text.push_str(chunk.token.as_deref().unwrap_or_default());
            last = Some(chunk);
        }
        Ok((text, last))
    }
}

impl Stream for SampleStream {
    type Item = Result<SampleStreamChunk, Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.ended {
            return Poll::Ready(None);
        }
        let item = ready!(self.events.poll_next_unpin(context));
        let item = item.map(|event| event.and_then(|event| chunk_of_event(&event)));
        self.ended = match &item {
            Some(Ok(chunk)) => chunk.event() == SampleStreamEvent::Done,
            Some(Err(_)) | None => true,
        };
        Poll::Ready(item)
    }
}

/// The piece that an event holds. The name of the event counts where the piece says nothing.
///
/// # Errors
///
/// Fails when the event holds no piece, and with what the server says went wrong.
pub fn chunk_of_event(event: &Event) -> Result<SampleStreamChunk, Error> {
    if event.is_done() {
        return Ok(SampleStreamChunk::new().set_event_type("done"));
    }
    let mut chunk: SampleStreamChunk = event.json()?;
    if chunk.event_type.is_none()
        && let Some(name @ ("token" | "done" | "error")) = event.event.as_deref()
    {
        chunk.event_type = Some(name.to_owned());
    }
    if chunk.event() == SampleStreamEvent::Error {
        let mut status = Status::default();
        status.message = chunk.error;
        return Err(Error::operation_failed(status));
    }
    Ok(chunk)
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures_util::stream;
    use gimmal_transport::{ByteStream, ErrorKind};
    use test_case::test_case;

    use super::*;

    /// A stream of `body` in pieces of so many bytes.
    fn stream_of(body: &str, size: usize) -> SampleStream {
        let pieces: Vec<_> = body
            .as_bytes()
            .chunks(size)
            .map(Bytes::copy_from_slice)
            .collect();
        let body = ByteStream::new(stream::iter(pieces.into_iter().map(Ok)));
        SampleStream::new(EventStream::new(body))
    }

    const HELLO: &str = "data: {\"token\": \"Hello\", \"token_id\": 1}\n\n\
        data: {\"token\": \" world\"}\n\n\
        data: {\"finish_reason\": \"stop\", \"total_tokens\": 2}\n\n";

    /// Covers: CHK-SS-1
    #[test_case(1)]
    #[test_case(7)]
    #[test_case(1000)]
    #[tokio::test]
    async fn chk_ss_1_tokens_are_joined_however_they_are_cut(size: usize) {
        let (text, last) = stream_of(HELLO, size).collect_text().await.unwrap();
        let last = last.unwrap();
        assert_eq!(text, "Hello world");
        assert_eq!(last.finish_reason.as_deref(), Some("stop"));
        assert_eq!(last.total_tokens, Some(2));
    }

    /// Covers: CHK-SS-1
    #[test_case("data: [DONE]\n\n"; "bare")]
    #[test_case("data: \"[DONE]\"\n\n"; "quoted")]
    #[test_case("event: done\ndata: {}\n\n"; "named")]
    #[tokio::test]
    async fn chk_ss_1_the_end_has_several_forms(end: &str) {
        let body = format!("{end}data: {{\"token\": \"late\"}}\n\n");
        let (text, last) = stream_of(&body, 5).collect_text().await.unwrap();
        assert_eq!(
            (text.as_str(), last.unwrap().event()),
            ("", SampleStreamEvent::Done)
        );
    }

    /// Covers: CHK-SS-1
    #[tokio::test]
    async fn chk_ss_1_the_last_token_may_come_with_the_end() {
        let body = "data: {\"token\": \"x\", \"finish_reason\": \"stop\"}\n\n";
        let (text, last) = stream_of(body, 100).collect_text().await.unwrap();
        assert_eq!(text, "x");
        assert_eq!(last.unwrap().event(), SampleStreamEvent::Done);
        let (text, last) = stream_of("", 1).collect_text().await.unwrap();
        assert!(text.is_empty() && last.is_none());
    }

    /// Covers: CHK-SS-1
    #[test_case(
        "event: error\ndata: {\"error\": \"no room\"}\n\n",
        ErrorKind::OperationFailed
    )]
    #[test_case("data: {\"error\": \"no room\"}\n\n", ErrorKind::OperationFailed; "unnamed")]
    #[test_case("data: nonsense\n\n", ErrorKind::Decode)]
    #[tokio::test]
    async fn chk_ss_1_an_error_is_an_error(body: &str, kind: ErrorKind) {
        let mut stream = stream_of(body, 3);
        let error = stream.next().await.unwrap().unwrap_err();
        assert_eq!(error.kind(), kind);
        assert!(stream.next().await.is_none());
    }
}
