//! One budget that refills steadily, as a plain value: time comes in as an argument. Whole numbers
//! throughout, because a sum of a million fractions drifts.

use std::time::{Duration, Instant};

use crate::rate_limit::Quota;

/// A level that rises with time up to a capacity and falls with use, below zero if need be.
///
/// It is counted in parts: one unit of the quota is as many parts as its period has nanoseconds,
/// so that in each nanosecond exactly as many parts accrue as the quota has units.
#[derive(Clone, Debug)]
pub(super) struct Bucket {
    quota: Quota,
    capacity: i128,
    level: i128,
    updated: Instant,
}

fn nanos(duration: Duration) -> i128 {
    i128::try_from(duration.as_nanos()).unwrap_or(i128::MAX)
}

impl Bucket {
    /// A full bucket that holds what accrues in `burst`, and at least one unit.
    pub(super) fn new(quota: Quota, burst: Duration, now: Instant) -> Self {
        let capacity = Self::capacity(quota, burst);
        Self {
            quota,
            capacity,
            level: capacity,
            updated: now,
        }
    }

    fn capacity(quota: Quota, burst: Duration) -> i128 {
        let accrued = i128::from(quota.amount().get()).saturating_mul(nanos(burst));
        accrued.max(nanos(quota.period()))
    }

    /// Sets other figures and keeps what was saved up, as far as it still fits.
    pub(super) fn reconfigure(&mut self, quota: Quota, burst: Duration, now: Instant) {
        self.refill(now);
        let units = self.level.div_euclid(nanos(self.quota.period()));
        self.quota = quota;
        self.capacity = Self::capacity(quota, burst);
        self.level = self.parts_signed(units).min(self.capacity);
    }

    /// How long until `units` may be taken; zero for now.
    ///
    /// More than the capacity is to be had when the bucket is full: what is missing is borrowed,
    /// and those who come later wait for it.
    pub(super) fn wait(&mut self, units: u64, now: Instant) -> Duration {
        self.refill(now);
        let missing = self.parts(units).min(self.capacity) - self.level;
        if missing <= 0 {
            return Duration::ZERO;
        }
        let per_nano = i128::from(self.quota.amount().get());
        let wait = (missing - 1) / per_nano + 1;
        Duration::from_nanos(u64::try_from(wait).unwrap_or(u64::MAX))
    }

    /// Takes `units`, whether they are there or not.
    pub(super) fn take(&mut self, units: u64, now: Instant) {
        self.refill(now);
        self.level = self.level.saturating_sub(self.parts(units));
    }

    /// Gives `units` back.
    pub(super) fn give_back(&mut self, units: u64, now: Instant) {
        self.refill(now);
        let level = self.level.saturating_add(self.parts(units));
        self.level = level.min(self.capacity);
    }

    /// Whole units that are there; negative when some are owed.
    pub(super) fn available(&mut self, now: Instant) -> i64 {
        self.refill(now);
        let units = self.level.div_euclid(nanos(self.quota.period()));
        i64::try_from(units).unwrap_or(if units < 0 { i64::MIN } else { i64::MAX })
    }

    fn refill(&mut self, now: Instant) {
        let elapsed = nanos(now.saturating_duration_since(self.updated));
        let accrued = i128::from(self.quota.amount().get()).saturating_mul(elapsed);
        self.level = self.level.saturating_add(accrued).min(self.capacity);
        self.updated = self.updated.max(now);
    }

    fn parts(&self, units: u64) -> i128 {
        self.parts_signed(i128::from(units))
    }

