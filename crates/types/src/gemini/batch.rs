//! Batch jobs: many requests at once, at a lower price and with more patience.
//!
//! What is here is the public form, the same for both services; how the services themselves write
//! a job is in `batch_reply`.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{
    Content, ContentEmbedding, EmbedContentConfig, GenerateContentConfig, GenerateContentResponse,
    JobError, JobState, WebhookConfig,
};
use crate::Timestamp;

wire! {
    /// A batch job.
    #[derive(Debug)]
    pub struct BatchJob {
        /// Its name: `batches/…`, or on Vertex `projects/…/batchPredictionJobs/…`.
        pub name: Option<String>,
        /// A name for people.
        pub display_name: Option<String>,
        /// Where it is in its life.
        pub state: Option<JobState>,
        /// Why it failed.
        pub error: Option<Box<JobError>>,
        /// When it was made.
        pub create_time: Option<Timestamp>,
        /// When it began to run; Vertex only.
        pub start_time: Option<Timestamp>,
        /// When it ended.
        pub end_time: Option<Timestamp>,
        /// When it was changed last.
        pub update_time: Option<Timestamp>,
        /// The model that answers.
        pub model: Option<String>,
        /// Where the requests come from; Vertex only.
        pub src: Option<Box<BatchJobSource>>,
        /// Where the answers are.
        pub dest: Option<Box<BatchJobDestination>>,
        /// How many requests were answered so far.
        pub completion_stats: Option<Box<CompletionStats>>,
        /// What was written so far; Vertex only.
        pub output_info: Option<Box<BatchJobOutputInfo>>,
    }

    /// Where the requests of a batch job come from: exactly one of the places.
    #[derive(Debug)]
    pub struct BatchJobSource {
        /// `jsonl`, `bigquery` or `vertex-dataset`; Vertex only.
        pub format: Option<String>,
        /// Files in Cloud Storage, `gs://…`; Vertex only.
        pub gcs_uri: Vec<String>,
        /// A table, `bq://project.dataset.table`; Vertex only.
        pub bigquery_uri: Option<String>,
        /// An uploaded file of requests, `files/…`, one JSON object a line; developer API only.
        pub file_name: Option<String>,
        /// The requests themselves, 20 MB at most; developer API only.
        pub inlined_requests: Vec<InlinedRequest>,
        /// A multimodal dataset, `projects/…/locations/…/datasets/…`; Vertex only.
        pub vertex_dataset_name: Option<String>,
    }

    /// Where the answers of a batch job go.
    #[derive(Debug)]
    pub struct BatchJobDestination {
        /// `jsonl`, `bigquery` or `vertex-dataset`; Vertex only.
        pub format: Option<String>,
        /// A folder in Cloud Storage, `gs://…`; Vertex only.
        pub gcs_uri: Option<String>,
        /// A table, `bq://project.dataset.table`; Vertex only.
        pub bigquery_uri: Option<String>,
        /// A file of answers, `files/…`, one JSON object a line; developer API only, in replies.
        pub file_name: Option<String>,
        /// The answers to inlined requests, in their order; developer API only, in replies.
        pub inlined_responses: Vec<InlinedResponse>,
        /// The same for embeddings; developer API only, in replies.
        pub inlined_embed_content_responses: Vec<InlinedEmbedContentResponse>,
        /// A new multimodal dataset; Vertex only.
        pub vertex_dataset: Option<Box<VertexMultimodalDatasetDestination>>,
    }

    /// A multimodal dataset to be made.
    #[derive(Debug)]
    pub struct VertexMultimodalDatasetDestination {
        /// The table behind it, `bq://project.dataset.table`; the service chooses when absent.
        pub bigquery_destination: Option<String>,
        /// A name for people.
        pub display_name: Option<String>,
    }

    /// What a batch job wrote; Vertex only.
    #[derive(Debug)]
    pub struct BatchJobOutputInfo {
        /// The dataset that was made.
        pub vertex_multimodal_dataset_name: Option<String>,
        /// The folder in Cloud Storage, `gs://…`.
        pub gcs_output_directory: Option<String>,
        /// The table in BigQuery, by its name within the dataset.
        pub bigquery_output_table: Option<String>,
    }

    /// How many requests of a batch job were answered.
    #[derive(Debug)]
    pub struct CompletionStats {
        /// Requests that failed.
        pub failed_count: Option<i64>,
        /// Requests that are not answered yet; -1 when the service cannot tell.
        pub incomplete_count: Option<i64>,
        /// Requests that were answered.
        pub successful_count: Option<i64>,
        /// Points of answered forecasts; Vertex only.
        pub successful_forecast_point_count: Option<i64>,
    }

    /// What a batch job is made with, besides its model and its requests.
    #[derive(Debug)]
    pub struct CreateBatchJobConfig {
        /// A name for people; on Vertex one is made up when absent.
        pub display_name: Option<String>,
        /// Where the answers go; Vertex only.
        pub dest: Option<Box<BatchJobDestination>>,
        /// Who is told of the end; developer API only.
        pub webhook_config: Option<Box<WebhookConfig>>,
    }

    /// What a batch job for embeddings is made with, besides its model and its content.
    #[derive(Debug)]
    pub struct CreateEmbeddingsBatchJobConfig {
        /// A name for people.
        pub display_name: Option<String>,
    }

    /// One request of a batch.
    pub struct InlinedRequest {
        /// The model that answers, when it is not the model of the batch.
        pub model: Option<String>,
        /// The conversation; the last turn is answered.
        pub contents: Vec<Content>,
        /// Repeated in the answer, to tell the answers apart.
        pub metadata: BTreeMap<String, String>,
        /// Everything else about the request.
        pub config: Option<Box<GenerateContentConfig>>,
    }

    /// The answer to one request of a batch: a response or an error.
    #[derive(Debug)]
    pub struct InlinedResponse {
        /// The response.
        pub response: Option<Box<GenerateContentResponse>>,
        /// What the request said of itself.
        pub metadata: Option<Map<String, Value>>,
        /// Why there is no response.
        pub error: Option<Box<JobError>>,
    }

    /// The answer to one content of a batch for embeddings: a vector or an error.
    #[derive(Debug)]
    pub struct InlinedEmbedContentResponse {
        /// The vector.
        pub response: Option<Box<SingleEmbedContentResponse>>,
        /// Why there is none.
        pub error: Option<Box<JobError>>,
        /// What the request said of itself.
        pub metadata: Option<Map<String, Value>>,
    }

    /// One vector and what it cost.
    #[derive(Debug)]
    pub struct SingleEmbedContentResponse {
        /// The vector.
        pub embedding: Option<Box<ContentEmbedding>>,
        /// Tokens of the input.
        pub token_count: Option<i64>,
    }

    /// Where the content of a batch job for embeddings comes from: exactly one of the two.
    #[derive(Debug)]
    pub struct EmbeddingsBatchJobSource {
        /// An uploaded file of requests, `files/…`, one JSON object a line.
        pub file_name: Option<String>,
        /// The content itself.
        pub inlined_requests: Option<Box<EmbedContentBatch>>,
    }

    /// Content to be embedded, each for itself, in one way.
    pub struct EmbedContentBatch {
        /// The content; each becomes one vector.
        pub contents: Vec<Content>,
        /// How it is embedded.
        pub config: Option<Box<EmbedContentConfig>>,
    }
}

impl BatchJob {
    /// True when the job will not change any more, however it ended.
    pub fn is_done(&self) -> bool {
        self.state.as_ref().is_some_and(JobState::is_ended)
    }

    /// True when the job ended with everything it was asked for.
    pub fn has_succeeded(&self) -> bool {
        self.state.as_ref().is_some_and(JobState::is_succeeded)
    }
}
