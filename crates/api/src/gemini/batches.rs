//! Batch jobs: create, get, list, cancel, delete.

use std::sync::Arc;

use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::gemini::{
    BatchJob, BatchJobReply, BatchJobSource, CreateBatchJobConfig, CreateEmbeddingsBatchJobConfig,
    DeleteResourceJob, EmbeddingsBatchJobSource,
};

use super::{Gemini, requests};
use crate::Pager;

/// What the list of batch jobs takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListBatches {
    /// A condition, in the service's filter language; Vertex only.
    pub filter: Option<String>,
    /// Most jobs in a page; the service decides when absent.
    pub page_size: Option<i32>,
    /// Where to start, from an earlier page.
    pub page_token: Option<String>,
}

impl Gemini {
    /// Creates a batch job. It is billed as its requests are answered, also when it is not asked
    /// for any more.
    ///
    /// Route: POST {model}:batchGenerateContent
    /// Route: POST batchPredictionJobs
    ///
    /// # Errors
    ///
    /// Fails before sending on a bad model or cache name, on fields the backend does not have, and
    /// unless exactly one source is set; otherwise as the transport does.
    pub async fn create_batch(
        &self,
        model: &str,
        src: &BatchJobSource,
        config: &CreateBatchJobConfig,
        options: &CallOptions,
    ) -> Result<Response<BatchJob>, Error> {
        let now = self.transport().clock().system_now();
        let request = requests::create_batch(self.endpoint(), model, src, config, now)?;
        self.batch_job(request, options).await
    }

    /// Creates a batch job for embeddings; developer API only.
    ///
    /// Route: POST {model}:asyncBatchEmbedContent
    ///
    /// # Errors
    ///
    /// Fails before sending on Vertex, on a bad model name, and unless exactly one source is set;
    /// otherwise as the transport does.
    pub async fn create_embeddings_batch(
        &self,
        model: &str,
        src: &EmbeddingsBatchJobSource,
        config: &CreateEmbeddingsBatchJobConfig,
        options: &CallOptions,
    ) -> Result<Response<BatchJob>, Error> {
        let request = requests::create_embeddings_batch(self.endpoint(), model, src, config)?;
        self.batch_job(request, options).await
    }

    /// Describes a batch job.
    ///
    /// Route: GET batches/{name}
    /// Route: GET batchPredictionJobs/{name}
    ///
    /// # Errors
    ///
    /// Fails before sending on a name that is no batch job of the backend; otherwise as the
    /// transport does.
    pub async fn get_batch(
        &self,
        name: &str,
        options: &CallOptions,
    ) -> Result<Response<BatchJob>, Error> {
        let request = requests::get_batch(self.endpoint(), name)?;
        self.batch_job(request, options).await
    }

    /// Lists batch jobs. Nothing is sent before the pager is read.
    ///
    /// Route: GET batches
    /// Route: GET batchPredictionJobs
    pub fn list_batches(&self, list: ListBatches, options: CallOptions) -> Pager<BatchJob> {
        let (transport, endpoint) = (self.transport().clone(), self.shared_endpoint());
        let first = list.page_token.clone();
        let keys = &["operations", "batchPredictionJobs"];
        let pager = Pager::new(transport, Arc::new(options), keys, first, move |token| {
            let list = ListBatches {
                page_token: token,
                ..list.clone()
            };
            requests::list_batches(&endpoint, &list)
        });
        pager.converting::<BatchJobReply>()
    }

    /// Stops a batch job; what is answered by then is kept.
    ///
    /// Route: POST batches/{name}:cancel
    /// Route: POST batchPredictionJobs/{name}:cancel
    ///
    /// # Errors
    ///
    /// Fails before sending on a name that is no batch job of the backend; otherwise as the
    /// transport does.
    pub async fn cancel_batch(
        &self,
        name: &str,
        options: &CallOptions,
    ) -> Result<Response<()>, Error> {
        let request = requests::cancel_batch(self.endpoint(), name)?;
        Ok(self.transport().send(request, options).await?.map(|_| ()))
    }

    /// Deletes a batch job and what it wrote down of itself.
    ///
    /// Route: DELETE batches/{name}
    /// Route: DELETE batchPredictionJobs/{name}
    ///
    /// # Errors
    ///
    /// Fails before sending on a name that is no batch job of the backend; otherwise as the
    /// transport does.
    pub async fn delete_batch(
        &self,
        name: &str,
        options: &CallOptions,
    ) -> Result<Response<DeleteResourceJob>, Error> {
        let request = requests::delete_batch(self.endpoint(), name)?;
        self.transport().send_json(request, options).await
    }

    async fn batch_job(
        &self,
        request: gimmal_transport::Request,
        options: &CallOptions,
    ) -> Result<Response<BatchJob>, Error> {
        let reply: Response<BatchJobReply> = self.transport().send_json(request, options).await?;
        Ok(reply.map(BatchJob::from))
    }
}
