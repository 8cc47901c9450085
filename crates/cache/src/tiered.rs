//! Memory in front of a shared store. It keeps the tiers in step; it has no store of its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::join_all;

use crate::cache::{InvalidationListener, ResponseCache};
use crate::entry::Entry;
use crate::key::CacheKey;
use crate::lookup::{Hit, Lookup, MissReason, NegativeHit, TtlState};
use crate::outcome::{Health, InvalidationReport, LockState, SetOutcome};
use crate::selector::Selector;
use crate::stats::CacheStats;
use crate::time::{Clock, SystemClock};

/// How long the first tier keeps an answer at most, if not told otherwise.
const L1_TTL_CAP: Duration = Duration::from_secs(300);

/// The largest value that the first tier keeps, if not told otherwise.
const L1_MAX_VALUE_BYTES: usize = 64 << 10;

/// A quick cache before a shared one.
///
/// What is read from the second tier goes to the first with the time it has left, and stays there
/// for five minutes at most. What is written goes to both; if the second is away, to the first.
/// What another process invalidates leaves the first tier as soon as the second tells.
///
/// ```
/// use gimmal_cache::{MemoryCache, TieredCache};
///
/// // In an application the second is a `RedisCache`.
/// let cache = TieredCache::new(MemoryCache::new(1_000), MemoryCache::new(100_000));
/// ```
#[derive(Debug)]
pub struct TieredCache<L1, L2>(Arc<Tiers<L1, L2>>);

impl<L1, L2> Clone for TieredCache<L1, L2> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

#[derive(Debug)]
struct Tiers<L1, L2> {
    l1: Arc<L1>,
    l2: L2,
    settings: TieredSettings,
    hits: AtomicU64,
    misses: AtomicU64,
}

/// Settings of a [`TieredCache`].
#[derive(Clone, Debug)]
#[must_use]
pub struct TieredSettings {
    l1_ttl_cap: Duration,
    l1_max_value_bytes: usize,
    clock: Arc<dyn Clock>,
}

impl Default for TieredSettings {
    fn default() -> Self {
        Self {
            l1_ttl_cap: L1_TTL_CAP,
            l1_max_value_bytes: L1_MAX_VALUE_BYTES,
            clock: Arc::new(SystemClock),
        }
    }
}

impl TieredSettings {
    /// How long the first tier keeps an answer at most; 5 minutes if not set. It bounds how long an
    /// answer is served that another process has deleted, should its word get lost.
    pub fn with_l1_ttl_cap(mut self, cap: Duration) -> Self {
        self.l1_ttl_cap = cap;
        self
    }

    /// Larger values are kept in the second tier alone; 64 KiB if not set.
    pub fn with_l1_max_value_bytes(mut self, bytes: usize) -> Self {
        self.l1_max_value_bytes = bytes;
        self
    }

    /// The clock to go by; that of the system if not set.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }
}

impl<L1: ResponseCache, L2: ResponseCache> TieredCache<L1, L2> {
    /// Both tiers with the default settings.
    #[must_use]
    pub fn new(l1: L1, l2: L2) -> Self {
        Self::with_settings(l1, l2, TieredSettings::default())
    }

    /// Both tiers.
    #[must_use]
    pub fn with_settings(l1: L1, l2: L2, settings: TieredSettings) -> Self {
        let l1 = Arc::new(l1);
        let weak = Arc::downgrade(&l1);
        // Called from a task of the second tier.
        l2.listen(Arc::new(move |selector: &Selector| {
            if let Some(l1) = weak.upgrade() {
                let selector = selector.clone();
                tokio::spawn(async move { l1.invalidate(&selector).await });
            }
        }));
        Self(Arc::new(Tiers {
            l1,
            l2,
            settings,
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        }))
    }

    /// The first tier.
    #[must_use]
    pub fn l1(&self) -> &L1 {
        &self.0.l1
    }

    /// The second tier.
    #[must_use]
    pub fn l2(&self) -> &L2 {
        &self.0.l2
    }

    /// Stops serving the selected entries from the first tier of this process alone.
    pub async fn invalidate_l1(&self, selector: &Selector) -> InvalidationReport {
        self.0.l1.invalidate(selector).await
    }

    async fn near(&self, key: &CacheKey) -> Option<Lookup> {
        let lookup = self.0.l1.get_near(key).await?;
        self.0.hits.fetch_add(1, Ordering::Relaxed);
        Some(lookup)
    }

    async fn far(&self, key: &CacheKey, lookup: Lookup) -> Lookup {
        let now = self.0.settings.clock.timestamp();
        let entry = match &lookup {
            Lookup::Hit(Hit { entry, .. }) => Some(entry.clone()),
            Lookup::Negative(NegativeHit {
                status,
                age,
                remaining,
                ..
            }) => {
                let expires = remaining.map(|remaining| now.plus(remaining));
                let entry = Entry::new_negative(*status, now.minus(*age));
                Some(entry.with_expiry(expires, expires))
            }
            Lookup::Miss(_) => None,
        };
        let count = match entry {
            Some(entry) => {
                self.set_l1(key, entry).await;
                &self.0.hits
            }
            None => &self.0.misses,
        };
        count.fetch_add(1, Ordering::Relaxed);
        lookup
    }

