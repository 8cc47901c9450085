//! The tries of one item: admission, the call, what it cost, and whether to try again.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use gimmal_client::transport::rate_limit::{PauseGeneration, RateLimiter, Reservation};

use super::super::budget::{AttemptUsage, SetAside};
use super::super::scope::Place;
use super::super::stop::{Cut, Guard};
use super::super::{
    Attempt, AttemptTiming, Category, Event, Failure, Outcome, Retry, SharedLimits, TokenEstimate,
    Usage, WorkItem,
};
use super::{Engine, Slot, panicked};

/// An item on its way through its tries.
struct Tries<'a, I, O, C> {
    engine: &'a Engine<I, O, C>,
    slot: &'a Slot<I, O>,
    item: &'a WorkItem<I, C>,
    guard: &'a Guard<'a>,
    attempt: Attempt,
    timings: Vec<AttemptTiming>,
    /// Tokens of tries that failed, as far as they are known.
    spent: Option<Usage>,
    /// Requests of tries that failed.
    requests: u32,
    refusals: u32,
}

/// Why a try has no output.
enum TryError {
    /// A wait was cut short.
    Cut(Cut),
    /// It could not even be admitted, and never will be.
    Refused(Failure),
    /// The call failed.
    Failed(Failure),
}

/// Everything a call needs before it may be made.
struct Admitted<'a> {
    reservation: Option<Reservation>,
    /// Tokens counted by limits that other processes share.
    shared: Option<u64>,
    place: Place,
    seen: PauseGeneration,
    /// What a strict budget has set aside for it.
    aside: Option<SetAside<'a>>,
}

impl<I, O, C> Engine<I, O, C>
where
    I: Send + Sync + 'static,
    O: Send + Sync + 'static,
    C: Send + Sync + 'static,
{
    /// Tries an item until it has an output or no further try may help.
    pub(super) async fn try_until_done(
        &self,
        item: &WorkItem<I, C>,
        slot: &Slot<I, O>,
        guard: &Guard<'_>,
    ) -> (Result<Outcome<O>, Failure>, Vec<AttemptTiming>) {
        let attempt = Attempt {
            number: 1,
            ..Attempt::default()
        };
        let mut tries = Tries {
            engine: self,
            slot,
            item,
            guard,
            attempt,
            timings: Vec::with_capacity(1),
            spent: None,
            requests: 0,
            refusals: 0,
        };
        let outcome = tries.run().await;
        (tries.with_what_was_paid(outcome), tries.timings)
    }
}

