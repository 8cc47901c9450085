//! Losses that a session is told of once, as graphs, so that its server computes them.

use std::future::IntoFuture;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use gimmal_api::tinker::RequestType;
use gimmal_transport::Error;
use gimmal_types::tinker::{
    CreateCustomLossRequest, CreateCustomLossResponse, CustomLossGraph, CustomLossInput, Datum,
};

use crate::tinker::ServiceClient;
use crate::tinker::calls::Calls;
use crate::tinker::holder::Holder;
use crate::tinker::promise::Promise;
use crate::tinker::queue_state::{QueueHub, QueueUser};

/// The parameter that every loss has: the log-probabilities of the target tokens.
const LOGPROBS: &str = "logprobs";
const TARGET_TOKENS: &str = "target_tokens";

/// A loss that a session knows. See [`ServiceClient::create_custom_loss`].
#[derive(Clone, Debug)]
pub struct LossHandle {
    name: String,
    inputs: Vec<CustomLossInput>,
    session_id: String,
    loss_id: Option<String>,
}

impl LossHandle {
    /// What people call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its parameters.
    pub fn inputs(&self) -> &[CustomLossInput] {
        &self.inputs
    }

    /// The session that knows it.
    pub fn session_id(&self) -> &str {
        &self.session_id
    }

    /// What the server calls it; `None` where the server leaves losses to the program.
    pub fn loss_id(&self) -> Option<&str> {
        self.loss_id.as_deref()
    }

    /// Refuses data that the loss cannot be computed over.
    pub(super) fn check(&self, session_id: Option<&str>, data: &[Datum]) -> Result<(), Error> {
        if session_id != Some(self.session_id.as_str()) {
            let message = "is of another session; create the loss in this one";
            return Err(Error::invalid("loss_fn", message));
        }
        for (index, datum) in data.iter().enumerate() {
            for input in &self.inputs {
                let name = match input.name.as_str() {
                    LOGPROBS => TARGET_TOKENS,
                    name => name,
                };
                let field = || format!("data[{index}].loss_fn_inputs.{name}");
                let Some(tensor) = datum.loss_fn_inputs.get(name) else {
                    let message = format!("is missing; the loss `{}` needs it", self.name);
                    return Err(Error::invalid(field(), message));
                };
                let rank = tensor.shape().map_or(1, <[i64]>::len);
                if Ok(rank) != usize::try_from(input.rank) {
                    let message = format!("has {rank} dimensions where {} are due", input.rank);
                    return Err(Error::invalid(field(), message));
                }
            }
        }
        Ok(())
    }
}

/// A loss that the session is not told of yet.
#[derive(Debug)]
#[must_use = "nothing is sent until it is awaited"]
pub struct CreateCustomLoss {
    service: ServiceClient,
    name: String,
    inputs: Vec<CustomLossInput>,
    graph: CustomLossGraph,
}

impl ServiceClient {
    /// Tells the session of a loss, as a graph of calls. Where the server computes such losses
    /// itself, passes that name the handle are one request instead of two; see
    /// [`with_handle`](crate::tinker::ForwardBackwardCustom::with_handle).
    ///
    /// ```no_run
    /// # use gimmal_client::tinker::ServiceClient;
    /// # async fn run(service: ServiceClient) -> Result<(), Box<dyn std::error::Error>> {
    /// use gimmal_client::types::tinker::{CustomLossGraph, CustomLossInput};
    /// use serde_json::json;
    ///
    /// let inputs = vec![CustomLossInput::new().set_name("logprobs").set_rank(1_u32)];
    /// // The sum of all log-probabilities, without metrics of its own.
    /// let graph: CustomLossGraph = serde_json::from_value(json!({"nodes": [
    ///     {"op": "placeholder", "name": "logprobs", "target": "logprobs"},
    ///     {"op": "call_method", "name": "sum_1", "target": "sum", "args": [{"ref": "logprobs"}]},
    ///     {"op": "output", "name": "output", "target": "output",
    ///      "args": [{"tuple": [{"ref": "sum_1"}, {"dict": {}}]}]},
    /// ]}))?;
    /// let handle = service.create_custom_loss("sum", inputs, graph).await?;
    /// println!("{:?}", handle.loss_id());
    /// # Ok(()) }
    /// ```
    pub fn create_custom_loss(
        &self,
        name: impl Into<String>,
        inputs: impl Into<Vec<CustomLossInput>>,
        graph: CustomLossGraph,
    ) -> CreateCustomLoss {
        CreateCustomLoss {
            service: self.clone(),
            name: name.into(),
            inputs: inputs.into(),
            graph,
        }
    }
}

impl CreateCustomLoss {
    async fn send(self) -> Result<LossHandle, Error> {
        if self
            .inputs
            .first()
            .is_none_or(|first| first.name != LOGPROBS)
        {
            return Err(Error::invalid("inputs", "must begin with `logprobs`"));
        }
        let holder = self.service.holder().await?;
        let mut request = CreateCustomLossRequest::new()
            .set_session_id(holder.session_id()?)
            .set_name(self.name.as_str())
            .set_graph(self.graph);
        request.inputs.clone_from(&self.inputs);
        // The same loss under another number is the same loss.
        let key = serde_json::to_string(&request).unwrap_or_default();
        if !holder.losses.remember(key) {
            let message = "was created in this session before; use the handle of then";
            return Err(Error::invalid("graph", message));
        }
        let loss_id = match holder.config.custom_loss_server_side {
            true => Some(register(holder, request).await?),
            false => None,
        };
        Ok(LossHandle {
            name: self.name,
            inputs: self.inputs,
            session_id: holder.session_id()?.to_owned(),
            loss_id,
        })
    }
}

impl IntoFuture for CreateCustomLoss {
    type Output = Result<LossHandle, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.send())
    }
}

/// Has the server learn a loss; what it calls it.
async fn register(
    holder: &Arc<Holder>,
    mut request: CreateCustomLossRequest,
) -> Result<String, Error> {
    const METHOD: &str = "ServiceClient.create_custom_loss";
    request.custom_loss_seq_id = holder.losses.next();
    let options = Calls::of(METHOD);
    let clock = holder.clock();
    let started = clock.now();
    let call = || holder.calls.0.create_custom_loss(&request, &options);
    let future = holder.calls.paid(&holder.billing, call).await?.into_body();
    let promise = Promise {
        request_id: future.request_id,
        request_type: RequestType::CreateCustomLoss,
        roundtrip: clock.now().saturating_duration_since(started),
        method: METHOD,
    };
    let parent = Some(Arc::clone(&holder.hub));
    let hub = QueueHub::new(QueueUser::Training, &request.name, parent);
    let made = holder.waiter.wait(&promise, &hub, None).await?;
    let made: CreateCustomLossResponse = made.read()?;
    Ok(made.loss_id)
}
