//! Why the planner decided as it did: data for people, telemetry and tests.

use std::fmt;
use std::time::{Duration, SystemTime};

use serde::{Serialize, Serializer};

use super::{CacheAction, PrefixKey, TokenEstimate};

/// Why a plan reads from a cache or does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// Context caching is switched off.
    ExplicitDisabled,
    /// There is nothing to cache.
    NoShared,
    /// Only existing caches may be used, and none matched.
    ReuseOnly,
    /// Caches are created on the first turn only, and this is a later one.
    FirstTurnOnly,
    /// The prefix is surely smaller than the model's minimum.
    BelowFloorHighConf,
    /// A cache was created now.
    Ok,
    /// A live cache holds the prefix.
    LeaseHit,
    /// The caller named the cache.
    CallerOverride,
    /// The model table does not know the model, or knows that it takes no caches.
    UnsupportedModel,
    /// Nothing would be left to send.
    TailEmpty,
    /// A part of the prefix is fetched anew for every request, so that no cache can hold it.
    NotCacheablePart,
    /// The cost model says that a cache would cost more than it saves, or a limit is reached.
    NotWorthIt,
    /// The service's own caching is preferred.
    ImplicitPreferred,
    /// Creating this cache failed a short while ago.
    RecentCreateFailure,
    /// Creating the cache failed now; the request goes out whole.
    CreationFailed,
    /// The backend has no context caches.
    BackendUnsupported,
}

impl Reason {
    /// The stable name used in telemetry.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ExplicitDisabled => "explicit_disabled",
            Self::NoShared => "no_shared",
            Self::ReuseOnly => "reuse_only",
            Self::FirstTurnOnly => "first_turn_only",
            Self::BelowFloorHighConf => "below_floor_high_conf",
            Self::Ok => "ok",
            Self::LeaseHit => "lease_hit",
            Self::CallerOverride => "caller_override",
            Self::UnsupportedModel => "unsupported_model",
            Self::TailEmpty => "tail_empty",
            Self::NotCacheablePart => "not_cacheable_part",
            Self::NotWorthIt => "not_worth_it",
            Self::ImplicitPreferred => "implicit_preferred",
            Self::RecentCreateFailure => "recent_create_failure",
            Self::CreationFailed => "creation_failed",
            Self::BackendUnsupported => "backend_unsupported",
        }
    }

    /// True when a cache was wanted and creating it fails or failed a short while ago.
    pub(super) fn is_failure(self) -> bool {
        matches!(
            self,
            Self::RecentCreateFailure | Self::CreationFailed | Self::BackendUnsupported
        )
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl Serialize for Reason {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// The facts behind a plan.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct CacheDecision {
    /// True when a cache is used or its creation was tried.
    pub attempt: bool,
    /// Why.
    pub reason: Reason,
    /// The model's minimum in tokens, where known.
    pub floor: Option<u32>,
    /// Tokens of the prefix.
    pub estimate: TokenEstimate,
    /// The confidence from which on the floor is trusted without counting.
    pub conf_cut: f32,
    /// True when the conversation has no history.
    pub first_turn: bool,
    /// What the cache saves over its life, in USD; negative when it costs more.
    pub expected_saving_usd: Option<f64>,
    /// How long the cache is to live.
    pub ttl: Option<Duration>,
    /// What went wrong, when the reason is a failure.
    pub failure: Option<String>,
}

/// An action and the decision behind it. Immutable.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Plan {
    /// The model that answers.
    pub model: String,
    /// What to send.
    pub action: CacheAction,
    /// Why.
    pub decision: CacheDecision,
    /// The identity of the prefix, when it has one.
    pub key: Option<PrefixKey>,
    /// Tokens of the whole request.
    pub estimate: TokenEstimate,
    /// When it was planned.
    pub planned_at: SystemTime,
    /// The conversation that it is part of, where one is kept account of.
    pub(super) line: Option<PrefixKey>,
    /// True when the cache that is read holds all that one could hold.
    pub(super) is_covered: bool,
}
