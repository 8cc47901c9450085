//! Requests on file search stores and their documents.

use gimmal_transport::{Error, Idempotency, Request};
use gimmal_types::gemini::{
    CreateFileSearchStoreConfig, DeleteDocumentConfig, DeleteFileSearchStoreConfig,
    ImportFileConfig, ListDocumentsConfig, ListFileSearchStoresConfig,
    UploadToFileSearchStoreConfig,
};
use http::Method;
use url::Url;

use super::urls::{get, page_query};
use crate::gemini::mapping::Body;
#[cfg(test)]
use crate::gemini::mapping::Table;
use crate::gemini::names::{check, model_path};
use crate::gemini::{Backend, Endpoint, FileRef};

table! {
    /// `CreateFileSearchStoreConfig` on the developer API; the model goes out under its full name.
    CREATE of "CreateFileSearchStoreConfig" { "display_name" => "displayName" }
}
table! {
    /// `ImportFileConfig` on the developer API.
    IMPORT of "ImportFileConfig" {
        "custom_metadata" => "customMetadata",
        "chunking_config" => "chunkingConfig",
    }
}
table! {
    /// `UploadToFileSearchStoreConfig` on the developer API.
    UPLOAD of "UploadToFileSearchStoreConfig" {
        "mime_type" => "mimeType",
        "display_name" => "displayName",
        "custom_metadata" => "customMetadata",
        "chunking_config" => "chunkingConfig",
    }
}

#[cfg(test)]
pub(super) const TABLES: &[&Table] = &[&CREATE, &IMPORT, &UPLOAD];

/// Builds a `fileSearchStores.create` request.
///
/// # Errors
///
/// Fails on Vertex and on a bad model name.
pub fn create_file_search_store(
    endpoint: &Endpoint,
    config: &CreateFileSearchStoreConfig,
) -> Result<Request, Error> {
    endpoint.require(Backend::GeminiApi, "file_search_stores.create")?;
    let mut body = Body::of(&CREATE, config);
    if let Some(model) = &config.embedding_model {
        body.set("embeddingModel", model_path(endpoint.backend(), model)?);
    }
    post(endpoint.url("fileSearchStores"), body)
}

/// Builds a `fileSearchStores.get` request.
///
/// # Errors
///
/// Fails on Vertex and on a bad name.
pub fn get_file_search_store(endpoint: &Endpoint, name: &str) -> Result<Request, Error> {
    endpoint.require(Backend::GeminiApi, "file_search_stores.get")?;
    named(endpoint, name).map(get)
}

/// Builds a `fileSearchStores.list` request.
///
/// # Errors
///
/// Fails on Vertex and when the page size is not positive.
pub fn list_file_search_stores(
    endpoint: &Endpoint,
    list: &ListFileSearchStoresConfig,
) -> Result<Request, Error> {
    endpoint.require(Backend::GeminiApi, "file_search_stores.list")?;
    let mut url = endpoint.url("fileSearchStores");
    page_query(&mut url, list.page_size, list.page_token.as_deref())?;
    Ok(get(url))
}

/// Builds a `fileSearchStores.delete` request.
///
/// # Errors
///
/// Fails on Vertex and on a bad name.
pub fn delete_file_search_store(
    endpoint: &Endpoint,
    name: &str,
    config: &DeleteFileSearchStoreConfig,
) -> Result<Request, Error> {
    endpoint.require(Backend::GeminiApi, "file_search_stores.delete")?;
    delete(endpoint, name, config.force)
}

/// Builds a `fileSearchStores.importFile` request.
///
/// # Errors
///
/// Fails on Vertex and on a bad name of store or file.
pub fn import_file(
    endpoint: &Endpoint,
    store: &str,
    file: &FileRef,
    config: &ImportFileConfig,
) -> Result<Request, Error> {
    endpoint.require(Backend::GeminiApi, "file_search_stores.import_file")?;
    check("file_search_store_name", store)?;
    let mut body = Body::of(&IMPORT, config);
    body.set("fileName", format!("files/{}", file.id()?));
    post(endpoint.url(&format!("{store}:importFile")), body)
}

/// Builds the request that opens an upload to a store.
///
/// # Errors
///
/// Fails on Vertex and on a bad name.
pub fn upload_to_file_search_store(
    endpoint: &Endpoint,
    store: &str,
    config: &UploadToFileSearchStoreConfig,
) -> Result<Request, Error> {
    endpoint.require(
        Backend::GeminiApi,
        "file_search_stores.upload_to_file_search_store",
    )?;
    check("file_search_store_name", store)?;
    let url = endpoint.upload(&format!("{store}:uploadToFileSearchStore"));
    post(url, Body::of(&UPLOAD, config))
}

/// Builds a request for a medium that a search has found, such as a picture of a page.
///
/// # Errors
///
/// Fails on Vertex and on a name that has no `/media/` in it.
pub fn download_media(endpoint: &Endpoint, media_id: &str) -> Result<Request, Error> {
    endpoint.require(Backend::GeminiApi, "file_search_stores.download_media")?;
    if !media_id.contains("/media/") {
        return Err(Error::invalid(
            "media_id",
            "is no medium; use a name such as `fileSearchStores/s/media/m`",
        ));
    }
    let name = media_id.strip_prefix('/').unwrap_or(media_id);
    check("media_id", name)?;
    let mut url = endpoint.url(name);
    url.set_query(Some("alt=media"));
    Ok(get(url))
}

/// Builds a `fileSearchStores.documents.get` request.
///
/// # Errors
///
/// Fails on Vertex and on a bad name.
pub fn get_document(endpoint: &Endpoint, name: &str) -> Result<Request, Error> {
    endpoint.require(Backend::GeminiApi, "file_search_stores.documents.get")?;
    named(endpoint, name).map(get)
}

/// Builds a `fileSearchStores.documents.list` request.
///
/// # Errors
///
/// Fails on Vertex, on a bad name of the store, and when the page size is not positive.
pub fn list_documents(
    endpoint: &Endpoint,
    parent: &str,
    list: &ListDocumentsConfig,
) -> Result<Request, Error> {
    endpoint.require(Backend::GeminiApi, "file_search_stores.documents.list")?;
    check("parent", parent)?;
    let mut url = endpoint.url(&format!("{parent}/documents"));
    page_query(&mut url, list.page_size, list.page_token.as_deref())?;
    Ok(get(url))
}

/// Builds a `fileSearchStores.documents.delete` request.
///
/// # Errors
///
/// Fails on Vertex and on a bad name.
pub fn delete_document(
    endpoint: &Endpoint,
    name: &str,
    config: &DeleteDocumentConfig,
) -> Result<Request, Error> {
    endpoint.require(Backend::GeminiApi, "file_search_stores.documents.delete")?;
    delete(endpoint, name, config.force)
}

fn named(endpoint: &Endpoint, name: &str) -> Result<Url, Error> {
    check("name", name)?;
    Ok(endpoint.url(name))
}

fn delete(endpoint: &Endpoint, name: &str, force: Option<bool>) -> Result<Request, Error> {
    let mut url = named(endpoint, name)?;
    if let Some(force) = force {
        url.set_query(Some(if force { "force=true" } else { "force=false" }));
    }
    Ok(Request::new(Method::DELETE, url))
}

/// A request that makes something anew each time. A body that says nothing is left out.
fn post(url: Url, body: Body<'_>) -> Result<Request, Error> {
    let request = Request::new(Method::POST, url).with_idempotency(Idempotency::NotIdempotent);
    if body.is_empty() {
        return Ok(request);
    }
    Ok(request.with_json_body(body.into_bytes()?))
}
