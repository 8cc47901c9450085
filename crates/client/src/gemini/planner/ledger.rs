//! Live caches, creations under way and failures remembered. Locks are held for map access only.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use serde::Serialize;
use tokio::sync::watch;

use super::{CreateFailure, PlannerStats, PrefixKey};

/// A cache with less than this left is not used any more: it might expire on the way.
const EXPIRY_MARGIN: Duration = Duration::from_secs(10);
/// A minimum stated by the service is believed for a day.
const LEARNT_FOR: Duration = Duration::from_secs(24 * 3600);

/// Local record of a live context cache.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Lease {
    /// The cache's name.
    pub name: String,
    /// The prefix it holds.
    pub key: PrefixKey,
    /// The model that can read it.
    pub model: String,
    /// Its size, as the service counted it.
    pub tokens: u32,
    /// When it was created.
    pub created_at: SystemTime,
    /// When the service deletes it.
    pub expires_at: SystemTime,
}

impl Lease {
    pub(super) fn is_usable(&self, now: SystemTime) -> bool {
        self.expires_at > now + EXPIRY_MARGIN
    }

    pub(super) fn remaining(&self, now: SystemTime) -> Duration {
        self.expires_at.duration_since(now).unwrap_or_default()
    }

    /// Token-hours up to `until`, or up to its expiry if that came first.
    fn token_hours(&self, until: SystemTime) -> f64 {
        let end = until.min(self.expires_at);
        let alive = end.duration_since(self.created_at).unwrap_or_default();
        f64::from(self.tokens) * alive.as_secs_f64() / 3600.0
    }
}

/// The outcome of a creation, as all who wait for it see it.
pub(super) type Outcome = Result<Lease, FlightFailure>;

/// A failed creation.
#[derive(Clone, Debug)]
pub(super) struct FlightFailure {
    pub(super) class: CreateFailure,
    pub(super) text: String,
}

/// A creation under way; `None` until it ends.
pub(super) type Flight = watch::Receiver<Option<Outcome>>;

#[derive(Debug, Default)]
struct State {
    leases: HashMap<PrefixKey, Lease>,
    flights: HashMap<PrefixKey, Flight>,
    renewing: HashMap<PrefixKey, ()>,
    memos: HashMap<PrefixKey, Memo>,
    learnt: HashMap<String, (u32, Instant)>,
    blocked_models: HashMap<String, Instant>,
    backend_blocked: Option<Instant>,
    /// Storage of caches that are no longer live.
    closed_token_hours: f64,
    stats: PlannerStats,
}

#[derive(Debug)]
struct Memo {
    until: Instant,
    failures: u32,
    ambiguous: bool,
}

/// What the planner remembers between plans.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    state: Mutex<State>,
}

/// What a plan finds when it wants a cache.
pub(super) enum Ticket {
    /// One is live.
    Live(Lease),
    /// One is being created.
    Join(Flight),
    /// This plan creates it and tells the others through the sender.
    Lead(watch::Sender<Option<Outcome>>),
}

impl Ledger {
    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is consistent between statements, so a panic elsewhere does not spoil it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn live(&self, key: &PrefixKey, now: SystemTime) -> Option<Lease> {
        let mut state = self.lock();
        let lease = state.leases.get(key)?;
        if lease.is_usable(now) {
            return Some(lease.clone());
        }
        close(&mut state, key, now);
        None
    }

    pub(super) fn ticket(&self, key: &PrefixKey, now: SystemTime) -> Ticket {
        let mut state = self.lock();
        if let Some(lease) = state.leases.get(key).filter(|lease| lease.is_usable(now)) {
            return Ticket::Live(lease.clone());
        }
        if let Some(flight) = state.flights.get(key).cloned() {
            state.stats.single_flight_joined += 1;
            return Ticket::Join(flight);
        }
        let (sender, receiver) = watch::channel(None);
        state.flights.insert(key.clone(), receiver);
        Ticket::Lead(sender)
    }

