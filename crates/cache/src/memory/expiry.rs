//! When which slot expires: a binary heap that can drop any member, so that no entry which is gone
//! leaves something behind. It knows slots by number and reads no clock.

use crate::time::Timestamp;

/// Where a slot stands in the heap; [`ABSENT`] if it does not expire.
pub(super) type Position = u32;

/// Of slots that are not in the heap.
pub(super) const ABSENT: Position = u32::MAX;

/// Slots by the time at which they expire, the first at the top.
#[derive(Debug, Default)]
pub(super) struct Expiry {
    heap: Vec<(Timestamp, u32)>,
}

impl Expiry {
    /// The slot that expires first, if that is at or before `now`.
    pub(super) fn due(&self, now: Timestamp) -> Option<u32> {
        let (expires, slot) = *self.heap.first()?;
        (expires <= now).then_some(slot)
    }

    /// Adds a slot; `moved` is told where every slot that moved now stands.
    pub(super) fn insert(
        &mut self,
        expires: Timestamp,
        slot: u32,
        moved: impl FnMut(u32, Position),
    ) {
        self.heap.push((expires, slot));
        self.rise(self.heap.len() - 1, moved);
    }

    /// Removes the slot at a position.
    pub(super) fn remove(&mut self, position: Position, mut moved: impl FnMut(u32, Position)) {
        let at = position as usize;
        let (_, removed) = self.heap.swap_remove(at);
        moved(removed, ABSENT);
        if at < self.heap.len() {
            let at = self.sink(at, &mut moved);
            self.rise(at, moved);
        }
    }

    pub(super) fn clear(&mut self) {
        self.heap.clear();
    }

    fn rise(&mut self, mut at: usize, mut moved: impl FnMut(u32, Position)) {
        while at > 0 {
            let parent = (at - 1) / 2;
            if self.heap[parent].0 <= self.heap[at].0 {
                break;
            }
            self.heap.swap(parent, at);
            moved(self.heap[at].1, at as Position);
            at = parent;
        }
        moved(self.heap[at].1, at as Position);
    }

    /// Gives the place where it came to rest.
    fn sink(&mut self, mut at: usize, moved: &mut impl FnMut(u32, Position)) -> usize {
        loop {
            let (left, right) = (2 * at + 1, 2 * at + 2);
            let before = |a: usize, b: usize| self.heap[a].0 < self.heap[b].0;
            let mut least = at;
            for child in [left, right] {
                if child < self.heap.len() && before(child, least) {
                    least = child;
                }
            }
            if least == at {
                return at;
            }
            self.heap.swap(at, least);
            moved(self.heap[at].1, at as Position);
            at = least;
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// What is due comes in order, whatever was taken out in between.
        #[test]
        fn slots_come_in_order(
            times in prop::collection::vec(0_u64..50, 1..60),
            removed in prop::collection::vec(0_usize..60, 0..30),
        ) {
            let mut heap = Expiry::default();
            let mut positions = vec![ABSENT; times.len()];
            for (slot, time) in times.iter().enumerate() {
                heap.insert(Timestamp::from_millis(*time), slot as u32, |slot, at| positions[slot as usize] = at);
            }
            for slot in removed {
                let slot = slot % times.len();
                if positions[slot] != ABSENT {
                    let at = positions[slot];
                    heap.remove(at, |slot, at| positions[slot as usize] = at);
                    prop_assert_eq!(positions[slot], ABSENT);
                }
            }
            let left = positions.iter().filter(|at| **at != ABSENT).count();
            let mut order = Vec::new();
            while let Some(slot) = heap.due(Timestamp::from_millis(u64::MAX)) {
                order.push(times[slot as usize]);
                let at = positions[slot as usize];
                heap.remove(at, |slot, at| positions[slot as usize] = at);
            }
            prop_assert_eq!(order.len(), left);
            prop_assert!(order.is_sorted());
        }
    }
}
