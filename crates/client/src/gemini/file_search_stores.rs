//! Calls on file search stores.

use std::path::PathBuf;

use bytes::Bytes;
use gimmal_api::gemini::{FileRef, Gemini, UploadContent};
use gimmal_api::{Pager, Poller};
use gimmal_transport::download::Downloaded;
use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::gemini::{
    ChunkingConfig, CreateFileSearchStoreConfig, CustomMetadata, DeleteFileSearchStoreConfig,
    FileSearchStore, ImportFileConfig, ImportFileOperation, ListFileSearchStoresConfig,
};

use super::{Documents, UploadToFileSearchStore};

/// The group of calls on file search stores; developer API only.
#[derive(Clone, Debug)]
pub struct FileSearchStores {
    api: Gemini,
}

impl FileSearchStores {
    pub(super) fn new(api: Gemini) -> Self {
        Self { api }
    }

    /// Their documents.
    pub fn documents(&self) -> Documents {
        Documents::new(self.api.clone())
    }

    /// Creates a store.
    ///
    /// ```no_run
    /// # async fn run(client: gimmal_client::gemini::GeminiClient) -> Result<(), gimmal_client::Error> {
    /// let stores = client.file_search_stores();
    /// let store = stores.create().set_display_name("papers").send().await?.into_body();
    /// let name = store.name.unwrap_or_default();
    /// let document = stores.upload_to_file_search_store(&name, "paper.pdf").poller().await?.await?;
    /// println!("{}", document.document_name.unwrap_or_default());
    /// # Ok(()) }
    /// ```
    pub fn create(&self) -> CreateFileSearchStore {
        CreateFileSearchStore {
            api: self.api.clone(),
            config: CreateFileSearchStoreConfig::new(),
            options: CallOptions::default(),
        }
    }

    /// Describes a store.
    pub fn get(&self, name: impl Into<String>) -> GetFileSearchStore {
        GetFileSearchStore::new(&self.api, name)
    }

    /// Lists the stores.
    pub fn list(&self) -> ListFileSearchStoresCall {
        ListFileSearchStoresCall {
            api: self.api.clone(),
            config: ListFileSearchStoresConfig::new(),
            options: CallOptions::default(),
        }
    }

    /// Deletes a store.
    pub fn delete(&self, name: impl Into<String>) -> DeleteFileSearchStore {
        DeleteFileSearchStore {
            api: self.api.clone(),
            name: name.into(),
            config: DeleteFileSearchStoreConfig::new(),
            options: CallOptions::default(),
        }
    }

    /// Makes a document out of a file that was uploaded.
    pub fn import_file(&self, store: impl Into<String>, file: impl Into<FileRef>) -> ImportFile {
        ImportFile {
            api: self.api.clone(),
            store: store.into(),
            file: file.into(),
            config: ImportFileConfig::new(),
            options: CallOptions::default(),
        }
    }

    /// Uploads a file on the disk, bytes, or a reader, and makes a document out of it: a text is
    /// a path, and everything else is made with [`Source`](gimmal_transport::Source).
    pub fn upload_to_file_search_store(
        &self,
        store: impl Into<String>,
        content: impl Into<UploadContent>,
    ) -> UploadToFileSearchStore {
        UploadToFileSearchStore::new(self.api.clone(), store.into(), content.into())
    }

    /// Reads a medium that a search has found: into memory, or to the disk.
    pub fn download_media(&self, media_id: impl Into<String>) -> DownloadMedia {
        DownloadMedia {
            api: self.api.clone(),
            media_id: media_id.into(),
            overwrite: false,
            options: CallOptions::default(),
        }
    }
}

/// A `fileSearchStores.create` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct CreateFileSearchStore {
    api: Gemini,
    config: CreateFileSearchStoreConfig,
    options: CallOptions,
}

impl CreateFileSearchStore {
    /// Replaces the whole configuration.
    pub fn set_config(mut self, config: CreateFileSearchStoreConfig) -> Self {
        self.config = config;
        self
    }

    /// A name for people.
    pub fn set_display_name(mut self, name: impl Into<String>) -> Self {
        self.config = self.config.set_display_name(name);
        self
    }

    /// The model whose embeddings the search compares.
    pub fn set_embedding_model(mut self, model: impl Into<String>) -> Self {
        self.config = self.config.set_embedding_model(model);
        self
    }

