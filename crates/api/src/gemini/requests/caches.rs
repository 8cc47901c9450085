//! Requests about context caches.

use gimmal_transport::{Error, Idempotency, Request};
use gimmal_types::gemini::{CreateCachedContentRequest, UpdateCachedContentRequest};
use gimmal_types::{Timestamp, WireDuration};
use http::Method;

use super::body::{json, json_of_contents};
use super::urls::{get, page_query};
use crate::gemini::names::{cached_content_model, cached_content_name};
use crate::gemini::{Endpoint, ListCaches, fields};

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
