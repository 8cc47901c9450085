//! Other ways to get the same items answered than one request for each.

mod gemini_batch;

pub use gemini_batch::{GeminiBatch, JobEvent};
