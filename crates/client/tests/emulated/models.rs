//! Embeddings, pictures, speech, tokens and ephemeral tokens, from the emulator and through the
//! client's types.

use gimmal_client::types::gemini::{
    Content, EmbedContentConfig, GenerateContentConfig, GenerateImagesConfig, Image, ImageConfig,
    MaskReferenceConfig, MaskReferenceMode, Modality, Part, ProductImage, RecontextImageSource,
    ReferenceImage, SegmentImageSource,
};

use crate::support::{MODEL, World, in_time};

const IMAGEN: &str = "imagen-4.0-generate-001";

fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
}

/// The width and height a PNG file says it has.
fn size(image: &Image) -> (u32, u32) {
    let png = image.image_bytes.as_ref().unwrap().as_bytes();
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

/// Covers: models.embed_content
#[tokio::test]
async fn related_texts_lie_closer_on_every_endpoint() {
    let world = World::new().await;
    for (client, model) in [
        (&world.developer, "gemini-embedding-001"),
        (&world.vertex, "text-embedding-005"),
        (&world.vertex, "gemini-embedding-2"),
    ] {
        let texts = ["my dog is ill", "a sick puppy", "the tax law was changed"];
        let call = client.models().embed_content(model).set_contents(texts);
        let call = call
            .set_task_type("SEMANTIC_SIMILARITY")
            .set_output_dimensionality(512);
        let reply = in_time(call.send()).await.unwrap().into_body();
        let [a, b, c] = &reply.embeddings[..] else {
            panic!("{} embeddings", reply.embeddings.len());
        };
        assert_eq!(a.values.len(), 512);
        assert!(
            cosine(&a.values, &b.values) > cosine(&a.values, &c.values),
            "{model}"
        );
    }
}

/// Covers: models.embed_content
#[tokio::test]
async fn vertex_counts_and_cuts() {
    let world = World::new().await;
    let long = "word ".repeat(3000);
    let models = world.vertex.models();
    let call = models
        .embed_content("text-embedding-005")
        .set_contents(["one two", &long]);
    let reply = in_time(call.send()).await.unwrap().into_body();
    let statistics = |n: usize| reply.embeddings[n].statistics.clone().unwrap();
    assert_eq!(
        (statistics(0).token_count, statistics(0).truncated),
        (Some(2.0), Some(false))
    );
    assert_eq!(statistics(1).truncated, Some(true));
    let strict = EmbedContentConfig::new().set_auto_truncate(false);
    let call = models
        .embed_content("text-embedding-005")
        .set_contents([long])
        .set_config(strict);
    let error = in_time(call.send()).await.unwrap_err();
    assert!(error.to_string().contains("supports up to 2048"), "{error}");
}

/// Covers: models.generate_images, models.edit_image, models.upscale_image
#[tokio::test]
async fn pictures_are_painted_edited_and_enlarged() {
    let world = World::new().await;
    let models = world.vertex.models();
    let config = GenerateImagesConfig::new()
        .set_number_of_images(2)
        .set_aspect_ratio("4:3")
        .set_enhance_prompt(true)
        .set_include_safety_attributes(true);
    let call = models
        .generate_images(IMAGEN, "a red barn")
        .set_config(config);
    let reply = in_time(call.send()).await.unwrap().into_body();
    assert_eq!(reply.generated_images.len(), 2);
    let first = &reply.generated_images[0];
    assert!(
        first
            .enhanced_prompt
            .as_ref()
            .unwrap()
            .starts_with("a red barn")
    );
    assert!(reply.positive_prompt_safety_attributes.is_some());
    let base = first.image.as_deref().unwrap();
    assert_eq!(size(base), (128, 96));

    let mask = MaskReferenceConfig::new().set_mask_mode(MaskReferenceMode::Background);
    let call = models
        .edit_image("imagen-3.0-capability-001", "a blue sea")
        .set_reference_images([
            ReferenceImage::raw(1, base.clone()),
            ReferenceImage::mask(2, mask),
        ]);
    let edited = in_time(call.send()).await.unwrap().into_body();
    let edited = edited.generated_images[0].image.as_deref().unwrap();
    assert_eq!(size(edited), (128, 96));
    assert_ne!(edited.image_bytes, base.image_bytes);

    let call = models.upscale_image("imagen-4.0-upscale-preview", base.clone(), "x2");
    let larger = in_time(call.send()).await.unwrap().into_body();
    assert_eq!(
        size(larger.generated_images[0].image.as_deref().unwrap()),
        (256, 192)
    );
}

/// Covers: models.recontext_image, models.segment_image
#[tokio::test]
async fn pictures_are_placed_and_taken_apart() {
    let world = World::new().await;
    let models = world.vertex.models();
    let call = models.generate_images(IMAGEN, "a red disc on white");
    let reply = in_time(call.send()).await.unwrap().into_body();
    let base = reply.generated_images[0].image.as_deref().unwrap().clone();
    let source = RecontextImageSource::new()
        .set_prompt("on a table")
        .set_product_images([ProductImage::new().set_product_image(base.clone())]);
    let call = models.recontext_image("imagen-product-recontext-preview-06-30", source);
    let placed = in_time(call.send()).await.unwrap().into_body();
    assert!(placed.generated_images[0].image.is_some());
    let source = SegmentImageSource::new().set_image(base.clone());
    let call = models.segment_image("image-segmentation-001", source);
    let found = in_time(call.send()).await.unwrap().into_body();
    let mask = &found.generated_masks[0];
    assert_eq!(size(mask.mask.as_deref().unwrap()), size(&base));
    assert_eq!(mask.labels[0].label.as_deref(), Some("foreground"));
}

/// Covers: models.generate_content
#[tokio::test]
async fn answers_can_be_pictures_and_speech() {
    let world = World::new().await;
    let config = GenerateContentConfig::new()
        .set_response_modalities([Modality::Text, Modality::Image])
        .set_image_config(ImageConfig::new().set_aspect_ratio("3:2"));
    let ask = world
        .developer
        .models()
        .generate_content("gemini-2.5-flash-image");
    let ask = ask.set_contents(["Paint a boat"]).set_config(config);
    let answer = in_time(ask.send()).await.unwrap().into_body();
    let parts = &answer.candidates[0].content.as_ref().unwrap().parts;
    assert_eq!(parts.len(), 2);
    let file = parts[1].inline_data.as_ref().unwrap();
    assert_eq!(file.mime_type.as_deref(), Some("image/png"));

    let config = GenerateContentConfig::new().set_response_modalities([Modality::Audio]);
    let ask = world
        .vertex
        .models()
        .generate_content("gemini-2.5-flash-preview-tts");
    let ask = ask.set_contents(["Say hello"]).set_config(config);
    let answer = in_time(ask.send()).await.unwrap().into_body();
    let parts = &answer.candidates[0].content.as_ref().unwrap().parts;
    let sound = parts[0].inline_data.as_ref().unwrap();
    assert!(sound.mime_type.as_ref().unwrap().starts_with("audio/L16"));
}

/// Covers: models.embed_content
#[tokio::test]
async fn a_picture_and_its_caption_are_one_content() {
    let world = World::new().await;
    let models = world.vertex.models();
    let painted = in_time(models.generate_images(IMAGEN, "a red barn").send())
        .await
        .unwrap();
    let image = painted.body().generated_images[0].image.as_deref().unwrap();
    let bytes = image.image_bytes.clone().unwrap();
    let content = Content::new().set_parts([
        Part::text("a red barn"),
        Part::inline_data(bytes.as_bytes().to_vec(), "image/png"),
    ]);
    let call = models
        .embed_content("gemini-embedding-2")
        .set_contents([content]);
    let reply = in_time(call.send()).await.unwrap().into_body();
    assert_eq!(reply.embeddings.len(), 1);
}

/// Covers: models.compute_tokens
#[tokio::test]
async fn computed_tokens_join_to_the_text() {
    let world = World::new().await;
    let text = "Grüße aus Utne, 日本!";
    let call = world
        .vertex
        .models()
        .compute_tokens(MODEL)
        .set_contents([text]);
    let reply = in_time(call.send()).await.unwrap().into_body();
    let info = &reply.tokens_info[0];
    let bytes: Vec<u8> = info
        .tokens
        .iter()
        .flat_map(|token| token.as_bytes().to_vec())
        .collect();
    assert_eq!(String::from_utf8(bytes).unwrap(), text);
    assert_eq!(info.token_ids.len(), info.tokens.len());
    assert_eq!(info.role.as_deref(), Some("user"));
}

/// Covers: tokens.create
#[tokio::test]
async fn an_ephemeral_token_has_the_times_of_the_clock() {
    let world = World::new().await;
    let call = world.developer.auth_tokens().create().set_uses(3);
    let token = in_time(call.send()).await.unwrap().into_body();
    assert!(token.name.unwrap().starts_with("auth_tokens/"));
    assert_eq!(token.uses, Some(3));
    let call = world.developer.auth_tokens().create().set_uses(-1);
    let error = in_time(call.send()).await.unwrap_err();
    assert!(error.to_string().contains("negative"), "{error}");
}
