//! What one call may ask of the cache.

use std::time::Duration;

use crate::lookup::{Lookup, MissReason, Tier};
use crate::ttl::Lifetime;

/// Options of one call.
///
/// ```
/// use gimmal_cache::CallOptions;
/// use std::time::Duration;
///
/// let recent = CallOptions::new().with_max_age(Duration::from_secs(60));
/// let anew = CallOptions::new().without_read();
/// # drop((recent, anew));
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct CallOptions {
    pub(super) no_read: bool,
    pub(super) no_write: bool,
    pub(super) opt_in: bool,
    pub(super) only_if_cached: bool,
    pub(super) exact_only: bool,
    pub(super) max_age: Option<Duration>,
    pub(super) lifetime: Lifetime,
    pub(super) stale: Option<Duration>,
    pub(super) tags: Vec<String>,
}

impl CallOptions {
    /// The defaults: read, and write what is computed.
    pub fn new() -> Self {
        Self::default()
    }

    /// Does not read (`no-cache`): computes, and stores the result for others.
    pub fn without_read(mut self) -> Self {
        self.no_read = true;
        self
    }

    /// Does not write (`no-store`): reads, and keeps what it computes to itself.
    pub fn without_write(mut self) -> Self {
        self.no_write = true;
        self
    }

    /// Neither reads nor writes.
    pub fn bypass(self) -> Self {
        self.without_read().without_write()
    }

    /// Uses the cache although the front end does so on request only.
    pub fn opt_in(mut self) -> Self {
        self.opt_in = true;
        self
    }

    /// Computes nothing: what is not in the cache is an error.
    pub fn only_if_cached(mut self) -> Self {
        self.only_if_cached = true;
        self
    }

    /// Takes no answer to a request that merely means the same.
    pub fn exact_only(mut self) -> Self {
        self.exact_only = true;
        self
    }

    /// Takes no answer whose computation started longer ago than this.
    pub fn with_max_age(mut self, max_age: Duration) -> Self {
        self.max_age = Some(max_age);
        self
    }

    /// How long the answer lives if it is computed now.
    pub fn with_lifetime(mut self, lifetime: Lifetime) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// How long past its freshness the answer may be served while it is computed anew.
    pub fn with_stale(mut self, stale: Duration) -> Self {
        self.stale = Some(stale);
        self
    }

    /// A tag for the answer if it is computed now.
    pub fn with_tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// What was read, as far as this call accepts it.
    pub(super) fn judge(&self, lookup: Lookup) -> Lookup {
        let age = match &lookup {
            Lookup::Hit(hit) if self.exact_only && hit.tier == Tier::Semantic => {
                return Lookup::Miss(MissReason::NotFound);
            }
            Lookup::Hit(hit) => hit.age,
            Lookup::Negative(found) => found.age,
            Lookup::Miss(_) => return lookup,
        };
        match self.max_age {
            Some(max_age) if age > max_age => Lookup::Miss(MissReason::TooOld),
            _ => lookup,
        }
    }
}
