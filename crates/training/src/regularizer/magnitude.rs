//! That numbers have a wanted size all together.

use std::borrow::Cow;

use candle_core::Tensor;
use gimmal_client::types::tinker::Datum;

use super::target::finite;
use super::{Penalty, Regularizer};
use crate::{Error, ops};

/// Sizes count as no smaller than this, so that zero has a derivative.
const SMALL: f64 = 1e-12;

/// (size − target)², where the size is the root of the mean or of the sum of squares.
///
/// Metrics: `output_magnitude` (the size).
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use]
pub struct OutputMagnitude {
    size: Magnitude,
    target: f64,
}

/// How large many numbers are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Magnitude {
    /// The root of the mean of squares.
    #[default]
    Rms,
    /// The root of the sum of squares.
    Norm,
}

impl OutputMagnitude {
    /// A penalty on sizes other than `target`.
    pub fn new(size: Magnitude, target: f64) -> Self {
        Self { size, target }
    }
}

impl Regularizer for OutputMagnitude {
    fn compute(&self, _: &[Datum], logprobs: &Tensor) -> Result<Penalty, Error> {
        let norm = ops::norm(logprobs, SMALL)?;
        let size = match self.size {
            Magnitude::Norm => norm,
            Magnitude::Rms => (norm / (logprobs.elem_count().max(1) as f64).sqrt())?,
        };
        let number = ops::number(&size)?;
        let value = (size - finite("target", self.target)?)?.sqr()?;
        Ok(Penalty::from(value).with_metric("output_magnitude", number))
    }

    fn name(&self) -> Option<Cow<'_, str>> {
        Some("output_magnitude".into())
    }
}
