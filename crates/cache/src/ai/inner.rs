//! What a front end holds, and the steps of a call: whether it may use the cache, the computation,
//! and what is stored of it. Who waits for whom is decided elsewhere.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use futures_util::future::{Either, select};

use super::admission::{Admission, Inadmissible};
use super::answer::{Answer, CallError, Provenance};
use super::builder::{Admit, Mode};
use super::counters::Counters;
use super::flight::{Flights, Landing, Waiter, landing};
use super::fresh::{Failure, Fresh};
use super::lifetimes::Lifetimes;
#[cfg(feature = "semantic")]
use super::meaning::Asked;
use super::options::CallOptions;
use super::stream::Streams;
use crate::cache::ResponseCache;
use crate::entry::Entry;
use crate::key::{CacheKey, KeyRequest, KeySecret};
use crate::lookup::{Lookup, MissReason, TtlState};
use crate::outcome::{SetOutcome, SkipReason};
use crate::recent::Recent;
use crate::selector::Selector;
use crate::time::{Clock, Timestamp};

/// What a front end goes by.
pub(super) struct Rules {
    pub(super) lifetimes: Lifetimes,
    pub(super) admission: Admission,
    pub(super) admit: Option<Admit>,
    pub(super) mode: Mode,
    pub(super) requires_namespace: bool,
    pub(super) join_timeout: Option<Duration>,
    pub(super) shared_lock: Option<Duration>,
    pub(super) secret: Option<KeySecret>,
    pub(super) clock: Arc<dyn Clock>,
    #[cfg(feature = "semantic")]
    pub(super) semantic: Option<super::SemanticTier>,
}

impl std::fmt::Debug for Rules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Rules")
            .field("lifetimes", &self.lifetimes)
            .field("admission", &self.admission)
            .field("mode", &self.mode)
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
pub(super) struct Inner<C> {
    pub(super) store: C,
    pub(super) rules: Rules,
    pub(super) flights: Arc<Flights>,
    pub(super) invalidations: Arc<Invalidations>,
    pub(super) counters: Counters,
    pub(super) streams: Streams,
}

/// Invalidations by number, to see what happened during a computation.
#[derive(Debug, Default)]
pub(super) struct Invalidations {
    count: AtomicU64,
    recent: Recent,
}

impl Invalidations {
    pub(super) fn note(&self, selector: &Selector) {
        let number = self.count.fetch_add(1, Ordering::AcqRel) + 1;
        self.recent.note(selector, number);
    }
}

/// What is computed, and what becomes of it.
#[derive(Debug)]
pub(super) struct Job {
    pub(super) key: CacheKey,
    pub(super) options: CallOptions,
    pub(super) model: Option<String>,
    #[cfg(feature = "semantic")]
    pub(super) meaning: Option<super::semantic::Meaning>,
}

impl<C: ResponseCache> Inner<C> {
    /// Whether a call must not use the cache.
    pub(super) fn bypasses(&self, request: &KeyRequest<'_>, options: &CallOptions) -> bool {
        let rules = &self.rules;
        if rules.requires_namespace && !request.has_namespace() {
            self.counters.without_namespace();
            return true;
        }
        let is_off = rules.mode == Mode::OnRequest && !options.opt_in;
        let is_refused = rules.admit.as_ref().is_some_and(|admit| !admit(request));
        let is_bypass = options.no_read && options.no_write;
        is_off || is_bypass || is_refused || !rules.admission.accepts(request)
    }

    /// A call that neither waits for others nor lets them wait.
    pub(super) async fn alone<E, F, R>(&self, job: &Job, compute: F) -> Result<Answer, CallError<E>>
    where
        E: Send + Sync + 'static,
        F: FnOnce() -> R,
        R: Future<Output = Result<Fresh, Failure<E>>>,
    {
        let mut reason = MissReason::Bypassed;
        if !job.options.no_read {
            let lookup = self.store.get(&job.key).await;
            match job.options.judge(lookup) {
                Lookup::Hit(hit) => return Ok(hit.into()),
                Lookup::Negative(found) => return Err(CallError::Remembered(found)),
                Lookup::Miss(why) => reason = why,
            }
        }
        if job.options.only_if_cached {
            return Err(CallError::NotCached(reason));
        }
        self.counters.computed();
        let result = self.compute(job, compute).await;
        result.map_err(CallError::Computation)
    }

