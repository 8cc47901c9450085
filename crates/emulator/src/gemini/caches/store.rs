//! Where cached contents are kept: by owner and identifier, until they expire or are deleted.
//! Keeps what answering needs; it does not decode requests.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, SystemTime},
};

use serde_json::Value;

use crate::{
    engine::index::ContextIndex,
    gemini::{errors::ApiError, usage::Tally},
};

/// How long an expired entry is remembered, so that it can be called expired rather than unknown.
const REMEMBERED: Duration = Duration::from_secs(24 * 3600);

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
    /// The position in the list.
    pub(crate) number: u64,
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
    entries: Mutex<BTreeMap<(Scope, String), Arc<CachedContent>>>,
}

impl Store {
    pub(crate) fn insert(&self, entry: CachedContent) -> Arc<CachedContent> {
        let entry = Arc::new(entry);
        let mut entries = self.lock();
        entries.retain(|_, other| other.expires + REMEMBERED > entry.created);
        entries.insert((entry.scope.clone(), entry.id.clone()), Arc::clone(&entry));
        entry
    }

    /// The live entry, or the refusal the service gives.
    pub(crate) fn get(
        &self,
        scope: &Scope,
        id: &str,
        now: SystemTime,
    ) -> Result<Arc<CachedContent>, ApiError> {
        let entries = self.lock();
        let entry = entries.get(&(scope.clone(), id.to_owned()));
        check(entry, scope, id, now).map(Arc::clone)
    }

    /// Gives the live entry a new expiry.
    pub(crate) fn extend(
        &self,
        scope: &Scope,
        id: &str,
        now: SystemTime,
        expires: SystemTime,
    ) -> Result<Arc<CachedContent>, ApiError> {
        let mut entries = self.lock();
        let key = (scope.clone(), id.to_owned());
        let entry = check(entries.get(&key), scope, id, now)?;
        let entry = Arc::new(CachedContent {
            updated: now,
            expires,
            ..CachedContent::clone(entry)
        });
        entries.insert(key, Arc::clone(&entry));
        Ok(entry)
    }

    /// Removes the live entry.
    pub(crate) fn remove(&self, scope: &Scope, id: &str, now: SystemTime) -> Result<(), ApiError> {
        let mut entries = self.lock();
        let key = (scope.clone(), id.to_owned());
        check(entries.get(&key), scope, id, now)?;
        entries.remove(&key);
        Ok(())
    }

    /// The live entries of an owner, oldest first.
    pub(crate) fn list(&self, scope: &Scope, now: SystemTime) -> Vec<Arc<CachedContent>> {
        let entries = self.lock();
        let own = entries
            .values()
            .filter(|e| e.scope == *scope && e.expires > now);
        let mut own: Vec<_> = own.map(Arc::clone).collect();
        own.sort_unstable_by_key(|entry| entry.number);
        own
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<(Scope, String), Arc<CachedContent>>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An entry that is there and has not expired.
fn check<'a>(
    entry: Option<&'a Arc<CachedContent>>,
    scope: &Scope,
    id: &str,
    now: SystemTime,
) -> Result<&'a Arc<CachedContent>, ApiError> {
    match (entry, scope) {
        (Some(entry), _) if entry.expires > now => Ok(entry),
        (_, Scope::Key(_)) => Err(ApiError::permission_denied(
            "CachedContent not found (or permission denied)",
        )),
        (Some(_), Scope::Parent(_)) => Err(ApiError::invalid_argument(format!(
            "Cache content {id} is expired"
        ))),
        (None, Scope::Parent(_)) => Err(ApiError::not_found(format!(
            "Not found: cached content metadata for {id}."
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(id: &str, scope: Scope, created: SystemTime, ttl: u64) -> CachedContent {
        CachedContent {
            number: 0,
            id: id.to_owned(),
            scope,
            model: "m".to_owned(),
            model_name: "models/m".to_owned(),
            display_name: String::new(),
            created,
            updated: created,
            expires: created + Duration::from_secs(ttl),
            tally: Tally::default(),
            index: Arc::new(ContextIndex::build(&[])),
            tools: None,
            tool_config: None,
        }
    }

    #[test]
    fn an_entry_lives_until_its_expiry_and_only_for_its_owner() {
        let start = SystemTime::UNIX_EPOCH;
        let at = |seconds| start + Duration::from_secs(seconds);
        let (key, other) = (Scope::Key("k".into()), Scope::Key("o".into()));
        let store = Store::default();
        store.insert(entry("a", key.clone(), start, 10));
        assert!(store.get(&key, "a", at(9)).is_ok());
        assert_eq!(
            store.get(&key, "a", at(10)).expect_err("expired").code(),
            403
        );
        assert_eq!(
            store.get(&other, "a", at(1)).expect_err("foreign").code(),
            403
        );
        assert!(store.extend(&key, "a", at(9), at(20)).is_ok());
        assert!(store.get(&key, "a", at(19)).is_ok());
        assert_eq!(
            store
                .extend(&key, "a", at(20), at(30))
                .expect_err("expired")
                .code(),
            403
        );
        assert!(store.remove(&key, "a", at(1)).is_ok());
        assert!(store.list(&key, at(1)).is_empty());
    }

    #[test]
    fn vertex_tells_expired_from_unknown_for_a_day() {
        let scope = Scope::Parent("projects/p/locations/l".into());
        let start = SystemTime::UNIX_EPOCH;
        let store = Store::default();
        store.insert(entry("7", scope.clone(), start, 10));
        let late = start + Duration::from_secs(11);
        let error = store.get(&scope, "7", late).expect_err("expired");
        assert_eq!(
            (error.code(), error.message()),
            (400, "Cache content 7 is expired")
        );
        assert_eq!(
            store.get(&scope, "8", late).expect_err("unknown").code(),
            404
        );
        let next_day = start + REMEMBERED + Duration::from_secs(11);
        store.insert(entry("9", scope.clone(), next_day, 10));
        assert_eq!(
            store
                .get(&scope, "7", next_day)
                .expect_err("forgotten")
                .code(),
            404
        );
    }
}
