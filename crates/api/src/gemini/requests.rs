//! Requests without I/O: from typed arguments to method, URL and body.

mod auth_tokens;
mod batch_tables;
mod batches;
mod file_search_stores;
mod files;
mod job_names;
#[cfg(test)]
mod job_tables;
mod resources;
#[cfg(test)]
mod tables;
mod tuning_tables;
mod tunings;

use std::borrow::Cow;

use bytes::Bytes;
use gimmal_transport::{Error, Idempotency, Request};
use gimmal_types::gemini::{
    Content, CountTokensRequest, CreateCachedContentRequest, GenerateContentRequest, Part, Schema,
    Tool, UpdateCachedContentRequest,
};
use gimmal_types::wire::WireValue;
use gimmal_types::{Timestamp, WireDuration};
use http::Method;
use serde::Serialize;
use url::Url;

use super::names::{cached_content_model, cached_content_name, model_path};
use super::{Backend, Endpoint, ListCaches, ListModels, attributes, fields};

/// How long a body may be that is written without knowing its length, and how much is left for
/// what is not counted.
const SMALL_BODY_BYTES: usize = 64 * 1024;

pub use super::embeddings::embed_content;
pub use super::images::{
    edit_image, generate_images, recontext_image, segment_image, upscale_image,
};
pub use super::models::{delete_model, update_model};
pub use super::operations::{fetch_predict_operation, get as get_project_operation, get_operation};
pub use super::tokens::compute_tokens;
pub use super::videos::generate_videos;
pub use auth_tokens::create_auth_token;
pub use batches::{
    cancel_batch, check_batch_source, check_embeddings_source, create_batch,
    create_embeddings_batch, delete_batch, get_batch, list_batches,
};
pub use file_search_stores::{
    create_file_search_store, delete_document, delete_file_search_store, download_media,
    get_document, get_file_search_store, import_file, list_documents, list_file_search_stores,
    upload_to_file_search_store,
};
pub use files::{delete_file, download_file, get_file, list_files, register_files, upload_file};
pub use job_names::batch_job_id;
pub use resources::{
    cancel_interaction, create_decision, create_interaction, create_resource, create_trigger,
    delete_resource, download_environment_file, get_interaction, get_resource,
    list_environment_files, list_resources, list_trigger_executions, run_trigger, update_resource,
    upload_environment_file, watch_interaction,
};
pub(crate) use resources::{require, webhook_call};
pub(crate) use tunings::evaluation;
pub use tunings::{
    cancel_tuning, create_tuned_model, create_tuning_job, get_tuning, list_tunings, validate_reward,
};

/// Builds a `generateContent` request.
///
/// # Errors
///
/// Fails on a bad model or cache name and on fields the backend does not have, and when
/// `cachedContent` meets `systemInstruction`, `tools` or `toolConfig`, which the service refuses.
pub fn generate_content(
    endpoint: &Endpoint,
    model: &str,
    request: &GenerateContentRequest,
) -> Result<Request, Error> {
    generate(endpoint, model, "generateContent", request)
}

/// Builds a `streamGenerateContent` request for server-sent events.
///
/// # Errors
///
/// As [`generate_content`].
pub fn stream_generate_content(
    endpoint: &Endpoint,
    model: &str,
    request: &GenerateContentRequest,
) -> Result<Request, Error> {
    generate(endpoint, model, "streamGenerateContent?alt=sse", request)
}

fn generate(
    endpoint: &Endpoint,
    model: &str,
    call: &str,
    request: &GenerateContentRequest,
) -> Result<Request, Error> {
    fields::check(endpoint.backend(), request)?;
    refuse_mix_with_cache(request)?;
    refuse_empty_schema(request)?;
    let url = call_url(endpoint, model, call)?;
    let body = json_of_contents(prepared(endpoint, request)?.as_ref(), &request.contents)?;
    // Asking twice costs twice but changes nothing on the server, so a lost reply may be retried.
    Ok(Request::new(Method::POST, url)
        .with_json_body(body)
        .with_idempotency(Idempotency::Idempotent)
        .with_attributes(attributes::generation(endpoint, model, request)))
}

/// The request in the form that is sent: the cache's name in full, the order of a schema's members
/// written down, functions in one tool. Copied only when something changes, and then without the
/// bytes of media, which are shared.
fn prepared<'a>(
    endpoint: &Endpoint,
    request: &'a GenerateContentRequest,
) -> Result<Cow<'a, GenerateContentRequest>, Error> {
    let mut prepared = Cow::Borrowed(request);
    if let Some(name) = &request.cached_content {
        let full = cached_content_name(endpoint, name)?;
        if full != *name {
            prepared.to_mut().cached_content = Some(full);
        }
    }
    if response_schema(request).is_some_and(|schema| !schema.is_ordered()) {
        let config = prepared.to_mut().generation_config.as_mut();
        let schema = config.and_then(|config| config.response_schema.as_mut());
        schema
            .into_iter()
            .for_each(|schema| schema.order_properties());
    }
    if !Tool::are_merged(&request.tools) {
        let tools = std::mem::take(&mut prepared.to_mut().tools);
        prepared.to_mut().tools = Tool::merge_function_declarations(tools);
    }
    Ok(prepared)
}