    /// Computes for all who wait, unless a request that means the same was answered.
    pub(super) async fn answer<E, F, R>(&self, job: &Job, compute: F) -> Landing
    where
        E: Send + Sync + 'static,
        F: FnOnce() -> R,
        R: Future<Output = Result<Fresh, Failure<E>>>,
    {
        #[cfg(feature = "semantic")]
        let asked = match self.ask_meaning(job).await {
            Asked::Answered(hit) => return Landing::Answer(hit.into()),
            Asked::Unanswered(asked) => asked,
        };
        self.counters.computed();
        let result = self.compute(job, compute).await;
        #[cfg(feature = "semantic")]
        if let Ok(answer) = &result {
            self.learn_meaning(job, asked, &answer.value).await;
        }
        Landing::of(result)
    }

    /// Computes, and stores what may be stored.
    pub(super) async fn compute<E, F, R>(&self, job: &Job, compute: F) -> Result<Answer, Arc<E>>
    where
        F: FnOnce() -> R,
        R: Future<Output = Result<Fresh, Failure<E>>>,
    {
        let begun = self.begin();
        match compute().await {
            Ok(fresh) => {
                self.keep(job, &fresh, begun).await;
                Ok(Answer::computed(fresh.value, Provenance::Fresh))
            }
            Err(failure) => {
                self.counters.failed();
                let now = self.rules.clock.timestamp();
                if let Some(entry) = self.rules.lifetimes.remember(&failure, now)
                    && !job.options.no_write
                {
                    self.store.set(&job.key, entry).await;
                }
                Err(Arc::new(failure.error))
            }
        }
    }

    pub(super) fn begin(&self) -> Begun {
        Begun {
            created: self.rules.clock.timestamp(),
            invalidations: self.invalidations.count.load(Ordering::Acquire),
        }
    }

    pub(super) async fn keep(&self, job: &Job, fresh: &Fresh, begun: Begun) -> SetOutcome {
        let verdict = match fresh.is_degraded {
            true => Err(Inadmissible::Degraded),
            false => self.rules.admission.judge(&fresh.value),
        };
        if verdict.is_err() || job.options.no_write {
            self.counters.not_stored();
            return SetOutcome::Skipped(SkipReason::Inadmissible);
        }
        let entry = self.entry(job, fresh, begun.created);
        let recent = &self.invalidations.recent;
        if recent.covers(&job.key, entry.tags(), begun.invalidations) {
            self.counters.not_stored();
            return SetOutcome::Skipped(SkipReason::Invalidated);
        }
        let outcome = self.store.set(&job.key, entry).await;
        if !outcome.is_stored() {
            self.counters.not_stored();
        }
        outcome
    }

    fn entry(&self, job: &Job, fresh: &Fresh, created: Timestamp) -> Entry {
        let now = self.rules.clock.timestamp();
        let options = &job.options;
        let tags = options.tags.iter().chain(&fresh.tags).chain(&job.model);
        let entry = Entry::new(fresh.value.clone(), created)
            .with_compute(now.since(created))
            .with_tags(tags);
        let lifetime = fresh.lifetime.unwrap_or(options.lifetime);
        let operation = job.key.operation();
        let wish = (lifetime, options.stale);
        self.rules.lifetimes.apply(entry, &operation, wish, now)
    }

    /// The end of the flight of another, if it comes in time.
    pub(super) async fn wait(&self, waiter: Waiter) -> Option<Landing> {
        let Some(timeout) = self.rules.join_timeout else {
            return Some(landing(waiter).await);
        };
        let landing = std::pin::pin!(landing(waiter));
        match select(landing, self.rules.clock.sleep(timeout)).await {
            Either::Left((landing, _)) => Some(landing),
            Either::Right(_) => None,
        }
    }

    pub(super) async fn lives_longer_than(&self, key: &CacheKey, time: Option<Duration>) -> bool {
        match (self.store.ttl(key).await, time) {
            (TtlState::Remaining(remaining), Some(time)) => remaining > time,
            (TtlState::NoExpiry, Some(_)) => true,
            _ => false,
        }
    }
}

/// The start of a computation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Begun {
    created: Timestamp,
    /// The number of invalidations until then.
    invalidations: u64,
}
