//! Pictures: painted, changed, made larger, put elsewhere and taken apart.

use std::collections::BTreeSet;

use anyhow::{Context as _, ensure};
use gimmal_client::types::gemini::{
    EditImageConfig, GenerateImagesConfig, GenerateImagesResponse, GeneratedImage, Image,
    MaskReferenceConfig, ProductImage, RecontextImageConfig, RecontextImageSource, ReferenceImage,
    ScribbleImage, SegmentImageConfig, SegmentImageSource,
};
use serde_json::{Value, json};

use super::bench::{among, begins, declined, given, of, same};
use crate::conformance::sdk::ours::{Backend, Bench, Cases};

const PAINTER: &str = "imagen-4.0-generate-001";
const EDITOR: &str = "imagen-3.0-capability-001";

pub(super) fn add(cases: &mut Cases) {
    let mut generate = cases.group(Backend::PROJECT, "models.generate_images");
    for (across, down) in [(1, 1), (16, 9), (9, 16), (4, 3), (3, 4)] {
        generate.add(format!("shape:{across}:{down}"), move |bench| {
            shape(bench, across, down)
        });
    }
    generate.add("bad shape", bad_shape);
    for count in [1, 4] {
        generate.add(format!("number:{count}"), move |bench| number(bench, count));
    }
    generate.add("seed", seed);
    generate.add("jpeg", jpeg);
    generate.add("what was thought of it", what_was_thought_of_it);
    generate.add("filtered", filtered);
    generate.add("bucket", bucket);

    let mut edit = cases.group(Backend::PROJECT, "models.edit_image");
    edit.add("mask", edits_behind_a_mask);
    for (row, reference) in references() {
        edit.add(format!("reference:{row}"), move |bench| {
            edits_by(bench, reference)
        });
    }
    let mut upscale = cases.group(Backend::PROJECT, "models.upscale_image");
    for factor in [2, 4] {
        upscale.add(format!("factor:x{factor}"), move |bench| {
            upscales(bench, factor)
        });
    }
    let mut recontext = cases.group(Backend::PROJECT, "models.recontext_image");
    recontext.add("product", places_a_product);
    recontext.add("clothes", puts_on_clothes);
    let mut segment = cases.group(Backend::PROJECT, "models.segment_image");
    for mode in ["FOREGROUND", "BACKGROUND", "PROMPT", "INTERACTIVE"] {
        segment.add(format!("mode:{mode}"), move |bench| segments(bench, mode));
    }
}

/// A picture to work on.
pub(super) async fn picture(bench: &Bench) -> anyhow::Result<Image> {
    let drawn = bytes(only(painted(bench, json!({})).await?)?)?;
    Ok(Image::from_bytes(drawn, "image/png"))
}

/// The width and height of a PNG.
pub(super) fn size_of(png: &[u8]) -> anyhow::Result<(u32, u32)> {
    ensure!(png.starts_with(b"\x89PNG\r\n\x1a\n"), "no PNG");
    let number = |at: usize| {
        let bytes = png.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
        bytes
            .map(u32::from_be_bytes)
            .context("a PNG without a size")
    };
    Ok((number(16)?, number(20)?))
}

async fn paint(
    bench: &Bench,
    prompt: &str,
    config: Value,
) -> anyhow::Result<GenerateImagesResponse> {
    let call = bench.client()?.models().generate_images(PAINTER, prompt);
    let call = call.set_config(of::<GenerateImagesConfig>(config)?);
    Ok(call.send().await?.into_body())
}

async fn painted(bench: &Bench, config: Value) -> anyhow::Result<Vec<GeneratedImage>> {
    Ok(paint(bench, "a green hill", config).await?.generated_images)
}

fn only(mut made: Vec<GeneratedImage>) -> anyhow::Result<GeneratedImage> {
    let first = given(made.pop())?;
    same(made.len(), 0)?;
    Ok(first)
}

fn bytes(made: GeneratedImage) -> anyhow::Result<Vec<u8>> {
    let bytes = given(given(made.image)?.image_bytes)?;
    Ok(bytes.as_bytes().to_vec())
}

