//! A loss that the program computes itself: a forward pass gives the log-probabilities, the
//! program says how the loss depends on them, and a backward pass with weights makes the gradients.

use std::collections::BTreeMap;
use std::fmt;
use std::future::IntoFuture;
use std::sync::Arc;

use futures_util::future::{BoxFuture, try_join_all};
use gimmal_transport::Error;
use gimmal_types::tinker::{
    Datum, ForwardBackwardInput, ForwardBackwardOutput, LossFnType, TensorData,
};

use super::client::TrainingClient;
use super::pass::{Pass, PassKind, combine};
use super::turns::Turn;
use super::{LossHandle, MetricsReduction};
use crate::tinker::calls::invalid;
use crate::tinker::promise::{Handle, Submission};

const TARGET_TOKENS: &str = "target_tokens";
const WEIGHTS: &str = "weights";
const LOGPROBS: &str = "logprobs";
const LOSS_SUM: &str = "loss:sum";

/// The log-probabilities of the target tokens of one datum, in their order.
pub type Logprobs = Vec<f32>;

/// What a loss of one's own gives.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct CustomLossOutput {
    /// The loss, summed over the data.
    pub loss: f64,
    /// Its derivative with respect to each log-probability, datum by datum.
    pub gradients: Vec<Vec<f32>>,
    /// Metrics to add to those of the server.
    pub metrics: BTreeMap<String, f64>,
}

/// A loss that the program computes from the log-probabilities of the target tokens.
///
/// A closure will do. It runs on a thread of its own, so that it may take its time:
///
/// ```no_run
/// use std::collections::BTreeMap;
/// use gimmal_client::tinker::{CustomLossOutput, Logprobs, TrainingClient};
/// use gimmal_client::types::tinker::Datum;
///
/// # async fn run(client: TrainingClient, data: Vec<Datum>) -> Result<(), gimmal_client::Error> {
/// // The sum of all log-probabilities.
/// let loss = |_: &[Datum], logprobs: &[Logprobs]| {
///     let sum: f32 = logprobs.iter().flatten().sum();
///     Ok(CustomLossOutput {
///         loss: f64::from(sum),
///         gradients: logprobs.iter().map(|one| vec![1.0; one.len()]).collect(),
///         metrics: BTreeMap::new(),
///     })
/// };
/// let output = client.forward_backward_custom(data, loss).await?;
/// # let _ = output;
/// # Ok(()) }
/// ```
pub trait CustomLoss: Send + 'static {
    /// The loss, its gradients and its metrics. All numbers must be finite, or nothing is sent.
    ///
    /// # Errors
    ///
    /// Fails when the loss cannot be computed; the training client is of no use afterwards.
    fn evaluate(self, data: &[Datum], logprobs: &[Logprobs]) -> Result<CustomLossOutput, Error>;
}

impl<F> CustomLoss for F
where
    F: FnOnce(&[Datum], &[Logprobs]) -> Result<CustomLossOutput, Error> + Send + 'static,
{
    fn evaluate(self, data: &[Datum], logprobs: &[Logprobs]) -> Result<CustomLossOutput, Error> {
        self(data, logprobs)
    }
}

/// A pass with a loss of one's own that is not handed in yet.
#[must_use = "a pass does nothing until it is awaited or submitted"]
pub struct ForwardBackwardCustom<L> {
    client: TrainingClient,
    data: Vec<Datum>,
    loss: L,
    handle: Option<LossHandle>,
}

impl<L> fmt::Debug for ForwardBackwardCustom<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForwardBackwardCustom")
            .field("data", &self.data.len())
            .finish_non_exhaustive()
    }
}

impl TrainingClient {
    /// A forward and a backward pass with a loss of one's own.
    ///
    /// The server's cross-entropy is the sum of −logprob × weight, so that weights of
    /// −∂loss/∂logprob give the gradients of any loss. Two requests are made for each chunk of the
    /// data. A failure in between leaves numbers that were given out unused; the client refuses
    /// everything that comes later.
    pub fn forward_backward_custom<L: CustomLoss>(
        &self,
        data: impl Into<Vec<Datum>>,
        loss: L,
    ) -> ForwardBackwardCustom<L> {
        ForwardBackwardCustom {
            client: self.clone(),
            data: data.into(),
            loss,
            handle: None,
        }
    }
}

impl<L: CustomLoss> ForwardBackwardCustom<L> {
    /// Lets the server compute the loss, in one request for each chunk of the data, where it has
    /// learned it. Where it has not, the program does.
    pub fn with_handle(mut self, handle: &LossHandle) -> Self {
        self.handle = Some(handle.clone());
        self
    }

