//! The front end: answers from the cache, or computes them once for all who ask.

mod admission;
mod answer;
mod builder;
mod cache;
mod counters;
mod flight;
mod fresh;
mod inner;
mod lifetimes;
#[cfg(feature = "semantic")]
mod meaning;
mod options;
mod recording;
#[cfg(feature = "semantic")]
mod semantic;
mod stream;
mod turn;

pub use admission::{Admission, Inadmissible};
pub use answer::{Answer, CallError, CallStats, Provenance};
pub use builder::{AiCacheBuilder, Mode};
pub use cache::AiCache;
pub use fresh::{Failure, Fresh};
pub use options::CallOptions;
#[cfg(feature = "semantic")]
pub use semantic::{Embedder, SemanticTier, Trial};
pub use stream::{CachedStream, Pacing};
