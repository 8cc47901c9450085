//! `fileSearchStores` and their documents: create, fill, get, list, delete.

use std::sync::Arc;

use bytes::Bytes;
use gimmal_transport::{
    CallOptions, Download, Error, Request, Response, ResumableUpload, Source, UploadSession, json,
};
use gimmal_types::gemini::{
    CreateFileSearchStoreConfig, DeleteDocumentConfig, DeleteFileSearchStoreConfig, Document,
    FileSearchStore, ImportFileConfig, ImportFileOperation, ListDocumentsConfig,
    ListFileSearchStoresConfig, UploadToFileSearchStoreConfig, UploadToFileSearchStoreOperation,
};
use http::HeaderValue;

use super::files::header;
use super::upload_content::media_type;
use super::{FileRef, Gemini, UploadContent, requests};
use crate::Pager;

impl Gemini {
    /// Creates a file search store; developer API only.
    ///
    /// Route: POST fileSearchStores
    ///
    /// # Errors
    ///
    /// Fails before sending on Vertex and on a bad model name; otherwise as the transport does.
    pub async fn create_file_search_store(
        &self,
        config: &CreateFileSearchStoreConfig,
        options: &CallOptions,
    ) -> Result<Response<FileSearchStore>, Error> {
        let request = requests::create_file_search_store(self.endpoint(), config)?;
        self.transport().send_json(request, options).await
    }

    /// Describes a file search store; developer API only.
    ///
    /// Route: GET {name}
    ///
    /// # Errors
    ///
    /// Fails before sending on Vertex and on a bad name; otherwise as the transport does.
    pub async fn get_file_search_store(
        &self,
        name: &str,
        options: &CallOptions,
    ) -> Result<Response<FileSearchStore>, Error> {
        let request = requests::get_file_search_store(self.endpoint(), name)?;
        self.transport().send_json(request, options).await
    }

    /// Lists file search stores; developer API only. Nothing is sent before the pager is read.
    ///
    /// Route: GET fileSearchStores
    pub fn list_file_search_stores(
        &self,
        list: ListFileSearchStoresConfig,
        options: CallOptions,
    ) -> Pager<FileSearchStore> {
        let (transport, endpoint) = (self.transport().clone(), self.shared_endpoint());
        let first = list.page_token.clone();
        let options = Arc::new(options);
        let keys = &["fileSearchStores", "file_search_stores"];
        Pager::new(transport, options, keys, first, move |token| {
            let mut list = list.clone();
            list.page_token = token;
            requests::list_file_search_stores(&endpoint, &list)
        })
    }

    /// Deletes a file search store; developer API only.
    ///
    /// Route: DELETE {name}
    ///
    /// # Errors
    ///
    /// Fails before sending on Vertex and on a bad name; otherwise as the transport does.
    pub async fn delete_file_search_store(
        &self,
        name: &str,
        config: &DeleteFileSearchStoreConfig,
        options: &CallOptions,
    ) -> Result<Response<()>, Error> {
        let request = requests::delete_file_search_store(self.endpoint(), name, config)?;
        Ok(self.transport().send(request, options).await?.map(|_| ()))
    }

    /// Makes a document out of a file that was uploaded; developer API only.
    ///
    /// Route: POST {file_search_store_name}:importFile
    ///
    /// # Errors
    ///
    /// Fails before sending on Vertex and on a bad name; otherwise as the transport does.
    pub async fn import_file(
        &self,
        store: &str,
        file: &FileRef,
        config: &ImportFileConfig,
        options: &CallOptions,
    ) -> Result<Response<ImportFileOperation>, Error> {
        let request = requests::import_file(self.endpoint(), store, file, config)?;
        self.transport().send_json(request, options).await
    }

    /// Uploads content to its end and makes a document out of it; developer API only.
    ///
    /// Options, progress and the size of chunks are those of `upload`, which goes through a
    /// [`transport`](Gemini::transport) of this service.
    ///
    /// Route: POST upload/{api_version}/{file_search_store_name}:uploadToFileSearchStore
    ///
    /// # Errors
    ///
    /// Fails before sending on Vertex, on a bad name, when the media type is neither set nor to be
    /// guessed, and when the file on the disk cannot be opened; otherwise as
    /// [`ResumableUpload::send`] does.
    pub async fn upload_to_file_search_store(
        &self,
        upload: &ResumableUpload,
        store: &str,
        content: &UploadContent,
        config: &UploadToFileSearchStoreConfig,
    ) -> Result<Response<UploadToFileSearchStoreOperation>, Error> {
        let (start, source, kind) = self.prepare_store_upload(store, content, config).await?;
        operation(upload.send(start, &source, &kind).await?)
    }

