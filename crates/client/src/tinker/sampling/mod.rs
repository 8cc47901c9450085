//! Samples from a model.

mod client;
mod dispatch;

pub use client::{Sample, SamplerOptions, SamplingClient};
pub use dispatch::{DispatchLimits, DispatchPass, SamplingDispatch};
