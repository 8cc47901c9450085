//! What a session is to the client: its identifier, the settings that the server gave, what is
//! shared by all that is done in it, and the tasks that keep it alive.

use std::collections::BTreeSet;
use std::future::Future;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use gimmal_api::tinker::PROTOCOL_VERSION;
use gimmal_transport::rate_limit::{PauseConfig, PauseWindow};
use gimmal_transport::semaphore::BytesSemaphore;
use gimmal_transport::{CallOptions, Clock, Error};
use gimmal_types::tinker::{
    ClientConfigRequest, ClientConfigResponse, ClientDynamicConfigResponse, CreateSessionRequest,
    FinishSessionRequest, Severity,
};
use http::StatusCode;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;

use super::billing::Billing;
use super::calls::Calls;
use super::heartbeat::{Heartbeat, HeartbeatLimits};
use super::ids::uuid;
use super::promise::{PromiseApi, PromiseWaiter};
use super::queue_state::{QueueHub, QueueUser};
use super::sampling::{DispatchLimits, SamplerRegistry, SamplingDispatch};
use super::settings::Settings;
use super::telemetry::{self, ErrorReport, Fatal, Reporter, ReporterConfig};
use super::telemetry_polls::ToldPolls;
use super::telemetry_sink::CallSink;

/// The settings of a server are not asked for more often than this.
const LEAST_REFRESH: Duration = Duration::from_secs(10);

/// A session with everything that is shared in it.
#[derive(Debug)]
pub(crate) struct Holder {
    pub(crate) calls: Calls,
    /// `None` for clients that need no session.
    pub(crate) session_id: Option<String>,
    pub(crate) config: ClientConfigResponse,
    pub(crate) waiter: PromiseWaiter,
    pub(crate) billing: Arc<Billing>,
    pub(crate) dispatch: SamplingDispatch,
    /// Room for passes on their way to the server.
    pub(crate) fwdbwd_room: BytesSemaphore,
    pub(crate) hub: Arc<QueueHub>,
    pub(crate) reporter: Option<Arc<Reporter>>,
    pub(crate) losses: Losses,
    dynamic: RwLock<ClientDynamicConfigResponse>,
    models: AtomicU64,
    samplers: AtomicU64,
    pub(crate) sampling_clients: SamplerRegistry,
    heartbeat: HeartbeatLimits,
    unwanted: mpsc::UnboundedSender<String>,
    tasks: Mutex<Vec<AbortHandle>>,
    closed: AtomicBool,
}

impl Holder {
    /// Asks for the settings of the server and opens a session, in the order in which the service
    /// expects it.
    pub(crate) async fn open(settings: Settings, with_session: bool) -> Result<Arc<Self>, Error> {
        let calls = settings.calls()?;
        let clock = Arc::clone(calls.0.transport().clock());
        let unpaid = Billing::new(Duration::from_secs(3_600));
        let body = ClientConfigRequest::new().set_sdk_version(PROTOCOL_VERSION);
        let options = CallOptions::new();
        let call = || calls.0.client_config(&body, &options);
        let config = calls.paid(&unpaid, call).await?.into_body();
        settings.use_tokens_if(&calls, &config)?;
        let dynamic = Self::first_dynamic(&calls, &unpaid, &body).await?;
        let session_id = match with_session {
            true => Some(open_session(&calls, &settings).await?),
            false => None,
        };
        let holder = Self::assemble(calls, clock, settings, config, dynamic, session_id);
        if with_session {
            holder.start_tasks();
        }
        Ok(holder)
    }

    /// A session that another client opened, with the settings that it was given. Nothing is asked.
    pub(crate) fn of_session(
        settings: Settings,
        session_id: String,
        config: ClientConfigResponse,
        dynamic: ClientDynamicConfigResponse,
    ) -> Result<Arc<Self>, Error> {
        let calls = settings.calls()?;
        settings.use_tokens_if(&calls, &config)?;
        let clock = Arc::clone(calls.0.transport().clock());
        let holder = Self::assemble(calls, clock, settings, config, dynamic, Some(session_id));
        holder.start_tasks();
        Ok(holder)
    }

    async fn first_dynamic(
        calls: &Calls,
        billing: &Billing,
        body: &ClientConfigRequest,
    ) -> Result<ClientDynamicConfigResponse, Error> {
        let options = Calls::without_limit();
        let call = || calls.0.client_dynamic_config(body, &options);
        match calls.paid(billing, call).await {
            Err(error) if error.status() == Some(StatusCode::NOT_FOUND) => {
                Ok(ClientDynamicConfigResponse::default())
            }
            other => Ok(other?.into_body()),
        }
    }

