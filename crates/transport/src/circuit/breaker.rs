//! A breaker that many tasks share. While all is well, asking and reporting success read one
//! atomic number each; the lock is for failures, probes and changes of state.

use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::circuit::machine::{Change, Machine};
use crate::circuit::{
    CircuitConfig, CircuitEvent, CircuitObserver, CircuitOpen, CircuitPermit, CircuitState,
};
use crate::time::{Clock, TokioClock};

/// Stops calls to a server that keeps failing, and finds out when it is back.
///
/// ```
/// use std::num::NonZeroU32;
/// use gimmal_transport::circuit::{CircuitBreaker, CircuitConfig, CircuitState};
///
/// let config = CircuitConfig::default().with_failure_threshold(NonZeroU32::MIN);
/// let breaker = CircuitBreaker::builder("api.example.com").with_config(config).build();
///
/// breaker.try_acquire()?.success();
/// breaker.try_acquire()?.failure();
/// assert_eq!(breaker.state(), CircuitState::Open);
/// assert!(breaker.try_acquire().is_err());
/// # Ok::<(), gimmal_transport::circuit::CircuitOpen>(())
/// ```
///
/// A clone shares everything with the original. Results of calls that were let in before the last
/// change of state do not count: a slow failure from before an outage does not end the probing
/// after it.
#[derive(Clone)]
pub struct CircuitBreaker {
    shared: Arc<Shared>,
}

struct Shared {
    name: Arc<str>,
    clock: Arc<dyn Clock>,
    observer: Option<Arc<dyn CircuitObserver>>,
    machine: Mutex<Machine>,
    /// The machine's state for readers without the lock; see [`Glance`].
    glance: AtomicU64,
    /// When an open circuit lets out probes, in nanoseconds since `epoch`.
    reopens_at: AtomicU64,
    epoch: Instant,
}

/// What fits into one atomic number: the state, whether a success would change anything, and the
/// generation.
#[derive(Clone, Copy)]
struct Glance(u64);

impl Glance {
    const STATE: u64 = 0b011;
    const SPOTLESS: u64 = 0b100;

    fn of(machine: &Machine) -> Self {
        let state = match machine.entered() {
            CircuitState::Closed => 0,
            CircuitState::Open => 1,
            CircuitState::HalfOpen => 2,
        };
        let spotless = if machine.is_spotless() {
            Self::SPOTLESS
        } else {
            0
        };
        Self(machine.generation() << 3 | spotless | state)
    }

    fn state(self) -> CircuitState {
        match self.0 & Self::STATE {
            0 => CircuitState::Closed,
            1 => CircuitState::Open,
            _ => CircuitState::HalfOpen,
        }
    }

    fn is_spotless(self) -> bool {
        self.0 & Self::SPOTLESS != 0
    }

    fn generation(self) -> u64 {
        self.0 >> 3
    }
}

impl CircuitBreaker {
    /// A breaker with default settings on tokio's clock.
    pub fn new(name: impl Into<Arc<str>>) -> Self {
        Self::builder(name).build()
    }

