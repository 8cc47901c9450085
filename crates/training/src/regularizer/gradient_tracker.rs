//! Lengths of gradients, to see which part of a loss pulls how hard.

use std::sync::Arc;

use candle_core::Tensor;
use gimmal_client::types::tinker::Datum;

use super::{Executor, Regularizer, RegularizerSpec};
use crate::loss::{differentiate, leaf};
use crate::{Error, ops};

/// The derivative of a function of the log-probabilities; more than one number is summed.
///
/// ```
/// use gimmal_training::candle::{Device, Tensor};
/// use gimmal_training::gradient;
///
/// let x = Tensor::new(&[1.0_f64, 2.0], &Device::Cpu)?;
/// let slope = gradient(|x: &Tensor| Ok(x.sqr()?.sum_all()?), &x)?;
/// assert_eq!(slope.to_vec1::<f64>()?, [2.0, 4.0]);
/// # Ok::<(), gimmal_training::Error>(())
/// ```
///
/// # Errors
///
/// Fails when the function does.
pub fn gradient(
    function: impl FnOnce(&Tensor) -> Result<Tensor, Error>,
    logprobs: &Tensor,
) -> Result<Tensor, Error> {
    let x = leaf(logprobs)?;
    let mut slopes = differentiate(&function(&x)?, std::slice::from_ref(&x))?;
    Ok(slopes.remove(0))
}

/// The length of the derivative of a function: √Σ (∂f/∂logprob)².
///
/// # Errors
///
/// Fails when the function does.
pub fn grad_norm(
    function: impl FnOnce(&Tensor) -> Result<Tensor, Error>,
    logprobs: &Tensor,
) -> Result<f64, Error> {
    Ok(ops::detached_norm(&gradient(function, logprobs)?)?)
}

/// The length of the gradient of one regularizer, without its factor. A failure is logged and
/// counts as zero: a run need not end because nobody could look at it.
pub async fn grad_norm_for_regularizer(
    spec: &RegularizerSpec,
    data: impl Into<Arc<[Datum]>>,
    logprobs: &Tensor,
) -> f64 {
    let executor = Executor::new().with_grad_norms(true);
    let output = executor.execute_one(spec, data, logprobs).await;
    or_zero(
        output.map(|output| output.grad_norm.unwrap_or(0.0)),
        spec.name(),
    )
}

/// The length of the gradient of base + Σ weight · regularizer. A failure is logged and counts as
/// zero.
pub async fn total_grad_norm(
    base: &impl Regularizer,
    specs: &[RegularizerSpec],
    data: impl Into<Arc<[Datum]>>,
    logprobs: &Tensor,
) -> f64 {
    or_zero(
        total(base, specs, data.into(), logprobs).await,
        "the whole loss",
    )
}

async fn total(
    base: &impl Regularizer,
    specs: &[RegularizerSpec],
    data: Arc<[Datum]>,
    logprobs: &Tensor,
) -> Result<f64, Error> {
    let base = |x: &Tensor| Ok(base.compute(&data, x)?.value);
    let mut sum = gradient(base, logprobs)?;
    for evaluated in Executor::new()
        .evaluate(specs, &data, logprobs, true)
        .await?
    {
        if let Some(gradient) = evaluated.gradient {
            sum = (sum + (gradient * evaluated.output.weight)?)?;
        }
    }
    Ok(ops::detached_norm(&sum)?)
}

fn or_zero(norm: Result<f64, Error>, of: &str) -> f64 {
    norm.unwrap_or_else(|error| {
        tracing::warn!(of, %error, "the gradient cannot be computed; its length counts as zero");
        0.0
    })
}
