//! Supervised fine-tuning: steps over examples, with metrics, evaluation and checkpoints. A run that
//! was killed goes on from its last checkpoint and comes to the same end.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use gimmal_client::tinker::recovery::RecoveryPolicy;
use gimmal_client::tinker::{ServiceClient, TrainingClient};
use gimmal_client::types::tinker::{AdamParams, Datum, LossFnType};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::recovery::Recovery;
use super::saved::DATA_DIGEST;
use super::{BatchOrder, Checkpoint, MetricsLog, SavedRun, StepMetrics};
use crate::{Error, LrSchedule};

const LOSS_SUM: &str = "loss:sum";

/// How a run is to go.
///
/// ```
/// use gimmal_training::{Decay, LrSchedule, SftOptions};
///
/// let schedule = LrSchedule::new(1e-3, 60)?.with_decay(Decay::Linear);
/// let options = SftOptions::new("gimmal/bytes", schedule).with_batch_size(4).with_rank(8);
/// # let _ = options;
/// # Ok::<(), gimmal_training::InvalidSchedule>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct SftOptions {
    base_model: String,
    schedule: LrSchedule,
    rank: u32,
    seed: u32,
    batch_size: usize,
    checkpoint_every: u64,
    evaluate_every: u64,
    folder: Option<PathBuf>,
}

impl SftOptions {
    /// A run over as many steps as the schedule has: batches of 8, rank 16, a checkpoint and an
    /// evaluation at the end only, and nothing on disk.
    pub fn new(base_model: impl Into<String>, schedule: LrSchedule) -> Self {
        Self {
            base_model: base_model.into(),
            schedule,
            rank: 16,
            seed: 0,
            batch_size: 8,
            checkpoint_every: 0,
            evaluate_every: 0,
            folder: None,
        }
    }

    /// Sets the rank of the adapter.
    pub fn with_rank(mut self, rank: u32) -> Self {
        self.rank = rank;
        self
    }

    /// Sets the seed of the adapter and of the order of examples.
    pub fn with_seed(mut self, seed: u32) -> Self {
        self.seed = seed;
        self
    }

    /// Sets how many examples a step looks at.
    pub fn with_batch_size(mut self, examples: usize) -> Self {
        self.batch_size = examples;
        self
    }

    /// Sets after how many steps a checkpoint is saved; 0 is at the end only.
    pub fn with_checkpoint_every(mut self, steps: u64) -> Self {
        self.checkpoint_every = steps;
        self
    }

    /// Sets after how many steps the examples for evaluation are looked at; 0 is at the end only.
    pub fn with_evaluate_every(mut self, steps: u64) -> Self {
        self.evaluate_every = steps;
        self
    }

    /// Keeps `metrics.jsonl` and `run.json` in a folder, from which the run can be taken up.
    pub fn with_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// What must be the same for a run to go on.
    fn fingerprint(&self, data: &[Datum]) -> Map<String, Value> {
        Map::from_iter([
            ("base_model".to_owned(), self.base_model.clone().into()),
            ("rank".to_owned(), self.rank.into()),
            ("seed".to_owned(), self.seed.into()),
            ("batch_size".to_owned(), self.batch_size.into()),
            ("steps".to_owned(), self.schedule.total_steps().into()),
            ("learning_rate".to_owned(), self.schedule.peak().into()),
            ("decay".to_owned(), self.schedule.decay().name().into()),
            (
                "warmup_steps".to_owned(),
                self.schedule.warmup_steps().into(),
            ),
            ("floor_ratio".to_owned(), self.schedule.floor_ratio().into()),
            ("examples".to_owned(), data.len().into()),
            (DATA_DIGEST.to_owned(), digest(data).into()),
        ])
    }
}

/// How a run ended.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SftOutcome {
    /// The step that would come next; all of them, unless the run was stopped.
    pub steps: u64,
    /// The last checkpoint, with weights and optimiser.
    pub checkpoint: String,
    /// The weights to sample from, unless the run was stopped.
    pub sampler: Option<String>,
    /// The loss of each counted token at the last step of this run.
    pub last_loss: Option<f64>,
}

type OnStep = dyn FnMut(&StepMetrics) + Send;
type Stop = dyn Fn() -> bool + Send + Sync;

/// A run of supervised fine-tuning.
///
/// ```no_run
/// use gimmal_client::tinker::ServiceClient;
/// use gimmal_training::{LrSchedule, Sft, SftOptions, byte_tokens, supervised};
///
/// # async fn run(service: ServiceClient) -> Result<(), Box<dyn std::error::Error>> {
/// let datum = supervised(&byte_tokens("2+2=", false), &byte_tokens("4", true))?;
/// let options = SftOptions::new("gimmal/bytes", LrSchedule::new(1e-3, 60)?).with_folder("runs/sums");
/// let outcome = Sft::new(service, vec![datum], options)
///     .on_step(|step| println!("{}: {}", step.step, step.metrics["loss:mean"]))
///     .run()
///     .await?;
/// println!("sample from {:?}", outcome.sampler);
/// # Ok(()) }
/// ```
///
/// Metrics of a step are those of the server, `loss:mean` (of each counted token), `learning_rate`,
/// and `eval/loss:mean` where it was evaluated.
#[must_use = "nothing happens until it is run"]
pub struct Sft {
    service: ServiceClient,
    data: Vec<Datum>,
    evaluation: Vec<Datum>,
    options: SftOptions,
    recovery: Option<RecoveryPolicy>,
    on_step: Box<OnStep>,
    stop: Arc<Stop>,
}

