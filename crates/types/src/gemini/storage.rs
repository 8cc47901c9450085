//! Places in Google Cloud that jobs read from and write to.

wire! {
    /// Files in Cloud Storage.
    #[derive(Debug)]
    pub struct GcsSource {
        /// Their addresses, `gs://…`; may hold wildcards.
        pub uris: Vec<String>,
    }

    /// A folder in Cloud Storage.
    #[derive(Debug)]
    pub struct GcsDestination {
        /// Its address, `gs://…`.
        pub output_uri_prefix: Option<String>,
    }

    /// A table in BigQuery.
    #[derive(Debug)]
    pub struct BigQuerySource {
        /// Its address, `bq://project.dataset.table`.
        pub input_uri: Option<String>,
    }

    /// Where results were written.
    #[derive(Debug)]
    pub struct OutputInfo {
        /// The folder in Cloud Storage.
        pub gcs_output_directory: Option<String>,
    }
}
