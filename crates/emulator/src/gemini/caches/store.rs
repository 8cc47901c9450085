//! Where cached contents are kept: by owner and identifier, until they expire or are deleted.
//! Keeps what answering needs, and of what has expired no more than its name and when that was; it
//! does not decode requests.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use serde_json::Value;

use crate::{
    engine::index::ContextIndex,
    gemini::{
        errors::ApiError,
        meter::{Metered, token_hours},
        usage::Tally,
    },
};

/// How long an expired entry is remembered, so that it can be called expired rather than unknown.
const REMEMBERED: Duration = Duration::from_secs(24 * 3600);
/// The most expired entries remembered; the ones that expired first are forgotten first.
const MOST_REMEMBERED: usize = 1_000;

/// Whose cached contents: nobody else sees them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    /// The digest of an API key.
    Key(String),
    /// `projects/{p}/locations/{l}`.
    Parent(String),
}

/// One cached content.
#[derive(Clone, Debug)]
pub(crate) struct CachedContent {
    /// The position in the list, given by the store.
    pub(crate) number: u64,
    /// Given by the store.
    pub(crate) id: String,
    pub(crate) scope: Scope,
    /// The model's own name.
    pub(crate) model: String,
    /// The model as the caller named it.
    pub(crate) model_name: String,
    pub(crate) display_name: String,
    pub(crate) created: SystemTime,
    pub(crate) updated: SystemTime,
    pub(crate) expires: SystemTime,
    pub(crate) tally: Tally,
    pub(crate) index: Arc<ContextIndex>,
    pub(crate) tools: Option<Value>,
    pub(crate) tool_config: Option<Value>,
}

/// All cached contents of an emulator.
#[derive(Debug, Default)]
pub(crate) struct Store {
    state: Mutex<State>,
}

/// A cached content that would take its owner beyond what may be stored for its model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StorageFull;

type Key = (Scope, String);

#[derive(Debug, Default)]
struct State {
    live: BTreeMap<Key, Arc<CachedContent>>,
    /// The entries made so far.
    made: u64,
    /// No live entry expires before this.
    next_expiry: Option<SystemTime>,
    /// What the entries of each model were written with, and what those that ended were kept for.
    metered: BTreeMap<String, Metered>,
    /// Expired entries of owners who are told so, with their expiries, in the order they expired.
    expired: VecDeque<(SystemTime, Key)>,
}

impl Store {
    /// Numbers the entry, names it after its number and keeps it, unless the live entries of its
    /// owner and model would then hold more than `limit` tokens.
    pub(crate) fn insert(
        &self,
        mut entry: CachedContent,
        limit: Option<u64>,
        name: impl FnOnce(u64) -> String,
    ) -> Result<Arc<CachedContent>, StorageFull> {
        let mut state = self.lock(entry.created);
        if let Some(limit) = limit {
            let own = state.own(&entry.scope).filter(|e| e.model == entry.model);
            let stored: u64 = own.map(|other| other.tally.total()).sum();
            if stored.saturating_add(entry.tally.total()) > limit {
                return Err(StorageFull);
            }
        }
        let metered = state.metered.entry(entry.model.clone()).or_default();
        metered.written_tokens += entry.tally.total();
        state.made += 1;
        entry.number = state.made;
        entry.id = name(entry.number);
        Ok(state.keep(entry))
    }

    /// The live entry, or the refusal the service gives.
    pub(crate) fn get(
        &self,
        scope: &Scope,
        id: &str,
        now: SystemTime,
    ) -> Result<Arc<CachedContent>, ApiError> {
        self.lock(now).find(&key(scope, id)).map(Arc::clone)
    }

    /// Gives the live entry a new expiry.
    pub(crate) fn extend(
        &self,
        scope: &Scope,
        id: &str,
        now: SystemTime,
        expires: SystemTime,
    ) -> Result<Arc<CachedContent>, ApiError> {
        let mut state = self.lock(now);
        let entry = state.find(&key(scope, id))?;
        let entry = CachedContent {
            updated: now,
            expires,
            ..CachedContent::clone(entry)
        };
        Ok(state.keep(entry))
    }

    /// Removes the live entry.
    pub(crate) fn remove(&self, scope: &Scope, id: &str, now: SystemTime) -> Result<(), ApiError> {
        let mut state = self.lock(now);
        let key = key(scope, id);
        let entry = Arc::clone(state.find(&key)?);
        state.live.remove(&key);
        state.end(&entry, now);
        Ok(())
    }

