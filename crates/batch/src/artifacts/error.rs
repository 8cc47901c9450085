//! Why a store cannot be used.

use crate::journal::StoreError;

/// A store that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArtifactError {
    /// The file is something else; it was not changed.
    #[error("the file is not a store of results; nothing was changed")]
    NotAStore,
    /// It was written by a later version.
    #[error("the store has version {0}, and this program knows version 1 alone")]
    Version(String),
    /// A line before the last one cannot be read.
    #[error("line {0} of the store is damaged; nothing was changed")]
    Damaged(u64),
    /// A result in it has another form than it should.
    #[error("{0}")]
    Result(#[from] StoreError),
    /// It cannot be read or written.
    #[error("the store: {0}")]
    Io(#[from] std::io::Error),
}
