//! Counts what becomes of calls. It decides nothing.

use std::sync::atomic::{AtomicU64, Ordering};

use super::answer::{Answer, CallError, CallStats, Provenance};

#[derive(Debug, Default)]
pub(super) struct Counters {
    hits: AtomicU64,
    stale: AtomicU64,
    negative: AtomicU64,
    joined: AtomicU64,
    computed: AtomicU64,
    refreshed: AtomicU64,
    bypassed: AtomicU64,
    without_namespace: AtomicU64,
    failed: AtomicU64,
    not_stored: AtomicU64,
}

impl Counters {
    pub(super) fn count<E>(&self, result: &Result<Answer, CallError<E>>) {
        match result {
            Ok(answer) => match answer.provenance {
                Provenance::Hit(_) => add(&self.hits),
                Provenance::Stale(_) => add(&self.stale),
                Provenance::Joined => add(&self.joined),
                Provenance::Bypassed => add(&self.bypassed),
                Provenance::Fresh => {}
            },
            Err(CallError::Remembered(_)) => add(&self.negative),
            Err(CallError::Panicked) => add(&self.failed),
            Err(_) => {}
        }
    }

    pub(super) fn computed(&self) {
        add(&self.computed);
    }

    pub(super) fn refreshed(&self) {
        add(&self.refreshed);
    }

    pub(super) fn without_namespace(&self) {
        add(&self.without_namespace);
    }

    pub(super) fn failed(&self) {
        add(&self.failed);
    }

    pub(super) fn not_stored(&self) {
        add(&self.not_stored);
    }

    pub(super) fn read(&self) -> CallStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        CallStats {
            hits: read(&self.hits),
            stale: read(&self.stale),
            negative: read(&self.negative),
            joined: read(&self.joined),
            computed: read(&self.computed),
            refreshed: read(&self.refreshed),
            bypassed: read(&self.bypassed),
            without_namespace: read(&self.without_namespace),
            failed: read(&self.failed),
            not_stored: read(&self.not_stored),
        }
    }
}

fn add(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
