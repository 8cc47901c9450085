//! `embedContent` and `batchEmbedContents`.

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::{
    gemini::{
        embeddings::{
            embed::{Embedded, embed},
            request::Request,
        },
        errors::ApiError,
        fields::{Message, as_object, list},
        models::ModelCard,
        service::Call,
        usage::Tally,
    },
    reply::Reply,
    route::Backend,
};

const ONE: &str = "EmbedContentRequest";
const MANY: &str = "BatchEmbedContentsRequest";
const BATCH: Message = Message::same(&["requests"]);
/// The most requests of one batch.
const MOST_REQUESTS: usize = 100;

/// `POST models/{model}:embedContent`.
pub(crate) fn embed_content(call: &Call<'_>) -> Result<Reply, ApiError> {
    let card = call
        .catalogue
        .find(&call.target.resource, call.target, "embedContent")?;
    let embedded = embed_one(call.body()?, card, call)?;
    let mut body = json!({
        "embedding": embedded.to_json(),
        "usageMetadata": usage(embedded.tokens),
    });
    if call.target.backend == Backend::Vertex {
        body["truncated"] = embedded.truncated.into();
    }
    Ok(Reply::json(StatusCode::OK, &body))
}

/// What a request by itself gives; a batch job uses it for each of its own.
pub(crate) fn embed_one(
    fields: &Map<String, Value>,
    card: &ModelCard,
    call: &Call<'_>,
) -> Result<Embedded, ApiError> {
    let request = Request::decode(fields, ONE, "", card, call)?;
    embed(&request, card, call)
}

/// `POST models/{model}:batchEmbedContents`.
pub(crate) fn batch_embed_contents(call: &Call<'_>) -> Result<Reply, ApiError> {
    let card = call
        .catalogue
        .find(&call.target.resource, call.target, "batchEmbedContents")?;
    let fields = call.body()?;
    BATCH.check(fields, "", call.target.backend)?;
    let items = list(fields, "requests");
    if items.is_empty() || items.len() > MOST_REQUESTS {
        let problem = if items.is_empty() {
            "requests is not specified".to_owned()
        } else {
            format!("at most {MOST_REQUESTS} requests can be in one batch")
        };
        return Err(ApiError::invalid_argument(format!(
            "* {MANY}.requests: {problem}\n"
        )));
    }
    let mut tokens = Tally::default();
    let mut embeddings = Vec::with_capacity(items.len());
    for (n, item) in items.iter().enumerate() {
        let at = format!("requests[{n}]");
        let request = Request::decode(as_object(item, &at)?, MANY, &at, card, call)?;
        let embedded = embed(&request, card, call)?;
        tokens = tokens.plus(embedded.tokens);
        embeddings.push(match call.target.backend {
            Backend::Developer => embedded.to_json(),
            Backend::Vertex => embedded.to_json_with_statistics(),
        });
    }
    let body = json!({ "embeddings": embeddings, "usageMetadata": usage(tokens) });
    Ok(Reply::json(StatusCode::OK, &body))
}

fn usage(tokens: Tally) -> Value {
    json!({
        "promptTokenCount": tokens.total(),
        "promptTokensDetails": tokens.details(),
        "totalTokenCount": tokens.total(),
    })
}
