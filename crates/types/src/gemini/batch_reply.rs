//! How the two services write a batch job, and how it becomes a [`BatchJob`].
//!
//! The developer API sends an operation whose metadata describe the batch; Vertex sends a
//! resource. One struct reads both, so that nothing has to be known of the sender.

use serde_json::{Map, Value};

use super::{
    BatchJob, BatchJobDestination, BatchJobOutputInfo, BatchJobSource, BigQuerySource,
    CompletionStats, GcsDestination, GcsSource, InlinedEmbedContentResponse, InlinedResponse,
    JobError, JobState, SingleEmbedContentResponse, VertexMultimodalDatasetDestination,
};
use crate::Timestamp;

wire! {
    /// A batch job as the services send it.
    #[derive(Debug)]
    pub struct BatchJobReply {
        /// Its name.
        pub name: Option<String>,
        /// The batch behind an operation of the developer API.
        pub metadata: Option<Box<BatchMetadata>>,
        /// True when an operation of the developer API has ended.
        pub done: Option<bool>,
        /// The output again, when an operation of the developer API has ended well.
        pub response: Option<Box<BatchOutput>>,
        /// Why the job failed.
        pub error: Option<Box<JobError>>,
        /// A name for people; Vertex.
        pub display_name: Option<String>,
        /// Where it is in its life; Vertex.
        pub state: Option<JobState>,
        /// When it was made; Vertex.
        pub create_time: Option<Timestamp>,
        /// When it began to run; Vertex.
        pub start_time: Option<Timestamp>,
        /// When it ended; Vertex.
        pub end_time: Option<Timestamp>,
        /// When it was changed last; Vertex.
        pub update_time: Option<Timestamp>,
        /// The model that answers; Vertex.
        pub model: Option<String>,
        /// Where the requests come from; Vertex.
        pub input_config: Option<Box<BatchInput>>,
        /// Where the answers go; Vertex.
        pub output_config: Option<Box<BatchOutput>>,
        /// How many requests were answered; Vertex.
        pub completion_stats: Option<Box<CompletionStats>>,
        /// What was written; Vertex.
        pub output_info: Option<Box<BatchJobOutputInfo>>,
    }

    /// The batch behind an operation of the developer API.
    #[derive(Debug)]
    pub struct BatchMetadata {
        /// Its name.
        pub name: Option<String>,
        /// A name for people.
        pub display_name: Option<String>,
        /// The model that answers.
        pub model: Option<String>,
        /// Where it is in its life, in the words `BATCH_STATE_…`.
        pub state: Option<String>,
        /// When it was made.
        pub create_time: Option<Timestamp>,
        /// When it ended.
        pub end_time: Option<Timestamp>,
        /// When it was changed last.
        pub update_time: Option<Timestamp>,
        /// How many requests were answered.
        pub batch_stats: Option<Box<BatchStats>>,
        /// The answers.
        pub output: Option<Box<BatchOutput>>,
    }

    /// How many requests of a batch were answered, on the developer API.
    #[derive(Debug)]
    pub struct BatchStats {
        /// All requests.
        pub request_count: Option<i64>,
        /// Requests that were answered.
        pub successful_request_count: Option<i64>,
        /// Requests that failed.
        pub failed_request_count: Option<i64>,
        /// Requests that are not answered yet.
        pub pending_request_count: Option<i64>,
    }

    /// Where requests come from, on Vertex.
    #[derive(Debug)]
    pub struct BatchInput {
        /// `jsonl`, `bigquery` or `vertex-dataset`.
        pub instances_format: Option<String>,
        /// Files in Cloud Storage.
        pub gcs_source: Option<Box<GcsSource>>,
        /// A table.
        pub bigquery_source: Option<Box<BigQuerySource>>,
        /// A multimodal dataset.
        pub vertex_multimodal_dataset_source: Option<Box<VertexMultimodalDatasetSource>>,
    }

    /// A multimodal dataset to read from.
    #[derive(Debug)]
    pub struct VertexMultimodalDatasetSource {
        /// Its full name.
        pub dataset_name: Option<String>,
    }

    /// A table to write to.
    #[derive(Debug)]
    pub struct BigQueryDestination {
        /// Its address, `bq://project.dataset.table`.
        pub output_uri: Option<String>,
    }

    /// Where answers are, on both services.
    #[derive(Debug)]
    pub struct BatchOutput {
        /// A file of answers; developer API.
        pub responses_file: Option<String>,
        /// The answers themselves; developer API.
        pub inlined_responses: Option<Box<InlinedResponses>>,
        /// The vectors themselves; developer API.
        pub inlined_embed_content_responses: Option<Box<InlinedEmbedContentResponses>>,
        /// `jsonl`, `bigquery` or `vertex-dataset`; Vertex.
        pub predictions_format: Option<String>,
        /// A folder in Cloud Storage; Vertex.
        pub gcs_destination: Option<Box<GcsDestination>>,
        /// A table; Vertex.
        pub bigquery_destination: Option<Box<BigQueryDestination>>,
        /// A multimodal dataset; Vertex.
        pub vertex_multimodal_dataset_destination: Option<Box<BatchDatasetDestination>>,
    }

    /// A multimodal dataset to be made, as Vertex writes it.
    #[derive(Debug)]
    pub struct BatchDatasetDestination {
        /// The table behind it.
        pub bigquery_destination: Option<Box<BigQueryDestination>>,
        /// A name for people.
        pub display_name: Option<String>,
    }

    /// A list of answers.
    #[derive(Debug)]
    pub struct InlinedResponses {
        /// The answers, in the order of the requests.
        pub inlined_responses: Vec<InlinedResponse>,
    }

    /// A list of vectors.
    #[derive(Debug)]
    pub struct InlinedEmbedContentResponses {
        /// The vectors, in the order of the content.
        pub inlined_responses: Vec<InlinedEmbedContentResponse>,
    }

    /// A page of batch jobs as the services send it.
    #[derive(Debug)]
    pub struct ListBatchJobsReply {
        /// The jobs; developer API.
        pub operations: Vec<BatchJobReply>,
        /// The jobs; Vertex.
        pub batch_prediction_jobs: Vec<BatchJobReply>,
        /// Asks for the next page; absent or empty on the last.
        pub next_page_token: Option<String>,
    }

    /// A page of batch jobs.
    #[derive(Debug)]
    pub struct ListBatchJobsResponse {
        /// The jobs.
        pub batch_jobs: Vec<BatchJob>,
        /// Asks for the next page; absent or empty on the last.
        pub next_page_token: Option<String>,
    }
}

