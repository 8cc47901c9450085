//! The Tinker client: training, sampling and everything around them.

mod admin;
mod billing;
mod builder;
mod calls;
mod checkpoint;
mod config;
pub mod console;
mod estimate;
mod from_state;
mod heartbeat;
mod holder;
pub mod hub;
mod ids;
#[cfg(feature = "logging")]
mod logging;
mod own_key;
mod promise;
mod queue_state;
pub mod recovery;
mod rest;
mod sampling;
mod service;
mod sessionless;
mod settings;
pub mod telemetry;
mod telemetry_polls;
mod telemetry_sink;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
#[cfg(feature = "tokenizers")]
pub mod tokenizer;
mod training;
mod whoami;

pub use admin::AdminClient;
pub use builder::ServiceClientBuilder;
pub use checkpoint::{
    CheckpointDownload, DownloadedCheckpoint, UnpackLimits, Unpacked, unpack_archive,
};
pub use config::{Config, ConfigLayer, LogLevel, Parity, Setting, Source, mask_api_key};
pub use estimate::{sampling_bytes, training_bytes};
pub use from_state::FromState;
pub use gimmal_api::tinker::{
    ErrorClass, SampleStream, advice, category, chunk_of_event, classify, failed_request_id,
    is_user_error, summary,
};
pub use heartbeat::HeartbeatLimits;
#[cfg(feature = "logging")]
pub use logging::LogFilter;
pub use promise::{Handle, Submission};
pub use queue_state::{
    QueueStateChange, QueueStateChanges, QueueStateLogger, QueueStateObserver, QueueUser,
};
pub use rest::RestClient;
pub use sampling::{
    ComputeLogprobs, CreateSamplingClient, DispatchLimits, DispatchPass, Sample, SamplerEntry,
    SamplerOptions, SamplingClient, SamplingDispatch,
};
pub use service::{CreateLoraTrainingClient, ServiceClient};
pub use telemetry::Reporter;
pub use training::{
    ChunkLimits, ChunkMetrics, CreateCustomLoss, CustomLoss, CustomLossOutput, ForwardBackward,
    ForwardBackwardCustom, LoadState, Logprobs, LossHandle, MetricsReduction, OptimStep, SaveState,
    SaveWeightsAndGetSamplingClient, SaveWeightsExternal, SaveWeightsForSampler, TrainingClient,
    chunk_ranges,
};
