//! What a monitor has seen, summed up. It is computed from a copy, so no record waits for it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::alerts::AlertLevel;
use super::histogram::Histogram;
use super::recorder::{Monitor, Operation, Slot, State, Timed};

/// A summary of what a [`Monitor`] has seen.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct MonitorReport {
    /// Reads that were answered.
    pub hits: u64,
    /// Reads that were not.
    pub misses: u64,
    /// Reads that were answered past freshness; they are hits too.
    pub stale: u64,
    /// Writes.
    pub sets: u64,
    /// Deletes.
    pub deletes: u64,
    /// Writes that the shared store did not take.
    pub degraded: u64,
    /// Entries that could not be trusted.
    pub corrupt: u64,
    /// Records slower than the threshold.
    pub slow: u64,
    /// Invalidations, in all.
    pub invalidations: u64,
    /// Entries that they removed, as far as they were counted.
    pub invalidated_keys: u64,
    /// Invalidations in the time kept.
    pub recent_invalidations: u64,
    /// Entries held, as last recorded.
    pub entries: u64,
    /// Bytes held, as last recorded.
    pub bytes: u64,
    /// Bytes before compression over all that was stored.
    pub bytes_in: u64,
    /// Bytes after compression.
    pub bytes_out: u64,
    /// Whether the bytes held are a reason to look.
    pub memory_alert: AlertLevel,
    /// Whether the recent invalidations are a reason to look.
    pub invalidation_alert: AlertLevel,
    /// How the last ten minutes compare with the fifty before.
    pub trends: BTreeMap<&'static str, Trend>,
    /// What was seen of each operation; from the 65th on they share the name `other`.
    pub operations: BTreeMap<String, OperationReport>,
}

/// What was seen of one operation in the time kept.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct OperationReport {
    /// Reads that were answered, in all.
    pub hits: u64,
    /// Reads that were not.
    pub misses: u64,
    /// How long things took, by what was timed.
    pub times: BTreeMap<&'static str, Distribution>,
}

impl OperationReport {
    /// The share of reads that were answered, from 0 to 1.
    #[must_use]
    pub fn hit_ratio(&self) -> f64 {
        ratio(self.hits, self.misses)
    }
}

/// How long something took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Distribution {
    /// How often it was timed.
    pub count: u64,
    /// The mean in seconds.
    pub mean_seconds: f64,
    /// The shortest in seconds.
    pub min_seconds: f64,
    /// The longest in seconds.
    pub max_seconds: f64,
    /// Half took at most so many seconds.
    pub p50_seconds: f64,
    /// 95 % took at most so many seconds.
    pub p95_seconds: f64,
    /// 99 % took at most so many seconds.
    pub p99_seconds: f64,
}

/// Where a number is going; better or worse by more than 10 % is a trend.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum Trend {
    /// For the better.
    Improving,
    /// Nowhere, or too little is known.
    #[default]
    Steady,
    /// For the worse.
    Worsening,
}

impl MonitorReport {
    /// The share of reads that were answered, from 0 to 1; writes do not count.
    #[must_use]
    pub fn hit_ratio(&self) -> f64 {
        ratio(self.hits, self.misses)
    }

    /// Reads and writes.
    #[must_use]
    pub fn total_operations(&self) -> u64 {
        self.hits + self.misses + self.sets
    }
}

