//! Stores of results in the files of the Python package `async-batch-llm`: what it has done need
//! not be done again here, and the other way round.
//!
//! A [`Journal`](crate::journal::Journal) is smaller, and checks every line; take one of these
//! where both packages work on the same items.

mod canonical;
mod error;
mod identity;
mod jsonl;
mod metadata;
mod record;
mod redact;
mod results;
#[cfg(feature = "sqlite")]
mod sqlite;

pub use error::ArtifactError;
pub use identity::ArtifactIdentity;
pub use jsonl::JsonlArtifactStore;
pub use metadata::{CitedSource, ProviderMetadata, RequestedCall};
#[cfg(feature = "sqlite")]
pub use sqlite::{SqliteArtifactStore, SqliteDurability};
