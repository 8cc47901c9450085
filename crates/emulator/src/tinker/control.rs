//! What a program that runs an emulator can see of its Tinker side, and do to it.

use std::{fmt, sync::Arc};

use serde_json::{Map, Value};

use super::{
    ledger::AppliedRequest,
    pacing::QueueState,
    service::{Tinker, lock},
};

/// The Tinker side of a running emulator.
///
/// ```
/// use gimmal_emulator::{Emulator, QueueState};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let emulator = Emulator::builder().start().await?;
/// let tinker = emulator.tinker();
/// tinker.hold(QueueState::PausedCapacity, Some("the machines are full"));
/// // Requests are accepted and wait; polls tell why.
/// tinker.hold(QueueState::Active, None);
/// assert!(tinker.applied().is_empty());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct TinkerControl {
    tinker: Arc<Tinker>,
}

impl TinkerControl {
    pub(crate) fn new(tinker: Arc<Tinker>) -> Self {
        Self { tinker }
    }

    /// The requests that models have carried out, in the order in which they did.
    #[must_use]
    pub fn applied(&self) -> Vec<AppliedRequest> {
        self.tinker.ledger.all_applied()
    }

    /// The batches of telemetry that clients have sent.
    #[must_use]
    pub fn telemetry(&self) -> Vec<Value> {
        lock(&self.tinker.telemetry).clone()
    }

    /// Holds up all work until the state is [`QueueState::Active`] again. Whoever polls is told the
    /// state and the reason.
    pub fn hold(&self, state: QueueState, reason: Option<&str>) {
        self.tinker.pacing.hold(state, reason.map(str::to_owned));
    }

    /// Replaces the answer to `client/config`; an empty one means the defaults.
    pub fn set_config(&self, flags: Map<String, Value>) {
        lock(&self.tinker.flags).0 = flags;
    }

    /// Replaces the answer to `client/dynamic_config`; an empty one means the defaults.
    pub fn set_dynamic_config(&self, flags: Map<String, Value>) {
        lock(&self.tinker.flags).1 = flags;
    }

    /// Marks a training run as lost, so that it can only go on from a checkpoint; whether there is
    /// such a run. What is asked of it fails, and its checkpoints stay.
    pub fn corrupt_run(&self, run_id: &str) -> bool {
        self.tinker.store.corrupt(run_id)
    }

    /// Loses a session with everything in it, as if its heartbeats had stayed out. Checkpoints stay.
    pub fn lose_session(&self, session_id: &str) {
        self.tinker.sessions.lose(session_id);
        self.tinker.close(session_id);
    }
}

impl fmt::Debug for TinkerControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TinkerControl").finish_non_exhaustive()
    }
}
