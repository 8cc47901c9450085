//! Counters of the planner, for reports and for tests.

use std::collections::BTreeMap;

use serde::Serialize;

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
    /// Plans that found a live cache.
    pub lease_hits: u64,
    /// Plans that waited for a creation under way.
    pub single_flight_joined: u64,
    /// Expiries moved.
    pub renewed: u64,
    /// Expiries that could not be moved.
    pub renew_failed: u64,
    /// Caches deleted by the planner.
    pub retired: u64,
    /// Caches that vanished while in use.
    pub lost: u64,
    /// Requests sent again whole because their cache had vanished.
    pub retried_without_cache: u64,
    /// Replies that named a cache and read nothing from it.
    pub cache_read_zero: u64,
    /// Plans by reason.
    pub plans: BTreeMap<String, u64>,
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
    /// Share of the prompt tokens that came from caches, 0 to 1.
    pub fn cache_hit_ratio(&self) -> f64 {
        if self.prompt_tokens == 0 {
            return 0.0;
        }
        self.cached_tokens_read as f64 / self.prompt_tokens as f64
    }
}