    /// What the caches of a model were written with and kept for so far.
    pub(crate) fn metered(&self, model: &str, now: SystemTime) -> Metered {
        let state = self.lock(now);
        let mut metered = state.metered.get(model).copied().unwrap_or_default();
        let live = state.live.values().filter(|entry| entry.model == model);
        metered.token_hours += live
            .map(|entry| token_hours(entry.tally.total(), entry.created, now))
            .sum::<f64>();
        metered
    }

    /// The live entries of an owner, oldest first.
    pub(crate) fn list(&self, scope: &Scope, now: SystemTime) -> Vec<Arc<CachedContent>> {
        let mut own: Vec<_> = self.lock(now).own(scope).map(Arc::clone).collect();
        own.sort_unstable_by_key(|entry| entry.number);
        own
    }

    /// The state as of `now`: nothing that has expired is live any more.
    fn lock(&self, now: SystemTime) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.expire(now);
        state
    }
}

impl State {
    fn own(&self, scope: &Scope) -> impl Iterator<Item = &Arc<CachedContent>> {
        self.live.values().filter(move |e| e.scope == *scope)
    }

    fn keep(&mut self, entry: CachedContent) -> Arc<CachedContent> {
        let next = self
            .next_expiry
            .map_or(entry.expires, |next| next.min(entry.expires));
        self.next_expiry = Some(next);
        let entry = Arc::new(entry);
        let key = key(&entry.scope, &entry.id);
        self.live.insert(key, Arc::clone(&entry));
        entry
    }

    /// Counts what an entry that has ended was kept for.
    fn end(&mut self, entry: &CachedContent, at: SystemTime) {
        let metered = self.metered.entry(entry.model.clone()).or_default();
        metered.token_hours += token_hours(entry.tally.total(), entry.created, at);
    }

    /// Drops what has expired, its index with it, and what has been remembered for long enough.
    fn expire(&mut self, now: SystemTime) {
        if self.next_expiry.is_some_and(|next| next <= now) {
            let (mut expired, mut ended) = (Vec::new(), Vec::new());
            self.live.retain(|key, entry| {
                if entry.expires > now {
                    return true;
                }
                ended.push(Arc::clone(entry));
                // The owner of a key is told the same of expired and of unknown entries.
                if matches!(key.0, Scope::Parent(_)) {
                    expired.push((entry.expires, key.clone()));
                }
                false
            });
            for entry in &ended {
                self.end(entry, entry.expires);
            }
            expired.sort_unstable();
            self.expired.extend(expired);
            self.next_expiry = self.live.values().map(|entry| entry.expires).min();
        }
        let excess = self.expired.len().saturating_sub(MOST_REMEMBERED);
        self.expired.drain(..excess);
        while let Some((expiry, _)) = self.expired.front()
            && *expiry + REMEMBERED <= now
        {
            self.expired.pop_front();
        }
    }

    /// The live entry, or the refusal the service gives.
    fn find(&self, key: &Key) -> Result<&Arc<CachedContent>, ApiError> {
        if let Some(entry) = self.live.get(key) {
            return Ok(entry);
        }
        let (scope, id) = key;
        Err(match scope {
            Scope::Key(_) => {
                ApiError::permission_denied("CachedContent not found (or permission denied)")
            }
            Scope::Parent(_) if self.expired.iter().any(|(_, other)| other == key) => {
                ApiError::invalid_argument(format!("Cache content {id} is expired"))
            }
            Scope::Parent(_) => {
                ApiError::not_found(format!("Not found: cached content metadata for {id}."))
            }
        })
    }
}

