//! The pause that all callers of one account make together when the server says "too many
//! requests", because forty separate discoveries of one limit are thirty-nine too many.

use std::fmt;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::select;
use tokio::sync::Notify;

use crate::error::Error;
use crate::rate_limit::{PauseWindows, SlowStart};
use crate::scope::Scope;
use crate::semaphore::{Gate, Rule};
use crate::time::Clock;

const FIRST: Duration = Duration::from_secs(1);
const GROWTH: f64 = 1.5;
const LONGEST: Duration = Duration::from_secs(600);

/// Settings of a [`PauseWindow`].
///
/// ```
/// use std::time::Duration;
/// use gimmal_transport::rate_limit::{PauseConfig, SlowStart};
///
/// let config = PauseConfig::default()
///     .with_first(Duration::from_secs(5))
///     .with_slow_start(SlowStart::default());
/// assert_eq!(config.longest(), Duration::from_secs(600));
/// ```
///
/// By default a pause takes 1 s when the server does not say how long, half as long again for each
/// further pause without a success in between, and 600 s at most. Afterwards all go at once.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PauseConfig {
    first: Duration,
    growth: f64,
    longest: Duration,
    slow_start: Option<SlowStart>,
}

impl Default for PauseConfig {
    fn default() -> Self {
        Self {
            first: FIRST,
            growth: GROWTH,
            longest: LONGEST,
            slow_start: None,
        }
    }
}

impl PauseConfig {
    /// Sets the first pause, for servers that do not say how long to wait.
    #[must_use]
    pub fn with_first(mut self, first: Duration) -> Self {
        self.first = first;
        self
    }

    /// Sets by how much each further pause is longer; at least 1.
    pub fn with_growth(mut self, growth: f64) -> Result<Self, Error> {
        if !growth.is_finite() || growth < 1.0 {
            return Err(Error::invalid(
                "pause.growth",
                format!("{growth} is not a number of at least 1; use for example 1.5"),
            ));
        }
        self.growth = growth;
        Ok(self)
    }

    /// Sets the longest pause that a report can cause, whatever the server asks for.
    #[must_use]
    pub fn with_longest(mut self, longest: Duration) -> Self {
        self.longest = longest;
        self
    }

    /// Lets calls set off one after the other when a pause is over.
    #[must_use]
    pub fn with_slow_start(mut self, slow_start: SlowStart) -> Self {
        self.slow_start = Some(slow_start);
        self
    }

    /// The longest pause that a report can cause.
    pub fn longest(&self) -> Duration {
        // A first pause beyond the longest is meant as it was set.
        self.longest.max(self.first)
    }

    /// The pause that the client itself thinks fit, the first time and after `before` others.
    fn own_length(&self, before: u32) -> Duration {
        let before = i32::try_from(before).unwrap_or(i32::MAX);
        let seconds = self.first.as_secs_f64() * self.growth.powi(before);
        // The comparison comes before the conversion, which cannot hold large numbers.
        if seconds < self.longest().as_secs_f64() {
            Duration::from_secs_f64(seconds)
        } else {
            self.longest()
        }
    }
}

/// Which pause a call has seen last; see [`PauseWindow::generation`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PauseGeneration(u64);

