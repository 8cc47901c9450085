//! How a run is asked to end: gently, or at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio_util::sync::CancellationToken;

/// A handle to end a run from outside. Clones act on the same run.
///
/// ```
/// use gimmal_batch::Shutdown;
///
/// let shutdown = Shutdown::new();
/// shutdown.drain();
/// assert!(shutdown.is_draining() && !shutdown.is_aborted());
/// ```
#[derive(Clone, Debug, Default)]
pub struct Shutdown {
    drain: CancellationToken,
    /// The same as the token, which takes a lock to answer; this is asked for every item.
    is_draining: Arc<AtomicBool>,
    abort: CancellationToken,
}

impl Shutdown {
    /// A handle that has not been used.
    pub fn new() -> Self {
        Self::default()
    }

    /// No new items are started; those in flight end as usual.
    pub fn drain(&self) {
        self.is_draining.store(true, Ordering::Release);
        self.drain.cancel();
    }

    /// Nothing more is waited for. Items in flight are dropped and have no result.
    pub fn abort(&self) {
        self.drain();
        self.abort.cancel();
    }

    /// True once [`Shutdown::drain`] or [`Shutdown::abort`] was called.
    pub fn is_draining(&self) -> bool {
        self.is_draining.load(Ordering::Acquire)
    }

    /// True once [`Shutdown::abort`] was called.
    pub fn is_aborted(&self) -> bool {
        self.abort.is_cancelled()
    }

    pub(crate) fn draining(&self) -> impl Future<Output = ()> + Send + 'static {
        self.drain.clone().cancelled_owned()
    }

    /// Ready once [`Shutdown::abort`] was called.
    pub fn aborted(&self) -> impl Future<Output = ()> + Send + 'static {
        self.abort.clone().cancelled_owned()
    }
}
