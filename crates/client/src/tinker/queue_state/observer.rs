//! What is told about a queue, and to whom.

use std::fmt::Debug;
use std::sync::Arc;

use gimmal_api::tinker::polling::QueueNotice;
use gimmal_types::tinker::QueueState;

use super::QueueUser;

/// A change of the state of a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueStateChange {
    /// What the queue is for.
    pub user: QueueUser,
    /// The model or the sampling session whose work waits.
    pub id: Arc<str>,
    /// The promise that was asked for, when it was one.
    pub request_id: Option<Arc<str>>,
    /// The new state.
    pub state: QueueState,
    /// Why: the server's own words, or ours where it gives none.
    pub reason: Option<Arc<str>>,
}

impl QueueStateChange {
    pub(crate) fn new(user: QueueUser, id: &Arc<str>, notice: &QueueNotice) -> Self {
        let given = notice.reason.as_deref();
        let reason = match notice.state {
            QueueState::Active => given.map(Into::into),
            _ => Some(user.reason(&notice.state, given).into()),
        };
        Self {
            user,
            id: Arc::clone(id),
            request_id: None,
            state: notice.state.clone(),
            reason,
        }
    }

    pub(crate) fn of_request(mut self, request_id: &str) -> Self {
        self.request_id = Some(request_id.into());
        self
    }
}

/// Whoever wants to know about queues. What it does runs where the news arrived, so it has to be
/// quick; a panic is caught and logged, and does no harm.
///
/// ```
/// use gimmal_client::tinker::{QueueStateChange, QueueStateObserver};
///
/// #[derive(Debug)]
/// struct Print;
///
/// impl QueueStateObserver for Print {
///     fn on_queue_state_change(&self, change: &QueueStateChange) {
///         println!("{}: {} ({:?})", change.id, change.state, change.reason);
///     }
/// }
/// ```
pub trait QueueStateObserver: Debug + Send + Sync + 'static {
    /// The state of a queue is now another one, or has another reason.
    fn on_queue_state_change(&self, change: &QueueStateChange);
}
