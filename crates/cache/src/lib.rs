#![doc = include_str!("../README.md")]

mod ai;
mod cache;
mod entry;
mod frame;
mod key;
mod lookup;
mod memory;
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
    Admission, AiCache, AiCacheBuilder, Answer, CallError, CallOptions, CallStats, Failure, Fresh,
    Inadmissible, Mode, Provenance,
};
pub use cache::{InvalidationListener, ResponseCache, SharedCache};
pub use entry::Entry;
pub use frame::{Compression, FrameCodec, FrameError};
#[cfg(feature = "encryption")]
pub use frame::{EncryptionKey, KeyRing};
pub use key::{CacheKey, KeyRequest, KeySecret};
pub use lookup::{Hit, Lookup, MissReason, NegativeHit, Tier, TtlState};
pub use memory::{MemoryCache, MemoryCacheBuilder};
pub use null::NullCache;
pub use outcome::{
    DegradeReason, Health, InvalidationReport, InvalidationStatus, SetOutcome, SkipReason,
};
pub use pattern::{InvalidPattern, Pattern};
#[cfg(feature = "redis")]
pub use redis_cache::{RedisCache, RedisCacheBuilder, RedisConfigError};
pub use selector::Selector;
pub use stats::{CacheStats, Evictions, TierStats};
use sync::lock;
pub use tiered::{TieredCache, TieredSettings};
pub use time::{Clock, Jitter, SystemClock, ThreadRngJitter, Timestamp};
pub use ttl::{InvalidTtl, Lifetime, Ttl, TtlTable};
pub use value::{Format, Value};
