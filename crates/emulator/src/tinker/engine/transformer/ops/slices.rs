//! The numbers of tensors as slices, and the sums over them that the operations share.

use std::array;

use candle_core::{CpuStorage, Layout, Result, Storage, Tensor, bail};

/// Numbers that are worked on side by side, so that it can be done in wide registers.
const LANES: usize = 16;

/// The numbers of a tensor that lie in one piece.
pub(super) fn floats<'a>(storage: &'a CpuStorage, layout: &Layout) -> Result<&'a [f32]> {
    match layout.contiguous_offsets() {
        Some((from, to)) => Ok(&storage.as_slice::<f32>()?[from..to]),
        None => bail!("the numbers of a tensor are not in one piece"),
    }
}

/// Reads the numbers of several tensors at once.
pub(crate) fn read<const N: usize, R>(
    tensors: [&Tensor; N],
    look: impl FnOnce([&[f32]; N]) -> Result<R>,
) -> Result<R> {
    let guards = tensors.map(Tensor::storage_and_layout);
    let mut failure = None;
    let slices = array::from_fn(|at| {
        let (storage, layout) = &guards[at];
        let numbers = match &**storage {
            Storage::Cpu(storage) => floats(storage, layout),
            _ => Err(candle_core::Error::Msg(
                "a tensor left the processor".into(),
            )),
        };
        numbers.unwrap_or_else(|error| {
            failure = Some(error);
            &[]
        })
    });
    match failure {
        Some(error) => Err(error),
        None => look(slices),
    }
}

/// Does some work in the widest registers that the processor has, with the same result as in others.
/// What the work calls must be marked `#[inline(always)]`, or it is done in narrow ones.
macro_rules! wide {
    ($work:expr) => {{
        // A closure that gives something away can be called but once, and then by no go-between,
        // which would not be inlined.
        let once = String::new();
        pulp::Arch::new().dispatch(
            #[inline(always)]
            || {
                let _given = once;
                $work
            },
        )
    }};
}
pub(crate) use wide;

/// The sum of the products of two rows.
#[inline(always)]
pub(super) fn dot(a: &[f32], b: &[f32]) -> f32 {
    let mut sums = [0.0; LANES];
    let (a, a_rest) = a.as_chunks::<LANES>();
    let (b, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a.iter().zip(b) {
        for ((sum, a), b) in sums.iter_mut().zip(a).zip(b) {
            *sum += a * b;
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

/// Adds `times` a row to another.
#[inline(always)]
pub(super) fn add(to: &mut [f32], row: &[f32], times: f32) {
    for (to, value) in to.iter_mut().zip(row) {
        *to += value * times;
    }
}

/// `exp(x)` of numbers up to 88, to 2 units in the last place: `2ⁿ` times a polynomial, as in Cephes.
/// Unlike that of the library it is done in wide registers.
#[inline(always)]
pub(super) fn exp(x: f32) -> f32 {
    /// Adding it leaves a whole number in the lowest bits.
    const WHOLE: f32 = 12_582_912.0;
    const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
    const POLYNOMIAL: [f32; 6] = [
        1.987_569_2e-4,
        1.398_199_9e-3,
        8.333_452e-3,
        4.166_579_6e-2,
        0.166_666_65,
        0.5,
    ];
    let x = x.max(-87.0);
    let shifted = x * std::f32::consts::LOG2_E + WHOLE;
    let whole = shifted - WHOLE;
    let rest = x - whole * LN_2[0] - whole * LN_2[1];
    let sum = POLYNOMIAL.iter().fold(0.0, |sum, part| sum * rest + part);
    let power = sum * rest * rest + rest + 1.0;
    f32::from_bits(power.to_bits().wrapping_add(shifted.to_bits() << 23))
}

/// `1 / (1 + exp(−x))`.
#[inline(always)]
pub(super) fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp((-x).min(87.0)))
}

/// The logprobs of scores.
#[inline(always)]
pub(crate) fn log_softmax(scores: &[f32], logprobs: &mut [f32]) {
    let most = scores.iter().copied().fold(f32::MIN, f32::max);
    for (logprob, score) in logprobs.iter_mut().zip(scores) {
        *logprob = exp(score - most);
    }
    let total: f64 = logprobs.iter().map(|share| f64::from(*share)).sum();
    let total = f64::from(most) + total.ln();
    for (logprob, score) in logprobs.iter_mut().zip(scores) {
        *logprob = (f64::from(*score) - total) as f32;
    }
}

/// Turns logprobs into probabilities, `times` over.
#[inline(always)]
pub(crate) fn spread(logprobs: &mut [f32], times: f32) {
    logprobs
        .iter_mut()
        .for_each(|logprob| *logprob = times * exp(*logprob));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_that_of_the_library() {
        for step in -870_000..=870_000 {
            let x = step as f32 * 1e-4;
            let exact = f64::from(x).exp();
            let off = (f64::from(exp(x)) - exact).abs() / exact;
            assert!(off < 3e-7, "exp({x}) is off by {off}");
        }
        assert!(exp(f32::NEG_INFINITY) < 1e-37 && sigmoid(-1e9) < 1e-37);
    }
}
