//! Compression of payloads with zstd, where it pays. It never makes a payload larger, and never
//! unpacks more than it was told to expect.

/// Payloads smaller than this are not worth compressing, if not told otherwise.
const DEFAULT_THRESHOLD: usize = 1_000;

/// Whether and how payloads are compressed.
///
/// A compressed payload is kept if it is at most 90 % of what it was.
///
/// ```
/// use gimmal_cache::Compression;
///
/// let compression = Compression::zstd().with_threshold(500).with_level(6);
/// assert_eq!(compression.level(), 6);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Compression {
    threshold: usize,
    level: i32,
}

impl Compression {
    /// zstd at level 3 for payloads of 1,000 bytes and more. Without the feature `zstd` this is
    /// the same as none.
    pub const fn zstd() -> Self {
        Self {
            threshold: DEFAULT_THRESHOLD,
            level: 3,
        }
    }

    /// No compression. Compressed frames are still read.
    pub const fn none() -> Self {
        Self {
            threshold: usize::MAX,
            level: 1,
        }
    }

    /// Compresses payloads of this many bytes and more.
    pub const fn with_threshold(mut self, bytes: usize) -> Self {
        self.threshold = bytes;
        self
    }

    /// The level of zstd, from 1 (fast) to 19 (small); other numbers are taken as the nearest.
    pub fn with_level(mut self, level: i32) -> Self {
        self.level = level.clamp(1, 19);
        self
    }

    /// The level of zstd.
    #[must_use]
    pub const fn level(&self) -> i32 {
        self.level
    }

    /// The number of bytes from which on payloads are compressed.
    #[must_use]
    pub const fn threshold(&self) -> usize {
        self.threshold
    }

    /// The compressed bytes, if that pays.
    pub(super) fn compress(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        if bytes.len() < self.threshold {
            return None;
        }
        let small = pack(bytes, self.level)?;
        (small.len() <= bytes.len() / 10 * 9).then_some(small)
    }
}

impl Default for Compression {
    fn default() -> Self {
        Self::zstd()
    }
}

#[cfg(feature = "zstd")]
fn pack(bytes: &[u8], level: i32) -> Option<Vec<u8>> {
    zstd::bulk::compress(bytes, level).ok()
}

#[cfg(not(feature = "zstd"))]
fn pack(_: &[u8], _: i32) -> Option<Vec<u8>> {
    None
}

/// The original bytes; `None` unless there are exactly `length` of them.
#[cfg(feature = "zstd")]
pub(super) fn unpack(bytes: &[u8], length: usize) -> Option<Vec<u8>> {
    let original = zstd::bulk::decompress(bytes, length).ok()?;
    (original.len() == length).then_some(original)
}

/// Without the feature `zstd` nothing can be unpacked.
#[cfg(not(feature = "zstd"))]
pub(super) fn unpack(_: &[u8], _: usize) -> Option<Vec<u8>> {
    None
}
