//! How a cache is read, and what its keeper does with it for that reason. Pure; it is told the time.

use std::time::{Duration, SystemTime};

use serde::Serialize;

use super::Lease;

/// A cache is not idle before so long has passed since its last read.
const LEAST_IDLE: Duration = Duration::from_secs(60);

/// How a cache was read so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct CacheReads {
    /// How often.
    pub count: u64,
    /// The first time.
    pub first: Option<SystemTime>,
    /// The last time.
    pub last: Option<SystemTime>,
    /// The longest time between two reads.
    pub longest_gap: Option<Duration>,
}

/// A live cache, and how it was read.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct KeptCache {
    /// The cache.
    pub lease: Lease,
    /// How it was read.
    pub reads: CacheReads,
}

/// What is to be done with a cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    Keep,
    Renew,
    Retire,
    Drop,
}

impl CacheReads {
    pub(super) fn read(&mut self, now: SystemTime) {
        if let Some(last) = self.last {
            let gap = now.duration_since(last).unwrap_or_default();
            self.longest_gap = self.longest_gap.max(Some(gap));
        }
        self.count += 1;
        self.first.get_or_insert(now);
        self.last = Some(now);
    }

    /// A cache of this life that has less than this left is renewed: less than `buffer`, or than
    /// one and a half times the longest wait for a read, but never than more than half of its life,
    /// or a new one would be renewed at once.
    pub(super) fn renewal_buffer(&self, buffer: Duration, life: Duration) -> Duration {
        let wait = self.longest_gap.unwrap_or_default();
        buffer.max(wait.mul_f64(1.5)).min(life / 2)
    }
}

impl KeptCache {
    /// What to do with it when nobody reads it just now. `worth_keeping` is the longest wait for a
    /// read for which keeping it costs less than sending its prefix once; `None` when no price is
    /// known.
    pub(super) fn fate(
        &self,
        now: SystemTime,
        buffer: Duration,
        worth_keeping: Option<Duration>,
    ) -> Fate {
        if !self.lease.is_usable(now) {
            return Fate::Drop;
        }
        let since = self.reads.last.unwrap_or(self.lease.created_at);
        let idle = now.duration_since(since).unwrap_or_default();
        let wait = self.reads.longest_gap.unwrap_or_default();
        let is_idle = idle > LEAST_IDLE.max(wait.saturating_mul(3));
        let pays = |time| worth_keeping.is_none_or(|most| time <= most);
        if is_idle && !pays(idle) {
            return Fate::Retire;
        }
        let is_due = self.lease.remaining(now) < self.reads.renewal_buffer(buffer, self.lease.ttl);
        if is_due && !is_idle && pays(wait) {
            return Fate::Renew;
        }
        Fate::Keep
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUFFER: Duration = Duration::from_secs(300);
    const WORTH: Option<Duration> = Some(Duration::from_secs(972));

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    /// A cache of an hour, read at these times.
    fn cache(reads: &[u64]) -> KeptCache {
        let lease = Lease {
            name: "cachedContents/c".to_owned(),
            key: serde_json::from_value("0".repeat(64).into()).unwrap(),
            model: "models/m".to_owned(),
            tokens: 10_000,
            ttl: Duration::from_secs(3600),
            created_at: at(0),
            expires_at: at(3600),
            files_end: None,
            labels: Vec::new(),
        };
        let mut cache = KeptCache {
            lease,
            reads: CacheReads::default(),
        };
        for seconds in reads {
            cache.reads.read(at(*seconds));
        }
        cache
    }

    #[test]
    fn a_cache_that_is_idle_for_longer_than_pays_is_retired() {
        let fate = |reads: &[u64], now| cache(reads).fate(at(now), BUFFER, WORTH);
        assert_eq!(fate(&[], 972), Fate::Keep);
        assert_eq!(fate(&[], 973), Fate::Retire);
        assert_eq!(fate(&[10, 20], 992), Fate::Keep);
        assert_eq!(fate(&[10, 20], 993), Fate::Retire);
        // Readers that come every ten minutes are waited for three times as long.
        assert_eq!(fate(&[0, 600], 2400), Fate::Keep);
        assert_eq!(fate(&[0, 600], 2401), Fate::Retire);
        // Without prices nothing is known to be a waste.
        assert_eq!(cache(&[]).fate(at(3000), BUFFER, None), Fate::Keep);
    }

    #[test]
    fn a_cache_that_is_read_is_renewed_before_it_expires() {
        let busy: Vec<u64> = (0..=3400).step_by(100).collect();
        let fate = |now| cache(&busy).fate(at(now), BUFFER, WORTH);
        assert_eq!(fate(3410), Fate::Renew);
        assert_eq!(cache(&busy[..20]).fate(at(1950), BUFFER, WORTH), Fate::Keep);
        assert_eq!(fate(3590), Fate::Drop);
        // With 400 s between reads it is renewed 600 s ahead.
        let slow: Vec<u64> = (0..=2800).step_by(400).collect();
        assert_eq!(cache(&slow).fate(at(3001), BUFFER, WORTH), Fate::Renew);
        assert_eq!(cache(&slow).fate(at(2999), BUFFER, WORTH), Fate::Keep);
        // Keeping it for readers that come so seldom costs more than it saves.
        assert_eq!(
            cache(&[0, 1000, 3400]).fate(at(3410), BUFFER, WORTH),
            Fate::Keep
        );
    }
}
