//! What recovery asks of the service, so that tests and other services can stand in for it.

use std::fmt::Debug;

use futures_util::future::BoxFuture;
use gimmal_transport::Error;
use gimmal_types::tinker::{AccessScope, TrainingRun};

use crate::tinker::{RestClient, ServiceClient, TrainingClient};

/// Says how a run is.
pub trait RunSource: Debug + Send + Sync + 'static {
    /// The run as it is now.
    fn training_run<'a>(&'a self, run_id: &'a str) -> BoxFuture<'a, Result<TrainingRun, Error>>;
}

/// Makes clients of checkpoints.
pub trait TrainingFactory: Debug + Send + Sync + 'static {
    /// What it makes; clones are the same client.
    type Client: Clone + Debug + Send + Sync + 'static;

    /// A client of a new model with the weights of a checkpoint, and with its optimiser if that is
    /// asked for.
    fn client_of<'a>(
        &'a self,
        path: &'a str,
        with_optimizer: bool,
    ) -> BoxFuture<'a, Result<Self::Client, Error>>;
}

impl RunSource for RestClient {
    fn training_run<'a>(&'a self, run_id: &'a str) -> BoxFuture<'a, Result<TrainingRun, Error>> {
        Box::pin(self.get_training_run(run_id, AccessScope::Owned))
    }
}

impl TrainingFactory for ServiceClient {
    type Client = TrainingClient;

    fn client_of<'a>(
        &'a self,
        path: &'a str,
        with_optimizer: bool,
    ) -> BoxFuture<'a, Result<TrainingClient, Error>> {
        Box::pin(async move {
            match with_optimizer {
                true => {
                    self.create_training_client_from_state_with_optimizer(path)
                        .await
                }
                false => self.create_training_client_from_state(path).await,
            }
        })
    }
}
