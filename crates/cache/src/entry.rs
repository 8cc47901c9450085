//! A value with its times, as stores keep it. Times are absolute, so an entry means the same in
//! every tier and process. It decides nothing: lifetimes are chosen before it is made.

use std::sync::Arc;
use std::time::Duration;

use crate::time::Timestamp;
use crate::value::{Format, Value};

/// What a store keeps under a key.
///
/// ```
/// use gimmal_cache::{Entry, Timestamp, Value};
/// use std::time::Duration;
///
/// let now = Timestamp::from_millis(1_700_000_000_000);
/// let entry = Entry::new(Value::bytes("answer"), now)
///     .with_ttl(Duration::from_secs(60))
///     .with_stale(Duration::from_secs(6));
/// assert_eq!(entry.fresh_until(), Some(now.plus(Duration::from_secs(60))));
/// assert_eq!(entry.expires(), Some(now.plus(Duration::from_secs(66))));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    value: Value,
    created: Timestamp,
    fresh_until: Option<Timestamp>,
    expires: Option<Timestamp>,
    compute: Duration,
    negative: Option<u16>,
    tags: Tags,
}

/// Names that entries of different operations may share, to be invalidated together.
pub(crate) type Tags = Option<Arc<[Box<str>]>>;

impl Entry {
    /// An entry that never expires. `created` is when the computation of the value started.
    #[must_use]
    pub fn new(value: Value, created: Timestamp) -> Self {
        Self {
            value,
            created,
            fresh_until: None,
            expires: None,
            compute: Duration::ZERO,
            negative: None,
            tags: None,
        }
    }

    /// An entry that says: asking failed with this HTTP status, and will for a while.
    #[must_use]
    pub fn new_negative(status: u16, created: Timestamp) -> Self {
        let mut entry = Self::new(Value::new(Format::Json, status.to_string()), created);
        entry.negative = Some(status);
        entry
    }

    /// The entry of these parts; it never expires.
    pub(crate) fn from_parts(
        value: Value,
        created: Timestamp,
        negative: Option<u16>,
        tags: Tags,
    ) -> Self {
        let mut entry = Self::new(value, created);
        (entry.negative, entry.tags) = (negative, tags);
        entry
    }

    pub(crate) fn shared_tags(&self) -> Tags {
        self.tags.clone()
    }

    /// The same entry at another time, with the same distances between its times.
    pub(crate) fn shifted(mut self, from: Timestamp, to: Timestamp) -> Self {
        let (later, earlier) = (to.since(from), from.since(to));
        let times = [self.fresh_until.as_mut(), self.expires.as_mut()];
        for time in times.into_iter().flatten().chain([&mut self.created]) {
            *time = time.plus(later).minus(earlier);
        }
        self
    }

    /// Expires this long after its creation, and is fresh until then.
    #[must_use]
    pub fn with_ttl(self, ttl: Duration) -> Self {
        let end = self.created.plus(ttl);
        self.with_expiry(Some(end), Some(end))
    }

    /// May be served this much longer than it is fresh; no effect on an entry that never expires.
    #[must_use]
    pub fn with_stale(self, stale: Duration) -> Self {
        let fresh = self.fresh_until;
        self.with_expiry(fresh, fresh.map(|fresh| fresh.plus(stale)))
    }

    /// Is fresh until the first time and is gone at the second; `None` is never.
    #[must_use]
    pub fn with_expiry(mut self, fresh: Option<Timestamp>, expires: Option<Timestamp>) -> Self {
        self.fresh_until = fresh;
        self.expires = expires;
        self
    }

    /// How long the value took to compute; kept in whole milliseconds, up to 4.6 hours.
    #[must_use]
    pub fn with_compute(mut self, compute: Duration) -> Self {
        self.compute = compute;
        self
    }

    /// Adds these tags; at most 255 of at most 255 bytes each are kept.
    #[must_use]
    pub fn with_tags<T: Into<String>>(mut self, tags: impl IntoIterator<Item = T>) -> Self {
        let old = self.tags().iter().cloned();
        let new = tags.into_iter().map(|tag| tag.into().into_boxed_str());
        let mut all: Vec<Box<str>> = old.chain(new).filter(|tag| tag.len() <= 255).collect();
        all.truncate(255);
        self.tags = (!all.is_empty()).then(|| all.into());
        self
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// When the computation of the value started.
    #[must_use]
    pub fn created(&self) -> Timestamp {
        self.created
    }

    /// From when on the value should be computed anew; `None` is never.
    #[must_use]
    pub fn fresh_until(&self) -> Option<Timestamp> {
        self.fresh_until
    }

    /// From when on the entry must not be served; `None` is never.
    #[must_use]
    pub fn expires(&self) -> Option<Timestamp> {
        self.expires
    }

    /// How long the value took to compute; zero if that is not known.
    #[must_use]
    pub fn compute(&self) -> Duration {
        self.compute
    }

    /// The HTTP status of a failure that is remembered instead of an answer.
    #[must_use]
    pub fn negative(&self) -> Option<u16> {
        self.negative
    }

    /// The tags.
    #[must_use]
    pub fn tags(&self) -> &[Box<str>] {
        self.tags.as_deref().unwrap_or_default()
    }

    /// Whether it must not be served at `now`.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires.is_some_and(|expires| now >= expires)
    }
}
