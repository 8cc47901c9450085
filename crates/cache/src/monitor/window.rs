//! The last hour (or another time) in sixty slots. What is older than the window is forgotten a slot
//! at a time, so no record ever looks at what came before it.

use std::time::{Duration, Instant};

/// Slots of a window.
pub(super) const SLOTS: usize = 60;

#[derive(Clone, Debug)]
pub(super) struct Window<T> {
    start: Instant,
    slot: Duration,
    slots: Vec<(u64, T)>,
}

impl<T: Default> Window<T> {
    pub(super) fn new(start: Instant, retention: Duration) -> Self {
        let slot = (retention / SLOTS as u32).max(Duration::from_millis(1));
        Self {
            start,
            slot,
            slots: (0..SLOTS).map(|_| (u64::MAX, T::default())).collect(),
        }
    }

    /// The slot of this moment.
    pub(super) fn at(&mut self, now: Instant) -> &mut T {
        let number = self.number(now);
        let (own, value) = &mut self.slots[number as usize % SLOTS];
        if *own != number {
            (*own, *value) = (number, T::default());
        }
        value
    }

    /// The slots that are not too old, with their age in slots.
    pub(super) fn recent(&self, now: Instant) -> impl Iterator<Item = (u64, &T)> {
        let number = self.number(now);
        self.slots.iter().filter_map(move |(own, value)| {
            let age = number.checked_sub(*own)?;
            (age < SLOTS as u64).then_some((age, value))
        })
    }

    fn number(&self, now: Instant) -> u64 {
        let passed = now.saturating_duration_since(self.start);
        (passed.as_nanos() / self.slot.as_nanos()) as u64
    }
}