    /// Takes the place of both passes in the order of requests and hands the first in.
    pub fn submit(self) -> Submission<ForwardBackwardOutput> {
        let inner = Arc::clone(&self.client.inner);
        if let Some(handle) = &self.handle {
            let session_id = inner.holder.session_id.as_deref();
            if let Err(error) = handle.check(session_id, &self.data) {
                return Submission::failed(error);
            }
            if let Some(loss_id) = handle.loss_id() {
                let (client, kind) = (&self.client, PassKind::CustomBackward);
                let pass = client.pass(self.data, LossFnType::Custom, kind);
                return pass.set_loss_fn_config("loss_id", loss_id).submit();
            }
        }
        let prepared = inner
            .holder
            .check_open()
            .and_then(|()| forward_data(&self.data));
        let forward = match prepared {
            Ok(data) => ForwardBackwardInput::new(data, LossFnType::CrossEntropy),
            Err(error) => return Submission::failed(error),
        };
        if let Err(error) = forward.check() {
            return Submission::failed(invalid(&error));
        }
        let chunks = inner.chunks(&forward.data);
        let count = chunks.len() as u64;
        let mut turn = match inner.turns.reserve(2 * count) {
            Ok(turn) => turn,
            Err(error) => return Submission::failed(error),
        };
        let first = turn.split_off(count);
        let pass = Pass {
            inner,
            input: Arc::new(forward),
            kind: PassKind::CustomForward,
        };
        let work = Custom {
            pass,
            data: self.data,
            chunks,
        };
        let loss = self.loss;
        Submission::spawn(async move {
            let holder = Arc::clone(&work.pass.inner.holder);
            let handed_in = work.pass.hand_in(first, &work.chunks);
            let parts = holder.watched(handed_in).await?;
            Ok(Handle::spawn(async move {
                holder.watched(work.finish(parts, turn, loss)).await
            }))
        })
    }
}

impl<L: CustomLoss> IntoFuture for ForwardBackwardCustom<L> {
    type Output = Result<ForwardBackwardOutput, Error>;
    type IntoFuture = BoxFuture<'static, Self::Output>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(self.submit().result())
    }
}

/// A pass with a loss of one's own on its way.
struct Custom {
    pass: Pass,
    data: Vec<Datum>,
    chunks: Vec<std::ops::Range<usize>>,
}

impl Custom {
    async fn finish<L: CustomLoss>(
        self,
        parts: Vec<Handle<ForwardBackwardOutput>>,
        turn: Turn,
        loss: L,
    ) -> Result<ForwardBackwardOutput, Error> {
        // Should the handle be dropped, the numbers of the second pass stay unused.
        let guard = Unused(Some(self.pass.clone()));
        let result = self.run(parts, turn, loss).await;
        guard.settle(&result);
        result
    }

    async fn run<L: CustomLoss>(
        self,
        parts: Vec<Handle<ForwardBackwardOutput>>,
        turn: Turn,
        loss: L,
    ) -> Result<ForwardBackwardOutput, Error> {
        let outputs = try_join_all(parts).await?;
        let logprobs = outputs.iter().flat_map(|output| &output.loss_fn_outputs);
        let logprobs: Vec<Logprobs> = logprobs.map(logprobs_of).collect::<Result<_, _>>()?;
        if logprobs.len() != self.data.len() {
            let message = format!("{} outputs for {} data", logprobs.len(), self.data.len());
            return Err(Error::decode(message, bytes::Bytes::new()));
        }
        let data = self.data;
        let computed = tokio::task::spawn_blocking(move || {
            let output = loss.evaluate(&data, &logprobs)?;
            check_finite(&output)?;
            let backward = backward_data(&data, &logprobs, &output.gradients)?;
            Ok::<_, Error>((output, backward))
        });
        let panicked = |_| Error::cancelled("the custom loss panicked");
        let (output, backward) = computed.await.map_err(panicked)??;
        let pass = Pass {
            input: Arc::new(ForwardBackwardInput::new(
                backward,
                LossFnType::CrossEntropy,
            )),
            kind: PassKind::CustomBackward,
            ..self.pass
        };
        let parts = pass.hand_in(turn, &self.chunks).await?;
        let parts = try_join_all(parts).await?;
        let mut whole = combine(&parts, MetricsReduction::default())?;
        merge_metrics(&mut whole.metrics, output);
        Ok(whole)
    }
}

/// Ends the client when numbers that were given out stay unused.
struct Unused(Option<Pass>);

impl Unused {
    fn settle(mut self, result: &Result<ForwardBackwardOutput, Error>) {
        let Some(pass) = self.0.take() else {
            return;
        };
        if let Err(error) = result {
            let cause = Error::cancelled(format!("a custom loss failed: {error}"));
            pass.inner.turns.poison(Arc::new(cause));
        }
    }
}

