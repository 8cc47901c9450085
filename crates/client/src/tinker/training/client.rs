//! The training client: steps of one model, in the order in which the program asks for them.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use gimmal_api::tinker::{RequestType, Tinker};
use gimmal_transport::{CallOptions, Error, Response};
use gimmal_types::tinker::{FutureResult, GetInfoResponse, UntypedAPIFuture};

use super::Turns;
use crate::tinker::calls::Calls;
use crate::tinker::holder::Holder;
use crate::tinker::promise::{Handle, Promise, Submission};
use crate::tinker::queue_state::{QueueHub, QueueUser};
use crate::tinker::{QueueStateChanges, QueueStateObserver, Reporter, console};

/// A model that is being trained. Clones are the same client.
///
/// Requests go out in the order in which `submit` is called, or the request is awaited. Several
/// may be under way at once:
///
/// ```no_run
/// # use gimmal_client::tinker::TrainingClient;
/// # use gimmal_client::types::tinker::{AdamParams, Datum, LossFnType};
/// # async fn run(client: TrainingClient, data: Vec<Datum>) -> Result<(), gimmal_client::Error> {
/// let pass = client.forward_backward(data, LossFnType::CrossEntropy).submit().await?;
/// let step = client.optim_step(AdamParams::new()).submit().await?;
/// println!("{:?}", pass.await?.metrics);
/// step.await?;
/// # Ok(()) }
/// ```
///
/// When a pass is lost on its way for good, the server waits for it and would never answer what
/// comes later. The client then refuses everything that follows, with the loss as the cause; go on
/// with a new client, from the last checkpoint.
#[derive(Clone, Debug)]
pub struct TrainingClient {
    pub(super) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) holder: Arc<Holder>,
    pub(super) model_id: String,
    pub(super) info: GetInfoResponse,
    pub(super) turns: Turns,
    pub(super) hub: Arc<QueueHub>,
}

/// A request under way to the endpoint that accepts it.
type Accepting<'a> = BoxFuture<'a, Result<Response<UntypedAPIFuture>, Error>>;

impl TrainingClient {
    pub(crate) fn new(holder: Arc<Holder>, model_id: String, info: GetInfoResponse) -> Self {
        let parent = Some(Arc::clone(&holder.hub));
        let hub = Arc::new(QueueHub::new(QueueUser::Training, &model_id, parent));
        Self {
            inner: Arc::new(Inner {
                holder,
                model_id,
                info,
                turns: Turns::default(),
                hub,
            }),
        }
    }

    /// The model, which is also the training run.
    pub fn model_id(&self) -> &str {
        &self.inner.model_id
    }

    /// What is known of the model since it was made.
    pub fn get_info(&self) -> &GetInfoResponse {
        &self.inner.info
    }

    /// Tells `observer` when the queue of this model changes its state.
    pub fn on_queue_state_change(&self, observer: Arc<dyn QueueStateObserver>) {
        self.inner.hub.observe(observer);
    }

    /// The changes of the state of this model's queue, from now on.
    pub fn queue_state_changes(&self) -> QueueStateChanges {
        self.inner.hub.changes()
    }

    /// The page of the run in the web console.
    pub fn get_console_url(&self) -> String {
        console::training_run(&self.inner.model_id)
    }

    /// The reporter of telemetry, unless it is off.
    pub fn get_telemetry(&self) -> Option<Arc<Reporter>> {
        self.inner.holder.reporter.clone()
    }

    pub(crate) fn holder(&self) -> &Arc<Holder> {
        &self.inner.holder
    }

    /// Hands a single request in at its turn: what `fill` makes of the model and the number of the
    /// turn, by the endpoint `send`.
    ///
    /// A request that the server refused with an answer is passed over, as it is by the official
    /// SDK; one whose fate is unknown ends the client.
    pub(super) fn submit_one<B: Send + Sync + 'static, T: FutureResult>(
        &self,
        request_type: RequestType,
        method: &'static str,
        fill: impl FnOnce(&str, u64) -> B + Send + 'static,
        send: for<'a> fn(&'a Tinker, &'a B, &'a CallOptions) -> Accepting<'a>,
    ) -> Submission<T> {
        let turn = match self
            .inner
            .holder
            .check_open()
            .and_then(|()| self.inner.turns.reserve(1))
        {
            Ok(turn) => turn,
            Err(error) => return Submission::failed(error),
        };
        let inner = Arc::clone(&self.inner);
        let watcher = Arc::clone(&self.inner.holder);
        let handed_in = async move {
            turn.come().await?;
            let clock = inner.holder.clock();
            let started = clock.now();
            let body = fill(&inner.model_id, turn.numbers().start + 1);
            let options = Calls::in_order(method);
            let calls = &inner.holder.calls;
            let call = || send(&calls.0, &body, &options);
            let future = match calls.paid(&inner.holder.billing, call).await {
                Ok(accepted) => accepted.into_body(),
                Err(error) => {
                    if error.status().is_none() {
                        let cause = Arc::new(error);
                        turn.poison(Arc::clone(&cause));
                        return Err(lost(cause));
                    }
                    return Err(error);
                }
            };
            drop(turn);
            let roundtrip = clock.now().saturating_duration_since(started);
            Ok(inner.wait(future, request_type, method, roundtrip))
        };
        Submission::spawn(async move { watcher.watched(handed_in).await })
    }
}

impl Inner {
    /// Waits for the result of an accepted request in the background.
    pub(super) fn wait<T: FutureResult>(
        self: &Arc<Self>,
        future: UntypedAPIFuture,
        request_type: RequestType,
        method: &'static str,
        roundtrip: Duration,
    ) -> Handle<T> {
        let promise = Promise {
            request_id: future.request_id,
            request_type,
            roundtrip,
            method,
        };
        let inner = Arc::clone(self);
        Handle::spawn(async move {
            let waiter = &inner.holder.waiter;
            let work = async { waiter.wait(&promise, &inner.hub, None).await?.read() };
            inner.holder.watched(work).await
        })
    }
}

/// The error of the request that was lost, which is also the cause of those of later ones.
pub(super) fn lost(cause: Arc<Error>) -> Error {
    let message = format!("the request was lost on its way: {cause}");
    let mut error = Error::cancelled(message);
    error = error.with_persistence(cause.persistence());
    // Whoever looks for the cause looks for an error, not for a shared one.
    error.with_source(Error::clone(&cause))
}
