//! Checkpoints that were saved.

use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::tinker::{
    CheckpointArchiveUrlResponse, CheckpointTtlRequest, CheckpointsListResponse,
    ExternalWeightsUrlsResponse,
};
use http::header::{EXPIRES, LOCATION};
use url::Url;

use super::options::Manner;
use super::{Page, Tinker, requests};

impl Tinker {
    /// Lists all checkpoints of a run.
    ///
    /// Route: GET /api/v1/training_runs/{run}/checkpoints
    ///
    /// # Errors
    ///
    /// Fails before sending on an identifier that does not fit into a path; otherwise as the
    /// transport does.
    pub async fn list_checkpoints_of_run(
        &self,
        run: &str,
        options: &CallOptions,
    ) -> Result<Response<CheckpointsListResponse>, Error> {
        let request = requests::list_checkpoints_of_run(self.endpoint(), run)?;
        self.read(request, Manner::Training, options).await
    }

    /// Asks where the files of a checkpoint can be had, for some minutes.
    ///
    /// Route: GET /api/v1/training_runs/{run}/checkpoints/{checkpoint}/external_weights_urls
    ///
    /// # Errors
    ///
    /// Fails before sending on an identifier that does not fit into a path; otherwise as the
    /// transport does.
    pub async fn external_weights_urls(
        &self,
        run: &str,
        checkpoint: &str,
        options: &CallOptions,
    ) -> Result<Response<ExternalWeightsUrlsResponse>, Error> {
        let request = requests::external_weights_urls(self.endpoint(), run, checkpoint)?;
        self.read(request, Manner::Training, options).await
    }

    /// Asks where an archive of a checkpoint can be had, for some minutes: from servers that make
    /// archives, which answer 503 while they do. Then it is asked for again after 30 s, 6 times in
    /// all, unless the call says otherwise.
    ///
    /// Route: GET /api/v1/training_runs/{run}/checkpoints/{checkpoint}/archive
    ///
    /// # Errors
    ///
    /// Fails before sending on an identifier that does not fit into a path; otherwise as the
    /// transport does.
    pub async fn checkpoint_archive_url(
        &self,
        run: &str,
        checkpoint: &str,
        options: &CallOptions,
    ) -> Result<CheckpointArchiveUrlResponse, Error> {
        let request = requests::checkpoint_archive_url(self.endpoint(), run, checkpoint)?;
        let base = request.url().clone();
        let reply = self.read(request, Manner::Archive, options).await;
        match reply {
            Ok(reply) => Ok(reply.into_body()),
            Err(error) => redirected(&base, &error).ok_or(error),
        }
    }

    /// Deletes a checkpoint.
    ///
    /// Route: DELETE /api/v1/training_runs/{run}/checkpoints/{checkpoint}
    ///
    /// # Errors
    ///
    /// Fails before sending on an identifier that does not fit into a path; otherwise as the
    /// transport does.
    pub async fn delete_checkpoint(
        &self,
        run: &str,
        checkpoint: &str,
        options: &CallOptions,
    ) -> Result<Response<()>, Error> {
        let request = requests::delete_checkpoint(self.endpoint(), run, checkpoint)?;
        self.tell(request, Manner::Training, options).await
    }

    /// Lets anybody load a checkpoint. A 409 says that anybody may already.
    ///
    /// Route: POST /api/v1/training_runs/{run}/checkpoints/{checkpoint}/publish
    ///
    /// # Errors
    ///
    /// Fails before sending on an identifier that does not fit into a path; otherwise as the
    /// transport does.
    pub async fn publish_checkpoint(
        &self,
        run: &str,
        checkpoint: &str,
        options: &CallOptions,
    ) -> Result<Response<()>, Error> {
        let request = requests::publish_checkpoint(self.endpoint(), run, checkpoint)?;
        self.tell(request, Manner::Training, options).await
    }

    /// Keeps a checkpoint to oneself again. A 409 says that it is so already.
    ///
    /// Route: DELETE /api/v1/training_runs/{run}/checkpoints/{checkpoint}/publish
    ///
    /// # Errors
    ///
    /// Fails before sending on an identifier that does not fit into a path; otherwise as the
    /// transport does.
    pub async fn unpublish_checkpoint(
        &self,
        run: &str,
        checkpoint: &str,
        options: &CallOptions,
    ) -> Result<Response<()>, Error> {
        let request = requests::unpublish_checkpoint(self.endpoint(), run, checkpoint)?;
        self.tell(request, Manner::Training, options).await
    }

    /// Says how long a checkpoint is kept from now on.
    ///
    /// Route: PUT /api/v1/training_runs/{run}/checkpoints/{checkpoint}/ttl
    ///
    /// # Errors
    ///
    /// Fails before sending on an identifier that does not fit into a path; otherwise as the
    /// transport does.
    pub async fn set_checkpoint_ttl(
        &self,
        run: &str,
        checkpoint: &str,
        request: &CheckpointTtlRequest,
        options: &CallOptions,
    ) -> Result<Response<()>, Error> {
        let request = requests::set_checkpoint_ttl(self.endpoint(), run, checkpoint, request)?;
        self.tell(request, Manner::Training, options).await
    }

    /// Lists the checkpoints of the user.
    ///
    /// Route: GET /api/v1/checkpoints
    ///
    /// # Errors
    ///
    /// As the transport does.
    pub async fn list_checkpoints(
        &self,
        page: Page,
        options: &CallOptions,
    ) -> Result<Response<CheckpointsListResponse>, Error> {
        let request = requests::list_checkpoints(self.endpoint(), page)?;
        self.read(request, Manner::Training, options).await
    }
}

/// Where a redirect leads; `None` for any other error.
fn redirected(base: &Url, error: &Error) -> Option<CheckpointArchiveUrlResponse> {
    error.status().filter(|status| status.is_redirection())?;
    let text = |name| Some(error.headers()?.get(name)?.to_str().ok()?.to_owned());
    let url = base.join(&text(LOCATION)?).ok()?;
    let mut found = CheckpointArchiveUrlResponse::new().set_url(url);
    found.expires = text(EXPIRES);
    Some(found)
}
