//! How calls set off again after a pause: one after the other, at first far apart and then closer.
//! Only the schedule; the waiting is the pause window's.

use std::time::Duration;

use crate::error::Error;

const STARTS: u32 = 50;
const INITIAL: Duration = Duration::from_secs(2);
const LAST: Duration = Duration::from_millis(100);

/// Gaps between the first calls after a pause: 50 of them, from 2 s down to 0.1 s, by default.
///
/// ```
/// use std::time::Duration;
/// use gimmal_transport::rate_limit::SlowStart;
///
/// let ramp = SlowStart::default();
/// assert_eq!(ramp.gap(0), Some(Duration::from_secs(2)));
/// assert_eq!(ramp.gap(25), Some(Duration::from_millis(1_050)));
/// assert_eq!(ramp.gap(50), None);
/// ```
///
/// The gaps follow one another, whoever makes the calls: two hundred tasks that wait for the same
/// pause set off as slowly as one task with two hundred calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlowStart {
    starts: u32,
    initial: Duration,
    last: Duration,
}

impl Default for SlowStart {
    fn default() -> Self {
        Self {
            starts: STARTS,
            initial: INITIAL,
            last: LAST,
        }
    }
}

impl SlowStart {
    /// A ramp over `starts` calls from the gap `initial` down to the gap `last`.
    pub fn new(starts: u32, initial: Duration, last: Duration) -> Result<Self, Error> {
        if last > initial {
            return Err(Error::invalid(
                "slow_start.initial",
                format!("{initial:?} is less than the last gap of {last:?}; gaps only shrink"),
            ));
        }
        Ok(Self {
            starts,
            initial,
            last,
        })
    }

    /// The gap before call number `start` after a pause, counted from 0; `None` after the ramp.
    pub fn gap(&self, start: u32) -> Option<Duration> {
        if start >= self.starts {
            return None;
        }
        let done = (self.initial - self.last).mul_f64(f64::from(start) / f64::from(self.starts));
        Some(self.initial.saturating_sub(done).max(self.last))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use test_case::test_case;

    use super::*;

    #[test_case(0, Some(2_000))]
    #[test_case(1, Some(1_962))]
    #[test_case(10, Some(1_620))]
    #[test_case(25, Some(1_050))]
    #[test_case(49, Some(138))]
    #[test_case(50, None)]
    #[test_case(u32::MAX, None)]
    fn the_default_ramp(start: u32, expected_ms: Option<u64>) {
        let gap = SlowStart::default().gap(start);
        assert_eq!(gap, expected_ms.map(Duration::from_millis));
    }

    #[test]
    fn the_whole_default_ramp_takes_53_45_s() {
        let ramp = SlowStart::default();
        let sum: Duration = (0..50).filter_map(|start| ramp.gap(start)).sum();
        assert_eq!(sum, Duration::from_millis(53_450));
    }

    #[test]
    fn a_ramp_that_widens_is_refused_and_an_empty_one_is_none() {
        let error = SlowStart::new(3, LAST, INITIAL).unwrap_err();
        assert_eq!(error.field(), Some("slow_start.initial"));
        assert_eq!(SlowStart::new(0, INITIAL, LAST).unwrap().gap(0), None);
    }

    proptest! {
        #[test]
        fn gaps_only_shrink_and_stay_in_range(starts in 1_u32..200, initial in 0_u64..5_000, last in 0_u64..5_000) {
            let (initial, last) = (initial.max(last), initial.min(last));
            let ms = Duration::from_millis;
            let ramp = SlowStart::new(starts, ms(initial), ms(last)).unwrap();
            let gaps: Vec<_> = (0..).map_while(|start| ramp.gap(start)).collect();
            prop_assert_eq!(gaps.len(), starts as usize);
            prop_assert!(gaps.is_sorted_by(|a, b| a >= b));
            prop_assert!(gaps.iter().all(|gap| *gap >= ms(last) && *gap <= ms(initial)));
        }
    }
}
