//! The sampling client: prompts in, sequences out, as many at once as the server bears.

use std::future::IntoFuture;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use gimmal_api::tinker::{RequestType, SampleStream};
use gimmal_transport::retry::{Retrier, RetryConfig, RetryPolicy};
use gimmal_transport::{Error, Jitter, RetryDecision, RetryState};
use gimmal_types::tinker::{
    JoinSamplingSessionRequest, ModelInput, SampleRequest, SampleResponse, SamplingParams,
    TensorData, UntypedAPIFuture,
};
use http::StatusCode;
use tokio::sync::OnceCell;

use crate::tinker::calls::{Calls, invalid};
use crate::tinker::estimate::sampling_bytes;
use crate::tinker::holder::Holder;
use crate::tinker::promise::{Handle, Promise, PromiseApi, SessionPoller, Submission};
use crate::tinker::queue_state::{QueueHub, QueueUser};
use crate::tinker::sampling::SamplerEntry;
use crate::tinker::sampling::registry::Registration;
use crate::tinker::{QueueStateChanges, QueueStateObserver, Reporter};

/// Numbers of the requests of a clone start at its own multiple of this.
const CLONE_STRIDE: u64 = 1_000_000_000;
/// The method that a sample is asked for by, unless another one does it.
const METHOD: &str = "SamplingClient.sample";

/// How a sampling client behaves.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
#[must_use]
pub struct SamplerOptions {
    /// When a sample that failed is handed in anew; by default whenever that may help.
    pub retry: RetryConfig,
    /// Whether the server takes notes about its stability.
    pub record_stability_info: bool,
}

impl SamplerOptions {
    /// Sets when a sample that failed is handed in anew.
    pub fn with_retry(mut self, retry: RetryConfig) -> Self {
        self.retry = retry;
        self
    }

    /// Lets the server take notes about its stability.
    pub fn with_stability_info(mut self, record: bool) -> Self {
        self.record_stability_info = record;
        self
    }
}

/// Samples from one set of weights. Clones share limits, progress and numbers.
///
/// ```no_run
/// # use gimmal_client::tinker::SamplingClient;
/// # use gimmal_client::types::tinker::{ModelInput, SamplingParams};
/// # async fn run(client: SamplingClient) -> Result<(), gimmal_client::Error> {
/// let prompt = ModelInput::from_ints([1, 2, 3]);
/// let params = SamplingParams::new().set_max_tokens(16_u32);
/// let reply = client.sample(prompt, 4, params).await?;
/// println!("{} sequences", reply.sequences.len());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct SamplingClient {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    holder: Arc<Holder>,
    session: String,
    base_model: Option<String>,
    clone_id: CloneId,
    next: AtomicU64,
    retrier: Retrier,
    record_stability_info: bool,
    hub: QueueHub,
    poller: OnceLock<SessionPoller>,
    _registration: Registration,
}

/// Which client of the sampling session this is; 0 is the one that opened it.
#[derive(Debug)]
pub(super) struct CloneId(OnceCell<u64>);

impl CloneId {
    fn original() -> Self {
        Self(OnceCell::new_with(Some(0)))
    }

    /// The server numbers the client when it first samples.
    pub(super) fn to_join() -> Self {
        Self(OnceCell::new())
    }

    /// A number that no other client is likely to have.
    pub(super) fn random(jitter: &dyn Jitter) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a fraction of 10^9 is below it"
        )]
        let drawn = (jitter.fraction() * CLONE_STRIDE as f64) as u64;
        Self(OnceCell::new_with(Some(drawn.min(CLONE_STRIDE - 1) + 1)))
    }
}

/// Hands in anew what the reference does: no answer, 408, 410, 429 and server errors.
#[derive(Debug)]
struct Resubmit(Arc<dyn RetryPolicy>);

impl RetryPolicy for Resubmit {
    fn decide(&self, state: &RetryState, error: &Error) -> RetryDecision {
        if error.status() == Some(StatusCode::GONE) {
            let gone = Error::connect("the promise expired");
            return self.0.decide(state, &gone);
        }
        self.0.decide(state, error)
    }
}

