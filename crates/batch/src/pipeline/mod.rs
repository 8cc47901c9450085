//! The life of an item, in the order that the specification of the batch gives it: middleware,
//! journal, deduplication, preparation, tries, rescue, journal again, figures, reader.

mod tries;

use std::any::Any;
use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;

use super::budget::Purse;
use super::closing::Closing;
use super::dedup::{Dedup, Turn};
use super::events::Observers;
use super::failure_log::FailureLog;
use super::hooks::Before;
use super::intake::Taken;
use super::journal::{ItemKey, Kept, ResultStore, StoreError};
use super::scope::Scope;
use super::shared::Lease;
use super::stats::Recorder;
use super::stop::{Guard, Stop};
use super::{
    AttemptTiming, Category, Classifier, Event, Failure, Hooks, Outcome, PostProcessor, Processor,
    Termination, TerminationKind, WorkItem, WorkItemResult,
};

/// A strategy of the run with what it shares with others of its account.
pub(crate) struct Slot<I, O> {
    pub(crate) lease: Lease<I, O>,
    pub(crate) scope: Arc<Scope>,
    pub(crate) classifier: Arc<dyn Classifier>,
}

/// What the workers of a run share.
pub(crate) struct Engine<I, O, C> {
    pub(crate) settings: Processor,
    pub(crate) first: Slot<I, O>,
    pub(crate) named: HashMap<Arc<str>, Slot<I, O>>,
    pub(crate) hooks: Hooks<I, O, C>,
    pub(crate) stop: Stop,
    pub(crate) observers: Observers,
    pub(crate) recorder: Recorder,
    pub(crate) purse: Purse,
    /// The failure that speaks for all items, if there was one.
    pub(crate) fatal: OnceLock<Failure>,
    pub(crate) classifier_panicked: AtomicBool,
    pub(crate) failures: FailureLog,
    pub(crate) closing: Closing,
}

/// A result, and when the work on its item ended.
pub(crate) struct Finished<O, C> {
    pub(crate) result: WorkItemResult<O, C>,
    pub(crate) at: Instant,
}

/// What became of an item, before its result is written down.
struct Done<O> {
    outcome: Result<Outcome<O>, Failure>,
    attempts: Vec<AttemptTiming>,
    key: Option<ItemKey>,
    is_replayed: bool,
    deduplicated_from: Option<String>,
}

impl<O> Done<O> {
    fn failed(failure: Failure) -> Self {
        Self::of(Err(failure))
    }

    fn of(outcome: Result<Outcome<O>, Failure>) -> Self {
        Self {
            outcome,
            attempts: Vec::new(),
            key: None,
            is_replayed: false,
            deduplicated_from: None,
        }
    }
}

