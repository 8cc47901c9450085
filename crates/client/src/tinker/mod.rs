//! The Tinker client: training, sampling and everything around them.

mod billing;
mod builder;
mod calls;
mod config;
mod estimate;
mod heartbeat;
mod holder;
mod ids;
mod promise;
mod queue_state;
mod rest;
mod sampling;
mod service;
mod settings;
pub mod telemetry;
mod telemetry_sink;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod training;

pub use builder::ServiceClientBuilder;
pub use config::{Config, ConfigLayer, LogLevel, Parity, Setting, Source, mask_api_key};
pub use estimate::{sampling_bytes, training_bytes};
pub use promise::{Handle, Submission};
pub use queue_state::{
    QueueStateChange, QueueStateChanges, QueueStateLogger, QueueStateObserver, QueueUser,
};
pub use rest::{AdminClient, RestClient};
pub use sampling::{
    DispatchLimits, DispatchPass, Sample, SamplerOptions, SamplingClient, SamplingDispatch,
};
pub use service::{CreateLoraTrainingClient, CreateSamplingClient, FromState, ServiceClient};
pub use telemetry::Reporter;
pub use training::{
    ChunkLimits, ChunkMetrics, CustomLoss, CustomLossOutput, ForwardBackward,
    ForwardBackwardCustom, LoadState, Logprobs, MetricsReduction, OptimStep, SaveState,
    SaveWeightsAndGetSamplingClient, SaveWeightsExternal, SaveWeightsForSampler, TrainingClient,
    chunk_ranges,
};
