//! How undecided a distribution is.

use std::borrow::Cow;

use candle_core::{D, Tensor};
use gimmal_client::types::tinker::Datum;

use super::{Penalty, Reduction, Regularizer};
use crate::{Error, ops};

/// Classes less likely than e⁻⁵⁰ add nothing.
const UNLIKELY: f64 = -50.0;

/// The entropy H = −Σ p ln p over the last axis, to be made small or large.
///
/// With a temperature T other than 1 the log-probabilities are divided by T and normalised again;
/// otherwise they are taken as they are, and as free of each other: ∂H/∂logprob = −p (1 + logprob).
/// Metrics: `entropy` (the value with its sign, the mean where it is not reduced), `mode`,
/// `temperature`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use]
pub struct Entropy {
    mode: EntropyMode,
    reduction: Reduction,
    normalize: bool,
    temperature: f64,
}

/// Which way entropy is to go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum EntropyMode {
    /// The penalty is H: the model becomes decided.
    #[default]
    Minimize,
    /// The penalty is −H: the model keeps exploring.
    Maximize,
}

impl Default for Entropy {
    fn default() -> Self {
        Self::new()
    }
}

impl Entropy {
    /// The mean entropy, to be made small, in nats, at a temperature of 1.
    pub fn new() -> Self {
        Self {
            mode: EntropyMode::Minimize,
            reduction: Reduction::Mean,
            normalize: false,
            temperature: 1.0,
        }
    }

    /// Sets which way entropy is to go.
    pub fn with_mode(mut self, mode: EntropyMode) -> Self {
        self.mode = mode;
        self
    }

    /// Sets how the rows become one number.
    pub fn with_reduction(mut self, reduction: Reduction) -> Self {
        self.reduction = reduction;
        self
    }

    /// Divides by the largest entropy there can be, ln of the number of classes.
    pub fn with_normalize(mut self, normalize: bool) -> Self {
        self.normalize = normalize;
        self
    }

    /// Sets the temperature.
    pub fn with_temperature(mut self, temperature: f64) -> Self {
        self.temperature = temperature;
        self
    }
}

impl Regularizer for Entropy {
    fn compute(&self, _: &[Datum], logprobs: &Tensor) -> Result<Penalty, Error> {
        let temperature = self.temperature;
        if !(temperature.is_finite() && temperature > 0.0) {
            let message = format!("is {temperature}; give a positive, finite number");
            return Err(Error::invalid("temperature", message));
        }
        let logprobs = match temperature == 1.0 {
            true => logprobs.clone(),
            false => ops::log_softmax(&(logprobs / temperature)?)?,
        };
        // Zero stands for what adds nothing: e⁰ · 0 is 0, and infinities stay out of derivatives.
        let likely = logprobs.detach().gt(UNLIKELY)?;
        let logprobs = likely.where_cond(&logprobs, &logprobs.detach().zeros_like()?)?;
        let mut rows = (logprobs.exp()? * &logprobs)?.sum(D::Minus1)?.neg()?;
        if self.normalize {
            let classes = logprobs.dim(D::Minus1)?;
            if classes < 2 {
                let message = "needs at least two classes on the last axis";
                return Err(Error::invalid("normalize", message));
            }
            rows = (rows / (classes as f64).ln())?;
        }
        let (value, mode) = match self.mode {
            EntropyMode::Minimize => (self.reduction.apply(&rows)?, "minimize"),
            EntropyMode::Maximize => (self.reduction.apply(&rows)?.neg()?, "maximize"),
        };
        let entropy = ops::mean(&value)?;
        Ok(Penalty::from(value)
            .with_metric("entropy", entropy)
            .with_metric("mode", mode)
            .with_metric("temperature", temperature))
    }

    fn name(&self) -> Option<Cow<'_, str>> {
        Some("entropy".into())
    }
}
