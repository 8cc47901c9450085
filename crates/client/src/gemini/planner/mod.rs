//! The context-cache planner: decides when a context cache pays, and the executor that acts on it.
//!
//! Everything that decides is a pure function of its arguments ([`decide`], estimates, keys,
//! separation, cost); [`Planner`] adds the clock, the network and the ledger of live caches.

mod action;
mod analysis;
mod capability;
mod classify;
mod cost;
mod decision;
mod draft;
mod estimate;
mod events;
mod executor;
mod fanout;
mod files;
mod janitor;
mod key;
mod ledger;
mod lifecycle;
mod line;
mod options;
mod prepared;
mod reads;
mod recreate;
mod restore;
mod seed;
mod service;
mod stats;
mod warm;

pub use action::{CacheAction, CacheStrategy, ExplicitCachePayload, PartsPayload, Prefix};
pub use analysis::{Facts, KeptCaches, Verdict, decide};
pub use capability::{Capabilities, InvalidModelTable, ModelFacts, ModelTable, Price};
pub use classify::{CreateFailure, is_cache_lost};
pub use cost::{Bill, break_even_reads, saving_usd};
pub use decision::{CacheDecision, Plan, Reason};
pub use estimate::TokenEstimate;
pub use events::{Happening, PlannerEvent};
pub use executor::{CacheMode, Executed, ExecutedStream, Executor};
pub use janitor::Swept;
pub use key::{CacheScope, PrefixKey};
pub use ledger::Lease;
pub use line::LineFacts;
pub use options::{
    CacheUntil, ExactCount, Mode, OnCreateError, PlanHint, PlannerOptions, TtlPolicy,
};
pub use prepared::PreparedPrefix;
pub use reads::{CacheReads, KeptCache};
pub use service::{Planner, PlannerBuilder};
pub use stats::PlannerStats;
pub use warm::WarmError;
