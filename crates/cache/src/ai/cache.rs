//! The front end over any store: keys, lifetimes, admission, and one computation for all who ask at
//! once. It never fails because of the store.

use std::future::Future;
use std::sync::Arc;

use super::answer::{Answer, CallError, CallStats, Provenance};
use super::builder::AiCacheBuilder;
use super::counters::Counters;
use super::flight::{Landing, Role, Takeoff, landing};
use super::fresh::{Failure, Fresh};
use super::inner::{Begun, Inner, Invalidations, Job, Rules};
use super::options::CallOptions;
use super::stream::Streams;
use super::turn::Turn;
use crate::cache::ResponseCache;
use crate::key::{CacheKey, KeyRequest};
use crate::lookup::{Hit, Lookup, MissReason};
use crate::outcome::{InvalidationReport, SetOutcome};
use crate::selector::{Selector, model_tag};
use crate::stats::CacheStats;
use crate::time::Clock;

/// Answers from a store, or computed once for all who ask.
///
/// It needs a tokio runtime. Cloning gives another handle to the same cache.
///
/// ```
/// use gimmal_cache::{AiCache, CallOptions, Fresh, KeyRequest, MemoryCache, Provenance};
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let cache = AiCache::new(MemoryCache::new(1_000));
/// let request = KeyRequest::new("summarize").with_text("A long report …");
/// for expected in ["fresh", "hit"] {
///     let answer = cache
///         .get_or_compute(&request, CallOptions::new(), || async {
///             // Ask the model here.
///             Ok(Fresh::json("A short summary.")?)
///         })
///         .await?;
///     assert_eq!(answer.parse::<String>()?, "A short summary.");
///     assert_eq!(answer.is_cached(), expected == "hit");
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct AiCache<C>(Arc<Inner<C>>);

impl<C> Clone for AiCache<C> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<C: ResponseCache> AiCache<C> {
    /// A front end with the default rules.
    #[must_use]
    pub fn new(store: C) -> Self {
        Self::builder(store).build()
    }

    /// A front end with rules of its own.
    pub fn builder(store: C) -> AiCacheBuilder<C> {
        AiCacheBuilder::new(store)
    }

    pub(super) fn assemble(store: C, rules: Rules) -> Self {
        let invalidations = Arc::new(Invalidations::default());
        let noted = invalidations.clone();
        store.listen(Arc::new(move |selector| noted.note(selector)));
        Self(Arc::new(Inner {
            store,
            rules,
            flights: Arc::default(),
            invalidations,
            counters: Counters::default(),
            streams: Streams::default(),
        }))
    }

    /// The store.
    #[must_use]
    pub fn store(&self) -> &C {
        &self.0.store
    }

    /// The key that a request has here.
    #[must_use]
    pub fn key(&self, request: &KeyRequest<'_>) -> CacheKey {
        match &self.0.rules.secret {
            Some(secret) => request.key_with(secret),
            None => request.key(),
        }
    }

    /// The cached answer, or the result of `compute`.
    ///
    /// Of many calls for one key at once, one computes and the others wait for its result. The
    /// computation runs in a task of its own: it is finished and stored even if the caller goes
    /// away. Calls that do not read or do not write compute for themselves.
    ///
    /// # Errors
    ///
    /// [`CallError::Computation`] if `compute` fails, and the other variants as they say. The store
    /// causes no errors.
    pub async fn get_or_compute<E, F, R>(
        &self,
        request: &KeyRequest<'_>,
        options: CallOptions,
        compute: F,
    ) -> Result<Answer, CallError<E>>
    where
        E: Send + Sync + 'static,
        F: FnOnce() -> R + Send + 'static,
        R: Future<Output = Result<Fresh, Failure<E>>> + Send + 'static,
    {
        let result = self.call(request, options, compute).await;
        self.0.counters.count(&result);
        result
    }

    /// Reads the answer to a request and computes nothing.
    pub async fn get_cached_response(&self, request: &KeyRequest<'_>) -> Lookup {
        self.0.store.get(&self.key(request)).await
    }

    /// Stores the answer to a request, if answers like it may be stored.
    pub async fn cache_response(
        &self,
        request: &KeyRequest<'_>,
        answer: impl Into<Fresh>,
    ) -> SetOutcome {
        let job = self.job(request, CallOptions::new());
        let begun = self.0.begin();
        self.0.keep(&job, &answer.into(), begun).await
    }

    /// Stops serving the selected answers, also those being computed at this moment.
    pub async fn invalidate(&self, selector: &Selector) -> InvalidationReport {
        self.0.invalidations.note(selector);
        self.0.store.invalidate(selector).await
    }

    /// The counters of the store.
    pub async fn stats(&self) -> CacheStats {
        self.0.store.stats().await
    }

    /// What became of the calls.
    #[must_use]
    pub fn call_stats(&self) -> CallStats {
        self.0.counters.read()
    }