    /// Starts building a breaker.
    pub fn builder(name: impl Into<Arc<str>>) -> CircuitBreakerBuilder {
        CircuitBreakerBuilder {
            name: name.into(),
            config: CircuitConfig::default(),
            clock: Arc::new(TokioClock),
            observer: None,
        }
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// The state now; an open circuit whose time is up counts as half open.
    pub fn state(&self) -> CircuitState {
        let glance = self.glance();
        match glance.state() {
            CircuitState::Open if self.left_open().is_zero() => CircuitState::HalfOpen,
            state => state,
        }
    }

    /// Failures in a row while the circuit is closed.
    pub fn failures(&self) -> u32 {
        self.lock(|machine, _| machine.failures())
    }

    /// Whether a call would go through now. A place among the probes is not taken.
    pub fn allows_request(&self) -> bool {
        match self.glance().state() {
            CircuitState::Closed => true,
            CircuitState::Open if !self.left_open().is_zero() => false,
            CircuitState::Open | CircuitState::HalfOpen => {
                self.lock(|machine, now| machine.admits(now))
            }
        }
    }

    /// Leave to make one call, at once or not at all.
    pub fn try_acquire(&self) -> Result<CircuitPermit, CircuitOpen> {
        let glance = self.glance();
        match glance.state() {
            CircuitState::Closed => Ok(CircuitPermit::new(self.clone(), glance.generation())),
            state => {
                if state == CircuitState::Open {
                    let left = self.left_open();
                    if !left.is_zero() {
                        return Err(self.refusal(Some(left)));
                    }
                }
                let (admitted, generation) =
                    self.update(|machine, now| (machine.admit(now), machine.generation()));
                match admitted {
                    Ok(change) => {
                        // Built first: an observer that panics must not cost the probe its place.
                        let permit = CircuitPermit::new(self.clone(), generation);
                        self.announce(change);
                        Ok(permit)
                    }
                    Err(retry_after) => Err(self.refusal(retry_after)),
                }
            }
        }
    }

    /// Makes one call; `Ok` from it is a success and `Err` a failure.
    ///
    /// ```
    /// use gimmal_transport::circuit::CircuitBreaker;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), gimmal_transport::circuit::CircuitOpen> {
    /// let breaker = CircuitBreaker::new("api.example.com");
    /// let result: Result<u32, String> = breaker.call(async { Ok(7) }).await?;
    /// assert_eq!(result, Ok(7));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// The future is not polled when the circuit is open. One that panics or is dropped before it
    /// is ready counts as a failure; use [`try_acquire`](Self::try_acquire) where giving up says
    /// nothing about the server.
    pub async fn call<T, E>(
        &self,
        call: impl Future<Output = Result<T, E>>,
    ) -> Result<Result<T, E>, CircuitOpen> {
        self.call_judged(call, Result::is_ok).await
    }

    /// Makes one call whose result `is_success` judges, under the rules of [`call`](Self::call).
    pub async fn call_judged<T>(
        &self,
        call: impl Future<Output = T>,
        is_success: impl FnOnce(&T) -> bool,
    ) -> Result<T, CircuitOpen> {
        let mut guard = FailUnlessJudged(Some(self.try_acquire()?));
        let result = call.await;
        if is_success(&result)
            && let Some(permit) = guard.0.take()
        {
            permit.success();
        }
        Ok(result)
    }

    /// Closes the circuit and forgets all failures.
    pub fn reset(&self) {
        let change = self.update(|machine, now| machine.reset(now));
        self.announce(change);
    }

    pub(super) fn succeed(&self, generation: u64) {
        let glance = self.glance();
        if glance.is_spotless() && glance.generation() == generation {
            return;
        }
        let change = self.update(|machine, now| machine.succeed(generation, now));
        self.announce(change);
    }

    pub(super) fn fail(&self, generation: u64) {
        let change = self.update(|machine, now| machine.fail(generation, now));
        self.announce(change);
    }

    pub(super) fn abandon(&self, generation: u64) {
        // Only probes hold places.
        if self.glance().state() == CircuitState::HalfOpen {
            self.update(|machine, _| machine.abandon(generation));
        }
    }

    pub(super) fn generation(&self) -> u64 {
        self.glance().generation()
    }

    fn glance(&self) -> Glance {
        Glance(self.shared.glance.load(Ordering::Acquire))
    }

    /// How long the circuit stays open, given that it is.
    fn left_open(&self) -> Duration {
        let shared = &*self.shared;
        let now = nanos_since(shared.epoch, shared.clock.now());
        let reopens_at = shared.reopens_at.load(Ordering::Relaxed);
        Duration::from_nanos(reopens_at.saturating_sub(now))
    }

    fn refusal(&self, retry_after: Option<Duration>) -> CircuitOpen {
        CircuitOpen::new(Arc::clone(&self.shared.name), retry_after)
    }

    fn lock<T>(&self, read: impl FnOnce(&mut Machine, Instant) -> T) -> T {
        let machine = self.shared.machine.lock();
        // No code of others runs under the lock, so a poisoned one is still consistent.
        let mut machine = machine.unwrap_or_else(PoisonError::into_inner);
        read(&mut machine, self.shared.clock.now())
    }

    /// Changes the machine and publishes what readers without the lock see of it.
    fn update<T>(&self, change: impl FnOnce(&mut Machine, Instant) -> T) -> T {
        let shared = &*self.shared;
        self.lock(|machine, now| {
            let result = change(machine, now);
            let reopens_at = machine.reopens_at();
            let reopens_at = reopens_at.map_or(u64::MAX, |at| nanos_since(shared.epoch, at));
            shared.reopens_at.store(reopens_at, Ordering::Relaxed);
            // Whoever sees the new state also sees the time that belongs to it.
            shared
                .glance
                .store(Glance::of(machine).0, Ordering::Release);
            result
        })
    }

    fn announce(&self, change: Option<Change>) {
        let Some(change) = change else {
            return;
        };
        let shared = &*self.shared;
        tracing::debug!(circuit = %shared.name, from = %change.from, to = %change.to, "circuit changed");
        if let Some(observer) = &shared.observer {
            observer.state_changed(&CircuitEvent {
                name: Arc::clone(&shared.name),
                from: change.from,
                to: change.to,
                at: shared.clock.now(),
                generation: change.generation,
            });
        }
    }
}

impl fmt::Debug for CircuitBreaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircuitBreaker")
            .field("name", &self.name())
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

/// Sets up a [`CircuitBreaker`].
#[derive(Debug)]
#[must_use = "a builder does nothing until `build` is called"]
pub struct CircuitBreakerBuilder {
    name: Arc<str>,
    config: CircuitConfig,
    clock: Arc<dyn Clock>,
    observer: Option<Arc<dyn CircuitObserver>>,
}

impl CircuitBreakerBuilder {
    /// Sets when the circuit opens and how it closes.
    pub fn with_config(mut self, config: CircuitConfig) -> Self {
        self.config = config;
        self
    }

