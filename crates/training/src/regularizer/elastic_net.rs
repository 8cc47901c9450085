//! A mixture of absolute values and squares.

use std::borrow::Cow;

use candle_core::Tensor;
use gimmal_client::types::tinker::Datum;

use super::target::finite;
use super::{Penalty, Reduction, Regularizer, Target};
use crate::{Error, ops};

/// λ · (α · Σ|x| + (1 − α) · Σx²), or the same with means.
///
/// Metrics: `elastic_net` (the value), `l1_ratio` (α), `l1_component` and `l2_component` (both sums or
/// means, without factors).
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct ElasticNet {
    target: Target,
    reduction: Reduction,
    lambda: f64,
    l1_ratio: f64,
}

impl Default for ElasticNet {
    fn default() -> Self {
        Self::new()
    }
}

impl ElasticNet {
    /// Sums over the log-probabilities, with a λ of 1 and an α of one half.
    pub fn new() -> Self {
        Self {
            target: Target::Logprobs,
            reduction: Reduction::Sum,
            lambda: 1.0,
            l1_ratio: 0.5,
        }
    }

    /// Sets what is looked at.
    pub fn with_target(mut self, target: Target) -> Self {
        self.target = target;
        self
    }

    /// Sets sums or means.
    pub fn with_reduction(mut self, reduction: Reduction) -> Self {
        self.reduction = reduction;
        self
    }

    /// Sets the factor λ.
    pub fn with_lambda(mut self, lambda: f64) -> Self {
        self.lambda = lambda;
        self
    }

    /// Sets the share α of absolute values, between 0 and 1.
    pub fn with_l1_ratio(mut self, ratio: f64) -> Self {
        self.l1_ratio = ratio;
        self
    }
}

impl Regularizer for ElasticNet {
    fn compute(&self, data: &[Datum], logprobs: &Tensor) -> Result<Penalty, Error> {
        let (lambda, ratio) = (finite("lambda", self.lambda)?, self.l1_ratio);
        if !(0.0..=1.0).contains(&ratio) {
            let message = format!("is {ratio}; give a number between 0 and 1");
            return Err(Error::invalid("l1_ratio", message));
        }
        let x = self.target.resolve(data, logprobs)?;
        let l1 = self.reduction.to_one(&ops::abs(&x)?)?;
        let l2 = self.reduction.to_one(&x.sqr()?)?;
        let value = (((&l1 * ratio)? + (&l2 * (1.0 - ratio))?)? * lambda)?;
        let (net, l1, l2) = (ops::number(&value)?, ops::number(&l1)?, ops::number(&l2)?);
        Ok(Penalty::from(value)
            .with_metric("elastic_net", net)
            .with_metric("l1_ratio", ratio)
            .with_metric("l1_component", l1)
            .with_metric("l2_component", l2))
    }

    fn name(&self) -> Option<Cow<'_, str>> {
        Some("elastic_net".into())
    }
}
