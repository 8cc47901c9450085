//! `countTokens`: the same counting as `generateContent`, without an answer.

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::{
    gemini::{
        content,
        errors::ApiError,
        fields::{self, object},
        generate,
        service::Call,
        usage::{Tally, Usage},
    },
    reply::Reply,
};

const MESSAGE: &str = "CountTokensRequest";

/// `POST models/{model}:countTokens`.
pub(crate) fn count_tokens(call: &Call<'_>) -> Result<Reply, ApiError> {
    let card = call
        .catalogue
        .find(&call.target.resource, call.target, "countTokens")?;
    let fields = call.body()?;
    fields::COUNT_TOKENS_REQUEST.check(fields, "", call.target.backend)?;
    let usage = match object(fields, "generateContentRequest", "")? {
        Some(_) if fields.contains_key("contents") => {
            return Err(ApiError::invalid_argument(
                "contents and generate_content_request cannot both be set.",
            ));
        }
        Some(request) => generate::count(request, call, card)?,
        None => plain(fields, call)?,
    };
    let mut body = json!({
        "totalTokens": usage.prompt.total(),
        "promptTokensDetails": usage.prompt.details(),
    });
    if let Some(cached) = usage.cached {
        body["cachedContentTokenCount"] = cached.total().into();
        body["cacheTokensDetails"] = cached.details();
    }
    Ok(Reply::json(StatusCode::OK, &body))
}

fn plain(fields: &Map<String, Value>, call: &Call<'_>) -> Result<Usage, ApiError> {
    let backend = call.target.backend;
    let mut contents = content::required(fields, MESSAGE, backend)?;
    let mut system = content::system_instruction(fields, MESSAGE, backend)?;
    content::resolve(contents.iter_mut().chain(&mut system), call)?;
    let mut prompt = Tally::of_contents(&contents, call.memory);
    if let Some(system) = &system {
        prompt = prompt.plus(Tally::of_contents(
            std::slice::from_ref(system),
            call.memory,
        ));
    }
    prompt = prompt.plus(Tally::of_json(fields.get("tools"), call.memory));
    Ok(Usage {
        prompt,
        ..Usage::default()
    })
}
