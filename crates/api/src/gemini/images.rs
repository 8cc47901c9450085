//! Pictures by the Imagen models and their relatives: all of them are `predict` on Vertex, with
//! what the picture is made from in an instance and the rest in parameters.

use gimmal_transport::{CallOptions, Error, Idempotency, Request, Response};
use gimmal_types::gemini::{
    EditImageConfig, EditImageResponse, GenerateImagesConfig, GenerateImagesResponse, Image,
    ImagePredictions, RecontextImageConfig, RecontextImageResponse, RecontextImageSource,
    ReferenceImage, SegmentImageConfig, SegmentImageResponse, SegmentImageSource,
    UpscaleImageConfig, UpscaleImageResponse,
};
use http::Method;

use super::mapping::Body;
use super::requests::call_url;
use super::{Backend, Endpoint, Gemini, attributes};

table! {
    /// The models read the standard alphabet of base64 only.
    IMAGE of "Image" {
        "gcs_uri" => "gcsUri",
        "image_bytes" => "bytesBase64Encoded" standard,
        "mime_type" => "mimeType",
    }
}

table! {
    GENERATE_IMAGES of "GenerateImagesConfig" {
        "output_gcs_uri" => "parameters.storageUri",
        "negative_prompt" => "parameters.negativePrompt",
        "number_of_images" => "parameters.sampleCount",
        "aspect_ratio" => "parameters.aspectRatio",
        "guidance_scale" => "parameters.guidanceScale",
        "seed" => "parameters.seed",
        "safety_filter_level" => "parameters.safetySetting",
        "person_generation" => "parameters.personGeneration",
        "include_safety_attributes" => "parameters.includeSafetyAttributes",
        "include_rai_reason" => "parameters.includeRaiReason",
        "language" => "parameters.language",
        "output_mime_type" => "parameters.outputOptions.mimeType",
        "output_compression_quality" => "parameters.outputOptions.compressionQuality",
        "add_watermark" => "parameters.addWatermark",
        "labels" => "labels",
        "image_size" => "parameters.sampleImageSize",
        "enhance_prompt" => "parameters.enhancePrompt",
    }
}

table! {
    EDIT_IMAGE of "EditImageConfig" {
        "output_gcs_uri" => "parameters.storageUri",
        "negative_prompt" => "parameters.negativePrompt",
        "number_of_images" => "parameters.sampleCount",
        "aspect_ratio" => "parameters.aspectRatio",
        "guidance_scale" => "parameters.guidanceScale",
        "seed" => "parameters.seed",
        "safety_filter_level" => "parameters.safetySetting",
        "person_generation" => "parameters.personGeneration",
        "include_safety_attributes" => "parameters.includeSafetyAttributes",
        "include_rai_reason" => "parameters.includeRaiReason",
        "language" => "parameters.language",
        "output_mime_type" => "parameters.outputOptions.mimeType",
        "output_compression_quality" => "parameters.outputOptions.compressionQuality",
        "add_watermark" => "parameters.addWatermark",
        "labels" => "labels",
        "edit_mode" => "parameters.editMode",
        "base_steps" => "parameters.editConfig.baseSteps",
    }
}

table! {
    REFERENCE_IMAGE of "ReferenceImageAPI" {
        "reference_image" => "referenceImage" by (IMAGE),
        "reference_id" => "referenceId",
        "reference_type" => "referenceType",
        "mask_image_config" => "maskImageConfig" by (MASK_REFERENCE),
        "control_image_config" => "controlImageConfig" by (CONTROL_REFERENCE),
        "style_image_config" => "styleImageConfig",
        "subject_image_config" => "subjectImageConfig",
    }
}

table! {
    MASK_REFERENCE of "MaskReferenceConfig" {
        "mask_mode" => "maskMode",
        "segmentation_classes" => "maskClasses",
        "mask_dilation" => "dilation",
    }
}

table! {
    CONTROL_REFERENCE of "ControlReferenceConfig" {
        "control_type" => "controlType",
        "enable_control_image_computation" => "computeControl",
    }
}

table! {
    UPSCALE_IMAGE of "UpscaleImageAPIConfig" {
        "output_gcs_uri" => "parameters.storageUri",
        "safety_filter_level" => "parameters.safetySetting",
        "person_generation" => "parameters.personGeneration",
        "include_rai_reason" => "parameters.includeRaiReason",
        "output_mime_type" => "parameters.outputOptions.mimeType",
        "output_compression_quality" => "parameters.outputOptions.compressionQuality",
        "enhance_input_image" => "parameters.upscaleConfig.enhanceInputImage",
        "image_preservation_factor" => "parameters.upscaleConfig.imagePreservationFactor",
        "labels" => "labels",
    }
}

