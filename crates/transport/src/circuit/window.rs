//! Counts of the recent past, in ten slots that are forgotten one by one. Nothing is recorded per
//! call, so the memory does not depend on the traffic.

use std::time::{Duration, Instant};

const SLOTS: u64 = 10;

/// Two counters over a rolling stretch of time.
#[derive(Clone, Debug)]
pub(super) struct RollingWindow {
    epoch: Instant,
    slot_nanos: u128,
    slots: [Slot; SLOTS as usize],
}

#[derive(Clone, Copy, Debug, Default)]
struct Slot {
    /// The number of the slot since the epoch, for telling old counts from new ones.
    number: u64,
    total: u64,
    marked: u64,
}

impl RollingWindow {
    /// An empty window; its counts cover between nine and ten tenths of `length`.
    pub(super) fn new(length: Duration, now: Instant) -> Self {
        Self {
            epoch: now,
            slot_nanos: (length.as_nanos() / u128::from(SLOTS)).max(1),
            slots: [Slot::default(); SLOTS as usize],
        }
    }

    /// Counts one.
    pub(super) fn add(&mut self, now: Instant) {
        let number = self.number(now);
        self.slot(number).total += 1;
    }

    /// Marks one of those counted.
    pub(super) fn mark(&mut self, now: Instant) {
        let number = self.number(now);
        self.slot(number).marked += 1;
    }

    /// How many were counted, and how many marked, of late.
    pub(super) fn sums(&self, now: Instant) -> (u64, u64) {
        let number = self.number(now);
        let recent = self
            .slots
            .iter()
            .filter(|slot| slot.number <= number && number - slot.number < SLOTS);
        recent.fold((0, 0), |(total, marked), slot| {
            (total + slot.total, marked + slot.marked)
        })
    }

    fn slot(&mut self, number: u64) -> &mut Slot {
        let slot = &mut self.slots[(number % SLOTS) as usize];
        if slot.number != number {
            *slot = Slot {
                number,
                ..Slot::default()
            };
        }
        slot
    }

    fn number(&self, now: Instant) -> u64 {
        let elapsed = now.saturating_duration_since(self.epoch).as_nanos();
        u64::try_from(elapsed / self.slot_nanos).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn old_counts_are_forgotten() {
        let start = Instant::now();
        let mut window = RollingWindow::new(10 * SECOND, start);
        window.add(start);
        window.add(start + 5 * SECOND);
        window.mark(start + 5 * SECOND);
        assert_eq!(window.sums(start + 9 * SECOND), (2, 1));
        assert_eq!(window.sums(start + 10 * SECOND), (1, 1));
        assert_eq!(window.sums(start + 15 * SECOND), (0, 0));
    }

    proptest! {
        #[test]
        fn the_sum_is_that_of_the_last_ten_slots(gaps in prop::collection::vec(0_u64..4_000, 1..60)) {
            let start = Instant::now();
            let mut window = RollingWindow::new(10 * SECOND, start);
            let mut times = Vec::new();
            let mut at = 0;
            for gap in gaps {
                at += gap;
                times.push(at);
                window.add(start + Duration::from_millis(at));
                let recent = times.iter().filter(|time| at / 1_000 - *time / 1_000 < 10);
                let expected = recent.count() as u64;
                prop_assert_eq!(window.sums(start + Duration::from_millis(at)).0, expected);
            }
        }
    }
}
