//! What decides about trying again: the policy (whether), the backoff and the server's hint (when)
//! and the budget (how much in all). The pipeline asks it for requests, the [`Retrier`] for
//! operations of several requests; nothing else sleeps or repeats.

mod backoff;
mod budget;
mod config;
mod decorate;
#[cfg(feature = "backoff")]
mod foreign;
pub(crate) mod hint;
mod policy;
mod presets;
mod progress;
mod retrier;
pub(crate) mod rules;
mod state;

pub use backoff::{Backoff, BackoffArg, ExponentialBackoff};
pub use budget::RetryBudget;
pub use config::RetryConfig;
pub use decorate::{
    AllIdempotent, AttemptLimit, LeastWait, RetryPolicyExt, StatusFilter, TimeLimit,
};
#[cfg(feature = "backoff")]
pub use foreign::{ExportedBackoff, ForeignBackoff};
pub use policy::{NeverRetry, RetryPolicy, RetryPolicyArg, StandardRetry};
pub use progress::{ProgressGuard, ProgressTracker};
pub use retrier::Retrier;
pub use rules::MAX_SERVER_DELAY;
pub use state::{RetryDecision, RetryState, StopReason};
