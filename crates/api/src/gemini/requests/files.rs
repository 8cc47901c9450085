//! Requests on files.

use bytes::Bytes;
use gimmal_transport::{Error, Idempotency, Request};
use gimmal_types::gemini::{File, ListFilesConfig, RegisterFilesRequest, UploadFileConfig};
use http::header::{AUTHORIZATION, RANGE};
use http::{HeaderName, HeaderValue, Method};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::body::json;
use super::urls::{get, page_query};
use crate::gemini::{Backend, ByteRange, Endpoint, FileRef};

/// Builds the request that opens the upload of a file.
///
/// # Errors
///
/// Fails on Vertex and on a bad name.
pub fn upload_file(
    endpoint: &Endpoint,
    config: &UploadFileConfig,
    mime_type: &str,
    size_bytes: Option<u64>,
) -> Result<Request, Error> {
    endpoint.require(Backend::GeminiApi, "files.upload")?;
    let mut file = File::new().set_mime_type(mime_type);
    if let Some(name) = &config.name {
        let id = FileRef::from(name.as_str());
        file = file.set_name(format!("files/{}", id.id()?));
    }
    file.display_name.clone_from(&config.display_name);
    file.size_bytes = size_bytes.and_then(|size| i64::try_from(size).ok());
    let body = serde_json::to_vec(&json!({"file": file}))
        .map_err(|error| Error::invalid("body", error.to_string()))?;
    Ok(Request::new(Method::POST, endpoint.upload("files")).with_json_body(Bytes::from(body)))
}

/// Builds a `files.get` request.
///
/// # Errors
///
/// Fails on Vertex and on a bad name.
pub fn get_file(endpoint: &Endpoint, file: &FileRef) -> Result<Request, Error> {
    endpoint.require(Backend::GeminiApi, "files.get")?;
    Ok(get(endpoint.url(&format!("files/{}", file.id()?))))
}

/// Builds a `files.list` request.
///
/// # Errors
///
/// Fails on Vertex and when the page size is not positive.
pub fn list_files(endpoint: &Endpoint, list: &ListFilesConfig) -> Result<Request, Error> {
    endpoint.require(Backend::GeminiApi, "files.list")?;
    let mut url = endpoint.url("files");
    page_query(&mut url, list.page_size, list.page_token.as_deref())?;
    Ok(get(url))
}

/// Builds a `files.delete` request.
///
/// # Errors
///
/// Fails on Vertex and on a bad name.
pub fn delete_file(endpoint: &Endpoint, file: &FileRef) -> Result<Request, Error> {
    endpoint.require(Backend::GeminiApi, "files.delete")?;
    let url = endpoint.url(&format!("files/{}", file.id()?));
    Ok(Request::new(Method::DELETE, url))
}

/// Builds a `files.download` request, for all of the file or for a piece of it.
///
/// # Errors
///
/// Fails on Vertex, on a bad name, on an empty range, and for a file that the service does not
/// give back.
pub fn download_file(
    endpoint: &Endpoint,
    file: &FileRef,
    range: Option<ByteRange>,
) -> Result<Request, Error> {
    endpoint.require(Backend::GeminiApi, "files.download")?;
    let mut url = endpoint.url(&format!("files/{}:download", file.readable_id()?));
    url.set_query(Some("alt=media"));
    let request = get(url);
    Ok(match range {
        Some(range) => request.with_header(RANGE, range.header()?),
        None => request,
    })
}

/// Builds a `files.register` request.
///
/// `access_token` is of an account that may read the objects, and `quota_project` pays for that.
///
/// # Errors
///
/// Fails on Vertex, without URIs, on one that is not of Cloud Storage, and on a token or project
/// that no header can carry.
pub fn register_files(
    endpoint: &Endpoint,
    request: &RegisterFilesRequest,
    access_token: &SecretString,
    quota_project: Option<&str>,
) -> Result<Request, Error> {
    endpoint.require(Backend::GeminiApi, "files.register_files")?;
    if request.uris.is_empty() {
        return Err(Error::invalid("uris", "must not be empty"));
    }
    if let Some(bad) = request.uris.iter().find(|uri| !uri.starts_with("gs://")) {
        let message = format!("{bad:?} is no object of Cloud Storage such as `gs://bucket/object`");
        return Err(Error::invalid("uris", message));
    }
    let token = access_token.expose_secret().trim();
    let mut bearer = HeaderValue::from_str(&format!("Bearer {token}"))
        .ok()
        .filter(|_| !token.is_empty())
        .ok_or_else(|| {
            Error::invalid("access_token", "is empty or holds what no header can carry")
        })?;
    bearer.set_sensitive(true);
    let url = endpoint.url("files:register");
    let built = Request::new(Method::POST, url)
        .with_json_body(json(request)?)
        .with_header(AUTHORIZATION, bearer)
        .with_idempotency(Idempotency::NotIdempotent);
    let Some(project) = quota_project else {
        return Ok(built);
    };
    let project = HeaderValue::from_str(project)
        .map_err(|_| Error::invalid("quota_project", "holds what no header can carry"))?;
    let name = HeaderName::from_static("x-goog-user-project");
    Ok(built.with_header(name, project))
}
