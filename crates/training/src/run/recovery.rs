//! Going on when the service has lost a run: the client's monitor finds it out and makes a client of
//! the last checkpoint. Knows no steps.

use std::fmt;
use std::sync::Arc;

use gimmal_client::tinker::recovery::{RecoveryExecutor, RecoveryMonitor, RecoveryPolicy};
use gimmal_client::tinker::{RestClient, ServiceClient, TrainingClient};
use gimmal_client::types::tinker::AccessScope;
use tokio::sync::mpsc;

use crate::Error;

/// A new client and the checkpoint that it goes on from, or why there is none.
type Outcome = Result<(TrainingClient, String), String>;

/// Watches over a run.
pub(super) struct Recovery {
    runs: Arc<RestClient>,
    monitor: RecoveryMonitor<ServiceClient>,
    outcomes: mpsc::UnboundedReceiver<Outcome>,
}

impl Recovery {
    pub(super) fn new(policy: RecoveryPolicy, service: &ServiceClient) -> Self {
        let (tell, outcomes) = mpsc::unbounded_channel();
        let tell_failure = tell.clone();
        let runs = Arc::new(service.create_rest_client());
        // Nobody listens any more once the run is over.
        let executor = RecoveryExecutor::new(policy, Arc::clone(&runs) as _, service.clone())
            .on_recovery(move |_, client, path| {
                let _ = tell.send(Ok((client.clone(), path.to_owned())));
            })
            .on_failure(move |_, error| {
                let _ = tell_failure.send(Err(error.to_string()));
            });
        let monitor = RecoveryMonitor::new(executor);
        Self {
            runs,
            monitor,
            outcomes,
        }
    }

    /// Watches the run of this client from now on.
    pub(super) fn watch(&self, training: &TrainingClient) -> Result<(), Error> {
        Ok(self.monitor.watch(training.model_id(), None)?)
    }

    /// What a run goes on with that has failed; nothing, if the service has it still.
    pub(super) async fn after(
        &mut self,
        run: &str,
    ) -> Result<Option<(TrainingClient, String)>, Error> {
        let known = self.runs.get_training_run(run, AccessScope::Owned).await?;
        if !known.corrupted {
            return Ok(None);
        }
        let outcome = self.outcomes.recv().await;
        outcome.transpose().map_err(Error::failed)
    }
}

impl fmt::Debug for Recovery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recovery").finish_non_exhaustive()
    }
}
