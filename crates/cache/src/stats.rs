//! Counters of a cache. They are plain numbers; trends and alerts are the monitor's.

use serde::Serialize;

/// Counters since the cache was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CacheStats {
    /// Reads that were answered, by any tier; remembered failures included.
    pub hits: u64,
    /// Reads that were not answered.
    pub misses: u64,
    /// The memory of this process, if there is one.
    pub l1: Option<TierStats>,
    /// The shared store, if there is one.
    pub l2: Option<TierStats>,
}

impl CacheStats {
    /// The share of reads that were answered, from 0 to 1; 0 before the first read.
    #[must_use]
    pub fn hit_ratio(&self) -> f64 {
        let reads = self.hits + self.misses;
        if reads == 0 {
            0.0
        } else {
            self.hits as f64 / reads as f64
        }
    }
}

/// Counters of one tier since it was made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TierStats {
    /// Reads that this tier answered.
    pub hits: u64,
    /// Reads that this tier did not answer.
    pub misses: u64,
    /// Entries stored.
    pub stored: u64,
    /// Entries that it holds, expired ones included; `None` if it cannot tell cheaply.
    pub entries: Option<u64>,
    /// Bytes of its entries with keys and overhead; `None` if it cannot tell cheaply.
    pub bytes: Option<u64>,
    /// Values stored as frames.
    pub packed: u64,
    /// Bytes of those values.
    pub value_bytes: u64,
    /// Bytes of their frames, after compression and with what a frame adds.
    pub frame_bytes: u64,
    /// Entries removed, by cause.
    pub evictions: Evictions,
    /// Entries that could not be trusted, and were removed.
    pub corrupt: u64,
    /// Entries that a newer version of this crate wrote.
    pub unknown_version: u64,
    /// Operations that failed or took too long.
    pub failures: u64,
    /// Operations that were not tried because the store was known to be away.
    pub rejected: u64,
}

/// Entries removed, by cause.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Evictions {
    /// Too many entries.
    pub capacity: u64,
    /// Too many bytes.
    pub weight: u64,
    /// They had expired.
    pub expired: u64,
    /// A newer entry took the key.
    pub replaced: u64,
    /// They were deleted or invalidated.
    pub invalidated: u64,
}