/// Whether calls pause at the moment, shared by all who talk to one account at one server.
///
/// ```
/// use std::time::Duration;
/// use gimmal_transport::rate_limit::PauseWindow;
/// use gimmal_transport::{Origin, Scope};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), gimmal_transport::Error> {
/// let scope = Scope::new(Origin::parse("https://api.example.com")?, Some(&"key".into()));
/// let window = PauseWindow::shared(&scope);
///
/// let seen = window.enter().await;
/// // The server answers 429 and asks for 7 s.
/// window.report(seen, Some(Duration::from_secs(7)));
/// assert_eq!(PauseWindow::shared(&scope).remaining(), Duration::from_secs(7));
/// window.enter().await; // Seven seconds later, and the gap of the slow start.
/// # Ok(())
/// # }
/// ```
///
/// A pause may be extended but is never shortened, except by [`clear`](Self::clear). Clones share
/// it.
#[derive(Clone)]
pub struct PauseWindow {
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Shared {
    config: PauseConfig,
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
    /// The generation of the state, for those who need nothing else and then take no lock.
    generation: AtomicU64,
    /// One place: whoever holds it is the next to set off.
    head: Arc<Gate>,
    /// Tells the head that the pause was lifted.
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    /// When the last pause ends or ended.
    until: Option<Instant>,
    generation: u64,
    /// Pauses since the last success.
    consecutive: u32,
    ramp: Option<Ramp>,
}

/// How far the slow start after the last pause has come.
#[derive(Clone, Copy, Debug)]
struct Ramp {
    starts: u32,
    last_start: Instant,
}

/// What the one at the head of the line does next.
enum Next {
    Go(PauseGeneration),
    Wait(Duration),
    TooLong(Duration),
}

impl Shared {
    pub(super) fn new(config: PauseConfig, clock: Arc<dyn Clock>) -> Self {
        Self {
            config,
            clock,
            state: Mutex::default(),
            generation: AtomicU64::new(0),
            head: Arc::new(Gate::new(Rule::Whole, 1)),
            changed: Notify::new(),
        }
    }
}

impl State {
    fn remaining(&self, now: Instant) -> Duration {
        let until = self.until;
        until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now))
    }

    /// Begins a new pause.
    fn begin(&mut self, config: &PauseConfig, until: Instant) {
        self.generation += 1;
        self.extend(until);
        self.ramp = config.slow_start.map(|_| Ramp {
            starts: 0,
            last_start: until,
        });
    }

    /// Extends the pause, unless it already lasts as long.
    fn extend(&mut self, until: Instant) {
        self.until = self.until.max(Some(until));
    }

    /// How long the next call has to wait that has been first in line since `in_line_since`.
    fn wait(&self, config: &PauseConfig, in_line_since: Instant, now: Instant) -> Duration {
        let paused = self.remaining(now);
        if !paused.is_zero() {
            return paused;
        }
        let Some((ramp, gap)) = self.next_gap(config) else {
            return Duration::ZERO;
        };
        let from = self.until.unwrap_or(in_line_since).max(in_line_since);
        let due = from.max(ramp.last_start).checked_add(gap);
        due.map_or(Duration::ZERO, |due| due.saturating_duration_since(now))
    }

    fn next_gap(&self, config: &PauseConfig) -> Option<(Ramp, Duration)> {
        let ramp = self.ramp?;
        Some((ramp, config.slow_start?.gap(ramp.starts)?))
    }

    /// Takes note that a call sets off.
    fn set_off(&mut self, config: &PauseConfig, now: Instant) {
        self.ramp = self.next_gap(config).map(|(ramp, _)| Ramp {
            starts: ramp.starts + 1,
            last_start: now,
        });
    }
}

impl PauseWindow {
    /// A window of its own, open, that takes time from `clock`.
    pub fn new(config: PauseConfig, clock: Arc<dyn Clock>) -> Self {
        Self {
            shared: Arc::new(Shared::new(config, clock)),
        }
    }

    /// The window that all of this process share for one account at one server.
    ///
    /// It has default settings, a default slow start among them, and follows tokio's clock. It
    /// exists for as long as somebody holds it. Use [`PauseWindows`] for other settings or for
    /// tests.
    pub fn shared(scope: &Scope) -> Self {
        PauseWindows::of_process().window(scope)
    }

    /// Waits until the pause is over, and for this call's turn in a slow start.
    ///
    /// Returns the generation to report a refusal with. Dropping the future takes no turn.
    pub async fn enter(&self) -> PauseGeneration {
        loop {
            if let Ok(generation) = self.enter_within(Duration::MAX).await {
                return generation;
            }
        }
    }

