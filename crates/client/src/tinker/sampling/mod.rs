//! Samples from a model.

mod client;
mod dispatch;
pub(crate) mod pauses;
mod registry;

pub use client::{Sample, SamplerOptions, SamplingClient};
pub use dispatch::{DispatchLimits, DispatchPass, SamplingDispatch};
pub use registry::SamplerEntry;

pub(crate) use registry::SamplerRegistry;
