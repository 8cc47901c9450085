//! Embeddings, pictures, films and operations through the client: what goes out, what comes back,
//! what is refused and what is never shown.

use std::sync::Arc;
use std::time::Duration;

use gimmal_client::gemini::GeminiClient;
use gimmal_client::transport::NeverRetry;
use gimmal_client::transport::testing::{Reply, ScriptedTransport};
use gimmal_client::{CallOptions, Error, ErrorKind};
use gimmal_types::gemini::{
    Content, EmbedContentConfig, GenerateImagesConfig, GenerateVideosConfig, Image,
    MaskReferenceConfig, MaskReferenceMode, Part, ProductImage, RecontextImageSource,
    ReferenceImage, SegmentImageConfig, SegmentImageSource, SegmentMode, UpscaleImageConfig,
    WebhookConfig,
};
use serde_json::{Value, json};
use tokio::time::timeout;

fn developer(http: &ScriptedTransport) -> GeminiClient {
    let client = GeminiClient::builder().with_http(Arc::new(http.clone()));
    client
        .with_api_key("key")
        .with_retry_policy(NeverRetry)
        .build()
        .unwrap()
}

fn vertex(http: &ScriptedTransport) -> GeminiClient {
    let client = GeminiClient::builder().with_http(Arc::new(http.clone()));
    let client = client.with_vertex("p", "l").with_bearer_token("token");
    client.with_retry_policy(NeverRetry).build().unwrap()
}

fn answering(body: Value) -> ScriptedTransport {
    ScriptedTransport::repeating(Reply::json(200, body.to_string()))
}

/// The end of the path and the body of the last request.
fn sent(http: &ScriptedTransport) -> (String, Value) {
    let requests = http.requests();
    let request = requests.last().expect("something was sent");
    let path = request.uri().path();
    let end = path.rsplit('/').next().unwrap_or_default().to_owned();
    (end, serde_json::from_slice(request.body()).unwrap())
}

fn refused(error: &Error, field: &str, says: &str) {
    assert_eq!(error.kind(), ErrorKind::Invalid, "{error}");
    assert_eq!(error.field(), Some(field), "{error}");
    assert!(error.to_string().contains(says), "{error}");
}

/// Covers: models.embed_content
#[tokio::test]
async fn one_call_embeds_through_four_endpoints() {
    let http = answering(json!({}));
    let two = ["a", "b"];
    let content = |text: &str| json!({"parts": [{"text": text}], "role": "user"});
    let settings = || {
        EmbedContentConfig::new()
            .set_task_type("T")
            .set_output_dimensionality(8)
    };

    let call = developer(&http)
        .models()
        .embed_content("gemini-embedding-001");
    call.set_contents(two)
        .set_config(settings())
        .send()
        .await
        .unwrap();
    let request = |text| {
        json!({"content": content(text), "model": "models/gemini-embedding-001",
            "taskType": "T", "outputDimensionality": 8})
    };
    assert_eq!(
        sent(&http),
        (
            "gemini-embedding-001:batchEmbedContents".to_owned(),
            json!({"requests": [request("a"), request("b")]}),
        )
    );

    let models = vertex(&http).models();
    let call = models.embed_content("text-embedding-005");
    call.set_contents(two)
        .set_config(settings())
        .send()
        .await
        .unwrap();
    assert_eq!(
        sent(&http),
        (
            "text-embedding-005:predict".to_owned(),
            json!({"instances": [
            {"content": "a", "task_type": "T"}, {"content": "b", "task_type": "T"}],
            "parameters": {"outputDimensionality": 8}}),
        )
    );

    let config = json!({"taskType": "T", "outputDimensionality": 8});
    let call = models.embed_content("gemini-embedding-2");
    call.set_contents(["a"])
        .set_config(settings())
        .send()
        .await
        .unwrap();
    assert_eq!(
        sent(&http),
        (
            "gemini-embedding-2:embedContent".to_owned(),
            json!({"content": content("a"), "embedContentConfig": config}),
        )
    );

    let call = models.embed_content("gemini-embedding-2");
    call.set_contents(two)
        .set_config(settings())
        .send()
        .await
        .unwrap();
    let request = |text| json!({"content": content(text), "embedContentConfig": config});
    assert_eq!(
        sent(&http),
        (
            "gemini-embedding-2:batchEmbedContents".to_owned(),
            json!({"requests": [request("a"), request("b")]}),
        )
    );
}

