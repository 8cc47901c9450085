//! The service client: where training and sampling begin.

use std::future::IntoFuture;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use gimmal_api::tinker::RequestType;
use gimmal_transport::Error;
use gimmal_types::tinker::{
    ClientSessionFinishReasonType, CopyWeightsRequest, CreateModelRequest, CreateModelResponse,
    FinishSessionRequest, FutureResult, GetInfoRequest, GetServerCapabilitiesResponse,
    LoadWeightsRequest, LoraConfig, OptimizerConfig, UntypedAPIFuture,
};
use serde_json::{Map, Value};
use tokio::sync::OnceCell;

use super::calls::Calls;
use super::holder::Holder;
use super::promise::Promise;
use super::queue_state::{QueueHub, QueueUser};
use super::settings::Settings;
use super::{
    AdminClient, FromState, QueueStateChanges, QueueStateObserver, Reporter, RestClient,
    SamplerEntry, ServiceClientBuilder, TrainingClient, console,
};

/// A client of the Tinker API. Clones share the session.
///
/// ```no_run
/// # async fn run() -> Result<(), gimmal_client::Error> {
/// use gimmal_client::tinker::ServiceClient;
///
/// let service = ServiceClient::from_env()?;
/// let training = service
///     .create_lora_training_client("meta-llama/Llama-3.2-1B")
///     .set_rank(16)
///     .await?;
/// println!("{}", training.model_id());
/// service.close("success", None).await?;
/// # Ok(()) }
/// ```
///
/// Nothing is sent until something needs the session, which is then opened once.
#[derive(Clone, Debug)]
pub struct ServiceClient {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    settings: Settings,
    holder: OnceCell<Arc<Holder>>,
    rest: RestClient,
}

impl ServiceClient {
    /// Starts a client from explicit settings.
    pub fn builder() -> ServiceClientBuilder {
        ServiceClientBuilder::default()
    }

    /// A client from the environment: `TINKER_API_KEY`, `TINKER_BASE_URL` and the others that the
    /// official SDK reads.
    ///
    /// # Errors
    ///
    /// Fails when there is no credential, naming the variables.
    pub fn from_env() -> Result<Self, Error> {
        Self::builder().from_env().build()
    }

    pub(crate) fn new(settings: Settings) -> Self {
        let rest = RestClient::new(settings.clone());
        let holder = OnceCell::new();
        Self {
            inner: Arc::new(Inner {
                settings,
                holder,
                rest,
            }),
        }
    }

    pub(super) fn settings(&self) -> &Settings {
        &self.inner.settings
    }

    pub(crate) async fn holder(&self) -> Result<&Arc<Holder>, Error> {
        let open = || Holder::open(self.inner.settings.clone(), true);
        let holder = self.inner.holder.get_or_try_init(open).await?;
        holder.check_open()?;
        Ok(holder)
    }

    /// The session, if it is open.
    pub(crate) fn opened(&self) -> Option<&Holder> {
        self.inner.holder.get().map(|holder| &**holder)
    }

