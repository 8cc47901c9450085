//! Settings of the front end.

use std::sync::Arc;
use std::time::Duration;

use super::admission::Admission;
use super::cache::AiCache;
use super::inner::Rules;
use super::lifetimes::Lifetimes;
use crate::cache::ResponseCache;
use crate::key::{KeyRequest, KeySecret};
use crate::time::{Clock, Jitter, SystemClock, ThreadRngJitter};
use crate::ttl::TtlTable;

/// Decides whether a request may be cached, before a key is made of it.
pub(super) type Admit = Arc<dyn Fn(&KeyRequest<'_>) -> bool + Send + Sync>;

/// Which calls use the cache.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mode {
    /// Those that do not say otherwise.
    #[default]
    Always,
    /// Those that [opt in](super::CallOptions::opt_in).
    OnRequest,
}

/// Settings of an [`AiCache`].
///
/// ```
/// use gimmal_cache::{AiCache, MemoryCache};
/// use std::time::Duration;
///
/// let cache = AiCache::builder(MemoryCache::new(1_000))
///     .with_stale(Duration::from_secs(60))
///     .with_ttl_spread(0.0)
///     .build();
/// ```
#[must_use]
pub struct AiCacheBuilder<C> {
    store: C,
    rules: Rules,
}

impl<C: ResponseCache> AiCacheBuilder<C> {
    pub(super) fn new(store: C) -> Self {
        Self {
            store,
            rules: Rules {
                lifetimes: Lifetimes::new(Arc::new(ThreadRngJitter)),
                admission: Admission::default(),
                admit: None,
                mode: Mode::default(),
                requires_namespace: false,
                join_timeout: None,
                shared_lock: None,
                secret: None,
                clock: Arc::new(SystemClock),
                #[cfg(feature = "semantic")]
                semantic: None,
            },
        }
    }

    /// How long answers live, by operation.
    pub fn with_ttls(mut self, table: TtlTable) -> Self {
        self.rules.lifetimes.table = table;
        self
    }

    /// By what share lifetimes of the table are made longer or shorter at random, from 0 to 1, so
    /// that what was stored together does not expire together; 0.1 if not set. A lifetime that a
    /// call asks for is taken as it is.
    pub fn with_ttl_spread(mut self, share: f64) -> Self {
        self.rules.lifetimes.spread = share.clamp(0.0, 1.0);
        self
    }

    /// How long past its freshness an answer is served while it is computed anew in the background;
    /// zero if not set.
    pub fn with_stale(mut self, stale: Duration) -> Self {
        self.rules.lifetimes.stale = stale;
        self
    }

    /// Remembers failures of this HTTP status for this long; zero is not at all.
    pub fn with_negative(mut self, status: u16, ttl: Duration) -> Self {
        let statuses = &mut self.rules.lifetimes.negative;
        if ttl.is_zero() {
            statuses.remove(&status);
        } else {
            statuses.insert(status, ttl);
        }
        self
    }

    /// How eagerly an answer is computed anew shortly before it is stale; 0 is never, 1 if not set.
    pub fn with_early_refresh(mut self, eagerness: f64) -> Self {
        self.rules.lifetimes.early_refresh = eagerness.max(0.0);
        self
    }

    /// Which answers may be stored.
    pub fn with_admission(mut self, admission: Admission) -> Self {
        self.rules.admission = admission;
        self
    }

    /// Asks `admit` about every request; those it refuses bypass the cache. This is the place to
    /// keep personal data out.
    pub fn with_admit(
        mut self,
        admit: impl Fn(&KeyRequest<'_>) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.rules.admit = Some(Arc::new(admit));
        self
    }

    /// Which calls use the cache.
    pub fn with_mode(mut self, mode: Mode) -> Self {
        self.rules.mode = mode;
        self
    }

    /// Lets requests that name no namespace bypass the cache, so that a tenant that was forgotten
    /// never reads what belongs to another.
    pub fn with_required_namespace(mut self) -> Self {
        self.rules.requires_namespace = true;
        self
    }

    /// How long a call waits for the computation of another before it computes itself; without end
    /// if not set.
    pub fn with_join_timeout(mut self, timeout: Duration) -> Self {
        self.rules.join_timeout = Some(timeout);
        self
    }

    /// Lets one process at a time compute an answer; the others wait until it is stored, for `hold`
    /// at most (from 1 to 30 s; twice the time that a computation takes is advisable). It is off
    /// if not set, and has no effect on stores that are not shared.
    pub fn with_shared_lock(mut self, hold: Duration) -> Self {
        let (least, most) = (Duration::from_secs(1), Duration::from_secs(30));
        self.rules.shared_lock = Some(hold.clamp(least, most));
        self
    }

    /// Puts a secret into keys.
    pub fn with_secret(mut self, secret: KeySecret) -> Self {
        self.rules.secret = Some(secret);
        self
    }

    /// Also takes answers to requests that mean the same. It is off if not set.
    #[cfg(feature = "semantic")]
    pub fn with_semantic(mut self, tier: super::SemanticTier) -> Self {
        self.rules.semantic = Some(tier);
        self
    }

    /// The clock to go by; that of the system if not set.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.rules.clock = clock;
        self
    }

    /// The randomness to use; that of the thread if not set.
    pub fn with_jitter(mut self, jitter: Arc<dyn Jitter>) -> Self {
        self.rules.lifetimes.jitter = jitter;
        self
    }

    /// The front end.
    #[must_use]
    pub fn build(self) -> AiCache<C> {
        AiCache::assemble(self.store, self.rules)
    }
}

impl<C: ResponseCache> std::fmt::Debug for AiCacheBuilder<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AiCacheBuilder")
            .field("store", &self.store)
            .finish_non_exhaustive()
    }
}
