//! `models.embed_content` and `models.compute_tokens`.

use gimmal_client::api::gemini::{Backend, embeds_media, is_hosted_model};
use gimmal_client::gemini::GeminiClient;
use gimmal_types::gemini::Content;
use serde_json::Value;

use crate::wire::arguments::{self, Arguments};
use crate::wire::failure::Failure;
use crate::wire::gemini::{Call, dump, models};

pub(super) async fn embed(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let Call {
        mut arguments,
        config,
        ..
    } = call;
    let model = arguments.text("model")?;
    let contents = given(client.endpoint().backend(), &model, &mut arguments)?;
    arguments.finish("")?;
    let call = client.models().embed_content(model);
    let call = call
        .set_contents(contents)
        .set_config(config.rest("config")?);
    dump(&call.send().await?.into_body())
}

/// The contents: as the caller gives them, or under the names that the reference resolves them to.
fn given(
    backend: Backend,
    model: &str,
    arguments: &mut Arguments,
) -> Result<Vec<Content>, Failure> {
    // Which endpoint it is follows from model and contents here as there.
    arguments.take("embedding_api_type");
    if let Some(content) = arguments.take("content") {
        return Ok(vec![arguments::content("content", content)?]);
    }
    if let Some(contents) = arguments.take("batch_contents") {
        return separate("batchContents", contents);
    }
    let contents = arguments.take("contents");
    let contents = contents.ok_or_else(|| Failure::refused("contents", "is missing"))?;
    if embeds_media(model) || (backend == Backend::Vertex && is_hosted_model(model)) {
        together(contents)
    } else {
        separate("contents", contents)
    }
}

/// Neighbouring parts form one content.
pub(super) fn together(contents: Value) -> Result<Vec<Content>, Failure> {
    arguments::contents("contents", contents)
}

/// Every item is a content of its own.
pub(super) fn separate(place: &str, contents: Value) -> Result<Vec<Content>, Failure> {
    let items = match contents {
        Value::Array(items) => items,
        item => vec![item],
    };
    let items = items.into_iter().enumerate();
    items
        .map(|(index, item)| arguments::content(&format!("{place}[{index}]"), item))
        .collect()
}

pub(super) async fn compute_tokens(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let Call {
        mut arguments,
        config,
        ..
    } = call;
    let model = arguments.text("model")?;
    let contents = models::required_contents(&mut arguments)?;
    arguments.finish("")?;
    config.finish("config")?;
    let call = client.models().compute_tokens(model);
    dump(&call.set_contents(contents).send().await?.into_body())
}
