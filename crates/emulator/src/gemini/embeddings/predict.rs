//! `predict` with a model that embeds text: Vertex's older form, instances in and predictions out.

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::{
    engine::embedding::Features,
    gemini::{
        embeddings::{
            embed::{Embedded, embed_text},
            request::{Settings, dimensions},
        },
        errors::ApiError,
        fields::{Message, as_object, boolean, list, object, string},
        models::ModelCard,
        service::Call,
    },
    reply::Reply,
};

const REQUEST: Message = Message::same(&["instances", "labels", "parameters"]);
const INSTANCE: Message = Message::same(&["content", "mimeType", "taskType", "title"]);
const PARAMETERS: Message = Message::same(&["autoTruncate", "outputDimensionality"]);
/// The most instances of a request, and the most tokens of all of them.
const MOST_INSTANCES: usize = 250;
const MOST_TOKENS: u64 = 20_000;

/// `POST models/{model}:predict`.
pub(crate) fn predict(card: &ModelCard, call: &Call<'_>) -> Result<Reply, ApiError> {
    let fields = call.body()?;
    REQUEST.check(fields, "", call.target.backend)?;
    let instances = list(fields, "instances");
    if instances.is_empty() || instances.len() > MOST_INSTANCES {
        return Err(ApiError::invalid_argument(format!(
            "{} instance(s) are given, but between 1 and {MOST_INSTANCES} are allowed per \
             prediction. Please change the number of instances.",
            instances.len()
        )));
    }
    let parameters = object(fields, "parameters", "")?;
    let mut characters = 0;
    let mut tokens = 0;
    let mut predictions = Vec::with_capacity(instances.len());
    for (n, instance) in instances.iter().enumerate() {
        let at = format!("instances[{n}]");
        let embedded = embed_instance(as_object(instance, &at)?, &at, parameters, card, call)?;
        characters += embedded.characters;
        tokens += embedded.tokens.total();
        predictions.push(json!({ "embeddings": embedded.to_json_with_statistics() }));
    }
    if tokens > MOST_TOKENS {
        return Err(ApiError::invalid_argument(format!(
            "Unable to submit request because the input token count is {tokens} but the model \
             supports up to {MOST_TOKENS}. Reduce the input token count and try again."
        )));
    }
    let body = json!({
        "predictions": predictions,
        "metadata": { "billableCharacterCount": characters },
    });
    Ok(Reply::json(StatusCode::OK, &body))
}

/// What an instance by itself gives; a batch job uses it for each of its own.
pub(crate) fn embed_instance(
    fields: &Map<String, Value>,
    at: &str,
    parameters: Option<&Map<String, Value>>,
    card: &ModelCard,
    call: &Call<'_>,
) -> Result<Embedded, ApiError> {
    INSTANCE.check(fields, at, call.target.backend)?;
    string(fields, "mimeType", at)?;
    let text = string(fields, "content", at)?.unwrap_or_default();
    if text.is_empty() {
        return Err(ApiError::invalid_argument(
            "The text content is empty. Each instance must have content that is not empty.",
        ));
    }
    let mut settings = Settings::decode(fields, at, card)?;
    if let Some(parameters) = parameters {
        PARAMETERS.check(parameters, "parameters", call.target.backend)?;
        settings.dimensions = dimensions(parameters, "parameters", card)?;
        settings.refuse_long = boolean(parameters, "autoTruncate", "parameters")? == Some(false);
    }
    embed_text(text, Features::default(), settings, card, call)
}
