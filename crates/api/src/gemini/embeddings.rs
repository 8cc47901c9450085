//! `embed_content`: four endpoints behind one call. Which of them answers depends on the backend,
//! the model and the number of contents; the caller does not see it.

use gimmal_transport::{CallOptions, Error, Idempotency, Request, Response};
use gimmal_types::gemini::{
    Content, EmbedContentConfig, EmbedContentReply, EmbedContentResponse, EmbeddingApiType,
};
use http::Method;

use super::mapping::Body;
use super::names::model_path;
use super::requests::call_url;
use super::{Backend, Endpoint, Gemini, attributes, fields};

table! {
    /// On the developer API every content has its own settings.
    GEMINI_API of "EmbedContentConfig" {
        "task_type" => "requests[].taskType",
        "title" => "requests[].title",
        "output_dimensionality" => "requests[].outputDimensionality",
    }
}

table! {
    /// The service spells one of the members of an instance in snake_case.
    PREDICT of "EmbedContentConfig" {
        "task_type" => "instances[].task_type",
        "title" => "instances[].title",
        "output_dimensionality" => "parameters.outputDimensionality",
        "mime_type" => "instances[].mimeType",
        "auto_truncate" => "parameters.autoTruncate",
    }
}

table! {
    EMBED_CONTENT of "EmbedContentConfig" {
        "task_type" => "embedContentConfig.taskType",
        "title" => "embedContentConfig.title",
        "output_dimensionality" => "embedContentConfig.outputDimensionality",
        "auto_truncate" => "embedContentConfig.autoTruncate",
        "document_ocr" => "embedContentConfig.documentOcr",
        "audio_track_extraction" => "embedContentConfig.audioTrackExtraction",
    }
}

table! {
    BATCH_EMBED_CONTENTS of "EmbedContentConfig" {
        "task_type" => "requests[].embedContentConfig.taskType",
        "title" => "requests[].embedContentConfig.title",
        "output_dimensionality" => "requests[].embedContentConfig.outputDimensionality",
        "auto_truncate" => "requests[].embedContentConfig.autoTruncate",
        "document_ocr" => "requests[].embedContentConfig.documentOcr",
        "audio_track_extraction" => "requests[].embedContentConfig.audioTrackExtraction",
    }
}

/// True for embedding models that take pictures, sound and films beside text.
///
/// ```
/// use gimmal_api::gemini::embeds_media;
///
/// assert!(embeds_media("gemini-embedding-2"));
/// assert!(!embeds_media("publishers/google/models/gemini-embedding-001"));
/// ```
pub fn embeds_media(model: &str) -> bool {
    let name = last_segment(model);
    let text_only = ["gemini-embedding-001", "gemini-embedding-exp"];
    name.contains("gemini") && !text_only.iter().any(|prefix| name.starts_with(prefix))
}

/// True for models of other makers that Vertex hosts ("model as a service"); they embed one
/// content a request.
pub fn is_hosted_model(model: &str) -> bool {
    last_segment(model).contains("maas")
}

/// Which endpoint of Vertex embeds this many contents with this model.
///
/// # Errors
///
/// Fails when the model embeds one content a request and there are more.
pub fn embedding_api(model: &str, contents: usize) -> Result<EmbeddingApiType, Error> {
    if !(last_segment(model).contains("gemini") || is_hosted_model(model)) {
        return Ok(EmbeddingApiType::Predict);
    }
    match contents {
        0 | 1 => Ok(EmbeddingApiType::EmbedContent),
        _ if is_hosted_model(model) => Err(Error::invalid(
            "contents",
            "must be one content for this model; make a call for each",
        )),
        _ => Ok(EmbeddingApiType::BatchEmbedContents),
    }
}

fn last_segment(model: &str) -> &str {
    model.rsplit('/').next().unwrap_or(model)
}

/// Builds the request that embeds contents.
///
/// # Errors
///
/// Fails on a bad model name, without contents, on fields the backend does not have, on several
/// contents for a model that takes one, and on content that is no text for a model of text.
pub fn embed_content(
    endpoint: &Endpoint,
    model: &str,
    contents: &[Content],
    config: &EmbedContentConfig,
) -> Result<Request, Error> {
    fields::check(endpoint.backend(), config)?;
    if contents.is_empty() {
        return Err(Error::invalid("contents", "must not be empty"));
    }
    let (call, body) = match endpoint.backend() {
        Backend::GeminiApi => {
            let name = model_path(endpoint.backend(), model)?;
            let mut body = Body::default();
            body.add_list("requests", contents.iter().map(content_alone));
            body.set("requests[].model", name);
            body.route(&GEMINI_API, config);
            ("batchEmbedContents", body)
        }
        Backend::Vertex => on_vertex(model, contents, config)?,
    };
    Ok(Request::new(Method::POST, call_url(endpoint, model, call)?)
        .with_json_body(body.into_bytes()?)
        .with_idempotency(Idempotency::Idempotent)
        .with_attributes(attributes::call(endpoint, "embeddings", model)))
}

fn content_alone(content: &Content) -> Body<'_> {
    let mut body = Body::default();
    body.add("content", content);
    body
}

fn on_vertex<'a>(
    model: &str,
    contents: &'a [Content],
    config: &'a EmbedContentConfig,
) -> Result<(&'static str, Body<'a>), Error> {
    for content in contents {
        fields::check(Backend::Vertex, content)?;
    }
    let mut body = Body::default();
    let (call, table) = match embedding_api(model, contents.len())? {
        EmbeddingApiType::EmbedContent => {
            body.add("content", &contents[0]);
            ("embedContent", &EMBED_CONTENT)
        }
        EmbeddingApiType::BatchEmbedContents => {
            body.add_list("requests", contents.iter().map(content_alone));
            ("batchEmbedContents", &BATCH_EMBED_CONTENTS)
        }
        _ => {
            body.add_list("instances", instances(contents)?);
            ("predict", &PREDICT)
        }
    };
    body.route(table, config);
    Ok((call, body))
}

/// One instance for each text; these models know no turns.
fn instances(contents: &[Content]) -> Result<Vec<Body<'_>>, Error> {
    let parts = contents.iter().flat_map(|content| &content.parts);
    let instances = parts.map(|part| match &part.text {
        Some(text) => {
            let mut body = Body::default();
            body.add("content", text);
            Ok(body)
        }
        None => Err(Error::invalid(
            "contents",
            "must hold texts only for this model; others, such as gemini-embedding-2, take media",
        )),
    });
    instances.collect()
}

impl Gemini {
    /// Embeds contents: one embedding for each, in their order.
    ///
    /// Route: POST {model}:batchEmbedContents
    /// Route: POST {model}:embedContent
    /// Route: POST {model}:predict
    ///
    /// # Errors
    ///
    /// Fails before sending as [`requests::embed_content`](super::requests::embed_content);
    /// otherwise as the transport does.
    pub async fn embed_content(
        &self,
        model: &str,
        contents: &[Content],
        config: &EmbedContentConfig,
        options: &CallOptions,
    ) -> Result<Response<EmbedContentResponse>, Error> {
        let request = embed_content(self.endpoint(), model, contents, config)?;
        let reply = self
            .transport()
            .send_json::<EmbedContentReply>(request, options)
            .await?;
        if let Some(used) = reply.body().usage_metadata.as_deref() {
            reply.recorder().record(attributes::usage(used));
        }
        Ok(reply.map(Into::into))
    }
}
