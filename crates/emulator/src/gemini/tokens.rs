//! `countTokens`: the same counting as `generateContent`, without an answer; and `computeTokens`,
//! which shows the tokens themselves.

use base64::{Engine, engine::general_purpose::STANDARD};
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::{
    engine::tokenizer,
    gemini::{
        content::{self, Part},
        errors::ApiError,
        fields::{self, Message, list, object},
        generate, models,
        service::Call,
        usage::{Tally, Usage},
    },
    reply::Reply,
    rng::digest,
    route::Backend,
};

const MESSAGE: &str = "CountTokensRequest";
const COMPUTE: &str = "ComputeTokensRequest";
const COMPUTE_REQUEST: Message = Message::same(&["contents", "model"]);
/// The size of the vocabulary that identifiers of tokens are taken from.
const VOCABULARY: u64 = 262_144;

/// `POST models/{model}:computeTokens`: for each content the tokens of its texts, whose bytes join to
/// them again. Only Vertex has it.
pub(crate) fn compute_tokens(call: &Call<'_>) -> Result<Reply, ApiError> {
    let method = "computeTokens";
    if call.target.backend == Backend::Developer {
        return Err(models::unknown(&call.target.resource, call.target, method));
    }
    call.model(method)?;
    let fields = call.body()?;
    COMPUTE_REQUEST.check(fields, "", call.target.backend)?;
    let contents = content::required(fields, COMPUTE, call.target.backend)?;
    let raw = list(fields, "contents");
    let infos = contents.iter().zip(raw).map(|(content, raw)| {
        let texts = content.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.as_ref()),
            _ => None,
        });
        let pieces: Vec<&str> = texts.flat_map(tokenizer::pieces).collect();
        let mut info = json!({
            "tokenIds": pieces.iter().map(|piece| token_id(piece)).collect::<Vec<_>>(),
            "tokens": pieces.iter().map(|piece| STANDARD.encode(piece)).collect::<Vec<_>>(),
        });
        if let Some(role) = raw.get("role").filter(|role| !role.is_null()) {
            info["role"] = role.clone();
        }
        info
    });
    let infos: Vec<Value> = infos.collect();
    Ok(Reply::json(StatusCode::OK, &json!({ "tokensInfo": infos })))
}

/// The number of a piece of text, always the same, written as the wire writes numbers of 64 bits.
fn token_id(piece: &str) -> String {
    (digest(piece) % VOCABULARY).to_string()
}

/// `POST models/{model}:countTokens`.
pub(crate) fn count_tokens(call: &Call<'_>) -> Result<Reply, ApiError> {
    let card = call.model("countTokens")?.card;
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