impl SamplingClient {
    pub(crate) fn open(
        holder: Arc<Holder>,
        session: String,
        base_model: Option<String>,
        options: SamplerOptions,
    ) -> Result<Self, Error> {
        Self::open_as(holder, session, base_model, options, CloneId::original())
    }

    pub(super) fn open_as(
        holder: Arc<Holder>,
        session: String,
        base_model: Option<String>,
        options: SamplerOptions,
        clone_id: CloneId,
    ) -> Result<Self, Error> {
        let config = &holder.config;
        let retry = options
            .retry
            .with_max_concurrent(holder.max_samples())
            .with_stuck_detection(config.sample_enable_stuck_detection);
        let retry = match config.sample_no_retries {
            true => retry.with_retries(false),
            false => retry,
        };
        let policy = Resubmit(Arc::new(retry.policy()));
        let jitter = Arc::clone(holder.calls.0.transport().jitter());
        let retrier = Retrier::new(retry, holder.clock(), jitter)?.with_policy(policy);
        let parent = Some(Arc::clone(&holder.hub));
        let registration = holder.sampling_clients.register(SamplerEntry {
            sampling_session_id: session.clone(),
            base_model: base_model.clone(),
        });
        Ok(Self {
            inner: Arc::new(Inner {
                _registration: registration,
                hub: QueueHub::new(QueueUser::Sampling, &session, parent),
                holder,
                session,
                base_model,
                clone_id,
                next: AtomicU64::new(0),
                retrier,
                record_stability_info: options.record_stability_info,
                poller: OnceLock::new(),
            }),
        })
    }

    pub(super) fn holder(&self) -> &Holder {
        &self.inner.holder
    }

    pub(super) fn records_stability(&self) -> bool {
        self.inner.record_stability_info
    }

    /// The sampling session.
    pub fn sampling_session_id(&self) -> &str {
        &self.inner.session
    }

    /// The model that the weights belong to, if that is known.
    pub fn get_base_model(&self) -> Option<&str> {
        self.inner.base_model.as_deref()
    }

    /// The reporter of telemetry, unless it is off.
    pub fn get_telemetry(&self) -> Option<Arc<Reporter>> {
        self.inner.holder.reporter.clone()
    }

    /// Tells `observer` when the queue of this session changes its state.
    pub fn on_queue_state_change(&self, observer: Arc<dyn QueueStateObserver>) {
        self.inner.hub.observe(observer);
    }

    /// The changes of the state of this session's queue, from now on.
    pub fn queue_state_changes(&self) -> QueueStateChanges {
        self.inner.hub.changes()
    }

    /// Forgets when a pause was logged last, so that the next one is logged at once.
    pub fn clear_queue_state_debounce(&self) {
        self.inner.hub.clear_log();
    }

    /// Sequences that go on from a prompt.
    pub fn sample(
        &self,
        prompt: impl Into<ModelInput>,
        num_samples: u32,
        params: SamplingParams,
    ) -> Sample {
        let mut request = SampleRequest::new();
        request.prompt = prompt.into();
        request.num_samples = num_samples;
        request.sampling_params = params;
        request.prompt_logprobs = Some(false);
        request.record_stability_info = Some(self.inner.record_stability_info);
        Sample {
            client: self.clone(),
            request,
            method: METHOD,
        }
    }

    /// A sequence that is read as it is drawn, from servers that stream. No limit of the client
    /// holds it back, and what fails is not handed in anew.
    ///
    /// ```no_run
    /// # use gimmal_client::tinker::SamplingClient;
    /// # use gimmal_client::types::tinker::{ModelInput, SamplingParams};
    /// # async fn run(client: SamplingClient) -> Result<(), gimmal_client::Error> {
    /// let prompt = ModelInput::from_ints([1, 2, 3]);
    /// let stream = client.sample_stream(prompt, SamplingParams::new()).await?;
    /// let (text, last) = stream.collect_text().await?;
    /// println!("{text} ({:?})", last.and_then(|last| last.finish_reason));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails on a request that cannot be, and as the transport does; later failures are items.
    pub async fn sample_stream(
        &self,
        prompt: impl Into<ModelInput>,
        params: SamplingParams,
    ) -> Result<SampleStream, Error> {
        const STREAM: &str = "SamplingClient.sample_stream";
        let inner = &self.inner;
        inner.holder.check_open()?;
        let mut request = SampleRequest::new();
        request.prompt = prompt.into();
        request.sampling_params = params;
        request.sampling_session_id = Some(inner.session.clone());
        request.seq_id = Some(inner.next_number(STREAM).await?);
        let options = Calls::of(STREAM);
        let opened = inner.holder.calls.0.stream_sample(&request, &options);
        inner.holder.watched(opened).await
    }
}

