//! A small transformer that is trained and sampled on the processor: the layers of Llama under
//! adapters of low rank. Knows tensors, not requests.

mod adapters;
mod batch;
mod engine;
mod files;
mod frozen;
mod net;
mod ops;
mod reader;
#[cfg(test)]
mod tests;
mod trainee;

pub(crate) use engine::TransformerEngine;
