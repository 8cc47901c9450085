//! Counters of the planner, for reports and for tests.

use std::collections::BTreeMap;

use serde::Serialize;

use super::Reason;

/// What the planner did so far: a snapshot.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PlannerStats {
    /// Caches created.
    pub created: u64,
    /// Creations that failed, by class.
    pub create_failed: BTreeMap<String, u64>,
    /// Caches of other processes taken over.
    pub adopted: u64,
    /// Caches that are live now.
    pub live: u64,
    /// Plans that found a live cache.
    pub lease_hits: u64,
    /// Plans that wanted a cache and found none live.
    pub lease_misses: u64,
    /// Plans that waited for a creation under way.
    pub single_flight_joined: u64,
    /// Expiries moved.
    pub renewed: u64,
    /// Expiries that could not be moved.
    pub renew_failed: u64,
    /// Caches deleted by the planner.
    pub retired: u64,
    /// Caches that expired before anything read them.
    pub expired_unread: u64,
    /// Caches that vanished while in use.
    pub lost: u64,
    /// Requests sent again whole because their cache had vanished.
    pub retried_without_cache: u64,
    /// Replies that named a cache and read nothing from it.
    pub cache_read_zero: u64,
    /// Plans by reason.
    pub plans: BTreeMap<String, u64>,
    /// Plans that went without a cache because of a failure, by reason.
    pub degraded: BTreeMap<String, u64>,
    /// Seconds that creating caches took, all together.
    pub create_seconds: f64,
    /// Prompt tokens of observed replies, cached ones included.
    pub prompt_tokens: u64,
    /// Tokens of observed replies that were read from caches.
    pub cached_tokens_read: u64,
    /// Tokens written into caches.
    pub creation_tokens: u64,
    /// Reply and reasoning tokens of observed replies.
    pub output_tokens: u64,
    /// Observed replies whose prompt had a size within the estimate.
    pub estimate_in_range: u64,
    /// Tokens times hours kept, up to deletion, expiry or now.
    pub storage_token_hours: f64,
    /// What the observed replies and all caches cost, in USD; models without prices are left out.
    pub cost_actual_usd: f64,
    /// What the same replies would have cost without caches, in USD.
    pub cost_raw_usd: f64,
    /// What the caches saved, in USD; negative when they cost more.
    pub savings_usd: f64,
}

impl PlannerStats {
    pub(super) fn count_plan(&mut self, reason: Reason) {
        let name = || reason.as_str().to_owned();
        *self.plans.entry(name()).or_default() += 1;
        if reason.is_failure() {
            *self.degraded.entry(name()).or_default() += 1;
        }
    }

    /// The figures under the names that earlier planners of this kind gave them: `total_caches`,
    /// `active_caches`, `cache_hits`, `cache_misses`, `total_cached_tokens`, `cache_creation_time`
    /// in seconds and `cache_savings_estimate` in USD.
    pub fn under_old_names(&self) -> BTreeMap<&'static str, f64> {
        BTreeMap::from([
            ("total_caches", (self.created + self.adopted) as f64),
            ("active_caches", self.live as f64),
            ("cache_hits", self.lease_hits as f64),
            ("cache_misses", self.lease_misses as f64),
            ("total_cached_tokens", self.cached_tokens_read as f64),
            ("cache_creation_time", self.create_seconds),
            ("cache_savings_estimate", self.savings_usd),
        ])
    }

    /// Share of the prompt tokens that came from caches, 0 to 1.
    pub fn cache_hit_ratio(&self) -> f64 {
        if self.prompt_tokens == 0 {
            return 0.0;
        }
        self.cached_tokens_read as f64 / self.prompt_tokens as f64
    }
}
