//! What a call through the cache gives.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::lookup::{Hit, MissReason, NegativeHit, Tier};
use crate::value::Value;

/// An answer, and where it is from.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Answer {
    /// The answer.
    pub value: Value,
    /// Where it is from.
    pub provenance: Provenance,
    /// Time since its computation started; zero if it was computed for this call.
    pub age: Duration,
    /// Cosine similarity to the request that was answered, for hits of the semantic tier.
    pub similarity: Option<f32>,
}

impl Answer {
    /// The answer, read from JSON.
    ///
    /// # Errors
    ///
    /// If it is not JSON of this type.
    pub fn parse<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        self.value.parse()
    }

    /// Whether the service was spared a call.
    #[must_use]
    pub fn is_cached(&self) -> bool {
        matches!(self.provenance, Provenance::Hit(_) | Provenance::Stale(_))
    }

    pub(super) fn computed(value: Value, provenance: Provenance) -> Self {
        Self {
            value,
            provenance,
            age: Duration::ZERO,
            similarity: None,
        }
    }

    pub(super) fn joined(mut self) -> Self {
        if self.provenance == Provenance::Fresh {
            self.provenance = Provenance::Joined;
        }
        self
    }
}

impl From<Hit> for Answer {
    fn from(hit: Hit) -> Self {
        Self {
            value: hit.value().clone(),
            provenance: if hit.stale {
                Provenance::Stale(hit.tier)
            } else {
                Provenance::Hit(hit.tier)
            },
            age: hit.age,
            similarity: hit.similarity,
        }
    }
}

/// Where an answer is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Provenance {
    /// It was computed for this call.
    Fresh,
    /// It was in the cache.
    Hit(Tier),
    /// It was in the cache, is past its freshness, and is being computed anew.
    Stale(Tier),
    /// It was being computed for another call already.
    Joined,
    /// It was computed without asking the cache.
    Bypassed,
}

/// Why a call has no answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum CallError<E> {
    /// The computation failed; those who waited for the same one share the error.
    Computation(Arc<E>),
    /// It failed a while ago, and is not tried again yet.
    Remembered(NegativeHit),
    /// The computation panicked, or the runtime ended.
    Panicked,
    /// The call was to use the cache alone.
    NotCached(MissReason),
}

impl<E> CallError<E> {
    /// The error of the computation, if there was one.
    #[must_use]
    pub fn computation(&self) -> Option<&E> {
        match self {
            Self::Computation(error) => Some(error),
            _ => None,
        }
    }
}

impl<E> Clone for CallError<E> {
    fn clone(&self) -> Self {
        match self {
            Self::Computation(error) => Self::Computation(error.clone()),
            Self::Remembered(found) => Self::Remembered(*found),
            Self::Panicked => Self::Panicked,
            Self::NotCached(reason) => Self::NotCached(*reason),
        }
    }
}

impl<E: fmt::Display> fmt::Display for CallError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Computation(error) => error.fmt(f),
            Self::Remembered(found) => {
                let (status, age) = (found.status, found.age.as_secs());
                write!(
                    f,
                    "failed with status {status} {age} s ago, not tried again yet"
                )
            }
            Self::Panicked => f.write_str("the computation of the answer panicked"),
            Self::NotCached(reason) => {
                write!(
                    f,
                    "no cached answer, and none was to be computed: {}",
                    reason.as_str()
                )
            }
        }
    }
}

impl<E: std::error::Error + 'static> std::error::Error for CallError<E> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Computation(error) => error.source(),
            _ => None,
        }
    }
}

/// Calls through a front end since it was made, by what became of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CallStats {
    /// Answered from the cache while fresh.
    pub hits: u64,
    /// Answered from the cache past freshness.
    pub stale: u64,
    /// Answered by a failure that is remembered.
    pub negative: u64,
    /// Answered by what another call was computing.
    pub joined: u64,
    /// Computations for a call that waited.
    pub computed: u64,
    /// Computations in the background, of answers that were or soon would be stale.
    pub refreshed: u64,
    /// Calls that did not ask the cache.
    pub bypassed: u64,
    /// Calls that did not ask the cache because they named no namespace.
    pub without_namespace: u64,
    /// Computations that failed or panicked.
    pub failed: u64,
    /// Answers computed but not stored.
    pub not_stored: u64,
}
