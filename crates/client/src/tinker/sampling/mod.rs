//! Samples from a model.

mod client;
mod compute_logprobs;
mod create;
mod dispatch;
pub(crate) mod pauses;
mod registry;
mod sampler_handle;
#[cfg(test)]
mod tests;

pub use client::{Sample, SamplerOptions, SamplingClient};
pub use compute_logprobs::ComputeLogprobs;
pub use create::CreateSamplingClient;
pub use dispatch::{DispatchLimits, DispatchPass, SamplingDispatch};
pub use registry::SamplerEntry;

pub(crate) use registry::SamplerRegistry;
