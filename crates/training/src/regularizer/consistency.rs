//! That two views of one thing are judged alike.

use std::borrow::Cow;

use candle_core::{D, Tensor};
use gimmal_client::types::tinker::Datum;

use super::target::{reference, same_shape};
use super::{Penalty, Reduction, Regularizer};
use crate::{Error, ops};

/// Vectors count as no shorter than this.
const SHORT: f64 = 1e-8;

/// The distance from the log-probabilities of another view, which an input of the data holds.
///
/// Metrics: `consistency_metric` (the value, the mean where it is not reduced).
#[derive(Clone, Debug, PartialEq)]
#[must_use]
pub struct Consistency {
    pair_field: String,
    metric: ConsistencyMetric,
    reduction: Reduction,
}

/// How distance is measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ConsistencyMetric {
    /// Squared differences.
    #[default]
    Mse,
    /// Absolute differences, also known as `mae`.
    L1,
    /// One less the cosine of the angle between both, as vectors of all their numbers.
    Cosine,
    /// Half of Σ eᵃ (a − b) + eᵇ (b − a) over the last axis.
    Kl,
}

impl std::str::FromStr for ConsistencyMetric {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        match text {
            "mse" => Ok(Self::Mse),
            "l1" | "mae" => Ok(Self::L1),
            "cosine" => Ok(Self::Cosine),
            "kl" => Ok(Self::Kl),
            _ => {
                let message = format!("is `{text}`; give mse, l1, cosine or kl");
                Err(Error::invalid("metric", message))
            }
        }
    }
}

impl Default for Consistency {
    fn default() -> Self {
        Self::new()
    }
}

impl Consistency {
    /// The mean of squared differences from the input `original_logprobs`.
    pub fn new() -> Self {
        Self {
            pair_field: "original_logprobs".to_owned(),
            metric: ConsistencyMetric::Mse,
            reduction: Reduction::Mean,
        }
    }

    /// Sets the input that holds the other view, of the first datum or of all.
    pub fn with_pair_field(mut self, name: impl Into<String>) -> Self {
        self.pair_field = name.into();
        self
    }

    /// Sets how distance is measured.
    pub fn with_metric(mut self, metric: ConsistencyMetric) -> Self {
        self.metric = metric;
        self
    }

    /// Sets how distances become one number. The cosine is one number anyway.
    pub fn with_reduction(mut self, reduction: Reduction) -> Self {
        self.reduction = reduction;
        self
    }
}

impl Regularizer for Consistency {
    fn compute(&self, data: &[Datum], logprobs: &Tensor) -> Result<Penalty, Error> {
        let other = reference(data, &self.pair_field, logprobs)?;
        same_shape("consistency", logprobs, &other)?;
        let difference = (logprobs - &other)?;
        let value = match self.metric {
            ConsistencyMetric::Mse => self.reduction.apply(&difference.sqr()?)?,
            ConsistencyMetric::L1 => self.reduction.apply(&ops::abs(&difference)?)?,
            ConsistencyMetric::Kl => {
                // Both terms share the difference: eᵃ (a − b) + eᵇ (b − a) = (eᵃ − eᵇ)(a − b).
                let terms = ((logprobs.exp()? - other.exp()?)? * &difference)?;
                self.reduction.apply(&(terms.sum(D::Minus1)? * 0.5)?)?
            }
            ConsistencyMetric::Cosine => {
                let product = (logprobs * &other)?.sum_all()?;
                let lengths = (ops::norm(logprobs, SHORT)? * ops::norm(&other, SHORT)?)?;
                (1.0 - (product / lengths)?)?
            }
        };
        let distance = ops::mean(&value)?;
        Ok(Penalty::from(value).with_metric("consistency_metric", distance))
    }

    fn name(&self) -> Option<Cow<'_, str>> {
        Some("consistency".into())
    }
}
