//! From a verdict to a plan: pure assembly of action, decision and numbers.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::ledger::FlightFailure;
use super::{
    CacheAction, CacheDecision, ExplicitCachePayload, Lease, PartsPayload, Plan, PreparedPrefix,
    Reason, TokenEstimate,
};

/// What was known when the verdict fell, as far as a decision records it.
pub(super) struct DraftFacts {
    pub(super) floor: Option<u32>,
    pub(super) conf_cut: f32,
    pub(super) first_turn: bool,
    pub(super) planned_at: SystemTime,
}

/// A plan but for its action.
pub(super) struct Draft<'a> {
    pub(super) prefix: &'a PreparedPrefix,
    pub(super) payload: &'a PartsPayload,
    pub(super) estimate: TokenEstimate,
    pub(super) tail_estimate: TokenEstimate,
    pub(super) facts: DraftFacts,
}

impl Draft<'_> {
    pub(super) fn send(self, optimized: bool, reason: Reason, saving_usd: Option<f64>) -> Plan {
        let payload = self.payload.clone();
        let action = if optimized {
            CacheAction::Optimized(payload)
        } else {
            CacheAction::Raw(payload)
        };
        self.plan(action, reason, saving_usd)
    }

    pub(super) fn cached(
        self,
        cache_name: String,
        reason: Reason,
        saving_usd: Option<f64>,
        ttl: Option<Duration>,
    ) -> Plan {
        let payload = ExplicitCachePayload {
            cache_name,
            contents: Arc::clone(&self.payload.tail),
            fallback: Some(self.payload.clone()),
        };
        let mut plan = self.plan(CacheAction::FromCache(payload), reason, saving_usd);
        plan.decision.attempt = true;
        plan.decision.ttl = ttl;
        plan
    }

    /// Reads from a cache that holds the first `turns` of the prefix only.
    pub(super) fn cached_beginning(self, lease: Lease, turns: usize) -> Plan {
        let rest = self.payload.prefix.contents[turns..].iter();
        let rest = rest.chain(self.payload.tail.iter()).cloned();
        let payload = ExplicitCachePayload {
            cache_name: lease.name,
            contents: rest.collect(),
            fallback: Some(self.payload.clone()),
        };
        let mut plan = self.plan(CacheAction::FromCache(payload), Reason::LeaseHit, None);
        plan.decision.attempt = true;
        plan.key = Some(lease.key);
        plan.is_covered = false;
        plan
    }

    pub(super) fn failed(self, failure: &FlightFailure) -> Plan {
        let text = failure.text.clone();
        let mut plan = self.send(false, Reason::CreationFailed, None);
        plan.decision.attempt = true;
        plan.decision.failure = Some(text);
        plan
    }

    fn plan(self, action: CacheAction, reason: Reason, saving_usd: Option<f64>) -> Plan {
        Plan {
            model: self.prefix.model.to_string(),
            action,
            decision: CacheDecision {
                attempt: false,
                reason,
                floor: self.facts.floor,
                estimate: self.estimate,
                conf_cut: self.facts.conf_cut,
                first_turn: self.facts.first_turn,
                expected_saving_usd: saving_usd,
                ttl: None,
                failure: None,
            },
            key: (!self.payload.prefix.is_empty()).then(|| self.prefix.key.clone()),
            estimate: TokenEstimate::total([self.estimate, self.tail_estimate]),
            planned_at: self.facts.planned_at,
            line: (!self.payload.prefix.is_empty()).then(|| self.prefix.line().clone()),
            is_covered: true,
        }
    }
}
