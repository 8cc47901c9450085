//! What is known of runs, checkpoints and sessions, and what can be done with them: the rest
//! client. It opens no session.

use std::sync::Arc;
use std::time::Duration;

use gimmal_api::tinker::{ListQuery, ListTrainingRuns, Page, Tinker};
use gimmal_transport::{Clock, Error, Transport};
use gimmal_types::tinker::{
    AccessScope, CheckpointArchiveUrlResponse, CheckpointTtlRequest, CheckpointType,
    CheckpointsListResponse, CopyWeightsRequest, ExternalWeightsUrlsResponse, GetSamplerResponse,
    GetServerCapabilitiesResponse, GetSessionResponse, ListSessionsResponse,
    ParsedCheckpointTinkerPath, SessionProjectRequest, SessionSearchRequest, SessionSearchResponse,
    TrainingRun, TrainingRunsResponse, WeightsInfoRequest, WeightsInfoResponse,
};

use super::CheckpointDownload;
use super::Reporter;
use super::calls::{Calls, invalid};
use super::holder::Holder;
use super::sessionless::Sessionless;
use super::settings::{Settings, Switch};

/// How often a trace that is being made is asked for.
const TRACE_INTERVAL: Duration = Duration::from_secs(5);

pub(super) fn parse(path: &str) -> Result<ParsedCheckpointTinkerPath, Error> {
    path.parse().map_err(|error| invalid(&error))
}

/// Reads and manages runs, checkpoints and sessions. Clones share the connection.
#[derive(Clone, Debug)]
pub struct RestClient(Arc<Sessionless>);

impl RestClient {
    pub(super) async fn holder(&self) -> Result<&Arc<Holder>, Error> {
        self.0.holder().await
    }

    /// What requests show the server.
    pub(super) fn switch(&self) -> Arc<Switch> {
        Arc::clone(&self.0.settings.switch)
    }

    pub(crate) fn new(settings: Settings) -> Self {
        Self(Sessionless::new(settings))
    }

    /// The reporter of telemetry, unless it is off. It reports without a session.
    ///
    /// # Errors
    ///
    /// When the connection, which is made when it is first needed, cannot be opened.
    pub async fn get_telemetry(&self) -> Result<Option<Arc<Reporter>>, Error> {
        self.0.reporter().await
    }

    /// What the server offers.
    ///
    /// # Errors
    ///
    /// As the transport does, and on an argument that cannot be.
    pub async fn get_server_capabilities(&self) -> Result<GetServerCapabilitiesResponse, Error> {
        let method = "RestClient.get_server_capabilities";
        let call =
            |api, options| async move { Tinker::get_server_capabilities(api, &options).await };
        self.0.call(method, call).await
    }

    /// A training run.
    ///
    /// # Errors
    ///
    /// As the transport does, and on an argument that cannot be.
    pub async fn get_training_run(
        &self,
        run: &str,
        access_scope: AccessScope,
    ) -> Result<TrainingRun, Error> {
        let scope = &access_scope;
        let call =
            |api, options| async move { Tinker::get_training_run(api, run, scope, &options).await };
        self.0.call("RestClient.get_training_run", call).await
    }

    /// The training run that a checkpoint is of.
    ///
    /// # Errors
    ///
    /// As the transport does, and on an argument that cannot be.
    pub async fn get_training_run_by_tinker_path(
        &self,
        tinker_path: &str,
        access_scope: AccessScope,
    ) -> Result<TrainingRun, Error> {
        let path = parse(tinker_path)?;
        let (run, scope) = (path.training_run_id(), &access_scope);
        let call =
            |api, options| async move { Tinker::get_training_run(api, run, scope, &options).await };
        self.0
            .call("RestClient.get_training_run_by_tinker_path", call)
            .await
    }

    /// A page of training runs.
    ///
    /// # Errors
    ///
    /// As the transport does, and on an argument that cannot be.
    pub async fn list_training_runs(
        &self,
        query: &ListTrainingRuns,
    ) -> Result<TrainingRunsResponse, Error> {
        let call =
            |api, options| async move { Tinker::list_training_runs(api, query, &options).await };
        self.0.call("RestClient.list_training_runs", call).await
    }

    /// Downloads a checkpoint: an archive of it, from servers that make archives, or the files of
    /// external weights.
    pub fn download_checkpoint(&self, path: impl Into<String>) -> CheckpointDownload {
        CheckpointDownload::new(self.clone(), path.into())
    }

    /// What sends requests, for addresses elsewhere.
    pub(super) async fn bare_transport(&self) -> Result<Transport, Error> {
        let holder = self.0.holder().await?;
        Ok(holder.calls.0.transport().without_credentials())
    }

    pub(super) async fn clock(&self) -> Result<Arc<dyn Clock>, Error> {
        Ok(self.0.holder().await?.clock())
    }

