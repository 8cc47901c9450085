//! A cache that keeps nothing, for deployments that switch caching off.

use std::time::Duration;

use crate::cache::ResponseCache;
use crate::entry::Entry;
use crate::key::CacheKey;
use crate::lookup::{Lookup, MissReason, TtlState};
use crate::outcome::{Health, InvalidationReport, SetOutcome, SkipReason};
use crate::selector::Selector;
use crate::stats::CacheStats;

/// Answers every read with a miss and stores nothing.
///
/// ```
/// use gimmal_cache::{KeyRequest, Lookup, MissReason, NullCache, ResponseCache};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let lookup = NullCache.get(&KeyRequest::new("qa").key()).await;
/// assert_eq!(lookup, Lookup::Miss(MissReason::Bypassed));
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct NullCache;

impl ResponseCache for NullCache {
    async fn get(&self, _: &CacheKey) -> Lookup {
        Lookup::Miss(MissReason::Bypassed)
    }

    async fn set(&self, _: &CacheKey, _: Entry) -> SetOutcome {
        SetOutcome::Skipped(SkipReason::Disabled)
    }

    async fn delete(&self, _: &CacheKey) -> bool {
        false
    }

    async fn exists(&self, _: &CacheKey) -> bool {
        false
    }

    async fn ttl(&self, _: &CacheKey) -> TtlState {
        TtlState::Missing
    }

    async fn invalidate(&self, _: &Selector) -> InvalidationReport {
        InvalidationReport::of_memory(0, Duration::ZERO)
    }

    async fn stats(&self) -> CacheStats {
        CacheStats::default()
    }

    async fn health(&self) -> Health {
        Health::Healthy
    }
}