/// A sample that is not asked for yet. Awaiting it asks and waits for the sequences.
#[derive(Debug)]
#[must_use = "a sample does nothing until it is awaited or submitted"]
pub struct Sample {
    client: SamplingClient,
    request: SampleRequest,
    method: &'static str,
}

impl Sample {
    /// Says which public method asks.
    pub(super) fn on_behalf_of(mut self, method: &'static str) -> Self {
        self.method = method;
        self
    }

    /// Asks how likely the tokens of the prompt are.
    pub fn set_include_prompt_logprobs(mut self, include: bool) -> Self {
        self.request.prompt_logprobs = Some(include);
        self
    }

    /// Asks for so many of the likeliest tokens at each place of the prompt.
    pub fn set_topk_prompt_logprobs(mut self, k: u32) -> Self {
        self.request.topk_prompt_logprobs = k;
        self
    }

    /// Asks for so many of the likeliest tokens at each sampled place.
    pub fn set_topk_sample_logprobs(mut self, k: u32) -> Self {
        self.request.topk_sample_logprobs = k;
        self
    }

    /// Asks how likely these tokens would be, a row per token of the prompt after the first.
    pub fn set_target_prompt_logprobs(mut self, targets: TensorData) -> Self {
        self.request.target_prompt_logprobs = Some(targets);
        self
    }

    /// Asks for so many tokens drawn at each place of the prompt.
    pub fn set_prompt_alt_tokens_k(mut self, k: u32) -> Self {
        self.request.prompt_alt_tokens_k = k;
        self
    }

    /// Asks for the log-probabilities of the last tokens of the prompt alone.
    pub fn set_prompt_logprobs_last_n(mut self, last: u32) -> Self {
        self.request.prompt_logprobs_last_n = Some(last);
        self
    }

    /// Asks in the background. Dropping the handle gives the sample up; the server is told if it
    /// wants to know.
    pub fn submit(self) -> Submission<SampleResponse> {
        let inner = Arc::clone(&self.client.inner);
        // Kept until there is a result, since it may have to be handed in anew.
        let request = Box::new(self.request);
        let checked = request.check().map_err(|error| invalid(&error));
        if let Err(error) = checked.and_then(|()| inner.holder.check_open()) {
            return Submission::failed(error);
        }
        let method = self.method;
        let work = Arc::clone(&inner).run(request, method).boxed();
        Submission::begun(Handle::spawn(
            async move { inner.holder.watched(work).await },
        ))
    }
}

impl IntoFuture for Sample {
    type Output = Result<SampleResponse, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.submit().result())
    }
}

/// A promise that is cancelled unless its result arrives.
struct Wanted<'a> {
    holder: &'a Holder,
    request_id: &'a str,
    has_result: bool,
}

impl Drop for Wanted<'_> {
    fn drop(&mut self) {
        if !self.has_result {
            self.holder.unwanted(self.request_id.to_owned());
        }
    }
}

impl Inner {
    async fn run(
        self: Arc<Self>,
        request: Box<SampleRequest>,
        method: &'static str,
    ) -> Result<SampleResponse, Error> {
        let bytes = sampling_bytes(&request.prompt);
        let (inner, request) = (&*self, &*request);
        // In a box, since the futures around it would each have room for it.
        let attempt = |_| inner.attempt(request, bytes, method).boxed();
        self.retrier.run(attempt).await
    }