    /// Waits as [`enter`](Self::enter) does, unless the pause lasts longer than `longest`.
    ///
    /// How long it still lasts is the error. A pause may turn out too long during the wait, when
    /// it is extended.
    pub async fn enter_within(&self, longest: Duration) -> Result<PauseGeneration, Duration> {
        let shared = &*self.shared;
        if !self.was_ever_paused() {
            return Ok(PauseGeneration::default());
        }
        let (remaining, open) = self.state(|state, now| {
            let remaining = state.remaining(now);
            let open = remaining.is_zero() && state.next_gap(&shared.config).is_none();
            (remaining, open.then_some(PauseGeneration(state.generation)))
        });
        if let Some(generation) = open {
            return Ok(generation);
        }
        if remaining > longest {
            return Err(remaining);
        }
        let _head = shared.head.acquire(1, None).await;
        let in_line_since = shared.clock.now();
        loop {
            let next = self.state(|state, now| {
                let remaining = state.remaining(now);
                if remaining > longest {
                    return Next::TooLong(remaining);
                }
                let wait = state.wait(&shared.config, in_line_since, now);
                if !wait.is_zero() {
                    return Next::Wait(wait);
                }
                state.set_off(&shared.config, now);
                Next::Go(PauseGeneration(state.generation))
            });
            match next {
                Next::Go(generation) => return Ok(generation),
                Next::TooLong(remaining) => return Err(remaining),
                Next::Wait(wait) => {
                    let changed = pin!(shared.changed.notified());
                    // After the sleep it looks again: the pause may have been extended.
                    select(shared.clock.sleep(wait), changed).await;
                }
            }
        }
    }

    /// Takes note that the server refused a call that entered at `seen` for being one too many,
    /// and asks for `hint`. Returns true when a new pause begins.
    ///
    /// The pause is the larger of the hint and of the client's own measure, within
    /// [`PauseConfig::longest`]. While a pause is on, a refusal begins no other; its hint extends
    /// the pause if it ends later. A refusal from before the last pause is ignored when that pause
    /// is over: it says what everybody knew.
    pub fn report(&self, seen: PauseGeneration, hint: Option<Duration>) -> bool {
        let config = &self.shared.config;
        let hint = hint.map(|hint| hint.min(config.longest()));
        let begun = self.state(|state, now| {
            let at = |length| now.checked_add(length).unwrap_or(now);
            if !state.remaining(now).is_zero() {
                if let Some(hint) = hint {
                    state.extend(at(hint));
                }
                return None;
            }
            if seen.0 < state.generation {
                return None;
            }
            let own = config.own_length(state.consecutive);
            let length = own.max(hint.unwrap_or_default());
            state.consecutive = state.consecutive.saturating_add(1);
            state.begin(config, at(length));
            Some(length)
        });
        if let Some(length) = begun {
            tracing::debug!(pause_seconds = length.as_secs_f64(), "calls pause");
        }
        begun.is_some()
    }

    /// Takes note that a call succeeded: the next pause is a first one again.
    pub fn succeeded(&self) {
        if self.was_ever_paused() {
            self.lock().consecutive = 0;
        }
    }

    /// Pauses for `length` from now, unless a longer pause is on.
    ///
    /// Unlike a report this is not limited to [`PauseConfig::longest`].
    pub fn pause_for(&self, length: Duration) {
        self.state(|state, now| {
            let Some(until) = now.checked_add(length) else {
                return;
            };
            if state.remaining(now).is_zero() {
                state.begin(&self.shared.config, until);
            } else {
                state.extend(until);
            }
        });
    }

    /// Ends the pause and the slow start.
    pub fn clear(&self) {
        self.state(|state, _| {
            state.until = None;
            state.ramp = None;
        });
        self.shared.changed.notify_one();
    }

    /// How long the pause still lasts; zero when there is none.
    pub fn remaining(&self) -> Duration {
        self.state(|state, now| state.remaining(now))
    }

