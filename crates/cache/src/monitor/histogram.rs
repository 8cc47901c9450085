//! Durations in buckets whose width grows with the duration, so that a percentile is off by 1.6 % at
//! most, a record takes constant time and nothing is kept per record.

use std::time::Duration;

/// Buckets per doubling: two significant digits.
const STEPS_BITS: u32 = 6;
const STEPS: usize = 1 << STEPS_BITS;

/// Doublings covered, from one nanosecond to 18 minutes; longer ones count as the longest.
const DOUBLINGS: usize = 35;

/// Buckets in use are few, so they are kept sorted in place of an array of thousands.
#[derive(Clone, Debug, Default)]
pub(super) struct Histogram {
    counts: Vec<(u16, u32)>,
    pub(super) count: u64,
    pub(super) sum: Duration,
    pub(super) max: Duration,
    pub(super) min: Duration,
}

impl Histogram {
    pub(super) fn record(&mut self, duration: Duration) {
        let bucket = bucket(duration);
        match self
            .counts
            .binary_search_by_key(&bucket, |(bucket, _)| *bucket)
        {
            Ok(at) => self.counts[at].1 = self.counts[at].1.saturating_add(1),
            Err(at) => self.counts.insert(at, (bucket, 1)),
        }
        self.min = match self.count {
            0 => duration,
            _ => self.min.min(duration),
        };
        self.max = self.max.max(duration);
        self.sum += duration;
        self.count += 1;
    }

    pub(super) fn merge(&mut self, other: &Self) {
        for (bucket, count) in &other.counts {
            match self
                .counts
                .binary_search_by_key(bucket, |(bucket, _)| *bucket)
            {
                Ok(at) => self.counts[at].1 = self.counts[at].1.saturating_add(*count),
                Err(at) => self.counts.insert(at, (*bucket, *count)),
            }
        }
        self.min = match (self.count, other.count) {
            (_, 0) => self.min,
            (0, _) => other.min,
            _ => self.min.min(other.min),
        };
        self.max = self.max.max(other.max);
        self.sum += other.sum;
        self.count += other.count;
    }

    pub(super) fn mean(&self) -> Duration {
        match u32::try_from(self.count) {
            Ok(0) | Err(_) => Duration::ZERO,
            Ok(count) => self.sum / count,
        }
    }

    /// The duration that this share of all stays within, for a share from 0 to 1.
    pub(super) fn percentile(&self, share: f64) -> Duration {
        let rank = ((self.count as f64 * share).ceil() as u64).max(1);
        let mut seen = 0;
        for (bucket, count) in &self.counts {
            seen += u64::from(*count);
            if seen >= rank {
                return upper_end(*bucket).clamp(self.min, self.max);
            }
        }
        self.max
    }
}

fn bucket(duration: Duration) -> u16 {
    let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    if nanos < STEPS as u64 {
        return nanos as u16;
    }
    let doubling = nanos.ilog2() - STEPS_BITS;
    let step = (nanos >> doubling) as usize - STEPS;
    let bucket = (doubling as usize + 1) * STEPS + step;
    bucket.min((DOUBLINGS + 1) * STEPS - 1) as u16
}

/// The longest duration of a bucket.
fn upper_end(bucket: u16) -> Duration {
    let bucket = usize::from(bucket);
    let nanos = match bucket / STEPS {
        0 => bucket as u64,
        doubling => (((bucket % STEPS + STEPS + 1) as u64) << (doubling - 1)) - 1,
    };
    Duration::from_nanos(nanos)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn percentiles_are_within_two_digits(
            mut nanos in prop::collection::vec(1_u64..1_000_000_000_000, 1..200),
            share in 0.0_f64..=1.0,
        ) {
            let mut histogram = Histogram::default();
            for nanos in &nanos {
                histogram.record(Duration::from_nanos(*nanos));
            }
            nanos.sort_unstable();
            let rank = ((nanos.len() as f64 * share).ceil() as usize).max(1);
            let exact = nanos[rank - 1] as f64;
            let found = histogram.percentile(share).as_nanos() as f64;
            prop_assert!((exact..=exact * 1.016 + 1.0).contains(&found), "{found} {exact}");
        }

        #[test]
        fn merging_is_recording_both(
            first in prop::collection::vec(any::<u32>(), 0..50),
            second in prop::collection::vec(any::<u32>(), 0..50),
        ) {
            let record = |nanos: &[u32]| {
                let mut histogram = Histogram::default();
                for nanos in nanos {
                    histogram.record(Duration::from_nanos((*nanos).into()));
                }
                histogram
            };
            let mut merged = record(&first);
            merged.merge(&record(&second));
            let whole = record(&[first, second].concat());
            prop_assert_eq!(merged.counts, whole.counts);
            prop_assert_eq!((merged.min, merged.max, merged.sum), (whole.min, whole.max, whole.sum));
        }
    }
}
