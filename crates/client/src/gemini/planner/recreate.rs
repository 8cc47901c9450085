//! A cache that vanished while in use, made anew.

use std::sync::Arc;

use super::{CacheAction, Plan, Planner, Prefix, Reason};

impl Planner {
    /// Makes the cache of a plan anew, if the options say so and it is the planner's; its name.
    pub(super) async fn recreate(&self, plan: &Plan) -> Option<String> {
        let options = &self.inner.options;
        // The rest of a conversation that has outgrown its cache is sent whole.
        let is_ours = plan.is_covered && plan.decision.reason != Reason::CallerOverride;
        if !options.recreate_on_loss || !is_ours {
            return None;
        }
        let CacheAction::FromCache(payload) = &plan.action else {
            return None;
        };
        let shared = Prefix::clone(&payload.fallback.as_ref()?.prefix);
        // The caller may have named it.
        let mut prefix = self
            .prepare(&plan.model, shared)
            .ok()?
            .under(plan.key.clone()?);
        let leases = self.leases();
        let lost = leases.iter().find(|lease| lease.name == payload.cache_name);
        let ttl = lost.map(|lease| lease.ttl).or(plan.decision.ttl);
        prefix.labels = lost.map_or_else(Arc::default, |lease| lease.labels.as_slice().into());
        let ledger = &self.inner.ledger;
        ledger.forget(&prefix.key, &payload.cache_name, self.now().date);
        let ttl = ttl.unwrap_or(options.default_ttl);
        let made = self.ensure(&prefix, ttl, Some(options.create_wait)).await;
        let lease = made.ok()?;
        ledger.note_read(&lease.key, self.now().date);
        Some(lease.name)
    }
}
