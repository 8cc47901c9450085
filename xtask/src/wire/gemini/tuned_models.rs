//! `models.update` and `models.delete`.

use gimmal_client::gemini::GeminiClient;
use serde_json::{Value, json};

use crate::wire::failure::Failure;
use crate::wire::gemini::{Call, models};

pub(super) async fn update(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let Call {
        mut arguments,
        config,
        ..
    } = call;
    let name = arguments.text("model")?;
    arguments.finish("")?;
    let call = client
        .models()
        .update(name)
        .set_config(config.rest("config")?);
    models::described(&call.send().await?.into_body())
}

pub(super) async fn delete(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let Call {
        mut arguments,
        config,
        ..
    } = call;
    let name = arguments.text("model")?;
    arguments.finish("")?;
    config.finish("config")?;
    client.models().delete(name).send().await?;
    Ok(json!({}))
}
