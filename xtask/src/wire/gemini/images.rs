//! `models.*_image` and `models.generate_images`.

use gimmal_client::gemini::GeminiClient;
use gimmal_types::gemini::ReferenceImage;
use serde_json::{Value, json};

use crate::wire::arguments::{self, Arguments};
use crate::wire::failure::Failure;
use crate::wire::gemini::{Call, dump};

/// Refers to what a reference image is for; the reference writes it under its own name as well.
const REFERENCE_CONFIGS: [&str; 4] = [
    "mask_image_config",
    "control_image_config",
    "style_image_config",
    "subject_image_config",
];

pub(super) async fn generate(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let Call {
        mut arguments,
        config,
        ..
    } = call;
    let (model, prompt) = (arguments.text("model")?, arguments.text("prompt")?);
    arguments.finish("")?;
    let call = client.models().generate_images(model, prompt);
    let call = call.set_config(config.rest("config")?);
    dump(&call.send().await?.into_body())
}

pub(super) async fn edit(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let Call {
        mut arguments,
        config,
        ..
    } = call;
    let (model, prompt) = (arguments.text("model")?, arguments.text("prompt")?);
    let references = arguments.take("reference_images").unwrap_or(json!([]));
    arguments.finish("")?;
    let references: Vec<Value> = arguments::decode("referenceImages", references)?;
    let references = references.into_iter().enumerate();
    let references = references.map(|(index, value)| reference(index, value));
    let references = references.collect::<Result<Vec<_>, _>>()?;
    let call = client.models().edit_image(model, prompt);
    let call = call
        .set_reference_images(references)
        .set_config(config.rest("config")?);
    dump(&call.send().await?.into_body())
}

/// A reference image, without the second copy of its settings.
fn reference(index: usize, value: Value) -> Result<ReferenceImage, Failure> {
    let place = format!("referenceImages[{index}]");
    let mut members = Arguments::new(arguments::decode(&place, value)?);
    if let Some(settings) = members.take("config") {
        let mut twice = false;
        for name in REFERENCE_CONFIGS {
            if let Some(own) = members.take(name) {
                twice |= own == settings;
                members.put(name, own);
            }
        }
        if !twice {
            return Err(Failure::refused(
                format!("{place}.config"),
                "must stand under its full name, such as maskImageConfig",
            ));
        }
    }
    members.rest(&place)
}

pub(super) async fn upscale(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let Call {
        mut arguments,
        mut config,
        ..
    } = call;
    let (model, factor) = (arguments.text("model")?, arguments.text("upscale_factor")?);
    let image = arguments.required("image")?;
    arguments.finish("")?;
    // The resolved form of a call has these two, which are always the same.
    config.take_constant("mode", &json!("upscale"))?;
    config.take_constant("number_of_images", &json!(1))?;
    let call = client.models().upscale_image(model, image, factor);
    let call = call.set_config(config.rest("config")?);
    dump(&call.send().await?.into_body())
}

pub(super) async fn recontext(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let Call {
        mut arguments,
        config,
        ..
    } = call;
    let model = arguments.text("model")?;
    let source = arguments.required("source")?;
    arguments.finish("")?;
    let call = client.models().recontext_image(model, source);
    let call = call.set_config(config.rest("config")?);
    dump(&call.send().await?.into_body())
}

pub(super) async fn segment(client: GeminiClient, call: Call<'_>) -> Result<Value, Failure> {
    let Call {
        mut arguments,
        config,
        ..
    } = call;
    let model = arguments.text("model")?;
    let source = arguments.required("source")?;
    arguments.finish("")?;
    let call = client.models().segment_image(model, source);
    let call = call.set_config(config.rest("config")?);
    dump(&call.send().await?.into_body())
}
