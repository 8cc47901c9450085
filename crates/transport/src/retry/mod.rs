//! What decides about trying again: the policy (whether), the backoff and the server's hint (when)
//! and the budget (how much in all). None of it sleeps or sends; the pipeline does.

mod backoff;
mod budget;
pub(crate) mod hint;
mod policy;
mod state;

pub use backoff::{Backoff, BackoffArg, ExponentialBackoff};
pub use budget::RetryBudget;
pub use policy::{NeverRetry, RetryPolicy, RetryPolicyArg, StandardRetry};
pub use state::{RetryDecision, RetryState, StopReason};
