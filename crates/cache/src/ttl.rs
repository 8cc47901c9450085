//! How long answers live, as data.
//!
//! The table knows operations and times. It reads no clock and stores nothing.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

/// A time to live between one second and 365 days.
///
/// ```
/// use gimmal_cache::Ttl;
/// use std::time::Duration;
///
/// assert_eq!(Ttl::new(Duration::from_secs(60))?.as_duration(), Duration::from_secs(60));
/// assert!(Ttl::new(Duration::ZERO).is_err());
/// # Ok::<(), gimmal_cache::InvalidTtl>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ttl(Duration);

impl Ttl {
    /// The shortest time to live.
    pub const MIN: Self = Self(Duration::from_secs(1));
    /// The longest time to live.
    pub const MAX: Self = Self(Duration::from_secs(31_536_000));

    /// A time to live, if it lies between [`Ttl::MIN`] and [`Ttl::MAX`].
    pub fn new(duration: Duration) -> Result<Self, InvalidTtl> {
        if (Self::MIN.0..=Self::MAX.0).contains(&duration) {
            Ok(Self(duration))
        } else {
            Err(InvalidTtl { duration })
        }
    }

    /// The time as a duration.
    #[must_use]
    pub fn as_duration(self) -> Duration {
        self.0
    }
}

/// A duration that is no time to live.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidTtl {
    duration: Duration,
}

impl InvalidTtl {
    /// The duration that was refused.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.duration
    }
}

impl fmt::Display for InvalidTtl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "ttl of {:?} is out of range: choose between {:?} and {:?}, or Lifetime::NoExpiry",
            self.duration,
            Ttl::MIN.0,
            Ttl::MAX.0
        )
    }
}

impl std::error::Error for InvalidTtl {}

/// What the caller wants for one entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lifetime {
    /// What the table says for the operation.
    #[default]
    OfOperation,
    /// This time, whatever the table says.
    After(Ttl),
    /// Until it is evicted or deleted.
    NoExpiry,
}

/// Times per operation, and one for all others.
///
/// ```
/// use gimmal_cache::{Lifetime, Ttl, TtlTable};
/// use std::time::Duration;
///
/// let table = TtlTable::default().with_operation("translate", Ttl::MAX);
/// assert_eq!(table.resolve("translate", Lifetime::OfOperation), Some(Ttl::MAX));
/// assert_eq!(table.resolve("translate", Lifetime::After(Ttl::MIN)), Some(Ttl::MIN));
/// assert_eq!(table.resolve("translate", Lifetime::NoExpiry), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct TtlTable {
    operations: BTreeMap<String, Ttl>,
    other: Ttl,
}

/// The default table, in seconds.
const DEFAULTS: [(&str, u64); 5] = [
    ("key_points", 7_200),
    ("qa", 1_800),
    ("questions", 3_600),
    ("sentiment", 86_400),
    ("summarize", 7_200),
];

/// The default for operations the table does not name, in seconds.
const OTHER_SECONDS: u64 = 3_600;

impl TtlTable {
    /// A table that knows no operation and gives all of them this time.
    pub fn new(other: Ttl) -> Self {
        Self {
            operations: BTreeMap::new(),
            other,
        }
    }

    /// Sets the time of one operation.
    pub fn with_operation(mut self, operation: impl Into<String>, ttl: Ttl) -> Self {
        self.operations.insert(operation.into(), ttl);
        self
    }

    /// Sets the time of operations the table does not name.
    pub fn with_other(mut self, ttl: Ttl) -> Self {
        self.other = ttl;
        self
    }

    /// The time of an operation. Names are compared exactly.
    #[must_use]
    pub fn of_operation(&self, operation: &str) -> Ttl {
        self.operations
            .get(operation)
            .copied()
            .unwrap_or(self.other)
    }

    /// The time of one entry; `None` means that it does not expire.
    #[must_use]
    pub fn resolve(&self, operation: &str, lifetime: Lifetime) -> Option<Ttl> {
        match lifetime {
            Lifetime::OfOperation => Some(self.of_operation(operation)),
            Lifetime::After(ttl) => Some(ttl),
            Lifetime::NoExpiry => None,
        }
    }
}

impl Default for TtlTable {
    fn default() -> Self {
        let ttl = |seconds| Ttl(Duration::from_secs(seconds));
        DEFAULTS.iter().fold(
            Self::new(ttl(OTHER_SECONDS)),
            |table, (operation, seconds)| table.with_operation(*operation, ttl(*seconds)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_per_operation() {
        let table = TtlTable::default();
        for (operation, seconds) in [
            ("summarize", 7_200),
            ("sentiment", 86_400),
            ("key_points", 7_200),
            ("questions", 3_600),
            ("qa", 1_800),
            ("foo", 3_600),
            ("qa_long", 3_600),
            ("QA", 3_600),
        ] {
            let ttl = table.resolve(operation, Lifetime::default());
            assert_eq!(
                ttl.map(Ttl::as_duration),
                Some(Duration::from_secs(seconds)),
                "{operation}"
            );
        }
    }

    #[test]
    fn every_default_is_a_valid_ttl() {
        for (_, seconds) in DEFAULTS {
            assert!(Ttl::new(Duration::from_secs(seconds)).is_ok());
        }
        assert!(Ttl::new(Duration::from_secs(OTHER_SECONDS)).is_ok());
    }

    #[test]
    fn the_bounds_are_inclusive() {
        let nano = Duration::from_nanos(1);
        assert_eq!(Ttl::new(Ttl::MIN.0), Ok(Ttl::MIN));
        assert_eq!(Ttl::new(Ttl::MAX.0), Ok(Ttl::MAX));
        assert!(Ttl::new(Ttl::MIN.0 - nano).is_err());
        let error = Ttl::new(Ttl::MAX.0 + nano).unwrap_err();
        assert_eq!(error.duration(), Ttl::MAX.0 + nano);
    }

    #[test]
    fn the_error_names_the_fix() {
        let text = Ttl::new(Duration::ZERO).unwrap_err().to_string();
        assert_eq!(
            text,
            "ttl of 0ns is out of range: choose between 1s and 31536000s, or Lifetime::NoExpiry"
        );
    }
}