    /// Computations at this moment.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.0.flights.count()
    }

    pub(super) fn streams(&self) -> &Streams {
        &self.0.streams
    }

    pub(super) fn clock(&self) -> Arc<dyn Clock> {
        self.0.rules.clock.clone()
    }

    pub(super) fn bypasses(&self, request: &KeyRequest<'_>, options: &CallOptions) -> bool {
        self.0.bypasses(request, options)
    }

    pub(super) fn begin(&self) -> Begun {
        self.0.begin()
    }

    pub(super) async fn keep(&self, job: &Job, fresh: &Fresh, begun: Begun) -> SetOutcome {
        self.0.keep(job, fresh, begun).await
    }

    pub(super) fn job(&self, request: &KeyRequest<'_>, options: CallOptions) -> Job {
        let model = request.model();
        Job {
            key: self.key(request),
            options,
            model: (!model.is_empty()).then(|| model_tag(model)),
            #[cfg(feature = "semantic")]
            meaning: self
                .0
                .rules
                .semantic
                .as_ref()
                .and_then(|tier| tier.meaning(request)),
        }
    }

    async fn call<E, F, R>(
        &self,
        request: &KeyRequest<'_>,
        options: CallOptions,
        compute: F,
    ) -> Result<Answer, CallError<E>>
    where
        E: Send + Sync + 'static,
        F: FnOnce() -> R + Send + 'static,
        R: Future<Output = Result<Fresh, Failure<E>>> + Send + 'static,
    {
        let inner = &self.0;
        if inner.bypasses(request, &options) {
            if options.only_if_cached {
                return Err(CallError::NotCached(MissReason::Bypassed));
            }
            return match compute().await {
                Ok(fresh) => Ok(Answer::computed(fresh.value, Provenance::Bypassed)),
                Err(failure) => Err(CallError::Computation(Arc::new(failure.error))),
            };
        }
        let job = self.job(request, options);
        if job.options.only_if_cached || job.options.no_write || job.options.no_read {
            return inner.alone(&job, compute).await;
        }
        if let Some(lookup) = inner.store.get_near(&job.key).await {
            match job.options.judge(lookup) {
                Lookup::Hit(hit) => {
                    self.refresh(job, &hit, compute);
                    return Ok(hit.into());
                }
                Lookup::Negative(found) => return Err(CallError::Remembered(found)),
                Lookup::Miss(_) => {}
            }
        }
        match inner.flights.board(job.key.digest()) {
            Role::Leader(takeoff) => {
                let waiter = takeoff.waiter();
                tokio::spawn(self.clone().fly(takeoff, job, compute));
                landed(landing(waiter).await).unwrap_or(Err(CallError::Panicked))
            }
            Role::Joined(waiter) => {
                if let Some(end) = inner.wait(waiter).await
                    && let Some(result) = landed(end)
                {
                    return result.map(Answer::joined);
                }
                inner.alone(&job, compute).await
            }
        }
    }

    /// Reads the store, and computes what is not there.
    async fn fly<E, F, R>(self, takeoff: Takeoff, job: Job, compute: F)
    where
        E: Send + Sync + 'static,
        F: FnOnce() -> R + Send + 'static,
        R: Future<Output = Result<Fresh, Failure<E>>> + Send + 'static,
    {
        let mut lookup = job.options.judge(self.0.store.get(&job.key).await);
        let mut held = None;
        if let Lookup::Miss(_) = lookup {
            match self.0.take_turn(&job).await {
                Turn::Compute(lock) => held = lock,
                Turn::Done(found) => lookup = found,
            }
        }
        match lookup {
            Lookup::Hit(hit) => {
                // First the answer, then the refresh, which is a flight of its own.
                takeoff.land(Landing::Answer(hit.clone().into()));
                self.refresh(job, &hit, compute);
            }
            Lookup::Negative(found) => takeoff.land(Landing::Remembered(found)),
            Lookup::Miss(_) => {
                let landing = self.0.answer(&job, compute).await;
                self.0.end_turn(&job, held).await;
                takeoff.land(landing);
            }
        }
    }

    /// Computes anew in the background what is stale or soon will be, unless another does.
    fn refresh<E, F, R>(&self, job: Job, hit: &Hit, compute: F)
    where
        E: Send + Sync + 'static,
        F: FnOnce() -> R + Send + 'static,
        R: Future<Output = Result<Fresh, Failure<E>>> + Send + 'static,
    {
        let now = self.0.rules.clock.timestamp();
        if !hit.stale && !self.0.rules.lifetimes.is_due_early(&hit.entry, now) {
            return;
        }
        let Role::Leader(takeoff) = self.0.flights.board(job.key.digest()) else {
            return;
        };
        let inner = self.0.clone();
        let remaining = hit.remaining;
        tokio::spawn(async move {
            // Another refresh may have landed between the read and the takeoff.
            if inner.lives_longer_than(&job.key, remaining).await {
                return;
            }
            inner.counters.refreshed();
            let result = inner.compute(&job, compute).await;
            takeoff.land(Landing::of(result));
        });
    }
}

/// What a flight found, as the caller's types; `None` if its error is of another type.
fn landed<E: Send + Sync + 'static>(landing: Landing) -> Option<Result<Answer, CallError<E>>> {
    Some(match landing {
        Landing::Answer(answer) => Ok(answer),
        Landing::Failed(error) => Err(CallError::Computation(error.downcast().ok()?)),
        Landing::Remembered(found) => Err(CallError::Remembered(found)),
        Landing::Panicked => Err(CallError::Panicked),
    })
}