#[tokio::test]
async fn embeddings_of_all_endpoints_are_read_alike() {
    let replies = [
        json!({"embeddings": [{"values": [0.5], "statistics": {"tokenCount": 3}}]}),
        json!({"embedding": {"values": [0.5]}, "usageMetadata": {"promptTokenCount": 3}}),
        json!({"predictions": [{"embeddings": {"values": [0.5], "statistics": {"token_count": 3}}}]}),
    ];
    for reply in replies {
        let call = vertex(&answering(reply))
            .models()
            .embed_content("gemini-embedding-2");
        let embedded = call.set_contents(["a"]).send().await.unwrap().into_body();
        let [embedding] = &embedded.embeddings[..] else {
            panic!("one embedding: {embedded:?}");
        };
        assert_eq!(embedding.values, [0.5]);
        assert_eq!(
            embedding.statistics.as_ref().unwrap().token_count,
            Some(3.0)
        );
    }
}

#[tokio::test]
async fn bad_embedding_calls_are_refused_before_sending() {
    let http = answering(json!({}));
    let ocr = EmbedContentConfig::new().set_document_ocr(true);
    let call = developer(&http)
        .models()
        .embed_content("gemini-embedding-2");
    let error = call
        .set_contents(["a"])
        .set_config(ocr)
        .send()
        .await
        .unwrap_err();
    refused(
        &error,
        "documentOcr",
        "not available on the Gemini developer API",
    );

    let models = vertex(&http).models();
    let error = models
        .embed_content("text-embedding-005")
        .send()
        .await
        .unwrap_err();
    refused(&error, "contents", "must not be empty");

    let picture = Content::new().set_parts([Part::new()]);
    let call = models
        .embed_content("text-embedding-005")
        .set_contents([picture]);
    refused(
        &call.send().await.unwrap_err(),
        "contents",
        "texts only for this model",
    );

    let hosted = "publishers/intfloat/models/e5-maas";
    let call = models.embed_content(hosted).set_contents(["a", "b"]);
    refused(
        &call.send().await.unwrap_err(),
        "contents",
        "make a call for each",
    );
    assert_eq!(http.request_count(), 0);
}

/// Covers: models.edit_image, models.upscale_image
#[tokio::test]
async fn pictures_go_out_in_the_standard_alphabet() {
    let http = answering(json!({"predictions": [{"bytesBase64Encoded": "+/8="}]}));
    let picture = || Image::from_bytes(vec![0xfb, 0xff], "image/png");
    let written = json!({"bytesBase64Encoded": "+/8=", "mimeType": "image/png"});
    let models = vertex(&http).models();

    let mask = MaskReferenceConfig::new().set_mask_mode(MaskReferenceMode::Foreground);
    let call = models.edit_image("imagen", "a hat on [1]");
    let call = call.set_reference_images([
        ReferenceImage::raw(1, picture()),
        ReferenceImage::mask(2, mask),
    ]);
    let edited = call.send().await.unwrap().into_body();
    let image = edited.generated_images[0].image.as_ref().unwrap();
    assert_eq!(image.image_bytes.as_ref().unwrap().as_bytes(), [0xfb, 0xff]);
    assert_eq!(
        sent(&http).1,
        json!({"instances": [{"prompt": "a hat on [1]", "referenceImages": [
        {"referenceImage": written, "referenceId": 1, "referenceType": "REFERENCE_TYPE_RAW"},
        {"referenceId": 2, "referenceType": "REFERENCE_TYPE_MASK",
         "maskImageConfig": {"maskMode": "MASK_MODE_FOREGROUND"}}]}]})
    );

    let call = models.upscale_image("imagen", picture(), "x2");
    let call = call.set_config(UpscaleImageConfig::new().set_image_preservation_factor(0.5));
    call.send().await.unwrap();
    assert_eq!(
        sent(&http).1,
        json!({"instances": [{"image": written}], "parameters": {
        "upscaleConfig": {"upscaleFactor": "x2", "imagePreservationFactor": 0.5},
        "mode": "upscale", "sampleCount": 1}})
    );
}

