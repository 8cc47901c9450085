//! Recovers lost runs, so many at once, in the order in which they were lost.

use std::collections::BTreeSet;
use std::fmt;
use std::num::NonZeroU32;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures_util::FutureExt as _;
use gimmal_transport::{Clock, Error, TokioClock};
use tokio::sync::Semaphore;

use super::event::{Observers, harmless};
use super::{
    CheckpointStrategy, RecoveryEvent, RecoveryObserver, RecoveryPolicy, RunSource, TrainingFactory,
};

type OnRecovery<C> = Arc<dyn Fn(Option<&C>, &C, &str) + Send + Sync>;
type OnFailure = Arc<dyn Fn(&str, &Error) + Send + Sync>;

/// A run that was lost.
#[derive(Clone, Debug)]
#[must_use]
pub struct LostRun<C> {
    run_id: String,
    client: Option<C>,
    last_checkpoint: Option<String>,
}

impl<C> LostRun<C> {
    /// The run with this identifier.
    pub fn new(run_id: impl Into<String>) -> Self {
        Self {
            run_id: run_id.into(),
            client: None,
            last_checkpoint: None,
        }
    }

    /// Notes the client that trained it, for the callback.
    pub fn with_client(mut self, client: C) -> Self {
        self.client = Some(client);
        self
    }

    /// Notes the last checkpoint; otherwise the service is asked for it.
    pub fn with_last_checkpoint(mut self, path: impl Into<String>) -> Self {
        self.last_checkpoint = Some(path.into());
        self
    }
}

/// Recovers lost runs in the background. Clones are the same one.
///
/// ```no_run
/// # async fn run(service: gimmal_client::tinker::ServiceClient) -> Result<(), gimmal_client::Error> {
/// use std::sync::Arc;
/// use gimmal_client::tinker::recovery::{LostRun, RecoveryExecutor, RecoveryPolicy};
///
/// let runs = Arc::new(service.create_rest_client());
/// let executor = RecoveryExecutor::new(RecoveryPolicy::enabled(), runs, service)
///     .on_recovery(|_old, new, path| println!("{} goes on from {path}", new.model_id()))
///     .on_failure(|run, error| println!("{run} is lost: {error}"));
/// executor.recover(LostRun::new("session-1:train:0"))?;
/// # Ok(()) }
/// ```
///
/// An attempt finds the checkpoint and makes a client of it. After a failure the run waits as the
/// policy says and queues again; who waits holds no place.
pub struct RecoveryExecutor<F: TrainingFactory> {
    inner: Arc<Inner<F>>,
}

struct Inner<F: TrainingFactory> {
    policy: RecoveryPolicy,
    runs: Arc<dyn RunSource>,
    factory: F,
    clock: Arc<dyn Clock>,
    places: Arc<Semaphore>,
    observers: Observers,
    on_recovery: Option<OnRecovery<F::Client>>,
    on_failure: Option<OnFailure>,
    pending: Mutex<BTreeSet<String>>,
}

impl<F: TrainingFactory> Clone for RecoveryExecutor<F> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<F: TrainingFactory> RecoveryExecutor<F> {
    /// An executor that recovers one run at a time.
    pub fn new(policy: RecoveryPolicy, runs: Arc<dyn RunSource>, factory: F) -> Self {
        Self {
            inner: Arc::new(Inner {
                policy,
                runs,
                factory,
                clock: Arc::new(TokioClock),
                places: Arc::new(Semaphore::new(1)),
                observers: Observers::default(),
                on_recovery: None,
                on_failure: None,
                pending: Mutex::default(),
            }),
        }
    }

    /// Changes the settings, which is possible until the executor is cloned or used.
    fn set(mut self, change: impl FnOnce(&mut Inner<F>)) -> Self {
        match Arc::get_mut(&mut self.inner) {
            Some(inner) => change(inner),
            None => tracing::warn!("a recovery under way cannot be changed"),
        }
        self
    }

    /// Sets how many runs are recovered at once.
    #[must_use]
    pub fn with_max_concurrent(self, most: NonZeroU32) -> Self {
        let places = usize::try_from(most.get()).unwrap_or(Semaphore::MAX_PERMITS);
        self.set(|inner| inner.places = Arc::new(Semaphore::new(places)))
    }