    /// The same result, of which telemetry hears if it is an error.
    pub(super) fn told<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        if let (Some(holder), Err(error)) = (self.inner.holder.get(), &result) {
            holder.report(error);
        }
        result
    }

    /// A client of runs, checkpoints and sessions, with the settings of this one.
    pub fn create_rest_client(&self) -> RestClient {
        self.inner.rest.clone()
    }

    /// A client of audits and bills, with the settings of this one.
    pub fn create_admin_client(&self) -> AdminClient {
        AdminClient::new(self.inner.settings.clone())
    }

    /// The session, which is opened if need be.
    ///
    /// # Errors
    ///
    /// Fails when it cannot be opened.
    pub async fn session_id(&self) -> Result<String, Error> {
        Ok(self.holder().await?.session_id()?.to_owned())
    }

    /// The page of the session in the web console; that of all sessions before it is opened.
    pub fn get_console_url(&self) -> String {
        let holder = self.inner.holder.get();
        console::session(holder.and_then(|holder| holder.session_id.as_deref()))
    }

    /// The reporter of telemetry; `None` when it is off, and before the session is opened.
    pub fn get_telemetry(&self) -> Option<Arc<Reporter>> {
        self.inner.holder.get()?.reporter.clone()
    }

    /// Copies a checkpoint into a project, that of this client unless the request names another;
    /// the path of the copy.
    ///
    /// # Errors
    ///
    /// Fails when neither the request nor the client names a project.
    pub async fn copy_weights(&self, request: CopyWeightsRequest) -> Result<String, Error> {
        let rest = &self.inner.rest;
        rest.copy_weights_as("ServiceClient.copy_weights", request)
            .await
    }

    /// Tells `observer` when a queue of this session changes its state.
    ///
    /// # Errors
    ///
    /// Fails when the session cannot be opened.
    pub async fn on_queue_state_change(
        &self,
        observer: Arc<dyn QueueStateObserver>,
    ) -> Result<(), Error> {
        self.holder().await?.hub.observe(observer);
        Ok(())
    }

    /// The changes of all queues of this session, from now on.
    ///
    /// # Errors
    ///
    /// Fails when the session cannot be opened.
    pub async fn queue_state_changes(&self) -> Result<QueueStateChanges, Error> {
        Ok(self.holder().await?.hub.changes())
    }

    /// A new model with adapters of low rank, and the client that trains it.
    pub fn create_lora_training_client(
        &self,
        base_model: impl Into<String>,
    ) -> CreateLoraTrainingClient {
        CreateLoraTrainingClient {
            service: self.clone(),
            base_model: base_model.into(),
            lora: LoraConfig::new(),
            user_metadata: None,
            optimizer: OptimizerConfig::default(),
        }
    }

    /// A new model with the weights of a checkpoint; its optimiser starts afresh.
    pub fn create_training_client_from_state(&self, path: impl Into<String>) -> FromState {
        self.model_of(path.into(), false)
    }

    /// A new model with weights and optimiser of a checkpoint.
    pub fn create_training_client_from_state_with_optimizer(
        &self,
        path: impl Into<String>,
    ) -> FromState {
        self.model_of(path.into(), true)
    }

    fn model_of(&self, path: String, optimizer: bool) -> FromState {
        FromState {
            service: self.clone(),
            request: LoadWeightsRequest::new()
                .set_path(path)
                .set_optimizer(optimizer),
        }
    }

    /// The sampling clients of this session that are in use, the oldest first.
    pub fn sampling_clients(&self) -> Vec<SamplerEntry> {
        let holder = self.inner.holder.get();
        holder.map_or_else(Vec::new, |holder| holder.sampling_clients.list())
    }

    /// What the server offers.
    ///
    /// # Errors
    ///
    /// As the transport does.
    pub async fn get_server_capabilities(&self) -> Result<GetServerCapabilitiesResponse, Error> {
        let holder = self.holder().await?;
        let options = Calls::of("ServiceClient.get_server_capabilities");
        let call = || holder.calls.0.get_server_capabilities(&options);
        Ok(holder.calls.paid(&holder.billing, call).await?.into_body())
    }

    /// Tells the server how the session ended (`success`, `errored`, `interrupted`), and ends all
    /// work in the background. What telemetry waits is sent. A second time does nothing.
    ///
    /// # Errors
    ///
    /// Fails when the server did not hear it; the client is closed all the same.
    pub async fn close(
        &self,
        status: impl Into<ClientSessionFinishReasonType>,
        detail: Option<&str>,
    ) -> Result<(), Error> {
        let Some(holder) = self.inner.holder.get() else {
            return Ok(());
        };
        if holder.check_open().is_err() {
            return Ok(());
        }
        let mut request = FinishSessionRequest::new(status);
        request.detail = detail.map(str::to_owned);
        let told = holder.finish(&request).await;
        holder.close().await;
        told
    }
}