fn key(scope: &Scope, id: &str) -> Key {
    (scope.clone(), id.to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;
    use crate::engine::index::Memory;

    const START: SystemTime = SystemTime::UNIX_EPOCH;

    fn at(seconds: u64) -> SystemTime {
        START + Duration::from_secs(seconds)
    }

    fn entry(scope: &Scope, created: SystemTime, ttl: u64) -> CachedContent {
        CachedContent {
            number: 0,
            id: String::new(),
            scope: scope.clone(),
            model: "m".to_owned(),
            model_name: "models/m".to_owned(),
            display_name: String::new(),
            created,
            updated: created,
            expires: created + Duration::from_secs(ttl),
            tally: Tally::default(),
            index: Arc::new(ContextIndex::build(&["A b c."])),
            tools: None,
            tool_config: None,
        }
    }

    fn put(store: &Store, id: &str, entry: CachedContent) -> Arc<CachedContent> {
        let id = id.to_owned();
        store.insert(entry, None, |_| id).expect("no limit")
    }

    #[test]
    fn an_entry_lives_until_its_expiry_and_only_for_its_owner() {
        let (key, other) = (Scope::Key("k".into()), Scope::Key("o".into()));
        let store = Store::default();
        put(&store, "a", entry(&key, START, 10));
        let foreign = store.get(&other, "a", at(1)).expect_err("foreign");
        assert_eq!(foreign.code(), 403);
        assert!(store.get(&key, "a", at(9)).is_ok());
        assert!(store.extend(&key, "a", at(9), at(20)).is_ok());
        assert!(store.get(&key, "a", at(19)).is_ok());
        let expired = store.get(&key, "a", at(20)).expect_err("expired");
        assert_eq!(expired.code(), 403);
        let late = store.extend(&key, "a", at(20), at(30));
        assert_eq!(late.expect_err("expired").code(), 403);
        put(&store, "b", entry(&key, at(20), 10));
        assert!(store.remove(&key, "b", at(21)).is_ok());
        assert!(store.list(&key, at(21)).is_empty());
    }

    #[test]
    fn vertex_tells_expired_from_unknown_for_a_day() {
        let scope = Scope::Parent("projects/p/locations/l".into());
        let store = Store::default();
        put(&store, "7", entry(&scope, START, 10));
        let error = store.get(&scope, "7", at(11)).expect_err("expired");
        assert_eq!(
            (error.code(), error.message()),
            (400, "Cache content 7 is expired")
        );
        let unknown = store.get(&scope, "8", at(11)).expect_err("unknown");
        assert_eq!(unknown.code(), 404);
        let next_day = at(11) + REMEMBERED;
        let forgotten = store.get(&scope, "7", next_day).expect_err("forgotten");
        assert_eq!(forgotten.code(), 404);
    }

    #[test]
    fn the_next_touch_drops_what_an_expired_entry_held() {
        let touches: [fn(&Store, &Scope); 3] = [
            |store, scope| assert!(store.get(scope, "other", at(10)).is_err()),
            |store, scope| assert!(store.list(scope, at(10)).is_empty()),
            |store, scope| drop(put(store, "new", entry(scope, at(10), 10))),
        ];
        for scope in [Scope::Key("k".into()), Scope::Parent("p".into())] {
            for touch in touches {
                let store = Store::default();
                let index = Arc::downgrade(&put(&store, "a", entry(&scope, START, 10)).index);
                assert!(store.get(&scope, "a", at(9)).is_ok());
                assert!(index.upgrade().is_some());
                touch(&store, &scope);
                assert!(index.upgrade().is_none());
            }
        }
    }

    #[test]
    fn the_expired_entries_remembered_are_limited() {
        let scope = Scope::Parent("p".into());
        let store = Store::default();
        let count = MOST_REMEMBERED as u64 + 5;
        for n in 0..count {
            // The later they are made, the earlier they expire.
            put(&store, &n.to_string(), entry(&scope, START, 10 + count - n));
        }
        let code = |n: u64| {
            let found = store.get(&scope, &n.to_string(), at(10 + count));
            found.expect_err("expired").code()
        };
        assert_eq!([code(count - 1), code(count - 5)], [404, 404]);
        assert_eq!([code(count - 6), code(0)], [400, 400]);
        let state = store.lock(at(10 + count));
        assert_eq!(
            (state.live.len(), state.expired.len()),
            (0, MOST_REMEMBERED)
        );
    }

    #[test]
    fn creates_at_the_same_time_cannot_pass_the_limit_together() {
        const THREADS: usize = 8;
        let key = Scope::Key("k".into());
        let mut entry = entry(&key, START, 10);
        entry.tally = Tally::of_json(Some(&Value::from("a b c")), &Memory::default());
        let limit = entry.tally.total() * 3;
        assert!(limit > 0);
        for _ in 0..50 {
            let store = Store::default();
            let start = Barrier::new(THREADS);
            let made = std::thread::scope(|threads| {
                let create = || {
                    start.wait();
                    let kept = store.insert(entry.clone(), Some(limit), |n| n.to_string());
                    usize::from(kept.is_ok())
                };
                let all = [(); THREADS].map(|()| threads.spawn(create));
                all.map(|one| one.join().expect("no panic"))
                    .iter()
                    .sum::<usize>()
            });
            assert_eq!(made, 3);
            let numbers = store.list(&key, START);
            let numbers: Vec<u64> = numbers.iter().map(|entry| entry.number).collect();
            assert_eq!(numbers, [1, 2, 3]);
        }
    }
}
