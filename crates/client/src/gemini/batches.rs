//! Calls on batch jobs.

use gimmal_api::gemini::{Gemini, ListBatches};
use gimmal_api::{Pager, Poller};
use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::gemini::{
    BatchJob, BatchJobDestination, BatchJobSource, CreateBatchJobConfig,
    CreateEmbeddingsBatchJobConfig, DeleteResourceJob, EmbeddingsBatchJobSource, WebhookConfig,
};

/// The group of calls on batch jobs: many requests at once, at a lower price, answered within a
/// day.
#[derive(Clone, Debug)]
pub struct Batches {
    api: Gemini,
}

impl Batches {
    pub(super) fn new(api: Gemini) -> Self {
        Self { api }
    }

    /// Creates a batch job for a model.
    ///
    /// The requests stand in place or in an uploaded file on the developer API, and in Cloud
    /// Storage, BigQuery or a dataset on Vertex. [`Batches::get`] tells how far the job is.
    ///
    /// ```no_run
    /// # async fn run(client: gimmal_client::gemini::GeminiClient) -> Result<(), Box<dyn std::error::Error>> {
    /// use gimmal_client::types::gemini::{BatchJobSource, InlinedRequest};
    ///
    /// let question = |text: &str| {
    ///     InlinedRequest::new().set_contents([text]).set_metadata([("key", text)])
    /// };
    /// let src = BatchJobSource::inlined([question("What is a gimmal?"), question("And a ring?")]);
    /// let job = client.batches().create("gemini-2.5-flash", src).send().await?.into_body();
    ///
    /// // On Vertex the requests are elsewhere.
    /// let src: BatchJobSource = "gs://bucket/questions.jsonl".parse()?;
    /// client.batches().create("gemini-2.5-flash", src).set_display_name("rings").send().await?;
    /// # Ok(()) }
    /// ```
    pub fn create(&self, model: impl Into<String>, src: impl Into<BatchJobSource>) -> CreateBatch {
        CreateBatch {
            api: self.api.clone(),
            model: model.into(),
            src: src.into(),
            config: CreateBatchJobConfig::new(),
            options: CallOptions::default(),
        }
    }

    /// Creates a batch job that embeds content; developer API only.
    pub fn create_embeddings(
        &self,
        model: impl Into<String>,
        src: impl Into<EmbeddingsBatchJobSource>,
    ) -> CreateEmbeddingsBatch {
        CreateEmbeddingsBatch {
            api: self.api.clone(),
            model: model.into(),
            src: src.into(),
            config: CreateEmbeddingsBatchJobConfig::new(),
            options: CallOptions::default(),
        }
    }

    /// Describes a batch job.
    pub fn get(&self, name: impl Into<String>) -> GetBatch {
        GetBatch::new(&self.api, name)
    }

    /// Waits for a batch job, which may have been created by another process.
    ///
    /// A job that ended with a part of its answers came to a good end; what failed stands among
    /// them. Of a job that expired or was cancelled, [`Batches::get`] tells what was answered.
    ///
    /// ```no_run
    /// # async fn run(client: gimmal_client::gemini::GeminiClient) -> Result<(), gimmal_client::Error> {
    /// let job = client.batches().poller("batches/123").await?;
    /// println!("{:?}", job.completion_stats);
    /// # Ok(()) }
    /// ```
    pub fn poller(&self, name: impl Into<String>) -> Poller<BatchJob> {
        self.api.poller(name)
    }

    /// Lists the batch jobs.
    pub fn list(&self) -> ListBatchesCall {
        ListBatchesCall {
            api: self.api.clone(),
            list: ListBatches::default(),
            options: CallOptions::default(),
        }
    }

    /// Stops a batch job; what is answered by then is kept.
    pub fn cancel(&self, name: impl Into<String>) -> CancelBatch {
        CancelBatch::new(&self.api, name)
    }

    /// Deletes a batch job.
    pub fn delete(&self, name: impl Into<String>) -> DeleteBatch {
        DeleteBatch::new(&self.api, name)
    }
}

/// A call that creates a batch job, in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send` or `poller`"]
pub struct CreateBatch {
    api: Gemini,
    model: String,
    src: BatchJobSource,
    config: CreateBatchJobConfig,
    options: CallOptions,
}

impl CreateBatch {
    /// Replaces all settings.
    pub fn set_config(mut self, config: CreateBatchJobConfig) -> Self {
        self.config = config;
        self
    }

    /// A name for people; on Vertex one is made up otherwise.
    pub fn set_display_name(mut self, name: impl Into<String>) -> Self {
        self.config = self.config.set_display_name(name);
        self
    }

    /// Where the answers go; Vertex only. Otherwise they go beside the requests.
    pub fn set_dest(mut self, dest: BatchJobDestination) -> Self {
        self.config = self.config.set_dest(dest);
        self
    }

    /// Who is told of the end; developer API only.
    pub fn set_webhook_config(mut self, config: WebhookConfig) -> Self {
        self.config = self.config.set_webhook_config(config);
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
    /// As [`Gemini::create_batch`].
    pub async fn send(self) -> Result<Response<BatchJob>, Error> {
        self.api
            .create_batch(&self.model, &self.src, &self.config, &self.options)
            .await
    }

    /// Creates the job and returns what waits for its end.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn poller(self) -> Result<Poller<BatchJob>, Error> {
        let api = self.api.clone();
        Ok(Poller::new(api, self.send().await?.into_body()))
    }
}

/// A call that creates a batch job for embeddings, in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before `send` or `poller`"]
pub struct CreateEmbeddingsBatch {
    api: Gemini,
    model: String,
    src: EmbeddingsBatchJobSource,
    config: CreateEmbeddingsBatchJobConfig,
    options: CallOptions,
}

impl CreateEmbeddingsBatch {
    /// Replaces all settings.
    pub fn set_config(mut self, config: CreateEmbeddingsBatchJobConfig) -> Self {
        self.config = config;
        self
    }

    /// A name for people.
    pub fn set_display_name(mut self, name: impl Into<String>) -> Self {
        self.config = self.config.set_display_name(name);
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
    /// As [`Gemini::create_embeddings_batch`].
    pub async fn send(self) -> Result<Response<BatchJob>, Error> {
        self.api
            .create_embeddings_batch(&self.model, &self.src, &self.config, &self.options)
            .await
    }

    /// Creates the job and returns what waits for its end.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send).
    pub async fn poller(self) -> Result<Poller<BatchJob>, Error> {
        let api = self.api.clone();
        Ok(Poller::new(api, self.send().await?.into_body()))
    }
}

named_calls! {
    /// A call that describes a batch job, in the making.
    pub struct GetBatch(get_batch) -> BatchJob;

    /// A call that stops a batch job, in the making.
    pub struct CancelBatch(cancel_batch) -> ();

    /// A call that deletes a batch job, in the making.
    pub struct DeleteBatch(delete_batch) -> DeleteResourceJob;
}

/// A call for a list of batch jobs in the making.
#[derive(Clone, Debug)]
#[must_use = "nothing is sent before the items are read"]
pub struct ListBatchesCall {
    api: Gemini,
    list: ListBatches,
    options: CallOptions,
}

paged!(ListBatchesCall);

impl ListBatchesCall {
    /// A condition, in the service's filter language; Vertex only.
    pub fn set_filter(mut self, filter: impl Into<String>) -> Self {
        self.list.filter = Some(filter.into());
        self
    }

    /// The jobs, one by one; [`Pager::pages`] gives them by page.
    pub fn items(self) -> Pager<BatchJob> {
        self.api.list_batches(self.list, self.options)
    }
}