impl Monitor {
    /// What was seen until now.
    #[must_use]
    pub fn report(&self) -> MonitorReport {
        let state = self.snapshot();
        let now = self.clock().now();
        let totals = state.totals;
        let recent = state.invalidations.recent(now);
        let recent_invalidations = recent.map(|(_, slot)| slot.count).sum();
        let mut sizes: Vec<_> = state
            .minutes
            .recent(now)
            .filter_map(|(age, slot)| Some((age, slot.entries?, slot.bytes?)))
            .collect();
        sizes.sort_unstable();
        let (_, entries, bytes) = sizes.first().copied().unwrap_or_default();
        MonitorReport {
            hits: totals.hits,
            misses: totals.misses,
            stale: totals.stale,
            sets: totals.sets,
            deletes: totals.deletes,
            degraded: totals.degraded,
            corrupt: totals.corrupt,
            slow: totals.slow,
            invalidations: totals.invalidations,
            invalidated_keys: totals.invalidated_keys,
            recent_invalidations,
            entries,
            bytes,
            bytes_in: totals.value_bytes,
            bytes_out: totals.stored_bytes,
            memory_alert: self.thresholds().of_bytes(bytes),
            invalidation_alert: self.thresholds().of_invalidations(recent_invalidations),
            trends: trends(&state, now),
            operations: state
                .operations
                .iter()
                .map(|(name, operation)| (name.clone(), summary(operation, now)))
                .collect(),
        }
    }
}

impl From<&Histogram> for Distribution {
    fn from(histogram: &Histogram) -> Self {
        Self {
            count: histogram.count,
            mean_seconds: histogram.mean().as_secs_f64(),
            min_seconds: histogram.min.as_secs_f64(),
            max_seconds: histogram.max.as_secs_f64(),
            p50_seconds: histogram.percentile(0.5).as_secs_f64(),
            p95_seconds: histogram.percentile(0.95).as_secs_f64(),
            p99_seconds: histogram.percentile(0.99).as_secs_f64(),
        }
    }
}

fn summary(operation: &Operation, now: std::time::Instant) -> OperationReport {
    let mut times: BTreeMap<Timed, Histogram> = BTreeMap::new();
    for (_, slot) in operation.times.recent(now) {
        for (what, histogram) in slot {
            times.entry(*what).or_default().merge(histogram);
        }
    }
    let (mut hits, mut misses) = (0, 0);
    for ((_, result, _), count) in &operation.results {
        match *result {
            "miss" => misses += count,
            _ => hits += count,
        }
    }
    OperationReport {
        hits,
        misses,
        times: times
            .iter()
            .map(|(what, histogram)| (what.as_str(), histogram.into()))
            .collect(),
    }
}

/// The last sixth of the window against the rest.
fn trends(state: &State, now: std::time::Instant) -> BTreeMap<&'static str, Trend> {
    let (mut new, mut old) = (Slot::default(), Slot::default());
    for (age, slot) in state.minutes.recent(now) {
        let sum = if age < 10 { &mut new } else { &mut old };
        sum.hits += slot.hits;
        sum.misses += slot.misses;
        sum.times.merge(&slot.times);
        sum.bytes = sum.bytes.max(slot.bytes);
    }
    let p95 = |slot: &Slot| -> Option<f64> {
        let slow: Duration = slot.times.percentile(0.95);
        (slot.times.count > 0).then_some(slow.as_secs_f64())
    };
    let hits = |slot: &Slot| {
        let is_known = slot.hits + slot.misses > 0;
        is_known.then(|| ratio(slot.hits, slot.misses))
    };
    let bytes = |slot: &Slot| slot.bytes.map(|bytes| bytes as f64);
    BTreeMap::from([
        ("p95_latency", rising(p95(&old), p95(&new)).reversed()),
        ("hit_ratio", rising(hits(&old), hits(&new))),
        ("bytes", rising(bytes(&old), bytes(&new)).reversed()),
    ])
}

/// More is better.
fn rising(old: Option<f64>, new: Option<f64>) -> Trend {
    match (old, new) {
        (Some(old), Some(new)) if new > old * 1.1 => Trend::Improving,
        (Some(old), Some(new)) if new < old * 0.9 => Trend::Worsening,
        _ => Trend::Steady,
    }
}

impl Trend {
    fn reversed(self) -> Self {
        match self {
            Self::Improving => Self::Worsening,
            Self::Steady => Self::Steady,
            Self::Worsening => Self::Improving,
        }
    }
}

fn ratio(hits: u64, misses: u64) -> f64 {
    match hits + misses {
        0 => 0.0,
        reads => hits as f64 / reads as f64,
    }
}
