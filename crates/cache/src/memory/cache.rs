//! Shards behind locks, and the time they go by. No lock is held while something is awaited.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::shard::Shard;
use crate::cache::ResponseCache;
use crate::entry::Entry;
use crate::key::CacheKey;
use crate::lock;
use crate::lookup::{Lookup, MissReason, Tier, TtlState};
use crate::outcome::{Health, InvalidationReport, SetOutcome, SkipReason};
use crate::recent::Recent;
use crate::selector::Selector;
use crate::stats::{CacheStats, Evictions, TierStats};
use crate::time::{Clock, SystemClock, Timestamp};

/// Entries up to which one shard is enough; one shard evicts in the exact order of last use.
const ONE_SHARD_ENTRIES: usize = 10_000;

/// A coarse clock is not asked about what is nearer than this. It is behind by a tick of a few
/// milliseconds, or for as long as the host of a virtual machine lets it stand still.
const COARSE: Duration = Duration::from_secs(1);

/// Slots looked at before an invalidation lets others have the shard.
const CHUNK: usize = 4_096;

/// A cache in memory, limited by entries and bytes, that evicts what was used least recently.
///
/// Every operation but [`invalidate`](ResponseCache::invalidate) takes the same time whatever the
/// number of entries. Up to 10,000 entries the order of eviction is exact; above, it is exact within
/// each of several shards. Cloning gives another handle to the same cache.
///
/// ```
/// use gimmal_cache::MemoryCache;
///
/// let cache = MemoryCache::builder()
///     .with_max_entries(100_000)
///     .with_max_bytes(64 << 20)
///     .build();
/// assert!(cache.is_empty());
/// ```
#[derive(Clone, Debug)]
pub struct MemoryCache(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    shards: Box<[Mutex<Shard>]>,
    max_value_bytes: usize,
    recent: Recent,
    clock: Arc<dyn Clock>,
    /// Times are counted from here on a clock that never goes back.
    start: (Instant, Timestamp),
    /// The same moment on the coarse clock, if there is one.
    coarse_start: Option<Duration>,
}

impl MemoryCache {
    /// A cache of at most this many entries (at least one).
    #[must_use]
    pub fn new(max_entries: usize) -> Self {
        Self::builder().with_max_entries(max_entries).build()
    }

    /// A cache with settings of its own.
    pub fn builder() -> MemoryCacheBuilder {
        MemoryCacheBuilder::default()
    }

    /// Entries stored; expired ones count until they are removed.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards().map(|shard| lock(shard).len()).sum()
    }

    /// Whether nothing is stored.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of all entries: payload, key and overhead.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.shards().map(|shard| lock(shard).bytes()).sum()
    }

    /// Removes every entry; the counters stay.
    pub fn clear(&self) -> u64 {
        self.shards().map(|shard| lock(shard).clear()).sum()
    }

    /// Removes every expired entry. Each write removes up to 16, so this is needed only where an
    /// idle cache should give its memory back.
    pub fn run_maintenance(&self) -> usize {
        let now = self.now();
        let sweep = |shard: &Mutex<Shard>| lock(shard).sweep(now, usize::MAX);
        self.shards().map(sweep).sum()
    }

    fn shards(&self) -> impl Iterator<Item = &Mutex<Shard>> {
        self.0.shards.iter()
    }

    fn shard(&self, key: &CacheKey) -> &Mutex<Shard> {
        let shards = &self.0.shards;
        &shards[usize::from(key.digest()[31]) & (shards.len() - 1)]
    }

    /// The time on a clock that never goes back.
    fn now(&self) -> Timestamp {
        let (instant, timestamp) = self.0.start;
        timestamp.plus(self.0.clock.now().saturating_duration_since(instant))
    }

    /// The time as exactly as it matters for an entry: a coarse one unless it is about to change.
    fn now_for(&self, entry: &Entry) -> Timestamp {
        let Some(coarse_start) = self.0.coarse_start else {
            return self.now();
        };
        let passed = self.0.clock.coarse_now().unwrap_or_default();
        let coarse = self.0.start.1.plus(passed.saturating_sub(coarse_start));
        if entry.is_settled(coarse, COARSE) {
            coarse
        } else {
            self.now()
        }
    }

    fn store(&self, key: &CacheKey, entry: Entry) -> SetOutcome {
        let now = self.now();
        // The clock on the wall may have been set since the start.
        let entry = entry.shifted(self.0.clock.timestamp(), now);
        let refuse = |reason| {
            lock(self.shard(key)).delete(key, now);
            SetOutcome::Skipped(reason)
        };
        if entry.value().as_bytes().len() > self.0.max_value_bytes {
            return refuse(SkipReason::TooLarge);
        }
        if entry.is_expired(now) {
            return refuse(SkipReason::Expired);
        }
        let mut shard = lock(self.shard(key));
        // Asked under the lock: an invalidation notes itself before it goes through the shards.
        let begun = entry.created().as_millis();
        if self.0.recent.covers(key, entry.tags(), begun) {
            return SetOutcome::Skipped(SkipReason::Invalidated);
        }
        if shard.set(key, entry, now) {
            SetOutcome::Stored {
                l1: true,
                l2: false,
            }
        } else {
            SetOutcome::Skipped(SkipReason::TooLarge)
        }
    }

    fn remove(&self, selector: &Selector) -> u64 {
        let now = self.now();
        self.0.recent.note(selector, now.as_millis());
        if let Selector::Key(key) = selector {
            return lock(self.shard(key)).delete(key, now).into();
        }
        if *selector == Selector::All {
            return self.clear();
        }
        let mut removed = 0;
        for shard in self.shards() {
            let mut from = 0;
            loop {
                let (count, is_more) = lock(shard).invalidate(selector, from, CHUNK);
                removed += count;
                from += CHUNK;
                if !is_more {
                    break;
                }
            }
        }
        removed
    }

    fn tier_stats(&self) -> TierStats {
        let mut sum = TierStats {
            entries: Some(self.len() as u64),
            bytes: Some(self.bytes()),
            ..TierStats::default()
        };
        for shard in self.shards() {
            let stats = lock(shard).stats.clone();
            sum.hits += stats.hits;
            sum.misses += stats.misses;
            sum.stored += stats.stored;
            add(&mut sum.evictions, stats.evictions);
        }
        sum
    }
}