/// Covers: models.generate_images, models.recontext_image, models.segment_image
#[tokio::test]
async fn pictures_are_made_and_taken_apart() {
    let http = answering(json!({"predictions": [
        {"gcsUri": "gs://b/1", "mimeType": "image/png", "labels": [{"label": "cat"}]},
        {"raiFilteredReason": "held back"}]}));
    let models = vertex(&http).models();
    let stored = || Image::from_gcs_uri("gs://b/0", "image/png");
    let written = json!({"gcsUri": "gs://b/0", "mimeType": "image/png"});

    let config = GenerateImagesConfig::new()
        .set_number_of_images(2)
        .set_output_mime_type("image/png");
    let made = models
        .generate_images("imagen", "a cat")
        .set_config(config)
        .send()
        .await
        .unwrap();
    assert_eq!(
        made.body().images().next().unwrap().gcs_uri.as_deref(),
        Some("gs://b/1")
    );
    let held_back = &made.body().generated_images[1];
    assert_eq!(held_back.rai_filtered_reason.as_deref(), Some("held back"));
    assert_eq!(
        sent(&http).1,
        json!({"instances": [{"prompt": "a cat"}],
        "parameters": {"sampleCount": 2, "outputOptions": {"mimeType": "image/png"}}})
    );

    let coat = ProductImage::new().set_product_image(stored());
    let source = RecontextImageSource::new()
        .set_person_image(stored())
        .set_product_images([coat]);
    let worn = models
        .recontext_image("try-on", source)
        .send()
        .await
        .unwrap();
    assert_eq!(worn.body().generated_images.len(), 2);
    assert_eq!(
        sent(&http).1,
        json!({"instances": [
        {"personImage": {"image": written}, "productImages": [{"image": written}]}]})
    );

    let source = SegmentImageSource::new().set_image(stored());
    let config = SegmentImageConfig::new().set_mode(SegmentMode::Foreground);
    let found = models
        .segment_image("segment", source)
        .set_config(config)
        .send()
        .await
        .unwrap();
    assert_eq!(
        found.body().generated_masks[0].labels[0].label.as_deref(),
        Some("cat")
    );
    assert_eq!(
        sent(&http).1,
        json!({"instances": [{"image": written}],
        "parameters": {"mode": "FOREGROUND"}})
    );
}

/// Covers: models.compute_tokens
#[tokio::test]
async fn tokens_are_numbers_and_bytes() {
    let http = answering(json!({"tokensInfo": [
        {"role": "user", "tokenIds": ["1841", 235], "tokens": ["aGk=", "IQ=="]}]}));
    let call = vertex(&http).models().compute_tokens("gemini-2.5-flash");
    let tokens = call.set_contents(["hi!"]).send().await.unwrap().into_body();
    assert_eq!(tokens.tokens_info[0].token_ids, [1841, 235]);
    assert_eq!(tokens.tokens_info[0].tokens[0].as_bytes(), b"hi");
    assert_eq!(sent(&http).0, "gemini-2.5-flash:computeTokens");
}

#[tokio::test]
async fn the_developer_api_makes_no_pictures() {
    let http = answering(json!({}));
    let models = developer(&http).models();
    let calls = [
        (
            "generate_images",
            models.generate_images("m", "p").send().await.err(),
        ),
        ("edit_image", models.edit_image("m", "p").send().await.err()),
        (
            "upscale_image",
            models
                .upscale_image("m", Image::new(), "x2")
                .send()
                .await
                .err(),
        ),
        (
            "recontext_image",
            models
                .recontext_image("m", RecontextImageSource::new())
                .send()
                .await
                .err(),
        ),
        (
            "segment_image",
            models
                .segment_image("m", SegmentImageSource::new())
                .send()
                .await
                .err(),
        ),
        (
            "generate_videos",
            models
                .generate_videos("m")
                .set_prompt("p")
                .send()
                .await
                .err(),
        ),
        (
            "compute_tokens",
            models
                .compute_tokens("m")
                .set_contents(["a"])
                .send()
                .await
                .err(),
        ),
    ];
    for (call, error) in calls {
        refused(
            &error.unwrap(),
            "backend",
            &format!("{call} is not available on the Gemini"),
        );
    }
    assert_eq!(http.request_count(), 0);
}

