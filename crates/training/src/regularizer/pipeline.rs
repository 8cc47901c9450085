//! A loss with regularizers, as one loss.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use candle_core::{DType, Tensor};
use gimmal_client::tinker::{CustomLoss, CustomLossOutput, Logprobs};
use gimmal_client::transport::observe::EventBus;
use gimmal_client::types::tinker::Datum;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::executor::Evaluated;
use super::{Executor, LossReport, Penalty, Regularizer, RegularizerSpec};
use crate::loss::{LossBatch, check_gradient, differentiate, floats, joined, leaf, scalar, split};
use crate::{Error, ops};

/// base + Σ weight · regularizer, with the gradients of all.
///
/// It is a loss for a training client too: the log-probabilities of all data, in the shape of their
/// target tokens, follow each other along the first axis. Targets of one axis give one axis; those of
/// `positions × classes` give rows of classes, which is what entropy and divergences are for.
///
/// ```no_run
/// use gimmal_training::candle::Tensor;
/// use gimmal_training::{Error, L2, Penalty, Pipeline, RegularizerSpec};
/// use gimmal_client::tinker::TrainingClient;
/// use gimmal_client::types::tinker::Datum;
///
/// # async fn run(client: TrainingClient, data: Vec<Datum>) -> Result<(), Box<dyn std::error::Error>> {
/// let likelihood = |_: &[Datum], logprobs: &Tensor| -> Result<Penalty, Error> {
///     Ok(logprobs.mean_all()?.neg()?.into())
/// };
/// let loss = Pipeline::new(likelihood)
///     .with_regularizer(RegularizerSpec::of(0.01, L2::new())?)
///     .with_grad_norms(true);
/// let output = client.forward_backward_custom(data, loss).await?;
/// println!("{}", output.metrics["l2_weight_decay/grad_norm"]);
/// # Ok(()) }
/// ```
#[derive(Clone)]
#[must_use]
pub struct Pipeline {
    base: Arc<dyn Regularizer>,
    specs: Vec<RegularizerSpec>,
    executor: Executor,
    dtype: DType,
}

/// A loss with its parts and its gradient.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PipelineOutput {
    /// The numbers.
    pub report: LossReport,
    /// The derivative by the log-probabilities, in their shape.
    pub gradient: Tensor,
}

impl fmt::Debug for Pipeline {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pipeline")
            .field("specs", &self.specs)
            .field("executor", &self.executor)
            .finish_non_exhaustive()
    }
}

impl Pipeline {
    /// A loss without regularizers.
    pub fn new(base: impl Regularizer) -> Self {
        Self {
            base: Arc::new(base),
            specs: Vec::new(),
            executor: Executor::new(),
            dtype: DType::F32,
        }
    }

    /// Adds a regularizer.
    pub fn with_regularizer(mut self, spec: RegularizerSpec) -> Self {
        self.specs.push(spec);
        self
    }

    /// Adds regularizers.
    pub fn with_regularizers(mut self, specs: impl IntoIterator<Item = RegularizerSpec>) -> Self {
        self.specs.extend(specs);
        self
    }

    /// Sets whether lengths of gradients are told.
    pub fn with_grad_norms(mut self, track: bool) -> Self {
        self.executor = self.executor.with_grad_norms(track);
        self
    }

    /// Sets whether regularizers run side by side, which they do by default.
    pub fn with_parallel(mut self, parallel: bool) -> Self {
        self.executor = self.executor.with_parallel(parallel);
        self
    }