    /// Where an archive of a checkpoint's files can be had, from servers that make archives. While
    /// the archive is being made it is asked for again, for two and a half minutes.
    ///
    /// # Errors
    ///
    /// As the transport does, and on an argument that cannot be.
    pub async fn get_checkpoint_archive_url_from_tinker_path(
        &self,
        path: &str,
    ) -> Result<CheckpointArchiveUrlResponse, Error> {
        let path = parse(path)?;
        let holder = self.0.holder().await?;
        let api = &holder.calls.0;
        let options = Calls::of("RestClient.get_checkpoint_archive_url_from_tinker_path");
        let (run, checkpoint) = (path.training_run_id(), path.checkpoint_id());
        let call = || api.checkpoint_archive_url(run, checkpoint, &options);
        holder.calls.paid(&holder.billing, call).await
    }

    /// What is known of weights.
    ///
    /// # Errors
    ///
    /// As the transport does, and on an argument that cannot be.
    pub async fn get_weights_info_by_tinker_path(
        &self,
        path: &str,
    ) -> Result<WeightsInfoResponse, Error> {
        let request = WeightsInfoRequest::new().set_tinker_path(path);
        let request = &request;
        let call = |api, options| async move { Tinker::weights_info(api, request, &options).await };
        self.0
            .call("RestClient.get_weights_info_by_tinker_path", call)
            .await
    }

    /// The checkpoints of a run.
    ///
    /// # Errors
    ///
    /// As the transport does, and on an argument that cannot be.
    pub async fn list_checkpoints(&self, run: &str) -> Result<CheckpointsListResponse, Error> {
        if run.is_empty() {
            return Err(Error::invalid("training_run_id", "must not be empty"));
        }
        let call =
            |api, options| async move { Tinker::list_checkpoints_of_run(api, run, &options).await };
        self.0.call("RestClient.list_checkpoints", call).await
    }

    /// A page of the checkpoints of the user.
    ///
    /// # Errors
    ///
    /// As the transport does, and on an argument that cannot be.
    pub async fn list_user_checkpoints(
        &self,
        limit: u64,
        offset: u64,
    ) -> Result<CheckpointsListResponse, Error> {
        let call = |api, options| async move {
            Tinker::list_checkpoints(api, Page::new(limit, offset), &options).await
        };
        self.0.call("RestClient.list_user_checkpoints", call).await
    }

    /// Where the files of external weights can be fetched for a while.
    ///
    /// # Errors
    ///
    /// As the transport does, and on an argument that cannot be.
    pub async fn get_external_weights_urls(
        &self,
        path: &str,
    ) -> Result<ExternalWeightsUrlsResponse, Error> {
        let path = parse(path)?;
        path.require(&CheckpointType::External)
            .map_err(|error| invalid(&error))?;
        let (run, id) = (path.training_run_id(), path.checkpoint_id());
        let call = |api, options| async move {
            Tinker::external_weights_urls(api, run, id, &options).await
        };
        self.0
            .call("RestClient.get_external_weights_urls", call)
            .await
    }

    /// Deletes a checkpoint.
    ///
    /// # Errors
    ///
    /// As the transport does, and on an argument that cannot be.
    pub async fn delete_checkpoint(&self, run: &str, checkpoint_id: &str) -> Result<(), Error> {
        let call = |api, options| async move {
            Tinker::delete_checkpoint(api, run, checkpoint_id, &options).await
        };
        self.0.call("RestClient.delete_checkpoint", call).await
    }

    /// Deletes a checkpoint.
    ///
    /// # Errors
    ///
    /// As the transport does, and on an argument that cannot be.
    pub async fn delete_checkpoint_from_tinker_path(&self, path: &str) -> Result<(), Error> {
        let path = parse(path)?;
        let (run, id) = (path.training_run_id(), path.checkpoint_id());
        let call =
            |api, options| async move { Tinker::delete_checkpoint(api, run, id, &options).await };
        self.0
            .call("RestClient.delete_checkpoint_from_tinker_path", call)
            .await
    }

    /// Lets everybody see a checkpoint.
    ///
    /// # Errors
    ///
    /// As the transport does, and on an argument that cannot be.
    pub async fn publish_checkpoint_from_tinker_path(&self, path: &str) -> Result<(), Error> {
        let path = parse(path)?;
        let (run, id) = (path.training_run_id(), path.checkpoint_id());
        let call =
            |api, options| async move { Tinker::publish_checkpoint(api, run, id, &options).await };
        self.0
            .call("RestClient.publish_checkpoint_from_tinker_path", call)
            .await
    }

    /// Hides a checkpoint again.
    ///
    /// # Errors
    ///
    /// As the transport does, and on an argument that cannot be.
    pub async fn unpublish_checkpoint_from_tinker_path(&self, path: &str) -> Result<(), Error> {
        let path = parse(path)?;
        let (run, id) = (path.training_run_id(), path.checkpoint_id());
        let call = |api, options| async move {
            Tinker::unpublish_checkpoint(api, run, id, &options).await
        };
        self.0
            .call("RestClient.unpublish_checkpoint_from_tinker_path", call)
            .await
    }

