//! Context caches: their calls, when they expire, creating them once, and where there are none.

mod calls;
mod expiry;
mod many;
mod once;
mod support;

pub use calls::{Caches, CreateCache, DeleteCache, GetCache, ListCachesCall, UpdateCache};
pub use expiry::{ExpireTimeArg, TtlArg};
pub use many::CreateCaches;
pub(super) use once::Made;
pub use support::{CacheSupport, CheckCacheSupport, Creation, NoCache};
