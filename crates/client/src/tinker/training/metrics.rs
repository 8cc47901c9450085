//! One set of metrics from those of the chunks of a request. The rule for each metric is in the
//! suffix of its name.

use gimmal_transport::Error;
use std::collections::BTreeMap;

/// Whose rules put metrics together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetricsReduction {
    /// Those of the official SDK: `sum`, `mean`, `min`, `max`, `slack`, `unique` and `hash2`. A
    /// metric that a chunk lacks, or with another suffix, is left out.
    #[default]
    Tinker,
    /// Those of its port to Elixir: a metric that a chunk lacks is made of the others, and one
    /// with another suffix, or none, is the mean. `hash_unordered` tells sets of values apart.
    Tinkex,
}

/// The metrics of one chunk and how much it weighs: the number of its outputs.
#[derive(Clone, Copy, Debug)]
pub struct ChunkMetrics<'a> {
    /// How much the chunk counts in a mean.
    pub weight: usize,
    /// Its metrics by name.
    pub metrics: &'a BTreeMap<String, f64>,
}

impl MetricsReduction {
    /// Puts the metrics of all chunks together; the names are those of the first.
    ///
    /// ```
    /// use gimmal_client::tinker::{ChunkMetrics, MetricsReduction};
    /// use std::collections::BTreeMap;
    ///
    /// # fn main() -> Result<(), gimmal_client::Error> {
    /// let metrics = [1.0, 4.0].map(|mean| BTreeMap::from([("loss:mean".to_owned(), mean)]));
    /// let chunks = [(1, &metrics[0]), (3, &metrics[1])]
    ///     .map(|(weight, metrics)| ChunkMetrics { weight, metrics });
    /// let whole = MetricsReduction::Tinker.reduce(&chunks)?;
    /// assert_eq!(whole["loss:mean"], 3.25);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// By the rules of the official SDK a name without exactly one `:` is an error.
    pub fn reduce(self, chunks: &[ChunkMetrics<'_>]) -> Result<BTreeMap<String, f64>, Error> {
        let mut whole = BTreeMap::new();
        let Some(first) = chunks.first() else {
            return Ok(whole);
        };
        for name in first.metrics.keys() {
            let values = values(chunks, name);
            if self == Self::Tinker {
                check(name)?;
                if values.len() < chunks.len() {
                    continue;
                }
            }
            self.reduce_one(name, &values, &mut whole);
        }
        Ok(whole)
    }

    fn reduce_one(self, name: &str, values: &[Weighted], whole: &mut BTreeMap<String, f64>) {
        let numbers = || values.iter().map(|value| value.value);
        let max = || numbers().fold(f64::NEG_INFINITY, f64::max);
        let tinkex = self == Self::Tinkex;
        let value = match name.rsplit_once(':').map(|(_, suffix)| suffix) {
            Some("sum") => numbers().sum(),
            Some("mean") => mean(values).unwrap_or_default(),
            Some("min") => numbers().fold(f64::INFINITY, f64::min),
            Some("max") => max(),
            Some("slack") => mean(values).map_or(0.0, |mean| max() - mean),
            Some("unique") => return number(name, numbers(), tinkex, whole),
            Some("hash2") if !tinkex => hash_sum(numbers()),
            Some("hash_unordered") if tinkex => hash_of_set(numbers()),
            _ if tinkex => mean(values).unwrap_or_default(),
            _ => return,
        };
        whole.insert(name.to_owned(), value);
    }
}

#[derive(Clone, Copy)]
struct Weighted {
    weight: f64,
    value: f64,
}

fn values(chunks: &[ChunkMetrics<'_>], name: &str) -> Vec<Weighted> {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a request has fewer outputs than 2^53"
    )]
    let weighted = |chunk: &ChunkMetrics<'_>| {
        Some(Weighted {
            weight: chunk.weight as f64,
            value: *chunk.metrics.get(name)?,
        })
    };
    chunks.iter().filter_map(weighted).collect()
}

fn check(name: &str) -> Result<(), Error> {
    if name.split(':').count() == 2 {
        return Ok(());
    }
    let message = format!("metric {name:?} is not named after its reduction, as in `loss:sum`");
    Err(Error::decode(message, bytes::Bytes::new()).with_field("metrics"))
}

