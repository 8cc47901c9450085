//! That rows have nothing in common.

use std::borrow::Cow;

use candle_core::{D, Tensor};
use gimmal_client::types::tinker::Datum;

use super::{Penalty, Regularizer};
use crate::{Error, ops};

/// Rows count as no shorter than this.
const SHORT: f64 = 1e-8;

/// A penalty on the products of rows, G = M Mᵀ, where M holds the log-probabilities.
///
/// Metrics: `orthogonality` (the value).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use]
pub struct Orthogonality {
    mode: OrthogonalityMode,
    normalize: bool,
    axis: Axis,
}

/// What is added up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OrthogonalityMode {
    /// The squares of G off the diagonal.
    #[default]
    Soft,
    /// The squares of G − I.
    Hard,
    /// (trace of G − number of rows)², and the squares of G off the diagonal.
    Spectral,
}

/// What the rows of M are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Axis {
    /// All axes but the last as one, by the last.
    #[default]
    Rows,
    /// Of a tensor of three axes the second, by the first and the last; of a matrix its rows.
    Sequence,
    /// The last axis, by all others as one.
    Vocabulary,
}

impl Default for Orthogonality {
    fn default() -> Self {
        Self::new()
    }
}

impl Orthogonality {
    /// The soft penalty on rows of length one.
    pub fn new() -> Self {
        Self {
            mode: OrthogonalityMode::Soft,
            normalize: true,
            axis: Axis::Rows,
        }
    }

    /// Sets what is added up.
    pub fn with_mode(mut self, mode: OrthogonalityMode) -> Self {
        self.mode = mode;
        self
    }

    /// Sets whether rows are divided by their length first.
    pub fn with_normalize(mut self, normalize: bool) -> Self {
        self.normalize = normalize;
        self
    }

    /// Sets what the rows are.
    pub fn with_axis(mut self, axis: Axis) -> Self {
        self.axis = axis;
        self
    }

    fn matrix(self, x: &Tensor) -> Result<Tensor, Error> {
        let matrix = match (self.axis, x.dims()) {
            (_, [n]) => x.reshape((1, *n))?,
            (Axis::Sequence, [b, s, v]) => {
                x.permute((1, 0, 2))?.contiguous()?.reshape((*s, b * v))?
            }
            (Axis::Vocabulary, [b, s, v]) => {
                x.permute((2, 0, 1))?.contiguous()?.reshape((*v, b * s))?
            }
            (Axis::Vocabulary, [_, _]) => x.t()?.contiguous()?,
            (_, [.., last]) => x.reshape(((), *last))?,
            (_, []) => x.reshape((1, 1))?,
        };
        if !self.normalize {
            return Ok(matrix);
        }
        let squares = matrix.sqr()?.sum_keepdim(D::Minus1)?;
        let lengths = ops::clamp(&squares, SHORT * SHORT, f64::INFINITY)?.sqrt()?;
        Ok(matrix.broadcast_div(&lengths)?)
    }
}

impl Regularizer for Orthogonality {
    fn compute(&self, _: &[Datum], logprobs: &Tensor) -> Result<Penalty, Error> {
        let matrix = self.matrix(logprobs)?;
        let rows = matrix.dim(0)?;
        let products = matrix.matmul(&matrix.t()?.contiguous()?)?;
        let identity = Tensor::eye(rows, products.dtype(), products.device())?;
        let outside = |products: &Tensor| -> Result<Tensor, Error> {
            let others = (1.0 - &identity)?;
            Ok((products * others)?.sqr()?.sum_all()?)
        };
        let value = match self.mode {
            OrthogonalityMode::Soft => outside(&products)?,
            OrthogonalityMode::Hard => (&products - &identity)?.sqr()?.sum_all()?,
            OrthogonalityMode::Spectral => {
                let trace = (&products * &identity)?.sum_all()?;
                ((trace - rows as f64)?.sqr()? + outside(&products)?)?
            }
        };
        let number = ops::number(&value)?;
        Ok(Penalty::from(value).with_metric("orthogonality", number))
    }

    fn name(&self) -> Option<Cow<'_, str>> {
        Some("orthogonality".into())
    }
}
