//! Invalidations that the store has not been told yet, because it was away. They are bounded: too
//! many become one of everything.

use std::sync::Mutex;

use crate::lock;
use crate::selector::Selector;

/// The most that are kept one by one.
const KEPT: usize = 10_000;

#[derive(Debug, Default)]
pub(super) struct Pending(Mutex<Vec<Selector>>);

impl Pending {
    pub(super) fn add(&self, selector: Selector) {
        let mut list = lock(&self.0);
        if list.contains(&selector) || list.first() == Some(&Selector::All) {
            return;
        }
        if selector == Selector::All || list.len() >= KEPT {
            *list = vec![Selector::All];
        } else {
            list.push(selector);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        lock(&self.0).is_empty()
    }

    /// What to do first; it stays until it is done.
    pub(super) fn first(&self) -> Option<Selector> {
        lock(&self.0).first().cloned()
    }

    pub(super) fn done(&self, selector: &Selector) {
        lock(&self.0).retain(|pending| pending != selector);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn too_many_become_one_of_everything() {
        let pending = Pending::default();
        for number in 0..KEPT {
            pending.add(Selector::tag(number.to_string()));
        }
        pending.add(Selector::tag("0"));
        assert_eq!(pending.first(), Some(Selector::tag("0")));
        pending.add(Selector::tag("one more"));
        assert_eq!(pending.first(), Some(Selector::All));
        pending.add(Selector::tag("later"));
        pending.done(&Selector::All);
        assert!(pending.is_empty());
    }
}
