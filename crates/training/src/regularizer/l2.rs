//! The sum of squares, which keeps numbers small, or close to a centre.

use std::borrow::Cow;

use candle_core::Tensor;
use gimmal_client::types::tinker::Datum;

use super::target::finite;
use super::{MetricValue, Penalty, Reduction, Regularizer, Target};
use crate::{Error, ops};

/// λ · Σy², or λ times the mean of y², where y is x less a centre, kept within ±clip.
///
/// Metrics: `l2_raw` (the value), `l2_mean` and `l2_rms` (mean of x² and its root, as x is), `center`.
///
/// ```
/// use gimmal_training::candle::{Device, Tensor};
/// use gimmal_training::{Center, L2, execute};
///
/// let x = Tensor::new(&[1.0_f64, 2.0, 3.0], &Device::Cpu)?;
/// let penalty = execute(&L2::new().with_center(Center::Mean), &[], &x)?;
/// assert_eq!(penalty.value.to_scalar::<f64>()?, 2.0);
/// # Ok::<(), gimmal_training::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct L2 {
    target: Target,
    reduction: Reduction,
    lambda: f64,
    clip: Option<f64>,
    center: Center,
}

/// What numbers are measured from.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Center {
    /// Zero.
    #[default]
    Zero,
    /// Their mean, through which the derivative is taken too.
    Mean,
    /// A number.
    At(f64),
}

impl Default for L2 {
    fn default() -> Self {
        Self::new()
    }
}

impl L2 {
    /// The sum over the log-probabilities, with a λ of 1, from zero and without clipping.
    pub fn new() -> Self {
        Self {
            target: Target::Logprobs,
            reduction: Reduction::Sum,
            lambda: 1.0,
            clip: None,
            center: Center::Zero,
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

    /// Sets how far a number counts. Numbers beyond have no derivative.
    pub fn with_clip(mut self, clip: f64) -> Self {
        self.clip = Some(clip);
        self
    }

    /// Sets what numbers are measured from.
    pub fn with_center(mut self, center: Center) -> Self {
        self.center = center;
        self
    }
}

impl Regularizer for L2 {
    fn compute(&self, data: &[Datum], logprobs: &Tensor) -> Result<Penalty, Error> {
        let lambda = finite("lambda", self.lambda)?;
        let x = self.target.resolve(data, logprobs)?;
        let (centred, center) = match self.center {
            Center::Zero => (x.clone(), MetricValue::from("none")),
            Center::Mean => (x.broadcast_sub(&x.mean_all()?)?, MetricValue::from("mean")),
            Center::At(at) => ((&x - finite("center", at)?)?, MetricValue::from(at)),
        };
        let clipped = match self.clip {
            None => centred,
            Some(clip) if clip > 0.0 => ops::clamp(&centred, -clip, clip)?,
            Some(clip) => {
                let message = format!("is {clip}; give a positive number");
                return Err(Error::invalid("clip", message));
            }
        };
        let value = (self.reduction.to_one(&clipped.sqr()?)? * lambda)?;
        let (raw, mean) = (ops::number(&value)?, ops::mean(&x.detach().sqr()?)?);
        Ok(Penalty::from(value)
            .with_metric("l2_raw", raw)
            .with_metric("l2_mean", mean)
            .with_metric("l2_rms", mean.sqrt())
            .with_metric("center", center))
    }

    fn name(&self) -> Option<Cow<'_, str>> {
        Some("l2_weight_decay".into())
    }
}
