//! The calls on file search stores and their documents, and what becomes of content that is
//! brought or imported: an operation, at the end of which the document can be found.

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::{
    content::Content,
    gemini::{
        caches::Scope,
        errors::ApiError,
        fields::{self, string},
        file_search::{DocumentDraft, FileSearch, draft::check_display_name, store::document_name},
        files,
        operations::Work,
        page,
        service::{Call, Gemini},
    },
    reply::Reply,
    route::Backend,
};

const DEFAULT_PAGE: usize = 10;
const MOST_PER_PAGE: usize = 20;
const DEFAULT_MODEL: &str = "models/gemini-embedding-001";

impl Gemini {
    /// Takes content into a store. `folder` is where the operation is, below the store.
    pub(crate) fn take_document(
        &self,
        owner: Scope,
        draft: DocumentDraft,
        content: Content,
        kind: Kind<'_>,
        now: std::time::SystemTime,
    ) -> Result<Value, ApiError> {
        let display_name = draft.display_name.as_deref().or(kind.name);
        let id =
            self.file_search
                .add(&owner, &draft, display_name, kind.mime, content.len(), now)?;
        let parent = format!("fileSearchStores/{}", draft.store);
        let name = format!(
            "{parent}/{}operations/{}",
            kind.folder,
            self.operations.new_id()
        );
        let doom = self.operations.doom(display_name.unwrap_or_default());
        let response = json!({
            "@type": format!("type.googleapis.com/google.ai.generativelanguage.v1.{}", kind.message),
            "parent": parent,
            "documentName": document_name(&draft.store, &id),
        });
        let work = Work {
            owner: owner.clone(),
            name,
            about: String::new(),
            takes: None,
            metadata: Map::new(),
            progress: None,
            finish: Box::new(move |gemini, now| {
                let content = match doom {
                    None => Ok(&content),
                    Some(error) => Err(error),
                };
                gemini
                    .file_search
                    .complete(&owner, &draft, &id, content, now)?;
                Ok(response)
            }),
        };
        Ok(self.operations.begin(work, now))
    }
}

/// How content comes to a store.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Kind<'a> {
    /// The name it has when the caller gives none.
    pub(crate) name: Option<&'a str>,
    pub(crate) mime: &'a str,
    folder: &'static str,
    message: &'static str,
}

impl<'a> Kind<'a> {
    pub(crate) fn uploaded(name: Option<&'a str>, mime: &'a str) -> Self {
        Self {
            name,
            mime,
            folder: "upload/",
            message: "UploadToFileSearchStoreResponse",
        }
    }

    fn imported(name: &'a str, mime: &'a str) -> Self {
        Self {
            name: Some(name),
            mime,
            folder: "",
            message: "ImportFileResponse",
        }
    }
}

impl FileSearch {
    /// `POST fileSearchStores`.
    pub(crate) fn answer_create(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        const AT: &str = "file_search_store";
        let request = call.body()?;
        fields::FILE_SEARCH_STORE.check(request, AT, Backend::Developer)?;
        let display_name = string(request, "displayName", AT)?;
        check_display_name(display_name)?;
        let model = string(request, "embeddingModel", AT)?.unwrap_or(DEFAULT_MODEL);
        if !model.starts_with("models/") || !model.contains("embedding") {
            return Err(ApiError::bad_request(
                "file_search_store.embedding_model",
                format!("\"{model}\" is no model for embeddings, as {DEFAULT_MODEL} is."),
            ));
        }
        let shown = self.create(&call.owner(), display_name, model, call.now);
        Ok(Reply::json(StatusCode::OK, &shown))
    }

    /// `GET fileSearchStores/{id}`.
    pub(crate) fn answer_get(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let shown = self.get(&call.owner(), &call.target.resource)?;
        Ok(Reply::json(StatusCode::OK, &shown))
    }

    /// `GET fileSearchStores`.
    pub(crate) fn answer_list(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        page_of("fileSearchStores", self.list(&call.owner()), call)
    }

