//! A loss over tensors as a loss that the training client takes.

use std::fmt;

use candle_core::{DType, Tensor};
use gimmal_client::tinker::{CustomLoss, CustomLossOutput, Logprobs};
use gimmal_client::types::tinker::Datum;

use super::{LossBatch, LossValue, check_gradient, differentiate, floats};
use crate::Error;
use crate::ops::number;

/// A loss over tensors of log-probabilities, which is differentiated for you.
///
/// ```no_run
/// use gimmal_client::tinker::TrainingClient;
/// use gimmal_client::types::tinker::Datum;
/// use gimmal_training::{LossBatch, TensorLoss};
///
/// # async fn run(client: TrainingClient, data: Vec<Datum>) -> Result<(), gimmal_client::Error> {
/// // Likelihood, raised to a power: what is nearly learnt counts less.
/// let focal = TensorLoss::new(|batch: &LossBatch<'_>| {
///     let logprobs = batch.joined()?;
///     let missing = (1.0 - logprobs.exp()?)?;
///     Ok((missing.sqr()? * logprobs.neg()?)?.mean_all()?)
/// });
/// let output = client.forward_backward_custom(data, focal).await?;
/// println!("{}", output.metrics["loss:sum"]);
/// # Ok(()) }
/// ```
///
/// Nothing is sent unless the loss and all its derivatives are finite: the error names the datum
/// and the term. Long sums over data should be one operation on [`LossBatch::joined`] or
/// [`LossBatch::padded`]: a chain of thousands of operations is slow.
pub struct TensorLoss<F> {
    loss: F,
    dtype: DType,
}

impl<F> fmt::Debug for TensorLoss<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TensorLoss")
            .field("dtype", &self.dtype)
            .finish_non_exhaustive()
    }
}

impl<F, V> TensorLoss<F>
where
    F: FnOnce(&LossBatch<'_>) -> Result<V, Error> + Send + 'static,
    V: Into<LossValue>,
{
    /// A loss in 32-bit floats. The function gives a tensor, or a [`LossValue`] with terms and
    /// metrics.
    pub fn new(loss: F) -> Self {
        Self {
            loss,
            dtype: DType::F32,
        }
    }

    /// Computes in 64-bit floats; derivatives are still sent in 32 bits.
    #[must_use]
    pub fn in_f64(mut self) -> Self {
        self.dtype = DType::F64;
        self
    }

    /// The loss and its derivatives for log-probabilities that are at hand.
    ///
    /// # Errors
    ///
    /// Fails when the function does, when shapes do not match, and when a number is not finite.
    pub fn compute(self, data: &[Datum], logprobs: &[Logprobs]) -> Result<CustomLossOutput, Error> {
        let batch = LossBatch::new(data, logprobs, self.dtype)?;
        let value = (self.loss)(&batch)?.into();
        evaluated(value, batch.logprobs(), 0)
    }
}

impl<F, V> CustomLoss for TensorLoss<F>
where
    F: FnOnce(&LossBatch<'_>) -> Result<V, Error> + Send + 'static,
    V: Into<LossValue>,
{
    fn evaluate(
        self,
        data: &[Datum],
        logprobs: &[Logprobs],
    ) -> Result<CustomLossOutput, gimmal_client::Error> {
        Ok(self.compute(data, logprobs)?)
    }
}

/// The numbers of a loss over `leaves`, the first of which is that of datum `first`.
pub(super) fn evaluated(
    value: LossValue,
    leaves: &[Tensor],
    first: usize,
) -> Result<CustomLossOutput, Error> {
    let loss = value.total()?;
    let number_of_loss = loss.as_ref().map(number).transpose()?.unwrap_or(0.0);
    let gradients = match &loss {
        Some(loss) => differentiate(loss, leaves)?,
        None => leaves
            .iter()
            .map(Tensor::zeros_like)
            .collect::<Result<_, _>>()?,
    };
    let gradients: Vec<Vec<f32>> = gradients.iter().map(floats).collect::<Result<_, _>>()?;
    let is_finite = number_of_loss.is_finite() && gradients.iter().flatten().all(|g| g.is_finite());
    if !is_finite {
        return Err(culprit(&value, leaves, first)?);
    }
    Ok(CustomLossOutput {
        loss: number_of_loss,
        gradients,
        metrics: value.into_metrics()?,
    })
}

/// The datum and the term that make a loss unusable. Terms are looked at one by one.
fn culprit(value: &LossValue, leaves: &[Tensor], first: usize) -> Result<Error, Error> {
    for (name, term) in &value.terms {
        let numbers = term.flatten_all()?.to_dtype(DType::F64)?.to_vec1::<f64>()?;
        let by_datum = numbers.len() == leaves.len();
        if let Some(place) = numbers.iter().position(|number| !number.is_finite())
            && by_datum
        {
            let is = numbers.get(place).copied().unwrap_or(f64::NAN);
            let message = format!("has a loss of {is} by the term `{name}`; nothing was sent");
            return Ok(Error::not_finite(
                format!("data[{}]", first + place),
                message,
            ));
        }
        for (index, gradient) in differentiate(term, leaves)?.iter().enumerate() {
            if let Err(error) = check_gradient(&floats(gradient)?, first + index, name) {
                return Ok(error);
            }
        }
        let sum: f64 = numbers.iter().sum();
        if !sum.is_finite() {
            // Derivatives may be finite where a constant is not.
            let data = leaves.iter().enumerate();
            for (index, leaf) in data {
                if floats(leaf)?.iter().any(|number| !number.is_finite()) {
                    let message = "has log-probabilities that are not finite; nothing was sent";
                    return Ok(Error::not_finite(
                        format!("data[{}]", first + index),
                        message,
                    ));
                }
            }
            let message = format!("is {sum} over all data; nothing was sent");
            return Ok(Error::not_finite(format!("term `{name}`"), message));
        }
    }
    Ok(Error::not_finite(
        "loss",
        "is too large for its terms to be added up; nothing was sent",
    ))
}
