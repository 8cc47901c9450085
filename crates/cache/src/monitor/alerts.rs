//! When numbers are a reason to look.

use std::time::Duration;

use serde::Serialize;

/// How far a number has gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum AlertLevel {
    /// All is well.
    #[default]
    Normal,
    /// Worth a look.
    Warning,
    /// Worth a look now.
    Critical,
}

/// The numbers from which on there is an alert.
///
/// ```
/// use gimmal_cache::{AlertLevel, Thresholds};
///
/// let thresholds = Thresholds::default();
/// assert_eq!(thresholds.of_bytes(50 << 20), AlertLevel::Warning);
/// assert_eq!(thresholds.of_invalidations(100), AlertLevel::Critical);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub struct Thresholds {
    /// A key that took longer to make is slow.
    pub(super) slow_key: Duration,
    /// An operation of the cache that took longer is slow.
    pub(super) slow_operation: Duration,
    pub(super) bytes: (u64, u64),
    pub(super) invalidations: (u64, u64),
}

impl Default for Thresholds {
    /// Slow: keys above 100 ms, operations above 50 ms. Memory: 50 and 100 MiB. Invalidations in an
    /// hour: 50 and 100.
    fn default() -> Self {
        Self {
            slow_key: Duration::from_millis(100),
            slow_operation: Duration::from_millis(50),
            bytes: (50 << 20, 100 << 20),
            invalidations: (50, 100),
        }
    }
}

impl Thresholds {
    /// Bytes of the entries from which on there is a warning, and a critical alert.
    pub fn with_bytes(mut self, warning: u64, critical: u64) -> Self {
        self.bytes = (warning, critical);
        self
    }

    /// Invalidations in the time kept from which on there is a warning, and a critical alert.
    pub fn with_invalidations(mut self, warning: u64, critical: u64) -> Self {
        self.invalidations = (warning, critical);
        self
    }

    /// Durations above which making a key and an operation of the cache are slow.
    pub fn with_slow(mut self, key: Duration, operation: Duration) -> Self {
        (self.slow_key, self.slow_operation) = (key, operation);
        self
    }

    /// The alert for this many bytes.
    #[must_use]
    pub fn of_bytes(&self, bytes: u64) -> AlertLevel {
        level(bytes, self.bytes)
    }

    /// The alert for this many invalidations.
    #[must_use]
    pub fn of_invalidations(&self, count: u64) -> AlertLevel {
        level(count, self.invalidations)
    }
}

fn level(value: u64, (warning, critical): (u64, u64)) -> AlertLevel {
    if value >= critical {
        AlertLevel::Critical
    } else if value >= warning {
        AlertLevel::Warning
    } else {
        AlertLevel::Normal
    }
}