    /// Opens an upload to a store without sending anything of the content. What it returns can be
    /// saved.
    ///
    /// # Errors
    ///
    /// As [`Gemini::upload_to_file_search_store`].
    pub async fn start_upload_to_file_search_store(
        &self,
        upload: &ResumableUpload,
        store: &str,
        content: &UploadContent,
        config: &UploadToFileSearchStoreConfig,
    ) -> Result<UploadSession, Error> {
        let (start, source, kind) = self.prepare_store_upload(store, content, config).await?;
        upload.start(start, &source, &kind).await
    }

    /// Goes on with an upload to a store, from wherever the server says, to its end.
    ///
    /// # Errors
    ///
    /// Fails before sending when the content is not the one that the upload was opened for;
    /// otherwise as [`ResumableUpload::resume`] does.
    pub async fn resume_upload_to_file_search_store(
        &self,
        upload: &ResumableUpload,
        session: &UploadSession,
        content: &UploadContent,
    ) -> Result<Response<UploadToFileSearchStoreOperation>, Error> {
        operation(upload.resume(session, &content.open().await?).await?)
    }

    async fn prepare_store_upload(
        &self,
        store: &str,
        content: &UploadContent,
        config: &UploadToFileSearchStoreConfig,
    ) -> Result<(Request, Source, HeaderValue), Error> {
        // Everything that is wrong with the arguments comes before the disk is looked at.
        let start = requests::upload_to_file_search_store(self.endpoint(), store, config)?;
        let source = content.open().await?;
        let kind = media_type(config.mime_type.as_deref(), source.file_name())?;
        Ok((start, source, header(&kind)?))
    }

    /// Reads a medium that a search has found; developer API only.
    ///
    /// # Errors
    ///
    /// Fails before sending on Vertex and on a name that has no `/media/` in it; otherwise as the
    /// transport does.
    pub async fn download_media(
        &self,
        media_id: &str,
        options: &CallOptions,
    ) -> Result<Response<Bytes>, Error> {
        let request = requests::download_media(self.endpoint(), media_id)?;
        self.transport().send(request, options).await
    }

    /// A download of a medium to the disk, which goes on where an earlier one stopped.
    ///
    /// # Errors
    ///
    /// Fails on Vertex and on a name that has no `/media/` in it.
    pub fn save_media(
        &self,
        media_id: &str,
        target: impl Into<std::path::PathBuf>,
    ) -> Result<Download, Error> {
        let request = requests::download_media(self.endpoint(), media_id)?;
        Ok(Download::new(self.transport(), request, target))
    }

    /// Describes a document; developer API only.
    ///
    /// Route: GET fileSearchStores/{store}/documents/{document}
    ///
    /// # Errors
    ///
    /// Fails before sending on Vertex and on a bad name; otherwise as the transport does.
    pub async fn get_document(
        &self,
        name: &str,
        options: &CallOptions,
    ) -> Result<Response<Document>, Error> {
        let request = requests::get_document(self.endpoint(), name)?;
        self.transport().send_json(request, options).await
    }

    /// Lists the documents of a store; developer API only. Nothing is sent before the pager is
    /// read.
    ///
    /// Route: GET {parent}/documents
    pub fn list_documents(
        &self,
        parent: impl Into<String>,
        list: ListDocumentsConfig,
        options: CallOptions,
    ) -> Pager<Document> {
        let (transport, endpoint) = (self.transport().clone(), self.shared_endpoint());
        let first = list.page_token.clone();
        let (parent, options) = (parent.into(), Arc::new(options));
        Pager::new(transport, options, &["documents"], first, move |token| {
            let mut list = list.clone();
            list.page_token = token;
            requests::list_documents(&endpoint, &parent, &list)
        })
    }

    /// Deletes a document; developer API only.
    ///
    /// Route: DELETE fileSearchStores/{store}/documents/{document}
    ///
    /// # Errors
    ///
    /// Fails before sending on Vertex and on a bad name; otherwise as the transport does.
    pub async fn delete_document(
        &self,
        name: &str,
        config: &DeleteDocumentConfig,
        options: &CallOptions,
    ) -> Result<Response<()>, Error> {
        let request = requests::delete_document(self.endpoint(), name, config)?;
        Ok(self.transport().send(request, options).await?.map(|_| ()))
    }
}

fn operation(reply: Response<Bytes>) -> Result<Response<UploadToFileSearchStoreOperation>, Error> {
    reply.try_map(|body| json::from_slice(&body))
}
