//! Percentiles of durations in constant time and bounded memory: buckets whose width grows with
//! the value, so that each is less than one per cent wide.

use std::time::Duration;

/// Buckets within each doubling.
const SHARES: u64 = 128;
const SHARE_BITS: u32 = SHARES.trailing_zeros();

/// Durations, counted by size.
///
/// ```
/// use std::time::Duration;
/// use gimmal_batch::Histogram;
///
/// let mut histogram = Histogram::default();
/// for millis in 1..=100 {
///     histogram.record(Duration::from_millis(millis));
/// }
/// let median = histogram.percentile(50.0).as_secs_f64();
/// assert!((median / 0.050 - 1.0).abs() < 0.01);
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
    sum: Duration,
    max: Duration,
}

/// The bucket of a number: exact below [`SHARES`], then [`SHARES`] buckets for each doubling.
fn bucket_of(value: u64) -> usize {
    if value < SHARES {
        return value as usize;
    }
    let doublings = value.ilog2() - SHARE_BITS;
    let share = (value >> doublings) - SHARES;
    ((u64::from(doublings) + 1) * SHARES + share) as usize
}

/// The smallest number of a bucket.
fn start_of(bucket: usize) -> u64 {
    let bucket = bucket as u64;
    if bucket < SHARES {
        return bucket;
    }
    let doublings = bucket / SHARES - 1;
    (SHARES + bucket % SHARES) << doublings
}

impl Histogram {
    /// Counts a duration.
    pub fn record(&mut self, duration: Duration) {
        let nanos = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        let bucket = bucket_of(nanos);
        if self.counts.len() <= bucket {
            self.counts.resize(bucket + 1, 0);
        }
        self.counts[bucket] += 1;
        self.total += 1;
        self.sum += duration;
        self.max = self.max.max(duration);
    }

    /// Adds what another one has counted.
    pub fn add(&mut self, other: &Self) {
        if self.counts.len() < other.counts.len() {
            self.counts.resize(other.counts.len(), 0);
        }
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        self.total += other.total;
        self.sum += other.sum;
        self.max = self.max.max(other.max);
    }

    /// How many were counted.
    pub fn count(&self) -> u64 {
        self.total
    }

    /// All of them together.
    pub fn sum(&self) -> Duration {
        self.sum
    }

    /// The longest.
    pub fn max(&self) -> Duration {
        self.max
    }

    /// The duration that `percent` of all are no longer than, by nearest rank; zero when there are
    /// none.
    pub fn percentile(&self, percent: f64) -> Duration {
        let rank = (percent.clamp(0.0, 100.0) / 100.0 * self.total as f64).ceil() as u64;
        let mut left = rank.max(1);
        for (bucket, count) in self.counts.iter().enumerate() {
            if *count >= left {
                // The middle of the bucket is off by half its width at the most.
                let (low, high) = (start_of(bucket), start_of(bucket + 1));
                return Duration::from_nanos(low + (high - low) / 2).min(self.max);
            }
            left -= count;
        }
        Duration::ZERO
    }

    /// How many are at most `limit` long, to within a bucket.
    pub fn count_up_to(&self, limit: Duration) -> u64 {
        let nanos = u64::try_from(limit.as_nanos()).unwrap_or(u64::MAX);
        let last = bucket_of(nanos);
        self.counts.iter().take(last + 1).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Covers: AC-MT-4
    #[test]
    fn percentiles_go_by_nearest_rank() {
        let mut histogram = Histogram::default();
        for nanos in 1..=100 {
            histogram.record(Duration::from_nanos(nanos));
        }
        let at = |percent| histogram.percentile(percent).as_nanos();
        assert_eq!([at(50.0), at(95.0), at(99.0)], [50, 95, 99]);
        assert_eq!(Histogram::default().percentile(50.0), Duration::ZERO);
    }

    #[test]
    fn two_of_them_together_count_what_each_has() {
        let (mut short, mut long, mut all) = Default::default();
        for nanos in 1..=100 {
            let half: &mut Histogram = if nanos <= 50 { &mut short } else { &mut long };
            half.record(Duration::from_nanos(nanos));
            Histogram::record(&mut all, Duration::from_nanos(nanos));
        }
        short.add(&long);
        assert_eq!(short, all);
    }

    #[test]
    fn every_bucket_is_less_than_one_per_cent_wide() {
        for bucket in 0..6_000 {
            let (low, high) = (start_of(bucket), start_of(bucket + 1));
            assert_eq!(bucket_of(low), bucket);
            assert_eq!(bucket_of(high - 1), bucket);
            assert!(bucket < 128 || (high - low) * 100 < low, "{low} to {high}");
        }
    }

    /// Covers: AC-MW-7
    #[test]
    fn the_size_does_not_grow_with_the_count() {
        let mut histogram = Histogram::default();
        histogram.record(Duration::from_secs(3600));
        let size = histogram.counts.len();
        for millis in 0..100_000 {
            histogram.record(Duration::from_millis(millis % 3_600_000));
        }
        assert_eq!(histogram.counts.len(), size);
        assert!(size < 8_192);
    }
}
