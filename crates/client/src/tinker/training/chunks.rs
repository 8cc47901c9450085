//! How a list of data is cut into requests, and the numbers that requests go out under. It knows
//! the sizes of data, not the data.

use std::ops::Range;

/// How large a request may become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkLimits {
    /// Data in a request at most.
    pub max_items: usize,
    /// Estimated bytes of a request at most, unless a single datum is larger.
    pub max_bytes: u64,
}

impl Default for ChunkLimits {
    fn default() -> Self {
        Self {
            max_items: 1_024,
            max_bytes: 5_000_000,
        }
    }
}

/// Cuts a list, given the size of each of its items in bytes, into as few runs as the limits allow
/// when it is gone through from the front.
///
/// ```
/// use gimmal_client::tinker::{ChunkLimits, chunk_ranges};
///
/// let chunks = chunk_ranges([8; 1_025], ChunkLimits::default());
/// assert_eq!(chunks, [0..1_024, 1_024..1_025]);
/// ```
///
/// No run is empty: an item that is larger than the limit is a run by itself.
pub fn chunk_ranges(
    sizes: impl IntoIterator<Item = u64>,
    limits: ChunkLimits,
) -> Vec<Range<usize>> {
    let mut chunks = Vec::new();
    let (mut start, mut end, mut bytes) = (0, 0, 0_u64);
    for size in sizes {
        let items = end - start;
        let full = items >= limits.max_items.max(1);
        let heavy = items > 0 && bytes.saturating_add(size) > limits.max_bytes;
        if full || heavy {
            chunks.push(start..end);
            (start, bytes) = (end, 0);
        }
        end += 1;
        bytes = bytes.saturating_add(size);
    }
    if end > start {
        chunks.push(start..end);
    }
    chunks
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use test_case::test_case;

    use super::*;

    fn lengths(sizes: &[u64], limits: ChunkLimits) -> Vec<usize> {
        let chunks = chunk_ranges(sizes.iter().copied(), limits);
        chunks.iter().map(ExactSizeIterator::len).collect()
    }

    const IMAGE: u64 = 2_000_000;

    /// Covers: CHK-DP-1
    #[test_case(&[10; 1_024], &[1_024])]
    #[test_case(&[10; 1_025], &[1_024, 1]; "one more")]
    #[test_case(&[100_000; 51], &[50, 1]; "by bytes")]
    #[test_case(&[600_000; 9], &[8, 1]; "not a byte above")]
    #[test_case(&[10_000, IMAGE, 10_000, IMAGE, 10_000], &[5]; "images")]
    #[test_case(&[10_000, IMAGE, 10_000, IMAGE, 10_000, IMAGE], &[5, 1]; "one image more")]
    #[test_case(&[6_000_000, 10], &[1, 1]; "an oversize item is alone")]
    #[test_case(&[], &[]; "nothing")]
    fn chk_dp_1(sizes: &[u64], expected: &[usize]) {
        assert_eq!(lengths(sizes, ChunkLimits::default()), expected);
    }

    /// The cuts of the reference, of data of this many tokens at 4 bytes each.
    #[test_case(&[1, 1, 1, 1, 1], 2, 1_000_000, &[2, 2, 1])]
    #[test_case(&[10, 10, 10], 100, 80, &[2, 1])]
    #[test_case(&[10, 10, 10], 100, 79, &[1, 1, 1])]
    #[test_case(&[100, 1, 1], 100, 40, &[1, 2])]
    fn as_the_reference_cuts(tokens: &[u64], max_items: usize, max_bytes: u64, expected: &[usize]) {
        let sizes: Vec<u64> = tokens.iter().map(|tokens| tokens * 4).collect();
        let limits = ChunkLimits {
            max_items,
            max_bytes,
        };
        assert_eq!(lengths(&sizes, limits), expected);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_no_limit_is_passed(
            sizes in prop::collection::vec(0_u64..2_000, 0..80),
            max_items in 0_usize..9,
            max_bytes in 0_u64..5_000,
        ) {
            let limits = ChunkLimits { max_items, max_bytes };
            let chunks = chunk_ranges(sizes.iter().copied(), limits);
            let mut next = 0;
            for chunk in chunks {
                prop_assert_eq!(chunk.start, next);
                prop_assert!(!chunk.is_empty() && chunk.len() <= max_items.max(1));
                let bytes: u64 = sizes[chunk.clone()].iter().sum();
                prop_assert!(bytes <= max_bytes || chunk.len() == 1);
                next = chunk.end;
            }
            prop_assert_eq!(next, sizes.len());
        }
    }
}
