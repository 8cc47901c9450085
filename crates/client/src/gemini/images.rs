//! Calls that make and change pictures; Vertex only.

use std::fmt;

use gimmal_api::gemini::Gemini;
use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::gemini::{
    EditImageConfig, EditImageResponse, GenerateImagesConfig, GenerateImagesResponse, Image,
    RecontextImageConfig, RecontextImageResponse, RecontextImageSource, ReferenceImage,
    SegmentImageConfig, SegmentImageResponse, SegmentImageSource, UpscaleImageConfig,
    UpscaleImageResponse,
};

use super::Models;

impl Models {
    /// Makes pictures from words.
    ///
    /// ```no_run
    /// # async fn run(client: gimmal_client::gemini::GeminiClient) -> Result<(), gimmal_client::Error> {
    /// use gimmal_types::gemini::GenerateImagesConfig;
    ///
    /// let reply = client
    ///     .models()
    ///     .generate_images("imagen-4.0-generate-001", "a gimmal ring")
    ///     .set_config(GenerateImagesConfig::new().set_number_of_images(2))
    ///     .send()
    ///     .await?;
    /// assert_eq!(reply.body().images().count(), 2);
    /// # Ok(()) }
    /// ```
    pub fn generate_images(
        &self,
        model: impl Into<String>,
        prompt: impl Into<String>,
    ) -> GenerateImages {
        GenerateImages {
            api: self.api.clone(),
            model: model.into(),
            prompt: prompt.into(),
            config: GenerateImagesConfig::new(),
            options: CallOptions::default(),
        }
    }

    /// Makes a picture from words and the pictures that they refer to as `[1]`, `[2]` and so on.
    pub fn edit_image(&self, model: impl Into<String>, prompt: impl Into<String>) -> EditImage {
        EditImage {
            api: self.api.clone(),
            model: model.into(),
            prompt: prompt.into(),
            references: Vec::new(),
            config: EditImageConfig::new(),
            options: CallOptions::default(),
        }
    }

    /// Makes a picture larger, by the factor `x2`, `x3` or `x4`.
    pub fn upscale_image(
        &self,
        model: impl Into<String>,
        image: Image,
        factor: impl Into<String>,
    ) -> UpscaleImage {
        UpscaleImage {
            api: self.api.clone(),
            model: model.into(),
            image,
            factor: factor.into(),
            config: UpscaleImageConfig::new(),
            options: CallOptions::default(),
        }
    }

    /// Puts a person into other clothes, or a product into a new scene.
    pub fn recontext_image(
        &self,
        model: impl Into<String>,
        source: RecontextImageSource,
    ) -> RecontextImage {
        RecontextImage {
            api: self.api.clone(),
            model: model.into(),
            source,
            config: RecontextImageConfig::new(),
            options: CallOptions::default(),
        }
    }

    /// Finds masks in a picture.
    pub fn segment_image(
        &self,
        model: impl Into<String>,
        source: SegmentImageSource,
    ) -> SegmentImage {
        SegmentImage {
            api: self.api.clone(),
            model: model.into(),
            source,
            config: SegmentImageConfig::new(),
            options: CallOptions::default(),
        }
    }
}

/// A `generate_images` call in the making.
#[derive(Clone)]
#[must_use = "nothing is sent before `send`"]
pub struct GenerateImages {
    api: Gemini,
    model: String,
    prompt: String,
    config: GenerateImagesConfig,
    options: CallOptions,
}

impl GenerateImages {
    /// Replaces all settings.
    pub fn set_config(mut self, config: GenerateImagesConfig) -> Self {
        self.config = config;
        self
    }

    /// Options of this call.
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// Sends.
    ///
    /// # Errors
    ///
    /// As [`Gemini::generate_images`].
    pub async fn send(self) -> Result<Response<GenerateImagesResponse>, Error> {
        self.api
            .generate_images(&self.model, &self.prompt, &self.config, &self.options)
            .await
    }
}

/// An `edit_image` call in the making.
#[derive(Clone)]
#[must_use = "nothing is sent before `send`"]
pub struct EditImage {
    api: Gemini,
    model: String,
    prompt: String,
    references: Vec<ReferenceImage>,
    config: EditImageConfig,
    options: CallOptions,
}

impl EditImage {
    /// The pictures that the prompt refers to.
    pub fn set_reference_images(
        mut self,
        references: impl IntoIterator<Item = ReferenceImage>,
    ) -> Self {
        self.references = references.into_iter().collect();
        self
    }

    /// Replaces all settings.
    pub fn set_config(mut self, config: EditImageConfig) -> Self {
        self.config = config;
        self
    }

    /// Options of this call.
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// Sends.
    ///
    /// # Errors
    ///
    /// As [`Gemini::edit_image`].
    pub async fn send(self) -> Result<Response<EditImageResponse>, Error> {
        self.api
            .edit_image(
                &self.model,
                &self.prompt,
                &self.references,
                &self.config,
                &self.options,
            )
            .await
    }
}

/// An `upscale_image` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct UpscaleImage {
    api: Gemini,
    model: String,
    image: Image,
    factor: String,
    config: UpscaleImageConfig,
    options: CallOptions,
}

impl UpscaleImage {
    /// Replaces all settings.
    pub fn set_config(mut self, config: UpscaleImageConfig) -> Self {
        self.config = config;
        self
    }

    /// Options of this call.
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// Sends.
    ///
    /// # Errors
    ///
    /// As [`Gemini::upscale_image`].
    pub async fn send(self) -> Result<Response<UpscaleImageResponse>, Error> {
        self.api
            .upscale_image(
                &self.model,
                &self.image,
                &self.factor,
                &self.config,
                &self.options,
            )
            .await
    }
}

/// A `recontext_image` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct RecontextImage {
    api: Gemini,
    model: String,
    source: RecontextImageSource,
    config: RecontextImageConfig,
    options: CallOptions,
}

impl RecontextImage {
    /// Replaces all settings.
    pub fn set_config(mut self, config: RecontextImageConfig) -> Self {
        self.config = config;
        self
    }

    /// Options of this call.
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// Sends.
    ///
    /// # Errors
    ///
    /// As [`Gemini::recontext_image`].
    pub async fn send(self) -> Result<Response<RecontextImageResponse>, Error> {
        self.api
            .recontext_image(&self.model, &self.source, &self.config, &self.options)
            .await
    }
}

/// A `segment_image` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct SegmentImage {
    api: Gemini,
    model: String,
    source: SegmentImageSource,
    config: SegmentImageConfig,
    options: CallOptions,
}

impl SegmentImage {
    /// Replaces all settings.
    pub fn set_config(mut self, config: SegmentImageConfig) -> Self {
        self.config = config;
        self
    }

    /// Options of this call.
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// Sends.
    ///
    /// # Errors
    ///
    /// As [`Gemini::segment_image`].
    pub async fn send(self) -> Result<Response<SegmentImageResponse>, Error> {
        self.api
            .segment_image(&self.model, &self.source, &self.config, &self.options)
            .await
    }
}

/// Shows no prompt.
impl fmt::Debug for GenerateImages {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("GenerateImages")
            .field("model", &self.model)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// Shows no prompt.
impl fmt::Debug for EditImage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("EditImage")
            .field("model", &self.model)
            .field("references", &self.references)
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}
