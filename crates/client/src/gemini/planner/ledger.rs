//! Live caches, creations under way and failures remembered. Locks are held for map access only.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use gimmal_transport::Error;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::cost::storage_usd_per_hour;
use super::events::{Events, Happening, PlannerEvent};
use super::line::{Line, LineFacts};
use super::reads::{CacheReads, KeptCache};
use super::{Bill, CreateFailure, KeptCaches, PlannerStats, PrefixKey, Price};

/// A cache with less than this left is not used any more: it might expire on the way.
const EXPIRY_MARGIN: Duration = Duration::from_secs(10);
/// A minimum stated by the service is believed for a day.
const LEARNT_FOR: Duration = Duration::from_secs(24 * 3600);
/// How long a failed creation counts into the next pause, after its own pause has ended.
const FAILURES_FADE_AFTER: Duration = Duration::from_secs(3600);
/// Prefixes whose exact size is remembered; beyond it all are forgotten.
const MOST_COUNTS: usize = 10_000;
/// No estimate of a text is taken to be further off than this many times.
const MOST_OFF: f64 = 4.0;
/// Lines remembered at most.
const MOST_LINES: usize = 10_000;
/// A line that nobody reads for so long makes room for others.
const LINE_FADES_AFTER: Duration = Duration::from_secs(24 * 3600);
/// A renewal is not tried again for so long, whether it failed or never reported back.
const RENEWAL_PAUSE: Duration = Duration::from_secs(30);

/// Local record of a live context cache.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
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
    /// How long it was to live when it was created, which is also how long a renewal asks for.
    pub ttl: Duration,
    /// When it was created, on the local clock.
    pub created_at: SystemTime,
    /// When the service deletes it, on the local clock.
    pub expires_at: SystemTime,
    /// When the first uploaded file that it holds is deleted; it is not renewed beyond that.
    #[serde(default)]
    pub files_end: Option<SystemTime>,
    /// What the caller wrote on it; the planner does not read it.
    #[serde(default)]
    pub labels: Vec<String>,
}

impl Lease {
    pub(super) fn is_usable(&self, now: SystemTime) -> bool {
        self.remaining(now) > EXPIRY_MARGIN
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
    /// What the service or the connection said, if it came that far.
    pub(super) error: Option<Error>,
}

impl FlightFailure {
    pub(super) fn unavailable(text: impl Into<String>) -> Self {
        Self {
            class: CreateFailure::Unavailable,
            text: text.into(),
            error: None,
        }
    }
}

/// A creation under way; `None` until it ends.
pub(super) type Flight = watch::Receiver<Option<Outcome>>;

/// The two clocks at one moment: dates for what the service says, instants for pauses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    pub(super) date: SystemTime,
    pub(super) instant: Instant,
}

#[derive(Debug, Default)]
struct State {
    leases: HashMap<PrefixKey, Lease>,
    /// How the live caches were read.
    reads: HashMap<PrefixKey, CacheReads>,
    flights: HashMap<PrefixKey, Flight>,
    /// Renewals by cache name, each with the time before which none is begun again.
    renewals: HashMap<String, Instant>,
    memos: HashMap<PrefixKey, Memo>,
    /// Counted tokens to estimated ones, of texts by model.
    calibration: HashMap<String, f64>,
    /// Exact sizes, counted by the service.
    counts: HashMap<PrefixKey, u32>,
    learnt: HashMap<String, (u32, Instant)>,
    lines: HashMap<PrefixKey, Line>,
    blocked_models: HashMap<String, Instant>,
    backend_blocked: Option<Instant>,
    /// Times the planner was closed: what an earlier time began belongs to nobody.
    closings: u64,
    /// Storage of caches that are no longer live, in token-hours by model.
    closed_token_hours: HashMap<String, f64>,
    /// What replies and creations cost; storage is added when somebody asks.
    bill: Bill,
    stats: PlannerStats,
    events: Events,
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
    Lead(watch::Sender<Option<Outcome>>, Leadership),
    /// Creating it failed since the plan was made.
    Failed,
}