    /// `DELETE fileSearchStores/{id}`.
    pub(crate) fn answer_delete(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        self.delete(&call.owner(), &call.target.resource, force(call)?)?;
        Ok(Reply::json(StatusCode::OK, &json!({})))
    }

    /// `POST fileSearchStores/{id}:importFile`.
    pub(crate) fn answer_import(
        &self,
        gemini: &Gemini,
        call: &Call<'_>,
    ) -> Result<Reply, ApiError> {
        let owner = call.owner();
        let store = &call.target.resource;
        self.get(&owner, store)?;
        let (draft, name) = DocumentDraft::of_import(store, call.body()?)?;
        let file = call.files.usable(&owner, name, call.now)?;
        let title = file.display_name.as_deref().unwrap_or(&file.id);
        let kind = Kind::imported(title, &file.mime);
        let shown = gemini.take_document(owner, draft, file.content.clone(), kind, call.now)?;
        Ok(Reply::json(StatusCode::OK, &shown))
    }

    /// `GET fileSearchStores/{id}/documents/{id}`.
    pub(crate) fn answer_get_document(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let (store, id) = parts(&call.target.resource);
        let document = self.document(&call.owner(), store, id)?;
        Ok(Reply::json(StatusCode::OK, &document.to_json()))
    }

    /// `GET fileSearchStores/{id}/documents`.
    pub(crate) fn answer_list_documents(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let documents = self.documents(&call.owner(), &call.target.resource)?;
        let shown = documents.iter();
        let shown = shown.map(|document| (document.number, document.to_json()));
        page_of("documents", shown.collect(), call)
    }

    /// `DELETE fileSearchStores/{id}/documents/{id}`.
    pub(crate) fn answer_delete_document(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let (store, id) = parts(&call.target.resource);
        self.delete_document(&call.owner(), store, id, force(call)?, call.now)?;
        Ok(Reply::json(StatusCode::OK, &json!({})))
    }

    /// `GET fileSearchStores/{id}/media/{id}`.
    pub(crate) fn answer_download_media(&self, call: &Call<'_>) -> Result<Reply, ApiError> {
        let (store, id) = parts(&call.target.resource);
        let document = self.document(&call.owner(), store, id)?;
        let Some(media) = &document.media else {
            return Err(ApiError::not_found(format!(
                "There is no media fileSearchStores/{store}/media/{id}."
            )));
        };
        Ok(files::download(&media.content, &document.mime, "", call))
    }
}

/// The store and the identifier within it of a resource such as `{store}/documents/{id}`.
fn parts(resource: &str) -> (&str, &str) {
    let (store, rest) = resource.split_once('/').unwrap_or((resource, ""));
    (store, rest.split_once('/').map_or("", |(_, id)| id))
}

fn force(call: &Call<'_>) -> Result<bool, ApiError> {
    let given = call.query.iter().find(|(name, _)| name == "force");
    match given
        .map(|(_, value)| value.to_ascii_lowercase())
        .as_deref()
    {
        None | Some("" | "false") => Ok(false),
        Some("true") => Ok(true),
        Some(other) => Err(ApiError::bad_request(
            "force",
            format!("Invalid value at 'force' (TYPE_BOOL), \"{other}\""),
        )),
    }
}

fn page_of(field: &str, mut items: Vec<(u64, Value)>, call: &Call<'_>) -> Result<Reply, ApiError> {
    let page = page::Request::read(call.query, DEFAULT_PAGE)?;
    let size = page.size.min(MOST_PER_PAGE);
    items.retain(|(number, _)| page.after.is_none_or(|after| *number > after));
    let more = items.len() > size;
    items.truncate(size);
    let mut body = json!({});
    if let Some((last, _)) = items.last().filter(|_| more) {
        body["nextPageToken"] = page::token(*last).into();
    }
    if !items.is_empty() {
        body[field] = items.into_iter().map(|(_, shown)| shown).collect();
    }
    Ok(Reply::json(StatusCode::OK, &body))
}
