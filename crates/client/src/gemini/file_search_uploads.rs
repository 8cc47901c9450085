//! The call that uploads content to a file search store.

use gimmal_api::Poller;
use gimmal_api::gemini::{Gemini, UploadContent};
use gimmal_transport::{Error, Response, ResumableUpload, UploadSession};
use gimmal_types::gemini::{
    ChunkingConfig, CustomMetadata, UploadToFileSearchStoreConfig, UploadToFileSearchStoreOperation,
};

/// A `fileSearchStores.uploadToFileSearchStore` call in the making.
///
/// After a failure it asks the server how much it has and goes on from there. To go on after the
/// process has ended, [`start`](Self::start) it, save the session, and [`resume`](Self::resume).
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`, `poller`, `start` or `resume`"]
pub struct UploadToFileSearchStore {
    api: Gemini,
    store: String,
    content: UploadContent,
    config: UploadToFileSearchStoreConfig,
    upload: ResumableUpload,
}

uploads!(UploadToFileSearchStore);

impl UploadToFileSearchStore {
    pub(super) fn new(api: Gemini, store: String, content: UploadContent) -> Self {
        Self {
            upload: ResumableUpload::new(api.transport()),
            api,
            store,
            content,
            config: UploadToFileSearchStoreConfig::new(),
        }
    }

    /// Replaces the whole configuration.
    pub fn set_config(mut self, config: UploadToFileSearchStoreConfig) -> Self {
        self.config = config;
        self
    }

    /// The media type; guessed from the ending of the file's name otherwise.
    pub fn set_mime_type(mut self, mime_type: impl Into<String>) -> Self {
        self.config = self.config.set_mime_type(mime_type);
        self
    }

    /// A name of the document for people.
    pub fn set_display_name(mut self, name: impl Into<String>) -> Self {
        self.config = self.config.set_display_name(name);
        self
    }

    /// Facts to filter a search by.
    pub fn set_custom_metadata(mut self, facts: impl IntoIterator<Item = CustomMetadata>) -> Self {
        self.config = self.config.set_custom_metadata(facts);
        self
    }

    /// How its text is cut into pieces.
    pub fn set_chunking_config(mut self, chunking: ChunkingConfig) -> Self {
        self.config = self.config.set_chunking_config(chunking);
        self
    }

    /// Uploads; the document is made after that.
    ///
    /// # Errors
    ///
    /// As [`Gemini::upload_to_file_search_store`].
    pub async fn send(self) -> Result<Response<UploadToFileSearchStoreOperation>, Error> {
        self.api
            .upload_to_file_search_store(&self.upload, &self.store, &self.content, &self.config)
            .await
    }

    /// Uploads, and gives what waits for the document.
    ///
    /// # Errors
    ///
    /// As [`UploadToFileSearchStore::send`].
    pub async fn poller(self) -> Result<Poller<UploadToFileSearchStoreOperation>, Error> {
        let api = self.api.clone();
        Ok(Poller::new(api, self.send().await?.into_body()))
    }

    /// Opens the upload without sending anything of the content.
    ///
    /// # Errors
    ///
    /// As [`Gemini::start_upload_to_file_search_store`].
    pub async fn start(&self) -> Result<UploadSession, Error> {
        self.api
            .start_upload_to_file_search_store(
                &self.upload,
                &self.store,
                &self.content,
                &self.config,
            )
            .await
    }

    /// Goes on with an upload that was opened, here or in another process, to its end.
    ///
    /// # Errors
    ///
    /// As [`Gemini::resume_upload_to_file_search_store`].
    pub async fn resume(
        self,
        session: &UploadSession,
    ) -> Result<Response<UploadToFileSearchStoreOperation>, Error> {
        self.api
            .resume_upload_to_file_search_store(&self.upload, session, &self.content)
            .await
    }
}