impl fmt::Debug for Sft {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sft")
            .field("data", &self.data.len())
            .field("evaluation", &self.evaluation.len())
            .field("options", &self.options)
            .field("recovery", &self.recovery)
            .finish_non_exhaustive()
    }
}

impl Sft {
    /// A run over data with `target_tokens` and `weights`, such as those of
    /// [`supervised`](super::supervised).
    pub fn new(service: ServiceClient, data: Vec<Datum>, options: SftOptions) -> Self {
        Self {
            service,
            data,
            evaluation: Vec::new(),
            options,
            recovery: None,
            on_step: Box::new(|_| {}),
            stop: Arc::new(|| false),
        }
    }

    /// Data that are looked at and not learnt.
    pub fn with_evaluation(mut self, data: Vec<Datum>) -> Self {
        self.evaluation = data;
        self
    }

    /// Has the run watched: when the service loses it, it goes on from its last checkpoint.
    pub fn with_recovery(mut self, policy: RecoveryPolicy) -> Self {
        self.recovery = Some(policy);
        self
    }

    /// Is told the metrics of each step; a step that is taken again after a loss is told again.
    pub fn on_step(mut self, tell: impl FnMut(&StepMetrics) + Send + 'static) -> Self {
        self.on_step = Box::new(tell);
        self
    }

    /// Is asked before each step whether to stop there, with a checkpoint.
    pub fn with_stop(mut self, stop: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        self.stop = Arc::new(stop);
        self
    }

    /// Runs from the last checkpoint of the folder, or from the beginning, to the end.
    ///
    /// # Errors
    ///
    /// Fails when there are no data, when the folder holds a run with other options or other data,
    /// and as the service does.
    pub async fn run(self) -> Result<SftOutcome, Error> {
        if self.data.is_empty() {
            return Err(Error::invalid("data", "must hold at least one datum"));
        }
        let options = self.options.fingerprint(&self.data);
        let mut saved = SavedRun::default();
        if let Some(folder) = &self.options.folder {
            std::fs::create_dir_all(folder)
                .map_err(|error| Error::file("cannot make", folder, error))?;
            saved = SavedRun::load(folder)?.unwrap_or_default();
            if !saved.options.is_empty() {
                saved.check_same(&options)?;
            }
        }
        saved.options = options;
        let training = self.training(saved.checkpoints.last()).await?;
        let step = saved.checkpoints.last().map_or(0, |last| last.step);
        let log = self.log_from(step)?;
        let policy = self.recovery.clone();
        let recovery = policy.map(|policy| Recovery::new(policy, &self.service));
        if let Some(recovery) = &recovery {
            recovery.watch(&training)?;
        }
        let order = BatchOrder::new(
            self.data.len(),
            self.options.batch_size,
            u64::from(self.options.seed),
        );
        Run {
            sft: self,
            training,
            saved,
            log,
            order,
            recovery,
        }
        .steps(step)
        .await
    }

    /// The metrics of the steps before this one.
    fn log_from(&self, step: u64) -> Result<Option<MetricsLog>, Error> {
        let folder = self.options.folder.as_ref();
        folder
            .map(|folder| MetricsLog::resume(folder.join("metrics.jsonl"), step))
            .transpose()
    }

    async fn training(&self, from: Option<&Checkpoint>) -> Result<TrainingClient, Error> {
        Ok(match from {
            Some(last) => {
                let made = self
                    .service
                    .create_training_client_from_state_with_optimizer(&last.path);
                made.await?
            }
            None => {
                let made = self
                    .service
                    .create_lora_training_client(&self.options.base_model);
                let seed = i64::from(self.options.seed);
                made.set_rank(self.options.rank).set_seed(seed).await?
            }
        })
    }
}

/// A run under way.
struct Run {
    sft: Sft,
    training: TrainingClient,
    saved: SavedRun,
    log: Option<MetricsLog>,
    order: BatchOrder,
    recovery: Option<Recovery>,
}