/// The right to land one creation.
#[derive(Debug)]
pub(super) struct Leadership {
    closings: u64,
}

/// What becomes of a creation that has landed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Landing {
    Kept,
    /// The planner was closed meanwhile, so nobody will delete the cache later.
    Orphaned,
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
        expire(&mut state, key, now);
        None
    }

    /// Notes that a request reads a cache.
    pub(super) fn note_read(&self, key: &PrefixKey, now: SystemTime) {
        self.lock().reads.entry(key.clone()).or_default().read(now);
    }

    /// How a cache was read.
    pub(super) fn reads(&self, key: &PrefixKey) -> CacheReads {
        self.lock().reads.get(key).copied().unwrap_or_default()
    }

    /// The live caches, and how they were read.
    pub(super) fn kept_caches(&self) -> Vec<KeptCache> {
        let state = self.lock();
        let reads = |lease: &Lease| state.reads.get(&lease.key).copied().unwrap_or_default();
        let kept = state.leases.values().map(|lease| KeptCache {
            reads: reads(lease),
            lease: lease.clone(),
        });
        kept.collect()
    }

    pub(super) fn events(&self) -> Vec<PlannerEvent> {
        self.lock().events.to_vec()
    }

    /// Counts a cache that the planner deleted.
    pub(super) fn retired(&self, name: &str, now: SystemTime) {
        let mut state = self.lock();
        state.stats.retired += 1;
        let name = name.to_owned();
        state.events.note(now, Happening::Retired { name });
    }

    /// The live cache that holds most of a prefix, and how many of its turns.
    pub(super) fn longest(&self, keys: &[PrefixKey], now: SystemTime) -> Option<(Lease, usize)> {
        let longest_first = keys.iter().enumerate().rev();
        let mut live = longest_first.filter_map(|(turns, key)| Some((self.live(key, now)?, turns)));
        live.next()
    }

    /// Takes out the caches of these prefixes.
    pub(super) fn take_out(&self, keys: &[PrefixKey], now: SystemTime) -> Vec<Lease> {
        let mut state = self.lock();
        let leases = keys.iter().filter_map(|key| state.leases.get(key).cloned());
        let leases: Vec<Lease> = leases.collect();
        for lease in &leases {
            close(&mut state, &lease.key, now);
        }
        leases
    }

    pub(super) fn ticket(&self, key: &PrefixKey, model: &str, now: Now) -> Ticket {
        let mut state = self.lock();
        let lease = state.leases.get(key);
        if let Some(lease) = lease.filter(|lease| lease.is_usable(now.date)).cloned() {
            state.stats.lease_hits += 1;
            return Ticket::Live(lease);
        }
        state.stats.lease_misses += 1;
        if let Some(flight) = state.flights.get(key).cloned() {
            if is_under_way(&flight) {
                state.stats.single_flight_joined += 1;
                return Ticket::Join(flight);
            }
            // Cut off without a word: what it asked for may exist.
            let memo = Memo {
                until: now.instant,
                failures: 0,
                ambiguous: true,
            };
            state.memos.insert(key.clone(), memo);
        }
        if failed_recently(&state, key, model, now.instant) {
            return Ticket::Failed;
        }
        let (sender, receiver) = watch::channel(None);
        state.flights.insert(key.clone(), receiver);
        let closings = state.closings;
        Ticket::Lead(sender, Leadership { closings })
    }

    /// Ends a creation: the lease or the memo is in place before anyone who waits is told.
    pub(super) fn land(
        &self,
        key: &PrefixKey,
        model: &str,
        outcome: &Outcome,
        leadership: &Leadership,
        adopted: bool,
        now: Now,
    ) -> Landing {
        let mut state = self.lock();
        let counter = match outcome {
            Ok(_) if adopted => &mut state.stats.adopted,
            Ok(_) => &mut state.stats.created,
            Err(failure) => {
                let class = failure.class.as_str().to_owned();
                state.stats.create_failed.entry(class).or_default()
            }
        };
        *counter += 1;
        match outcome {
            Ok(lease) if adopted => {
                let name = lease.name.clone();
                state.events.note(now.date, Happening::Adopted { name });
            }
            Ok(lease) => {
                state.stats.creation_tokens += u64::from(lease.tokens);
                let created = Happening::Created {
                    name: lease.name.clone(),
                    tokens: lease.tokens,
                    expires_at: lease.expires_at,
                };
                state.events.note(now.date, created);
            }
            Err(failure) => state
                .events
                .note_failure(now.date, failure.class, &failure.text),
        }
        if leadership.closings != state.closings {
            return Landing::Orphaned;
        }
        state.flights.remove(key);
        forget_the_past(&mut state, now);
        match outcome {
            Ok(lease) => {
                state.memos.remove(key);
                state.leases.insert(key.clone(), lease.clone());
            }
            Err(failure) => remember(&mut state, key, model, failure.class, now),
        }
        Landing::Kept
    }

    /// Drops a cache that is gone, unless another one took its place.
    pub(super) fn forget(&self, key: &PrefixKey, name: &str, now: SystemTime) {
        let mut state = self.lock();
        let held = state.leases.get(key);
        if held.is_some_and(|lease| lease.name == name) {
            close(&mut state, key, now);
            state.stats.lost += 1;
            let name = name.to_owned();
            state.events.note(now, Happening::Lost { name });
        }
    }

    pub(super) fn recent_failure(&self, key: &PrefixKey, model: &str, now: Instant) -> bool {
        failed_recently(&self.lock(), key, model, now)
    }

    /// True when an earlier creation may have succeeded without our knowing.
    pub(super) fn may_exist(&self, key: &PrefixKey) -> bool {
        let state = self.lock();
        state.memos.get(key).is_some_and(|memo| memo.ambiguous)
    }

    pub(super) fn backend_supported(&self, now: Instant) -> bool {
        self.lock().backend_blocked.is_none_or(|until| until <= now)
    }

    pub(super) fn learnt_min(&self, model: &str, now: Instant) -> Option<u32> {
        let state = self.lock();
        let (min, until) = state.learnt.get(model)?;
        (*until > now).then_some(*min)
    }

    /// The exact size of a prefix, where the service has counted it before.
    pub(super) fn counted(&self, key: &PrefixKey) -> Option<u32> {
        self.lock().counts.get(key).copied()
    }

    /// How many times as large as estimated texts turn out to be for a model.
    pub(super) fn calibration(&self, model: &str) -> f64 {
        self.lock().calibration.get(model).copied().unwrap_or(1.0)
    }

    /// Learns from a count; the newest weighs as much as all before it together.
    pub(super) fn calibrate(&self, model: &str, estimated: u32, counted: u32) {
        let ratio = f64::from(counted) / f64::from(estimated.max(1));
        let ratio = ratio.clamp(1.0 / MOST_OFF, MOST_OFF);
        let mut state = self.lock();
        let before = state.calibration.get(model).copied().unwrap_or(ratio);
        state
            .calibration
            .insert(model.to_owned(), (before + ratio) / 2.0);
    }

    pub(super) fn remember_count(&self, key: &PrefixKey, tokens: u32) {
        remember_count(&mut self.lock(), key, tokens);
    }

    /// True for the one caller who is to renew the cache now.
    pub(super) fn begin_renewal(&self, name: &str, now: Instant) -> bool {
        let mut state = self.lock();
        state.renewals.retain(|_, until| *until > now);
        if state.renewals.contains_key(name) {
            return false;
        }
        state.renewals.insert(name.to_owned(), now + RENEWAL_PAUSE);
        true
    }

    /// Notes the new expiry of a cache, or that it could not be moved.
    pub(super) fn end_renewal(
        &self,
        lease: &Lease,
        expires_at: Option<SystemTime>,
        now: SystemTime,
    ) {
        let mut state = self.lock();
        let Some(expires_at) = expires_at else {
            state.stats.renew_failed += 1;
            return;
        };
        state.renewals.remove(&lease.name);
        state.stats.renewed += 1;
        let name = lease.name.clone();
        state
            .events
            .note(now, Happening::Extended { name, expires_at });
        let held = state.leases.get_mut(&lease.key);
        if let Some(held) = held.filter(|held| held.name == lease.name) {
            held.expires_at = expires_at;
        }
    }

    /// Takes out every live cache, and the creations under way, whose caches become orphans.
    pub(super) fn drain(&self, now: SystemTime) -> (Vec<Lease>, Vec<Flight>) {
        let mut state = self.lock();
        state.closings += 1;
        let leases: Vec<Lease> = state.leases.values().cloned().collect();
        for lease in &leases {
            close(&mut state, &lease.key, now);
        }
        let flights = std::mem::take(&mut state.flights);
        (leases, flights.into_values().collect())
    }

    /// How many caches are live and what keeping them costs, at the prices of each model.
    pub(super) fn kept(
        &self,
        now: SystemTime,
        price: impl Fn(&str) -> Option<Price>,
    ) -> KeptCaches {
        let state = self.lock();
        let mut kept = KeptCaches::default();
        for lease in state.leases.values().filter(|lease| lease.is_usable(now)) {
            kept.count += 1;
            let price = price(&lease.model);
            kept.usd_per_hour +=
                price.map_or(0.0, |price| storage_usd_per_hour(&price, lease.tokens));
        }
        kept
    }

    pub(super) fn leases(&self) -> Vec<Lease> {
        self.lock().leases.values().cloned().collect()
    }

    /// Takes over caches of another process; how many. What is known here already stays.
    pub(super) fn take_over(&self, leases: impl Iterator<Item = Lease>, now: SystemTime) -> usize {
        let mut state = self.lock();
        let mut taken = 0;
        for lease in leases {
            if state.leases.contains_key(&lease.key) {
                continue;
            }
            let name = lease.name.clone();
            state.events.note(now, Happening::Adopted { name });
            state.leases.insert(lease.key.clone(), lease);
            taken += 1;
        }
        state.stats.adopted += taken as u64;
        taken
    }

    /// Notes one more request with a prefix; what is known of those before it.
    pub(super) fn read_line(&self, key: &PrefixKey, now: Instant) {
        let mut state = self.lock();
        if state.lines.len() >= MOST_LINES {
            state
                .lines
                .retain(|_, line| !line.is_older_than(LINE_FADES_AFTER, now));
        }
        if state.lines.len() >= MOST_LINES {
            state.lines.clear();
        }
        let line = state.lines.entry(key.clone());
        line.or_insert_with(|| Line::new(now)).read(now);
    }

    /// What is known of the requests with a prefix.
    pub(super) fn line(&self, key: &PrefixKey, now: Instant) -> LineFacts {
        let state = self.lock();
        let line = state.lines.get(key);
        line.map_or_else(LineFacts::default, |line| line.facts(now))
    }

    pub(super) fn change_line(&self, key: &PrefixKey, change: impl FnOnce(&mut Line)) {
        if let Some(line) = self.lock().lines.get_mut(key) {
            change(line);
        }
    }

    pub(super) fn charge(&self, charge: impl FnOnce(&mut Bill)) {
        charge(&mut self.lock().bill);
    }

    pub(super) fn count(&self, update: impl FnOnce(&mut PlannerStats)) {
        update(&mut self.lock().stats);
    }

    /// The counters, with storage up to now at the prices of each model.
    pub(super) fn stats(
        &self,
        now: SystemTime,
        price: impl Fn(&str) -> Option<Price>,
    ) -> PlannerStats {
        let state = self.lock();
        let closed = state.closed_token_hours.iter();
        let closed = closed.map(|(model, hours)| (model.as_str(), *hours));
        let live = state.leases.values();
        let live = live.map(|lease| (lease.model.as_str(), lease.token_hours(now)));
        let (mut stats, mut bill) = (state.stats.clone(), state.bill);
        stats.live = state
            .leases
            .values()
            .filter(|lease| lease.is_usable(now))
            .count() as u64;
        for (model, hours) in closed.chain(live) {
            stats.storage_token_hours += hours;
            if let Some(price) = price(model) {
                bill.add_caches(&price, 0, hours);
            }
        }
        stats.cost_actual_usd = bill.total_usd();
        stats.cost_raw_usd = bill.without_cache_usd;
        stats.savings_usd = bill.saved_usd();
        stats
    }
}