impl<I, O, C> Engine<I, O, C>
where
    I: Send + Sync + 'static,
    O: Send + Sync + 'static,
    C: Send + Sync + 'static,
{
    /// Works on an item. `None` when it has no result: its failure ends the run for all alike, or
    /// the result could not be written down.
    pub(crate) async fn process(&self, taken: Taken<I, C>) -> Option<Finished<O, C>> {
        let Taken { index, mut item } = taken;
        let started = self.settings.clock.now();
        self.observers
            .emit(|| Event::ItemStarted {
                item_id: item.id.clone(),
            })
            .await;
        let guard = self.guard(started);
        let done = self.answer(&mut item, &guard).await;
        if let Err(failure) = &done.outcome
            && failure.is_fatal
        {
            // The first one speaks for all: the rest would only repeat it.
            let _ = self.fatal.set(failure.clone());
            self.settings.shutdown.drain();
            return None;
        }
        let at = self.settings.clock.now();
        let result = WorkItemResult {
            id: item.id,
            submission_index: index,
            outcome: done.outcome,
            latency: at.duration_since(started),
            attempts: done.attempts,
            is_replayed: done.is_replayed,
            deduplicated_from: done.deduplicated_from,
            context: item.context,
        };
        if let (Some(store), Some(key)) = (&self.hooks.store, &done.key) {
            Box::pin(self.write_down(&**store, key, &result)).await?;
        }
        self.recorder.record(&result);
        if let Err(failure) = &result.outcome
            && !result.is_replayed
        {
            self.failures.tell(&result.id, failure);
        }
        self.tell(&result).await;
        if let Some(category) = result.category() {
            Box::pin(self.fail_fast(category, &result)).await;
        }
        if let Some(post) = &self.hooks.post {
            Box::pin(self.post_process(&**post, &result)).await;
        }
        Some(Finished { result, at })
    }

    fn guard(&self, started: Instant) -> Guard<'_> {
        let limit = self.settings.item_timeout;
        Guard {
            clock: &*self.settings.clock,
            deadline: limit.and_then(|limit| started.checked_add(limit)),
            limit,
            stop: &self.stop,
        }
    }

    async fn answer(&self, item: &mut WorkItem<I, C>, guard: &Guard<'_>) -> Done<O> {
        if let Err(cut) = guard.check() {
            return Done::failed(guard.failure(cut, None));
        }
        if item.id.trim().is_empty() {
            let message = "the id is empty; give every item a name of its own";
            return Done::failed(Failure::new(Category::InputError, message));
        }
        // What an item may meet and mostly does not is boxed, here and below: a million items carry
        // nothing for it.
        if !self.hooks.middlewares.is_empty() {
            match Box::pin(guard.wait(self.before(item))).await {
                Ok(Ok(())) => {}
                Ok(Err(filtered)) => return Done::failed(filtered),
                Err(cut) => return Done::failed(guard.failure(cut, None)),
            }
        }
        let Some(slot) = self.slot(item.strategy.as_ref()) else {
            let name = item.strategy.as_deref().unwrap_or_default();
            let message = format!("the run has no strategy named `{name}`");
            return Done::failed(Failure::new(Category::UnknownStrategy, message));
        };
        let mut key = None;
        if let Some(store) = &self.hooks.store {
            match Box::pin(earlier(&**store, item)).await {
                Ok(Earlier::Done(kept)) => {
                    return Done {
                        is_replayed: true,
                        ..Done::of(kept)
                    };
                }
                Ok(Earlier::Open(of_item)) => key = Some(of_item),
                Err(failure) => return Done::failed(failure),
            }
        }
        let done = match &self.hooks.dedup {
            Some(dedup) => Box::pin(self.share(dedup, item, slot, guard)).await,
            None => self.work(item, slot, guard).await,
        };
        Done { key, ..done }
    }

    fn slot(&self, name: Option<&Arc<str>>) -> Option<&Slot<I, O>> {
        match name {
            None => Some(&self.first),
            Some(name) => self.named.get(name),
        }
    }

    /// Lets the middlewares look at an item; an error means that it is passed over.
    async fn before(&self, item: &mut WorkItem<I, C>) -> Result<(), Failure> {
        for middleware in &self.hooks.middlewares {
            match caught(middleware.before(item)).await {
                Ok(Before::Keep) => {}
                Ok(Before::Replace { input, strategy }) => {
                    item.input = input;
                    item.strategy = strategy.or_else(|| item.strategy.take());
                }
                Ok(Before::Filter) => {
                    let message = "passed over by a middleware";
                    return Err(Failure::new(Category::MiddlewareFiltered, message));
                }
                Err(failure) => {
                    tracing::warn!(error = %failure, "a middleware failed; the item stays as it was");
                }
            }
        }
        Ok(())
    }

    /// Takes the answer of an item that asks the same, if there is one.
    async fn share(
        &self,
        dedup: &Dedup<I, O>,
        item: &WorkItem<I, C>,
        slot: &Slot<I, O>,
        guard: &Guard<'_>,
    ) -> Done<O> {
        match dedup.turn(&item.id, item.strategy.as_ref(), &item.input) {
            Turn::Lead(None) => self.work(item, slot, guard).await,
            Turn::Lead(Some(leader)) => {
                let done = self.work(item, slot, guard).await;
                match &done.outcome {
                    Err(failure) if failure.is_fatal => dedup.give_up(&leader),
                    outcome => dedup.answer(leader, outcome),
                }
                done
            }
            Turn::Follow(follower) => {
                let leader = follower.leader.clone();
                match guard.wait(follower.answer()).await {
                    Ok(Some(outcome)) => Done {
                        deduplicated_from: Some(leader),
                        ..Done::of(outcome)
                    },
                    Ok(None) => self.work(item, slot, guard).await,
                    Err(cut) => Done::failed(guard.failure(cut, None)),
                }
            }
        }
    }

    async fn work(&self, item: &WorkItem<I, C>, slot: &Slot<I, O>, guard: &Guard<'_>) -> Done<O> {
        if !slot.lease.is_prepared() {
            let patience = self.settings.retry.initial_wait();
            let prepare = slot.lease.prepare(guard.clock, patience);
            match Box::pin(guard.wait(prepare)).await {
                Ok(Ok(())) => {}
                Ok(Err(mut failure)) => {
                    failure.category = self.judge(slot, &failure);
                    return Done::failed(failure);
                }
                Err(cut) => return Done::failed(guard.failure(cut, None)),
            }
        }
        if self.settings.dry_run {
            let outcome = slot.lease.strategy().dry_run(&item.input);
            let message = "the strategy has no dry run";
            return Done::of(outcome.ok_or_else(|| Failure::new(Category::LogicError, message)));
        }
        let (outcome, attempts) = self.try_until_done(item, slot, guard).await;
        let outcome = match outcome {
            outcome if self.hooks.middlewares.is_empty() => outcome,
            Ok(outcome) => Ok(Box::pin(self.after(item, outcome)).await),
            Err(failure) => Box::pin(self.rescue(item, failure)).await,
        };
        Done {
            attempts,
            ..Done::of(outcome)
        }
    }

    async fn after(&self, item: &WorkItem<I, C>, mut outcome: Outcome<O>) -> Outcome<O> {
        for middleware in self.hooks.middlewares.iter().rev() {
            match caught(middleware.after(item, &outcome)).await {
                Ok(Some(changed)) => outcome = changed,
                Ok(None) => {}
                Err(failure) => {
                    tracing::warn!(error = %failure, "a middleware failed; the output stays as it was");
                }
            }
        }
        outcome
    }

    /// Gives the middlewares a chance to make something of a failure. What was paid stays paid.
    async fn rescue(&self, item: &WorkItem<I, C>, failure: Failure) -> Result<Outcome<O>, Failure> {
        if failure.is_fatal || failure.category.is_never_replayed() {
            return Err(failure);
        }
        for middleware in &self.hooks.middlewares {
            let recovered = caught(async { Ok(middleware.recover(item, &failure).await) }).await;
            let Ok(Some(recovered)) = recovered else {
                continue;
            };
            let paid = failure.billed().unwrap_or_default();
            return match recovered {
                Ok(mut outcome) => {
                    outcome.usage.add(&paid);
                    outcome.attempts += failure.attempts;
                    Ok(outcome)
                }
                Err(mut other) => {
                    other.usage.get_or_insert_default().add(&paid);
                    other.attempts += failure.attempts;
                    Err(other)
                }
            };
        }
        Err(failure)
    }

    /// The category of a failure, whatever the classifier does.
    fn judge(&self, slot: &Slot<I, O>, failure: &Failure) -> Category {
        let judged = AssertUnwindSafe(|| slot.classifier.classify(failure));
        std::panic::catch_unwind(judged).unwrap_or_else(|_| {
            if !self.classifier_panicked.swap(true, Ordering::Relaxed) {
                tracing::error!("the classifier of failures panicked");
            }
            Category::ClassifierError
        })
    }

    /// Writes a new result to the journal before anybody can see it.
    async fn write_down(
        &self,
        store: &dyn ResultStore<I, O, C>,
        key: &ItemKey,
        result: &WorkItemResult<O, C>,
    ) -> Option<()> {
        let Err(error) = store.append(key, result).await else {
            return Some(());
        };
        if result.category().is_some_and(Category::is_collateral) {
            tracing::warn!(%error, "the end of the run could not be written down");
            return Some(());
        }
        let mut termination = Termination::new(TerminationKind::ArtifactError, error.to_string());
        termination.item_id = Some(result.id.clone());
        self.abort(termination).await;
        None
    }

    /// The run has taken as long as it may.
    pub(crate) async fn time_is_up(&self, limit: Duration) {
        let reason = format!("it took longer than {limit:?}");
        let kind = TerminationKind::BatchTimeout;
        self.abort(Termination::new(kind, reason)).await;
    }

    /// Ends the run, unless something else did.
    async fn abort(&self, termination: Termination) {
        if self.stop.trip(termination.clone()) {
            tracing::info!(kind = ?termination.kind, "the run ends before its input");
            self.observers
                .emit(|| Event::BatchAborted { termination })
                .await;
        }
    }

    /// Exactly one event about the end of every item.
    async fn tell(&self, result: &WorkItemResult<O, C>) {
        let category = result.category().cloned();
        if category == Some(Category::FrameworkTotalItemTimeout) {
            self.observers
                .emit(|| Event::ItemDeadlineExceeded {
                    item_id: result.id.clone(),
                })
                .await;
        }
        let event = || {
            let (item_id, submission_index) = (result.id.clone(), result.submission_index);
            let (duration, usage) = (result.latency, result.usage());
            match category {
                category if result.is_replayed => Event::ItemReplayed {
                    item_id,
                    submission_index,
                    category,
                },
                None => Event::ItemCompleted {
                    item_id,
                    submission_index,
                    duration,
                    usage,
                    attempts: result.attempts.clone(),
                    recovered: result.recovered(),
                },
                Some(category) => Event::ItemFailed {
                    item_id,
                    submission_index,
                    duration,
                    usage,
                    attempts: result.attempts.clone(),
                    category,
                },
            }
        };
        self.observers.emit(event).await;
    }

    async fn fail_fast(&self, category: &Category, result: &WorkItemResult<O, C>) {
        if !self.settings.abort_on.contains(category) {
            return;
        }
        let reason = format!("item `{}` failed: {category}", result.id);
        let mut termination = Termination::new(TerminationKind::FailFast, reason);
        termination.category = Some(category.clone());
        termination.item_id = Some(result.id.clone());
        self.abort(termination).await;
    }

    async fn post_process(&self, post: &dyn PostProcessor<O, C>, result: &WorkItemResult<O, C>) {
        let work = caught(async {
            post.process(result).await;
            Ok(())
        });
        let limit = self.settings.clock.sleep(self.hooks.post_timeout);
        let ended = futures_util::future::select(Box::pin(work), limit).await;
        match ended {
            futures_util::future::Either::Left((Ok(()), _)) => {}
            futures_util::future::Either::Left((Err(failure), _)) => {
                tracing::error!(error = %failure, "the post-processor failed");
            }
            futures_util::future::Either::Right(_) => {
                tracing::error!("the post-processor took too long");
            }
        }
    }
}

