//! Places of requests and answers as people write them: an address that says what it is.

use std::str::FromStr;

use super::{
    BatchJobDestination, BatchJobSource, EmbedContentBatch, EmbeddingsBatchJobSource,
    InlinedRequest, VertexMultimodalDatasetDestination,
};

/// The text is no place that a batch job can read from or write to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no place for a batch job; use {forms}")]
pub struct InvalidBatchPlace {
    text: String,
    forms: &'static str,
}

impl BatchJobSource {
    /// The requests themselves; developer API only.
    pub fn inlined(requests: impl IntoIterator<Item = InlinedRequest>) -> Self {
        Self::new().set_inlined_requests(requests)
    }

    /// An uploaded file of requests, `files/…`; developer API only.
    pub fn file(name: impl Into<String>) -> Self {
        Self::new().set_file_name(name)
    }

    /// A file of requests in Cloud Storage, `gs://…`, one JSON object a line; Vertex only.
    pub fn gcs(uri: impl Into<String>) -> Self {
        Self::new().set_format("jsonl").set_gcs_uri([uri.into()])
    }

    /// A table of requests, `bq://project.dataset.table`; Vertex only.
    pub fn bigquery(uri: impl Into<String>) -> Self {
        Self::new().set_format("bigquery").set_bigquery_uri(uri)
    }

    /// A multimodal dataset, `projects/…/locations/…/datasets/…`; Vertex only.
    pub fn dataset(name: impl Into<String>) -> Self {
        Self::new()
            .set_format("vertex-dataset")
            .set_vertex_dataset_name(name)
    }
}

impl FromStr for BatchJobSource {
    type Err = InvalidBatchPlace;

    /// Reads `gs://…`, `bq://…`, `files/…` or the full name of a dataset.
    fn from_str(text: &str) -> Result<Self, InvalidBatchPlace> {
        let parts: Vec<&str> = text.split('/').collect();
        if text.starts_with("gs://") {
            Ok(Self::gcs(text))
        } else if text.starts_with("bq://") {
            Ok(Self::bigquery(text))
        } else if matches!(
            parts.as_slice(),
            ["projects", _, "locations", _, "datasets", _]
        ) {
            Ok(Self::dataset(text))
        } else if text.starts_with("files/") {
            Ok(Self::file(text))
        } else {
            Err(InvalidBatchPlace {
                text: text.chars().take(256).collect(),
                forms: "gs://…, bq://…, files/… or projects/…/locations/…/datasets/…",
            })
        }
    }
}

impl From<Vec<InlinedRequest>> for BatchJobSource {
    fn from(requests: Vec<InlinedRequest>) -> Self {
        Self::inlined(requests)
    }
}

impl EmbeddingsBatchJobSource {
    /// An uploaded file of requests, `files/…`, one JSON object a line.
    pub fn file(name: impl Into<String>) -> Self {
        Self::new().set_file_name(name)
    }
}

impl From<EmbedContentBatch> for EmbeddingsBatchJobSource {
    fn from(batch: EmbedContentBatch) -> Self {
        Self::new().set_inlined_requests(batch)
    }
}

impl BatchJobDestination {
    /// A folder in Cloud Storage, `gs://…`; Vertex only.
    pub fn gcs(uri: impl Into<String>) -> Self {
        Self::new().set_format("jsonl").set_gcs_uri(uri)
    }

    /// A table, `bq://project.dataset.table`; Vertex only.
    pub fn bigquery(uri: impl Into<String>) -> Self {
        Self::new().set_format("bigquery").set_bigquery_uri(uri)
    }

    /// A new multimodal dataset; Vertex only.
    pub fn dataset(dataset: VertexMultimodalDatasetDestination) -> Self {
        Self::new()
            .set_format("vertex-dataset")
            .set_vertex_dataset(dataset)
    }
}

impl FromStr for BatchJobDestination {
    type Err = InvalidBatchPlace;

    /// Reads `gs://…` or `bq://…`.
    fn from_str(text: &str) -> Result<Self, InvalidBatchPlace> {
        if text.starts_with("gs://") {
            Ok(Self::gcs(text))
        } else if text.starts_with("bq://") {
            Ok(Self::bigquery(text))
        } else {
            Err(InvalidBatchPlace {
                text: text.chars().take(256).collect(),
                forms: "gs://… or bq://…",
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_say_what_they_are() {
        let source = |text: &str| text.parse::<BatchJobSource>();
        let dataset = "projects/p/locations/l/datasets/1";
        assert_eq!(source("gs://b/x").unwrap(), BatchJobSource::gcs("gs://b/x"));
        assert_eq!(
            source("bq://p.d.t").unwrap(),
            BatchJobSource::bigquery("bq://p.d.t")
        );
        assert_eq!(source("files/f").unwrap(), BatchJobSource::file("files/f"));
        assert_eq!(source(dataset).unwrap(), BatchJobSource::dataset(dataset));
        for text in ["", "http://x/y", "projects/p/datasets/1", "in.jsonl"] {
            let error = source(text).unwrap_err().to_string();
            assert!(error.contains("use gs://"), "{error}");
        }
        assert_eq!(
            "bq://t".parse::<BatchJobDestination>().unwrap(),
            BatchJobDestination::bigquery("bq://t")
        );
        assert!("files/f".parse::<BatchJobDestination>().is_err());
    }
}