table! {
    RECONTEXT_SOURCE of "RecontextImageSource" {
        "prompt" => "instances[0].prompt",
        "person_image" => "instances[0].personImage.image" by (IMAGE),
        "product_images" => "instances[0].productImages" each by (PRODUCT_IMAGE),
    }
}

table! { PRODUCT_IMAGE of "ProductImage" { "product_image" => "image" by (IMAGE) } }

table! {
    RECONTEXT_IMAGE of "RecontextImageConfig" {
        "number_of_images" => "parameters.sampleCount",
        "base_steps" => "parameters.baseSteps",
        "output_gcs_uri" => "parameters.storageUri",
        "seed" => "parameters.seed",
        "safety_filter_level" => "parameters.safetySetting",
        "person_generation" => "parameters.personGeneration",
        "add_watermark" => "parameters.addWatermark",
        "output_mime_type" => "parameters.outputOptions.mimeType",
        "output_compression_quality" => "parameters.outputOptions.compressionQuality",
        "enhance_prompt" => "parameters.enhancePrompt",
        "labels" => "labels",
    }
}

table! {
    SEGMENT_SOURCE of "SegmentImageSource" {
        "prompt" => "instances[0].prompt",
        "image" => "instances[0].image" by (IMAGE),
        "scribble_image" => "instances[0].scribble" by (SCRIBBLE_IMAGE),
    }
}

table! { SCRIBBLE_IMAGE of "ScribbleImage" { "image" => "image" by (IMAGE) } }

table! {
    SEGMENT_IMAGE of "SegmentImageConfig" {
        "mode" => "parameters.mode",
        "max_predictions" => "parameters.maxPredictions",
        "confidence_threshold" => "parameters.confidenceThreshold",
        "mask_dilation" => "parameters.maskDilation",
        "binary_color_threshold" => "parameters.binaryColorThreshold",
        "labels" => "labels",
    }
}

/// A `predict` request. One that stores its results is not repeated after an ambiguous failure,
/// because the files of both would stay.
fn predict(
    endpoint: &Endpoint,
    model: &str,
    operation: &'static str,
    body: Body<'_>,
    stores: bool,
) -> Result<Request, Error> {
    let idempotency = if stores {
        Idempotency::NotIdempotent
    } else {
        Idempotency::Idempotent
    };
    Ok(
        Request::new(Method::POST, call_url(endpoint, model, "predict")?)
            .with_json_body(body.into_bytes()?)
            .with_idempotency(idempotency)
            .with_attributes(attributes::call(endpoint, operation, model)),
    )
}

/// Builds the request that makes pictures from words.
///
/// # Errors
///
/// Fails on the developer API and on a bad model name.
pub fn generate_images(
    endpoint: &Endpoint,
    model: &str,
    prompt: &str,
    config: &GenerateImagesConfig,
) -> Result<Request, Error> {
    endpoint.require(Backend::Vertex, "generate_images")?;
    let mut body = Body::default();
    body.set("instances[0].prompt", prompt);
    body.route(&GENERATE_IMAGES, config);
    predict(
        endpoint,
        model,
        "generate_images",
        body,
        config.output_gcs_uri.is_some(),
    )
}

/// Builds the request that edits pictures.
///
/// # Errors
///
/// Fails on the developer API and on a bad model name.
pub fn edit_image(
    endpoint: &Endpoint,
    model: &str,
    prompt: &str,
    references: &[ReferenceImage],
    config: &EditImageConfig,
) -> Result<Request, Error> {
    endpoint.require(Backend::Vertex, "edit_image")?;
    let mut body = Body::default();
    body.set("instances[0].prompt", prompt);
    if !references.is_empty() {
        let references = references.iter();
        let references = references.map(|reference| Body::of(&REFERENCE_IMAGE, reference));
        body.add_list("instances[0].referenceImages", references);
    }
    body.route(&EDIT_IMAGE, config);
    predict(
        endpoint,
        model,
        "edit_image",
        body,
        config.output_gcs_uri.is_some(),
    )
}

/// Builds the request that makes a picture larger.
///
/// # Errors
///
/// Fails on the developer API and on a bad model name.
pub fn upscale_image(
    endpoint: &Endpoint,
    model: &str,
    image: &Image,
    factor: &str,
    config: &UpscaleImageConfig,
) -> Result<Request, Error> {
    endpoint.require(Backend::Vertex, "upscale_image")?;
    let mut body = Body::default();
    body.add_by("instances[0].image", &IMAGE, image);
    body.set("parameters.upscaleConfig.upscaleFactor", factor);
    body.route(&UPSCALE_IMAGE, config);
    body.set("parameters.mode", "upscale");
    body.set("parameters.sampleCount", 1);
    predict(
        endpoint,
        model,
        "upscale_image",
        body,
        config.output_gcs_uri.is_some(),
    )
}