    fn parts_signed(&self, units: i128) -> i128 {
        units.saturating_mul(nanos(self.quota.period()))
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use proptest::prelude::*;
    use test_case::test_case;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn per_minute(amount: u64) -> Quota {
        Quota::per_minute(NonZeroU64::new(amount).unwrap())
    }

    #[test_case(per_minute(60), 60, 60, SECOND; "a full minute at first")]
    #[test_case(per_minute(60), 5, 5, SECOND; "five at first")]
    #[test_case(
        Quota::new(NonZeroU64::MIN, 120 * SECOND).unwrap(), 60, 1, 120 * SECOND;
        "half a request per minute"
    )]
    fn what_is_saved_up_then_a_steady_pace(quota: Quota, burst: u32, first: u64, pace: Duration) {
        let mut now = Instant::now();
        let mut bucket = Bucket::new(quota, burst * SECOND, now);
        for _ in 0..first {
            assert_eq!(bucket.wait(1, now), Duration::ZERO);
            bucket.take(1, now);
        }
        for _ in 0..3 {
            assert_eq!(bucket.wait(1, now), pace);
            now += pace;
            assert_eq!(bucket.wait(1, now), Duration::ZERO);
            bucket.take(1, now);
        }
    }

    #[test]
    fn more_than_the_capacity_is_borrowed_from_those_who_come_later() {
        let start = Instant::now();
        let mut bucket = Bucket::new(per_minute(60_000), 5 * SECOND, start);
        bucket.take(1_000, start);
        assert_eq!(bucket.wait(20_000, start), SECOND, "it must be full");
        let now = start + SECOND;
        bucket.take(20_000, now);
        assert_eq!(bucket.available(now), -15_000);
        assert_eq!(bucket.wait(5_000, now), 20 * SECOND);
    }

    #[test]
    fn other_figures_keep_what_was_saved_up() {
        let now = Instant::now();
        let mut bucket = Bucket::new(per_minute(60), 60 * SECOND, now);
        bucket.take(20, now);
        bucket.reconfigure(
            Quota::new(NonZeroU64::new(100).unwrap(), SECOND).unwrap(),
            SECOND,
            now,
        );
        assert_eq!(bucket.available(now), 40);
        bucket.reconfigure(per_minute(60), 10 * SECOND, now);
        assert_eq!(bucket.available(now), 10);
    }

    #[test]
    fn enormous_figures_do_not_overflow() {
        let year = Duration::from_secs(366 * 24 * 3_600);
        let now = Instant::now();
        let mut bucket = Bucket::new(Quota::new(NonZeroU64::MAX, year).unwrap(), year, now);
        bucket.take(u64::MAX, now);
        bucket.take(u64::MAX, now);
        assert!(bucket.wait(u64::MAX, now) > year);
        bucket.give_back(u64::MAX, now + year);
        assert!(bucket.available(now + year) > 0);
    }

    proptest! {
        /// Within any stretch of time, no more is let through than the capacity and what accrues.
        #[test]
        fn no_window_sees_more_than_capacity_and_accrual(
            amount in 1_u64..600,
            burst in 0_u64..90,
            arrivals in prop::collection::vec((0_u64..20_000, 1_u64..8), 1..60),
        ) {
            let start = Instant::now();
            let quota = per_minute(amount);
            let burst = Duration::from_secs(burst);
            let capacity = (i128::from(amount) * nanos(burst)).max(nanos(quota.period()));
            let mut bucket = Bucket::new(quota, burst, start);
            let mut now = start;
            let mut grants: Vec<(Instant, u64)> = Vec::new();
            for (gap, units) in arrivals {
                now += Duration::from_millis(gap);
                let units = units.min(u64::try_from(capacity / nanos(quota.period())).unwrap());
                let wait = bucket.wait(units, now);
                if let Some(almost) = wait.checked_sub(Duration::from_nanos(1)) {
                    let early = bucket.clone().wait(units, now + almost);
                    prop_assert!(wait.is_zero() || !early.is_zero(), "no longer than needed");
                }
                now += wait;
                prop_assert_eq!(bucket.wait(units, now), Duration::ZERO, "the wait is enough");
                bucket.take(units, now);
                grants.push((now, units));
            }
            for (first, (from, _)) in grants.iter().enumerate() {
                let mut sum: i128 = 0;
                for (at, units) in &grants[first..] {
                    sum += i128::from(*units) * nanos(quota.period());
                    let accrued = i128::from(amount) * nanos(*at - *from);
                    prop_assert!(sum <= capacity + accrued);
                }
            }
        }
    }
}
