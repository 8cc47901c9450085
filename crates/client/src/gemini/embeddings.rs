//! Calls that turn content into numbers: embeddings and tokens.

use gimmal_api::gemini::Gemini;
use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::gemini::{
    ComputeTokensRequest, ComputeTokensResponse, Content, EmbedContentConfig, EmbedContentResponse,
};

use super::Models;

impl Models {
    /// Embeds contents: one embedding for each.
    ///
    /// ```no_run
    /// # async fn run(client: gimmal_client::gemini::GeminiClient) -> Result<(), gimmal_client::Error> {
    /// let reply = client
    ///     .models()
    ///     .embed_content("gemini-embedding-001")
    ///     .set_contents(["What is a gimmal?", "A ring of two rings."])
    ///     .set_output_dimensionality(256)
    ///     .send()
    ///     .await?;
    /// assert_eq!(reply.body().embeddings.len(), 2);
    /// # Ok(()) }
    /// ```
    pub fn embed_content(&self, model: impl Into<String>) -> EmbedContent {
        EmbedContent {
            api: self.api.clone(),
            model: model.into(),
            contents: Vec::new(),
            config: EmbedContentConfig::new(),
            options: CallOptions::default(),
        }
    }

    /// Takes content apart into tokens, free of charge. Vertex only.
    pub fn compute_tokens(&self, model: impl Into<String>) -> ComputeTokens {
        ComputeTokens {
            api: self.api.clone(),
            model: model.into(),
            request: ComputeTokensRequest::new(),
            options: CallOptions::default(),
        }
    }
}

/// An embedding call in the making.
#[derive(Clone)]
#[must_use = "nothing is sent before `send`"]
pub struct EmbedContent {
    api: Gemini,
    model: String,
    contents: Vec<Content>,
    config: EmbedContentConfig,
    options: CallOptions,
}

impl EmbedContent {
    /// What to embed. Each content gets one embedding; put parts that belong together, such as a
    /// picture and its caption, into one content.
    pub fn set_contents<C: Into<Content>>(mut self, contents: impl IntoIterator<Item = C>) -> Self {
        self.contents = contents.into_iter().map(Into::into).collect();
        self
    }

    /// Replaces all settings.
    pub fn set_config(mut self, config: EmbedContentConfig) -> Self {
        self.config = config;
        self
    }

    /// What the numbers are for, such as `RETRIEVAL_QUERY`.
    pub fn set_task_type(mut self, task_type: impl Into<String>) -> Self {
        self.config = self.config.set_task_type(task_type);
        self
    }

    /// How many numbers, when not all.
    pub fn set_output_dimensionality(mut self, count: i32) -> Self {
        self.config = self.config.set_output_dimensionality(count);
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
    /// As [`Gemini::embed_content`].
    pub async fn send(self) -> Result<Response<EmbedContentResponse>, Error> {
        self.api
            .embed_content(&self.model, &self.contents, &self.config, &self.options)
            .await
    }
}

/// Shows no content.
impl std::fmt::Debug for EmbedContent {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("EmbedContent")
            .field("model", &self.model)
            .field("contents", &self.contents.len())
            .field("config", &self.config)
            .finish_non_exhaustive()
    }
}

/// A `computeTokens` call in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct ComputeTokens {
    api: Gemini,
    model: String,
    request: ComputeTokensRequest,
    options: CallOptions,
}

impl ComputeTokens {
    /// The content to take apart; texts become turns of the user's.
    pub fn set_contents<C: Into<Content>>(mut self, contents: impl IntoIterator<Item = C>) -> Self {
        self.request = self.request.set_contents(contents);
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
    /// As [`Gemini::compute_tokens`].
    pub async fn send(self) -> Result<Response<ComputeTokensResponse>, Error> {
        self.api
            .compute_tokens(&self.model, &self.request, &self.options)
            .await
    }
}
