//! What every cache can do. Whatever goes wrong in a cache is a miss or an outcome, never an error:
//! an application works without its cache, only slower.

use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, join_all};

use crate::entry::Entry;
use crate::key::CacheKey;
use crate::lookup::{Lookup, TtlState};
use crate::outcome::{Health, InvalidationReport, LockState, SetOutcome};
use crate::selector::Selector;
use crate::stats::CacheStats;

/// A store of answers.
///
/// Implementations are cheap to share and safe for concurrent use. The module `testing` (feature
/// `testing`) has the suite that every implementation must pass.
///
/// ```
/// use gimmal_cache::{Entry, KeyRequest, MemoryCache, ResponseCache, SystemClock, Clock, Value};
/// use std::time::Duration;
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let cache = MemoryCache::new(1_000);
/// let key = KeyRequest::new("qa").with_text("What is a gimmal?").key();
/// let entry = Entry::new(Value::bytes("A joined ring."), SystemClock.timestamp())
///     .with_ttl(Duration::from_secs(60));
/// assert!(cache.set(&key, entry).await.is_stored());
///
/// let hit = cache.get(&key).await.into_hit();
/// assert_eq!(hit.map(|hit| hit.value().clone()), Some(Value::bytes("A joined ring.")));
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
pub trait ResponseCache: fmt::Debug + Send + Sync + 'static {
    /// Reads a key. This alone counts hits and misses and decides what was used last.
    fn get(&self, key: &CacheKey) -> impl Future<Output = Lookup> + Send;

    /// Reads a key in the memory of this process alone, which is quick. What is not there is not
    /// counted as a miss, because [`get`](Self::get) is asked next.
    fn get_near(&self, key: &CacheKey) -> impl Future<Output = Option<Lookup>> + Send {
        let _ = key;
        std::future::ready(None)
    }

    /// Reads some keys; the results are in their order.
    fn get_many(&self, keys: &[CacheKey]) -> impl Future<Output = Vec<Lookup>> + Send {
        join_all(keys.iter().map(|key| self.get(key)))
    }

    /// Stores an entry in the place of what was there.
    fn set(&self, key: &CacheKey, entry: Entry) -> impl Future<Output = SetOutcome> + Send;

    /// Removes a key; whether there was something under it.
    fn delete(&self, key: &CacheKey) -> impl Future<Output = bool> + Send;

    /// Whether there is something under the key.
    fn exists(&self, key: &CacheKey) -> impl Future<Output = bool> + Send;

    /// How much longer the key will be answered.
    fn ttl(&self, key: &CacheKey) -> impl Future<Output = TtlState> + Send;

    /// Stops serving the selected entries, also those being computed at this moment.
    fn invalidate(&self, selector: &Selector) -> impl Future<Output = InvalidationReport> + Send;

    /// Counters since the cache was made.
    fn stats(&self) -> impl Future<Output = CacheStats> + Send;

    /// Whether the cache works.
    fn health(&self) -> impl Future<Output = Health> + Send;

    /// Takes the right to compute the answer of a key, among all processes that share the store, for
    /// `hold` at most. It saves computations; nothing depends on it being exact.
    fn try_lock(&self, key: &CacheKey, hold: Duration) -> impl Future<Output = LockState> + Send {
        let _ = (key, hold);
        std::future::ready(LockState::Unsupported)
    }

    /// Gives back what [`try_lock`](Self::try_lock) took.
    fn unlock(&self, key: &CacheKey) -> impl Future<Output = ()> + Send {
        let _ = key;
        std::future::ready(())
    }

    /// Ends what the cache does in the background; it can still be read.
    fn close(&self) -> impl Future<Output = ()> + Send {
        std::future::ready(())
    }

    /// Tells `listener` what other processes invalidate. Caches of one process do nothing here.
    fn listen(&self, listener: InvalidationListener) {
        drop(listener);
    }
}

/// Is told what another process has invalidated; it must not block.
pub type InvalidationListener = Arc<dyn Fn(&Selector) + Send + Sync>;

/// Any cache, for programs that choose one when they start.
///
/// ```
/// use gimmal_cache::{KeyRequest, MemoryCache, NullCache, ResponseCache, SharedCache};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let cache = if cfg!(debug_assertions) {
///     SharedCache::new(MemoryCache::new(100))
/// } else {
///     SharedCache::new(NullCache)
/// };
/// assert!(!cache.exists(&KeyRequest::new("qa").key()).await);
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct SharedCache(Arc<dyn DynResponseCache>);

impl SharedCache {
    /// Wraps a cache.
    #[must_use]
    pub fn new(cache: impl ResponseCache) -> Self {
        Self(Arc::new(cache))
    }
}

