//! The states of a circuit and the news of a change. An observer is told; it cannot interfere.

use std::fmt::{self, Debug};
use std::sync::Arc;
use std::time::Instant;

/// Whether calls go through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CircuitState {
    /// All calls go through.
    Closed,
    /// No call goes through.
    Open,
    /// A few calls go through, to find out.
    HalfOpen,
}

impl fmt::Display for CircuitState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half open",
        })
    }
}

/// A change of state.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CircuitEvent {
    /// The name of the breaker.
    pub name: Arc<str>,
    /// The state before.
    pub from: CircuitState,
    /// The state after.
    pub to: CircuitState,
    /// When it changed.
    pub at: Instant,
    /// Grows with each change of the same breaker. Two tasks may deliver two events in either
    /// order; the larger generation is the later one.
    pub generation: u64,
}

/// Is told when a breaker changes its state.
///
/// ```
/// use std::sync::Mutex;
/// use gimmal_transport::circuit::{CircuitEvent, CircuitObserver};
///
/// #[derive(Debug, Default)]
/// struct Log(Mutex<Vec<String>>);
///
/// impl CircuitObserver for Log {
///     fn state_changed(&self, event: &CircuitEvent) {
///         self.0.lock().unwrap().push(format!("{}: {}", event.name, event.to));
///     }
/// }
/// ```
///
/// It is called on the task whose call made the difference, outside of all locks, and must not
/// block. A breaker turns half open when the first probe asks, not when its time is up.
pub trait CircuitObserver: Debug + Send + Sync + 'static {
    /// The state of a breaker has changed.
    fn state_changed(&self, event: &CircuitEvent);
}
