//! A cache seen through one namespace: whatever a caller asks for, it gets and changes nothing else.

use std::time::Duration;

use crate::cache::{InvalidationListener, ResponseCache};
use crate::entry::Entry;
use crate::key::CacheKey;
use crate::lookup::{Lookup, TtlState};
use crate::outcome::{Health, InvalidationReport, LockState, SetOutcome};
use crate::selector::Selector;
use crate::stats::CacheStats;

/// The part of a cache that belongs to one tenant.
///
/// Every key and every selection is moved to the namespace, whichever it names; to invalidate
/// everything, or all of any namespace, means everything of the tenant.
///
/// ```
/// use gimmal_cache::{MemoryCache, Namespaced};
///
/// let shared = MemoryCache::new(10_000);
/// let (red, blue) = (Namespaced::new(shared.clone(), "red"), Namespaced::new(shared, "blue"));
/// ```
#[derive(Clone, Debug)]
pub struct Namespaced<C> {
    cache: C,
    namespace: String,
}

impl<C: ResponseCache> Namespaced<C> {
    /// The part of `cache` that belongs to `namespace`.
    #[must_use]
    pub fn new(cache: C, namespace: impl Into<String>) -> Self {
        let namespace = namespace.into();
        Self { cache, namespace }
    }

    /// The whole cache.
    #[must_use]
    pub fn inner(&self) -> &C {
        &self.cache
    }

    fn key(&self, key: &CacheKey) -> CacheKey {
        key.in_namespace(&self.namespace)
    }
}

impl<C: ResponseCache> ResponseCache for Namespaced<C> {
    async fn get(&self, key: &CacheKey) -> Lookup {
        self.cache.get(&self.key(key)).await
    }

    async fn get_near(&self, key: &CacheKey) -> Option<Lookup> {
        self.cache.get_near(&self.key(key)).await
    }

    async fn get_many(&self, keys: &[CacheKey]) -> Vec<Lookup> {
        let keys: Vec<_> = keys.iter().map(|key| self.key(key)).collect();
        self.cache.get_many(&keys).await
    }

    async fn set(&self, key: &CacheKey, entry: Entry) -> SetOutcome {
        self.cache.set(&self.key(key), entry).await
    }

    async fn delete(&self, key: &CacheKey) -> bool {
        self.cache.delete(&self.key(key)).await
    }

    async fn exists(&self, key: &CacheKey) -> bool {
        self.cache.exists(&self.key(key)).await
    }

    async fn ttl(&self, key: &CacheKey) -> TtlState {
        self.cache.ttl(&self.key(key)).await
    }

    async fn invalidate(&self, selector: &Selector) -> InvalidationReport {
        let selector = selector.clone().in_namespace(&self.namespace);
        self.cache.invalidate(&selector).await
    }

    async fn stats(&self) -> CacheStats {
        self.cache.stats().await
    }

    async fn health(&self) -> Health {
        self.cache.health().await
    }

    async fn try_lock(&self, key: &CacheKey, hold: Duration) -> LockState {
        self.cache.try_lock(&self.key(key), hold).await
    }

    async fn unlock(&self, key: &CacheKey) {
        self.cache.unlock(&self.key(key)).await;
    }

    async fn close(&self) {
        self.cache.close().await;
    }

    fn listen(&self, listener: InvalidationListener) {
        self.cache.listen(listener);
    }
}
