//! Where results are written down before anybody sees them, and read back by a later run.

mod file;
mod record;
mod writer;

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::{Failure, Outcome, WorkItem, WorkItemResult};

pub use file::{Journal, JournalBuilder, JournalError, Policy, Recovered};
pub use writer::Fsync;
pub(crate) use writer::Writer;

/// What identifies an item and its input in a journal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ItemKey(Arc<str>);

impl ItemKey {
    /// A key as it is written.
    pub fn new(key: impl Into<Arc<str>>) -> Self {
        Self(key.into())
    }

    /// The key as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A result that an earlier run wrote down.
pub type Kept<O> = Result<Outcome<O>, Failure>;

/// A result that could not be written or read.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{0}")]
pub struct StoreError(pub(crate) String);

impl StoreError {
    /// An error with this message.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }
}

/// A durable log of results that later runs answer from. [`Journal`] is one in a file.
pub trait ResultStore<I, O, C>: Send + Sync + 'static {
    /// What identifies the item.
    ///
    /// # Errors
    ///
    /// Fails on an input that cannot be identified; the item fails then, and nothing is sent.
    fn prepare(&self, item: &WorkItem<I, C>) -> Result<ItemKey, StoreError>;

    /// The result of an earlier run, if it may stand for this one.
    fn lookup<'a>(&'a self, key: &'a ItemKey)
    -> BoxFuture<'a, Result<Option<Kept<O>>, StoreError>>;

    /// Writes a result down; once this is ready it survives.
    ///
    /// # Errors
    ///
    /// An error ends the run.
    fn append<'a>(
        &'a self,
        key: &'a ItemKey,
        result: &'a WorkItemResult<O, C>,
    ) -> BoxFuture<'a, Result<(), StoreError>>;

    /// Writes what is left.
    fn close(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(async { Ok(()) })
    }
}
