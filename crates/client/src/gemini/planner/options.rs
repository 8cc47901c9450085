//! How the planner is to decide.

use std::time::Duration;

/// Which rules decide.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mode {
    /// A cache is created when it costs less than it saves, for as many reads as the
    /// [`PlanHint`] expects; without that number once the requests have cost as much more as a cache
    /// costs.
    #[default]
    Cost,
    /// Thresholds alone decide, whatever caches cost: the service's own caching where the prompt is
    /// large enough for it, else a context cache where the prefix is.
    Seed {
        /// False to create a context cache even where the service may cache by itself.
        prefer_implicit: bool,
    },
    /// A cache is created whenever one can be.
    Always,
    /// Existing caches are used; none is created.
    ReuseOnly,
    /// Caches are neither used nor created.
    Off,
}

/// How long a new cache lives.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TtlPolicy {
    /// 1.2 times the expected duration where it is known; else the time for which keeping the
    /// cache is cheaper than sending the prefix once more, at most the default.
    #[default]
    Auto,
    /// As given. A cache with ten seconds or less left is not used, so less than a minute makes
    /// little sense.
    Fixed(Duration),
    /// The default, doubled above 50,000 tokens and again above 100,000. Size does not make a cache
    /// pay for longer; it is for those who come from a planner that had this rule.
    SeedBySize,
}

/// Whether planning may ask the service for an exact count, which is a free call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExactCount {
    /// When the estimate is below the floor and not certain.
    #[default]
    OnUncertain,
    /// Never; an uncertain estimate below the floor counts as below.
    Never,
    /// Before every creation.
    Always,
}

/// What a failed creation means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum OnCreateError {
    /// The request goes out whole.
    #[default]
    Degrade,
    /// The warm-up fails, for callers who paid for a guarantee.
    Fail,
}

/// Where the part of a request that a cache may hold ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CacheUntil {
    /// After so many turns, less those of the model at their end: the service refuses a cache that
    /// ends on one.
    Turn(usize),
    /// After so many parts of the turn, in a request that has one turn only; no effect on others.
    Part(usize),
}

/// Settings of a planner, for all its plans.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct PlannerOptions {
    /// Which rules decide.
    pub mode: Mode,
    /// How long a new cache lives.
    pub ttl: TtlPolicy,
    /// Life of a cache when nothing else is known: one hour, the service's own default.
    pub default_ttl: Duration,
    /// Create caches only while the conversation has no history.
    pub first_turn_only: bool,
    /// Apply the model's minimum.
    pub respect_floor: bool,
    /// Confidence, 0 to 1, from which on an estimate below the floor is believed.
    pub conf_skip_floor: f32,
    /// Replaces the model's minimum, in tokens.
    pub min_tokens_floor: Option<u32>,
    /// Whether planning may count exactly.
    pub exact_count: ExactCount,
    /// Multiplies the upper bound of estimates, for texts that the estimator is known to take for
    /// too small; less than 1 counts as 1.
    pub widen_max_factor: f64,
    /// Bounds the upper bound of estimates afterwards, in tokens.
    pub clamp_max_tokens: Option<u32>,
    /// What a failed creation means.
    pub on_create_error: OnCreateError,
    /// Longest wait of a request for a cache that another one is creating.
    pub create_wait: Duration,
    /// A cache that has less than this left is renewed beside the request that reads it.
    pub renew_buffer: Duration,
    /// Smallest saving, in USD, that is worth a cache.
    pub min_saving_usd: f64,
    /// Most caches at a time; beyond them none is created.
    pub max_live_caches: usize,
    /// Most USD that keeping all caches may cost in an hour; beyond it none is created.
    pub max_storage_usd_per_hour: Option<f64>,
    /// Look among the service's caches for one that another process made.
    pub adopt: bool,
    /// Make a cache anew that vanished while in use, and send the request once more from that, before
    /// it goes out whole. [`Executor::with_planner`](super::Executor::with_planner) does it.
    pub recreate_on_loss: bool,
    /// Of requests that go out whole and begin alike, send one first, and the others once its reply
    /// begins: only then may the service have the beginning in its own cache.
    /// [`Executor::with_planner`](super::Executor::with_planner) does it.
    pub warm_first: bool,
    /// Leave caches alive when the planner is closed.
    pub keep_on_close: bool,
    /// Mixed into the identity of every cache, to keep tenants apart. A name and not a secret: it
    /// shows in `Debug`.
    pub scope_salt: Option<String>,
}

impl Default for PlannerOptions {
    fn default() -> Self {
        Self {
            mode: Mode::default(),
            ttl: TtlPolicy::default(),
            default_ttl: Duration::from_secs(3600),
            first_turn_only: false,
            respect_floor: true,
            conf_skip_floor: 0.85,
            min_tokens_floor: None,
            exact_count: ExactCount::default(),
            widen_max_factor: 1.0,
            clamp_max_tokens: None,
            on_create_error: OnCreateError::default(),
            create_wait: Duration::from_secs(10),
            renew_buffer: Duration::from_secs(300),
            min_saving_usd: 0.0,
            max_live_caches: 100,
            max_storage_usd_per_hour: None,
            adopt: false,
            recreate_on_loss: false,
            warm_first: false,
            keep_on_close: false,
            scope_salt: None,
        }
    }
}

/// What the caller knows about the requests that share a prefix.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct PlanHint {
    /// How many requests will read the prefix from now on, this one included. The last one, which
    /// expects 1, does not renew the cache.
    pub expected_reads: Option<u64>,
    /// How long they will take; the cache is deleted afterwards.
    pub expected_duration: Option<Duration>,
    /// Use this cache, without looking whether it holds the prefix.
    pub cache_override_name: Option<String>,
    /// Where the part that a cache may hold ends, for
    /// [`plan_generation`](super::Planner::plan_generation); else the planner finds out.
    pub cache_until: Option<CacheUntil>,
}

impl PlanHint {
    /// Nothing is known.
    pub fn new() -> Self {
        Self::default()
    }

    /// So many requests will read the prefix.
    #[must_use]
    pub fn with_expected_reads(mut self, reads: u64) -> Self {
        self.expected_reads = Some(reads);
        self
    }

    /// They will take so long.
    #[must_use]
    pub fn with_expected_duration(mut self, duration: Duration) -> Self {
        self.expected_duration = Some(duration);
        self
    }

    /// A cache may hold the request up to here and no further.
    ///
    /// ```
    /// use gimmal_client::gemini::planner::{CacheUntil, PlanHint};
    ///
    /// let after_the_document = PlanHint::new().with_cache_until(CacheUntil::Part(1));
    /// assert_eq!(after_the_document.cache_until, Some(CacheUntil::Part(1)));
    /// ```
    #[must_use]
    pub fn with_cache_until(mut self, end: CacheUntil) -> Self {
        self.cache_until = Some(end);
        self
    }

    /// Use this cache as it is.
    #[must_use]
    pub fn with_cache_override_name(mut self, name: impl Into<String>) -> Self {
        self.cache_override_name = Some(name.into());
        self
    }
}