fn response_schema(request: &GenerateContentRequest) -> Option<&Schema> {
    let config = request.generation_config.as_ref()?;
    config.response_schema.as_deref()
}

/// A schema that says nothing is more likely a mistake than a wish.
fn refuse_empty_schema(request: &GenerateContentRequest) -> Result<(), Error> {
    if response_schema(request).is_some_and(|schema| *schema == Schema::default()) {
        return Err(Error::invalid(
            "generationConfig.responseSchema",
            "says nothing; give it a type, or leave it out",
        ));
    }
    Ok(())
}

/// A cache holds these three itself; sending them beside it is a 400 that costs a round trip.
fn refuse_mix_with_cache(request: &GenerateContentRequest) -> Result<(), Error> {
    if request.cached_content.is_none() {
        return Ok(());
    }
    let mixed = [
        ("systemInstruction", request.system_instruction.is_some()),
        ("tools", !request.tools.is_empty()),
        ("toolConfig", request.tool_config.is_some()),
    ];
    match mixed.into_iter().find(|(_, set)| *set) {
        Some((field, _)) => Err(Error::invalid(
            field,
            "cannot be sent together with cachedContent; put it into the cache when creating it",
        )),
        None => Ok(()),
    }
}

/// Builds a `countTokens` request.
///
/// # Errors
///
/// Fails on a bad model name and on fields the backend does not have.
pub fn count_tokens(
    endpoint: &Endpoint,
    model: &str,
    request: &CountTokensRequest,
) -> Result<Request, Error> {
    fields::check(endpoint.backend(), request)?;
    let url = call_url(endpoint, model, "countTokens")?;
    Ok(Request::new(Method::POST, url)
        .with_json_body(json(request)?)
        .with_idempotency(Idempotency::Idempotent)
        .with_attributes(attributes::call(endpoint, "count_tokens", model)))
}

/// Builds a `models.get` request.
///
/// # Errors
///
/// Fails on a bad name.
pub fn get_model(endpoint: &Endpoint, name: &str) -> Result<Request, Error> {
    let path = model_path(endpoint.backend(), name)?;
    // Models of a publisher belong to no project.
    let url = if path.starts_with("publishers/") {
        endpoint.versioned(&path)
    } else {
        endpoint.url(&path)
    };
    Ok(get(url))
}

/// Builds a `models.list` request.
///
/// # Errors
///
/// Fails when the page size is not positive.
pub fn list_models(endpoint: &Endpoint, list: &ListModels) -> Result<Request, Error> {
    let mut url = match (endpoint.backend(), list.tuned) {
        (Backend::GeminiApi, false) => endpoint.url("models"),
        (Backend::GeminiApi, true) => endpoint.url("tunedModels"),
        (Backend::Vertex, false) => endpoint.versioned("publishers/google/models"),
        (Backend::Vertex, true) => endpoint.url("models"),
    };
    {
        let mut query = url.query_pairs_mut();
        if let Some(filter) = &list.filter {
            query.append_pair("filter", filter);
        }
        if endpoint.backend() == Backend::Vertex && list.tuned {
            query.append_pair("filter", "labels.tune-type:*");
        }
    }
    page_query(&mut url, list.page_size, list.page_token.as_deref())?;
    Ok(get(url))
}

/// Builds a `cachedContents.create` request.
///
/// Creating is not repeated after an ambiguous failure, because a second cache would be billed.
///
/// # Errors
///
/// Fails on a bad model name, on fields the backend does not have, on a time to live of zero or of
/// more than 10,000 years, and when both `ttl` and `expireTime` are set.
pub fn create_cache(
    endpoint: &Endpoint,
    request: &CreateCachedContentRequest,
) -> Result<Request, Error> {
    fields::check(endpoint.backend(), request)?;
    check_expiry(request.ttl, request.expire_time)?;
    let model = cached_content_model(endpoint, request.model.as_deref().unwrap_or_default())?;
    let body = if request.model.as_deref() == Some(model.as_str()) {
        json_of_contents(request, &request.contents)?
    } else {
        json_of_contents(&request.clone().set_model(model), &request.contents)?
    };
    Ok(Request::new(Method::POST, endpoint.url("cachedContents"))
        .with_json_body(body)
        .with_idempotency(Idempotency::NotIdempotent))
}

/// Builds a `cachedContents.get` request.
///
/// # Errors
///
/// Fails on a bad name.
pub fn get_cache(endpoint: &Endpoint, name: &str) -> Result<Request, Error> {
    Ok(get(endpoint.url(&cached_content_name(endpoint, name)?)))
}