    /// Puts an entry into the first tier, for as long as it may stay there.
    async fn set_l1(&self, key: &CacheKey, entry: Entry) -> bool {
        let settings = &self.0.settings;
        if entry.value().as_bytes().len() > settings.l1_max_value_bytes {
            self.0.l1.delete(key).await;
            return false;
        }
        let cap = settings.clock.timestamp().plus(settings.l1_ttl_cap);
        let expires = entry.expires().map_or(cap, |expires| expires.min(cap));
        let fresh = entry.fresh_until();
        let entry = entry.with_expiry(fresh, Some(expires));
        self.0.l1.set(key, entry).await.is_stored()
    }
}

impl<L1: ResponseCache, L2: ResponseCache> ResponseCache for TieredCache<L1, L2> {
    async fn get(&self, key: &CacheKey) -> Lookup {
        match self.near(key).await {
            Some(lookup) => lookup,
            None => self.far(key, self.0.l2.get(key).await).await,
        }
    }

    async fn get_near(&self, key: &CacheKey) -> Option<Lookup> {
        self.near(key).await
    }

    async fn get_many(&self, keys: &[CacheKey]) -> Vec<Lookup> {
        let near = join_all(keys.iter().map(|key| self.near(key))).await;
        let is_far =
            |(key, near): (&CacheKey, &Option<Lookup>)| near.is_none().then(|| key.clone());
        let missing: Vec<_> = keys.iter().zip(&near).filter_map(is_far).collect();
        let mut far = self.0.l2.get_many(&missing).await.into_iter();
        let mut lookups = Vec::with_capacity(keys.len());
        for (key, near) in keys.iter().zip(near) {
            lookups.push(match near {
                Some(lookup) => lookup,
                None => {
                    let lookup = far.next().unwrap_or(Lookup::Miss(MissReason::NotFound));
                    self.far(key, lookup).await
                }
            });
        }
        lookups
    }

    async fn set(&self, key: &CacheKey, entry: Entry) -> SetOutcome {
        let in_l1 = self.set_l1(key, entry.clone()).await;
        match self.0.l2.set(key, entry).await {
            SetOutcome::Stored { .. } => SetOutcome::Stored {
                l1: in_l1,
                l2: true,
            },
            SetOutcome::Skipped(reason) => {
                self.0.l1.delete(key).await;
                SetOutcome::Skipped(reason)
            }
            degraded => degraded,
        }
    }

    async fn delete(&self, key: &CacheKey) -> bool {
        let in_l1 = self.0.l1.delete(key).await;
        self.0.l2.delete(key).await || in_l1
    }

    async fn exists(&self, key: &CacheKey) -> bool {
        self.0.l1.exists(key).await || self.0.l2.exists(key).await
    }

    async fn ttl(&self, key: &CacheKey) -> TtlState {
        // The first tier knows how long it keeps it, not how long it lives.
        match self.0.l2.ttl(key).await {
            TtlState::Missing => self.0.l1.ttl(key).await,
            known => known,
        }
    }

    async fn invalidate(&self, selector: &Selector) -> InvalidationReport {
        let l1 = self.0.l1.invalidate(selector).await;
        let l2 = self.0.l2.invalidate(selector).await;
        InvalidationReport {
            l1_removed: l1.l1_removed,
            duration: l1.duration + l2.duration,
            ..l2
        }
    }

    async fn stats(&self) -> CacheStats {
        let (l1, l2) = (self.0.l1.stats().await, self.0.l2.stats().await);
        CacheStats {
            hits: self.0.hits.load(Ordering::Relaxed),
            misses: self.0.misses.load(Ordering::Relaxed),
            l1: l1.l1,
            // The second tier may be the memory of a test.
            l2: l2.l2.or(l2.l1),
        }
    }

    async fn health(&self) -> Health {
        match (self.0.l1.health().await, self.0.l2.health().await) {
            (Health::Healthy, Health::Unhealthy { reason }) => Health::Degraded { reason },
            (Health::Healthy, l2) => l2,
            (l1, _) => l1,
        }
    }

    async fn try_lock(&self, key: &CacheKey, hold: Duration) -> LockState {
        self.0.l2.try_lock(key, hold).await
    }

    async fn unlock(&self, key: &CacheKey) {
        self.0.l2.unlock(key).await;
    }

    async fn close(&self) {
        self.0.l1.close().await;
        self.0.l2.close().await;
    }

    fn listen(&self, listener: InvalidationListener) {
        self.0.l2.listen(listener);
    }
}