impl Run {
    async fn steps(mut self, first: u64) -> Result<SftOutcome, Error> {
        let total = self.sft.options.schedule.total_steps();
        let mut last_loss = None;
        let mut step = first;
        while step < total && !(self.sft.stop)() {
            match self.step_and_save(step, total).await {
                Ok(metrics) => {
                    last_loss = metrics.metrics.get("loss:mean").copied();
                    step += 1;
                }
                Err(error) => step = self.recover(error).await?,
            }
        }
        if self
            .saved
            .checkpoints
            .last()
            .is_none_or(|last| last.step < step)
        {
            self.checkpoint(step).await?;
        }
        if step == total && self.saved.sampler.is_none() {
            let saved = self.training.save_weights_for_sampler("final").await?;
            self.saved.sampler = Some(saved.path);
            self.store()?;
        }
        let last = self.saved.checkpoints.pop();
        Ok(SftOutcome {
            steps: step,
            checkpoint: last.map(|last| last.path).unwrap_or_default(),
            sampler: self.saved.sampler,
            last_loss,
        })
    }

    async fn step_and_save(&mut self, step: u64, total: u64) -> Result<StepMetrics, Error> {
        let metrics = self.step(step, step + 1 == total).await?;
        if due(self.sft.options.checkpoint_every, step + 1) && step + 1 < total {
            self.checkpoint(step + 1).await?;
        }
        Ok(metrics)
    }

    /// The step to go on with when this failure came of the loss of the run.
    async fn recover(&mut self, failure: Error) -> Result<u64, Error> {
        let Some(recovery) = &mut self.recovery else {
            return Err(failure);
        };
        let Some((training, path)) = recovery.after(self.training.model_id()).await? else {
            return Err(failure);
        };
        let saved = &mut self.saved.checkpoints;
        let Some(at) = saved.iter().rposition(|one| one.path == path) else {
            return Err(failure);
        };
        saved.truncate(at + 1);
        let step = saved.last().map_or(0, |last| last.step);
        self.log = self.sft.log_from(step)?;
        recovery.watch(&training)?;
        self.training = training;
        Ok(step)
    }

    /// One step: both requests are handed in at once, so that the server need not wait for us.
    async fn step(&mut self, step: u64, is_last: bool) -> Result<StepMetrics, Error> {
        let batch = self.order.batch(step);
        let data = batch.iter().filter_map(|place| self.sft.data.get(*place));
        let data: Vec<Datum> = data.cloned().collect();
        let counted = counted(&data);
        let learning_rate = self.sft.options.schedule.at(step);
        let pass = self
            .training
            .forward_backward(data, LossFnType::CrossEntropy);
        let pass = pass.submit().await?;
        // A decay may end at zero, which is no learning rate; the step is made all the same.
        let params = AdamParams::new().set_learning_rate(learning_rate.max(f64::MIN_POSITIVE));
        let moved = self.training.optim_step(params).submit().await?;
        let mut metrics = pass.await?.metrics;
        moved.await?;
        if let Some(sum) = metrics.get(LOSS_SUM).copied() {
            metrics.insert("loss:mean".to_owned(), sum / counted);
        }
        metrics.insert("learning_rate".to_owned(), learning_rate);
        if is_last || due(self.sft.options.evaluate_every, step + 1) {
            metrics.extend(self.evaluate().await?);
        }
        let metrics = StepMetrics::new(step, metrics);
        if let Some(log) = &mut self.log {
            log.append(&metrics)?;
        }
        (self.sft.on_step)(&metrics);
        Ok(metrics)
    }

    async fn evaluate(&self) -> Result<Option<(String, f64)>, Error> {
        if self.sft.evaluation.is_empty() {
            return Ok(None);
        }
        let data = self.sft.evaluation.clone();
        let counted = counted(&data);
        let output = self
            .training
            .forward(data, LossFnType::CrossEntropy)
            .await?;
        let sum = output.metrics.get(LOSS_SUM);
        Ok(sum.map(|sum| ("eval/loss:mean".to_owned(), sum / counted)))
    }

    async fn checkpoint(&mut self, step: u64) -> Result<(), Error> {
        let name = format!("step-{step:06}");
        let saved = self.training.save_state(name).set_overwrite(true).await?;
        self.saved.checkpoints.push(Checkpoint {
            step,
            path: saved.path,
        });
        self.store()
    }

    fn store(&self) -> Result<(), Error> {
        match &self.sft.options.folder {
            Some(folder) => self.saved.store(folder),
            None => Ok(()),
        }
    }
}

fn due(every: u64, step: u64) -> bool {
    every > 0 && step.is_multiple_of(every)
}

/// SHA-256 of what the service learns from: what is read and what is to be said, in hexadecimal
/// digits.
fn digest(data: &[Datum]) -> String {
    let mut hash = Sha256::new();
    for datum in data {
        // Records with text keys have no way to fail.
        let learnt = (&datum.model_input, &datum.loss_fn_inputs);
        hash.update(serde_json::to_vec(&learnt).unwrap_or_default());
    }
    let bytes = hash.finalize();
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// How many tokens count, by their weights; at least something, to divide by.
fn counted(data: &[Datum]) -> f64 {
    let weights = data
        .iter()
        .filter_map(|datum| datum.loss_fn_inputs.get("weights"));
    let numbers = weights.filter_map(|weights| weights.as_f32()).flatten();
    let sum: f64 = numbers.map(|number| f64::from(*number)).sum();
    if sum > 0.0 { sum } else { 1.0 }
}
