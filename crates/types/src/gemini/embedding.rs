//! Embeddings: content as a list of numbers, near to each other when the meaning is.

use super::{ModalityTokenCount, UsageMetadata};

wire! {
    /// How content is embedded.
    pub struct EmbedContentConfig {
        /// What the numbers are for, such as `RETRIEVAL_DOCUMENT` or `CLUSTERING`.
        pub task_type: Option<String>,
        /// Title of the document; for `RETRIEVAL_DOCUMENT`.
        pub title: Option<String>,
        /// How many numbers, when not all.
        pub output_dimensionality: Option<i32>,
        /// Media type of the content; Vertex only.
        pub mime_type: Option<String>,
        /// Cut content that is too long instead of failing; Vertex only.
        pub auto_truncate: Option<bool>,
        /// Read text in documents; Vertex only.
        pub document_ocr: Option<bool>,
        /// Use the sound of films; Vertex only.
        pub audio_track_extraction: Option<bool>,
    }

    /// The embedding of one content.
    #[derive(Debug)]
    pub struct ContentEmbedding {
        /// The numbers.
        pub values: Vec<f64>,
        /// What was counted on the way; Vertex only.
        pub statistics: Option<Box<ContentEmbeddingStatistics>>,
    }

    /// What was counted while embedding one content.
    #[derive(Debug)]
    pub struct ContentEmbeddingStatistics {
        /// True when content was too long and was cut.
        pub truncated: Option<bool>,
        /// Its tokens.
        pub token_count: Option<f64>,
        /// Its tokens by kind of input.
        pub tokens_details: Vec<ModalityTokenCount>,
    }

    /// What a whole request amounts to.
    #[derive(Debug)]
    pub struct EmbedContentMetadata {
        /// Characters billed; Vertex only.
        pub billable_character_count: Option<i32>,
    }

    /// What `embed_content` returns.
    #[derive(Debug)]
    pub struct EmbedContentResponse {
        /// The embeddings, in the order of the contents.
        pub embeddings: Vec<ContentEmbedding>,
        /// What the request amounts to; Vertex only.
        pub metadata: Option<Box<EmbedContentMetadata>>,
        /// True when content was too long and was cut; Vertex only.
        pub truncated: Option<bool>,
        /// Tokens of the request.
        pub usage_metadata: Option<Box<UsageMetadata>>,
    }

    /// How the services really answer: one shape for each of the three endpoints.
    #[derive(Debug)]
    pub struct EmbedContentReply {
        /// Of `batchEmbedContents`.
        pub embeddings: Vec<ContentEmbedding>,
        /// Of `embedContent`.
        pub embedding: Option<Box<ContentEmbedding>>,
        /// Of `predict`.
        pub predictions: Vec<EmbeddingPrediction>,
        /// What the request amounts to.
        pub metadata: Option<Box<EmbedContentMetadata>>,
        /// True when content was too long and was cut.
        pub truncated: Option<bool>,
        /// Tokens of the request.
        pub usage_metadata: Option<Box<UsageMetadata>>,
    }

    /// One embedding as `predict` answers it.
    #[derive(Debug)]
    pub struct EmbeddingPrediction {
        /// The embedding.
        pub embeddings: Option<Box<ContentEmbedding>>,
    }
}

open_enum! {
    /// The endpoints of Vertex that embed.
    pub enum EmbeddingApiType {
        /// `predict`, for text models.
        Predict = "PREDICT",
        /// `embedContent`, for one content.
        EmbedContent = "EMBED_CONTENT",
        /// `batchEmbedContents`, for several.
        BatchEmbedContents = "BATCH_EMBED_CONTENTS",
    }
}

impl From<EmbedContentReply> for EmbedContentResponse {
    /// A single embedding is told about beside it; several have their own statistics.
    fn from(reply: EmbedContentReply) -> Self {
        let mut embeddings = reply.embeddings;
        if let Some(mut single) = reply.embedding {
            let usage = reply.usage_metadata.as_deref();
            let statistics = ContentEmbeddingStatistics {
                truncated: reply.truncated.filter(|truncated| *truncated),
                token_count: usage
                    .and_then(|usage| usage.prompt_token_count)
                    .map(f64::from),
                tokens_details: usage
                    .map(|usage| usage.prompt_tokens_details.clone())
                    .unwrap_or_default(),
                ..ContentEmbeddingStatistics::default()
            };
            if single.statistics.is_none() && statistics != ContentEmbeddingStatistics::default() {
                single.statistics = Some(Box::new(statistics));
            }
            embeddings.push(*single);
        }
        let predictions = reply.predictions.into_iter();
        embeddings
            .extend(predictions.map(|one| one.embeddings.map(|one| *one).unwrap_or_default()));
        Self {
            embeddings,
            metadata: reply.metadata,
            truncated: reply.truncated,
            usage_metadata: reply.usage_metadata,
            unknown_fields: reply.unknown_fields,
        }
    }
}
