//! Training goes on after a run was lost: a monitor notices that the server gave a run up, and an
//! executor makes a new model of its last checkpoint.

mod event;
mod executor;
mod monitor;
mod policy;
mod sources;
#[cfg(test)]
mod tests;

pub use event::{RecoveryEvent, RecoveryObserver};
pub use executor::{LostRun, RecoveryExecutor};
pub use monitor::RecoveryMonitor;
pub use policy::{CheckpointStrategy, RecoveryPolicy};
pub use sources::{RunSource, TrainingFactory};
