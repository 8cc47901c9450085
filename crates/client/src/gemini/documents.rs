//! Calls on the documents of file search stores.

use gimmal_api::Pager;
use gimmal_api::gemini::Gemini;
use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::gemini::{DeleteDocumentConfig, Document, ListDocumentsConfig};

/// The group of calls on the documents of file search stores; developer API only.
#[derive(Clone, Debug)]
pub struct Documents {
    api: Gemini,
}

impl Documents {
    pub(super) fn new(api: Gemini) -> Self {
        Self { api }
    }

    /// Describes a document; its content is never returned.
    pub fn get(&self, name: impl Into<String>) -> GetDocument {
        GetDocument::new(&self.api, name)
    }

    /// Lists the documents of a store.
    pub fn list(&self, store: impl Into<String>) -> ListDocumentsCall {
        ListDocumentsCall {
            api: self.api.clone(),
            parent: store.into(),
            config: ListDocumentsConfig::new(),
            options: CallOptions::default(),
        }
    }

    /// Deletes a document.
    pub fn delete(&self, name: impl Into<String>) -> DeleteDocument {
        DeleteDocument {
            api: self.api.clone(),
            name: name.into(),
            config: DeleteDocumentConfig::new(),
            options: CallOptions::default(),
        }
    }
}

named_calls! {
    /// A `fileSearchStores.documents.get` call in the making.
    pub struct GetDocument(get_document) -> Document;
}

/// A `fileSearchStores.documents.list` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before the items are read"]
pub struct ListDocumentsCall {
    api: Gemini,
    parent: String,
    config: ListDocumentsConfig,
    options: CallOptions,
}

paged!(ListDocumentsCall, config);

impl ListDocumentsCall {
    /// Replaces the whole configuration.
    pub fn set_config(mut self, config: ListDocumentsConfig) -> Self {
        self.config = config;
        self
    }

    /// The documents, one by one; [`Pager::pages`] gives them by page.
    pub fn items(self) -> Pager<Document> {
        self.api
            .list_documents(self.parent, self.config, self.options)
    }
}

/// A `fileSearchStores.documents.delete` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct DeleteDocument {
    api: Gemini,
    name: String,
    config: DeleteDocumentConfig,
    options: CallOptions,
}

impl DeleteDocument {
    /// Replaces the whole configuration.
    pub fn set_config(mut self, config: DeleteDocumentConfig) -> Self {
        self.config = config;
        self
    }

    /// Delete its pieces with it; otherwise a document that has some is refused.
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
    /// As [`Gemini::delete_document`].
    pub async fn send(self) -> Result<Response<()>, Error> {
        self.api
            .delete_document(&self.name, &self.config, &self.options)
            .await
    }
}
