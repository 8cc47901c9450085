//! What a regularizer is: a function of data and log-probabilities.

use std::borrow::Cow;
use std::fmt;

use candle_core::Tensor;
use gimmal_client::types::tinker::Datum;

use super::{MetricValue, Metrics};
use crate::Error;

/// What a regularizer gives: a value that is differentiated, and metrics.
#[derive(Clone, Debug)]
pub struct Penalty {
    /// The value; one number, unless a reduction leaves more.
    pub value: Tensor,
    /// Facts about it.
    pub metrics: Metrics,
}

impl Penalty {
    /// Adds a metric.
    #[must_use]
    pub fn with_metric(mut self, name: impl Into<String>, value: impl Into<MetricValue>) -> Self {
        self.metrics.insert(name.into(), value.into());
        self
    }
}

impl From<Tensor> for Penalty {
    fn from(value: Tensor) -> Self {
        Self {
            value,
            metrics: Metrics::new(),
        }
    }
}

/// A penalty on log-probabilities. Its derivatives are those of the tensor it returns.
///
/// Functions of data and log-probabilities are regularizers too:
///
/// ```
/// use gimmal_training::candle::{Device, Tensor};
/// use gimmal_training::{Error, Penalty, execute};
/// use gimmal_client::types::tinker::Datum;
///
/// let squares = |_: &[Datum], logprobs: &Tensor| -> Result<Penalty, Error> {
///     Ok(logprobs.sqr()?.sum_all()?.into())
/// };
/// let logprobs = Tensor::new(&[-1.0_f64, -2.0], &Device::Cpu)?;
/// let penalty = execute(&squares, &[], &logprobs)?;
/// assert_eq!(penalty.value.to_scalar::<f64>()?, 5.0);
/// # Ok::<(), Error>(())
/// ```
pub trait Regularizer: Send + Sync + 'static {
    /// The penalty.
    ///
    /// The last axis of `logprobs` is that of the classes.
    ///
    /// # Errors
    ///
    /// Fails when options, data and log-probabilities do not go together.
    fn compute(&self, data: &[Datum], logprobs: &Tensor) -> Result<Penalty, Error>;

    /// What it is called where nobody gave it a name.
    fn name(&self) -> Option<Cow<'_, str>> {
        None
    }
}

impl<F> Regularizer for F
where
    F: Fn(&[Datum], &Tensor) -> Result<Penalty, Error> + Send + Sync + 'static,
{
    fn compute(&self, data: &[Datum], logprobs: &Tensor) -> Result<Penalty, Error> {
        self(data, logprobs)
    }
}

/// A function of data, log-probabilities and options, with the options it is to have.
#[derive(Clone, Copy)]
pub struct WithOptions<F, O> {
    /// The function.
    pub function: F,
    /// Its last argument.
    pub options: O,
}

impl<F, O: fmt::Debug> fmt::Debug for WithOptions<F, O> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithOptions")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

impl<F, O> Regularizer for WithOptions<F, O>
where
    F: Fn(&[Datum], &Tensor, &O) -> Result<Penalty, Error> + Send + Sync + 'static,
    O: Send + Sync + 'static,
{
    fn compute(&self, data: &[Datum], logprobs: &Tensor) -> Result<Penalty, Error> {
        (self.function)(data, logprobs, &self.options)
    }
}

/// Runs a regularizer.
///
/// # Errors
///
/// Fails when the regularizer does.
pub fn execute(
    regularizer: &(impl Regularizer + ?Sized),
    data: &[Datum],
    logprobs: &Tensor,
) -> Result<Penalty, Error> {
    regularizer.compute(data, logprobs)
}
