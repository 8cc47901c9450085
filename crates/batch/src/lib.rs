#![doc = include_str!("../README.md")]

pub mod artifacts;
mod budget;
mod category;
mod classify;
mod closing;
mod collected;
mod dedup;
mod digest;
pub mod engines;
mod estimate;
mod events;
mod failure;
mod failure_log;
mod fallible;
mod histogram;
mod hooks;
pub mod input;
mod intake;
mod item;
pub mod journal;
#[cfg(feature = "otel")]
mod otel;
pub mod output;
mod pipeline;
mod pool;
mod processor;
mod producer;
mod prometheus;
#[cfg(feature = "redis")]
pub mod queue;
mod recovery;
mod reply_cache;
#[cfg(feature = "report")]
pub mod report;
mod retry;
mod run;
mod scope;
mod settings;
mod shared;
mod shared_limits;
mod shutdown;
mod stats;
mod stop;
pub mod strategies;
mod strategy;
pub mod testing;
mod totals;
mod usage;
mod worker;

pub use budget::{AttemptUsage, Budget, Spent};
pub use category::{Category, Retry};
pub use classify::{Classifier, DefaultClassifier, GeminiErrorClassifier, TinkerErrorClassifier};
pub use collected::BatchResult;
pub use estimate::{CharacterTokenEstimator, TokenEstimate};
pub use events::{Event, Observer};
pub use failure::Failure;
pub use histogram::Histogram;
pub use hooks::{Before, Hooks, Middleware, PostProcessor};
pub use item::{AttemptTiming, WorkItem, WorkItemResult};
#[cfg(feature = "otel")]
pub use otel::OtelObserver;
pub use pool::CallPool;
pub use processor::{Order, Processor, RunError};
pub use producer::{AddError, Produced, Producer};
pub use recovery::Recovery;
pub use reply_cache::ReplyCache;
pub use retry::RetryConfig;
pub use run::{Ended, Run};
pub use scope::StartupRamp;
pub use shared::{Shared, Strategies};
pub use shared_limits::SharedLimits;
pub use shutdown::Shutdown;
pub use stats::{QuotaLedger, Stats};
pub use stop::{AbortMode, Termination, TerminationKind};
pub use strategy::{Attempt, CallStrategy, Outcome, RetryState};
pub use totals::{BATCH_JOB_PRICE, Totals};
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