    /// Options of this call.
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// Sends.
    ///
    /// # Errors
    ///
    /// As [`Gemini::create_file_search_store`].
    pub async fn send(self) -> Result<Response<FileSearchStore>, Error> {
        self.api
            .create_file_search_store(&self.config, &self.options)
            .await
    }
}

named_calls! {
    /// A `fileSearchStores.get` call in the making.
    pub struct GetFileSearchStore(get_file_search_store) -> FileSearchStore;
}

/// A `fileSearchStores.list` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before the items are read"]
pub struct ListFileSearchStoresCall {
    api: Gemini,
    config: ListFileSearchStoresConfig,
    options: CallOptions,
}

paged!(ListFileSearchStoresCall, config);

impl ListFileSearchStoresCall {
    /// Replaces the whole configuration.
    pub fn set_config(mut self, config: ListFileSearchStoresConfig) -> Self {
        self.config = config;
        self
    }

    /// The stores, one by one; [`Pager::pages`] gives them by page.
    pub fn items(self) -> Pager<FileSearchStore> {
        self.api.list_file_search_stores(self.config, self.options)
    }
}

/// A `fileSearchStores.delete` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct DeleteFileSearchStore {
    api: Gemini,
    name: String,
    config: DeleteFileSearchStoreConfig,
    options: CallOptions,
}

impl DeleteFileSearchStore {
    /// Replaces the whole configuration.
    pub fn set_config(mut self, config: DeleteFileSearchStoreConfig) -> Self {
        self.config = config;
        self
    }

    /// Delete its documents with it; otherwise a store that has some is refused.
    pub fn set_force(mut self, force: bool) -> Self {
        self.config = self.config.set_force(force);
        self
    }

    /// Options of this call.
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// Sends.
    ///
    /// # Errors
    ///
    /// As [`Gemini::delete_file_search_store`].
    pub async fn send(self) -> Result<Response<()>, Error> {
        self.api
            .delete_file_search_store(&self.name, &self.config, &self.options)
            .await
    }
}

/// A `fileSearchStores.importFile` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send` or `poller`"]
pub struct ImportFile {
    api: Gemini,
    store: String,
    file: FileRef,
    config: ImportFileConfig,
    options: CallOptions,
}

impl ImportFile {
    /// Replaces the whole configuration.
    pub fn set_config(mut self, config: ImportFileConfig) -> Self {
        self.config = config;
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

    /// Options of this call.
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// Sends; the document is made after that.
    ///
    /// # Errors
    ///
    /// As [`Gemini::import_file`].
    pub async fn send(self) -> Result<Response<ImportFileOperation>, Error> {
        self.api
            .import_file(&self.store, &self.file, &self.config, &self.options)
            .await
    }

    /// Sends, and gives what waits for the document.
    ///
    /// # Errors
    ///
    /// As [`ImportFile::send`].
    pub async fn poller(self) -> Result<Poller<ImportFileOperation>, Error> {
        let api = self.api.clone();
        Ok(Poller::new(api, self.send().await?.into_body()))
    }
}

/// A call that reads a medium, in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send` or `save`"]
pub struct DownloadMedia {
    api: Gemini,
    media_id: String,
    overwrite: bool,
    options: CallOptions,
}

impl DownloadMedia {
    /// Lets [`save`](Self::save) replace a file that is there.
    pub fn with_overwrite(mut self) -> Self {
        self.overwrite = true;
        self
    }

    /// Options of this call.
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// Reads it into memory, up to the limit of
    /// [`CallOptions::with_max_response_bytes`].
    ///
    /// # Errors
    ///
    /// As [`Gemini::download_media`].
    pub async fn send(self) -> Result<Response<Bytes>, Error> {
        self.api.download_media(&self.media_id, &self.options).await
    }

    /// Saves it as a file on the disk, whole or not at all. A download that was interrupted, here
    /// or in another process, goes on where it stopped.
    ///
    /// # Errors
    ///
    /// As [`Gemini::save_media`] and [`Download::send`](gimmal_transport::Download::send).
    pub async fn save(self, target: impl Into<PathBuf>) -> Result<Downloaded, Error> {
        let download = self.api.save_media(&self.media_id, target)?;
        let download = download.with_options(self.options);
        let download = if self.overwrite {
            download.with_overwrite()
        } else {
            download
        };
        download.send().await
    }
}
