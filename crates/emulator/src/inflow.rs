//! A request's body as it arrives, with the fault of breaking off. It parses nothing.

use axum::body::{Body, BodyDataStream};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};

/// The body broke off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request broke off")]
pub(crate) struct Interrupted;

/// The pieces of a body.
#[derive(Debug)]
pub(crate) struct Inflow {
    body: BodyDataStream,
    /// The bytes until a fault breaks it off.
    left: Option<u64>,
}

impl Inflow {
    pub(crate) fn new(body: Body) -> Self {
        Self {
            body: body.into_data_stream(),
            left: None,
        }
    }

    /// Breaks off after this many bytes.
    pub(crate) fn cut_after(&mut self, bytes: Option<u64>) {
        self.left = bytes;
    }

    pub(crate) async fn next(&mut self) -> Option<Result<Bytes, Interrupted>> {
        if self.left == Some(0) {
            return Some(Err(Interrupted));
        }
        let piece = match self.body.next().await {
            Some(Ok(piece)) => piece,
            Some(Err(_)) => return Some(Err(Interrupted)),
            None if self.left.is_some() => return Some(Err(Interrupted)),
            None => return None,
        };
        let Some(left) = &mut self.left else {
            return Some(Ok(piece));
        };
        let kept = usize::try_from(*left)
            .unwrap_or(usize::MAX)
            .min(piece.len());
        *left -= kept as u64;
        Some(Ok(piece.slice(..kept)))
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
            cut.cut_after(Some(bytes));
            assert_eq!(read(cut).await, (expected.to_owned(), false));
        }
    }
}
