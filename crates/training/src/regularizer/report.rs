//! What a regularized loss came to, term by term.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Metrics;

/// What one regularizer came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RegularizerOutput {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: f64,
    /// Its factor in the loss.
    pub weight: f64,
    /// Factor times value.
    pub contribution: f64,
    /// The length of its gradient, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grad_norm: Option<f64>,
    /// Factor times length of the gradient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grad_norm_weighted: Option<f64>,
    /// Its metrics.
    #[serde(default)]
    pub custom: Metrics,
}

impl RegularizerOutput {
    /// The output of a regularizer with the given factor and value.
    pub fn new(name: impl Into<String>, weight: f64, value: f64) -> Self {
        Self {
            name: name.into(),
            value,
            weight,
            contribution: weight * value,
            grad_norm: None,
            grad_norm_weighted: None,
            custom: Metrics::new(),
        }
    }

    /// Tells the length of the gradient.
    #[must_use]
    pub fn with_grad_norm(mut self, norm: f64) -> Self {
        self.grad_norm = Some(norm);
        self.grad_norm_weighted = Some(self.weight * norm);
        self
    }

    /// Adds metrics.
    #[must_use]
    pub fn with_metrics(mut self, metrics: Metrics) -> Self {
        self.custom.extend(metrics);
        self
    }
}

/// What the loss without regularizers came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct BaseLoss {
    /// Its value.
    pub value: f64,
    /// The length of its gradient, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grad_norm: Option<f64>,
    /// Its metrics.
    #[serde(default)]
    pub custom: Metrics,
}

/// What a regularized loss came to: total = base + Σ weight · value.
///
/// ```
/// use gimmal_training::{LossReport, RegularizerOutput};
///
/// let l1 = RegularizerOutput::new("l1", 0.01, 6.0);
/// let l2 = RegularizerOutput::new("l2", 0.1, 14.0);
/// let report = LossReport::new(2.0, [l1, l2]);
/// assert!((report.loss_total - 3.46).abs() < 1e-12);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LossReport {
    /// Base and regularizers together.
    pub loss_total: f64,
    /// The loss without regularizers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base_loss: Option<BaseLoss>,
    /// The regularizers by name.
    #[serde(default)]
    pub regularizers: BTreeMap<String, RegularizerOutput>,
    /// What the regularizers add.
    pub regularizer_total: f64,
    /// The length of the gradient of the whole, where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_grad_norm: Option<f64>,
}

impl LossReport {
    /// The report of a base value and its regularizers.
    pub fn new(base: f64, regularizers: impl IntoIterator<Item = RegularizerOutput>) -> Self {
        let named = |output: RegularizerOutput| (output.name.clone(), output);
        let outputs: Vec<_> = regularizers.into_iter().map(named).collect();
        // In the order given: sums of floats depend on it.
        let total: f64 = outputs.iter().map(|(_, output)| output.contribution).sum();
        Self {
            loss_total: base + total,
            base_loss: Some(BaseLoss {
                value: base,
                ..BaseLoss::default()
            }),
            regularizers: outputs.into_iter().collect(),
            regularizer_total: total,
            total_grad_norm: None,
        }
    }

    /// All numbers as metrics of a step: `base_loss`, `regularizer_total`, `total_grad_norm`, and for
    /// each regularizer `name/value`, `name/contribution`, `name/grad_norm` and `name/` its metrics.
    pub fn metrics(&self) -> BTreeMap<String, f64> {
        let mut metrics =
            BTreeMap::from([("regularizer_total".to_owned(), self.regularizer_total)]);
        metrics.extend(
            self.total_grad_norm
                .map(|norm| ("total_grad_norm".to_owned(), norm)),
        );
        if let Some(base) = &self.base_loss {
            metrics.insert("base_loss".to_owned(), base.value);
            metrics.extend(
                base.grad_norm
                    .map(|norm| ("base_grad_norm".to_owned(), norm)),
            );
            metrics.extend(numbers(&base.custom).map(|(name, value)| (name.to_owned(), value)));
        }
        for (name, output) in &self.regularizers {
            metrics.insert(format!("{name}/value"), output.value);
            metrics.insert(format!("{name}/contribution"), output.contribution);
            metrics.extend(
                output
                    .grad_norm
                    .map(|norm| (format!("{name}/grad_norm"), norm)),
            );
            let custom = numbers(&output.custom);
            metrics.extend(custom.map(|(metric, value)| (format!("{name}/{metric}"), value)));
        }
        metrics
    }
}

fn numbers(metrics: &Metrics) -> impl Iterator<Item = (&str, f64)> {
    let all = metrics.iter();
    all.filter_map(|(name, value)| Some((name.as_str(), value.as_f64()?)))
}