    fn assemble(
        calls: Calls,
        clock: Arc<dyn Clock>,
        settings: Settings,
        config: ClientConfigResponse,
        dynamic: ClientDynamicConfigResponse,
        session_id: Option<String>,
    ) -> Arc<Self> {
        let debts = Duration::from_secs(config.billing_exception_max_pause_duration_sec);
        let billing = Arc::new(Billing::new(debts));
        let reporter = settings.telemetry.then(|| {
            let sink = Arc::new(CallSink::new(calls.clone()));
            let identity = settings.identity(session_id.as_deref(), &calls);
            let clock = Arc::clone(calls.0.transport().clock());
            let jitter = Arc::clone(calls.0.transport().jitter());
            Reporter::start(ReporterConfig::default(), identity, sink, clock, jitter)
        });
        let api: Arc<dyn PromiseApi> = match &reporter {
            Some(reporter) => Arc::new(ToldPolls::new(calls.clone(), Arc::clone(reporter))),
            None => Arc::new(calls.clone()),
        };
        let waiter = PromiseWaiter {
            api,
            clock: Arc::clone(&clock),
            billing: Arc::clone(&billing),
            room: BytesSemaphore::new(config.inflight_response_bytes_semaphore_size),
            options: settings.poll.clone(),
        };
        let limits = DispatchLimits {
            bytes: config.sample_dispatch_bytes_semaphore_size,
            ..DispatchLimits::default()
        };
        let window = settings.pauses.clone();
        let window = window.unwrap_or_else(|| PauseWindow::new(PauseConfig::default(), clock));
        let (unwanted, queue) = mpsc::unbounded_channel();
        let holder = Arc::new(Self {
            waiter,
            billing,
            dispatch: SamplingDispatch::new(limits, window),
            fwdbwd_room: BytesSemaphore::new(config.fwdbwd_dispatch_bytes_semaphore_size),
            hub: Arc::new(QueueHub::new(QueueUser::Training, "service", None)),
            reporter,
            losses: Losses::default(),
            config,
            dynamic: RwLock::new(dynamic),
            models: AtomicU64::new(0),
            samplers: AtomicU64::new(0),
            sampling_clients: SamplerRegistry::default(),
            heartbeat: settings.heartbeat,
            unwanted,
            tasks: Mutex::default(),
            closed: AtomicBool::new(false),
            session_id,
            calls,
        });
        holder.keep(tokio::spawn(drain(Arc::downgrade(&holder), queue)).abort_handle());
        holder
    }

    fn start_tasks(self: &Arc<Self>) {
        if let Some(session_id) = &self.session_id {
            let beat = Heartbeat::new(self.clock(), self.calls.clone(), session_id.clone());
            let beat = beat.with_limits(self.heartbeat);
            self.keep(tokio::spawn(beat.run()).abort_handle());
        }
        self.keep(tokio::spawn(refresh(Arc::downgrade(self))).abort_handle());
    }

    fn keep(&self, task: AbortHandle) {
        self.tasks
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(task);
    }

    /// The clock.
    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(self.calls.0.transport().clock())
    }

    /// The address of the server.
    pub(crate) fn base_url(&self) -> &str {
        let base = self.calls.0.endpoint().base_url().as_str();
        base.trim_end_matches('/')
    }

    /// The session, for calls that need one.
    pub(crate) fn session_id(&self) -> Result<&str, Error> {
        let missing = || Error::config("this client has no session");
        self.session_id.as_deref().ok_or_else(missing)
    }

    pub(crate) fn next_model(&self) -> u64 {
        self.models.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) fn next_sampler(&self) -> u64 {
        self.samplers.fetch_add(1, Ordering::Relaxed)
    }

    /// Settings that the server changes while the client runs.
    pub(crate) fn dynamic(&self) -> ClientDynamicConfigResponse {
        self.dynamic
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Tells the server, when it wants to know, that nobody waits for this result.
    pub(crate) fn unwanted(&self, request_id: String) {
        if self.dynamic().sample_cancel_enabled {
            // After the end nobody cancels anything.
            let _: Result<(), _> = self.unwanted.send(request_id);
        }
    }

    /// Does a piece of work, and tells telemetry when it fails or panics.
    pub(crate) fn watched<'a, T: Send + 'a>(
        &'a self,
        work: impl Future<Output = Result<T, Error>> + Send + 'a,
    ) -> BoxFuture<'a, Result<T, Error>> {
        // In a box, since the futures around it would each have room for it.
        let work = work.boxed();
        let reporter = self.reporter.as_deref();
        telemetry::capture_result(reporter, Fatal::No, Severity::Error, work).boxed()
    }

    /// Tells telemetry what failed.
    pub(crate) fn report(&self, error: &Error) {
        if let Some(reporter) = &self.reporter {
            reporter.log_exception(&ErrorReport::of(error), &Severity::Error);
        }
    }

    /// Refuses work after the end.
    pub(crate) fn check_open(&self) -> Result<(), Error> {
        match self.closed.load(Ordering::Acquire) {
            true => Err(Error::cancelled("the client was closed")),
            false => Ok(()),
        }
    }

    /// Tells the server how the session ended.
    pub(crate) async fn finish(&self, request: &FinishSessionRequest) -> Result<(), Error> {
        let session = self.session_id()?;
        let options = Calls::of("ServiceClient.close");
        let call = || self.calls.0.finish_session(session, request, &options);
        self.calls.paid(&self.billing, call).await?;
        Ok(())
    }

    /// Ends the tasks and sends what telemetry waits. A second time does nothing.
    pub(crate) async fn close(&self) {
        if self.closed.swap(true, Ordering::AcqRel) {
            return;
        }
        self.abort_tasks();
        if let Some(reporter) = &self.reporter {
            reporter.stop().await;
        }
    }

    fn abort_tasks(&self) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        for task in tasks.drain(..) {
            task.abort();
        }
    }

    /// How many samples may be under way.
    pub(crate) fn max_samples(&self) -> Option<NonZeroU32> {
        if self.config.sample_use_retrieve_futures {
            return None;
        }
        let most = u32::try_from(self.config.sample_max_concurrent_requests);
        NonZeroU32::new(most.unwrap_or(u32::MAX))
    }
}