/// A model that is not made yet.
#[derive(Debug)]
#[must_use = "nothing is made until it is awaited"]
pub struct CreateLoraTrainingClient {
    service: ServiceClient,
    base_model: String,
    pub(super) lora: LoraConfig,
    pub(super) user_metadata: Option<Map<String, Value>>,
    pub(super) optimizer: OptimizerConfig,
}

impl CreateLoraTrainingClient {
    /// Sets the rank of the adapters; 32 by default.
    pub fn set_rank(mut self, rank: u32) -> Self {
        self.lora.rank = rank;
        self
    }

    /// Sets the seed that the adapters start from.
    pub fn set_seed(mut self, seed: i64) -> Self {
        self.lora.seed = Some(seed);
        self
    }

    /// Sets whether the layers between attention are trained; they are by default.
    pub fn set_train_mlp(mut self, train: bool) -> Self {
        self.lora.train_mlp = train;
        self
    }

    /// Sets whether attention is trained; it is by default.
    pub fn set_train_attn(mut self, train: bool) -> Self {
        self.lora.train_attn = train;
        self
    }

    /// Sets whether the last layer is trained; it is by default.
    pub fn set_train_unembed(mut self, train: bool) -> Self {
        self.lora.train_unembed = train;
        self
    }

    /// Notes something about the run.
    pub fn set_user_metadata(mut self, metadata: Map<String, Value>) -> Self {
        self.user_metadata = Some(metadata);
        self
    }

    /// Sets the optimiser; Adam by default.
    pub fn set_optimizer(mut self, optimizer: impl Into<OptimizerConfig>) -> Self {
        self.optimizer = optimizer.into();
        self
    }

    async fn send(self) -> Result<TrainingClient, Error> {
        const METHOD: &str = "ServiceClient.create_lora_training_client";
        let lora = &self.lora;
        if !(lora.train_mlp || lora.train_attn || lora.train_unembed) {
            let message = "At least one of train_mlp, train_attn, or train_unembed must be true";
            return Err(Error::invalid("lora_config", message));
        }
        let holder = self.service.holder().await?;
        let mut request = CreateModelRequest::new()
            .set_session_id(holder.session_id()?)
            .set_model_seq_id(holder.next_model())
            .set_base_model(self.base_model.as_str());
        request.lora_config = Some(self.lora);
        request.user_metadata = self.user_metadata;
        request.optimizer_config = self.optimizer;
        let options = Calls::of(METHOD);
        let clock = holder.clock();
        let started = clock.now();
        let future = holder
            .calls
            .0
            .create_model(&request, &options)
            .await?
            .into_body();
        let roundtrip = clock.now().saturating_duration_since(started);
        let made: CreateModelResponse = wait(
            holder,
            future,
            RequestType::CreateModel,
            METHOD,
            roundtrip,
            &self.base_model,
        )
        .await?;
        training_client(holder, made.model_id, METHOD).await
    }
}

impl IntoFuture for CreateLoraTrainingClient {
    type Output = Result<TrainingClient, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        let service = self.service.clone();
        Box::pin(async move { service.told(self.send().await) })
    }
}

/// Waits for a model that is being made.
pub(super) async fn wait<T: FutureResult>(
    holder: &Arc<Holder>,
    future: UntypedAPIFuture,
    request_type: RequestType,
    method: &'static str,
    roundtrip: Duration,
    name: &str,
) -> Result<T, Error> {
    let promise = Promise {
        request_id: future.request_id,
        request_type,
        roundtrip,
        method,
    };
    let hub = QueueHub::new(
        QueueUser::ModelCreation,
        name,
        Some(Arc::clone(&holder.hub)),
    );
    holder.waiter.wait(&promise, &hub, None).await?.read()
}

pub(super) async fn training_client(
    holder: &Arc<Holder>,
    model_id: String,
    method: &'static str,
) -> Result<TrainingClient, Error> {
    let request = GetInfoRequest::new().set_model_id(model_id.as_str());
    let options = Calls::of(method);
    let call = || holder.calls.0.get_info(&request, &options);
    let info = holder.calls.paid(&holder.billing, call).await?.into_body();
    Ok(TrainingClient::new(Arc::clone(holder), model_id, info))
}