/// `Σ value·weight / Σ weight`; nothing weighs nothing.
fn mean(values: &[Weighted]) -> Option<f64> {
    let weight: f64 = values.iter().map(|value| value.weight).sum();
    let sum: f64 = values.iter().map(|value| value.value * value.weight).sum();
    (weight > 0.0).then(|| sum / weight)
}

/// Keeps every value, under numbered names after the first.
fn number(
    name: &str,
    values: impl Iterator<Item = f64>,
    tinkex: bool,
    whole: &mut BTreeMap<String, f64>,
) {
    let first = usize::from(tinkex);
    for (index, value) in values.enumerate() {
        let name = match index {
            0 => name.to_owned(),
            index => format!("{name}_{}", index + first),
        };
        whole.insert(name, value);
    }
}

/// The sum modulo 2^64 of the whole parts; negative ones in two's complement.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "the remainder is what is asked for"
)]
fn hash_sum(values: impl Iterator<Item = f64>) -> f64 {
    let modulus = 2.0_f64.powi(64);
    let whole = |value: f64| {
        // A double cannot hold the remainder of a small negative number, so the sign comes last.
        let size = (value.abs().trunc() % modulus) as u64;
        if value < 0.0 {
            size.wrapping_neg()
        } else {
            size
        }
    };
    let sum = values.map(whole).fold(0_u64, u64::wrapping_add);
    sum as f64
}

