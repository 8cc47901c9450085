//! A histogram small enough to keep in memory: counts by bucket over its whole life, percentiles
//! over the most recent values. It knows numbers, not what they measure.

use std::collections::VecDeque;

/// What was measured, as it stands at one moment.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct HistogramSnapshot {
    /// How many values there were.
    pub count: u64,
    /// Their mean.
    pub mean: f64,
    /// The least of them.
    pub min: f64,
    /// The greatest of them.
    pub max: f64,
    /// The median of the most recent values; of an even number, the mean of the middle two.
    pub p50: f64,
    /// 95 % of the most recent values are no greater.
    pub p95: f64,
    /// 99 % of the most recent values are no greater.
    pub p99: f64,
    /// How many values fell into each bucket; the last one has no bound.
    pub buckets: Vec<Bucket>,
}

/// The values above the bound of the bucket before and up to this one's.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Bucket {
    /// The greatest value that belongs here; infinite for the last bucket.
    pub up_to: f64,
    /// How many values fell into it.
    pub count: u64,
}

/// Values as they come in.
#[derive(Clone, Debug)]
pub(super) struct Histogram {
    buckets: Vec<Bucket>,
    recent: VecDeque<f64>,
    max_recent: usize,
    count: u64,
    sum: f64,
    min: f64,
    max: f64,
}

impl Histogram {
    /// A histogram with these bounds, in ascending order, that keeps `max_recent` values, at
    /// least one.
    pub(super) fn new(bounds: &[f64], max_recent: usize) -> Self {
        let bounds = bounds.iter().copied().chain([f64::INFINITY]);
        Self {
            buckets: bounds.map(|up_to| Bucket { up_to, count: 0 }).collect(),
            recent: VecDeque::new(),
            max_recent: max_recent.max(1),
            count: 0,
            sum: 0.0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
        }
    }

    /// Takes a value in; one that is not a number or infinite is left out.
    pub(super) fn record(&mut self, value: f64) {
        if !value.is_finite() {
            return;
        }
        let index = self.buckets.partition_point(|bucket| bucket.up_to < value);
        self.buckets[index].count += 1;
        if self.recent.len() == self.max_recent {
            self.recent.pop_front();
        }
        self.recent.push_back(value);
        self.count += 1;
        self.sum += value;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
    }

    /// What is known so far; nothing before the first value.
    pub(super) fn snapshot(&self) -> Option<HistogramSnapshot> {
        let mut sorted: Vec<f64> = self.recent.iter().copied().collect();
        sorted.sort_by(f64::total_cmp);
        Some(HistogramSnapshot {
            count: self.count,
            #[expect(
                clippy::cast_precision_loss,
                reason = "a mean of 2^53 values is fiction"
            )]
            mean: self.sum / self.count as f64,
            min: self.min,
            max: self.max,
            p50: median(&sorted)?,
            p95: percentile(&sorted, 95)?,
            p99: percentile(&sorted, 99)?,
            buckets: self.buckets.clone(),
        })
    }
}

fn median(sorted: &[f64]) -> Option<f64> {
    let upper = *sorted.get(sorted.len() / 2)?;
    if sorted.len() % 2 == 1 {
        return Some(upper);
    }
    Some(f64::midpoint(sorted[sorted.len() / 2 - 1], upper))
}

/// The nearest rank: the least value such that `percent` % of all are no greater.
fn percentile(sorted: &[f64], percent: usize) -> Option<f64> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.saturating_sub(1)).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(values: impl IntoIterator<Item = f64>, max_recent: usize) -> HistogramSnapshot {
        let mut histogram = Histogram::new(&[10.0, 50.0], max_recent);
        for value in values {
            histogram.record(value);
        }
        histogram.snapshot().unwrap()
    }

    #[test]
    fn chk_met_1_percentiles() {
        let all = snapshot((1..=100).map(f64::from), 1_000);
        assert_eq!((all.p50, all.p95, all.p99), (50.5, 95.0, 99.0));
        let last_three = snapshot([1.0, 2.0, 3.0, 100.0], 3);
        assert_eq!(last_three.p50, 3.0);
        assert_eq!((last_three.count, last_three.min), (4, 1.0));
    }

    #[test]
    fn buckets_include_their_bound() {
        let counts: Vec<_> = snapshot([1.0, 10.0, 10.5, 50.0, 51.0], 9)
            .buckets
            .iter()
            .map(|bucket| bucket.count)
            .collect();
        assert_eq!(counts, [2, 2, 1]);
    }

    #[test]
    fn what_is_not_finite_is_left_out() {
        let mut histogram = Histogram::new(&[], 2);
        for value in [f64::NAN, f64::INFINITY] {
            histogram.record(value);
        }
        assert_eq!(histogram.snapshot(), None);
    }
}
