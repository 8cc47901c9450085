//! Direct preference optimisation: of two answers the better one is to become likelier, measured
//! against a reference model that is not trained.

use candle_core::Tensor;

use super::{DatumInputs, LossBatch, LossValue};
use crate::{Error, ops};

/// The loss of Rafailov et al. 2023 (arXiv:2305.18290).
///
/// Data come in pairs, the better answer first, each with the inputs `target_tokens`,
/// `ref_logprobs` (of the reference model, as long as the targets) and `mask` (1 for tokens of the
/// answer, 0 for those of the prompt; without it all tokens count). With r = β · Σ mask · (logprob −
/// ref_logprob), the loss is the mean over pairs of −ln σ(r_better − r_worse).
///
/// ```no_run
/// use gimmal_training::{Dpo, TensorLoss};
///
/// # async fn run(
/// #     client: gimmal_client::tinker::TrainingClient,
/// #     pairs: Vec<gimmal_client::types::tinker::Datum>,
/// # ) -> Result<(), Box<dyn std::error::Error>> {
/// let dpo = Dpo::new(0.1)?;
/// let output = client
///     .forward_backward_custom(pairs, TensorLoss::new(move |batch| dpo.loss(batch)))
///     .await?;
/// println!("{} of the pairs are in order", output.metrics["accuracy:mean"]);
/// # Ok(()) }
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dpo {
    beta: f64,
}

impl Dpo {
    /// A loss with the given β, which says how far the model may leave the reference.
    ///
    /// # Errors
    ///
    /// Fails unless β is positive and finite.
    pub fn new(beta: f64) -> Result<Self, Error> {
        if !(beta.is_finite() && beta > 0.0) {
            let message = format!("is {beta}; give a positive, finite number");
            return Err(Error::invalid("beta", message));
        }
        Ok(Self { beta })
    }

    /// The loss, with the metrics `accuracy:mean` (pairs in the right order) and `margin:mean`
    /// (r_better − r_worse).
    ///
    /// # Errors
    ///
    /// Fails when the data are not pairs or lack an input.
    pub fn loss(&self, batch: &LossBatch<'_>) -> Result<LossValue, Error> {
        let rewards: Vec<Tensor> = batch
            .iter()
            .map(|one| self.reward(&one))
            .collect::<Result<_, _>>()?;
        if rewards.is_empty() || !rewards.len().is_multiple_of(2) {
            let message = format!(
                "holds {}; give pairs, the better answer first",
                rewards.len()
            );
            return Err(Error::invalid("data", message));
        }
        let rewards = Tensor::stack(&rewards, 0)?.reshape((batch.len() / 2, 2))?;
        let margins = (rewards.narrow(1, 0, 1)? - rewards.narrow(1, 1, 1)?)?;
        let accuracy = ops::mean(&margins.gt(0.0)?)?;
        let margin = ops::mean(&margins)?;
        let loss = ops::log_sigmoid(&margins)?.mean_all()?.neg()?;
        Ok(LossValue::from(loss)
            .with_metric("accuracy:mean", accuracy)
            .with_metric("margin:mean", margin))
    }

    fn reward(&self, datum: &DatumInputs<'_>) -> Result<Tensor, Error> {
        let mut gain = (datum.logprobs() - datum.input("ref_logprobs")?)?;
        if datum.datum().loss_fn_inputs.contains_key("mask") {
            gain = (gain * datum.input("mask")?)?;
        }
        Ok((gain.sum_all()? * self.beta)?)
    }
}
