//! A piece of a file: what to ask for, and how to take it out of a reply that has more.

use std::ops::{Bound, RangeBounds};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _, future, stream};
use gimmal_transport::{ByteStream, Error};
use http::HeaderValue;

/// Bytes of a file, from one to another. An empty range is refused where it is used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    first: u64,
    /// The byte after the last; none for all the rest.
    end: Option<u64>,
}

impl ByteRange {
    /// The bytes with these offsets: `..1024`, `1024..2048`, `2048..`.
    pub fn new(range: impl RangeBounds<u64>) -> Self {
        let first = match range.start_bound() {
            Bound::Included(first) => *first,
            Bound::Excluded(before) => before.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(last) => Some(last.saturating_add(1)),
            Bound::Excluded(end) => Some(*end),
            Bound::Unbounded => None,
        };
        Self { first, end }
    }

    /// The value of a `Range` header.
    pub(super) fn header(self) -> Result<HeaderValue, Error> {
        let first = self.first;
        let text = match self.end {
            None => format!("bytes={first}-"),
            Some(end) if end > first => format!("bytes={first}-{}", end - 1),
            Some(_) => {
                return Err(Error::invalid(
                    "range",
                    "is empty; ask for at least one byte",
                ));
            }
        };
        Ok(HeaderValue::from_str(&text).unwrap_or_else(|_| unreachable!("digits and a dash")))
    }

    /// This piece of a whole file, for servers that know no ranges.
    pub(super) fn cut(self, whole: &Bytes) -> Bytes {
        let place = |offset: u64| {
            usize::try_from(offset).map_or(whole.len(), |offset| offset.min(whole.len()))
        };
        let end = self.end.map_or(whole.len(), place);
        whole.slice(place(self.first).min(end)..end)
    }

    /// As [`ByteRange::cut`], of a file that arrives piece by piece.
    pub(super) fn cut_stream(self, whole: ByteStream) -> ByteStream {
        ByteStream::new(self.pieces(whole))
    }

    fn pieces(
        self,
        whole: impl Stream<Item = Result<Bytes, Error>> + Send + Unpin + 'static,
    ) -> impl Stream<Item = Result<Bytes, Error>> + Send + 'static {
        let state = (whole, 0_u64);
        stream::unfold(state, move |(mut whole, offset)| async move {
            // Nothing after the last byte is of interest, so it is not waited for either.
            if self.end.is_some_and(|wanted| offset >= wanted) {
                return None;
            }
            let chunk = whole.next().await?;
            let (piece, offset) = match chunk {
                Err(error) => (Err(error), offset),
                Ok(chunk) => {
                    let end = offset.saturating_add(chunk.len() as u64);
                    let relative = Self {
                        first: self.first.saturating_sub(offset),
                        end: self.end.map(|wanted| wanted.saturating_sub(offset)),
                    };
                    (Ok(relative.cut(&chunk)), end)
                }
            };
            Some((piece, (whole, offset)))
        })
        .filter(|piece| future::ready(!matches!(piece, Ok(piece) if piece.is_empty())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_as_headers() {
        let header = |range: ByteRange| range.header().unwrap();
        assert_eq!(header(ByteRange::new(..)), "bytes=0-");
        assert_eq!(header(ByteRange::new(5..10)), "bytes=5-9");
        assert_eq!(header(ByteRange::new(5..=10)), "bytes=5-10");
        let backwards = (Bound::Included(9), Bound::Included(3));
        for empty in [ByteRange::new(..0), ByteRange::new(backwards)] {
            let error = empty.header().unwrap_err();
            assert_eq!(
                error.to_string(),
                "invalid `range`: is empty; ask for at least one byte"
            );
        }
    }

    #[tokio::test]
    async fn a_piece_of_a_whole_file() {
        let whole = Bytes::from_static(b"0123456789");
        for (range, piece) in [
            (ByteRange::new(..), "0123456789"),
            (ByteRange::new(3..6), "345"),
            (ByteRange::new(8..99), "89"),
            (ByteRange::new(20..30), ""),
        ] {
            assert_eq!(range.cut(&whole), piece, "{range:?}");
            for size in 1..=10 {
                let chunks: Vec<_> = whole.chunks(size).map(Bytes::copy_from_slice).collect();
                let chunks = ByteStream::new(stream::iter(chunks.into_iter().map(Ok)));
                let cut = range.cut_stream(chunks).collect(100).await.unwrap();
                assert_eq!(cut, piece, "{range:?} in pieces of {size}");
            }
        }
    }
}
