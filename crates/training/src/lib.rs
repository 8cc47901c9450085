#![doc = include_str!("../README.md")]

mod error;
mod loss;
pub mod ops;
#[cfg(feature = "plot")]
pub mod plot;
mod regularizer;
mod run;
mod schedule;

pub use candle_core as candle;

pub use error::{Error, ErrorKind};
pub use loss::{DatumInputs, Dpo, LossBatch, LossValue, Padded, PerDatumLoss, TensorLoss};
pub use regularizer::{
    Axis, BaseLoss, Center, Consistency, ConsistencyMetric, Direction, EVENTS, ElasticNet, Entropy,
    EntropyMode, Executor, GradientPenalty, KlDivergence, L1, L2, Likelihood, LossReport,
    Magnitude, MetricValue, Metrics, Orthogonality, OrthogonalityMode, OutputMagnitude, Penalty,
    Pipeline, PipelineOutput, Reduction, Regularizer, RegularizerLogger, RegularizerOutput,
    RegularizerSpec, Target, WithOptions, execute, grad_norm, grad_norm_for_regularizer, gradient,
    js_divergence, log_line, total_grad_norm,
};
pub use run::{
    BatchOrder, Checkpoint, Example, MetricsLog, SavedRun, Sft, SftOptions, SftOutcome,
    StepMetrics, byte_text, byte_tokens, parse_examples, read_examples, read_metrics, supervised,
};
pub use schedule::{Decay, InvalidSchedule, LrSchedule};

/// Compiles the snippets of the book's chapter with the doc tests.
#[cfg(doctest)]
mod book {
    #[doc = include_str!("../../../docs/src/training.md")]
    mod training {}
}