    /// Takes time from `clock`.
    pub fn with_clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    /// Tells `observer` about each change of state.
    pub fn with_observer(mut self, observer: Arc<dyn CircuitObserver>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// Builds the breaker, closed.
    pub fn build(self) -> CircuitBreaker {
        let epoch = self.clock.now();
        let machine = Machine::new(self.config, epoch);
        CircuitBreaker {
            shared: Arc::new(Shared {
                name: self.name,
                clock: self.clock,
                observer: self.observer,
                glance: AtomicU64::new(Glance::of(&machine).0),
                reopens_at: AtomicU64::new(u64::MAX),
                machine: Mutex::new(machine),
                epoch,
            }),
        }
    }
}

/// Reports a failure unless the permit was taken out and resolved.
struct FailUnlessJudged(Option<CircuitPermit>);

impl Drop for FailUnlessJudged {
    fn drop(&mut self) {
        if let Some(permit) = self.0.take() {
            permit.failure();
        }
    }
}

fn nanos_since(epoch: Instant, at: Instant) -> u64 {
    let nanos = at.saturating_duration_since(epoch).as_nanos();
    u64::try_from(nanos).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use futures_util::FutureExt;

    use super::*;
    use crate::manual_clock::ManualClock;

    const RESET: Duration = Duration::from_secs(30);

    #[derive(Debug, Default)]
    struct Log(Mutex<Vec<(CircuitState, CircuitState)>>);

    impl CircuitObserver for Log {
        fn state_changed(&self, event: &CircuitEvent) {
            self.0.lock().unwrap().push((event.from, event.to));
        }
    }

    struct Fixture {
        breaker: CircuitBreaker,
        clock: Arc<ManualClock>,
        log: Arc<Log>,
    }

    fn fixture(threshold: u32, probes: u32) -> Fixture {
        let config = CircuitConfig::default()
            .with_failure_threshold(NonZeroU32::new(threshold).unwrap())
            .with_half_open_probes(NonZeroU32::new(probes).unwrap());
        let (clock, log) = (Arc::new(ManualClock::new()), Arc::new(Log::default()));
        let breaker = CircuitBreaker::builder("host")
            .with_config(config)
            .with_clock(Arc::clone(&clock) as Arc<dyn Clock>)
            .with_observer(Arc::clone(&log) as Arc<dyn CircuitObserver>)
            .build();
        Fixture {
            breaker,
            clock,
            log,
        }
    }

    async fn call(breaker: &CircuitBreaker, result: Result<(), ()>) -> Result<(), CircuitOpen> {
        breaker.call(async { result }).await.map(|_| ())
    }

    #[tokio::test]
    async fn chk_cb_1_an_open_circuit_does_not_run_the_call() {
        let Fixture {
            breaker,
            clock,
            log,
        } = fixture(3, 1);
        for ok in [false, false, true, false, false, false] {
            assert_eq!(breaker.state(), CircuitState::Closed);
            call(&breaker, if ok { Ok(()) } else { Err(()) })
                .await
                .unwrap();
        }
        assert_eq!(breaker.state(), CircuitState::Open);
        clock.advance(RESET - Duration::from_millis(1));
        let untouched: Result<Result<(), ()>, _> = breaker.call(async { unreachable!() }).await;
        let refusal = untouched.unwrap_err();
        assert_eq!(refusal.retry_after(), Some(Duration::from_millis(1)));
        assert_eq!(
            refusal.to_string(),
            "circuit `host` is open after repeated failures, next probe in 1ms"
        );

        clock.advance(Duration::from_millis(1));
        assert_eq!(breaker.state(), CircuitState::HalfOpen);
        call(&breaker, Err(())).await.unwrap();
        assert_eq!(breaker.state(), CircuitState::Open);
        clock.advance(RESET);
        call(&breaker, Ok(())).await.unwrap();
        assert_eq!(
            (breaker.state(), breaker.failures()),
            (CircuitState::Closed, 0)
        );

        let (closed, open) = (CircuitState::Closed, CircuitState::Open);
        let half_open = CircuitState::HalfOpen;
        let expected = [
            (closed, open),
            (open, half_open),
            (half_open, open),
            (open, half_open),
            (half_open, closed),
        ];
        assert_eq!(*log.0.lock().unwrap(), expected);
    }

    #[test]
    fn places_of_probes_are_taken_before_the_call_and_given_back_on_drop() {
        let Fixture { breaker, clock, .. } = fixture(1, 2);
        breaker.try_acquire().unwrap().failure();
        clock.advance(RESET);
        assert!(breaker.allows_request());
        let (first, second) = (
            breaker.try_acquire().unwrap(),
            breaker.try_acquire().unwrap(),
        );
        assert!(!breaker.allows_request());
        let refusal = breaker.try_acquire().unwrap_err();
        assert_eq!(refusal.retry_after(), None);
        drop(first);
        let third = breaker.try_acquire().unwrap();
        second.success();
        assert_eq!(breaker.state(), CircuitState::Closed);
        third.failure();
        assert_eq!(breaker.failures(), 0, "the probing is over");
    }

    #[tokio::test]
    async fn a_call_that_panics_or_is_dropped_is_a_failure() {
        let Fixture { breaker, .. } = fixture(2, 1);
        let pending = breaker.call(std::future::pending::<Result<(), ()>>());
        assert!(pending.now_or_never().is_none());
        assert_eq!(breaker.failures(), 1);
        let panicking = {
            let breaker = breaker.clone();
            tokio::spawn(async move {
                let call: Result<Result<(), ()>, _> =
                    breaker.call(async { panic!("on purpose") }).await;
                call.is_ok()
            })
        };
        assert!(panicking.await.unwrap_err().is_panic());
        assert_eq!(breaker.state(), CircuitState::Open);
    }

    #[tokio::test]
    async fn the_caller_may_judge() {
        let Fixture { breaker, .. } = fixture(1, 1);
        let status = breaker.call_judged(async { 503 }, |status| *status < 500);
        assert_eq!(status.await, Ok(503));
        assert_eq!(breaker.state(), CircuitState::Open);
        breaker.reset();
        assert_eq!(breaker.state(), CircuitState::Closed);
        breaker.reset();
    }

    #[test]
    fn a_reset_timeout_beyond_all_time_keeps_it_open() {
        let config = CircuitConfig::default()
            .with_failure_threshold(NonZeroU32::MIN)
            .with_reset_timeout(Duration::MAX);
        let breaker = CircuitBreaker::builder("host").with_config(config).build();
        breaker.try_acquire().unwrap().failure();
        assert_eq!(breaker.state(), CircuitState::Open);
        assert!(breaker.try_acquire().is_err());
    }

    #[test]
    fn threads_lose_no_failure_and_take_no_place_twice() {
        let Fixture { breaker, clock, .. } = fixture(64, 3);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..8 {
                        breaker.try_acquire().unwrap().failure();
                    }
                });
            }
        });
        assert_eq!(breaker.state(), CircuitState::Open);
        clock.advance(RESET);
        let permits = Mutex::new(Vec::new());
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| permits.lock().unwrap().extend(breaker.try_acquire()));
            }
        });
        assert_eq!(permits.into_inner().unwrap().len(), 3);
    }
}
