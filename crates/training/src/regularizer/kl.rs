//! How far a distribution is from a reference.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use candle_core::{D, Tensor};
use gimmal_client::types::tinker::Datum;

use super::target::{reference, same_shape};
use super::{Penalty, Reduction, Regularizer};
use crate::{Error, ops};

/// Classes less likely than this add nothing.
const UNLIKELY: f64 = 1e-10;
/// Log-probabilities count as no further apart than this.
const FAR: f64 = 100.0;

type Compute = dyn Fn(&[Datum], &Tensor) -> Result<Tensor, Error> + Send + Sync;

/// The Kullback-Leibler divergence from a reference Q over the last axis.
///
/// Forward is Σ P (ln P − ln Q), reverse Σ Q (ln Q − ln P), symmetric half the sum of both. The
/// derivative of the forward one by ln P is P (1 + ln P − ln Q). Metrics: `kl_divergence` (the value,
/// the mean where it is not reduced), `kl_direction`, `kl_symmetric`, `kl_max` and `kl_min` (of rows).
///
/// ```
/// use gimmal_training::candle::{Device, Tensor};
/// use gimmal_training::{KlDivergence, execute};
///
/// let p = Tensor::new(&[[0.4_f64, 0.3, 0.3]], &Device::Cpu)?.log()?;
/// let q = Tensor::new(&[[0.25_f64, 0.25, 0.5]], &Device::Cpu)?.log()?;
/// let penalty = execute(&KlDivergence::from_logprobs(q), &[], &p)?;
/// assert!((penalty.value.to_scalar::<f64>()? - 0.089_450).abs() < 1e-6);
/// # Ok::<(), gimmal_training::Error>(())
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct KlDivergence {
    logprobs: Option<Tensor>,
    field: Option<String>,
    compute: Option<Arc<Compute>>,
    reduction: Option<Reduction>,
    direction: Direction,
    symmetric: bool,
}

/// Which distribution the differences are weighted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Direction {
    /// By the model's own.
    #[default]
    Forward,
    /// By the reference.
    Reverse,
}

impl fmt::Debug for KlDivergence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KlDivergence")
            .field("field", &self.field)
            .field("reduction", &self.reduction)
            .field("direction", &self.direction)
            .field("symmetric", &self.symmetric)
            .finish_non_exhaustive()
    }
}

impl KlDivergence {
    /// The mean forward divergence; the reference is to be named yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// From the log-probabilities of a reference.
    pub fn from_logprobs(reference: Tensor) -> Self {
        Self::new().with_reference_logprobs(reference)
    }

    /// From an input of the data.
    pub fn from_field(name: impl Into<String>) -> Self {
        Self::new().with_reference_field(name)
    }

    /// Sets the reference's log-probabilities. They win over a field and a function.
    pub fn with_reference_logprobs(mut self, reference: Tensor) -> Self {
        self.logprobs = Some(reference);
        self
    }

    /// Sets the input of the first datum that holds them; where the log-probabilities are those of
    /// all data, the inputs of all are put together. It wins over a function.
    pub fn with_reference_field(mut self, name: impl Into<String>) -> Self {
        self.field = Some(name.into());
        self
    }

    /// Sets the function that computes them.
    pub fn with_compute_reference(
        mut self,
        compute: impl Fn(&[Datum], &Tensor) -> Result<Tensor, Error> + Send + Sync + 'static,
    ) -> Self {
        self.compute = Some(Arc::new(compute));
        self
    }

    /// Sets how the rows become one number; the mean by default.
    pub fn with_reduction(mut self, reduction: Reduction) -> Self {
        self.reduction = Some(reduction);
        self
    }

    /// Sets the direction.
    pub fn with_direction(mut self, direction: Direction) -> Self {
        self.direction = direction;
        self
    }

    /// Takes half the sum of both directions.
    pub fn with_symmetric(mut self, symmetric: bool) -> Self {
        self.symmetric = symmetric;
        self
    }

    fn reference(&self, data: &[Datum], logprobs: &Tensor) -> Result<Tensor, Error> {
        let found = if let Some(given) = &self.logprobs {
            given.clone()
        } else if let Some(field) = &self.field {
            reference(data, field, logprobs)?
        } else if let Some(compute) = &self.compute {
            compute(data, logprobs)?
        } else {
            return Err(Error::invalid(
                "KLDivergence",
                "requires a reference via :reference_logprobs, :reference_field, or \
                 :compute_reference",
            ));
        };
        same_shape("KL divergence", logprobs, &found)?;
        Ok(found.detach().to_dtype(logprobs.dtype())?)
    }
}

impl Regularizer for KlDivergence {
    fn compute(&self, data: &[Datum], logprobs: &Tensor) -> Result<Penalty, Error> {
        let reference = self.reference(data, logprobs)?;
        let rows = match (self.symmetric, self.direction) {
            (true, _) => {
                let both = (divergence(logprobs, &reference)? + divergence(&reference, logprobs)?)?;
                (both * 0.5)?
            }
            (false, Direction::Forward) => divergence(logprobs, &reference)?,
            (false, Direction::Reverse) => divergence(&reference, logprobs)?,
        };
        let value = self.reduction.unwrap_or(Reduction::Mean).apply(&rows)?;
        let listed = rows
            .detach()
            .flatten_all()?
            .to_dtype(candle_core::DType::F64)?;
        let listed = listed.to_vec1::<f64>()?;
        let direction = match self.direction {
            Direction::Forward => "forward",
            Direction::Reverse => "reverse",
        };
        let divergence = ops::mean(&value)?;
        Ok(Penalty::from(value)
            .with_metric("kl_divergence", divergence)
            .with_metric("kl_direction", direction)
            .with_metric("kl_symmetric", self.symmetric)
            .with_metric(
                "kl_max",
                listed.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            )
            .with_metric(
                "kl_min",
                listed.iter().copied().fold(f64::INFINITY, f64::min),
            ))
    }

    fn name(&self) -> Option<Cow<'_, str>> {
        Some("kl_divergence".into())
    }
}

/// KL(P‖Q) of every row, from logarithms.
fn divergence(p: &Tensor, q: &Tensor) -> Result<Tensor, Error> {
    let probs = p.exp()?;
    let terms = (&probs * ops::clamp(&(p - q)?, -FAR, FAR)?)?;
    let likely = probs.detach().gt(UNLIKELY)?;
    let terms = likely.where_cond(&terms, &terms.detach().zeros_like()?)?;
    Ok(terms.sum(D::Minus1)?)
}

/// The Jensen-Shannon divergence of every row: half of what either is from their middle, and at
/// most ln 2.
///
/// # Errors
///
/// Fails when the shapes differ.
pub fn js_divergence(p: &Tensor, q: &Tensor) -> Result<Tensor, Error> {
    same_shape("JS divergence", p, q)?;
    let middle = ((p.exp()? + q.exp()?)? * 0.5)?;
    let middle = ops::clamp(&middle, UNLIKELY, f64::INFINITY)?.log()?;
    Ok(((divergence(p, &middle)? + divergence(q, &middle)?)? * 0.5)?)
}
