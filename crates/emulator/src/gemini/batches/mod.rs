//! Batch jobs on both services: where their requests come from, how they are really run, and where
//! the answers go.

mod developer;
mod input;
mod output;
mod run;
mod store;
mod vertex;

pub(crate) use store::Batches;
