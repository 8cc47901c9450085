//! What a computation gives: an answer with what the cache should know about it, or a failure.

use serde::Serialize;

use crate::ttl::Lifetime;
use crate::value::Value;

/// An answer that was computed.
///
/// ```
/// use gimmal_cache::Fresh;
///
/// let fresh = Fresh::json(&"The report says …")?.with_tag("report-7");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Fresh {
    pub(super) value: Value,
    pub(super) is_degraded: bool,
    pub(super) lifetime: Option<Lifetime>,
    pub(super) tags: Vec<String>,
}

impl Fresh {
    /// An answer of this value.
    pub fn new(value: Value) -> Self {
        Self {
            value,
            is_degraded: false,
            lifetime: None,
            tags: Vec::new(),
        }
    }

    /// An answer that is written as JSON.
    ///
    /// # Errors
    ///
    /// If `content` cannot be written as JSON.
    pub fn json<T: Serialize + ?Sized>(content: &T) -> serde_json::Result<Self> {
        Value::json(content).map(Self::new)
    }

    /// Marks a placeholder, such as "try again later": callers get it, the cache does not.
    pub fn degraded(mut self) -> Self {
        self.is_degraded = true;
        self
    }

    /// Lives this long, whatever was said before the computation.
    pub fn with_lifetime(mut self, lifetime: Lifetime) -> Self {
        self.lifetime = Some(lifetime);
        self
    }

    /// Can be invalidated by this tag; see [`Selector::Tag`](crate::Selector::Tag).
    pub fn with_tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(tag.into());
        self
    }
}

impl From<Value> for Fresh {
    fn from(value: Value) -> Self {
        Self::new(value)
    }
}

/// A computation that failed, with what the cache should know about it.
///
/// Any error becomes a `Failure` by `?`; it is then not remembered.
///
/// ```
/// use gimmal_cache::Failure;
///
/// let failure = Failure::new("no such model").with_status(404);
/// # drop(failure);
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Failure<E> {
    pub(super) error: E,
    pub(super) status: Option<u16>,
}

impl<E> Failure<E> {
    /// The status under which blocked content is remembered; no service answers it.
    pub const BLOCKED: u16 = 0;

    /// A failure that is not remembered.
    pub fn new(error: E) -> Self {
        Self {
            error,
            status: None,
        }
    }

    /// The HTTP status that the service answered. Whether and how long a status is remembered is
    /// set at the front end: 400 and 404 for 30 seconds if not told otherwise.
    pub fn with_status(mut self, status: u16) -> Self {
        self.status = Some(status);
        self
    }

    /// The service refused the content; that is remembered for a minute.
    pub fn blocked(self) -> Self {
        self.with_status(Self::BLOCKED)
    }
}

impl<E> From<E> for Failure<E> {
    fn from(error: E) -> Self {
        Self::new(error)
    }
}
