//! What reading the cache may say. There is no error: whatever goes wrong is a miss with a reason.

use std::time::Duration;

use crate::entry::Entry;
use crate::time::Timestamp;
use crate::value::Value;

/// The result of reading a key.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Lookup {
    /// There is an answer.
    Hit(Hit),
    /// It is remembered that asking fails.
    Negative(NegativeHit),
    /// There is no answer.
    Miss(MissReason),
}

impl Lookup {
    /// What an entry that was found says at `now`.
    #[must_use]
    pub fn found(entry: Entry, tier: Tier, now: Timestamp) -> Self {
        if entry.is_expired(now) {
            return Self::Miss(MissReason::Expired);
        }
        let age = now.since(entry.created());
        let remaining = entry.expires().map(|expires| expires.since(now));
        match entry.negative() {
            Some(status) => Self::Negative(NegativeHit {
                status,
                age,
                remaining,
            }),
            None => Self::Hit(Hit {
                stale: entry.fresh_until().is_some_and(|fresh| now >= fresh),
                entry,
                tier,
                age,
                remaining,
                similarity: None,
            }),
        }
    }

    /// The hit, if it is one.
    #[must_use]
    pub fn into_hit(self) -> Option<Hit> {
        match self {
            Self::Hit(hit) => Some(hit),
            _ => None,
        }
    }

    /// Whether there is an answer.
    #[must_use]
    pub fn is_hit(&self) -> bool {
        matches!(self, Self::Hit(_))
    }

    /// Why there is no answer, if there is none.
    #[must_use]
    pub fn miss_reason(&self) -> Option<MissReason> {
        match self {
            Self::Miss(reason) => Some(*reason),
            _ => None,
        }
    }
}

/// An answer from the cache.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Hit {
    /// What was stored.
    pub entry: Entry,
    /// Where it was found.
    pub tier: Tier,
    /// Time since its computation started; from memory it may lack a few
    /// milliseconds.
    pub age: Duration,
    /// Time until it expires; `None` if it never does. As exact as the age.
    pub remaining: Option<Duration>,
    /// Whether it is past its freshness and should be computed anew.
    pub stale: bool,
    /// Cosine similarity to the request that was answered, for hits of the semantic tier.
    pub similarity: Option<f32>,
}

impl Hit {
    /// The answer.
    #[must_use]
    pub fn value(&self) -> &Value {
        self.entry.value()
    }
}

/// A failure that is remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NegativeHit {
    /// The HTTP status that the service answered.
    pub status: u16,
    /// Time since it was asked.
    pub age: Duration,
    /// Time until it is asked again; `None` if it is remembered for good.
    pub remaining: Option<Duration>,
}

/// Where an answer was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Tier {
    /// The memory of this process.
    L1,
    /// A store shared by processes.
    L2,
    /// The answer to a request that means the same.
    Semantic,
}

impl Tier {
    /// The name used in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::L1 => "l1",
            Self::L2 => "l2",
            Self::Semantic => "semantic",
        }
    }
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum MissReason {
    /// Nothing is stored under the key.
    NotFound,
    /// It has expired.
    Expired,
    /// It was invalidated.
    Invalidated,
    /// What is stored cannot be trusted; it was removed.
    Corrupt,
    /// What is stored belongs to another key; it was removed.
    KeyMismatch,
    /// A newer version of this crate wrote it; it was left alone.
    UnknownVersion,
    /// The store cannot be reached.
    Unavailable,
    /// The store did not answer in time.
    Timeout,
    /// The cache was not asked.
    Bypassed,
    /// It is older than the caller accepts.
    TooOld,
}

impl MissReason {
    /// The name used in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Expired => "expired",
            Self::Invalidated => "invalidated",
            Self::Corrupt => "corrupt",
            Self::KeyMismatch => "key_mismatch",
            Self::UnknownVersion => "unknown_version",
            Self::Unavailable => "unavailable",
            Self::Timeout => "timeout",
            Self::Bypassed => "bypassed",
            Self::TooOld => "too_old",
        }
    }
}

/// How much longer a key will be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TtlState {
    /// There is nothing under the key.
    Missing,
    /// It never expires.
    NoExpiry,
    /// It expires after this time.
    Remaining(Duration),
}
