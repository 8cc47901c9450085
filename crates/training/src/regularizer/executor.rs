//! Runs regularizers, side by side or one after the other, and keeps their failures apart.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use candle_core::Tensor;
use futures_util::stream::{self, StreamExt as _};
use gimmal_client::transport::observe::EventBus;
use gimmal_client::types::tinker::Datum;
use tokio::task::{AbortHandle, JoinError, spawn_blocking};
use tokio::time::{Instant, timeout};

use super::spec::{AsyncFn, Work};
use super::telemetry::Teller;
use super::{Penalty, RegularizerOutput, RegularizerSpec};
use crate::loss::{differentiate, leaf};
use crate::{Error, ErrorKind, ops};

/// Runs regularizers. It needs a runtime of tokio.
///
/// ```
/// use gimmal_training::candle::{Device, Tensor};
/// use gimmal_training::{Executor, L1, L2, RegularizerSpec};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), gimmal_training::Error> {
/// let specs = [RegularizerSpec::of(0.01, L1::new())?, RegularizerSpec::of(0.1, L2::new())?];
/// let logprobs = Tensor::new(&[-1.0_f64, -2.0, -3.0], &Device::Cpu)?;
/// let outputs = Executor::new().execute_all(&specs, [], &logprobs).await?;
/// assert_eq!(outputs[1].value, 14.0);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Executor {
    parallel: bool,
    timeout: Duration,
    track_grad_norms: bool,
    max_concurrency: NonZeroUsize,
    pub(super) teller: Teller,
}

/// What a regularizer came to, with its gradient where that was asked for.
#[derive(Debug)]
pub(super) struct Evaluated {
    pub(super) output: RegularizerOutput,
    pub(super) gradient: Option<Tensor>,
}

impl Default for Executor {
    fn default() -> Self {
        Self::new()
    }
}

impl Executor {
    /// As many at a time as there are processors, 30 seconds for each, no gradients.
    pub fn new() -> Self {
        Self {
            parallel: true,
            timeout: Duration::from_secs(30),
            track_grad_norms: false,
            max_concurrency: thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            teller: Teller::default(),
        }
    }

    /// Sets whether regularizers run side by side.
    pub fn with_parallel(mut self, parallel: bool) -> Self {
        self.parallel = parallel;
        self
    }

    /// Sets how long one may take. One after the other, only those that wait for something are
    /// bound by it. A computation cannot be stopped: its thread goes on, and its result is dropped.
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets whether the lengths of gradients are told.
    pub fn with_grad_norms(mut self, track: bool) -> Self {
        self.track_grad_norms = track;
        self
    }

    /// Sets how many run at a time.
    pub fn with_max_concurrency(mut self, most: NonZeroUsize) -> Self {
        self.max_concurrency = most;
        self
    }

    /// Tells a bus what happens.
    pub fn with_event_bus(mut self, bus: EventBus) -> Self {
        self.teller = Teller(Some(bus));
        self
    }

    pub(super) fn tracks_grad_norms(&self) -> bool {
        self.track_grad_norms
    }

    /// Runs one regularizer.
    ///
    /// # Errors
    ///
    /// Fails when it does, panics, takes too long, or gives more than one number.
    pub async fn execute_one(
        &self,
        spec: &RegularizerSpec,
        data: impl Into<Arc<[Datum]>>,
        logprobs: &Tensor,
    ) -> Result<RegularizerOutput, Error> {
        let data = data.into();
        self.teller.compute_started(spec);
        Ok(self.run(spec, &data, logprobs, false).await?.output)
    }

    /// Runs all regularizers; their outputs are in the order of `specs`.
    ///
    /// # Errors
    ///
    /// One after the other, the first failure ends it. Side by side all come to their end, and the
    /// failure of the first in the order of `specs` is told.
    pub async fn execute_all(
        &self,
        specs: &[RegularizerSpec],
        data: impl Into<Arc<[Datum]>>,
        logprobs: &Tensor,
    ) -> Result<Vec<RegularizerOutput>, Error> {
        let all = self.evaluate(specs, &data.into(), logprobs, false).await?;
        Ok(all.into_iter().map(|evaluated| evaluated.output).collect())
    }

