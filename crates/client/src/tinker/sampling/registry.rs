//! Which sampling clients there are: for looking at, since each client holds what it needs itself.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A sampling client that is in use.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SamplerEntry {
    /// Its sampling session.
    pub sampling_session_id: String,
    /// The model that its weights belong to, if that is known.
    pub base_model: Option<String>,
}

/// The sampling clients of a session. Each is here until its last clone is dropped.
#[derive(Clone, Debug, Default)]
pub(crate) struct SamplerRegistry(Arc<Entries>);

#[derive(Debug, Default)]
struct Entries {
    next: AtomicU64,
    by_number: Mutex<BTreeMap<u64, SamplerEntry>>,
}

impl Entries {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, SamplerEntry>> {
        self.by_number
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one client; dropping it gives the place up.
#[derive(Debug)]
pub(crate) struct Registration {
    number: u64,
    entries: Arc<Entries>,
}

impl SamplerRegistry {
    pub(crate) fn register(&self, entry: SamplerEntry) -> Registration {
        let number = self.0.next.fetch_add(1, Ordering::Relaxed);
        self.0.lock().insert(number, entry);
        let entries = Arc::clone(&self.0);
        Registration { number, entries }
    }

    /// All clients, the oldest first.
    pub(crate) fn list(&self) -> Vec<SamplerEntry> {
        self.0.lock().values().cloned().collect()
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        self.entries.lock().remove(&self.number);
    }
}