impl From<BatchJobReply> for BatchJob {
    fn from(reply: BatchJobReply) -> Self {
        let mut job = Self {
            name: reply.name,
            display_name: reply.display_name,
            state: reply.state,
            error: reply.error,
            create_time: reply.create_time,
            start_time: reply.start_time,
            end_time: reply.end_time,
            update_time: reply.update_time,
            model: reply.model,
            src: reply.input_config.map(|input| Box::new((*input).into())),
            completion_stats: reply.completion_stats,
            output_info: reply.output_info,
            unknown_fields: reply.unknown_fields,
            ..Self::default()
        };
        let mut output = reply.output_config;
        if let Some(metadata) = reply.metadata {
            output = output.or(metadata.output);
            job.display_name = job.display_name.or(metadata.display_name);
            let state = metadata.state.as_deref();
            job.state = job.state.or(state.map(JobState::from_batch_state));
            job.create_time = job.create_time.or(metadata.create_time);
            job.end_time = job.end_time.or(metadata.end_time);
            job.update_time = job.update_time.or(metadata.update_time);
            job.model = job.model.or(metadata.model);
            let stats = metadata.batch_stats.map(|stats| (*stats).into());
            let stats = stats.filter(|stats| *stats != CompletionStats::default());
            job.completion_stats = job.completion_stats.or(stats.map(Box::new));
        }
        let output = output.or(reply.response);
        job.dest = output.map(|output| Box::new((*output).into()));
        job
    }
}

impl From<BatchStats> for CompletionStats {
    fn from(stats: BatchStats) -> Self {
        Self {
            failed_count: stats.failed_request_count,
            incomplete_count: stats.pending_request_count,
            successful_count: stats.successful_request_count,
            ..Self::default()
        }
    }
}

impl From<BatchInput> for BatchJobSource {
    fn from(input: BatchInput) -> Self {
        Self {
            format: input.instances_format,
            gcs_uri: input.gcs_source.map(|gcs| gcs.uris).unwrap_or_default(),
            bigquery_uri: input.bigquery_source.and_then(|table| table.input_uri),
            vertex_dataset_name: input
                .vertex_multimodal_dataset_source
                .and_then(|dataset| dataset.dataset_name),
            unknown_fields: input.unknown_fields,
            ..Self::default()
        }
    }
}

impl From<BatchOutput> for BatchJobDestination {
    fn from(output: BatchOutput) -> Self {
        let output = output.with_vectors_apart();
        Self {
            format: output.predictions_format,
            gcs_uri: output
                .gcs_destination
                .and_then(|folder| folder.output_uri_prefix),
            bigquery_uri: output
                .bigquery_destination
                .and_then(|table| table.output_uri),
            file_name: output.responses_file,
            inlined_responses: output
                .inlined_responses
                .map(|list| list.inlined_responses)
                .unwrap_or_default(),
            inlined_embed_content_responses: output
                .inlined_embed_content_responses
                .map(|list| list.inlined_responses)
                .unwrap_or_default(),
            vertex_dataset: output
                .vertex_multimodal_dataset_destination
                .map(|dataset| Box::new((*dataset).into())),
            unknown_fields: output.unknown_fields,
        }
    }
}

impl From<BatchDatasetDestination> for VertexMultimodalDatasetDestination {
    fn from(dataset: BatchDatasetDestination) -> Self {
        Self {
            bigquery_destination: dataset
                .bigquery_destination
                .and_then(|table| table.output_uri),
            display_name: dataset.display_name,
            unknown_fields: dataset.unknown_fields,
        }
    }
}

