//! Runs of training: examples, their order, steps, metrics, and where a run can be taken up again.

mod examples;
mod metrics_log;
mod order;
mod recovery;
mod saved;
mod sft;

pub use examples::{Example, byte_text, byte_tokens, parse_examples, read_examples, supervised};
pub use metrics_log::{MetricsLog, StepMetrics, read_metrics};
pub use order::BatchOrder;
pub use saved::{Checkpoint, SavedRun};
pub use sft::{Sft, SftOptions, SftOutcome};
