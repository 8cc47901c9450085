//! Invalidations of the last time, so that an answer whose computation had started before one is
//! not stored after it. It is bounded; what it forgets it treats as an invalidation of everything.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::entry::Entry;
use crate::key::CacheKey;
use crate::lock;
use crate::selector::Selector;

/// Invalidations remembered one by one.
const KEPT: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Recent {
    /// When the last one was, in Unix milliseconds: entries made later need no look at the list.
    latest: AtomicU64,
    list: Mutex<List>,
}

#[derive(Debug, Default)]
struct List {
    /// Entries made before this are treated as invalidated.
    floor: u64,
    items: VecDeque<(Selector, u64)>,
}

impl Recent {
    pub(super) fn note(&self, selector: &Selector, now: u64) {
        let mut list = lock(&self.list);
        list.items.retain(|(known, _)| known != selector);
        list.items.push_back((selector.clone(), now));
        if list.items.len() > KEPT
            && let Some((_, at)) = list.items.pop_front()
        {
            list.floor = list.floor.max(at);
        }
        self.latest.fetch_max(now, Ordering::Release);
    }

    /// Whether an entry was invalidated since its computation started.
    pub(super) fn covers(&self, key: &CacheKey, entry: &Entry) -> bool {
        let created = entry.created().as_millis();
        if created >= self.latest.load(Ordering::Acquire) {
            return false;
        }
        let list = lock(&self.list);
        created < list.floor
            || list
                .items
                .iter()
                .any(|(selector, at)| created < *at && selector.matches(key, entry.tags()))
    }
}
