//! Requests that a model answers, and that count what it would read.

use std::borrow::Cow;

use gimmal_transport::{Error, Idempotency, Request};
use gimmal_types::gemini::{CountTokensRequest, GenerateContentRequest, Schema, Tool};
use http::Method;

use super::body::{json, json_of_contents};
use super::urls::call_url;
use crate::gemini::names::cached_content_name;
use crate::gemini::{Endpoint, attributes, fields};

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
