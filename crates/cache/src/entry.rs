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
pub struct Entry(Arc<Content>);

/// What copies of an entry share, so that a store hands one out without copying it.
///
/// The times come first, because a read needs them, next to the count of copies.
#[derive(Clone, Debug, PartialEq, Eq)]
#[repr(C)]
struct Content {
    created: Timestamp,
    /// [`NEVER`] if it stays fresh.
    fresh_until: Timestamp,
    /// [`NEVER`] if it does not expire.
    expires: Timestamp,
    compute_ms: u32,
    negative: Option<u16>,
    value: Value,
    tags: Option<Arc<[Box<str>]>>,
}

/// A time that does not come.
const NEVER: Timestamp = Timestamp::from_millis(u64::MAX);

impl Entry {
    /// An entry that never expires. `created` is when the computation of the value started.
    #[must_use]
    pub fn new(value: Value, created: Timestamp) -> Self {
        Self(Arc::new(Content {
            created,
            fresh_until: NEVER,
            expires: NEVER,
            compute_ms: 0,
            negative: None,
            value,
            tags: None,
        }))
    }

    /// An entry that says: asking failed with this HTTP status, and will for a while.
    #[must_use]
    pub fn new_negative(status: u16, created: Timestamp) -> Self {
        let value = Value::new(Format::Json, status.to_string());
        Self::new(value, created).with(|content| content.negative = Some(status))
    }

    /// Copies what other copies share.
    fn with(mut self, change: impl FnOnce(&mut Content)) -> Self {
        change(Arc::make_mut(&mut self.0));
        self
    }

    /// The same entry at another time, with the same distances between its times.
    pub(crate) fn shifted(self, from: Timestamp, to: Timestamp) -> Self {
        if from == to {
            return self;
        }
        let (later, earlier) = (to.since(from), from.since(to));
        self.with(|content| {
            let Content {
                created,
                fresh_until,
                expires,
                ..
            } = content;
            for time in [created, fresh_until, expires] {
                if *time != NEVER {
                    *time = time.plus(later).minus(earlier);
                }
            }
        })
    }

    /// Expires this long after its creation, and is fresh until then.
    #[must_use]
    pub fn with_ttl(self, ttl: Duration) -> Self {
        let end = self.created().plus(ttl);
        self.with_expiry(Some(end), Some(end))
    }

    /// May be served this much longer than it is fresh; no effect on an entry that never expires.
    #[must_use]
    pub fn with_stale(self, stale: Duration) -> Self {
        let fresh = self.fresh_until();
        self.with_expiry(fresh, fresh.map(|fresh| fresh.plus(stale)))
    }

    /// Is fresh until the first time and is gone at the second; `None` is never.
    #[must_use]
    pub fn with_expiry(self, fresh: Option<Timestamp>, expires: Option<Timestamp>) -> Self {
        self.with(|content| {
            content.fresh_until = fresh.unwrap_or(NEVER);
            content.expires = expires.unwrap_or(NEVER);
        })
    }

    /// How long the value took to compute; kept in whole milliseconds, in frames up to 4.6 hours.
    #[must_use]
    pub fn with_compute(self, compute: Duration) -> Self {
        let milliseconds = u32::try_from(compute.as_millis()).unwrap_or(u32::MAX);
        self.with(|content| content.compute_ms = milliseconds)
    }

    /// Adds these tags; at most 255 of at most 255 bytes each are kept.
    #[must_use]
    pub fn with_tags<T: Into<String>>(self, tags: impl IntoIterator<Item = T>) -> Self {
        let old = self.tags().iter().cloned();
        let new = tags.into_iter().map(|tag| tag.into().into_boxed_str());
        let mut all: Vec<Box<str>> = old.chain(new).filter(|tag| tag.len() <= 255).collect();
        all.truncate(255);
        self.with(|content| content.tags = (!all.is_empty()).then(|| all.into()))
    }

    /// The value.
    #[must_use]
    pub fn value(&self) -> &Value {
        &self.0.value
    }

    /// When the computation of the value started.
    #[must_use]
    pub fn created(&self) -> Timestamp {
        self.0.created
    }

    /// From when on the value should be computed anew; `None` is never.
    #[must_use]
    pub fn fresh_until(&self) -> Option<Timestamp> {
        Some(self.0.fresh_until).filter(|time| *time != NEVER)
    }

    /// From when on the entry must not be served; `None` is never.
    #[must_use]
    pub fn expires(&self) -> Option<Timestamp> {
        Some(self.0.expires).filter(|time| *time != NEVER)
    }

    /// How long the value took to compute; zero if that is not known.
    #[must_use]
    pub fn compute(&self) -> Duration {
        Duration::from_millis(self.0.compute_ms.into())
    }

    /// The HTTP status of a failure that is remembered instead of an answer.
    #[must_use]
    pub fn negative(&self) -> Option<u16> {
        self.0.negative
    }

    /// The tags.
    #[must_use]
    pub fn tags(&self) -> &[Box<str>] {
        self.0.tags.as_deref().unwrap_or_default()
    }

    /// Whether it is as fresh, stale or expired now as it was or will be at any time nearer than
    /// `distance`.
    pub(crate) fn is_settled(&self, now: Timestamp, distance: Duration) -> bool {
        let is_far = |time: Timestamp| time.since(now).max(now.since(time)) >= distance;
        is_far(self.0.fresh_until) && is_far(self.0.expires)
    }

    /// Whether it must not be served at `now`.
    #[must_use]
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.0.expires != NEVER && now >= self.0.expires
    }
}
