//! A cache whose every operation is recorded. It changes nothing about what the cache does.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::recorder::{Monitor, Timed};
use crate::cache::{InvalidationListener, ResponseCache};
use crate::entry::Entry;
use crate::key::CacheKey;
use crate::lock;
use crate::lookup::{Lookup, TtlState};
use crate::outcome::{Health, InvalidationReport, LockState, SetOutcome};
use crate::selector::Selector;
use crate::stats::CacheStats;
use crate::time::{Clock, SystemClock};

/// Writes between two looks at the size of the cache.
const SIZE_EVERY: u64 = 256;

/// A cache, and a [`Monitor`] that sees what it does.
///
/// ```
/// use gimmal_cache::{KeyRequest, MemoryCache, Monitor, Monitored, ResponseCache};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let cache = Monitored::new(MemoryCache::new(1_000), Monitor::new());
/// cache.get(&KeyRequest::new("qa").key()).await;
/// assert_eq!(cache.monitor().report().misses, 1);
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Monitored<C> {
    cache: C,
    monitor: Monitor,
    clock: Arc<dyn Clock>,
    writes: AtomicU64,
    packed: Mutex<Packed>,
}

/// What the shared store had packed when it was last looked at.
#[derive(Debug, Default)]
struct Packed {
    count: u64,
    value_bytes: u64,
    frame_bytes: u64,
}

impl<C: ResponseCache> Monitored<C> {
    /// Records what `cache` does.
    #[must_use]
    pub fn new(cache: C, monitor: Monitor) -> Self {
        Self::with_clock(cache, monitor, Arc::new(SystemClock))
    }

    /// As [`Monitored::new`], timing by `clock`.
    #[must_use]
    pub fn with_clock(cache: C, monitor: Monitor, clock: Arc<dyn Clock>) -> Self {
        Self {
            cache,
            monitor,
            clock,
            writes: AtomicU64::new(0),
            packed: Mutex::default(),
        }
    }

    /// The monitor.
    #[must_use]
    pub fn monitor(&self) -> &Monitor {
        &self.monitor
    }

    /// The cache.
    #[must_use]
    pub fn inner(&self) -> &C {
        &self.cache
    }

    /// Invalidates, and records why.
    pub async fn invalidate_because(
        &self,
        selector: &Selector,
        context: &str,
    ) -> InvalidationReport {
        let report = self.cache.invalidate(selector).await;
        self.monitor.record_invalidation(selector, context, &report);
        self.record_size().await;
        report
    }

    async fn timed<T>(&self, what: Timed, key: &CacheKey, work: impl Future<Output = T>) -> T {
        let start = self.clock.now();
        let result = work.await;
        let took = self.clock.now().saturating_duration_since(start);
        self.monitor.record_time(what, &key.operation(), took);
        result
    }

    /// Sizes, and how well values were packed since the last look.
    async fn record_size(&self) {
        let stats = self.cache.stats().await;
        if let Some(l2) = &stats.l2 {
            let mut before = lock(&self.packed);
            let since = |now: u64, before: u64| now.saturating_sub(before);
            self.monitor.record_packed(
                since(l2.packed, before.count),
                since(l2.value_bytes, before.value_bytes),
                since(l2.frame_bytes, before.frame_bytes),
            );
            *before = Packed {
                count: l2.packed,
                value_bytes: l2.value_bytes,
                frame_bytes: l2.frame_bytes,
            };
        }
        if let Some(l1) = stats.l1 {
            let (entries, bytes) = (l1.entries, l1.bytes);
            self.monitor
                .record_size(entries.unwrap_or(0), bytes.unwrap_or(0));
        }
    }
}

impl<C: ResponseCache> ResponseCache for Monitored<C> {
    async fn get(&self, key: &CacheKey) -> Lookup {
        let lookup = self.timed(Timed::Get, key, self.cache.get(key)).await;
        self.monitor.record_lookup(&key.operation(), &lookup);
        lookup
    }

    async fn get_near(&self, key: &CacheKey) -> Option<Lookup> {
        let lookup = self.cache.get_near(key).await?;
        self.monitor.record_lookup(&key.operation(), &lookup);
        Some(lookup)
    }

    async fn get_many(&self, keys: &[CacheKey]) -> Vec<Lookup> {
        let lookups = self.cache.get_many(keys).await;
        for (key, lookup) in keys.iter().zip(&lookups) {
            self.monitor.record_lookup(&key.operation(), lookup);
        }
        lookups
    }

    async fn set(&self, key: &CacheKey, entry: Entry) -> SetOutcome {
        let outcome = self
            .timed(Timed::Set, key, self.cache.set(key, entry))
            .await;
        self.monitor.record_set(&outcome);
        if self
            .writes
            .fetch_add(1, Ordering::Relaxed)
            .is_multiple_of(SIZE_EVERY)
        {
            self.record_size().await;
        }
        outcome
    }

    async fn delete(&self, key: &CacheKey) -> bool {
        let was_there = self.timed(Timed::Delete, key, self.cache.delete(key)).await;
        self.monitor.record_delete();
        was_there
    }

    async fn exists(&self, key: &CacheKey) -> bool {
        self.cache.exists(key).await
    }

    async fn ttl(&self, key: &CacheKey) -> TtlState {
        self.cache.ttl(key).await
    }

    async fn invalidate(&self, selector: &Selector) -> InvalidationReport {
        self.invalidate_because(selector, "").await
    }

    async fn stats(&self) -> CacheStats {
        self.record_size().await;
        self.cache.stats().await
    }

    async fn health(&self) -> Health {
        self.cache.health().await
    }

    async fn try_lock(&self, key: &CacheKey, hold: Duration) -> LockState {
        self.cache.try_lock(key, hold).await
    }

    async fn unlock(&self, key: &CacheKey) {
        self.cache.unlock(key).await;
    }

    async fn close(&self) {
        self.cache.close().await;
    }

    fn listen(&self, listener: InvalidationListener) {
        self.cache.listen(listener);
    }
}
