//! Tuning: the jobs, what they learn from, how they get on, the models they leave behind, and
//! trying out a reward.

mod dataset;
mod developer;
mod distribution;
mod learned;
mod models;
mod plan;
mod resolve;
mod reward;
mod scorers;
mod spec;
mod stats;
mod store;
mod vertex;

pub(crate) use resolve::{owns, resource_of};
pub(crate) use reward::validate;
pub(crate) use store::Tunings;
