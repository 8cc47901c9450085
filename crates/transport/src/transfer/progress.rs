//! How far a transfer has come, and who is told.

use std::fmt;
use std::sync::Arc;

/// How far a transfer has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Progress {
    /// Bytes that have arrived, those of an earlier run included.
    ///
    /// The number goes down when a transfer has to begin again.
    pub bytes: u64,
    /// Bytes in all, as far as they are known.
    pub total: Option<u64>,
}

impl Progress {
    /// So many bytes of so many.
    pub fn new(bytes: u64, total: Option<u64>) -> Self {
        Self { bytes, total }
    }
}

/// The function that is told of progress, if any.
#[derive(Clone, Default)]
pub(crate) struct Listener(Option<Arc<dyn Fn(Progress) + Send + Sync>>);

impl Listener {
    pub(crate) fn new(tell: impl Fn(Progress) + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(tell)))
    }

    pub(crate) fn tell(&self, bytes: u64, total: Option<u64>) {
        if let Some(tell) = &self.0 {
            tell(Progress::new(bytes, total));
        }
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() { "set" } else { "none" })
    }
}
