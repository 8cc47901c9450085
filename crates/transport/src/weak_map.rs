//! Values shared by key for as long as somebody uses them. The map holds nothing alive by itself,
//! so a process that talks to many hosts does not collect one entry for each for ever.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// Below this many entries the map is not swept.
const SWEEP_AT_LEAST: usize = 32;

/// A map from keys to values that others keep alive.
pub(crate) struct WeakMap<K, V> {
    entries: Mutex<Entries<K, V>>,
}

struct Entries<K, V> {
    map: HashMap<K, Weak<V>>,
    /// The number of entries at which dead ones are swept out next.
    sweep_at: usize,
}

impl<K, V> Default for WeakMap<K, V> {
    fn default() -> Self {
        Self {
            entries: Mutex::new(Entries {
                map: HashMap::new(),
                sweep_at: SWEEP_AT_LEAST,
            }),
        }
    }
}

impl<K: Eq + Hash, V> WeakMap<K, V> {
    /// The value of `key`; `make` makes it when nobody holds one.
    ///
    /// All callers that overlap get the same value, because look-up and insertion are one step.
    pub(crate) fn get_or_insert_with(&self, key: K, make: impl FnOnce() -> V) -> Arc<V> {
        let mut entries = self.lock();
        if let Some(value) = entries.map.get(&key).and_then(Weak::upgrade) {
            return value;
        }
        let value = Arc::new(make());
        entries.map.insert(key, Arc::downgrade(&value));
        if entries.map.len() >= entries.sweep_at {
            entries.map.retain(|_, value| value.strong_count() > 0);
            // Twice what is alive: sweeping then costs a constant share of the insertions.
            entries.sweep_at = SWEEP_AT_LEAST.max(2 * entries.map.len());
        }
        value
    }

    /// The value of `key`, if somebody holds it.
    pub(crate) fn get<Q>(&self, key: &Q) -> Option<Arc<V>>
    where
        K: Borrow<Q>,
        Q: Eq + Hash + ?Sized,
    {
        self.lock().map.get(key).and_then(Weak::upgrade)
    }

    fn lock(&self) -> MutexGuard<'_, Entries<K, V>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K, V> fmt::Debug for WeakMap<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakMap").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_lives_as_long_as_its_users() {
        let map = WeakMap::default();
        let first = map.get_or_insert_with("a", || 1);
        assert_eq!(*map.get_or_insert_with("a", || 2), 1);
        drop(first);
        assert!(map.get("a").is_none());
        assert_eq!(*map.get_or_insert_with("a", || 3), 3);
    }

    #[test]
    fn dead_entries_are_swept_out() {
        let map = WeakMap::default();
        let kept = map.get_or_insert_with(0, || 0);
        for key in 1..10_000 {
            drop(map.get_or_insert_with(key, || key));
        }
        assert!(map.lock().map.len() <= SWEEP_AT_LEAST);
        assert!(Arc::ptr_eq(&kept, &map.get(&0).unwrap()));
    }
}
