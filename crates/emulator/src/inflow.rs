//! A request's body as it arrives, with the fault of breaking off. It parses nothing.

use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, future, stream};

/// The body broke off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request broke off")]
pub(crate) struct Interrupted;

/// How a body ends before its end, after that many bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Broken {
    /// The line breaks.
    Cut(u64),
    /// The line stands still.
    Stalled(u64),
}

impl Broken {
    pub(crate) fn bytes(self) -> u64 {
        match self {
            Self::Cut(bytes) | Self::Stalled(bytes) => bytes,
        }
    }
}

/// The pieces of a body.
#[derive(Debug)]
pub(crate) struct Inflow {
    body: BodyDataStream,
    broken: Option<Broken>,
    /// The bytes given so far.
    given: u64,
}

impl Inflow {
    pub(crate) fn new(body: Body) -> Self {
        Self {
            body: body.into_data_stream(),
            broken: None,
            given: 0,
        }
    }

    /// Ends it like this.
    pub(crate) fn break_off(&mut self, broken: Option<Broken>) {
        self.broken = broken;
    }

    pub(crate) async fn next(&mut self) -> Option<Result<Bytes, Interrupted>> {
        let left = self.broken.map(|broken| broken.bytes() - self.given);
        if left == Some(0) {
            return Some(Self::end(self.broken).await);
        }
        let piece = match self.body.next().await {
            Some(Ok(piece)) => piece,
            Some(Err(_)) => return Some(Err(Interrupted)),
            None if self.broken.is_some() => return Some(Self::end(self.broken).await),
            None => return None,
        };
        let left = left.map_or(usize::MAX, |left| {
            usize::try_from(left).unwrap_or(usize::MAX)
        });
        let piece = piece.slice(..piece.len().min(left));
        self.given += piece.len() as u64;
        Some(Ok(piece))
    }

    async fn end(broken: Option<Broken>) -> Result<Bytes, Interrupted> {
        if let Some(Broken::Stalled(_)) = broken {
            future::pending::<()>().await;
        }
        Err(Interrupted)
    }

    pub(crate) fn stream(&mut self) -> impl Stream<Item = Result<Bytes, Interrupted>> + Send + '_ {
        stream::unfold(self, async |inflow| Some((inflow.next().await?, inflow)))
    }

    /// Reads what is left and forgets it, so that the caller gets to read the answer.
    pub(crate) async fn drain(&mut self) {
        while let Some(Ok(_)) = self.next().await {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn inflow(pieces: &[&'static str]) -> Inflow {
        let pieces: Vec<_> = pieces
            .iter()
            .map(|piece| Ok::<_, std::io::Error>(Bytes::from_static(piece.as_bytes())))
            .collect();
        Inflow::new(Body::from_stream(stream::iter(pieces)))
    }

    async fn read(mut inflow: Inflow) -> (String, bool) {
        let mut text = String::new();
        while let Some(piece) = inflow.next().await {
            match piece {
                Ok(piece) => text.push_str(std::str::from_utf8(&piece).expect("text")),
                Err(Interrupted) => return (text, false),
            }
        }
        (text, true)
    }

    #[tokio::test]
    async fn a_fault_breaks_it_off() {
        assert_eq!(read(inflow(&["abc", "def"])).await, ("abcdef".into(), true));
        for (bytes, expected) in [(0, ""), (2, "ab"), (3, "abc"), (5, "abcde"), (9, "abcdef")] {
            let mut cut = inflow(&["abc", "def"]);
            cut.break_off(Some(Broken::Cut(bytes)));
            assert_eq!(read(cut).await, (expected.to_owned(), false));
        }
    }

    #[tokio::test]
    async fn a_fault_makes_it_stand_still() {
        let mut stalled = inflow(&["abc", "def"]);
        stalled.break_off(Some(Broken::Stalled(4)));
        assert_eq!(stalled.next().await, Some(Ok("abc".into())));
        assert_eq!(stalled.next().await, Some(Ok("d".into())));
        assert_eq!(stalled.next().now_or_never(), None);
    }
}
