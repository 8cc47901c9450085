//! Steps of training.

mod chunks;
mod client;
mod custom;
mod loss_handle;
#[cfg(test)]
mod loss_tests;
mod metrics;
mod pass;
mod steps;
#[cfg(test)]
mod tests;
mod turns;

pub use chunks::{ChunkLimits, chunk_ranges};
pub use client::TrainingClient;
pub use custom::{CustomLoss, CustomLossOutput, ForwardBackwardCustom, Logprobs};
pub use loss_handle::{CreateCustomLoss, LossHandle};
pub use metrics::{ChunkMetrics, MetricsReduction};
pub use pass::ForwardBackward;
pub use steps::{
    LoadState, OptimStep, SaveState, SaveWeightsAndGetSamplingClient, SaveWeightsExternal,
    SaveWeightsForSampler,
};
pub(crate) use turns::Turns;