    pub(super) async fn evaluate(
        &self,
        specs: &[RegularizerSpec],
        data: &Arc<[Datum]>,
        logprobs: &Tensor,
        gradients: bool,
    ) -> Result<Vec<Evaluated>, Error> {
        if !self.parallel {
            let mut all = Vec::with_capacity(specs.len());
            for spec in specs {
                self.teller.compute_started(spec);
                all.push(self.run(spec, data, logprobs, gradients).await?);
            }
            return Ok(all);
        }
        for spec in specs {
            self.teller.compute_started(spec);
        }
        let runs = specs
            .iter()
            .map(|spec| self.run(spec, data, logprobs, gradients));
        let runs: Vec<_> = runs.collect();
        let most = self.max_concurrency.get();
        let all: Vec<_> = stream::iter(runs).buffered(most).collect().await;
        all.into_iter().collect()
    }

    async fn run(
        &self,
        spec: &RegularizerSpec,
        data: &Arc<[Datum]>,
        logprobs: &Tensor,
        gradient: bool,
    ) -> Result<Evaluated, Error> {
        let started = Instant::now();
        let gradient = gradient || self.track_grad_norms;
        let result = match &spec.work {
            Work::Sync(regularizer) => {
                let (regularizer, data) = (Arc::clone(regularizer), Arc::clone(data));
                let logprobs = leaf(logprobs)?;
                let work = spawn_blocking(move || {
                    let penalty = regularizer.compute(&data, &logprobs)?;
                    Computed::of(penalty, &logprobs, gradient)
                });
                match self.parallel {
                    true => within(self.timeout, work).await,
                    false => work.await.unwrap_or_else(|error| Err(thrown(error))),
                }
            }
            Work::Async(work) => self.wait(work, data, logprobs, gradient).await,
        };
        let named = |error: Error| error.of_regularizer(spec.name());
        let finished = result
            .and_then(|computed| self.output(spec, computed))
            .map_err(named);
        match &finished {
            Ok(done) => self
                .teller
                .compute_stopped(spec, &done.output, started.elapsed()),
            // What does not come back in time has told nothing of its own.
            Err(error) if error.kind() == ErrorKind::TimedOut => {}
            Err(error) => self.teller.compute_failed(spec, error, started.elapsed()),
        }
        finished
    }

    async fn wait(
        &self,
        work: &Arc<AsyncFn>,
        data: &Arc<[Datum]>,
        logprobs: &Tensor,
        gradient: bool,
    ) -> Result<Computed, Error> {
        let (work, data, logprobs) = (Arc::clone(work), Arc::clone(data), leaf(logprobs)?);
        let task = tokio::spawn(async move {
            let penalty = work(data, logprobs.clone()).await?;
            let computed = spawn_blocking(move || Computed::of(penalty, &logprobs, gradient));
            computed.await.unwrap_or_else(|error| Err(thrown(error)))
        });
        let _stop = AbortOnDrop(task.abort_handle());
        within(self.timeout, task).await
    }

    fn output(&self, spec: &RegularizerSpec, computed: Computed) -> Result<Evaluated, Error> {
        let mut output = RegularizerOutput::new(spec.name(), spec.weight(), computed.value)
            .with_metrics(computed.penalty.metrics);
        if self.track_grad_norms {
            let norm = computed
                .gradient
                .as_ref()
                .map(ops::detached_norm)
                .transpose()?;
            output = output.with_grad_norm(norm.unwrap_or(0.0));
        }
        Ok(Evaluated {
            output,
            gradient: computed.gradient,
        })
    }
}

/// A penalty whose numbers are known.
#[derive(Debug)]
struct Computed {
    penalty: Penalty,
    value: f64,
    gradient: Option<Tensor>,
}

impl Computed {
    fn of(penalty: Penalty, logprobs: &Tensor, gradient: bool) -> Result<Self, Error> {
        if penalty.value.elem_count() != 1 {
            let message = format!(
                "has the shape {:?}; reduce it to one number",
                penalty.value.dims()
            );
            return Err(Error::invalid("value", message));
        }
        let value = ops::number(&penalty.value)?;
        let leaves = std::slice::from_ref(logprobs);
        let gradient = match gradient {
            true => differentiate(&penalty.value, leaves)?.into_iter().next(),
            false => None,
        };
        Ok(Self {
            penalty,
            value,
            gradient,
        })
    }
}

/// Ends a task with whoever waits for it.
struct AbortOnDrop(AbortHandle);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn within(
    limit: Duration,
    task: tokio::task::JoinHandle<Result<Computed, Error>>,
) -> Result<Computed, Error> {
    match timeout(limit, task).await {
        Ok(done) => done.unwrap_or_else(|error| Err(thrown(error))),
        Err(_) => Err(Error::timed_out(limit)),
    }
}

fn thrown(error: JoinError) -> Error {
    match error.try_into_panic() {
        Ok(thrown) => Error::panicked(&*thrown),
        Err(cancelled) => Error::failed(cancelled),
    }
}