/// The size of a picture that was made for a call.
fn size(image: &Image) -> anyhow::Result<(u32, u32)> {
    size_of(given(image.image_bytes.as_ref())?.as_bytes())
}

async fn shape(bench: Bench, across: u32, down: u32) -> anyhow::Result<()> {
    let ratio = json!({"aspectRatio": format!("{across}:{down}")});
    let drawn = bytes(only(painted(&bench, ratio).await?)?)?;
    let (width, height) = size_of(&drawn)?;
    let off = (width * down).abs_diff(height * across);
    ensure!(off * 50 < width * down, "{width} × {height}");
    Ok(())
}

async fn bad_shape(bench: Bench) -> anyhow::Result<()> {
    let models = bench.client()?.models();
    let config = GenerateImagesConfig::new().set_aspect_ratio("5:7");
    let call = models.generate_images(PAINTER, "a green hill");
    declined(call.set_config(config).send().await, 400)
}

async fn number(bench: Bench, count: usize) -> anyhow::Result<()> {
    let made = painted(&bench, json!({"numberOfImages": count})).await?;
    let different: BTreeSet<Vec<u8>> = made.into_iter().map(bytes).collect::<Result<_, _>>()?;
    same(different.len(), count)
}

async fn seed(bench: Bench) -> anyhow::Result<()> {
    let config = json!({"seed": 4, "addWatermark": false});
    let first = bytes(only(painted(&bench, config.clone()).await?)?)?;
    let second = bytes(only(painted(&bench, config).await?)?)?;
    ensure!(first == second, "two pictures of one seed");
    Ok(())
}

async fn jpeg(bench: Bench) -> anyhow::Result<()> {
    let config = json!({"outputMimeType": "image/jpeg", "outputCompressionQuality": 50});
    let made = only(painted(&bench, config).await?)?;
    let kind = made
        .image
        .as_ref()
        .and_then(|image| image.mime_type.clone());
    same(kind.as_deref(), Some("image/jpeg"))?;
    ensure!(bytes(made)?.starts_with(b"\xff\xd8"), "no JPEG");
    Ok(())
}

async fn what_was_thought_of_it(bench: Bench) -> anyhow::Result<()> {
    let config = json!({
        "includeRaiReason": true, "includeSafetyAttributes": true, "enhancePrompt": true,
    });
    let reply = paint(&bench, "a green hill", config).await?;
    let first = only(reply.generated_images)?;
    let prompt = given(first.enhanced_prompt)?;
    begins("a green hill", prompt)?;
    let safety = given(first.safety_attributes)?;
    same(safety.categories.len(), safety.scores.len())?;
    let safety = given(reply.positive_prompt_safety_attributes)?;
    same(safety.content_type.as_deref(), Some("Positive Prompt"))
}

async fn filtered(bench: Bench) -> anyhow::Result<()> {
    let config = json!({"personGeneration": "DONT_ALLOW", "includeRaiReason": true});
    let reply = paint(&bench, "a portrait of a woman", config).await?;
    let reason = reply.generated_images.into_iter().next();
    among("Responsible AI", given(given(reason)?.rai_filtered_reason)?)
}

async fn bucket(bench: Bench) -> anyhow::Result<()> {
    let config = json!({"outputGcsUri": "gs://bucket/pictures"});
    let made = only(painted(&bench, config).await?)?;
    let uri = given(given(made.image)?.gcs_uri)?;
    begins("gs://bucket/pictures/", uri)
}

async fn edits_behind_a_mask(bench: Bench) -> anyhow::Result<()> {
    let base = picture(&bench).await?;
    let mask = json!({"maskMode": "MASK_MODE_BACKGROUND", "maskDilation": 0.02});
    let config = json!({"editMode": "EDIT_MODE_INPAINT_INSERTION", "baseSteps": 20});
    let call = bench.client()?.models().edit_image(EDITOR, "a blue sea");
    let call = call.set_reference_images([
        ReferenceImage::raw(1, base.clone()),
        ReferenceImage::mask(2, of::<MaskReferenceConfig>(mask)?),
    ]);
    let call = call.set_config(of::<EditImageConfig>(config)?);
    let changed = bytes(only(call.send().await?.into_body().generated_images)?)?;
    same(size_of(&changed)?, size(&base)?)?;
    ensure!(
        changed != given(base.image_bytes)?.as_bytes(),
        "nothing changed"
    );
    Ok(())
}

