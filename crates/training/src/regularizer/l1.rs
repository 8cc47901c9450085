//! The sum of absolute values, which makes many numbers zero.

use std::borrow::Cow;

use candle_core::Tensor;
use gimmal_client::types::tinker::Datum;

use super::target::finite;
use super::{Penalty, Reduction, Regularizer, Target};
use crate::{Error, ops};

/// Numbers closer to zero than this count as zero in the metric `l1_sparsity_ratio`.
const ZERO: f64 = 1e-6;

/// λ · Σ|x|, or λ times the mean of |x|.
///
/// The derivative is λ · sign(x), and zero where x is. Metrics: `l1_raw` (the value), `l1_mean` (the
/// mean of |x|), `l1_sparsity_ratio` (the share of numbers below 1e-6).
///
/// ```
/// use gimmal_training::candle::{Device, Tensor};
/// use gimmal_training::{L1, execute};
///
/// let x = Tensor::new(&[1.0_f64, -2.0, 0.5, -0.5], &Device::Cpu)?;
/// let penalty = execute(&L1::new().with_lambda(0.1), &[], &x)?;
/// assert_eq!(penalty.value.to_scalar::<f64>()?, 0.4);
/// # Ok::<(), gimmal_training::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct L1 {
    target: Target,
    reduction: Reduction,
    lambda: f64,
}

impl Default for L1 {
    fn default() -> Self {
        Self::new()
    }
}

impl L1 {
    /// The sum over the log-probabilities, with a λ of 1.
    pub fn new() -> Self {
        Self {
            target: Target::Logprobs,
            reduction: Reduction::Sum,
            lambda: 1.0,
        }
    }

    /// Sets what is looked at.
    pub fn with_target(mut self, target: Target) -> Self {
        self.target = target;
        self
    }

    /// Sets the sum or the mean.
    pub fn with_reduction(mut self, reduction: Reduction) -> Self {
        self.reduction = reduction;
        self
    }

    /// Sets the factor λ.
    pub fn with_lambda(mut self, lambda: f64) -> Self {
        self.lambda = lambda;
        self
    }
}

impl Regularizer for L1 {
    fn compute(&self, data: &[Datum], logprobs: &Tensor) -> Result<Penalty, Error> {
        let lambda = finite("lambda", self.lambda)?;
        let sizes = ops::abs(&self.target.resolve(data, logprobs)?)?;
        let value = (self.reduction.to_one(&sizes)? * lambda)?;
        let (raw, mean) = (ops::number(&value)?, ops::mean(&sizes)?);
        let sparsity = ops::mean(&sizes.detach().lt(ZERO)?)?;
        Ok(Penalty::from(value)
            .with_metric("l1_raw", raw)
            .with_metric("l1_mean", mean)
            .with_metric("l1_sparsity_ratio", sparsity))
    }

    fn name(&self) -> Option<Cow<'_, str>> {
        Some("l1_sparsity".into())
    }
}
