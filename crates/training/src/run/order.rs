//! Which examples a step looks at: a new order for each time through, from a seed.

/// The batches of a run. A pure function of the step, so that a run that is taken up again goes on
/// with the same batches.
///
/// ```
/// use gimmal_training::BatchOrder;
///
/// let order = BatchOrder::new(5, 2, 7);
/// let first: Vec<usize> = (0..5).flat_map(|step| order.batch(step)).collect();
/// // Ten places are twice through five examples.
/// let mut once = first[..5].to_vec();
/// once.sort_unstable();
/// assert_eq!(once, [0, 1, 2, 3, 4]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BatchOrder {
    examples: usize,
    batch: usize,
    seed: u64,
}

impl BatchOrder {
    /// Batches of `batch` out of `examples`; both are at least one.
    pub fn new(examples: usize, batch: usize, seed: u64) -> Self {
        Self {
            examples: examples.max(1),
            batch: batch.max(1),
            seed,
        }
    }

    /// The places of the examples of a step, counted from zero.
    pub fn batch(&self, step: u64) -> Vec<usize> {
        let start = step.saturating_mul(self.batch as u64);
        let mut epoch = None;
        let place = |at: u64| {
            let number = at / self.examples as u64;
            if epoch.as_ref().is_none_or(|(known, _)| *known != number) {
                epoch = Some((number, self.shuffled(number)));
            }
            let (_, order) = epoch.as_ref()?;
            order.get((at % self.examples as u64) as usize).copied()
        };
        (start..start + self.batch as u64)
            .filter_map(place)
            .collect()
    }

    /// The order of all examples at one time through (Fisher and Yates).
    fn shuffled(&self, epoch: u64) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.examples).collect();
        let mut state = mix(self.seed ^ mix(epoch));
        for last in (1..order.len()).rev() {
            state = mix(state);
            let other = (state % (last as u64 + 1)) as usize;
            order.swap(last, other);
        }
        order
    }
}

/// A number that looks unrelated to its neighbours' (the finaliser of SplitMix64).
fn mix(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_time_through_every_example_comes_once(
            examples in 1_usize..40, batch in 1_usize..50, seed: u64, epochs in 1_usize..4,
        ) {
            let order = BatchOrder::new(examples, batch, seed);
            let steps = (examples * epochs).div_ceil(batch) as u64;
            let all: Vec<usize> = (0..steps).flat_map(|step| order.batch(step)).collect();
            for epoch in all.chunks_exact(examples) {
                let mut sorted = epoch.to_vec();
                sorted.sort_unstable();
                prop_assert_eq!(sorted, (0..examples).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn orders_differ_between_seeds_and_times() {
        let first = BatchOrder::new(50, 50, 1);
        assert_ne!(first.batch(0), first.batch(1));
        assert_ne!(first.batch(0), BatchOrder::new(50, 50, 2).batch(0));
        assert_eq!(first.batch(3), first.batch(3));
    }
}
