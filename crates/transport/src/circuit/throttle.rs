//! Throttling at the client in proportion to what the server accepts. Where a breaker is all or
//! nothing, this lets through about as much as is likely to be accepted.
//!
//! The formula is that of "Handling Overload" in *Site Reliability Engineering* (Beyer, Jones,
//! Petoff, Murphy; O'Reilly 2016).

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::circuit::window::RollingWindow;
use crate::error::Error;
use crate::time::{Clock, Jitter, ThreadRngJitter, TokioClock};

const MULTIPLIER: f64 = 2.0;
const WINDOW: Duration = Duration::from_secs(120);

/// Settings of an [`AdaptiveThrottler`].
///
/// By default the last two minutes count, and requests are turned away when fewer than half of
/// them are accepted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ThrottleConfig {
    multiplier: f64,
    window: Duration,
}

impl Default for ThrottleConfig {
    fn default() -> Self {
        Self {
            multiplier: MULTIPLIER,
            window: WINDOW,
        }
    }
}

impl ThrottleConfig {
    /// Sets how many requests are let through per accepted one; at least 1, 2 by default.
    ///
    /// A larger number lets more doomed requests through, and notices sooner that the server has
    /// recovered.
    pub fn with_multiplier(mut self, multiplier: f64) -> Result<Self, Error> {
        if !multiplier.is_finite() || multiplier < 1.0 {
            return Err(Error::invalid(
                "throttle.multiplier",
                format!("{multiplier} is not a number of at least 1; use for example 2.0"),
            ));
        }
        self.multiplier = multiplier;
        Ok(self)
    }

    /// Sets how far back the counts reach.
    #[must_use]
    pub fn with_window(mut self, window: Duration) -> Self {
        self.window = window;
        self
    }
}

/// Turns requests away at random, the more of them the fewer the server accepts.
///
/// ```
/// use gimmal_transport::circuit::AdaptiveThrottler;
///
/// let throttler = AdaptiveThrottler::default();
/// throttler.try_acquire()?.accepted();
/// assert_eq!(throttler.reject_probability(), 0.0);
/// for _ in 0..5 {
///     // The server says that it is overloaded.
///     throttler.try_acquire().map(|permit| permit.rejected()).ok();
/// }
/// assert!(throttler.reject_probability() > 0.0);
/// # Ok::<(), gimmal_transport::circuit::Throttled>(())
/// ```
///
/// The probability is `max(0, (requests - k * accepts) / (requests + 1))` over the recent past.
/// Requests turned away here count as requests, so the pressure stays on while the server is
/// overloaded; it never reaches 1, so there are always some that find out. A request counts when
/// its outcome is known: counted earlier, a hundred calls that begin together and take a minute
/// each would look like a hundred refusals. Clones share the counts.
#[derive(Clone)]
pub struct AdaptiveThrottler {
    shared: Arc<Shared>,
}

struct Shared {
    config: ThrottleConfig,
    clock: Arc<dyn Clock>,
    jitter: Arc<dyn Jitter>,
    window: Mutex<RollingWindow>,
}

impl Default for AdaptiveThrottler {
    fn default() -> Self {
        let (clock, jitter) = (Arc::new(TokioClock), Arc::new(ThreadRngJitter));
        Self::new(ThrottleConfig::default(), clock, jitter)
    }
}

impl AdaptiveThrottler {
    /// A throttler that has seen nothing yet.
    pub fn new(config: ThrottleConfig, clock: Arc<dyn Clock>, jitter: Arc<dyn Jitter>) -> Self {
        let window = RollingWindow::new(config.window, clock.now());
        Self {
            shared: Arc::new(Shared {
                config,
                clock,
                jitter,
                window: Mutex::new(window),
            }),
        }
    }

    /// Leave to make one request, or the refusal of it.
    pub fn try_acquire(&self) -> Result<ThrottlePermit, Throttled> {
        let chance = self.shared.jitter.fraction();
        self.with_window(|window, now| {
            let probability = self.probability(window, now);
            if chance < probability {
                window.add(now);
                return Err(Throttled { probability });
            }
            Ok(ThrottlePermit {
                throttler: self.clone(),
            })
        })
    }

    /// How likely it is that the next request is turned away, from 0 up to, but not including, 1.
    pub fn reject_probability(&self) -> f64 {
        self.with_window(|window, now| self.probability(window, now))
    }

    fn probability(&self, window: &RollingWindow, now: Instant) -> f64 {
        let (requests, accepts) = window.sums(now);
        reject_probability(requests, accepts, self.shared.config.multiplier)
    }

    fn with_window<T>(&self, use_window: impl FnOnce(&mut RollingWindow, Instant) -> T) -> T {
        let window = self.shared.window.lock();
        let mut window = window.unwrap_or_else(PoisonError::into_inner);
        use_window(&mut window, self.shared.clock.now())
    }
}

