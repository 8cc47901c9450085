//! `models.generate_videos`.

use gimmal_client::gemini::GeminiClient;
use gimmal_types::gemini::{GenerateVideosOperation, GenerateVideosSource};
use serde_json::{Map, Value};

use crate::wire::arguments;
use crate::wire::failure::Failure;
use crate::wire::gemini::{Call, dump};

pub(super) async fn generate(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let Call {
        mut arguments,
        config,
        ..
    } = call;
    let model = arguments.text("model")?;
    let source = arguments.take("source");
    let parts = ["prompt", "image", "video"];
    let parts = parts.map(|name| Some((name.to_owned(), arguments.take(name)?)));
    let parts: Map<String, Value> = parts.into_iter().flatten().collect();
    arguments.finish("")?;
    let source: GenerateVideosSource = match source {
        Some(_) if !parts.is_empty() => {
            return Err(Failure::refused(
                "source",
                "excludes prompt, image and video; put them into it",
            ));
        }
        Some(source) => arguments::decode_strictly("source", source)?,
        None => arguments::decode_strictly("", parts.into())?,
    };
    let call = client.models().generate_videos(model).set_source(source);
    let call = call.set_config(config.rest("config")?);
    described(&call.send().await?.into_body())
}

/// The operation under the reference's names; it shows the response a second time as the result.
pub(super) fn described(operation: &GenerateVideosOperation) -> Result<Value, Failure> {
    let mut shown = dump(operation)?;
    if let Some(response) = shown.get("response").cloned() {
        shown["result"] = response;
    }
    Ok(shown)
}