    /// Whether calls pause now.
    pub fn is_paused(&self) -> bool {
        !self.remaining().is_zero()
    }

    /// Whether calls pause now or did so less than `within` ago.
    pub fn is_recent(&self, within: Duration) -> bool {
        self.state(|state, now| {
            let until = state.until;
            until.is_some_and(|until| now.saturating_duration_since(until) < within)
        })
    }

    /// The number of pauses so far, as a mark: a refusal of a call that was sent before the last
    /// pause is known by it.
    pub fn generation(&self) -> PauseGeneration {
        PauseGeneration(self.shared.generation.load(Ordering::Acquire))
    }

    /// The common case is that it was not, and then there is nothing to look at.
    fn was_ever_paused(&self) -> bool {
        self.generation() != PauseGeneration::default()
    }

    fn state<T>(&self, use_state: impl FnOnce(&mut State, Instant) -> T) -> T {
        let mut state = self.lock();
        let used = use_state(&mut state, self.shared.clock.now());
        self.shared
            .generation
            .store(state.generation, Ordering::Release);
        used
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        let state = self.shared.state.lock();
        // No code of others runs under the lock, so a poisoned one is still consistent.
        state.unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for PauseWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PauseWindow")
            .field("remaining", &self.remaining())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::{join_all, poll_immediate};
    use proptest::prelude::*;
    use test_case::test_case;

    use super::*;
    use crate::manual_clock::ManualClock;
    use crate::scope::Origin;
    use crate::time::TokioClock;

    const SECOND: Duration = Duration::from_secs(1);

    fn scope(address: &str, key: &str) -> Scope {
        Scope::new(Origin::parse(address).unwrap(), Some(&key.into()))
    }

    fn window(config: PauseConfig) -> PauseWindow {
        PauseWindow::new(config, Arc::new(TokioClock))
    }

    /// Runs what has to wait under a limit on the paused clock.
    async fn limited<F: Future>(future: F) -> F::Output {
        let day = 24 * 3_600 * SECOND;
        tokio::time::timeout(day, future).await.expect("it hangs")
    }

    #[tokio::test(start_paused = true)]
    async fn chk_rl_1_one_window_per_server_and_key() {
        let windows = PauseWindows::new(PauseConfig::default(), Arc::new(TokioClock));
        let one = windows.window(&scope("https://EXAMPLE.com:443", "a"));
        let same = windows.window(&scope("https://example.com", "a"));
        let other = windows.window(&scope("https://example.com", "b"));
        one.pause_for(Duration::from_millis(120));
        assert!(same.is_paused() && !other.is_paused());
        let start = TokioClock.now();
        limited(same.enter()).await;
        assert!(TokioClock.now() - start >= Duration::from_millis(120));

        one.pause_for(SECOND);
        same.clear();
        let start = TokioClock.now();
        limited(one.enter()).await;
        assert_eq!(TokioClock.now(), start);
    }

    #[test]
    fn chk_rl_1_a_hundred_threads_make_one_window() {
        let windows = PauseWindows::new(PauseConfig::default(), Arc::new(TokioClock));
        let made = Mutex::new(Vec::new());
        std::thread::scope(|threads| {
            for _ in 0..100 {
                threads.spawn(|| {
                    let window = windows.window(&scope("https://example.com", "a"));
                    made.lock().unwrap().push(window);
                });
            }
        });
        let made = made.into_inner().unwrap();
        assert_eq!(made.len(), 100);
        assert!(
            made.iter()
                .all(|it| Arc::ptr_eq(&it.shared, &made[0].shared))
        );
    }

    #[tokio::test(start_paused = true)]
    async fn chk_rl_1_who_waits_looks_again_when_the_pause_grows() {
        let window = window(PauseConfig::default());
        window.pause_for(2 * SECOND);
        let start = TokioClock.now();
        let mut entering = Box::pin(window.enter());
        assert!(poll_immediate(&mut entering).await.is_none());
        window.pause_for(5 * SECOND);
        window.pause_for(SECOND);
        limited(entering).await;
        assert_eq!(
            TokioClock.now() - start,
            5 * SECOND,
            "extended and not shortened"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn who_cannot_wait_that_long_is_told_how_long() {
        let window = window(PauseConfig::default());
        window.pause_for(5 * SECOND);
        assert_eq!(window.enter_within(4 * SECOND).await, Err(5 * SECOND));
        let mut entering = Box::pin(window.enter_within(6 * SECOND));
        assert!(poll_immediate(&mut entering).await.is_none());
        window.pause_for(20 * SECOND);
        let start = TokioClock.now();
        assert_eq!(limited(entering).await, Err(15 * SECOND));
        assert_eq!(TokioClock.now() - start, 5 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn fifty_refusals_are_one_pause() {
        let config = PauseConfig::default().with_first(300 * SECOND);
        let window = window(config);
        let seen = window.enter().await;
        let begun = (0..50).filter(|_| window.report(seen, None)).count();
        assert_eq!((begun, window.remaining()), (1, 300 * SECOND));
        let start = TokioClock.now();
        limited(join_all((0..50).map(|_| window.enter()))).await;
        assert_eq!(TokioClock.now() - start, 300 * SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn a_refusal_from_before_the_last_pause_begins_no_other() {
        let window = window(PauseConfig::default());
        let seen = window.enter().await;
        assert!(window.report(seen, None));
        let now = limited(window.enter()).await;
        assert!(now > seen);
        assert!(!window.report(seen, Some(60 * SECOND)));
        assert!(!window.is_paused());
        assert!(window.report(now, None));
        assert_eq!(window.remaining(), Duration::from_millis(1_500));
    }

    #[test_case(Some(500), 500; "the server asks for more")]
    #[test_case(Some(100), 300; "the server asks for less")]
    #[test_case(Some(10_000), 600; "the server asks for too much")]
    #[test_case(None, 300; "the server does not say")]
    fn hints(hint: Option<u64>, expected: u64) {
        let clock = Arc::new(ManualClock::new());
        let config = PauseConfig::default().with_first(300 * SECOND);
        let window = PauseWindow::new(config, clock);
        window.report(window.generation(), hint.map(Duration::from_secs));
        assert_eq!(window.remaining(), Duration::from_secs(expected));
    }

    #[test_case(1, 20; "what the server asks for is cut")]
    #[test_case(30, 30; "a first pause is meant as it was set")]
    fn the_longest_pause(first: u32, expected: u32) {
        let config = PauseConfig::default()
            .with_first(first * SECOND)
            .with_longest(20 * SECOND);
        let window = PauseWindow::new(config, Arc::new(ManualClock::new()));
        window.report(window.generation(), Some(500 * SECOND));
        assert_eq!(window.remaining(), expected * SECOND);
    }

    #[test]
    fn pauses_grow_until_a_success() {
        let clock = Arc::new(ManualClock::new());
        let config = PauseConfig::default().with_first(300 * SECOND);
        let window = PauseWindow::new(config, Arc::clone(&clock) as Arc<dyn Clock>);
        for expected in [300, 450, 600, 600] {
            assert!(window.report(window.generation(), None));
            assert_eq!(window.remaining(), Duration::from_secs(expected));
            clock.advance(window.remaining());
        }
        window.succeeded();
        window.report(window.generation(), None);
        assert_eq!(window.remaining(), 300 * SECOND);
    }

    #[test]
    fn a_longer_hint_extends_a_pause_that_is_on() {
        let clock = Arc::new(ManualClock::new());
        let window = PauseWindow::new(PauseConfig::default(), Arc::clone(&clock) as Arc<dyn Clock>);
        let seen = window.generation();
        assert!(window.report(seen, Some(10 * SECOND)));
        clock.advance(4 * SECOND);
        assert!(!window.report(seen, Some(5 * SECOND)));
        assert_eq!(window.remaining(), 6 * SECOND);
        assert!(!window.report(seen, Some(8 * SECOND)));
        assert_eq!(window.remaining(), 8 * SECOND);
    }

    #[test]
    fn a_pause_stays_recent_for_a_while() {
        let clock = Arc::new(ManualClock::new());
        let window = PauseWindow::new(PauseConfig::default(), Arc::clone(&clock) as Arc<dyn Clock>);
        assert!(!window.is_recent(10 * SECOND));
        window.pause_for(Duration::ZERO);
        assert!(window.is_recent(10 * SECOND) && !window.is_paused());
        clock.advance(10 * SECOND - Duration::from_millis(1));
        assert!(window.is_recent(10 * SECOND));
        clock.advance(Duration::from_millis(2));
        assert!(!window.is_recent(10 * SECOND));
    }

    #[tokio::test(start_paused = true)]
    async fn two_hundred_set_off_one_after_the_other() {
        let ramp = SlowStart::default();
        let window = window(PauseConfig::default().with_slow_start(ramp));
        assert_eq!(
            window.enter().await,
            PauseGeneration(0),
            "no ramp before a pause"
        );
        window.pause_for(10 * SECOND);
        let resumed = TokioClock.now() + 10 * SECOND;
        let starts = join_all((0..200).map(|_| async {
            window.enter().await;
            TokioClock.now() - resumed
        }));
        let mut starts = limited(starts).await;
        starts.sort();
        let mut due = Duration::ZERO;
        for (start, gap) in starts.iter().zip((0..).map_while(|n| ramp.gap(n))) {
            due += gap;
            assert!(*start >= due, "{start:?} is before {due:?}");
            assert!(
                *start <= due + Duration::from_millis(60),
                "{start:?} is long after {due:?}"
            );
        }
        assert!(starts[199] < due + SECOND, "after the ramp all go");
    }

    #[tokio::test(start_paused = true)]
    async fn who_gives_up_takes_no_turn() {
        let ramp = SlowStart::new(2, 4 * SECOND, 4 * SECOND).unwrap();
        let window = window(PauseConfig::default().with_slow_start(ramp));
        window.pause_for(SECOND);
        let start = TokioClock.now();
        let mut abandoned = Box::pin(window.enter());
        assert!(poll_immediate(&mut abandoned).await.is_none());
        drop(abandoned);
        limited(window.enter()).await;
        assert_eq!(TokioClock.now() - start, 5 * SECOND);
        limited(window.enter()).await;
        limited(window.enter()).await;
        assert_eq!(TokioClock.now() - start, 9 * SECOND, "two gaps, then none");
    }

    #[test]
    fn a_growth_below_one_is_refused() {
        let error = PauseConfig::default().with_growth(0.5).unwrap_err();
        assert_eq!(error.field(), Some("pause.growth"));
    }

    proptest! {
        /// Whatever is reported, a pause that is on never ends earlier than it was to.
        #[test]
        fn a_pause_never_shrinks(
            steps in prop::collection::vec((0_u64..20, any::<bool>(), prop::option::of(0_u64..40)), 1..60),
        ) {
            let clock = Arc::new(ManualClock::new());
            let window = PauseWindow::new(PauseConfig::default(), Arc::clone(&clock) as Arc<dyn Clock>);
            for (gap, current, hint) in steps {
                clock.advance(Duration::from_secs(gap));
                let (before, generation) = (window.remaining(), window.generation());
                let seen = if current { generation } else { PauseGeneration(0) };
                let begun = window.report(seen, hint.map(Duration::from_secs));
                prop_assert!(window.remaining() >= before);
                prop_assert_eq!(begun, window.generation() > generation);
                prop_assert!(!begun || before.is_zero());
            }
        }
    }
}