impl Drop for Unused {
    fn drop(&mut self) {
        if let Some(pass) = self.0.take() {
            let cause = Error::cancelled("a custom loss was given up before its second pass");
            pass.inner.turns.poison(Arc::new(cause));
        }
    }
}

/// The data of the first pass: target tokens, and weights that are given or nothing.
fn forward_data(data: &[Datum]) -> Result<Vec<Datum>, Error> {
    data.iter()
        .enumerate()
        .map(|(index, datum)| {
            let targets = targets(index, datum)?;
            let weights = datum.loss_fn_inputs.get(WEIGHTS).cloned();
            let weights = match weights {
                Some(weights) => weights,
                None => shaped(vec![0.0; targets.element_count()], targets)?,
            };
            Ok(with_inputs(datum, targets.clone(), weights))
        })
        .collect()
}

/// Refuses numbers that would spoil the model.
fn check_finite(output: &CustomLossOutput) -> Result<(), Error> {
    if !output.loss.is_finite() {
        let message = format!("is {}; nothing was sent", output.loss);
        return Err(Error::invalid("loss", message));
    }
    for (datum, gradient) in output.gradients.iter().enumerate() {
        let mut bad = gradient.iter().enumerate();
        if let Some((place, number)) = bad.find(|(_, number)| !number.is_finite()) {
            let message = format!("is {number}; nothing was sent");
            return Err(Error::invalid(
                format!("gradients[{datum}][{place}]"),
                message,
            ));
        }
    }
    Ok(())
}

/// The data of the second pass: weights are the derivatives with the sign turned.
fn backward_data(
    data: &[Datum],
    logprobs: &[Logprobs],
    gradients: &[Vec<f32>],
) -> Result<Vec<Datum>, Error> {
    if gradients.len() != data.len() {
        let message = format!(
            "holds {} lists for {} data; give one for each datum",
            gradients.len(),
            data.len()
        );
        return Err(Error::invalid("gradients", message));
    }
    let all = data.iter().zip(logprobs).zip(gradients).enumerate();
    all.map(|(index, ((datum, logprobs), gradient))| {
        let targets = targets(index, datum)?;
        if gradient.len() != logprobs.len() {
            let message = format!(
                "holds {} numbers for {} log-probabilities",
                gradient.len(),
                logprobs.len()
            );
            return Err(Error::invalid(format!("gradients[{index}]"), message));
        }
        let weights = gradient.iter().map(|gradient| -gradient).collect();
        Ok(with_inputs(
            datum,
            targets.clone(),
            shaped(weights, targets)?,
        ))
    })
    .collect()
}

fn targets(index: usize, datum: &Datum) -> Result<&TensorData, Error> {
    let field = || format!("data[{index}].loss_fn_inputs.{TARGET_TOKENS}");
    let missing = || Error::invalid(field(), "is missing; a custom loss needs it");
    datum.loss_fn_inputs.get(TARGET_TOKENS).ok_or_else(missing)
}

/// The numbers in the shape of the targets.
fn shaped(values: Vec<f32>, targets: &TensorData) -> Result<TensorData, Error> {
    let tensor = TensorData::from(values);
    match targets.shape() {
        Some(shape) => tensor
            .with_shape(shape.to_vec())
            .map_err(|error| invalid(&error)),
        None => Ok(tensor),
    }
}

fn with_inputs(datum: &Datum, targets: TensorData, weights: TensorData) -> Datum {
    let mut made = Datum::new(datum.model_input.clone())
        .with_input(TARGET_TOKENS, targets)
        .with_input(WEIGHTS, weights);
    made.model_input_spans.clone_from(&datum.model_input_spans);
    made.loss_fn_input_spans
        .clone_from(&datum.loss_fn_input_spans);
    made
}

fn logprobs_of(output: &BTreeMap<String, TensorData>) -> Result<Logprobs, Error> {
    let missing = || Error::decode("an output has no logprobs", bytes::Bytes::new());
    let tensor = output.get(LOGPROBS).ok_or_else(missing)?;
    tensor.as_f32().map(<[f32]>::to_vec).ok_or_else(missing)
}

/// The server's loss is that of the stand-in; the program's own takes its name.
fn merge_metrics(metrics: &mut BTreeMap<String, f64>, output: CustomLossOutput) {
    if let Some(surrogate) = metrics.remove(LOSS_SUM) {
        metrics.insert("surrogate_loss:sum".to_owned(), surrogate);
    }
    metrics.extend(output.metrics);
    metrics.insert(LOSS_SUM.to_owned(), output.loss);
}
