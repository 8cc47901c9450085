//! How numbers are distributed: the summary the service gives of the lengths of examples.

use serde_json::{Value, json};

/// Buckets a range is divided into.
const BUCKETS: usize = 10;

/// Sum, extremes, mean, percentiles and buckets of `numbers`, which must not be empty.
pub(crate) fn summary(numbers: impl IntoIterator<Item = u64>) -> Value {
    let mut sorted: Vec<u64> = numbers.into_iter().collect();
    sorted.sort_unstable();
    let (Some(min), Some(max)) = (sorted.first().copied(), sorted.last().copied()) else {
        return Value::Null;
    };
    let sum: u64 = sorted.iter().sum();
    let at = |share: f64| sorted[((sorted.len() - 1) as f64 * share).round() as usize];
    json!({
        "sum": sum.to_string(),
        "min": min,
        "max": max,
        "mean": sum as f64 / sorted.len() as f64,
        "median": at(0.5),
        "p5": at(0.05),
        "p95": at(0.95),
        "buckets": buckets(&sorted, min, max),
    })
}

fn buckets(sorted: &[u64], min: u64, max: u64) -> Value {
    let width = (max - min) as f64 / BUCKETS as f64;
    if width == 0.0 {
        return json!([{ "count": sorted.len(), "left": min, "right": max }]);
    }
    let of = |number: u64| (((number - min) as f64 / width) as usize).min(BUCKETS - 1);
    (0..BUCKETS)
        .map(|bucket| {
            json!({
                "count": sorted.iter().filter(|number| of(**number) == bucket).count(),
                "left": min as f64 + width * bucket as f64,
                "right": min as f64 + width * (bucket + 1) as f64,
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_in_one_bucket() {
        let numbers = [3, 9, 1, 1, 20, 7];
        let summary = summary(numbers);
        assert_eq!(summary["sum"], "41");
        assert_eq!((&summary["min"], &summary["max"]), (&json!(1), &json!(20)));
        let buckets = summary["buckets"].as_array().expect("buckets");
        let counts = buckets.iter().filter_map(|bucket| bucket["count"].as_u64());
        assert_eq!(counts.sum::<u64>(), 6);
        assert_eq!(
            super::summary([4, 4])["buckets"].as_array().map(Vec::len),
            Some(1)
        );
    }
}