/// The losses that a session was told of.
#[derive(Debug, Default)]
pub(crate) struct Losses {
    known: Mutex<BTreeSet<String>>,
    registered: AtomicU64,
}

impl Losses {
    /// Whether a loss is new.
    pub(crate) fn remember(&self, loss: String) -> bool {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(loss)
    }

    /// The number of the next loss that the server learns.
    pub(crate) fn next(&self) -> u64 {
        self.registered.fetch_add(1, Ordering::Relaxed)
    }
}

impl Drop for Holder {
    fn drop(&mut self) {
        self.abort_tasks();
    }
}

async fn open_session(calls: &Calls, settings: &Settings) -> Result<String, Error> {
    let mut body = CreateSessionRequest::new()
        .set_tags(settings.tags.clone())
        .set_user_metadata(settings.user_metadata.clone())
        .set_sdk_version(PROTOCOL_VERSION);
    body.project_id.clone_from(&settings.project_id);
    body.display_name.clone_from(&settings.display_name);
    let reply = calls
        .0
        .create_session(&body, &CallOptions::new())
        .await?
        .into_body();
    if let Some(message) = &reply.info_message {
        tracing::info!("{message}");
    }
    if let Some(message) = &reply.warning_message {
        tracing::warn!("{message}");
    }
    if let Some(message) = &reply.error_message {
        tracing::error!("{message}");
    }
    Ok(reply.session_id)
}

/// Asks for the changing settings every now and then; the last good ones stay.
async fn refresh(holder: std::sync::Weak<Holder>) {
    let body = ClientConfigRequest::new().set_sdk_version(PROTOCOL_VERSION);
    let options = CallOptions::new();
    loop {
        let Some((clock, wait)) = holder.upgrade().map(|holder| {
            let seconds = holder.dynamic().refresh_interval_sec;
            (
                holder.clock(),
                Duration::from_secs(seconds).max(LEAST_REFRESH),
            )
        }) else {
            return;
        };
        clock.sleep(wait).await;
        let Some(holder) = holder.upgrade() else {
            return;
        };
        let asked = holder.calls.0.client_dynamic_config(&body, &options);
        match asked.await.map(gimmal_transport::Response::into_body) {
            Ok(fresh) => {
                *holder
                    .dynamic
                    .write()
                    .unwrap_or_else(PoisonError::into_inner) = fresh
            }
            Err(error) => tracing::debug!(%error, "settings could not be refreshed"),
        }
    }
}

/// Cancels results that nobody wants, as many at once as the server takes.
async fn drain(holder: std::sync::Weak<Holder>, mut queue: mpsc::UnboundedReceiver<String>) {
    while let Some(first) = queue.recv().await {
        let Some(holder) = holder.upgrade() else {
            return;
        };
        let most = usize::try_from(holder.dynamic().sample_cancel_max_batch_size);
        let mut batch = vec![first];
        while batch.len() < most.unwrap_or(usize::MAX).max(1)
            && let Ok(next) = queue.try_recv()
        {
            batch.push(next);
        }
        let cancels = batch.iter().map(|id| holder.calls.cancel(id));
        for outcome in futures_util::future::join_all(cancels).await {
            if let Err(error) = outcome {
                tracing::debug!(%error, "a result could not be cancelled");
            }
        }
    }
}

/// An identifier of this process.
pub(crate) fn process_uuid(calls: &Calls) -> String {
    uuid(&**calls.0.transport().jitter())
}
