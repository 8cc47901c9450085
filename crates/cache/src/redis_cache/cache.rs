//! Entries in the store, and what to do when it is away. Every fault is a miss or an outcome.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::join_all;
use redis::{Cmd, FromRedisValue, Value};
use tokio::sync::Mutex as AsyncMutex;

use super::breaker::{Admit, Breaker};
use super::channel::Channel;
use super::config::{RedisCacheBuilder, RedisConfigError, Timeouts};
use super::epochs::{self, Epochs};
use super::link::{Fault, Link};
use super::pending::Pending;
use crate::cache::{InvalidationListener, ResponseCache};
use crate::entry::Entry;
use crate::frame::{FrameCodec, FrameError};
use crate::key::{CacheKey, hex};
use crate::lookup::{Lookup, MissReason, Tier, TtlState};
use crate::outcome::{
    DegradeReason, Health, InvalidationReport, InvalidationStatus, LockState, SetOutcome,
    SkipReason,
};
use crate::selector::Selector;
use crate::stats::{CacheStats, TierStats};
use crate::time::{Clock, Timestamp};

/// Payloads from this size on are packed and unpacked where they hold up nobody.
const LARGE_BYTES: usize = 256 << 10;

/// Answers in Redis 6.2 or newer, in Valkey or in a cluster of them, shared by processes.
///
/// It connects at the first use. While the store is away, reads are misses and writes are
/// [degraded](SetOutcome::Degraded) at once, without waiting for it; invalidations are remembered
/// and carried out before the first read that works again. Cloning gives another handle.
///
/// Invalidating a namespace, an operation or a tag sets one key, whatever the number of entries:
/// they are no longer served, and go when they expire. A pattern is carried out by `SCAN`; in a
/// cluster it stops serving the whole namespace instead.
///
/// ```no_run
/// use gimmal_cache::{KeyRequest, RedisCache, ResponseCache};
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let cache = RedisCache::builder("redis://127.0.0.1:6379").build()?;
/// let lookup = cache.get(&KeyRequest::new("qa").key()).await;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct RedisCache(pub(super) Arc<Inner>);

/// A handle that does not keep the cache.
pub(super) struct WeakRedisCache(Weak<Inner>);

impl WeakRedisCache {
    pub(super) fn upgrade(&self) -> Option<RedisCache> {
        self.0.upgrade().map(RedisCache)
    }
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) link: Link,
    breaker: Breaker,
    pub(super) timeouts: Timeouts,
    codec: FrameCodec,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) epochs: Epochs,
    pending: Pending,
    replaying: AsyncMutex<()>,
    pub(super) channel: Channel,
    is_denied: AtomicBool,
    counters: Counters,
}

#[derive(Debug, Default)]
struct Counters {
    hits: AtomicU64,
    misses: AtomicU64,
    stored: AtomicU64,
    value_bytes: AtomicU64,
    frame_bytes: AtomicU64,
    corrupt: AtomicU64,
    unknown_version: AtomicU64,
    failures: AtomicU64,
    rejected: AtomicU64,
}

impl RedisCache {
    /// A cache at `redis://`, `rediss://`, `redis+cluster://`, `valkey://` or `unix://`.
    pub fn builder(url: &str) -> RedisCacheBuilder {
        RedisCacheBuilder::new(url)
    }

    pub(super) fn from_builder(builder: RedisCacheBuilder) -> Result<Self, RedisConfigError> {
        let link = Link::new(&builder)?;
        Ok(Self(Arc::new(Inner {
            channel: Channel::new(link.client().clone(), builder.clock.clone()),
            link,
            breaker: Breaker::new(builder.failures, builder.pause),
            timeouts: builder.timeouts,
            codec: builder.codec,
            clock: builder.clock,
            epochs: Epochs::default(),
            pending: Pending::default(),
            replaying: AsyncMutex::default(),
            is_denied: AtomicBool::new(false),
            counters: Counters::default(),
        })))
    }

    /// Whether the store is tried at all at this moment.
    #[must_use]
    pub fn is_connected(&self) -> bool {
        self.0.breaker.is_closed()
    }

