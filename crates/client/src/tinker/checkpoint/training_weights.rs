//! Training weights from servers that make no archives: a model of a moment saves them as files.

use gimmal_transport::Error;
use serde_json::{Map, Value};

use super::{CheckpointDownload, DownloadedCheckpoint};
use crate::tinker::ServiceClient;

/// What the files are called at the server until they are here.
const NAME: &str = "download";
/// After so many seconds the server deletes them by itself.
const TTL_SECONDS: u64 = 3600;

impl ServiceClient {
    /// Downloads the weights of a training checkpoint from a server that makes no archives;
    /// `change` sets how, such as to which folder.
    ///
    /// ```no_run
    /// # async fn run(service: gimmal_client::tinker::ServiceClient) -> Result<(), gimmal_client::Error> {
    /// let done = service
    ///     .download_training_weights("tinker://run-123/weights/0001", |download| {
    ///         download.with_folder("checkpoints")
    ///     })
    ///     .await?;
    /// assert_eq!(done.path.file_name().unwrap(), "run-123_weights_0001");
    /// # Ok(()) }
    /// ```
    ///
    /// In this session a model is made of the checkpoint, which costs what a model costs. It saves
    /// its weights as files, which are fetched and then deleted at the server, or by it after an
    /// hour.
    ///
    /// # Errors
    ///
    /// Fails when the model cannot be made or saved, and as a download does.
    pub async fn download_training_weights(
        &self,
        path: &str,
        change: impl FnOnce(CheckpointDownload) -> CheckpointDownload,
    ) -> Result<DownloadedCheckpoint, Error> {
        let rest = self.create_rest_client();
        // A place that is taken is found out before anything is made.
        let named = change(rest.download_checkpoint(path));
        named.check_place()?;
        let by = Value::from("gimmal checkpoint download");
        let metadata = Map::from_iter([("created_by".to_owned(), by)]);
        let made = self.create_training_client_from_state(path);
        let training = made.set_user_metadata(metadata).await?;
        let saving = training.save_weights_external(NAME);
        let saved = saving.set_ttl_seconds(TTL_SECONDS).await?;
        let done = named.with_files_of(saved.path.as_str()).await;
        let deleted = rest.delete_checkpoint_from_tinker_path(&saved.path).await;
        if let Err(error) = deleted {
            tracing::warn!(%error, "{} stays for an hour", saved.path);
        }
        done
    }
}