    /// Sets the clock for waits.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        self.set(|inner| inner.clock = clock)
    }

    /// Tells `observer` of every step.
    #[must_use]
    pub fn with_observer(self, observer: Arc<dyn RecoveryObserver>) -> Self {
        self.set(|inner| inner.observers.add(observer))
    }

    /// Calls `call` when a run goes on: with its old client, if that is known, the new one, and the
    /// checkpoint. A panic of it does no harm.
    #[must_use]
    pub fn on_recovery(
        self,
        call: impl Fn(Option<&F::Client>, &F::Client, &str) + Send + Sync + 'static,
    ) -> Self {
        self.set(|inner| inner.on_recovery = Some(Arc::new(call)))
    }

    /// Calls `call` when a run is given up: with the run and the reason. A panic of it does no harm.
    #[must_use]
    pub fn on_failure(self, call: impl Fn(&str, &Error) + Send + Sync + 'static) -> Self {
        self.set(|inner| inner.on_failure = Some(Arc::new(call)))
    }

    /// Recovers a run, in the background of the current runtime.
    ///
    /// # Errors
    ///
    /// Fails when the policy recovers nothing, and on a run that is being recovered.
    pub fn recover(&self, run: LostRun<F::Client>) -> Result<(), Error> {
        let inner = Arc::clone(&self.inner);
        inner.check_enabled()?;
        if !inner.pending().insert(run.run_id.clone()) {
            let message = format!("`{}` is being recovered already", run.run_id);
            return Err(Error::invalid("run_id", message));
        }
        tokio::spawn(async move {
            inner.work(&run).await;
            inner.pending().remove(&run.run_id);
        });
        Ok(())
    }

    /// The runs that wait for their recovery, or for another attempt, or are being recovered.
    pub fn pending(&self) -> Vec<String> {
        self.inner.pending().iter().cloned().collect()
    }

    pub(super) fn policy(&self) -> &RecoveryPolicy {
        &self.inner.policy
    }

    pub(super) fn check_enabled(&self) -> Result<(), Error> {
        self.inner.check_enabled()
    }

    pub(super) fn runs(&self) -> &Arc<dyn RunSource> {
        &self.inner.runs
    }

    pub(super) fn clock(&self) -> &Arc<dyn Clock> {
        &self.inner.clock
    }

    pub(super) fn tell(&self, event: &RecoveryEvent) {
        self.inner.observers.tell(event);
    }
}

impl<F: TrainingFactory> Inner<F> {
    fn pending(&self) -> MutexGuard<'_, BTreeSet<String>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check_enabled(&self) -> Result<(), Error> {
        match self.policy.is_enabled() {
            true => Ok(()),
            false => Err(Error::config("recovery is off; enable it in its policy")),
        }
    }

    async fn work(&self, run: &LostRun<F::Client>) {
        let last = self.policy.max_attempts().get();
        for attempt in 1..=last {
            let outcome = self.attempt_in_turn(run, attempt).await;
            let run_id = || run.run_id.clone();
            match outcome {
                Ok((client, checkpoint)) => {
                    if let Some(call) = &self.on_recovery {
                        harmless(|| call(run.client.as_ref(), &client, &checkpoint));
                    }
                    return;
                }
                Err(error) => {
                    let text = error.to_string();
                    self.observers.tell(&RecoveryEvent::Failed {
                        run_id: run_id(),
                        attempt,
                        error: text.clone(),
                    });
                    if attempt == last {
                        self.observers.tell(&RecoveryEvent::Exhausted {
                            run_id: run_id(),
                            attempt,
                            error: text,
                        });
                        if let Some(call) = &self.on_failure {
                            harmless(|| call(&run.run_id, &error));
                        }
                        return;
                    }
                }
            }
            self.clock.sleep(self.policy.wait_after(attempt)).await;
        }
    }

    /// One attempt when it has its turn; a panic in it is a failure.
    async fn attempt_in_turn(
        &self,
        run: &LostRun<F::Client>,
        attempt: u32,
    ) -> Result<(F::Client, String), Error> {
        // Turns are given in the order in which they are asked for; the semaphore is never closed.
        let _place = self.places.acquire().await;
        let tried = AssertUnwindSafe(self.attempt(run, attempt)).catch_unwind();
        let panicked = |_| Err(Error::cancelled("the attempt panicked"));
        tried.await.unwrap_or_else(panicked)
    }

    async fn attempt(
        &self,
        run: &LostRun<F::Client>,
        attempt: u32,
    ) -> Result<(F::Client, String), Error> {
        let run_id = || run.run_id.clone();
        self.observers.tell(&RecoveryEvent::Started {
            run_id: run_id(),
            attempt,
        });
        let checkpoint = self.checkpoint(run).await?;
        self.observers.tell(&RecoveryEvent::CheckpointSelected {
            run_id: run_id(),
            attempt,
            checkpoint: checkpoint.clone(),
        });
        let optimizer = self.policy.restores_optimizer();
        let client = self.factory.client_of(&checkpoint, optimizer).await?;
        self.observers.tell(&RecoveryEvent::ClientCreated {
            run_id: run_id(),
            attempt,
            checkpoint: checkpoint.clone(),
        });
        self.observers.tell(&RecoveryEvent::Completed {
            run_id: run_id(),
            attempt,
            checkpoint: checkpoint.clone(),
        });
        Ok((client, checkpoint))
    }

    async fn checkpoint(&self, run: &LostRun<F::Client>) -> Result<String, Error> {
        match self.policy.strategy() {
            CheckpointStrategy::Specific(path) => return Ok(path.clone()),
            CheckpointStrategy::Best => {
                let message = "`best` is not supported: nothing says which checkpoint is the best";
                return Err(Error::invalid("checkpoint_strategy", message));
            }
            CheckpointStrategy::Latest => {}
        }
        if let Some(path) = &run.last_checkpoint {
            return Ok(path.clone());
        }
        let found = self.runs.training_run(&run.run_id).await?;
        let last = found.last_checkpoint.map(|last| last.tinker_path);
        last.ok_or_else(|| {
            let message = format!("`{}` has no checkpoint to go on from", run.run_id);
            Error::invalid("last_checkpoint", message)
        })
    }
}

impl<F: TrainingFactory> fmt::Debug for RecoveryExecutor<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecoveryExecutor")
            .field("policy", &self.inner.policy)
            .field("pending", &self.pending())
            .finish_non_exhaustive()
    }
}
