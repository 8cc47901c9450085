//! Asks every now and then whether runs still live, and has those recovered that do not.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gimmal_transport::Error;

use super::{LostRun, RecoveryEvent, RecoveryExecutor, TrainingFactory};

/// Watches runs. Clones are the same one; the watching ends with the last of them.
///
/// ```no_run
/// # use gimmal_client::tinker::{ServiceClient, TrainingClient};
/// # use gimmal_client::tinker::recovery::RecoveryExecutor;
/// # fn run(executor: RecoveryExecutor<ServiceClient>, training: TrainingClient) -> Result<(), gimmal_client::Error> {
/// use gimmal_client::tinker::recovery::RecoveryMonitor;
///
/// let monitor = RecoveryMonitor::new(executor);
/// let run = training.model_id().to_owned();
/// monitor.watch(run, Some(training))?;
/// # Ok(()) }
/// ```
///
/// A run that the server marks as corrupted is handed to the executor and no longer watched. While
/// the server cannot be asked, nothing is changed.
pub struct RecoveryMonitor<F: TrainingFactory>(Arc<Inner<F>>);

struct Inner<F: TrainingFactory> {
    executor: RecoveryExecutor<F>,
    state: Mutex<State<F::Client>>,
}

struct State<C> {
    runs: BTreeMap<String, Option<C>>,
    is_polling: bool,
}

impl<F: TrainingFactory> Clone for RecoveryMonitor<F> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<F: TrainingFactory> RecoveryMonitor<F> {
    /// A monitor that hands lost runs to this executor, and asks as its policy says.
    pub fn new(executor: RecoveryExecutor<F>) -> Self {
        let state = State {
            runs: BTreeMap::new(),
            is_polling: false,
        };
        Self(Arc::new(Inner {
            executor,
            state: Mutex::new(state),
        }))
    }

    /// Watches a run from now on, in the background of the current runtime; `client` is handed to
    /// the callback when the run is recovered.
    ///
    /// # Errors
    ///
    /// Fails when the policy recovers nothing.
    pub fn watch(&self, run_id: impl Into<String>, client: Option<F::Client>) -> Result<(), Error> {
        self.0.executor.check_enabled()?;
        let mut state = self.0.state();
        state.runs.insert(run_id.into(), client);
        if !std::mem::replace(&mut state.is_polling, true) {
            let inner = Arc::downgrade(&self.0);
            let clock = Arc::clone(self.0.executor.clock());
            let interval = self.0.executor.policy().poll_interval();
            tokio::spawn(async move {
                loop {
                    clock.sleep(interval).await;
                    let Some(inner) = inner.upgrade() else { return };
                    inner.poll().await;
                    if inner.rests() {
                        return;
                    }
                }
            });
        }
        Ok(())
    }

    /// Watches a run no longer; whether it was watched.
    pub fn stop(&self, run_id: &str) -> bool {
        self.0.state().runs.remove(run_id).is_some()
    }

    /// The runs that are watched.
    pub fn watched(&self) -> Vec<String> {
        self.0.state().runs.keys().cloned().collect()
    }
}

impl<F: TrainingFactory> Inner<F> {
    fn state(&self) -> MutexGuard<'_, State<F::Client>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there is nothing left to ask about; then the next run begins the asking anew.
    fn rests(&self) -> bool {
        let mut state = self.state();
        state.is_polling = !state.runs.is_empty();
        !state.is_polling
    }

    async fn poll(&self) {
        let runs: Vec<String> = self.state().runs.keys().cloned().collect();
        for run_id in runs {
            match self.executor.runs().training_run(&run_id).await {
                Ok(run) if run.corrupted => {
                    let last = run.last_checkpoint.map(|last| last.tinker_path);
                    self.hand_over(run_id, last);
                }
                Ok(_) => {}
                Err(error) => {
                    let error = error.to_string();
                    let event = RecoveryEvent::PollError { run_id, error };
                    self.executor.tell(&event);
                }
            }
        }
    }

    fn hand_over(&self, run_id: String, checkpoint: Option<String>) {
        // It may have been taken off the list while the server was asked.
        let Some(client) = self.state().runs.get(&run_id).cloned() else {
            return;
        };
        self.executor.tell(&RecoveryEvent::Detected {
            run_id: run_id.clone(),
            checkpoint: checkpoint.clone(),
        });
        let mut lost = LostRun::new(run_id.as_str());
        if let Some(client) = client {
            lost = lost.with_client(client);
        }
        if let Some(path) = checkpoint {
            lost = lost.with_last_checkpoint(path);
        }
        match self.executor.recover(lost) {
            Ok(()) => drop(self.state().runs.remove(&run_id)),
            Err(error) => tracing::debug!(%error, "{run_id} stays on the list"),
        }
    }
}

impl<F: TrainingFactory> fmt::Debug for RecoveryMonitor<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecoveryMonitor")
            .field("watched", &self.watched())
            .finish_non_exhaustive()
    }
}