/// [`ResponseCache`] with boxed futures.
trait DynResponseCache: fmt::Debug + Send + Sync + 'static {
    fn get<'a>(&'a self, key: &'a CacheKey) -> BoxFuture<'a, Lookup>;
    fn get_near<'a>(&'a self, key: &'a CacheKey) -> BoxFuture<'a, Option<Lookup>>;
    fn get_many<'a>(&'a self, keys: &'a [CacheKey]) -> BoxFuture<'a, Vec<Lookup>>;
    fn set<'a>(&'a self, key: &'a CacheKey, entry: Entry) -> BoxFuture<'a, SetOutcome>;
    fn delete<'a>(&'a self, key: &'a CacheKey) -> BoxFuture<'a, bool>;
    fn exists<'a>(&'a self, key: &'a CacheKey) -> BoxFuture<'a, bool>;
    fn ttl<'a>(&'a self, key: &'a CacheKey) -> BoxFuture<'a, TtlState>;
    fn invalidate<'a>(&'a self, selector: &'a Selector) -> BoxFuture<'a, InvalidationReport>;
    fn stats(&self) -> BoxFuture<'_, CacheStats>;
    fn health(&self) -> BoxFuture<'_, Health>;
    fn try_lock<'a>(&'a self, key: &'a CacheKey, hold: Duration) -> BoxFuture<'a, LockState>;
    fn unlock<'a>(&'a self, key: &'a CacheKey) -> BoxFuture<'a, ()>;
    fn close(&self) -> BoxFuture<'_, ()>;
    fn listen(&self, listener: InvalidationListener);
}

impl<C: ResponseCache> DynResponseCache for C {
    fn get<'a>(&'a self, key: &'a CacheKey) -> BoxFuture<'a, Lookup> {
        ResponseCache::get(self, key).boxed()
    }

    fn get_near<'a>(&'a self, key: &'a CacheKey) -> BoxFuture<'a, Option<Lookup>> {
        ResponseCache::get_near(self, key).boxed()
    }

    fn get_many<'a>(&'a self, keys: &'a [CacheKey]) -> BoxFuture<'a, Vec<Lookup>> {
        ResponseCache::get_many(self, keys).boxed()
    }

    fn set<'a>(&'a self, key: &'a CacheKey, entry: Entry) -> BoxFuture<'a, SetOutcome> {
        ResponseCache::set(self, key, entry).boxed()
    }

    fn delete<'a>(&'a self, key: &'a CacheKey) -> BoxFuture<'a, bool> {
        ResponseCache::delete(self, key).boxed()
    }

    fn exists<'a>(&'a self, key: &'a CacheKey) -> BoxFuture<'a, bool> {
        ResponseCache::exists(self, key).boxed()
    }

    fn ttl<'a>(&'a self, key: &'a CacheKey) -> BoxFuture<'a, TtlState> {
        ResponseCache::ttl(self, key).boxed()
    }

    fn invalidate<'a>(&'a self, selector: &'a Selector) -> BoxFuture<'a, InvalidationReport> {
        ResponseCache::invalidate(self, selector).boxed()
    }

    fn stats(&self) -> BoxFuture<'_, CacheStats> {
        ResponseCache::stats(self).boxed()
    }

    fn health(&self) -> BoxFuture<'_, Health> {
        ResponseCache::health(self).boxed()
    }

    fn try_lock<'a>(&'a self, key: &'a CacheKey, hold: Duration) -> BoxFuture<'a, LockState> {
        ResponseCache::try_lock(self, key, hold).boxed()
    }

    fn unlock<'a>(&'a self, key: &'a CacheKey) -> BoxFuture<'a, ()> {
        ResponseCache::unlock(self, key).boxed()
    }

    fn close(&self) -> BoxFuture<'_, ()> {
        ResponseCache::close(self).boxed()
    }

    fn listen(&self, listener: InvalidationListener) {
        ResponseCache::listen(self, listener);
    }
}

impl ResponseCache for SharedCache {
    async fn get(&self, key: &CacheKey) -> Lookup {
        self.0.get(key).await
    }

    async fn get_near(&self, key: &CacheKey) -> Option<Lookup> {
        self.0.get_near(key).await
    }

    async fn get_many(&self, keys: &[CacheKey]) -> Vec<Lookup> {
        self.0.get_many(keys).await
    }

    async fn set(&self, key: &CacheKey, entry: Entry) -> SetOutcome {
        self.0.set(key, entry).await
    }

    async fn delete(&self, key: &CacheKey) -> bool {
        self.0.delete(key).await
    }

    async fn exists(&self, key: &CacheKey) -> bool {
        self.0.exists(key).await
    }

    async fn ttl(&self, key: &CacheKey) -> TtlState {
        self.0.ttl(key).await
    }

    async fn invalidate(&self, selector: &Selector) -> InvalidationReport {
        self.0.invalidate(selector).await
    }

    async fn stats(&self) -> CacheStats {
        self.0.stats().await
    }

    async fn health(&self) -> Health {
        self.0.health().await
    }

    async fn try_lock(&self, key: &CacheKey, hold: Duration) -> LockState {
        self.0.try_lock(key, hold).await
    }

    async fn unlock(&self, key: &CacheKey) {
        self.0.unlock(key).await;
    }

    async fn close(&self) {
        self.0.close().await;
    }

    fn listen(&self, listener: InvalidationListener) {
        self.0.listen(listener);
    }
}
