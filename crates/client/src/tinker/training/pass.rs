//! Forward and backward passes: cut into chunks, handed in, and put together again.

use std::collections::BTreeMap;
use std::future::IntoFuture;
use std::ops::Range;
use std::sync::Arc;

use futures_util::future::{BoxFuture, try_join_all};
use gimmal_api::tinker::{RequestType, requests};
use gimmal_transport::{Error, Request};
use gimmal_types::tinker::proto::ForwardBackwardBody;
use gimmal_types::tinker::{
    Datum, ForwardBackwardInput, ForwardBackwardOutput, LossConfigValue, LossFnType,
};

use super::client::{Inner, TrainingClient, lost};
use super::turns::Turn;
use super::{ChunkLimits, ChunkMetrics, MetricsReduction, chunk_ranges};
use crate::tinker::calls::{Calls, invalid};
use crate::tinker::estimate::training_bytes;
use crate::tinker::promise::{Handle, Submission};

/// A pass that is not handed in yet. Awaiting it hands it in and waits for the result.
#[derive(Debug)]
#[must_use = "a pass does nothing until it is awaited or submitted"]
pub struct ForwardBackward {
    client: TrainingClient,
    input: ForwardBackwardInput,
    kind: PassKind,
    reduction: MetricsReduction,
}

/// What is passed, and under which name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum PassKind {
    Forward,
    ForwardBackward,
    /// The passes of a custom loss.
    CustomForward,
    CustomBackward,
}

impl PassKind {
    fn is_forward_only(self) -> bool {
        matches!(self, Self::Forward | Self::CustomForward)
    }

    fn request_type(self) -> RequestType {
        match self.is_forward_only() {
            true => RequestType::Forward,
            false => RequestType::ForwardBackward,
        }
    }

    fn method(self) -> &'static str {
        match self {
            Self::Forward => "TrainingClient.forward",
            Self::ForwardBackward => "TrainingClient.forward_backward",
            Self::CustomForward | Self::CustomBackward => "TrainingClient.forward_backward_custom",
        }
    }
}

impl TrainingClient {
    /// A forward pass and a backward pass, which adds to the gradients.
    ///
    /// The data are cut into requests of at most as many data and bytes as the server wants, and
    /// the results put together: outputs in the order of the data, metrics by their suffix.
    pub fn forward_backward(
        &self,
        data: impl Into<Vec<Datum>>,
        loss_fn: impl Into<LossFnType>,
    ) -> ForwardBackward {
        self.pass(data.into(), loss_fn.into(), PassKind::ForwardBackward)
    }

    /// A forward pass, which leaves the gradients alone.
    pub fn forward(
        &self,
        data: impl Into<Vec<Datum>>,
        loss_fn: impl Into<LossFnType>,
    ) -> ForwardBackward {
        self.pass(data.into(), loss_fn.into(), PassKind::Forward)
    }

    pub(super) fn pass(
        &self,
        data: Vec<Datum>,
        loss_fn: LossFnType,
        kind: PassKind,
    ) -> ForwardBackward {
        ForwardBackward {
            client: self.clone(),
            input: ForwardBackwardInput::new(data, loss_fn),
            kind,
            reduction: MetricsReduction::default(),
        }
    }
}

impl ForwardBackward {
    /// Sets a number or a text that the loss depends on.
    pub fn set_loss_fn_config(
        mut self,
        name: impl Into<String>,
        value: impl Into<LossConfigValue>,
    ) -> Self {
        self.input = self.input.with_config(name, value);
        self
    }

    /// Puts the metrics of chunks together by other rules.
    pub fn with_metrics_reduction(mut self, rules: MetricsReduction) -> Self {
        self.reduction = rules;
        self
    }

    /// Takes the pass's place in the order of requests and hands it in, in the background.
    pub fn submit(self) -> Submission<ForwardBackwardOutput> {
        let inner = &self.client.inner;
        let reserved = self.input.check().map_err(|error| invalid(&error));
        let chunks = inner.chunks(&self.input.data);
        let reserved = reserved
            .and_then(|()| inner.holder.check_open())
            .and_then(|()| inner.turns.reserve(chunks.len() as u64));
        match reserved {
            Err(error) => Submission::failed(error),
            Ok(turn) => {
                let pass = Pass {
                    inner: Arc::clone(inner),
                    input: Arc::new(self.input),
                    kind: self.kind,
                };
                let rules = self.reduction;
                Submission::spawn(async move {
                    let handed_in = pass.hand_in(turn, &chunks);
                    let parts = pass.inner.holder.watched(handed_in).await?;
                    Ok(Handle::spawn(async move {
                        combine(&try_join_all(parts).await?, rules)
                    }))
                })
            }
        }
    }
}

impl IntoFuture for ForwardBackward {
    type Output = Result<ForwardBackwardOutput, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.submit().result())
    }
}

