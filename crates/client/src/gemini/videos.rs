//! The call that starts the making of films.

use gimmal_api::Poller;
use gimmal_api::gemini::Gemini;
use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::gemini::{
    GenerateVideosConfig, GenerateVideosOperation, GenerateVideosSource, Image, Video,
};

use super::Models;

impl Models {
    /// Makes films: end with `poller` to wait for them, or with `send` for the operation alone.
    /// Vertex only; billed once it has begun, whether anybody waits or not.
    ///
    /// ```no_run
    /// # async fn run(client: gimmal_client::gemini::GeminiClient) -> Result<(), gimmal_client::Error> {
    /// let poller = client
    ///     .models()
    ///     .generate_videos("veo-3.0-generate-001")
    ///     .set_prompt("a cat in a neon city")
    ///     .poller()
    ///     .await?;
    /// println!("{} can be waited for by any process", poller.name());
    /// for film in poller.await?.videos() {
    ///     println!("{:?}", film.uri);
    /// }
    /// # Ok(()) }
    /// ```
    pub fn generate_videos(&self, model: impl Into<String>) -> GenerateVideos {
        GenerateVideos {
            api: self.api.clone(),
            model: model.into(),
            source: GenerateVideosSource::new(),
            config: GenerateVideosConfig::new(),
            options: CallOptions::default(),
        }
    }
}

/// A `predictLongRunning` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send` or `poller`"]
pub struct GenerateVideos {
    api: Gemini,
    model: String,
    source: GenerateVideosSource,
    config: GenerateVideosConfig,
    options: CallOptions,
}

impl GenerateVideos {
    /// Replaces everything that the films are made from.
    pub fn set_source(mut self, source: GenerateVideosSource) -> Self {
        self.source = source;
        self
    }

    /// What they show.
    pub fn set_prompt(mut self, prompt: impl Into<String>) -> Self {
        self.source = self.source.set_prompt(prompt);
        self
    }

    /// Their first picture.
    pub fn set_image(mut self, image: Image) -> Self {
        self.source = self.source.set_image(image);
        self
    }

    /// The film that they continue.
    pub fn set_video(mut self, video: Video) -> Self {
        self.source = self.source.set_video(video);
        self
    }

    /// Replaces all settings.
    pub fn set_config(mut self, config: GenerateVideosConfig) -> Self {
        self.config = config;
        self
    }

    /// Options of this call.
    pub fn with_options(mut self, options: CallOptions) -> Self {
        self.options = options;
        self
    }

    /// Starts the work and returns its first description.
    ///
    /// # Errors
    ///
    /// As [`Gemini::generate_videos`].
    pub async fn send(self) -> Result<Response<GenerateVideosOperation>, Error> {
        self.api
            .generate_videos(&self.model, &self.source, &self.config, &self.options)
            .await
    }

    /// Starts the work and returns what waits for its result.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn poller(self) -> Result<Poller<GenerateVideosOperation>, Error> {
        let api = self.api.clone();
        let begun = self.send().await?.into_body();
        Ok(Poller::new(api, begun))
    }
}