    /// Goes on only if the store is not known to be away and knows all invalidations.
    pub(super) async fn ready(&self) -> Result<(), Fault> {
        let inner = &self.0;
        inner.channel.start(self);
        match inner.breaker.admit(inner.clock.now()) {
            Admit::Try => {}
            admit => {
                if admit == Admit::Probe {
                    let cache = self.clone();
                    tokio::spawn(async move { cache.probe().await });
                }
                add(&inner.counters.rejected);
                return Err(Fault::Rejected);
            }
        }
        if !inner.pending.is_empty() {
            self.replay().await?;
        }
        Ok(())
    }

    async fn probe(&self) {
        let ping = redis::cmd("PING");
        let limit = self.0.timeouts.connect;
        let mut result = self.0.link.send(&ping, limit).await.map(drop);
        if result.is_ok() {
            // It may have been restarted without what it knew.
            self.0.epochs.forget_all();
            result = self.replay().await;
        }
        match result {
            Err(fault) if fault.is_outage() => {
                self.0.breaker.fail(self.0.clock.now());
            }
            _ => {
                self.0.breaker.succeed();
                tracing::info!("the shared cache is back");
            }
        }
    }

    /// Tells the store what it missed.
    async fn replay(&self) -> Result<(), Fault> {
        let _one_at_a_time = self.0.replaying.lock().await;
        while let Some(selector) = self.0.pending.first() {
            self.apply(&selector).await?;
            self.0.pending.done(&selector);
        }
        Ok(())
    }

    /// Sends a command and takes note of how it went.
    pub(super) async fn send(&self, command: &Cmd, limit: Duration) -> Result<Value, Fault> {
        let inner = &self.0;
        let result = inner.link.send(command, limit).await;
        let fault = match &result {
            Ok(_) => {
                inner.breaker.succeed();
                inner.is_denied.store(false, Ordering::Relaxed);
                return result;
            }
            Err(fault) => *fault,
        };
        add(&inner.counters.failures);
        if fault == Fault::Denied && !inner.is_denied.swap(true, Ordering::Relaxed) {
            tracing::warn!("the shared cache refuses this user");
        }
        if fault.is_outage() && inner.breaker.fail(inner.clock.now()) {
            tracing::warn!(?fault, "the shared cache is left alone for a while");
        }
        result
    }

    pub(super) async fn send_for<T: FromRedisValue>(
        &self,
        command: &Cmd,
        limit: Duration,
    ) -> Result<T, Fault> {
        let reply = self.send(command, limit).await?;
        redis::from_redis_value(reply).map_err(|_| Fault::Other)
    }

    /// Reads a key without counting.
    async fn fetch(&self, key: &CacheKey) -> Result<Entry, MissReason> {
        let unavailable = Fault::miss_reason;
        self.ready().await.map_err(unavailable)?;
        self.0.channel.watch(&key.namespace());
        let names = epochs::of_key(key);
        let mut get = redis::cmd("GET");
        get.arg(key.as_str());
        let limit = self.0.timeouts.get;
        let reading = self.send_for::<Option<Vec<u8>>>(&get, limit);
        let (frame, told) = futures_util::join!(reading, self.ask(&names));
        let frame = frame.map_err(unavailable)?.ok_or(MissReason::NotFound)?;
        told.map_err(unavailable)?;
        let entry = match self.decode(key, frame).await {
            Ok(entry) => entry,
            Err(error) => {
                self.note_bad(key, error).await;
                return Err(error.miss_reason());
            }
        };
        let tags = epochs::of_tags(key, &entry);
        self.ask(&tags).await.map_err(unavailable)?;
        let created = entry.created();
        if self.0.epochs.covers(&names, created) || self.0.epochs.covers(&tags, created) {
            self.remove(key).await.ok();
            return Err(MissReason::Invalidated);
        }
        Ok(entry)
    }

