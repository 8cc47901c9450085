//! Films by the Veo models: `predictLongRunning` on Vertex, which answers with an operation.

use gimmal_transport::{CallOptions, Error, Idempotency, Request, Response};
use gimmal_types::gemini::{
    GenerateVideosConfig, GenerateVideosOperation, GenerateVideosSource, VideosOperationReply,
};
use http::Method;

use super::images::IMAGE;
use super::mapping::Body;
use super::requests::call_url;
use super::{Backend, Endpoint, Gemini, attributes, fields};

table! {
    SOURCE of "GenerateVideosSource" {
        "prompt" => "instances[0].prompt",
        "image" => "instances[0].image" by (IMAGE),
        "video" => "instances[0].video" by (VIDEO),
    }
}

table! {
    VIDEO of "Video" {
        "uri" => "gcsUri",
        "video_bytes" => "bytesBase64Encoded" standard,
        "mime_type" => "mimeType",
    }
}

table! {
    GENERATE_VIDEOS of "GenerateVideosConfig" {
        "number_of_videos" => "parameters.sampleCount",
        "output_gcs_uri" => "parameters.storageUri",
        "fps" => "parameters.fps",
        "duration_seconds" => "parameters.durationSeconds",
        "seed" => "parameters.seed",
        "aspect_ratio" => "parameters.aspectRatio",
        "resolution" => "parameters.resolution",
        "person_generation" => "parameters.personGeneration",
        "pubsub_topic" => "parameters.pubsubTopic",
        "negative_prompt" => "parameters.negativePrompt",
        "enhance_prompt" => "parameters.enhancePrompt",
        "generate_audio" => "parameters.generateAudio",
        "last_frame" => "instances[0].lastFrame" by (IMAGE),
        "reference_images" => "instances[0].referenceImages" each by (REFERENCE_IMAGE),
        "mask" => "instances[0].mask" by (MASK),
        "compression_quality" => "parameters.compressionQuality",
        "labels" => "labels",
        "resize_mode" => "parameters.resizeMode",
    }
}

table! {
    REFERENCE_IMAGE of "VideoGenerationReferenceImage" {
        "image" => "image" by (IMAGE),
        "reference_type" => "referenceType",
    }
}

table! {
    MASK of "VideoGenerationMask" {
        "image" => "" by (IMAGE),
        "mask_mode" => "maskMode",
    }
}

/// Builds the request that starts the making of films.
///
/// Starting is not repeated after an ambiguous failure, because every start is billed.
///
/// # Errors
///
/// Fails on the developer API, on a bad model name and on fields that Vertex does not have.
pub fn generate_videos(
    endpoint: &Endpoint,
    model: &str,
    source: &GenerateVideosSource,
    config: &GenerateVideosConfig,
) -> Result<Request, Error> {
    endpoint.require(Backend::Vertex, "generate_videos")?;
    fields::check(endpoint.backend(), config)?;
    let mut body = Body::of(&SOURCE, source);
    body.route(&GENERATE_VIDEOS, config);
    let url = call_url(endpoint, model, "predictLongRunning")?;
    Ok(Request::new(Method::POST, url)
        .with_json_body(body.into_bytes()?)
        .with_idempotency(Idempotency::NotIdempotent)
        .with_attributes(attributes::call(endpoint, "generate_videos", model)))
}

impl Gemini {
    /// Starts the making of films. Vertex only; billed even when nobody asks for the result.
    ///
    /// Route: POST {model}:predictLongRunning
    ///
    /// # Errors
    ///
    /// Fails before sending on the developer API, on a bad model name and on fields that Vertex
    /// does not have; otherwise as the transport does.
    pub async fn generate_videos(
        &self,
        model: &str,
        source: &GenerateVideosSource,
        config: &GenerateVideosConfig,
        options: &CallOptions,
    ) -> Result<Response<GenerateVideosOperation>, Error> {
        let request = generate_videos(self.endpoint(), model, source, config)?;
        let reply = self
            .transport()
            .send_json::<VideosOperationReply>(request, options)
            .await?;
        Ok(reply.map(Into::into))
    }
}