/// False when the task that creates ended without a word, by a panic or with its runtime.
fn is_under_way(flight: &Flight) -> bool {
    flight.has_changed().is_ok()
}

/// Takes out a cache that has expired.
fn expire(state: &mut State, key: &PrefixKey, now: SystemTime) {
    let unread = state.reads.get(key).is_none_or(|reads| reads.count == 0);
    let Some(name) = state.leases.get(key).map(|lease| lease.name.clone()) else {
        return;
    };
    close(state, key, now);
    state.stats.expired_unread += u64::from(unread);
    state.events.note(now, Happening::Expired { name, unread });
}

fn close(state: &mut State, key: &PrefixKey, now: SystemTime) {
    state.reads.remove(key);
    if let Some(lease) = state.leases.remove(key) {
        let hours = lease.token_hours(now);
        *state.closed_token_hours.entry(lease.model).or_default() += hours;
    }
}

fn failed_recently(state: &State, key: &PrefixKey, model: &str, now: Instant) -> bool {
    let memo = state.memos.get(key).map(|memo| memo.until);
    let blocked = state.blocked_models.get(model).copied();
    memo.into_iter().chain(blocked).any(|until| until > now)
}

/// Keeps the memory as large as what is live: prefixes that nobody asks for are never looked up.
fn forget_the_past(state: &mut State, now: Now) {
    let gone: Vec<PrefixKey> = state
        .leases
        .values()
        .filter(|lease| !lease.is_usable(now.date))
        .map(|lease| lease.key.clone())
        .collect();
    for key in gone {
        expire(state, &key, now.date);
    }
    state
        .memos
        .retain(|_, memo| memo.until + FAILURES_FADE_AFTER > now.instant);
}

fn remember(state: &mut State, key: &PrefixKey, model: &str, class: CreateFailure, now: Now) {
    let failures = state.memos.get(key).map_or(0, |memo| memo.failures) + 1;
    let until = now.instant + class.pause(failures);
    let memo = Memo {
        until,
        failures,
        ambiguous: class.is_ambiguous(),
    };
    state.memos.insert(key.clone(), memo);
    match class {
        CreateFailure::TooSmall { total, min } => {
            let learnt = (min, now.instant + LEARNT_FOR);
            state.learnt.insert(model.to_owned(), learnt);
            let (model, tokens) = (model.to_owned(), min);
            state
                .events
                .note(now.date, Happening::LearntMinimum { model, tokens });
            remember_count(state, key, total);
        }
        CreateFailure::NoStorage => {
            state.blocked_models.insert(model.to_owned(), until);
        }
        CreateFailure::BackendUnsupported => state.backend_blocked = Some(until),
        _ => {}
    }
}

fn remember_count(state: &mut State, key: &PrefixKey, tokens: u32) {
    if state.counts.len() >= MOST_COUNTS {
        state.counts.clear();
    }
    state.counts.insert(key.clone(), tokens);
}
