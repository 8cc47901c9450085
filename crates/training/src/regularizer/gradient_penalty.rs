//! That a function of the log-probabilities has slopes of a wanted length.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use candle_core::{DType, Tensor};
use gimmal_client::types::tinker::Datum;

use super::target::{finite, reference, same_shape};
use super::{Penalty, Regularizer};
use crate::loss::{differentiate, leaf};
use crate::{Error, ops};

/// The relative step of the differences below: the cube root of the precision of 64-bit floats,
/// where the error of rounding is as small as that of the formula.
const STEP: f64 = 6e-6;

type LossFn = dyn Fn(&Tensor) -> Result<Tensor, Error> + Send + Sync;

/// (‖∇f(x)‖ − target)² of a function f, where x are the log-probabilities, or a point between them
/// and a reference.
///
/// The tensor library does not differentiate derivatives. The slope of this penalty is 2 (‖g‖ −
/// target) · H g/‖g‖ with g = ∇f(x) and H the derivative of g, and H times a vector is taken from
/// exact gradients a small step to both sides. The function is therefore called three times, always
/// with 64-bit floats; where its gradient is zero the penalty has no slope.
///
/// Metrics: `gradient_penalty` (the value), `gradient_norm` (‖∇f(x)‖).
///
/// ```
/// use gimmal_training::candle::{Device, Tensor};
/// use gimmal_training::{GradientPenalty, execute};
///
/// let x = Tensor::new(&[1.0_f64, 2.0, 3.0], &Device::Cpu)?;
/// let squares = GradientPenalty::new(|x: &Tensor| Ok(x.sqr()?.sum_all()?));
/// let penalty = execute(&squares, &[], &x)?;
/// assert!((penalty.value.to_scalar::<f64>()? - 42.033_370).abs() < 1e-5);
/// # Ok::<(), gimmal_training::Error>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct GradientPenalty {
    loss_fn: Arc<LossFn>,
    target_norm: f64,
    between: Option<f64>,
    reference_field: String,
}

impl fmt::Debug for GradientPenalty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GradientPenalty")
            .field("target_norm", &self.target_norm)
            .field("between", &self.between)
            .field("reference_field", &self.reference_field)
            .finish_non_exhaustive()
    }
}

impl GradientPenalty {
    /// The penalty at the log-probabilities, with a wanted length of 1.
    pub fn new(loss_fn: impl Fn(&Tensor) -> Result<Tensor, Error> + Send + Sync + 'static) -> Self {
        Self {
            loss_fn: Arc::new(loss_fn),
            target_norm: 1.0,
            between: None,
            reference_field: "reference_logprobs".to_owned(),
        }
    }

    /// Sets the wanted length of the gradient.
    pub fn with_target_norm(mut self, norm: f64) -> Self {
        self.target_norm = norm;
        self
    }

    /// Takes the penalty at ε · logprobs + (1 − ε) · reference. Draw ε between 0 and 1 anew for each
    /// pass, from a generator of your own.
    pub fn with_interpolation(mut self, epsilon: f64) -> Self {
        self.between = Some(epsilon);
        self
    }

    /// Sets the input of the data that holds the reference.
    pub fn with_reference_field(mut self, name: impl Into<String>) -> Self {
        self.reference_field = name.into();
        self
    }

    fn slope(&self, x: &Tensor) -> Result<Tensor, Error> {
        let x = leaf(x)?;
        let slopes = differentiate(&(self.loss_fn)(&x)?, std::slice::from_ref(&x))?;
        slopes
            .into_iter()
            .next()
            .map_or_else(|| Ok(x.zeros_like()?), Ok)
    }

    /// The derivative of the gradient along a direction of length one.
    fn curvature(&self, x: &Tensor, direction: &Tensor) -> Result<Tensor, Error> {
        let step = STEP * (1.0 + ops::detached_norm(x)?);
        let ahead = self.slope(&(x + (direction * step)?)?)?;
        let behind = self.slope(&(x - (direction * step)?)?)?;
        Ok(((ahead - behind)? / (2.0 * step))?)
    }
}

impl Regularizer for GradientPenalty {
    fn compute(&self, data: &[Datum], logprobs: &Tensor) -> Result<Penalty, Error> {
        let target = finite("target_norm", self.target_norm)?;
        let mut x = logprobs.detach().to_dtype(DType::F64)?;
        let mut share = 1.0;
        if let Some(epsilon) = self.between {
            if !(0.0..=1.0).contains(&epsilon) {
                let message = format!("is {epsilon}; give a number between 0 and 1");
                return Err(Error::invalid("epsilon", message));
            }
            let other = reference(data, &self.reference_field, &x)?;
            same_shape("gradient penalty", logprobs, &other)?;
            x = ((x * epsilon)? + (other * (1.0 - epsilon))?)?;
            share = epsilon;
        }
        let slope = self.slope(&x)?;
        let norm = ops::detached_norm(&slope)?;
        let penalty = (norm - target).powi(2);
        let derivative = if norm > 0.0 {
            let along = self.curvature(&x, &(slope / norm)?)?;
            (along * (2.0 * (norm - target) * share))?
        } else {
            slope
        };
        let number = Tensor::new(penalty, logprobs.device())?.to_dtype(logprobs.dtype())?;
        let derivative = derivative.to_dtype(logprobs.dtype())?;
        let value = ops::with_gradient(&number, logprobs, &derivative)?;
        Ok(Penalty::from(value)
            .with_metric("gradient_penalty", penalty)
            .with_metric("gradient_norm", norm))
    }

    fn name(&self) -> Option<Cow<'_, str>> {
        Some("gradient_penalty".into())
    }
}
