//! Runs: models that are or were trained.

use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::tinker::{AccessScope, TrainingRun, TrainingRunsResponse};

use super::options::Manner;
use super::{ListTrainingRuns, Tinker, requests};

impl Tinker {
    /// Lists runs.
    ///
    /// Route: GET /api/v1/training_runs
    ///
    /// # Errors
    ///
    /// As the transport does.
    pub async fn list_training_runs(
        &self,
        query: &ListTrainingRuns,
        options: &CallOptions,
    ) -> Result<Response<TrainingRunsResponse>, Error> {
        let request = requests::list_training_runs(self.endpoint(), query)?;
        self.read(request, Manner::Training, options).await
    }

    /// Describes a run.
    ///
    /// Route: GET /api/v1/training_runs/{run}
    ///
    /// # Errors
    ///
    /// Fails before sending on an identifier that does not fit into a path; otherwise as the
    /// transport does.
    pub async fn get_training_run(
        &self,
        run: &str,
        access_scope: &AccessScope,
        options: &CallOptions,
    ) -> Result<Response<TrainingRun>, Error> {
        let request = requests::get_training_run(self.endpoint(), run, access_scope)?;
        self.read(request, Manner::Training, options).await
    }
}
