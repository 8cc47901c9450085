//! What writing, invalidating and checking a cache may say.

use std::time::Duration;

/// The result of storing an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SetOutcome {
    /// It was stored in these tiers.
    Stored {
        /// In the memory of this process.
        l1: bool,
        /// In the shared store.
        l2: bool,
    },
    /// It was not stored, on purpose.
    Skipped(SkipReason),
    /// The shared store did not take it; the memory of this process did if there is one.
    Degraded(DegradeReason),
}

impl SetOutcome {
    /// Whether a tier took the entry and none failed.
    #[must_use]
    pub fn is_stored(&self) -> bool {
        matches!(self, Self::Stored { .. })
    }
}

/// Why an entry was not stored on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SkipReason {
    /// It is larger than the limit; what was stored under the key is gone.
    TooLarge,
    /// It has expired already.
    Expired,
    /// It was invalidated while it was computed.
    Invalidated,
    /// Answers like it are not stored.
    Inadmissible,
    /// The cache keeps nothing.
    Disabled,
}

/// Why a store did not take an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DegradeReason {
    /// It cannot be reached.
    Unavailable,
    /// It did not answer in time.
    Timeout,
    /// It is out of memory.
    OutOfMemory,
    /// It refuses this user.
    Denied,
    /// It answered with an error.
    Failed,
}

impl DegradeReason {
    /// The name used in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::OutOfMemory => "out_of_memory",
            Self::Denied => "denied",
            Self::Failed => "failed",
        }
    }
}

/// What an invalidation did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InvalidationReport {
    /// Entries removed from the memory of this process.
    pub l1_removed: u64,
    /// Entries removed from the shared store; `None` if they are no longer served but still lie
    /// there until they expire.
    pub l2_removed: Option<u64>,
    /// How far it went.
    pub status: InvalidationStatus,
    /// How long it took.
    pub duration: Duration,
}

impl InvalidationReport {
    /// A report of an invalidation of memory alone.
    #[must_use]
    pub fn of_memory(l1_removed: u64, duration: Duration) -> Self {
        Self {
            l1_removed,
            l2_removed: Some(0),
            status: InvalidationStatus::Success,
            duration,
        }
    }

    /// A report of an invalidation of a shared store alone.
    #[must_use]
    pub fn of_store(
        l2_removed: Option<u64>,
        status: InvalidationStatus,
        duration: Duration,
    ) -> Self {
        Self {
            l1_removed: 0,
            l2_removed,
            status,
            duration,
        }
    }

    /// Entries removed, as far as they are counted. The tiers hold copies of the same entries, so
    /// one that was in both counts once.
    #[must_use]
    pub fn removed(&self) -> u64 {
        self.l1_removed.max(self.l2_removed.unwrap_or(0))
    }
}

/// How far an invalidation went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidationStatus {
    /// In every tier.
    Success,
    /// In this process; the shared store is told as soon as it can be reached.
    Partial,
    /// Nowhere.
    Failed,
}

/// Whether a cache works.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Health {
    /// Every tier answers.
    Healthy,
    /// It works without one of its tiers.
    Degraded {
        /// What is wrong.
        reason: String,
    },
    /// It answers nothing.
    Unhealthy {
        /// What is wrong.
        reason: String,
    },
}

/// Whether a process may compute an answer that others may be computing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum LockState {
    /// It may, and the others wait.
    Taken,
    /// Another does.
    Held,
    /// The store has no locks, or cannot be reached.
    Unsupported,
}