/// Builds the request that puts a person or a product into a new picture.
///
/// # Errors
///
/// Fails on the developer API and on a bad model name.
pub fn recontext_image(
    endpoint: &Endpoint,
    model: &str,
    source: &RecontextImageSource,
    config: &RecontextImageConfig,
) -> Result<Request, Error> {
    endpoint.require(Backend::Vertex, "recontext_image")?;
    let mut body = Body::of(&RECONTEXT_SOURCE, source);
    body.route(&RECONTEXT_IMAGE, config);
    predict(
        endpoint,
        model,
        "recontext_image",
        body,
        config.output_gcs_uri.is_some(),
    )
}

/// Builds the request that finds masks in a picture.
///
/// # Errors
///
/// Fails on the developer API and on a bad model name.
pub fn segment_image(
    endpoint: &Endpoint,
    model: &str,
    source: &SegmentImageSource,
    config: &SegmentImageConfig,
) -> Result<Request, Error> {
    endpoint.require(Backend::Vertex, "segment_image")?;
    let mut body = Body::of(&SEGMENT_SOURCE, source);
    body.route(&SEGMENT_IMAGE, config);
    predict(endpoint, model, "segment_image", body, false)
}

impl Gemini {
    async fn predict_images<T: From<ImagePredictions>>(
        &self,
        request: Request,
        options: &CallOptions,
    ) -> Result<Response<T>, Error> {
        let reply = self
            .transport()
            .send_json::<ImagePredictions>(request, options)
            .await?;
        Ok(reply.map(Into::into))
    }

    /// Makes pictures from words. Vertex only.
    ///
    /// Route: POST {model}:predict
    ///
    /// # Errors
    ///
    /// Fails before sending on the developer API and on a bad model name; otherwise as the
    /// transport does.
    pub async fn generate_images(
        &self,
        model: &str,
        prompt: &str,
        config: &GenerateImagesConfig,
        options: &CallOptions,
    ) -> Result<Response<GenerateImagesResponse>, Error> {
        let request = generate_images(self.endpoint(), model, prompt, config)?;
        self.predict_images(request, options).await
    }

    /// Makes a picture from words and other pictures. Vertex only.
    ///
    /// Route: POST {model}:predict
    ///
    /// # Errors
    ///
    /// As [`generate_images`](Self::generate_images).
    pub async fn edit_image(
        &self,
        model: &str,
        prompt: &str,
        references: &[ReferenceImage],
        config: &EditImageConfig,
        options: &CallOptions,
    ) -> Result<Response<EditImageResponse>, Error> {
        let request = edit_image(self.endpoint(), model, prompt, references, config)?;
        self.predict_images(request, options).await
    }

    /// Makes a picture larger, by the factor `x2`, `x3` or `x4`. Vertex only.
    ///
    /// Route: POST {model}:predict
    ///
    /// # Errors
    ///
    /// As [`generate_images`](Self::generate_images).
    pub async fn upscale_image(
        &self,
        model: &str,
        image: &Image,
        factor: &str,
        config: &UpscaleImageConfig,
        options: &CallOptions,
    ) -> Result<Response<UpscaleImageResponse>, Error> {
        let request = upscale_image(self.endpoint(), model, image, factor, config)?;
        self.predict_images(request, options).await
    }

    /// Puts a person into other clothes, or a product into a new scene. Vertex only.
    ///
    /// Route: POST {model}:predict
    ///
    /// # Errors
    ///
    /// As [`generate_images`](Self::generate_images).
    pub async fn recontext_image(
        &self,
        model: &str,
        source: &RecontextImageSource,
        config: &RecontextImageConfig,
        options: &CallOptions,
    ) -> Result<Response<RecontextImageResponse>, Error> {
        let request = recontext_image(self.endpoint(), model, source, config)?;
        self.predict_images(request, options).await
    }

    /// Finds masks in a picture. Vertex only.
    ///
    /// Route: POST {model}:predict
    ///
    /// # Errors
    ///
    /// As [`generate_images`](Self::generate_images).
    pub async fn segment_image(
        &self,
        model: &str,
        source: &SegmentImageSource,
        config: &SegmentImageConfig,
        options: &CallOptions,
    ) -> Result<Response<SegmentImageResponse>, Error> {
        let request = segment_image(self.endpoint(), model, source, config)?;
        self.predict_images(request, options).await
    }
}