impl BatchOutput {
    /// Vectors under a name of their own: the developer API sends them as plain answers.
    ///
    /// They are told by the first answer that came with a response. An answer that turns out to be
    /// neither keeps everything among its unknown members.
    pub fn with_vectors_apart(mut self) -> Self {
        let answers = self.inlined_responses.as_deref();
        let answers = answers.map_or(&[][..], |list| &list.inlined_responses);
        let first = answers.iter().find_map(|answer| answer.response.as_ref());
        if first.is_some_and(|first| first.unknown_fields.get("embedding").is_some()) {
            let list = self.inlined_responses.take().unwrap_or_default();
            let vectors = list.inlined_responses.into_iter();
            let vectors = vectors.map(InlinedEmbedContentResponse::from);
            let vectors = InlinedEmbedContentResponses::new().set_inlined_responses(vectors);
            self.inlined_embed_content_responses = Some(Box::new(vectors));
        }
        self
    }
}

impl From<InlinedResponse> for InlinedEmbedContentResponse {
    fn from(answer: InlinedResponse) -> Self {
        let response = answer.response.map(|response| {
            let members = response.unknown_fields.iter();
            let members: Map<String, Value> = members
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect();
            serde_json::from_value(members.into()).unwrap_or_else(|_| SingleEmbedContentResponse {
                unknown_fields: response.unknown_fields,
                ..SingleEmbedContentResponse::default()
            })
        });
        Self {
            response: response.map(Box::new),
            error: answer.error,
            metadata: answer.metadata,
            unknown_fields: answer.unknown_fields,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn job(reply: Value) -> BatchJob {
        serde_json::from_value::<BatchJobReply>(reply)
            .unwrap()
            .into()
    }

    #[test]
    fn an_operation_becomes_a_job() {
        let job = job(json!({
            "name": "batches/b", "done": true, "error": {"code": 13, "message": "x"},
            "metadata": {
                "@type": "t", "model": "models/m", "displayName": "d", "state": "BATCH_STATE_FAILED",
                "createTime": "2025-01-02T03:04:05Z",
                "batchStats": {"requestCount": "3", "successfulRequestCount": "2"}
            }
        }));
        assert_eq!(job.name.as_deref(), Some("batches/b"));
        assert_eq!(job.model.as_deref(), Some("models/m"));
        assert_eq!(job.state, Some(JobState::Failed));
        assert!(job.is_done() && !job.has_succeeded());
        assert_eq!(job.error.unwrap().code, Some(13));
        assert_eq!(job.completion_stats.unwrap().successful_count, Some(2));
    }

    #[test]
    fn a_resource_becomes_a_job() {
        let job = job(json!({
            "name": "projects/p/locations/l/batchPredictionJobs/1", "state": "JOB_STATE_RUNNING",
            "inputConfig": {"instancesFormat": "jsonl", "gcsSource": {"uris": ["gs://b/in"]}},
            "outputConfig": {"vertexMultimodalDatasetDestination": {
                "bigqueryDestination": {"outputUri": "bq://t"}, "displayName": "d"}},
            "modelVersionId": "1"
        }));
        assert_eq!(job.src.as_ref().unwrap().gcs_uri, ["gs://b/in"]);
        let dataset = job.dest.as_ref().unwrap().vertex_dataset.as_ref().unwrap();
        assert_eq!(dataset.bigquery_destination.as_deref(), Some("bq://t"));
        assert_eq!(job.unknown_fields.get("modelVersionId"), Some(&json!("1")));
        assert!(!job.is_done());
    }

    #[test]
    fn answers_and_vectors_are_told_apart() {
        let output = |responses: Value| {
            let list = json!({"inlinedResponses": {"inlinedResponses": responses}});
            let dest = job(json!({"metadata": {"output": list}})).dest.unwrap();
            (dest.inlined_responses, dest.inlined_embed_content_responses)
        };
        let (answers, vectors) = output(json!([
            {"response": {"modelVersion": "m"}, "metadata": {"key": "k", "number": 1}},
            {"error": {"code": 3, "details": [{"@type": "x"}]}}
        ]));
        assert_eq!((answers.len(), vectors.len()), (2, 0));
        let error = answers[1].error.as_ref().unwrap();
        assert_eq!(error.details, [json!({"@type": "x"})]);

        let (answers, vectors) = output(json!([
            {"error": {"code": 3}},
            {"response": {"embedding": {"values": [0.5]}, "tokenCount": "4"}}
        ]));
        assert_eq!((answers.len(), vectors.len()), (0, 2));
        let vector = vectors[1].response.as_ref().unwrap();
        assert_eq!(vector.embedding.as_ref().unwrap().values, [0.5]);
        assert_eq!(vector.token_count, Some(4));
    }

    #[test]
    fn an_odd_vector_loses_nothing() {
        let odd: InlinedResponse =
            serde_json::from_value(json!({"response": {"embedding": 3}})).unwrap();
        let kept = InlinedEmbedContentResponse::from(odd).response.unwrap();
        assert_eq!(kept.unknown_fields.get("embedding"), Some(&json!(3)));
    }
}
