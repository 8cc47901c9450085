//! Takes records in constant time. A record holds a lock for some tens of nanoseconds; a report
//! copies under it and computes outside.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::alerts::Thresholds;
use super::histogram::Histogram;
use super::window::Window;
use crate::lock;
use crate::lookup::{Lookup, MissReason, Tier};
use crate::outcome::{InvalidationReport, SetOutcome};
use crate::selector::Selector;
use crate::time::{Clock, SystemClock, Timestamp};

/// Operations told apart; the rest are one.
const OPERATIONS: usize = 64;

/// The name of the rest.
pub(super) const OTHER: &str = "other";

/// Events kept one by one.
const EVENTS: usize = 1_000;

/// What was timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Timed {
    /// Reading.
    Get,
    /// Writing.
    Set,
    /// Deleting.
    Delete,
    /// Making a key.
    Key,
    /// Computing an answer.
    Compute,
}

impl Timed {
    /// The name used in metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Set => "set",
            Self::Delete => "delete",
            Self::Key => "key",
            Self::Compute => "compute",
        }
    }
}

/// Collects what a cache does. Cloning gives another handle to the same records.
///
/// ```
/// use gimmal_cache::{Monitor, Timed};
/// use std::time::Duration;
///
/// let monitor = Monitor::new();
/// monitor.record_time(Timed::Compute, "qa", Duration::from_millis(900));
/// assert_eq!(monitor.report().operations["qa"].times["compute"].count, 1);
/// ```
#[derive(Clone, Debug)]
pub struct Monitor(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Arc<dyn Clock>,
    thresholds: Thresholds,
    retention: Duration,
    state: Mutex<State>,
}

#[derive(Clone, Debug)]
pub(super) struct State {
    pub(super) totals: Totals,
    pub(super) operations: BTreeMap<String, Operation>,
    /// Everything by minute, for the trend.
    pub(super) minutes: Window<Slot>,
    pub(super) invalidations: Window<Invalidated>,
    pub(super) slow: VecDeque<SlowEvent>,
    pub(super) invalidated: VecDeque<InvalidationEvent>,
}