    /// Sets after how many seconds a checkpoint is deleted; `None` keeps it.
    ///
    /// # Errors
    ///
    /// As the transport does, and on an argument that cannot be.
    pub async fn set_checkpoint_ttl_from_tinker_path(
        &self,
        path: &str,
        ttl_seconds: Option<u64>,
    ) -> Result<(), Error> {
        let path = parse(path)?;
        let (run, id) = (path.training_run_id(), path.checkpoint_id());
        let mut request = CheckpointTtlRequest::new();
        request.ttl_seconds = ttl_seconds.into();
        let request = &request;
        let call = |api, options| async move {
            Tinker::set_checkpoint_ttl(api, run, id, request, &options).await
        };
        self.0
            .call("RestClient.set_checkpoint_ttl_from_tinker_path", call)
            .await
    }

    /// Copies a checkpoint into a project; the path of the copy.
    ///
    /// # Errors
    ///
    /// Fails when neither the request nor the client names a project.
    pub async fn copy_weights(&self, request: CopyWeightsRequest) -> Result<String, Error> {
        self.copy_weights_as("RestClient.copy_weights", request)
            .await
    }

    /// The same on behalf of a public method.
    pub(super) async fn copy_weights_as(
        &self,
        method: &'static str,
        mut request: CopyWeightsRequest,
    ) -> Result<String, Error> {
        let own = self.0.settings.project_id.clone();
        request.destination_project_id = request.destination_project_id.or(own);
        if request.destination_project_id.is_none() {
            let message = "is missing; give it or set TINKER_PROJECT_ID";
            return Err(Error::invalid("destination_project_id", message));
        }
        let request = &request;
        let call = |api, options| async move { Tinker::copy_weights(api, request, &options).await };
        Ok(self.0.call(method, call).await?.tinker_path)
    }

    /// A session.
    ///
    /// # Errors
    ///
    /// As the transport does, and on an argument that cannot be.
    pub async fn get_session(
        &self,
        session_id: &str,
        access_scope: AccessScope,
    ) -> Result<GetSessionResponse, Error> {
        let scope = &access_scope;
        let call = |api, options| async move {
            Tinker::get_session(api, session_id, scope, &options).await
        };
        self.0.call("RestClient.get_session", call).await
    }

    /// A page of sessions.
    ///
    /// # Errors
    ///
    /// As the transport does, and on an argument that cannot be.
    pub async fn list_sessions(&self, query: &ListQuery) -> Result<ListSessionsResponse, Error> {
        let call = |api, options| async move { Tinker::list_sessions(api, query, &options).await };
        self.0.call("RestClient.list_sessions", call).await
    }

    /// Moves a session into a project.
    ///
    /// # Errors
    ///
    /// As the transport does, and on an argument that cannot be.
    pub async fn assign_session_project(
        &self,
        session_id: &str,
        project_id: &str,
    ) -> Result<(), Error> {
        let request = SessionProjectRequest::new().set_project_id(project_id);
        let request = &request;
        let call = |api, options| async move {
            Tinker::assign_session_project(api, session_id, request, &options).await
        };
        self.0.call("RestClient.assign_session_project", call).await
    }

    /// Where the trace of a session can be fetched, once it is made.
    ///
    /// # Errors
    ///
    /// As the transport does, and on an argument that cannot be.
    pub async fn export_session_trace(&self, session_id: &str) -> Result<String, Error> {
        loop {
            let call = |api, options| async move {
                Tinker::export_session_trace(api, session_id, &options).await
            };
            let trace = self.0.call("RestClient.export_session_trace", call).await?;
            match (trace.status.as_str(), trace.url) {
                ("ready", Some(url)) => return Ok(url),
                ("failed", _) => {
                    let reason = trace.error.unwrap_or_default();
                    return Err(Error::cancelled(format!(
                        "the trace was not made: {reason}"
                    )));
                }
                _ => self.0.holder().await?.clock().sleep(TRACE_INTERVAL).await,
            }
        }
    }

    /// A sampler.
    ///
    /// # Errors
    ///
    /// As the transport does, and on an argument that cannot be.
    pub async fn get_sampler(&self, sampler_id: &str) -> Result<GetSamplerResponse, Error> {
        let call =
            |api, options| async move { Tinker::get_sampler(api, sampler_id, &options).await };
        self.0.call("RestClient.get_sampler", call).await
    }

    /// Sessions that match.
    ///
    /// # Errors
    ///
    /// As the transport does, and on an argument that cannot be.
    pub async fn search_sessions(
        &self,
        request: &SessionSearchRequest,
    ) -> Result<SessionSearchResponse, Error> {
        let call =
            |api, options| async move { Tinker::search_sessions(api, request, &options).await };
        self.0.call("RestClient.search_sessions", call).await
    }
}