/// Builds a `cachedContents.list` request.
///
/// # Errors
///
/// Fails when the page size is not positive.
pub fn list_caches(endpoint: &Endpoint, list: &ListCaches) -> Result<Request, Error> {
    let mut url = endpoint.url("cachedContents");
    page_query(&mut url, list.page_size, list.page_token.as_deref())?;
    Ok(get(url))
}

/// Builds a `cachedContents.patch` request, which changes the expiry and nothing else.
///
/// # Errors
///
/// Fails on a bad name, on a time to live of zero or of more than 10,000 years, and unless exactly
/// one of `ttl` and `expireTime` is set.
pub fn update_cache(
    endpoint: &Endpoint,
    name: &str,
    request: &UpdateCachedContentRequest,
) -> Result<Request, Error> {
    check_expiry(request.ttl, request.expire_time)?;
    if request.ttl.is_none() && request.expire_time.is_none() {
        return Err(Error::invalid("ttl", "must be set, or expireTime instead"));
    }
    let url = endpoint.url(&cached_content_name(endpoint, name)?);
    Ok(Request::new(Method::PATCH, url)
        .with_json_body(json(request)?)
        .with_idempotency(Idempotency::Idempotent))
}

/// Builds a `cachedContents.delete` request.
///
/// # Errors
///
/// Fails on a bad name.
pub fn delete_cache(endpoint: &Endpoint, name: &str) -> Result<Request, Error> {
    let url = endpoint.url(&cached_content_name(endpoint, name)?);
    Ok(Request::new(Method::DELETE, url))
}

/// One expiry at most, and a time to live that is one.
fn check_expiry(ttl: Option<WireDuration>, expire_time: Option<Timestamp>) -> Result<(), Error> {
    let Some(ttl) = ttl else { return Ok(()) };
    if expire_time.is_some() {
        return Err(Error::invalid(
            "expireTime",
            "cannot be set together with ttl; keep one",
        ));
    }
    if ttl.get().is_zero() {
        return Err(Error::invalid(
            "ttl",
            "must be longer than zero; to end a cache at once, delete it",
        ));
    }
    if ttl > WireDuration::MAX {
        let message = format!("{ttl} is too long; the most is {}", WireDuration::MAX);
        return Err(Error::invalid("ttl", message));
    }
    Ok(())
}

pub(super) fn get(url: Url) -> Request {
    Request::new(Method::GET, url)
}

/// `{model}:{call}`, where the call may end in a query.
pub(super) fn call_url(endpoint: &Endpoint, model: &str, call: &str) -> Result<Url, Error> {
    let path = model_path(endpoint.backend(), model)?;
    let (verb, query) = call.split_once('?').unwrap_or((call, ""));
    let mut url = endpoint.url(&format!("{path}:{verb}"));
    url.set_query((!query.is_empty()).then_some(query));
    Ok(url)
}

fn page_query(url: &mut Url, size: Option<i32>, token: Option<&str>) -> Result<(), Error> {
    if size.is_some_and(|size| size < 1) {
        return Err(Error::invalid("page_size", "must be at least 1"));
    }
    {
        let mut query = url.query_pairs_mut();
        if let Some(size) = size {
            query.append_pair("pageSize", &size.to_string());
        }
        if let Some(token) = token {
            query.append_pair("pageToken", token);
        }
    }
    // The serializer leaves a lone `?` behind when it had nothing to add.
    if url.query() == Some("") {
        url.set_query(None);
    }
    Ok(())
}

/// Serialises straight to bytes: no tree in between, no second copy.
pub(super) fn json<T: Serialize + WireValue>(value: &T) -> Result<Bytes, Error> {
    json_with_room(value, 0)
}

/// As [`json`], for a value that holds `contents`: where these are large, room for all of it is
/// made at once, since a buffer that grows is there twice for as long as it moves.
fn json_of_contents<T: Serialize + WireValue>(
    value: &T,
    contents: &[Content],
) -> Result<Bytes, Error> {
    let parts = contents.iter().flat_map(|content| &content.parts);
    let bytes = parts.map(written_bytes).sum::<usize>();
    let large = bytes > SMALL_BODY_BYTES;
    json_with_room(value, if large { bytes + SMALL_BODY_BYTES } else { 0 })
}

fn json_with_room<T: Serialize + WireValue>(value: &T, room: usize) -> Result<Bytes, Error> {
    let mut body = Vec::with_capacity(room);
    serde_json::to_writer(&mut body, value)
        .map_err(|error| Error::invalid("body", format!("cannot be written as JSON: {error}")))?;
    Ok(Bytes::from(body))
}

/// About how long the large members of a part are in JSON: base64 takes four letters for three
/// bytes, and one letter of text in eight is taken to need an escape.
fn written_bytes(part: &Part) -> usize {
    let text = part.text.as_ref().map_or(0, String::len);
    let data = part
        .inline_data
        .as_ref()
        .and_then(|blob| blob.data.as_ref());
    let data = data.map_or(0, |data| data.as_bytes().len());
    text + text / 8 + data.div_ceil(3) * 4
}