/// What a journal knows of an item.
enum Earlier<O> {
    /// Its result.
    Done(Kept<O>),
    /// Nothing; the key is for the result to come.
    Open(ItemKey),
}

/// What an earlier run wrote of an item.
async fn earlier<I, O, C>(
    store: &dyn ResultStore<I, O, C>,
    item: &WorkItem<I, C>,
) -> Result<Earlier<O>, Failure>
where
    I: Send + Sync + 'static,
    O: Send + Sync + 'static,
    C: Send + Sync + 'static,
{
    let unprepared =
        |error: StoreError| Failure::new(Category::ArtifactPreparationError, error.to_string());
    let key = store.prepare(item).map_err(unprepared)?;
    let found = store.lookup(&key).await.map_err(unprepared)?;
    Ok(found.map_or(Earlier::Open(key), Earlier::Done))
}

/// Turns a panic into a failure.
async fn caught<T>(future: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    AssertUnwindSafe(future)
        .catch_unwind()
        .await
        .unwrap_or_else(|panic| Err(panicked("a hook", &*panic)))
}

/// A panic as a failure of its item.
pub(crate) fn panicked(who: &str, panic: &(dyn Any + Send)) -> Failure {
    let text = panic.downcast_ref::<&str>().copied();
    let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    let text = text.unwrap_or("no message");
    Failure::new(Category::LogicError, format!("{who} panicked: {text}"))
}