    /// Sets how long a regularizer may take; 30 seconds by default.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.executor = self.executor.with_timeout(timeout);
        self
    }

    /// Tells a bus what happens.
    pub fn with_event_bus(mut self, bus: EventBus) -> Self {
        self.executor = self.executor.with_event_bus(bus);
        self
    }

    /// Computes in 64-bit floats when it is a training client's loss.
    pub fn in_f64(mut self) -> Self {
        self.dtype = DType::F64;
        self
    }

    /// The loss, its parts and its gradient.
    ///
    /// # Errors
    ///
    /// Fails when two regularizers have the same name, and when one of the parts does.
    pub async fn compute(
        &self,
        data: impl Into<Arc<[Datum]>>,
        logprobs: &Tensor,
    ) -> Result<PipelineOutput, Error> {
        let parts = self.parts(data.into(), logprobs).await?;
        Ok(parts.output)
    }

    async fn parts(&self, data: Arc<[Datum]>, logprobs: &Tensor) -> Result<Parts, Error> {
        let teller = &self.executor.teller;
        let started = Instant::now();
        teller.loss_started(self.specs.len(), self.executor.tracks_grad_norms());
        let result = self.try_parts(&data, logprobs).await;
        match &result {
            Ok(parts) => teller.loss_stopped(&parts.output.report, started.elapsed()),
            Err(error) => teller.loss_failed(error, started.elapsed()),
        }
        result
    }

    async fn try_parts(&self, data: &Arc<[Datum]>, logprobs: &Tensor) -> Result<Parts, Error> {
        self.check_names()?;
        let (base, of_base) = self.base(data, logprobs).await?;
        let regularizers = self
            .executor
            .evaluate(&self.specs, data, logprobs, true)
            .await?;
        let mut gradient = of_base.clone();
        for Evaluated {
            output,
            gradient: own,
        } in &regularizers
        {
            if let Some(own) = own {
                gradient = (gradient + (own * output.weight)?)?;
            }
        }
        let outputs = regularizers
            .iter()
            .map(|evaluated| evaluated.output.clone());
        let mut report = LossReport::new(ops::number(&base.value)?, outputs);
        if let Some(reported) = &mut report.base_loss {
            reported.custom = base.metrics;
            if self.executor.tracks_grad_norms() {
                reported.grad_norm = Some(ops::detached_norm(&of_base)?);
                report.total_grad_norm = Some(ops::detached_norm(&gradient)?);
            }
        }
        Ok(Parts {
            output: PipelineOutput { report, gradient },
            of_base,
            regularizers,
        })
    }

    fn check_names(&self) -> Result<(), Error> {
        let mut seen = BTreeSet::new();
        let names = self.specs.iter().map(RegularizerSpec::name);
        let twice: BTreeSet<&str> = names.filter(|name| !seen.insert(*name)).collect();
        if twice.is_empty() {
            return Ok(());
        }
        let twice: Vec<String> = twice.iter().map(|name| format!("{name:?}")).collect();
        let message = format!("Duplicate regularizer names: [{}]", twice.join(", "));
        Err(Error::invalid("regularizers", message))
    }

    /// The base loss and its gradient.
    async fn base(
        &self,
        data: &Arc<[Datum]>,
        logprobs: &Tensor,
    ) -> Result<(Penalty, Tensor), Error> {
        let (base, data, x) = (Arc::clone(&self.base), Arc::clone(data), leaf(logprobs)?);
        let work = spawn_blocking(move || {
            let penalty = base.compute(&data, &x)?;
            if penalty.value.elem_count() != 1 {
                let message = format!(
                    "has the shape {:?}; reduce it to one number",
                    penalty.value.dims()
                );
                return Err(Error::invalid("base loss", message));
            }
            let loss = scalar(&penalty.value)?;
            let gradient = differentiate(&loss, std::slice::from_ref(&x))?.remove(0);
            Ok((penalty, gradient))
        });
        work.await
            .unwrap_or_else(|error| match error.try_into_panic() {
                Ok(thrown) => Err(Error::panicked(&*thrown)),
                Err(cancelled) => Err(Error::failed(cancelled)),
            })
    }

    /// The loss of data as a training client has them.
    fn of_pass(&self, data: &[Datum], logprobs: &[Logprobs]) -> Result<CustomLossOutput, Error> {
        let runtime = Handle::try_current().map_err(Error::failed)?;
        let batch = LossBatch::new(data, logprobs, self.dtype)?;
        let whole = joined(batch.logprobs())?.detach();
        let data: Arc<[Datum]> = data.into();
        let parts = runtime.block_on(self.parts(data, &whole))?;
        parts.check(batch.logprobs())?;
        let gradients = split(&parts.output.gradient, batch.logprobs())?;
        Ok(CustomLossOutput {
            loss: parts.output.report.loss_total,
            gradients: gradients.iter().map(floats).collect::<Result<_, _>>()?,
            metrics: parts.output.report.metrics(),
        })
    }
}

/// A loss with the gradients of its parts.
struct Parts {
    output: PipelineOutput,
    of_base: Tensor,
    regularizers: Vec<Evaluated>,
}

impl Parts {
    /// Refuses a loss that is not finite, by the name of the part and the datum.
    fn check(&self, logprobs: &[Tensor]) -> Result<(), Error> {
        let base = self
            .output
            .report
            .base_loss
            .as_ref()
            .map_or(0.0, |base| base.value);
        let own = self.regularizers.iter().map(|one| {
            (
                one.output.name.as_str(),
                one.output.value,
                one.gradient.as_ref(),
            )
        });
        let all = std::iter::once(("base_loss", base, Some(&self.of_base))).chain(own);
        for (name, value, gradient) in all {
            if let Some(gradient) = gradient {
                for (index, part) in split(gradient, logprobs)?.iter().enumerate() {
                    check_gradient(&floats(part)?, index, name)?;
                }
            }
            if !value.is_finite() {
                let message = format!("is {value} over all data; nothing was sent");
                return Err(Error::not_finite(format!("term `{name}`"), message));
            }
        }
        Ok(())
    }
}

impl CustomLoss for Pipeline {
    fn evaluate(
        self,
        data: &[Datum],
        logprobs: &[Logprobs],
    ) -> Result<CustomLossOutput, gimmal_client::Error> {
        Ok(self.of_pass(data, logprobs)?)
    }
}
