//! What strategies of one account share in a run: requests and tokens per minute, the pause after a
//! refusal, and places for calls in flight.

use std::collections::HashMap;
use std::num::{NonZeroU32, NonZeroU64};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::{Duration, Instant};

use futures_util::future::{Either, select};
use gimmal_client::transport::rate_limit::{
    AdaptiveConfig, AdaptivePermit, PauseConfig, PauseGeneration, Quota,
};
use gimmal_client::transport::{
    AdaptiveConcurrency, Clock, PauseWindow, RateLimitInfo, RateLimiter, RateLimits,
};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::shared::lock;

/// How the number of calls in flight grows at the beginning of a run: from `initial`, by `step`
/// every `interval`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StartupRamp {
    /// Calls in flight at first.
    pub initial: NonZeroU32,
    /// How many more after each interval.
    pub step: NonZeroU32,
    /// The time between two steps.
    pub interval: Duration,
}

impl StartupRamp {
    /// From `initial`, `step` more every `interval`.
    pub fn new(initial: NonZeroU32, step: NonZeroU32, interval: Duration) -> Self {
        Self {
            initial,
            step,
            interval,
        }
    }

    /// How many calls may be in flight after so much time.
    fn limit_after(&self, elapsed: Duration, cap: u32) -> u32 {
        let steps = elapsed.as_nanos() / self.interval.as_nanos().max(1);
        let grown = u128::from(self.initial.get()) + steps * u128::from(self.step.get());
        u32::try_from(grown).unwrap_or(u32::MAX).min(cap)
    }
}

/// The settings that every scope of a run starts with.
#[derive(Clone, Debug, Default)]
pub(crate) struct ScopeSettings {
    pub(crate) limits: Option<RateLimits>,
    pub(crate) pause: PauseConfig,
    pub(crate) max_in_flight: Option<NonZeroU32>,
    pub(crate) ramp: Option<StartupRamp>,
    pub(crate) adaptive: Option<AdaptiveConfig>,
}

/// One account at one service.
#[derive(Debug)]
pub(crate) struct Scope {
    /// The place among the scopes of the run, counted from 1: what events name it by.
    pub(crate) ordinal: u32,
    /// Keeps the limits that were set, and those that the service told.
    limiter: OnceLock<RateLimiter>,
    clock: Arc<dyn Clock>,
    pub(crate) pause: PauseWindow,
    pub(crate) capacity: Capacity,
    /// The last pause whose end was told.
    told: Mutex<PauseGeneration>,
}

/// What a minute holds of a quota.
fn per_minute(quota: Quota) -> f64 {
    quota.amount().get() as f64 * 60.0 / quota.period().as_secs_f64()
}

/// The limit that was told, if it is stricter than the one that is kept.
fn stricter(kept: Option<Quota>, told: Option<u64>) -> Option<NonZeroU64> {
    let told = NonZeroU64::new(told?)?;
    let is_stricter = kept.is_none_or(|kept| (told.get() as f64) < per_minute(kept));
    is_stricter.then_some(told)
}

impl Scope {
    /// Who keeps the limits, if there are any.
    pub(crate) fn limiter(&self) -> Option<&RateLimiter> {
        self.limiter.get()
    }

    /// Keeps what the service told of its limits, as so much in a minute, where it is stricter than
    /// what is kept. Tokens are learnt only where they are limited already: otherwise nobody may be
    /// able to estimate them.
    pub(crate) fn learn(&self, told: &RateLimitInfo) {
        let kept = self.limiter.get().map(RateLimiter::limits);
        let requests = stricter(kept.and_then(|kept| kept.requests()), told.requests.limit);
        let counted = kept.and_then(|kept| kept.tokens());
        let tokens = counted.and_then(|kept| stricter(Some(kept), told.tokens.limit));
        if requests.is_none() && tokens.is_none() {
            return;
        }
        // Nobody knows how much of the minute is used up, so nothing is saved up to begin with.
        let mut limits = kept.unwrap_or_else(|| {
            let limits = RateLimits::default();
            limits.with_burst(Duration::ZERO).unwrap_or(limits)
        });
        if let Some(requests) = requests {
            limits = limits.with_requests_per_minute(requests);
        }
        if let Some(tokens) = tokens {
            limits = limits.with_tokens_per_minute(tokens);
        }
        tracing::info!(scope = self.ordinal, ?limits, "the service told its limits");
        let new = || RateLimiter::with_clock(limits, Arc::clone(&self.clock));
        self.limiter.get_or_init(new).set_limits(limits);
    }

    /// True for the first call that sets off after a pause.
    pub(crate) fn is_first_after(&self, pause: PauseGeneration) -> bool {
        let mut told = lock(&self.told);
        let is_first = *told < pause;
        *told = pause;
        is_first
    }
}

/// Places for calls in flight, given away in the order in which they were asked for.
#[derive(Debug)]
pub(crate) enum Capacity {
    Unlimited,
    Fixed(Arc<Semaphore>),
    Ramped(Ramped),
    Adaptive(AdaptiveConcurrency),
}

#[derive(Debug)]
pub(crate) struct Ramped {
    places: Arc<Semaphore>,
    ramp: StartupRamp,
    cap: u32,
    /// When the first call came, and how many places there are by now.
    state: Mutex<Option<(Instant, u32)>>,
}

/// One call in flight.
pub(crate) enum Place {
    Free,
    Held { _permit: OwnedSemaphorePermit },
    Adaptive(AdaptivePermit),
}

