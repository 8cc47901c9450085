//! Invalidations of the last time, so that an answer whose computation had started before one is
//! not stored after it. Moments are numbers that grow: milliseconds or a count. It is bounded; what
//! it forgets it treats as an invalidation of everything.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::key::CacheKey;
use crate::lock;
use crate::selector::Selector;

/// Invalidations remembered one by one.
const KEPT: usize = 64;

#[derive(Debug, Default)]
pub(crate) struct Recent {
    /// When the last one was: what was begun later needs no look at the list.
    latest: AtomicU64,
    list: Mutex<List>,
}

#[derive(Debug, Default)]
struct List {
    /// What was begun before this is treated as invalidated.
    floor: u64,
    items: VecDeque<(Selector, u64)>,
}

impl Recent {
    pub(crate) fn note(&self, selector: &Selector, now: u64) {
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

    /// Whether an entry that was begun at that moment was invalidated since.
    pub(crate) fn covers(&self, key: &CacheKey, tags: &[Box<str>], begun: u64) -> bool {
        if begun >= self.latest.load(Ordering::Acquire) {
            return false;
        }
        let list = lock(&self.list);
        begun < list.floor
            || list
                .items
                .iter()
                .any(|(selector, at)| begun < *at && selector.matches(key, tags))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::KeyRequest;

    #[test]
    fn what_is_forgotten_counts_for_everything() {
        let recent = Recent::default();
        let key = KeyRequest::new("qa").key();
        recent.note(&Selector::operation("qa"), 10);
        assert!(recent.covers(&key, &[], 9) && !recent.covers(&key, &[], 10));
        let other = KeyRequest::new("other").key();
        assert!(!recent.covers(&other, &[], 9));
        for number in 0..KEPT {
            recent.note(&Selector::tag(number.to_string()), 20);
        }
        assert!(recent.covers(&other, &[], 9), "the first one is forgotten");
        assert!(!recent.covers(&other, &[], 10));
    }
}