/// Covers: models.generate_videos
#[tokio::test(start_paused = true)]
async fn films_are_started_once_and_waited_for() {
    let name = "projects/p/locations/l/publishers/google/models/veo/operations/1";
    let running = json!({"name": name});
    let done =
        json!({"name": name, "done": true, "response": {"videos": [{"gcsUri": "gs://b/1"}]}});
    let http = ScriptedTransport::new(
        [&running, &running, &done].map(|body| Reply::json(200, body.to_string())),
    );
    let call = vertex(&http).models().generate_videos("veo");
    let call = call
        .set_prompt("a cat")
        .set_image(Image::from_gcs_uri("gs://b/0", "image/png"));
    let config = GenerateVideosConfig::new().set_duration_seconds(8);
    let poller = call.set_config(config).poller().await.unwrap();
    assert_eq!(
        sent(&http),
        (
            "veo:predictLongRunning".to_owned(),
            json!({
        "instances": [{"prompt": "a cat", "image": {"gcsUri": "gs://b/0", "mimeType": "image/png"}}],
        "parameters": {"durationSeconds": 8}})
        )
    );
    assert_eq!(poller.name(), name);
    let films = timeout(Duration::from_secs(60), poller)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(films.videos().count(), 1);
    assert_eq!(http.request_count(), 3);
}

#[tokio::test]
async fn a_webhook_is_refused_on_vertex() {
    let http = answering(json!({}));
    let config = GenerateVideosConfig::new().set_webhook_config(WebhookConfig::new());
    let call = vertex(&http)
        .models()
        .generate_videos("veo")
        .set_config(config);
    refused(
        &call.send().await.unwrap_err(),
        "webhookConfig",
        "not available on Vertex AI",
    );
}

/// Covers: models.update, models.delete
#[tokio::test]
async fn tuned_models_are_changed_and_deleted() {
    let http = answering(json!({"name": "tunedModels/t", "displayName": "new"}));
    let models = developer(&http).models();
    let changed = models
        .update("tunedModels/t")
        .set_display_name("new")
        .send()
        .await
        .unwrap();
    assert_eq!(changed.body().display_name.as_deref(), Some("new"));
    assert_eq!(sent(&http).1, json!({"displayName": "new"}));
    models
        .delete("tunedModels/t")
        .with_options(CallOptions::new())
        .send()
        .await
        .unwrap();
    let requests = http.requests();
    assert_eq!(requests[1].path_and_query(), "/v1/tunedModels/t");
    let error = models.delete("../files/x").send().await.unwrap_err();
    refused(&error, "model", "must not contain");
}

#[test]
fn prompts_and_pictures_do_not_show() {
    let client = vertex(&answering(json!({})));
    let models = client.models();
    let negative = GenerateImagesConfig::new().set_negative_prompt("secret");
    let picture = Image::from_bytes("secret", "image/png");
    let shown = [
        format!(
            "{:?}",
            models.generate_images("m", "secret").set_config(negative)
        ),
        format!("{:?}", models.edit_image("m", "secret")),
        format!("{:?}", models.upscale_image("m", picture.clone(), "x2")),
        format!(
            "{:?}",
            models
                .generate_videos("m")
                .set_prompt("secret")
                .set_image(picture)
        ),
        format!("{:?}", models.embed_content("m").set_contents(["secret"])),
        format!("{:?}", models.compute_tokens("m").set_contents(["secret"])),
    ];
    for text in shown {
        assert!(!text.contains("secret"), "{text}");
    }
}