    /// One submission with a number of its own, and the wait for its result.
    async fn attempt(
        &self,
        request: &SampleRequest,
        bytes: u64,
        method: &'static str,
    ) -> Result<SampleResponse, Error> {
        // In a box that is gone while the sample waits.
        let (future, clone) = self.promised(request, bytes, method).boxed().await?;
        let ids = future.sample_sequence_ids;
        let promise = Promise {
            request_id: future.request_id,
            request_type: RequestType::Sample,
            roundtrip: Duration::ZERO,
            method,
        };
        let mut wanted = Wanted {
            holder: &self.holder,
            request_id: &promise.request_id,
            has_result: false,
        };
        let result = self
            .holder
            .waiter
            .wait(&promise, &self.hub, self.poller(clone))
            .await;
        wanted.has_result = true;
        let reply: SampleResponse = result?.read()?;
        match ids {
            Some(ids) => reply
                .with_sequence_ids(&ids)
                .map_err(|error| invalid(&error)),
            // Servers of earlier versions name no sequences.
            None => Ok(reply),
        }
    }

    /// The promise of a sample, and which client of the session got it.
    async fn promised(
        &self,
        request: &SampleRequest,
        bytes: u64,
        method: &'static str,
    ) -> Result<(UntypedAPIFuture, u64), Error> {
        let mut request = request.clone();
        request.sampling_session_id = Some(self.session.clone());
        request.seq_id = Some(self.next_number(method).await?);
        let clone = self.clone_number(method).await?;
        Ok((self.hand_in(&request, bytes, method).await?, clone))
    }

    async fn next_number(&self, method: &'static str) -> Result<u64, Error> {
        let clone = self.clone_number(method).await?;
        Ok(clone * CLONE_STRIDE + self.next.fetch_add(1, Ordering::Relaxed))
    }

    /// Which client of the session this is; the server says so when it is asked for the first time.
    async fn clone_number(&self, method: &'static str) -> Result<u64, Error> {
        let join = || async {
            let holder = &self.holder;
            let request =
                JoinSamplingSessionRequest::new().set_sampling_session_id(self.session.as_str());
            let options = Calls::of(method);
            let call = || holder.calls.0.join_sampling_session(&request, &options);
            let joined = holder.calls.paid(&holder.billing, call).await?;
            Ok(joined.into_body().client_counter)
        };
        self.clone_id.0.get_or_try_init(join).await.copied()
    }

    /// Hands a sample in within the limits; refusals for want of room are waited out.
    async fn hand_in(
        &self,
        request: &SampleRequest,
        bytes: u64,
        method: &'static str,
    ) -> Result<UntypedAPIFuture, Error> {
        let holder = &self.holder;
        let options = Calls::of(method);
        let _pass = holder.dispatch.enter(bytes).await;
        loop {
            holder.dispatch.window().enter().await;
            let error = match holder.calls.0.sample(request, &options).await {
                Ok(reply) => return Ok(reply.into_body()),
                Err(error) => error,
            };
            match error.status() {
                Some(StatusCode::TOO_MANY_REQUESTS) => self.note_refusal(&error),
                Some(StatusCode::PAYMENT_REQUIRED)
                    if holder.billing.may_wait(holder.clock().now()) => {}
                _ => return Err(error),
            }
            holder.dispatch.back_off(bytes);
        }
    }

    /// A refusal may say why.
    fn note_refusal(&self, error: &Error) {
        let body = error.payload();
        let notice =
            body.and_then(|body| gimmal_api::tinker::polling::QueueNotice::from_json(body));
        if let Some(notice) = notice {
            self.hub.log(&notice, self.holder.clock().now());
        }
    }

    /// The asking for all results at once, where the server offers it.
    fn poller(&self, clone: u64) -> Option<&SessionPoller> {
        let holder = &self.holder;
        holder.config.sample_use_retrieve_futures.then(|| {
            self.poller.get_or_init(|| {
                let api: Arc<dyn PromiseApi> = Arc::new(holder.calls.clone());
                let billing = Arc::clone(&holder.billing);
                let session = self.session.clone();
                SessionPoller::start(api, holder.clock(), billing, session, clone)
            })
        })
    }
}