type Reference = fn(Image) -> anyhow::Result<ReferenceImage>;

fn references() -> [(&'static str, Reference); 3] {
    let style: Reference = |image| {
        let config = of(json!({"styleDescription": "ink"}))?;
        Ok(ReferenceImage::style(1, image, config))
    };
    let subject: Reference = |image| {
        let config = of(json!({"subjectType": "SUBJECT_TYPE_ANIMAL"}))?;
        Ok(ReferenceImage::subject(1, image, config))
    };
    let control: Reference = |image| {
        let config = of(json!({"controlType": "CONTROL_TYPE_CANNY"}))?;
        Ok(ReferenceImage::control(1, image, config))
    };
    [("style", style), ("subject", subject), ("control", control)]
}

async fn edits_by(bench: Bench, reference: Reference) -> anyhow::Result<()> {
    let reference = reference(picture(&bench).await?)?;
    let call = bench.client()?.models().edit_image(EDITOR, "a sketch");
    let reply = call.set_reference_images([reference]).send().await?;
    size_of(&bytes(only(reply.into_body().generated_images)?)?).map(|_| ())
}

async fn upscales(bench: Bench, factor: u32) -> anyhow::Result<()> {
    let base = picture(&bench).await?;
    let (width, height) = size(&base)?;
    let models = bench.client()?.models();
    let call = models.upscale_image("imagen-4.0-upscale-preview", base, format!("x{factor}"));
    let grown = bytes(only(call.send().await?.into_body().generated_images)?)?;
    same(size_of(&grown)?, (factor * width, factor * height))
}

async fn places_a_product(bench: Bench) -> anyhow::Result<()> {
    let product = ProductImage::new().set_product_image(picture(&bench).await?);
    let source = RecontextImageSource::new().set_prompt("on a table");
    let source = source.set_product_images([product]);
    let models = bench.client()?.models();
    let call = models.recontext_image("imagen-product-recontext-preview-06-30", source);
    let call = call.set_config(RecontextImageConfig::new().set_number_of_images(2));
    same(call.send().await?.into_body().generated_images.len(), 2)
}

async fn puts_on_clothes(bench: Bench) -> anyhow::Result<()> {
    let base = picture(&bench).await?;
    let product = ProductImage::new().set_product_image(base.clone());
    let source = RecontextImageSource::new().set_person_image(base);
    let source = source.set_product_images([product]);
    let call = bench
        .client()?
        .models()
        .recontext_image("virtual-try-on-001", source);
    let made = call.send().await?.into_body().generated_images;
    size_of(&bytes(only(made)?)?).map(|_| ())
}

async fn segments(bench: Bench, mode: &str) -> anyhow::Result<()> {
    let base = picture(&bench).await?;
    let mut source = SegmentImageSource::new().set_image(base.clone());
    if mode == "PROMPT" {
        source = source.set_prompt("the hill");
    }
    if mode == "INTERACTIVE" {
        source = source.set_scribble_image(ScribbleImage::new().set_image(base.clone()));
    }
    let config = json!({"mode": mode, "maxPredictions": 1, "maskDilation": 0.01});
    let call = bench.client()?.models();
    let call = call.segment_image("image-segmentation-001", source);
    let call = call.set_config(of::<SegmentImageConfig>(config)?);
    let found = given(call.send().await?.into_body().generated_masks.pop())?;
    same(size(&*given(found.mask)?)?, size(&base)?)?;
    let label = given(found.labels.into_iter().next())?;
    ensure!(
        label.label.is_some_and(|label| !label.is_empty()),
        "no label"
    );
    let score = given(label.score)?;
    ensure!(0.0 < score && score <= 1.0, "{score}");
    Ok(())
}
