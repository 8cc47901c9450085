//! How a sampling client comes to be: a sampling session of a base model or of saved weights.

use std::future::IntoFuture;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use gimmal_transport::Error;
use gimmal_transport::retry::RetryConfig;
use gimmal_types::tinker::CreateSamplingSessionRequest;

use super::{SamplerOptions, SamplingClient};
use crate::tinker::calls::Calls;
use crate::tinker::holder::Holder;
use crate::tinker::{ServiceClient, TrainingClient};

/// Whose session the sampling client belongs to.
#[derive(Debug)]
enum Owner {
    Service(ServiceClient),
    Training(TrainingClient),
}

impl Owner {
    async fn holder(&self) -> Result<Arc<Holder>, Error> {
        match self {
            Self::Service(service) => Ok(Arc::clone(service.holder().await?)),
            Self::Training(training) => {
                let holder = training.holder();
                holder.check_open()?;
                Ok(Arc::clone(holder))
            }
        }
    }

    /// The session, if it is open.
    fn opened(&self) -> Option<&Holder> {
        match self {
            Self::Service(service) => service.opened(),
            Self::Training(training) => Some(training.holder()),
        }
    }

    fn method(&self) -> &'static str {
        match self {
            Self::Service(_) => "ServiceClient.create_sampling_client",
            Self::Training(_) => "TrainingClient.create_sampling_client",
        }
    }
}

/// A sampling client that is not made yet.
#[derive(Debug)]
#[must_use = "nothing is made until it is awaited"]
pub struct CreateSamplingClient {
    owner: Owner,
    request: CreateSamplingSessionRequest,
    options: SamplerOptions,
}

impl ServiceClient {
    /// A client that samples from a base model or from saved weights; one of them is needed.
    pub fn create_sampling_client(&self) -> CreateSamplingClient {
        CreateSamplingClient::of(Owner::Service(self.clone()))
    }
}

impl TrainingClient {
    /// A client that samples from saved weights, `tinker://…/sampler_weights/…`, in the session of
    /// this one.
    ///
    /// ```no_run
    /// # use gimmal_client::tinker::TrainingClient;
    /// # async fn run(client: TrainingClient) -> Result<(), gimmal_client::Error> {
    /// let saved = client.save_weights_for_sampler("step-10").await?;
    /// let sampler = client.create_sampling_client(saved.path).await?;
    /// # let _ = sampler;
    /// # Ok(()) }
    /// ```
    pub fn create_sampling_client(&self, model_path: impl Into<String>) -> CreateSamplingClient {
        CreateSamplingClient::of(Owner::Training(self.clone())).set_model_path(model_path)
    }
}

impl CreateSamplingClient {
    fn of(owner: Owner) -> Self {
        Self {
            owner,
            request: CreateSamplingSessionRequest::new(),
            options: SamplerOptions::default(),
        }
    }

    /// Samples from a base model.
    pub fn set_base_model(mut self, base_model: impl Into<String>) -> Self {
        self.request.base_model = Some(base_model.into());
        self
    }

    /// Samples from saved weights, `tinker://…/sampler_weights/…`.
    pub fn set_model_path(mut self, model_path: impl Into<String>) -> Self {
        self.request.model_path = Some(model_path.into());
        self
    }

    /// Sets how the client behaves.
    pub fn with_options(mut self, options: SamplerOptions) -> Self {
        self.options = options;
        self
    }

    /// Sets when a sample that failed is handed in anew.
    pub fn with_retry_config(mut self, retry: RetryConfig) -> Self {
        self.options = self.options.with_retry(retry);
        self
    }

    /// Lets the server take notes about its stability.
    pub fn with_record_stability_info(mut self, record: bool) -> Self {
        self.options = self.options.with_stability_info(record);
        self
    }

    async fn send(&self) -> Result<SamplingClient, Error> {
        let mut request = self.request.clone();
        if request.base_model.is_none() && request.model_path.is_none() {
            let message = "Either model_path or base_model must be provided";
            return Err(Error::invalid("model_path", message));
        }
        if request
            .model_path
            .as_ref()
            .is_some_and(|path| !path.starts_with("tinker://"))
        {
            return Err(Error::invalid("model_path", "must start with `tinker://`"));
        }
        let holder = self.owner.holder().await?;
        request.session_id = holder.session_id()?.to_owned();
        request.sampling_session_seq_id = holder.next_sampler();
        let options = Calls::of(self.owner.method());
        let api = &holder.calls.0;
        let made = api.create_sampling_session(&request, &options).await?;
        let session = made.into_body().sampling_session_id;
        let base_model = match request.base_model {
            Some(base_model) => base_model,
            None => {
                let call = || api.get_sampler(&session, &options);
                let sampler = holder.calls.paid(&holder.billing, call).await?;
                sampler.into_body().base_model
            }
        };
        SamplingClient::open(holder, session, Some(base_model), self.options.clone())
    }
}

impl IntoFuture for CreateSamplingClient {
    type Output = Result<SamplingClient, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move {
            let made = self.send().await;
            if let (Some(holder), Err(error)) = (self.owner.opened(), &made) {
                holder.report(error);
            }
            made
        })
    }
}