    /// Asks the store for the epochs that are not known.
    async fn ask(&self, names: &[String]) -> Result<(), Fault> {
        let now = self.0.clock.now();
        let ask = async |name: String| {
            let mut get = redis::cmd("GET");
            get.arg(&name);
            let limit = self.0.timeouts.get;
            let epoch: Option<u64> = self.send_for(&get, limit).await?;
            let epoch = epoch.map(Timestamp::from_millis);
            self.0.epochs.learn(name, epoch, now);
            Ok(())
        };
        let unknown = self.0.epochs.unknown(names, now);
        join_all(unknown.into_iter().map(ask))
            .await
            .into_iter()
            .collect()
    }

    async fn note_bad(&self, key: &CacheKey, error: FrameError) {
        let counters = &self.0.counters;
        match error {
            FrameError::UnknownVersion => add(&counters.unknown_version),
            FrameError::Expired => {}
            _ => {
                add(&counters.corrupt);
                let digest = &key.as_str()[key.as_str().len() - 64..][..8];
                tracing::warn!(digest, %error, "an entry of the shared cache is removed");
            }
        }
        if error.should_remove() {
            self.remove(key).await.ok();
        }
    }

    async fn decode(&self, key: &CacheKey, frame: Vec<u8>) -> Result<Entry, FrameError> {
        let now = self.0.clock.timestamp();
        if frame.len() < LARGE_BYTES {
            return self.0.codec.decode(key, &frame, now);
        }
        let (codec, key) = (self.0.codec.clone(), key.clone());
        tokio::task::spawn_blocking(move || codec.decode(&key, &frame, now))
            .await
            .unwrap_or(Err(FrameError::Payload))
    }

    async fn encode(&self, key: &CacheKey, entry: &Entry) -> Result<Bytes, FrameError> {
        if entry.value().as_bytes().len() < LARGE_BYTES {
            return self.0.codec.encode(key, entry);
        }
        let (codec, key, entry) = (self.0.codec.clone(), key.clone(), entry.clone());
        tokio::task::spawn_blocking(move || codec.encode(&key, &entry))
            .await
            .unwrap_or(Err(FrameError::TooLarge))
    }

    pub(super) async fn remove(&self, key: &CacheKey) -> Result<bool, Fault> {
        let mut unlink = redis::cmd("UNLINK");
        unlink.arg(key.as_str());
        let count: u64 = self.send_for(&unlink, self.0.timeouts.set).await?;
        Ok(count > 0)
    }

    async fn store(&self, key: &CacheKey, entry: &Entry) -> Result<SetOutcome, Fault> {
        self.ready().await?;
        self.0.channel.watch(&key.namespace());
        let now = self.0.clock.timestamp();
        if entry.is_expired(now) {
            self.remove(key).await?;
            return Ok(SetOutcome::Skipped(SkipReason::Expired));
        }
        let Ok(frame) = self.encode(key, entry).await else {
            self.remove(key).await?;
            return Ok(SetOutcome::Skipped(SkipReason::TooLarge));
        };
        let mut set = redis::cmd("SET");
        set.arg(key.as_str()).arg(&frame[..]);
        if let Some(expires) = entry.expires() {
            set.arg("PX").arg(expires.since(now).as_millis() as u64);
        }
        self.send(&set, self.0.timeouts.set).await?;
        let counters = &self.0.counters;
        add(&counters.stored);
        let (value, packed) = (entry.value().as_bytes().len(), frame.len());
        counters
            .value_bytes
            .fetch_add(value as u64, Ordering::Relaxed);
        counters
            .frame_bytes
            .fetch_add(packed as u64, Ordering::Relaxed);
        Ok(SetOutcome::Stored {
            l1: false,
            l2: true,
        })
    }

    pub(super) fn downgrade(&self) -> WeakRedisCache {
        WeakRedisCache(Arc::downgrade(&self.0))
    }
}

impl ResponseCache for RedisCache {
    async fn get(&self, key: &CacheKey) -> Lookup {
        let lookup = match self.fetch(key).await {
            Ok(entry) => Lookup::found(entry, Tier::L2, self.0.clock.timestamp()),
            Err(reason) => Lookup::Miss(reason),
        };
        let counters = &self.0.counters;
        add(match lookup {
            Lookup::Miss(_) => &counters.misses,
            _ => &counters.hits,
        });
        lookup
    }

