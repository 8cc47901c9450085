//! The Tinker API: sessions, training and sampling, behind its own paths of the same server.

mod admin;
mod auth;
mod checkpoints;
mod control;
mod convert;
mod downloads;
mod engine;
pub(crate) mod exchange;
mod futures;
mod lane;
mod ledger;
mod pacing;
mod paths;
mod polling;
mod refusal;
mod requests;
mod runs;
mod samplers;
mod sampling;
mod service;
mod sessions;
mod store;
mod time;
mod trace;
mod training;
#[cfg(feature = "transformer")]
mod transformers;
mod work;

pub use control::TinkerControl;
pub(crate) use engine::BaseModel;
pub use ledger::AppliedRequest;
pub use pacing::QueueState;
pub(crate) use service::{Settings, Tinker};
#[cfg(feature = "transformer")]
pub use transformers::TokenizerError;
