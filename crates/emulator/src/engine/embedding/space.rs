//! Vectors from weighted features: every feature has a direction of its own, drawn from its hash,
//! and a text is the sum of the directions of what it has. Directions are all but perpendicular, so
//! the cosine of two sums tells how much weight the two have in common, and any prefix of the
//! vectors tells the same a little less exactly.

use std::collections::BTreeMap;

use crate::rng::{Rng, mix};

/// The most numbers a vector has.
pub(crate) const DIMENSIONS: usize = 3072;

/// What everything embedded has in common, relative to the features. Real models have such a part
/// too: the cosine of two unrelated texts is well above zero.
const COMMON_WEIGHT: f32 = 0.7;
/// How far a task moves a text.
const TASK_WEIGHT: f32 = 0.15;

/// Features with weights. Kept in order, so that sums never depend on chance.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Features {
    weights: BTreeMap<u64, f32>,
}

impl Features {
    /// Adds to the weight of the feature `name` of `kind`.
    pub(crate) fn add(&mut self, kind: &str, name: &str, weight: f32) {
        *self.weights.entry(hash(kind, name)).or_default() += weight;
    }

    /// Adds all features of `other`, each times `weight`.
    pub(crate) fn add_all(&mut self, other: &Self, weight: f32) {
        for (feature, own) in &other.weights {
            *self.weights.entry(*feature).or_default() += own * weight;
        }
    }

    /// Dampens repeats: what occurs four times counts twice.
    pub(crate) fn dampened(mut self) -> Self {
        for weight in self.weights.values_mut() {
            *weight = weight.signum() * weight.abs().sqrt();
        }
        self
    }

    /// The weight both have in common; with features of length one, the cosine.
    pub(crate) fn dot(&self, other: &Self) -> f32 {
        let both = self.weights.iter();
        both.filter_map(|(feature, weight)| Some(weight * other.weights.get(feature)?))
            .sum()
    }

    /// The same features with a length of one, unless there are none.
    pub(crate) fn unit(mut self) -> Self {
        let squares: f32 = self.weights.values().map(|weight| weight * weight).sum();
        if squares > 0.0 {
            let scale = squares.sqrt().recip();
            for weight in self.weights.values_mut() {
                *weight *= scale;
            }
        }
        self
    }
}

/// The vector of the features in the space of `model`, of length one over all of its `full`
/// numbers, moved towards `task`.
pub(crate) fn vector(features: &Features, model: &str, task: &str, full: usize) -> Vec<f32> {
    let space = hash("space", model);
    let mut out = vec![0.0; full.min(DIMENSIONS)];
    let unit = features.clone().unit();
    let own = unit
        .weights
        .iter()
        .map(|(feature, weight)| (*feature, *weight));
    let around = [
        (hash("common", ""), COMMON_WEIGHT),
        (hash("task", task), TASK_WEIGHT),
    ];
    for (feature, weight) in own.chain(around) {
        add_direction(&mut out, mix(feature ^ space), weight);
    }
    normalise(&mut out);
    out
}

/// Gives `vector` a length of one.
pub(crate) fn normalise(vector: &mut [f32]) {
    let squares: f32 = vector.iter().map(|number| number * number).sum();
    if squares > 0.0 {
        let scale = squares.sqrt().recip();
        for number in vector {
            *number *= scale;
        }
    }
}

/// Adds a direction of plus and minus ones, 64 of them to the draw.
fn add_direction(out: &mut [f32], seed: u64, weight: f32) {
    let mut rng = Rng::new(seed);
    for chunk in out.chunks_mut(64) {
        let mut signs = rng.next_u64();
        for number in chunk {
            *number += if signs & 1 == 0 { weight } else { -weight };
            signs >>= 1;
        }
    }
}

/// FNV-1a of both, spread by a final mix.
fn hash(kind: &str, name: &str) -> u64 {
    let bytes = kind.bytes().chain([0]).chain(name.bytes());
    mix(bytes.fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    }))
}

/// The cosine of the angle between two vectors.
#[cfg(test)]
pub(crate) fn cosine(a: &[f32], b: &[f32]) -> f32 {
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn features(names: &[&str]) -> Features {
        let mut out = Features::default();
        for name in names {
            out.add("test", name, 1.0);
        }
        out
    }

    #[test]
    fn a_vector_has_length_one_and_repeats() {
        let one = vector(&features(&["a", "b"]), "m", "", 768);
        assert_eq!(one.len(), 768);
        let length: f32 = one.iter().map(|x| x * x).sum();
        assert!((length - 1.0).abs() < 1e-5);
        assert_eq!(one, vector(&features(&["b", "a"]), "m", "", 768));
        assert_ne!(one, vector(&features(&["a", "b"]), "other", "", 768));
        assert_ne!(
            one,
            vector(&features(&["a", "b"]), "m", "RETRIEVAL_QUERY", 768)
        );
    }

    #[test]
    fn a_prefix_tells_much_the_same() {
        let of = |names: &[&str]| vector(&features(names), "m", "", DIMENSIONS);
        let (a, b, c) = (of(&["a", "b"]), of(&["a", "c"]), of(&["x", "y"]));
        for length in [256, 768, DIMENSIONS] {
            let near = cosine(&a[..length], &b[..length]);
            let far = cosine(&a[..length], &c[..length]);
            assert!(near > far + 0.15, "{length}: {near} {far}");
        }
    }

    #[test]
    fn repeats_count_less_and_less() {
        let mut often = Features::default();
        often.add("t", "a", 4.0);
        let mut twice = Features::default();
        twice.add("t", "a", 2.0);
        assert_eq!(often.dampened(), twice);
        assert_eq!(Features::default().unit(), Features::default());
    }
}