    async fn set(&self, key: &CacheKey, entry: Entry) -> SetOutcome {
        match self.store(key, &entry).await {
            Ok(outcome) => outcome,
            Err(fault) => SetOutcome::Degraded(fault.degrade_reason()),
        }
    }

    async fn delete(&self, key: &CacheKey) -> bool {
        let result = async {
            self.ready().await?;
            self.remove(key).await
        };
        result.await.unwrap_or_else(|_| {
            self.0.pending.add(Selector::Key(key.clone()));
            false
        })
    }

    async fn exists(&self, key: &CacheKey) -> bool {
        self.fetch(key).await.is_ok()
    }

    async fn ttl(&self, key: &CacheKey) -> TtlState {
        match self.fetch(key).await.map(|entry| entry.expires()) {
            Err(_) => TtlState::Missing,
            Ok(None) => TtlState::NoExpiry,
            Ok(Some(time)) => TtlState::Remaining(time.since(self.0.clock.timestamp())),
        }
    }

    async fn invalidate(&self, selector: &Selector) -> InvalidationReport {
        let start = self.0.clock.now();
        let result = async {
            self.ready().await?;
            self.apply(selector).await
        };
        let (removed, status) = match result.await {
            Ok(removed) => (removed, InvalidationStatus::Success),
            Err(_) => {
                self.0.pending.add(selector.clone());
                (None, InvalidationStatus::Partial)
            }
        };
        let took = self.0.clock.now().saturating_duration_since(start);
        InvalidationReport::of_store(removed, status, took)
    }

    async fn stats(&self) -> CacheStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let counters = &self.0.counters;
        let l2 = TierStats {
            hits: read(&counters.hits),
            misses: read(&counters.misses),
            stored: read(&counters.stored),
            packed: read(&counters.stored),
            value_bytes: read(&counters.value_bytes),
            frame_bytes: read(&counters.frame_bytes),
            corrupt: read(&counters.corrupt),
            unknown_version: read(&counters.unknown_version),
            failures: read(&counters.failures),
            rejected: read(&counters.rejected),
            ..TierStats::default()
        };
        CacheStats {
            hits: l2.hits,
            misses: l2.misses,
            l1: None,
            l2: Some(l2),
        }
    }

    async fn health(&self) -> Health {
        let result = async {
            self.ready().await?;
            let limit = self.0.timeouts.get;
            self.send(&redis::cmd("PING"), limit).await
        };
        let unhealthy = |fault: Fault| {
            let reason = fault.degrade_reason();
            Health::Unhealthy {
                reason: reason.as_str().to_owned(),
            }
        };
        match result.await {
            Ok(_) if self.0.is_denied.load(Ordering::Relaxed) => Health::Degraded {
                reason: DegradeReason::Denied.as_str().to_owned(),
            },
            Ok(_) => Health::Healthy,
            Err(fault) => unhealthy(fault),
        }
    }

    async fn try_lock(&self, key: &CacheKey, hold: Duration) -> LockState {
        let take = async {
            self.ready().await?;
            let mut set = redis::cmd("SET");
            set.arg(lock_name(key)).arg(self.0.channel.sender());
            set.arg("NX").arg("PX").arg(hold.as_millis() as u64);
            self.send(&set, self.0.timeouts.set).await
        };
        match take.await {
            Ok(Value::Nil) => LockState::Held,
            Ok(_) => LockState::Taken,
            Err(_) => LockState::Unsupported,
        }
    }

    async fn unlock(&self, key: &CacheKey) {
        let mut unlink = redis::cmd("UNLINK");
        unlink.arg(lock_name(key));
        self.send(&unlink, self.0.timeouts.set).await.ok();
    }

    async fn close(&self) {
        self.0.channel.stop();
    }

    fn listen(&self, listener: InvalidationListener) {
        self.0.channel.add(listener);
    }
}

fn lock_name(key: &CacheKey) -> String {
    format!("gimmal:r2l:{}", hex(key.digest()))
}

fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