/// A number that depends on which values there are and not on their order.
#[expect(
    clippy::cast_precision_loss,
    reason = "it is cut to the 53 bits that a double holds"
)]
fn hash_of_set(values: impl Iterator<Item = f64>) -> f64 {
    use sha2::{Digest as _, Sha256};
    let mut sorted: Vec<f64> = values.collect();
    sorted.sort_by(f64::total_cmp);
    let mut digest = Sha256::new();
    for value in sorted {
        digest.update(value.to_le_bytes());
    }
    let digest: [u8; 32] = digest.finalize().into();
    let head = digest.first_chunk::<8>().copied().unwrap_or_default();
    (u64::from_le_bytes(head) >> 11) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    type Metrics = BTreeMap<String, f64>;

    fn metrics<const N: usize>(pairs: [(&str, f64); N]) -> Metrics {
        pairs
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect()
    }

    fn reduce(rules: MetricsReduction, chunks: &[(usize, Metrics)]) -> Metrics {
        let chunks: Vec<_> = chunks
            .iter()
            .map(|(weight, metrics)| ChunkMetrics {
                weight: *weight,
                metrics,
            })
            .collect();
        rules.reduce(&chunks).unwrap()
    }

    fn assert_near(actual: &Metrics, expected: &Metrics) {
        let names = |map: &Metrics| map.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(actual), names(expected));
        for (name, value) in expected {
            assert!((actual[name] - value).abs() < 1e-5, "{name}: {actual:?}");
        }
    }

    /// The double nearest to 2^64 - 1 is 2^64, so the fixture's number travels as -1.
    const MINUS_ONE: f64 = -1.0;

    fn three_chunks() -> [(usize, Metrics); 3] {
        let chunk = |values: [f64; 8]| {
            let names = [
                "loss:mean",
                "tokens:sum",
                "lat:max",
                "temp:min",
                "drift:slack",
                "clock:unique",
                "eff:median",
                "ids:hash2",
            ];
            let pairs = names.into_iter().map(str::to_owned).zip(values);
            pairs.collect::<Metrics>()
        };
        [
            (2, chunk([1.0, 100.0, 1.1, 0.3, 1.0, 10.0, 1.0, 3.0])),
            (1, chunk([3.0, 50.0, 1.5, 0.1, 3.0, 11.0, 3.0, 5.0])),
            (3, chunk([5.0, 75.0, 1.2, 0.2, 5.0, 12.0, 5.0, MINUS_ONE])),
        ]
    }

    /// Covers: CHK-MR-1
    #[test]
    fn chk_mr_1_by_the_rules_of_the_official_sdk() {
        let whole = reduce(MetricsReduction::Tinker, &three_chunks());
        let expected = metrics([
            ("loss:mean", 3.333_333),
            ("tokens:sum", 225.0),
            ("lat:max", 1.5),
            ("temp:min", 0.1),
            ("drift:slack", 1.666_667),
            ("clock:unique", 10.0),
            ("clock:unique_1", 11.0),
            ("clock:unique_2", 12.0),
            ("ids:hash2", 7.0),
        ]);
        assert_near(&whole, &expected);
    }

    /// Covers: CHK-MR-1
    #[test]
    fn chk_mr_1_by_the_rules_of_the_port() {
        let mut whole = reduce(MetricsReduction::Tinkex, &three_chunks());
        whole.remove("ids:hash2");
        let expected = metrics([
            ("loss:mean", 3.333_333),
            ("tokens:sum", 225.0),
            ("lat:max", 1.5),
            ("temp:min", 0.1),
            ("drift:slack", 1.666_667),
            ("clock:unique", 10.0),
            ("clock:unique_2", 11.0),
            ("clock:unique_3", 12.0),
            ("eff:median", 3.333_333),
        ]);
        assert_near(&whole, &expected);
    }

    /// Covers: CHK-MR-1
    #[test]
    fn chk_mr_1_weights_and_missing_metrics() {
        let loss = |weight, value| (weight, metrics([("loss:mean", value)]));
        let chunks = [loss(1, 1.0), loss(3, 3.0), loss(2, 5.0)];
        let whole = reduce(MetricsReduction::Tinker, &chunks);
        assert_near(&whole, &metrics([("loss:mean", 3.333_333)]));

        let accuracy = |value| metrics([("accuracy:mean", value)]);
        let chunks = [(2, accuracy(0.8)), (5, metrics([])), (1, accuracy(0.6))];
        let port = reduce(MetricsReduction::Tinkex, &chunks);
        assert_near(&port, &metrics([("accuracy:mean", 0.733_333)]));
        assert!(reduce(MetricsReduction::Tinker, &chunks).is_empty());

        let nothing = reduce(MetricsReduction::Tinker, &[loss(0, 4.0), loss(0, 6.0)]);
        assert_near(&nothing, &metrics([("loss:mean", 0.0)]));
    }

    /// What the reference made of these.
    #[test]
    fn as_the_reference_reduces() {
        let first = metrics([
            ("loss:sum", 1.0),
            ("a:mean", 1.0),
            ("b:min", 3.0),
            ("c:max", 3.0),
            ("d:slack", 1.0),
            ("e:unique", 7.0),
            ("f:hash2", 5.0),
            ("g:zzz", 1.0),
            ("only0:sum", 1.0),
        ]);
        let second = metrics([
            ("loss:sum", 2.0),
            ("a:mean", 4.0),
            ("b:min", 2.0),
            ("c:max", 5.0),
            ("d:slack", 4.0),
            ("e:unique", 8.0),
            ("f:hash2", -1.0),
            ("g:zzz", 1.0),
        ]);
        let expected = metrics([
            ("loss:sum", 3.0),
            ("a:mean", 3.25),
            ("b:min", 2.0),
            ("c:max", 5.0),
            ("d:slack", 0.75),
            ("e:unique", 7.0),
            ("e:unique_1", 8.0),
            ("f:hash2", 4.0),
        ]);
        let whole = reduce(MetricsReduction::Tinker, &[(1, first), (3, second)]);
        assert_near(&whole, &expected);
        let single = metrics([("a:mean", 2.0), ("e:unique", 1.0)]);
        assert_near(
            &reduce(MetricsReduction::Tinker, &[(2, single.clone())]),
            &single,
        );
    }

    #[test]
    fn names_without_a_reduction() {
        for name in ["loss", "a:b:sum"] {
            let metrics = metrics([(name, 1.0)]);
            let chunk = ChunkMetrics {
                weight: 1,
                metrics: &metrics,
            };
            let error = MetricsReduction::Tinker.reduce(&[chunk]).unwrap_err();
            assert_eq!(error.field(), Some("metrics"));
            assert!(MetricsReduction::Tinkex.reduce(&[chunk]).is_ok());
        }
        assert!(MetricsReduction::Tinker.reduce(&[]).unwrap().is_empty());
    }

    #[test]
    fn a_set_of_values_has_one_number() {
        let chunks =
            |values: [f64; 3]| values.map(|value| (1, metrics([("ids:hash_unordered", value)])));
        let number =
            |values| reduce(MetricsReduction::Tinkex, &chunks(values))["ids:hash_unordered"];
        assert_eq!(number([1.0, 2.0, 3.0]), number([3.0, 1.0, 2.0]));
        assert_ne!(number([1.0, 2.0, 3.0]), number([1.0, 2.0, 4.0]));
    }
}