    /// Ends a creation: the lease or the memo is in place before anyone who waits is told.
    pub(super) fn land(
        &self,
        key: &PrefixKey,
        model: &str,
        outcome: &Outcome,
        now: Instant,
        adopted: bool,
    ) {
        let mut state = self.lock();
        state.flights.remove(key);
        match outcome {
            Ok(lease) => {
                state.memos.remove(key);
                if adopted {
                    state.stats.adopted += 1;
                } else {
                    state.stats.created += 1;
                    state.stats.creation_tokens += u64::from(lease.tokens);
                }
                state.leases.insert(key.clone(), lease.clone());
            }
            Err(failure) => remember(&mut state, key, model, failure.class, now),
        }
    }

    pub(super) fn forget(&self, key: &PrefixKey, name: &str, now: SystemTime) {
        let mut state = self.lock();
        if state
            .leases
            .get(key)
            .is_some_and(|lease| lease.name == name)
        {
            close(&mut state, key, now);
            state.stats.lost += 1;
        }
    }

    pub(super) fn recent_failure(&self, key: &PrefixKey, model: &str, now: Instant) -> bool {
        let state = self.lock();
        state.memos.get(key).is_some_and(|memo| memo.until > now)
            || state
                .blocked_models
                .get(model)
                .is_some_and(|until| *until > now)
    }

    /// True when an earlier creation may have succeeded without our knowing.
    pub(super) fn may_exist(&self, key: &PrefixKey) -> bool {
        self.lock()
            .memos
            .get(key)
            .is_some_and(|memo| memo.ambiguous)
    }

    pub(super) fn backend_supported(&self, now: Instant) -> bool {
        self.lock().backend_blocked.is_none_or(|until| until <= now)
    }

    pub(super) fn learnt_min(&self, model: &str, now: Instant) -> Option<u32> {
        let state = self.lock();
        state
            .learnt
            .get(model)
            .filter(|(_, until)| *until > now)
            .map(|(min, _)| *min)
    }

    /// True for the one caller who is to renew the cache now.
    pub(super) fn begin_renewal(&self, key: &PrefixKey) -> bool {
        self.lock().renewing.insert(key.clone(), ()).is_none()
    }

    pub(super) fn end_renewal(&self, key: &PrefixKey, expires_at: Option<SystemTime>) {
        let mut state = self.lock();
        state.renewing.remove(key);
        match expires_at {
            Some(expires_at) => {
                state.stats.renewed += 1;
                if let Some(lease) = state.leases.get_mut(key) {
                    lease.expires_at = expires_at;
                }
            }
            None => state.stats.renew_failed += 1,
        }
    }

    /// Takes every live cache out, to delete or to keep.
    pub(super) fn drain(&self, now: SystemTime) -> Vec<Lease> {
        let mut state = self.lock();
        let leases: Vec<Lease> = state.leases.values().cloned().collect();
        for lease in &leases {
            close(&mut state, &lease.key, now);
        }
        leases
    }

    pub(super) fn count(&self, update: impl FnOnce(&mut PlannerStats)) {
        update(&mut self.lock().stats);
    }

    pub(super) fn stats(&self, now: SystemTime) -> PlannerStats {
        let state = self.lock();
        let live: f64 = state
            .leases
            .values()
            .map(|lease| lease.token_hours(now))
            .sum();
        let mut stats = state.stats.clone();
        stats.storage_token_hours = state.closed_token_hours + live;
        stats
    }
}

fn close(state: &mut State, key: &PrefixKey, now: SystemTime) {
    if let Some(lease) = state.leases.remove(key) {
        state.closed_token_hours += lease.token_hours(now);
    }
}

fn remember(state: &mut State, key: &PrefixKey, model: &str, class: CreateFailure, now: Instant) {
    *state
        .stats
        .create_failed
        .entry(class.as_str().to_owned())
        .or_default() += 1;
    let failures = state.memos.get(key).map_or(0, |memo| memo.failures) + 1;
    let until = now + class.pause(failures);
    state.memos.insert(
        key.clone(),
        Memo {
            until,
            failures,
            ambiguous: class.is_ambiguous(),
        },
    );
    match class {
        CreateFailure::TooSmall { min, .. } => {
            state
                .learnt
                .insert(model.to_owned(), (min, now + LEARNT_FOR));
        }
        CreateFailure::NoStorage => {
            state.blocked_models.insert(model.to_owned(), until);
        }
        CreateFailure::BackendUnsupported => state.backend_blocked = Some(until),
        _ => {}
    }
}