fn add(sum: &mut Evictions, other: Evictions) {
    sum.capacity += other.capacity;
    sum.weight += other.weight;
    sum.expired += other.expired;
    sum.replaced += other.replaced;
    sum.invalidated += other.invalidated;
}

impl ResponseCache for MemoryCache {
    async fn get(&self, key: &CacheKey) -> Lookup {
        let found = lock(self.shard(key)).get(key, |entry| self.now_for(entry));
        match found {
            Some((entry, now)) => Lookup::found(entry, Tier::L1, now),
            None => Lookup::Miss(MissReason::NotFound),
        }
    }

    async fn get_near(&self, key: &CacheKey) -> Option<Lookup> {
        let found = lock(self.shard(key)).get_alive(key, |entry| self.now_for(entry));
        let (entry, now) = found?;
        Some(Lookup::found(entry, Tier::L1, now))
    }

    async fn set(&self, key: &CacheKey, entry: Entry) -> SetOutcome {
        self.store(key, entry)
    }

    async fn delete(&self, key: &CacheKey) -> bool {
        let now = self.now();
        lock(self.shard(key)).delete(key, now)
    }

    async fn exists(&self, key: &CacheKey) -> bool {
        let now = self.now();
        lock(self.shard(key)).peek(key, now).is_some()
    }

    async fn ttl(&self, key: &CacheKey) -> TtlState {
        let now = self.now();
        match lock(self.shard(key)).peek(key, now) {
            None => TtlState::Missing,
            Some(entry) => match entry.expires() {
                None => TtlState::NoExpiry,
                Some(expires) => TtlState::Remaining(expires.since(now)),
            },
        }
    }

    async fn invalidate(&self, selector: &Selector) -> InvalidationReport {
        let start = self.0.clock.now();
        let removed = self.remove(selector);
        let took = self.0.clock.now().saturating_duration_since(start);
        InvalidationReport::of_memory(removed, took)
    }

    async fn stats(&self) -> CacheStats {
        let l1 = self.tier_stats();
        CacheStats {
            hits: l1.hits,
            misses: l1.misses,
            l1: Some(l1),
            l2: None,
        }
    }

    async fn health(&self) -> Health {
        Health::Healthy
    }
}

/// Settings of a [`MemoryCache`].
#[derive(Clone, Debug)]
#[must_use]
pub struct MemoryCacheBuilder {
    max_entries: usize,
    max_bytes: u64,
    max_value_bytes: usize,
    shards: Option<NonZeroUsize>,
    clock: Arc<dyn Clock>,
}

impl Default for MemoryCacheBuilder {
    fn default() -> Self {
        Self {
            max_entries: 1_000,
            max_bytes: u64::MAX,
            max_value_bytes: 5 << 20,
            shards: None,
            clock: Arc::new(SystemClock),
        }
    }
}

impl MemoryCacheBuilder {
    /// At most this many entries (at least one); 1,000 if not set.
    pub fn with_max_entries(mut self, max_entries: usize) -> Self {
        self.max_entries = max_entries.max(1);
        self
    }

    /// At most this many bytes, keys and overhead included; no limit if not set.
    pub fn with_max_bytes(mut self, max_bytes: u64) -> Self {
        self.max_bytes = max_bytes;
        self
    }

    /// Values of more bytes are not stored; 5 MiB if not set.
    pub fn with_max_value_bytes(mut self, max_value_bytes: usize) -> Self {
        self.max_value_bytes = max_value_bytes;
        self
    }

    /// The number of shards, rounded up to a power of two and at most 256. If not set: one up to
    /// 10,000 entries, else four for each core.
    pub fn with_shards(mut self, shards: NonZeroUsize) -> Self {
        self.shards = Some(shards);
        self
    }

    /// The clock to go by; that of the system if not set.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// The cache.
    #[must_use]
    pub fn build(self) -> MemoryCache {
        let shards = match self.shards {
            Some(shards) => shards.get(),
            None if self.max_entries <= ONE_SHARD_ENTRIES => 1,
            None => 4 * std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
        };
        // No shard may be without room.
        let most = 1 << self.max_entries.ilog2().min(8);
        let shards = shards.min(256).next_power_of_two().min(most);
        // The first shards take what does not divide evenly.
        let share = |index: usize| {
            let entries = self.max_entries / shards;
            let rest = usize::from(index < self.max_entries % shards);
            Mutex::new(Shard::new(entries + rest, self.max_bytes / shards as u64))
        };
        let start = (self.clock.now(), self.clock.timestamp());
        let coarse_start = self.clock.coarse_now();
        MemoryCache(Arc::new(Inner {
            shards: (0..shards).map(share).collect(),
            max_value_bytes: self.max_value_bytes,
            recent: Recent::default(),
            clock: self.clock,
            start,
            coarse_start,
        }))
    }
}
