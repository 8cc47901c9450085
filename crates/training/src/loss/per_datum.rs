//! Losses that look at one datum at a time, and therefore at many on different threads.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use candle_core::DType;
use gimmal_client::tinker::{CustomLoss, CustomLossOutput, Logprobs};
use gimmal_client::types::tinker::Datum;

use super::tensor::evaluated;
use super::{DatumInputs, LossBatch, LossValue};
use crate::Error;

/// A loss that is the sum of the losses of the data, each of which depends on its own
/// log-probabilities only. The data are shared among the processors.
///
/// ```no_run
/// use gimmal_training::{DatumInputs, PerDatumLoss};
///
/// # async fn run(
/// #     client: gimmal_client::tinker::TrainingClient,
/// #     data: Vec<gimmal_client::types::tinker::Datum>,
/// # ) -> Result<(), gimmal_client::Error> {
/// let loss = PerDatumLoss::new(|datum: &DatumInputs<'_>| {
///     let reward = datum.input("reward")?;
///     Ok((datum.logprobs().neg()? * reward)?.sum_all()?)
/// });
/// let output = client.forward_backward_custom(data, loss).await?;
/// # let _ = output;
/// # Ok(()) }
/// ```
///
/// Metrics are the means over the data that have them.
pub struct PerDatumLoss<F> {
    loss: F,
    dtype: DType,
    threads: NonZeroUsize,
}

impl<F> fmt::Debug for PerDatumLoss<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PerDatumLoss")
            .field("dtype", &self.dtype)
            .field("threads", &self.threads)
            .finish_non_exhaustive()
    }
}

impl<F, V> PerDatumLoss<F>
where
    F: Fn(&DatumInputs<'_>) -> Result<V, Error> + Send + Sync + 'static,
    V: Into<LossValue>,
{
    /// A loss in 32-bit floats, on as many threads as there are processors.
    pub fn new(loss: F) -> Self {
        Self {
            loss,
            dtype: DType::F32,
            threads: thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
        }
    }

    /// Computes in 64-bit floats; derivatives are still sent in 32 bits.
    #[must_use]
    pub fn in_f64(mut self) -> Self {
        self.dtype = DType::F64;
        self
    }

    /// Sets how many threads share the data.
    #[must_use]
    pub fn with_threads(mut self, threads: NonZeroUsize) -> Self {
        self.threads = threads;
        self
    }

    /// The loss and its derivatives for log-probabilities that are at hand.
    ///
    /// # Errors
    ///
    /// Fails when the function does or panics, when shapes do not match, and when a number is not
    /// finite; of several failures the one of the first datum is told.
    pub fn compute(
        &self,
        data: &[Datum],
        logprobs: &[Logprobs],
    ) -> Result<CustomLossOutput, Error> {
        let batch = LossBatch::new(data, logprobs, self.dtype)?;
        let data: Vec<DatumInputs<'_>> = batch.iter().collect();
        let share = data.len().div_ceil(self.threads.get()).max(1);
        let parts = thread::scope(|scope| {
            let shares = data.chunks(share);
            let work = shares.map(|share| {
                let one = |datum: &DatumInputs<'_>| self.one(datum);
                scope.spawn(move || share.iter().map(one).collect::<Result<Vec<_>, _>>())
            });
            let threads: Vec<_> = work.collect();
            let join = |thread: thread::ScopedJoinHandle<'_, _>| {
                thread
                    .join()
                    .unwrap_or_else(|thrown| Err(Error::panicked(&*thrown)))
            };
            threads.into_iter().map(join).collect::<Result<Vec<_>, _>>()
        })?;
        Ok(sum(parts.into_iter().flatten()))
    }

    fn one(&self, datum: &DatumInputs<'_>) -> Result<CustomLossOutput, Error> {
        let caught = catch_unwind(AssertUnwindSafe(|| (self.loss)(datum)));
        let value = caught.unwrap_or_else(|thrown| Err(Error::panicked(&*thrown)))?;
        let leaf = std::slice::from_ref(datum.logprobs());
        evaluated(value.into(), leaf, datum.index())
    }
}

impl<F, V> CustomLoss for PerDatumLoss<F>
where
    F: Fn(&DatumInputs<'_>) -> Result<V, Error> + Send + Sync + 'static,
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

fn sum(parts: impl Iterator<Item = CustomLossOutput>) -> CustomLossOutput {
    let mut whole = CustomLossOutput::default();
    let mut means: BTreeMap<String, (f64, f64)> = BTreeMap::new();
    for part in parts {
        whole.loss += part.loss;
        whole.gradients.extend(part.gradients);
        for (name, value) in part.metrics {
            let mean = means.entry(name).or_default();
            *mean = (mean.0 + value, mean.1 + 1.0);
        }
    }
    let means = means.into_iter();
    whole.metrics = means
        .map(|(name, (sum, count))| (name, sum / count))
        .collect();
    whole
}
