#![doc = include_str!("../README.md")]

mod digest;
mod failure;
pub mod input;
mod item;
pub mod output;
mod processor;
mod reply_cache;
mod run;
mod shutdown;
pub mod strategies;
mod strategy;
mod totals;
mod usage;
mod worker;

pub use failure::{Failure, FailureKind};
pub use item::{WorkItem, WorkItemResult};
pub use processor::{Order, Processor, RunError};
pub use reply_cache::ReplyCache;
pub use run::Run;
pub use shutdown::Shutdown;
pub use strategy::{CallStrategy, Outcome};
pub use totals::Totals;
pub use usage::Usage;

/// Compiles the snippets of the book and of the project's README with the doc tests.
#[cfg(doctest)]
mod book {
    #[doc = include_str!("../../../README.md")]
    mod readme {}
    #[doc = include_str!("../../../docs/src/batch.md")]
    mod batch {}
    #[doc = include_str!("../../../docs/src/caching.md")]
    mod caching {}
    #[doc = include_str!("../../../docs/src/emulator.md")]
    mod emulator {}
    #[doc = include_str!("../../../docs/src/live.md")]
    mod live {}
}
