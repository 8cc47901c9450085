//! How long what is computed now will live: the table of operations, spread by chance, plus the time
//! it may be stale. It reads no clock.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::Failure;
use crate::entry::Entry;
use crate::time::{Jitter, Timestamp};
use crate::ttl::{Lifetime, Ttl, TtlTable};

/// The rules, and the chance they use.
#[derive(Clone, Debug)]
pub(super) struct Lifetimes {
    pub(super) table: TtlTable,
    /// Share of a lifetime by which it may be longer or shorter.
    pub(super) spread: f64,
    pub(super) stale: Duration,
    /// Statuses that are remembered, and for how long.
    pub(super) negative: BTreeMap<u16, Duration>,
    /// How eagerly answers are computed anew before they are stale; zero is never.
    pub(super) early_refresh: f64,
    pub(super) jitter: Arc<dyn Jitter>,
}

impl Lifetimes {
    pub(super) fn new(jitter: Arc<dyn Jitter>) -> Self {
        let half_minute = Duration::from_secs(30);
        Self {
            table: TtlTable::default(),
            spread: 0.1,
            stale: Duration::ZERO,
            negative: BTreeMap::from([
                (400, half_minute),
                (404, half_minute),
                (Failure::<()>::BLOCKED, 2 * half_minute),
            ]),
            early_refresh: 1.0,
            jitter,
        }
    }

    /// Gives an answer that is stored at `now` its times.
    pub(super) fn apply(
        &self,
        entry: Entry,
        operation: &str,
        wish: (Lifetime, Option<Duration>),
        now: Timestamp,
    ) -> Entry {
        let (lifetime, stale) = wish;
        let Some(ttl) = self.table.resolve(operation, lifetime) else {
            return entry;
        };
        let ttl = match lifetime {
            Lifetime::OfOperation => self.spread(ttl),
            _ => ttl.as_duration(),
        };
        let fresh = now.plus(ttl);
        let expires = fresh.plus(stale.unwrap_or(self.stale));
        entry.with_expiry(Some(fresh), Some(expires))
    }

    /// A little more or less, so that what was stored together does not expire together.
    fn spread(&self, ttl: Ttl) -> Duration {
        let share = self.spread * (2.0 * self.jitter.fraction() - 1.0);
        let ttl = ttl.as_duration().mul_f64((1.0 + share).max(0.0));
        ttl.clamp(Ttl::MIN.as_duration(), Ttl::MAX.as_duration())
    }

    /// What to remember of a failure, if anything.
    pub(super) fn remember<E>(&self, failure: &Failure<E>, now: Timestamp) -> Option<Entry> {
        let status = failure.status?;
        let ttl = self.negative.get(&status)?;
        Some(Entry::new_negative(status, now).with_ttl(*ttl))
    }

    /// Whether to compute a fresh answer anew already. The nearer its end and the longer it took,
    /// the likelier, so that of many readers one does it in time (Vattani, Chierichetti and
    /// Lowenstein, "Optimal Probabilistic Cache Stampede Prevention", 2015).
    pub(super) fn is_due_early(&self, entry: &Entry, now: Timestamp) -> bool {
        let (Some(fresh), true) = (entry.fresh_until(), self.early_refresh > 0.0) else {
            return false;
        };
        // From (0, 1], so that the logarithm is finite.
        let chance = 1.0 - self.jitter.fraction();
        let ahead = entry.compute().as_secs_f64() * self.early_refresh * -chance.ln();
        now.plus(Duration::try_from_secs_f64(ahead).unwrap_or(Duration::MAX)) >= fresh
    }
}
