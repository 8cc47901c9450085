#![doc = include_str!("../README.md")]

mod ai;
mod cache;
mod config;
mod entry;
mod frame;
mod key;
#[cfg(feature = "legacy")]
mod legacy;
mod lookup;
mod memory;
mod monitor;
mod namespaced;
mod null;
mod outcome;
mod pattern;
mod recent;
#[cfg(feature = "redis")]
mod redis_cache;
mod selector;
mod stats;
mod sync;
pub mod testing;
mod tiered;
mod time;
mod ttl;
mod value;

pub use ai::{
    Admission, AiCache, AiCacheBuilder, Answer, CachedStream, CallError, CallOptions, CallStats,
    Failure, Fresh, Inadmissible, Mode, Pacing, Provenance,
};
#[cfg(feature = "semantic")]
pub use ai::{Embedder, SemanticTier, Trial};
pub use cache::{InvalidationListener, ResponseCache, SharedCache};
pub use config::{
    CacheConfig, ConfigErrors, Preset, Strategy, Suggestion, TextTier, TextTiers, Violation,
};
pub use entry::Entry;
pub use frame::{Compression, FrameCodec, FrameError};
#[cfg(feature = "encryption")]
pub use frame::{EncryptionKey, KeyRing};
pub use key::{CacheKey, KeyRequest, KeySecret};
#[cfg(feature = "legacy")]
pub use legacy::{InvalidLegacyValue, LEGACY_HASH_THRESHOLD, legacy_key, legacy_value};
pub use lookup::{Hit, Lookup, MissReason, NegativeHit, Tier, TtlState};
pub use memory::{MemoryCache, MemoryCacheBuilder};
pub use monitor::{
    Advice, AlertLevel, Distribution, Monitor, MonitorReport, Monitored, OperationReport, Severity,
    Thresholds, Timed, Trend,
};
pub use namespaced::Namespaced;
pub use null::NullCache;
pub use outcome::{
    DegradeReason, Health, InvalidationReport, InvalidationStatus, LockState, SetOutcome,
    SkipReason,
};
pub use pattern::{InvalidPattern, Pattern};
#[cfg(feature = "redis")]
pub use redis_cache::{RedisCache, RedisCacheBuilder, RedisConfigError, ServerCounters};
pub use selector::Selector;
pub use stats::{CacheStats, Evictions, TierStats};
use sync::lock;
pub use tiered::{TieredCache, TieredSettings};
pub use time::{Clock, Jitter, SystemClock, ThreadRngJitter, Timestamp};
pub use ttl::{InvalidTtl, Lifetime, Ttl, TtlTable};
pub use value::{Format, Value};

/// Compiles the snippets of the book with the doc tests.
#[cfg(all(doctest, feature = "redis", feature = "semantic"))]
mod book {
    #[doc = include_str!("../../../docs/src/response-cache.md")]
    mod response_cache {}
}
