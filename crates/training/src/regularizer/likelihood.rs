//! The loss that a base of a pipeline mostly is: how unlikely the targets are.

use std::borrow::Cow;

use candle_core::Tensor;
use gimmal_client::types::tinker::Datum;

use super::target::{reference, same_shape};
use super::{Penalty, Regularizer};
use crate::{Error, ops};

const WEIGHTS: &str = "weights";

/// The mean of −logprob over the targets, by the input `weights` of the data; without weights all
/// targets count alike.
///
/// Metrics: `likelihood_weight` (the sum of weights).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[must_use]
pub struct Likelihood;

impl Likelihood {
    /// The loss.
    pub fn new() -> Self {
        Self
    }
}

impl Regularizer for Likelihood {
    fn compute(&self, data: &[Datum], logprobs: &Tensor) -> Result<Penalty, Error> {
        let weighted = data
            .iter()
            .any(|datum| datum.loss_fn_inputs.contains_key(WEIGHTS));
        let weights = match weighted {
            true => reference(data, WEIGHTS, logprobs)?,
            false => logprobs.detach().ones_like()?,
        };
        same_shape("likelihood", logprobs, &weights)?;
        let sum = ops::number(&weights)?;
        if !(sum.is_finite() && sum > 0.0) {
            let message = format!("add up to {sum}; give some that are positive");
            return Err(Error::invalid(WEIGHTS, message));
        }
        let loss = ((logprobs * weights)?.sum_all()?.neg()? / sum)?;
        Ok(Penalty::from(loss).with_metric("likelihood_weight", sum))
    }

    fn name(&self) -> Option<Cow<'_, str>> {
        Some("likelihood".into())
    }
}