/// Counters that are never forgotten but by a reset.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Totals {
    pub(super) hits: u64,
    pub(super) misses: u64,
    pub(super) stale: u64,
    pub(super) sets: u64,
    pub(super) deletes: u64,
    pub(super) degraded: u64,
    pub(super) corrupt: u64,
    pub(super) value_bytes: u64,
    pub(super) stored_bytes: u64,
    pub(super) packed: u64,
    pub(super) invalidations: u64,
    pub(super) invalidated_keys: u64,
    pub(super) slow: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) results: BTreeMap<(&'static str, &'static str, &'static str), u64>,
    pub(super) times: Window<BTreeMap<Timed, Histogram>>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Slot {
    pub(super) hits: u64,
    pub(super) misses: u64,
    pub(super) times: Histogram,
    pub(super) bytes: Option<u64>,
    pub(super) entries: Option<u64>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Invalidated {
    pub(super) count: u64,
    pub(super) keys: u64,
}

/// Something that took long.
#[derive(Clone, Debug)]
pub(super) struct SlowEvent {
    pub(super) what: Timed,
    pub(super) operation: String,
    pub(super) duration: Duration,
    pub(super) at: Timestamp,
}

/// Something that was invalidated.
#[derive(Clone, Debug)]
pub(super) struct InvalidationEvent {
    pub(super) kind: &'static str,
    pub(super) pattern: String,
    pub(super) context: String,
    pub(super) keys: u64,
    pub(super) duration: Duration,
    pub(super) at: Timestamp,
}

impl Default for Monitor {
    fn default() -> Self {
        Self::new()
    }
}

impl Monitor {
    /// A monitor that keeps an hour, with the default thresholds.
    #[must_use]
    pub fn new() -> Self {
        let hour = Duration::from_secs(3_600);
        Self::with_settings(Thresholds::default(), hour, Arc::new(SystemClock))
    }

    /// A monitor with thresholds of its own, which keeps distributions and events of the time
    /// `retention` and goes by `clock`.
    #[must_use]
    pub fn with_settings(
        thresholds: Thresholds,
        retention: Duration,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let state = State::new(clock.now(), retention);
        Self(Arc::new(Inner {
            clock,
            thresholds,
            retention,
            state: Mutex::new(state),
        }))
    }

    /// Records how long something took.
    pub fn record_time(&self, what: Timed, operation: &str, duration: Duration) {
        let now = self.0.clock.now();
        let mut state = lock(&self.0.state);
        let limit = match what {
            Timed::Key => self.0.thresholds.slow_key,
            Timed::Compute => Duration::MAX,
            _ => self.0.thresholds.slow_operation,
        };
        if duration > limit {
            state.totals.slow += 1;
            let at = self.0.clock.timestamp();
            let operation = operation.to_owned();
            push(
                &mut state.slow,
                SlowEvent {
                    what,
                    operation,
                    duration,
                    at,
                },
            );
            tracing::warn!(what = what.as_str(), ?duration, "the cache is slow");
        }
        let retention = self.0.retention;
        let operation = state.operation(operation, now, retention);
        let times = operation.times.at(now);
        times.entry(what).or_default().record(duration);
        if matches!(what, Timed::Get | Timed::Set | Timed::Delete) {
            state.minutes.at(now).times.record(duration);
        }
    }

    /// Records what a read found.
    pub fn record_lookup(&self, operation: &str, lookup: &Lookup) {
        let now = self.0.clock.now();
        let mut state = lock(&self.0.state);
        let (is_hit, tier, result, reason) = match lookup {
            Lookup::Hit(hit) if hit.stale => (true, hit.tier.as_str(), "stale", ""),
            Lookup::Hit(hit) => (true, hit.tier.as_str(), "hit", ""),
            Lookup::Negative(_) => (true, Tier::L1.as_str(), "negative", ""),
            Lookup::Miss(reason) => (false, "", "miss", reason.as_str()),
        };
        let totals = &mut state.totals;
        totals.stale += u64::from(result == "stale");
        let corrupt = [MissReason::Corrupt, MissReason::KeyMismatch];
        totals.corrupt += u64::from(corrupt.iter().any(|it| it.as_str() == reason));
        if is_hit {
            totals.hits += 1;
            state.minutes.at(now).hits += 1;
        } else {
            totals.misses += 1;
            state.minutes.at(now).misses += 1;
        }
        let retention = self.0.retention;
        let results = &mut state.operation(operation, now, retention).results;
        *results.entry((tier, result, reason)).or_default() += 1;
    }

    /// Records what became of a write.
    pub fn record_set(&self, outcome: &SetOutcome) {
        let totals = &mut lock(&self.0.state).totals;
        totals.sets += 1;
        totals.degraded += u64::from(matches!(outcome, SetOutcome::Degraded(_)));
    }

    /// Records a delete.
    pub fn record_delete(&self) {
        lock(&self.0.state).totals.deletes += 1;
    }

    /// Records that a value of `original` bytes was stored in `stored` bytes.
    pub fn record_compression(&self, original: u64, stored: u64) {
        self.record_packed(1, original, stored);
    }

    /// Records that so many values of `original` bytes together were stored in `stored` bytes.
    pub(super) fn record_packed(&self, count: u64, original: u64, stored: u64) {
        let totals = &mut lock(&self.0.state).totals;
        totals.packed += count;
        totals.value_bytes += original;
        totals.stored_bytes += stored;
    }

    /// Records how much the cache holds.
    pub fn record_size(&self, entries: u64, bytes: u64) {
        let now = self.0.clock.now();
        let mut state = lock(&self.0.state);
        let slot = state.minutes.at(now);
        (slot.entries, slot.bytes) = (Some(entries), Some(bytes));
    }

    /// Records an invalidation and why it was done.
    pub fn record_invalidation(
        &self,
        selector: &Selector,
        context: &str,
        report: &InvalidationReport,
    ) {
        let (now, at) = (self.0.clock.now(), self.0.clock.timestamp());
        let keys = report.removed();
        let mut state = lock(&self.0.state);
        state.totals.invalidations += 1;
        state.totals.invalidated_keys += keys;
        let slot = state.invalidations.at(now);
        slot.count += 1;
        slot.keys += keys;
        let event = InvalidationEvent {
            kind: selector.kind(),
            pattern: format!("{selector:?}"),
            context: context.to_owned(),
            keys,
            duration: report.duration,
            at,
        };
        push(&mut state.invalidated, event);
    }

    /// Forgets everything.
    pub fn reset(&self) {
        *lock(&self.0.state) = State::new(self.0.clock.now(), self.0.retention);
    }

    /// The thresholds of alerts.
    pub fn thresholds(&self) -> Thresholds {
        self.0.thresholds
    }

    pub(super) fn snapshot(&self) -> State {
        lock(&self.0.state).clone()
    }

    pub(super) fn clock(&self) -> &dyn Clock {
        &*self.0.clock
    }

    pub(super) fn retention(&self) -> Duration {
        self.0.retention
    }
}

impl State {
    fn new(now: Instant, retention: Duration) -> Self {
        Self {
            totals: Totals::default(),
            operations: BTreeMap::new(),
            minutes: Window::new(now, retention),
            invalidations: Window::new(now, retention),
            slow: VecDeque::new(),
            invalidated: VecDeque::new(),
        }
    }

    fn operation(&mut self, name: &str, now: Instant, retention: Duration) -> &mut Operation {
        let is_known = self.operations.contains_key(name);
        let name = match is_known || self.operations.len() < OPERATIONS {
            true => name,
            false => OTHER,
        };
        let new = || Operation {
            results: BTreeMap::new(),
            times: Window::new(now, retention),
        };
        self.operations.entry(name.to_owned()).or_insert_with(new)
    }
}

fn push<T>(events: &mut VecDeque<T>, event: T) {
    if events.len() == EVENTS {
        events.pop_front();
    }
    events.push_back(event);
}