impl fmt::Debug for AdaptiveThrottler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdaptiveThrottler")
            .field("config", &self.shared.config)
            .field("reject_probability", &self.reject_probability())
            .finish_non_exhaustive()
    }
}

fn reject_probability(requests: u64, accepts: u64, multiplier: f64) -> f64 {
    // Counts of requests are far below the 2^53 up to which this is exact.
    let (requests, accepts) = (requests as f64, accepts as f64);
    ((requests - multiplier * accepts) / (requests + 1.0)).max(0.0)
}

/// Leave to make one request.
///
/// Dropped unresolved, the request counts as never made.
#[derive(Debug)]
#[must_use = "a permit that is dropped unresolved says nothing about the server"]
pub struct ThrottlePermit {
    throttler: AdaptiveThrottler,
}

impl ThrottlePermit {
    /// The server took the request on, whatever came of it.
    pub fn accepted(self) {
        self.throttler.with_window(|window, now| {
            window.add(now);
            window.mark(now);
        });
    }

    /// The server refused the request because it has too much to do.
    pub fn rejected(self) {
        self.throttler.with_window(RollingWindow::add);
    }
}

/// No request was made, because the server accepts too few at the moment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Throttled {
    probability: f64,
}

impl Throttled {
    /// How likely this refusal was.
    pub fn probability(&self) -> f64 {
        self.probability
    }
}

impl fmt::Display for Throttled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = self.probability * 100.0;
        write!(
            f,
            "throttled: the server refuses too much, so {percent:.0} % is not sent"
        )
    }
}

impl std::error::Error for Throttled {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use test_case::test_case;

    use super::*;
    use crate::manual_clock::ManualClock;
    use crate::time::FixedJitter;

    #[test_case(0, 0, 0.0)]
    #[test_case(10, 10, 0.0)]
    #[test_case(10, 5, 0.0; "half is accepted")]
    #[test_case(9, 0, 0.9; "nothing is accepted")]
    #[test_case(99, 25, 0.49)]
    fn the_formula(requests: u64, accepts: u64, expected: f64) {
        let probability = reject_probability(requests, accepts, 2.0);
        assert!((probability - expected).abs() < 1e-12, "{probability}");
    }

    fn throttler(fraction: f64) -> (AdaptiveThrottler, Arc<ManualClock>) {
        let clock = Arc::new(ManualClock::new());
        let throttler = AdaptiveThrottler::new(
            ThrottleConfig::default(),
            Arc::clone(&clock) as Arc<dyn Clock>,
            Arc::new(FixedJitter::new(fraction)),
        );
        (throttler, clock)
    }

    #[test]
    fn refusals_push_it_up_and_time_brings_it_down() {
        let (throttler, clock) = throttler(0.8);
        for _ in 0..9 {
            throttler.try_acquire().map(ThrottlePermit::rejected).ok();
        }
        let refusal = throttler.try_acquire().unwrap_err();
        assert!((refusal.probability() - 0.9).abs() < 1e-12);
        assert!(
            throttler.reject_probability() > 0.9,
            "the refusal counts as a request"
        );
        clock.advance(WINDOW);
        assert_eq!(throttler.reject_probability(), 0.0);
        throttler.try_acquire().unwrap().accepted();
    }

    #[test]
    fn a_request_that_was_never_made_does_not_count() {
        let (throttler, _) = throttler(0.0);
        drop(throttler.try_acquire().unwrap());
        assert_eq!(throttler.reject_probability(), 0.0);
        throttler.try_acquire().unwrap().rejected();
        assert_eq!(throttler.reject_probability(), 0.5);
    }

    #[test]
    fn requests_under_way_are_no_refusals() {
        let (throttler, _) = throttler(0.0);
        let permits: Vec<_> = (0..100)
            .map_while(|_| throttler.try_acquire().ok())
            .collect();
        assert_eq!(permits.len(), 100);
        permits.into_iter().for_each(ThrottlePermit::accepted);
        assert_eq!(throttler.reject_probability(), 0.0);
    }

    #[test]
    fn a_multiplier_below_one_is_refused() {
        for bad in [0.9, f64::NAN, f64::INFINITY] {
            let error = ThrottleConfig::default().with_multiplier(bad).unwrap_err();
            assert_eq!(error.field(), Some("throttle.multiplier"));
        }
    }

    proptest! {
        #[test]
        fn the_probability_is_one_and_grows_with_refusals(
            accepts in 0_u64..10_000,
            refusals in 0_u64..10_000,
            multiplier in 1.0_f64..4.0,
        ) {
            let requests = accepts + refusals;
            let probability = reject_probability(requests, accepts, multiplier);
            prop_assert!((0.0..1.0).contains(&probability));
            prop_assert!(reject_probability(requests + 1, accepts, multiplier) >= probability);
            prop_assert!(reject_probability(requests + 1, accepts + 1, multiplier) <= probability);
        }
    }
}
