//! What a loss gives: terms that are added up, and metrics that are only looked at.

use std::collections::BTreeMap;

use candle_core::Tensor;

use super::scalar;
use crate::Error;

/// A loss, as one term or as several, with metrics.
///
/// A term is one number, or one for each datum, or any other shape; its numbers are summed. Names
/// are for errors and metrics: with more than one term each becomes the metric `name:sum`.
///
/// ```
/// use candle_core::{Device, Tensor};
/// use gimmal_training::LossValue;
///
/// let loss = Tensor::new(&[0.5_f64, 0.25], &Device::Cpu)?;
/// let value = LossValue::new()
///     .with_term("policy", loss)
///     .with_metric("clipped:mean", 0.1);
/// assert_eq!(value.metrics()["clipped:mean"], 0.1);
/// # Ok::<(), candle_core::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct LossValue {
    pub(super) terms: Vec<(String, Tensor)>,
    pub(super) metrics: BTreeMap<String, f64>,
}

impl LossValue {
    /// A loss without terms, which is zero.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a term.
    pub fn with_term(mut self, name: impl Into<String>, term: Tensor) -> Self {
        self.terms.push((name.into(), term));
        self
    }

    /// Adds a metric. Its suffix, such as `:mean`, says what it is.
    pub fn with_metric(mut self, name: impl Into<String>, value: f64) -> Self {
        self.metrics.insert(name.into(), value);
        self
    }

    /// The metrics so far.
    pub fn metrics(&self) -> &BTreeMap<String, f64> {
        &self.metrics
    }

    /// All terms as one number.
    pub(super) fn total(&self) -> Result<Option<Tensor>, Error> {
        let mut terms = self.terms.iter();
        let Some((_, first)) = terms.next() else {
            return Ok(None);
        };
        let mut total = scalar(first)?;
        for (_, term) in terms {
            total = (total + scalar(term)?)?;
        }
        Ok(Some(total))
    }

    /// The metrics, with the terms among them when there are several.
    pub(super) fn into_metrics(self) -> Result<BTreeMap<String, f64>, Error> {
        let mut metrics = self.metrics;
        if self.terms.len() > 1 {
            for (name, term) in &self.terms {
                let value = crate::ops::number(&scalar(term)?)?;
                metrics.entry(format!("{name}:sum")).or_insert(value);
            }
        }
        Ok(metrics)
    }
}

impl From<Tensor> for LossValue {
    fn from(loss: Tensor) -> Self {
        Self::new().with_term("loss", loss)
    }
}