impl Inner {
    /// The runs that data are handed in as.
    pub(super) fn chunks(&self, data: &[Datum]) -> Vec<Range<usize>> {
        let config = &self.holder.config;
        let limits = ChunkLimits {
            max_items: usize::try_from(config.fwdbwd_max_chunk_len).unwrap_or(usize::MAX),
            max_bytes: config.fwdbwd_max_chunk_bytes_count,
        };
        chunk_ranges(data.iter().map(training_bytes), limits)
    }
}

/// A pass on its way.
#[derive(Clone, Debug)]
pub(super) struct Pass {
    pub(super) inner: Arc<Inner>,
    pub(super) input: Arc<ForwardBackwardInput>,
    pub(super) kind: PassKind,
}

impl Pass {
    /// Hands all chunks in at their turn; the handles of their results, in order.
    ///
    /// When the server takes chunks side by side, all but the first go out at once, and the first
    /// when they are accepted: it releases the others. A chunk that fails for good ends the client.
    pub(super) async fn hand_in(
        &self,
        mut turn: Turn,
        chunks: &[Range<usize>],
    ) -> Result<Vec<Handle<ForwardBackwardOutput>>, Error> {
        if !self.inner.holder.config.parallel_fwdbwd_chunks || chunks.len() < 2 {
            let mut handles = Vec::with_capacity(chunks.len());
            for chunk in chunks {
                let one = turn.split_off(1);
                one.come().await?;
                let sent = self.send(one.numbers().start, chunk.clone()).await;
                handles.push(sent.map_err(|error| self.give_up(error))?);
            }
            return Ok(handles);
        }
        turn.come().await?;
        let first = turn.numbers().start;
        let sends = chunks.iter().zip(first..).skip(1);
        let sends = sends.map(|(chunk, number)| self.send(number, chunk.clone()));
        let others = try_join_all(sends)
            .await
            .map_err(|error| self.give_up(error))?;
        let head = chunks.first().cloned().unwrap_or_default();
        let head = self
            .send(first, head)
            .await
            .map_err(|error| self.give_up(error))?;
        Ok(std::iter::once(head).chain(others).collect())
    }

    /// A chunk is lost, and the server would wait for it.
    fn give_up(&self, error: Error) -> Error {
        let cause = Arc::new(error);
        self.inner.turns.poison(Arc::clone(&cause));
        lost(cause)
    }

    async fn send(
        &self,
        number: u64,
        chunk: Range<usize>,
    ) -> Result<Handle<ForwardBackwardOutput>, Error> {
        let holder = &self.inner.holder;
        let data = self.input.data.get(chunk).unwrap_or_default();
        let bytes: u64 = data.iter().map(training_bytes).sum();
        let _room = holder.fwdbwd_room.acquire(bytes).await;
        let request = self.request(number + 1, data)?;
        let method = self.kind.method();
        let packed = holder.config.proto_compress_fwdbwd;
        let options = Calls::packed(Calls::in_order(method), packed);
        let clock = holder.clock();
        let started = clock.now();
        let api = &holder.calls.0;
        let call = || api.send_forward_backward(request.clone(), &options);
        let future = holder.calls.paid(&holder.billing, call).await?.into_body();
        let roundtrip = clock.now().saturating_duration_since(started);
        let request_type = self.kind.request_type();
        Ok(self.inner.wait(future, request_type, method, roundtrip))
    }

    fn request(&self, seq_id: u64, data: &[Datum]) -> Result<Request, Error> {
        let ForwardBackwardInput {
            loss_fn,
            loss_fn_config,
            ..
        } = &*self.input;
        let mut body = ForwardBackwardBody::new(&self.inner.model_id, seq_id, data, loss_fn)
            .with_config(loss_fn_config.as_ref());
        if self.kind.is_forward_only() {
            body = body.forward_only();
        }
        requests::forward_backward(self.inner.holder.calls.0.endpoint(), body)
    }
}

/// The result of a pass from those of its chunks.
pub(super) fn combine(
    parts: &[ForwardBackwardOutput],
    rules: MetricsReduction,
) -> Result<ForwardBackwardOutput, Error> {
    let Some(first) = parts.first() else {
        return Err(Error::invalid("data", "must hold at least one datum"));
    };
    let chunks: Vec<_> = parts
        .iter()
        .map(|part| ChunkMetrics {
            weight: part.loss_fn_outputs.len(),
            metrics: &part.metrics,
        })
        .collect();
    let metrics: BTreeMap<String, f64> = rules.reduce(&chunks)?;
    let mut whole = ForwardBackwardOutput::new();
    whole
        .loss_fn_output_type
        .clone_from(&first.loss_fn_output_type);
    whole.loss_fn_outputs = parts
        .iter()
        .flat_map(|part| part.loss_fn_outputs.clone())
        .collect();
    whole.metrics = metrics;
    Ok(whole)
}