impl<'a, I, O, C> Tries<'a, I, O, C>
where
    I: Send + Sync + 'static,
    O: Send + Sync + 'static,
    C: Send + Sync + 'static,
{
    async fn run(&mut self) -> Result<Outcome<O>, Failure> {
        let retry = &self.engine.settings.retry;
        let mut last: Option<Failure> = None;
        loop {
            self.attempt.try_number += 1;
            let failure = match self.try_once().await {
                Ok(outcome) => return Ok(outcome),
                Err(TryError::Cut(cut)) => return Err(self.guard.failure(cut, last.as_ref())),
                Err(TryError::Refused(failure)) => return Err(failure),
                Err(TryError::Failed(failure)) => failure,
            };
            if failure.is_fatal {
                return Err(failure);
            }
            match failure.category.retry() {
                Retry::Never => return Err(failure),
                // The next try waits for the pause.
                Retry::Cooldown => self.count_refusal(&failure)?,
                _ if self.attempt.number >= retry.max_attempts().get() => return Err(failure),
                Retry::AtOnce => self.attempt.number += 1,
                Retry::Backoff => {
                    Box::pin(self.back_off(&failure)).await?;
                    self.attempt.number += 1;
                }
            }
            last = Some(failure);
        }
    }

    /// Counts a refusal for the rate; an error when it was one too many.
    fn count_refusal(&mut self, failure: &Failure) -> Result<(), Failure> {
        self.refusals += 1;
        if self.refusals <= self.engine.settings.retry.max_rate_limit_retries() {
            return Ok(());
        }
        let message = format!("refused {} times for the rate: {failure}", self.refusals);
        let mut exceeded = Failure::new(Category::RateLimitRetriesExceeded, message);
        exceeded.status = failure.status;
        Err(exceeded)
    }

    /// Waits before the next attempt. A wait that would end after the deadline is not begun.
    async fn back_off(&mut self, failure: &Failure) -> Result<(), Failure> {
        let settings = &self.engine.settings;
        let fraction = settings.jitter.fraction();
        let wait = settings.retry.wait_after(self.attempt.number, fraction);
        let wait = wait.max(failure.retry_after.unwrap_or_default());
        let item_id = &self.item.id;
        tracing::debug!(item_id, category = %failure.category, ?wait, "trying again");
        if self.guard.left().is_some_and(|left| wait >= left) {
            return Err(self.guard.failure(Cut::Deadline, Some(failure)));
        }
        let begun = settings.clock.now();
        let waited = self.guard.wait(settings.clock.sleep(wait)).await;
        if let Some(timing) = self.timings.last_mut() {
            timing.backoff = settings.clock.now().duration_since(begun);
        }
        waited.map_err(|cut| self.guard.failure(cut, Some(failure)))
    }

    /// One try, with its timing written down whatever becomes of it.
    async fn try_once(&mut self) -> Result<Outcome<O>, TryError> {
        let begun = self.engine.settings.clock.now();
        let mut timing = AttemptTiming {
            attempt: self.attempt.number,
            try_number: self.attempt.try_number,
            ..AttemptTiming::default()
        };
        let tried = match self.admit(&mut timing).await {
            Ok(admitted) => self.call(begun, admitted, &mut timing).await,
            Err(error) => {
                timing.total = self.engine.settings.clock.now().duration_since(begun);
                Err(error)
            }
        };
        timing.category = match &tried {
            Ok(_) => None,
            Err(TryError::Failed(failure) | TryError::Refused(failure)) => {
                Some(failure.category.clone())
            }
            Err(TryError::Cut(cut)) => Some(self.guard.failure(*cut, None).category),
        };
        self.timings.push(timing);
        tried
    }

    /// Waits for the pause, for requests and tokens, and for a place, in this order. Waiting for
    /// one of them holds none of those that come after it.
    async fn admit(&mut self, timing: &mut AttemptTiming) -> Result<Admitted<'a>, TryError> {
        let (scope, guard) = (&self.slot.scope, self.guard);
        loop {
            guard.check().map_err(TryError::Cut)?;
            let (seen, waited) = self.timed(scope.pause.enter()).await?;
            timing.cooldown_wait += waited;
            if !waited.is_zero() && scope.is_first_after(seen) {
                let ordinal = scope.ordinal;
                let ended = || Event::CooldownEnded { scope: ordinal };
                self.engine.observers.emit(ended).await;
            }
            let reservation = match scope.limiter() {
                Some(limiter) => Some(Box::pin(self.reserve(limiter, timing)).await?),
                None => None,
            };
            let (place, waited) = self.timed(scope.capacity.enter(guard.clock)).await?;
            timing.admission_wait += waited;
            let aside = match self.engine.purse.is_strict() {
                true => Some(Box::pin(self.set_aside()).await?),
                false => None,
            };
            // A pause that began meanwhile goes first: everything is given back.
            if scope.pause.generation() != seen {
                continue;
            }
            let shared = match &self.engine.settings.shared_limits {
                Some(limits) => Some(Box::pin(self.share(&**limits, timing)).await?),
                None => None,
            };
            // Whoever had to wait until the last moment makes no call.
            guard.check().map_err(TryError::Cut)?;
            self.engine
                .observers
                .emit(|| Event::ItemAdmitted {
                    item_id: self.item.id.clone(),
                    try_number: self.attempt.try_number,
                    wait: waited,
                })
                .await;
            return Ok(Admitted {
                reservation,
                shared,
                place,
                seen,
                aside,
            });
        }
    }

    /// Sets aside what the call will take by estimate; where that does not fit any more the run ends.
    async fn set_aside(&self) -> Result<SetAside<'a>, TryError> {
        let (item, engine) = (self.item, self.engine);
        let estimate = self.estimated()?;
        let expected = AttemptUsage::expected(&item.id, item.strategy.as_deref(), estimate);
        let fits = self.timed(engine.purse.set_aside(&expected)).await?.0;
        match fits {
            Ok(aside) => Ok(aside),
            Err(termination) => {
                engine.abort(termination).await;
                Err(TryError::Cut(Cut::Stopped))
            }
        }
    }

    /// Waits, and tells how long it was: nothing at all when there was no need to wait.
    async fn timed<T>(&self, future: impl Future<Output = T>) -> Result<(T, Duration), TryError> {
        let mut future = std::pin::pin!(future);
        if let Some(output) = future.as_mut().now_or_never() {
            return Ok((output, Duration::ZERO));
        }
        let clock = self.guard.clock;
        let begun = clock.now();
        let output = self.guard.wait(future).await.map_err(TryError::Cut)?;
        Ok((output, clock.now().duration_since(begun)))
    }

    async fn reserve(
        &self,
        limiter: &RateLimiter,
        timing: &mut AttemptTiming,
    ) -> Result<Reservation, TryError> {
        let engine = self.engine;
        let mut tokens = 0;
        if let Some(quota) = limiter.limits().tokens() {
            tokens = self
                .estimate()
                .inspect_err(|_| engine.recorder.not_estimated())?;
            if tokens > quota.amount().get() {
                let message = format!(
                    "about {tokens} tokens are more than the limit of {} tokens per {:?}",
                    quota.amount(),
                    quota.period()
                );
                let category = Category::TokenEstimateExceedsLimit;
                engine.recorder.not_estimated();
                return Err(TryError::Refused(Failure::new(category, message)));
            }
        }
        let (reservation, wait) = self.timed(limiter.acquire(tokens)).await?;
        let reservation = reservation.map_err(|error| TryError::Refused(error.into()))?;
        timing.quota_wait += wait;
        timing.reserved_tokens = tokens;
        engine.recorder.admitted(tokens);
        engine
            .observers
            .emit(|| Event::QuotaAdmitted {
                item_id: self.item.id.clone(),
                try_number: self.attempt.try_number,
                scope: self.slot.scope.ordinal,
                wait,
                reserved_tokens: tokens,
            })
            .await;
        Ok(reservation)
    }

    /// Waits for the limits that other processes share.
    async fn share(
        &self,
        limits: &dyn SharedLimits,
        timing: &mut AttemptTiming,
    ) -> Result<u64, TryError> {
        let tokens = self.estimate().unwrap_or(0);
        let (admitted, waited) = self.timed(limits.admit(tokens)).await?;
        timing.quota_wait += waited;
        admitted.map_err(TryError::Failed)?;
        Ok(tokens)
    }

    /// Tokens that the item will take; without a limit on tokens nobody asks.
    fn estimate(&self) -> Result<u64, TryError> {
        Ok(self.estimated()?.total_tokens())
    }

    fn estimated(&self) -> Result<TokenEstimate, TryError> {
        let refused =
            |category, message: String| TryError::Refused(Failure::new(category, message));
        let input = &self.item.input;
        let strategy = self.slot.lease.strategy();
        let estimated = AssertUnwindSafe(|| match &self.engine.hooks.estimator {
            Some(estimator) => estimator(input).map(Some),
            None => Ok(strategy.estimate(input)),
        });
        let estimate = match std::panic::catch_unwind(estimated) {
            Ok(Ok(Some(estimate))) => estimate,
            Ok(Ok(None)) => {
                let message = "tokens are limited, but nobody says how many an item takes";
                return Err(refused(
                    Category::TokenEstimatorRequired,
                    message.to_owned(),
                ));
            }
            Ok(Err(failure)) => {
                return Err(refused(Category::TokenEstimationError, failure.message));
            }
            Err(_) => {
                let message = "the token estimator panicked";
                return Err(refused(Category::TokenEstimationError, message.to_owned()));
            }
        };
        if estimate.total_tokens() == 0 {
            let message = "an estimate of no tokens at all cannot be right";
            return Err(refused(Category::TokenEstimationError, message.to_owned()));
        }
        Ok(estimate)
    }

    /// Makes the call and settles what it cost.
    async fn call(
        &mut self,
        try_begun: Instant,
        admitted: Admitted<'_>,
        timing: &mut AttemptTiming,
    ) -> Result<Outcome<O>, TryError> {
        let engine = self.engine;
        let clock = &engine.settings.clock;
        let Admitted {
            mut reservation,
            shared,
            place,
            seen,
            aside,
        } = admitted;
        let limit = engine.settings.attempt_timeout;
        self.attempt.timeout = [limit, self.guard.left()].into_iter().flatten().min();
        if let Some(reservation) = &mut reservation {
            reservation.start();
        }
        let waited = timing.cooldown_wait + timing.quota_wait + timing.admission_wait;
        // Who did not have to wait begins the call with the try.
        let begun = if waited.is_zero() {
            try_begun
        } else {
            clock.now()
        };
        let strategy = self.slot.lease.strategy();
        let (input, attempt) = (&self.item.input, &mut self.attempt);
        let call = AssertUnwindSafe(async { strategy.execute(input, attempt).await });
        let ended = self.guard.call(limit, call.catch_unwind()).await;
        let ended_at = clock.now();
        timing.execution = ended_at.duration_since(begun);
        timing.total = ended_at.duration_since(try_begun);
        if let Some(told) = self.attempt.told.take() {
            self.slot.scope.learn(&told);
        }
        // Held until the others can hear of a refusal: whoever waits for it would be refused as well.
        let expected = aside.as_ref().map(|aside| aside.expected);
        let mut given_up = None;
        let outcome = match ended {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(panic)) => Err(panicked("the strategy", &*panic)),
            Err(Cut::Timeout) => {
                given_up = expected;
                let message = format!("no answer within {:?}", limit.unwrap_or_default());
                Err(Failure::new(Category::FrameworkTimeout, message).with_attempts(1))
            }
            Err(cut) => {
                self.spend(expected, false).await;
                self.settle(reservation, None).await;
                self.requests += 1;
                return Err(TryError::Cut(cut));
            }
        };
        let usage = match &outcome {
            Ok(outcome) => Some(outcome.usage),
            Err(failure) => failure.billed(),
        };
        timing.usage = usage;
        self.spend(usage.or(given_up), outcome.is_ok()).await;
        let used = usage.map(|usage| usage.total_tokens);
        self.settle(reservation, used).await;
        if let (Some(limits), Some(reserved), Some(used)) =
            (&engine.settings.shared_limits, shared, used)
        {
            limits.correct(reserved, used).await;
        }
        match outcome {
            Ok(outcome) => {
                place.judge(None);
                self.slot.scope.pause.succeeded();
                Ok(outcome)
            }
            Err(failure) => Err(Box::pin(self.failed(failure, &place, seen)).await),
        }
    }

    /// Counts the call against the budget.
    async fn spend(&self, usage: Option<Usage>, is_success: bool) {
        let purse = &self.engine.purse;
        let Some(usage) = usage else {
            return purse.spend_unknown();
        };
        let stop = purse.spend(&AttemptUsage {
            item_id: &self.item.id,
            strategy: self.item.strategy.as_deref(),
            try_number: self.attempt.try_number,
            usage,
            is_success,
        });
        if let Some(termination) = stop {
            self.engine.abort(termination).await;
        }
    }

    async fn settle(&self, reservation: Option<Reservation>, used: Option<u64>) {
        let Some(reservation) = reservation else {
            return;
        };
        let reserved_tokens = reservation.tokens();
        let disposition = reservation.settle(used);
        self.engine
            .recorder
            .settled(reserved_tokens, used, disposition);
        self.engine
            .observers
            .emit(|| Event::QuotaReconciled {
                item_id: self.item.id.clone(),
                try_number: self.attempt.try_number,
                scope: self.slot.scope.ordinal,
                reserved_tokens,
                reported_tokens: used,
                disposition,
            })
            .await;
    }

    /// Shows the failure to the strategy, judges it, and tells the others of a refusal.
    async fn failed(
        &mut self,
        mut failure: Failure,
        place: &Place,
        seen: PauseGeneration,
    ) -> TryError {
        let (engine, slot) = (self.engine, self.slot);
        let strategy = slot.lease.strategy();
        let attempt = &mut self.attempt;
        let shown = AssertUnwindSafe(async { strategy.on_error(&mut failure, attempt).await });
        let shown = self.guard.wait(shown.catch_unwind()).await;
        match shown {
            Ok(Ok(())) => {}
            Ok(Err(_)) => tracing::warn!("the strategy panicked over a failure"),
            Err(cut) => {
                self.pay(&failure);
                return TryError::Cut(cut);
            }
        }
        failure.category = engine.judge(slot, &failure);
        place.judge(Some(failure.category.is_congestion()));
        if failure.category == Category::RateLimit {
            let scope = &slot.scope;
            let ordinal = scope.ordinal;
            let hit = || Event::RateLimitHit {
                item_id: self.item.id.clone(),
                scope: ordinal,
            };
            engine.observers.emit(hit).await;
            let hint = slot.classifier.suggested_wait(&failure);
            if scope.pause.report(seen, hint) {
                let duration = scope.pause.remaining();
                tracing::warn!(scope = ordinal, ?duration, "the service asks for a pause");
                let started = || Event::CooldownStarted {
                    scope: ordinal,
                    duration,
                };
                engine.observers.emit(started).await;
            }
        }
        self.pay(&failure);
        TryError::Failed(failure)
    }

    /// Remembers what a failed try cost.
    fn pay(&mut self, failure: &Failure) {
        self.requests += failure.attempts;
        if let Some(usage) = &failure.usage {
            self.spent.get_or_insert_default().add(usage);
        }
    }

    /// The result with the cost of all its tries.
    fn with_what_was_paid(
        &self,
        outcome: Result<Outcome<O>, Failure>,
    ) -> Result<Outcome<O>, Failure> {
        match outcome {
            Ok(mut outcome) => {
                outcome.usage.add(&self.spent.unwrap_or_default());
                outcome.attempts += self.requests;
                Ok(outcome)
            }
            Err(mut failure) => {
                failure.usage = self.spent.map(Box::new);
                failure.attempts = self.requests;
                Err(failure)
            }
        }
    }
}
