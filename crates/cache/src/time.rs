//! Time and chance as parameters, so that tests decide both. Nothing else in the crate asks the
//! system for the time, sleeps or draws a random number, except for the nonces of encryption.

use std::fmt::Debug;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use futures_util::future::BoxFuture;

/// Where the current time comes from and how waiting is done.
pub trait Clock: Debug + Send + Sync + 'static {
    /// A point on a clock that never goes back.
    fn now(&self) -> Instant;

    /// The time since some moment on the same clock, read more cheaply and behind by some
    /// milliseconds, as clocks are that a kernel moves with each tick; `None` if there is none.
    /// Caches ask [`now`](Self::now) where a second more or less would matter.
    fn coarse_now(&self) -> Option<Duration> {
        None
    }

    /// The date and time of day, as processes that share a store agree on it.
    fn timestamp(&self) -> Timestamp;

    /// A future that is ready after `duration`.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;
}

/// The clock of the system; waiting is done by tokio.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Instant {
        Instant::now()
    }

    #[cfg(target_os = "linux")]
    fn coarse_now(&self) -> Option<Duration> {
        use rustix::time::{ClockId, clock_gettime};

        let time = clock_gettime(ClockId::MonotonicCoarse);
        Some(Duration::new(
            time.tv_sec.try_into().ok()?,
            time.tv_nsec.try_into().ok()?,
        ))
    }

    fn timestamp(&self) -> Timestamp {
        SystemTime::now().into()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// A point in time with millisecond precision, as frames carry it.
///
/// ```
/// use gimmal_cache::Timestamp;
/// use std::time::Duration;
///
/// let start = Timestamp::from_millis(1_700_000_000_000);
/// assert_eq!(start.plus(Duration::from_secs(2)).since(start), Duration::from_secs(2));
/// assert_eq!(start.since(start.plus(Duration::from_secs(2))), Duration::ZERO);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The time this many milliseconds after 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn from_millis(milliseconds: u64) -> Self {
        Self(milliseconds)
    }

    /// Milliseconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub const fn as_millis(self) -> u64 {
        self.0
    }

    /// The time `duration` later, at most the last one there is.
    #[must_use]
    pub fn plus(self, duration: Duration) -> Self {
        let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(milliseconds))
    }

    /// The time `duration` earlier, at least 1970.
    #[must_use]
    pub fn minus(self, duration: Duration) -> Self {
        let milliseconds = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_sub(milliseconds))
    }

    /// How long after `earlier` this is; zero if it is before.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        Self(0).plus(time.duration_since(UNIX_EPOCH).unwrap_or_default())
    }
}

/// Where randomness comes from: it spreads expiry and chooses who refreshes early.
pub trait Jitter: Debug + Send + Sync + 'static {
    /// A number from 0 up to, but not including, 1.
    fn fraction(&self) -> f64;
}

/// Randomness of the thread's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct ThreadRngJitter;

impl Jitter for ThreadRngJitter {
    fn fraction(&self) -> f64 {
        rand::random()
    }
}