impl Place {
    /// Lets an adaptive limit learn how the call went; `None` for a success.
    pub(crate) fn judge(&self, is_congestion: Option<bool>) {
        match (self, is_congestion) {
            (Self::Adaptive(permit), None) => permit.success(),
            (Self::Adaptive(permit), Some(true)) => permit.congestion(),
            _ => {}
        }
    }
}

impl Capacity {
    /// The smallest of the limits that are set.
    fn new(settings: &ScopeSettings, advertised: Option<NonZeroU32>, workers: u32) -> Self {
        let fixed = [advertised, settings.max_in_flight];
        let fixed = fixed.into_iter().flatten().min();
        if let Some(adaptive) = settings.adaptive {
            return Self::Adaptive(AdaptiveConcurrency::new(match fixed {
                Some(max) if max.get() < adaptive.max() => AdaptiveConfig::up_to(max),
                _ => adaptive,
            }));
        }
        match (settings.ramp, fixed) {
            (Some(ramp), fixed) => {
                let cap = fixed.map_or(workers, |fixed| fixed.get().min(workers));
                Self::Ramped(Ramped {
                    places: Arc::new(Semaphore::new(0)),
                    ramp,
                    cap,
                    state: Mutex::new(None),
                })
            }
            (None, Some(fixed)) if fixed.get() < workers => {
                Self::Fixed(Arc::new(Semaphore::new(fixed.get() as usize)))
            }
            (None, _) => Self::Unlimited,
        }
    }

    pub(crate) async fn enter(&self, clock: &dyn Clock) -> Place {
        match self {
            Self::Unlimited => Place::Free,
            Self::Fixed(places) => hold(places).await,
            Self::Adaptive(limit) => Place::Adaptive(limit.acquire().await),
            Self::Ramped(ramped) => ramped.enter(clock).await,
        }
    }
}

async fn hold(places: &Arc<Semaphore>) -> Place {
    match Arc::clone(places).acquire_owned().await {
        Ok(permit) => Place::Held { _permit: permit },
        // Nobody closes it.
        Err(_) => Place::Free,
    }
}

impl Ramped {
    async fn enter(&self, clock: &dyn Clock) -> Place {
        let mut held = Box::pin(hold(&self.places));
        loop {
            let Some(next_step) = self.grow(clock.now()) else {
                return held.await;
            };
            held = match select(held, clock.sleep(next_step)).await {
                Either::Left((place, _)) => return place,
                Either::Right(((), held)) => held,
            };
        }
    }

    /// Adds the places that are due, and tells how long it is to the next step; `None` at the cap.
    fn grow(&self, now: Instant) -> Option<Duration> {
        let mut state = lock(&self.state);
        let (since, places) = state.get_or_insert((now, 0));
        let elapsed = now.saturating_duration_since(*since);
        let due = self.ramp.limit_after(elapsed, self.cap);
        if due > *places {
            self.places.add_permits((due - *places) as usize);
            *places = due;
        }
        if *places >= self.cap {
            return None;
        }
        let interval = self.ramp.interval.as_nanos().max(1);
        let rest = interval - elapsed.as_nanos() % interval;
        Some(Duration::from_nanos(
            u64::try_from(rest).unwrap_or(u64::MAX),
        ))
    }
}

/// The scopes of a run, by the name that strategies give or by the strategy itself.
#[derive(Debug)]
pub(crate) struct Scopes {
    settings: ScopeSettings,
    clock: Arc<dyn Clock>,
    workers: u32,
    named: HashMap<String, Arc<Scope>>,
    count: u32,
}

impl Scopes {
    pub(crate) fn new(settings: ScopeSettings, clock: Arc<dyn Clock>, workers: usize) -> Self {
        Self {
            settings,
            clock,
            workers: u32::try_from(workers).unwrap_or(u32::MAX),
            named: HashMap::new(),
            count: 0,
        }
    }

    /// The scope of this name, or a new one. The first strategy of a scope sets its capacity.
    pub(crate) fn of(
        &mut self,
        name: Option<String>,
        advertised: Option<NonZeroU32>,
    ) -> Arc<Scope> {
        if let Some(scope) = name.as_ref().and_then(|name| self.named.get(name)) {
            return Arc::clone(scope);
        }
        self.count += 1;
        let clock = || Arc::clone(&self.clock);
        let scope = Arc::new(Scope {
            ordinal: self.count,
            limiter: self.settings.limits.map_or_else(OnceLock::new, |limits| {
                RateLimiter::with_clock(limits, clock()).into()
            }),
            clock: clock(),
            pause: PauseWindow::new(self.settings.pause, clock()),
            capacity: Capacity::new(&self.settings, advertised, self.workers),
            told: Mutex::default(),
        });
        if let Some(name) = name {
            self.named.insert(name, Arc::clone(&scope));
        }
        scope
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Covers: AC-CP-2
    #[test]
    fn a_ramp_rises_by_steps_to_the_cap() {
        let number = |number| NonZeroU32::new(number).unwrap();
        let ramp = StartupRamp::new(number(2), number(3), Duration::from_secs(1));
        assert_eq!((ramp.initial.get(), ramp.step.get()), (2, 3));
        assert_eq!(ramp.interval, Duration::from_secs(1));
        let at = |millis| ramp.limit_after(Duration::from_millis(millis), 10);
        assert_eq!(
            [
                at(0),
                at(999),
                at(1_000),
                at(2_500),
                at(3_000),
                at(1_000_000)
            ],
            [2, 2, 5, 8, 10, 10]
        );
    }
}
