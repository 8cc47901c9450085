//! A limit on calls in flight that finds its own value: up while all goes well, halved when the
//! server has too much to do. It learns from verdicts only; it knows no statuses.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Error;
use crate::semaphore::{Gate, Grant, Rule};

const MIN: u32 = 4;
const INITIAL: u32 = 20;
const MAX: NonZeroU32 = NonZeroU32::new(100).unwrap();
const DECREASE: f64 = 0.5;

/// Settings of an [`AdaptiveConcurrency`].
///
/// ```
/// use std::num::NonZeroU32;
/// use gimmal_transport::rate_limit::AdaptiveConfig;
///
/// # fn main() -> Result<(), gimmal_transport::Error> {
/// let number = |number| NonZeroU32::new(number).unwrap();
/// let config = AdaptiveConfig::up_to(number(50)).with_initial(number(8))?;
/// assert_eq!((config.min(), config.initial(), config.max()), (4, 8, 50));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdaptiveConfig {
    min: u32,
    initial: u32,
    max: u32,
    decrease: f64,
}

impl Default for AdaptiveConfig {
    fn default() -> Self {
        Self::up_to(MAX)
    }
}

impl AdaptiveConfig {
    /// At most `max` calls in flight, at least 4 and at first 20, or `max` if that is less;
    /// halved on congestion. The default maximum is 100.
    pub fn up_to(max: NonZeroU32) -> Self {
        let max = max.get();
        Self {
            min: MIN.min(max),
            initial: INITIAL.min(max),
            max,
            decrease: DECREASE,
        }
    }

    /// Sets the limit that is never passed downwards.
    pub fn with_min(mut self, min: NonZeroU32) -> Result<Self, Error> {
        self.min = min.get();
        self.initial = self.initial.max(self.min);
        self.checked()
    }

    /// Sets the limit to begin with.
    pub fn with_initial(mut self, initial: NonZeroU32) -> Result<Self, Error> {
        self.initial = initial.get();
        self.checked()
    }

    /// Sets what the limit is multiplied by on congestion, between 0 and 1.
    pub fn with_decrease(mut self, decrease: f64) -> Result<Self, Error> {
        if !(decrease > 0.0 && decrease < 1.0) {
            return Err(Error::invalid(
                "adaptive.decrease",
                format!("{decrease} is not between 0 and 1; use for example 0.5"),
            ));
        }
        self.decrease = decrease;
        Ok(self)
    }

    fn checked(self) -> Result<Self, Error> {
        if self.min <= self.initial && self.initial <= self.max {
            return Ok(self);
        }
        let Self {
            min, initial, max, ..
        } = self;
        Err(Error::invalid(
            "adaptive.initial",
            format!("{initial} is not between the minimum of {min} and the maximum of {max}"),
        ))
    }

    /// The limit that is never passed downwards.
    pub fn min(&self) -> u32 {
        self.min
    }

    /// The limit to begin with.
    pub fn initial(&self) -> u32 {
        self.initial
    }

    /// The limit that is never passed upwards.
    pub fn max(&self) -> u32 {
        self.max
    }
}

/// Limits the calls in flight to what the server turns out to bear.
///
/// ```
/// use gimmal_transport::rate_limit::{AdaptiveConcurrency, AdaptiveConfig};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let limit = AdaptiveConcurrency::new(AdaptiveConfig::default());
/// let permit = limit.acquire().await;
/// permit.congestion(); // The server answered 429.
/// assert_eq!(limit.limit(), 10);
/// # }
/// ```
///
/// The limit doubles after each clean window, that is as many successes as the limit counts, until
/// the first congestion; from then on it grows by one per clean window. Congestion halves it.
/// Calls that began before the last decrease neither lower it again nor count as successes, so one
/// burst of refusals is one decrease. A lower limit takes nothing from calls in flight. Callers are
/// let in in the order in which they came; clones share the limit.
#[derive(Clone)]
pub struct AdaptiveConcurrency {
    shared: Arc<Shared>,
}

struct Shared {
    config: AdaptiveConfig,
    gate: Arc<Gate>,
    control: Mutex<Control>,
}

/// The controller as a plain value.
#[derive(Clone, Copy, Debug)]
struct Control {
    limit: u32,
    /// Successes since the window began.
    successes: u32,
    /// How often the limit was lowered; a call remembers the number it began at.
    decreases: u64,
}

impl Control {
    /// True when the limit changes.
    fn succeed(&mut self, config: &AdaptiveConfig, began_at: u64) -> bool {
        if began_at < self.decreases {
            return false;
        }
        self.successes = self.successes.saturating_add(1);
        if self.successes < self.limit {
            return false;
        }
        self.successes = 0;
        let grown = if self.decreases == 0 {
            self.limit.saturating_mul(2)
        } else {
            self.limit.saturating_add(1)
        };
        let before = std::mem::replace(&mut self.limit, grown.min(config.max));
        self.limit != before
    }

    /// True when this is a new congestion.
    fn congest(&mut self, config: &AdaptiveConfig, began_at: u64) -> bool {
        if began_at < self.decreases {
            return false;
        }
        self.successes = 0;
        self.decreases += 1;
        let lowered = (f64::from(self.limit) * config.decrease).floor();
        // A share of a `u32` is one.
        self.limit = (lowered as u32).clamp(config.min, config.max);
        true
    }
}

impl AdaptiveConcurrency {
    /// A limit at its initial value.
    pub fn new(config: AdaptiveConfig) -> Self {
        Self {
            shared: Arc::new(Shared {
                config,
                gate: Arc::new(Gate::new(Rule::Whole, u64::from(config.initial))),
                control: Mutex::new(Control {
                    limit: config.initial,
                    successes: 0,
                    decreases: 0,
                }),
            }),
        }
    }

    /// Waits until fewer calls are in flight than the limit.
    pub async fn acquire(&self) -> AdaptivePermit {
        let grant = self.shared.gate.acquire(1, None).await;
        self.permit(grant)
    }

    /// A permit, if fewer calls are in flight than the limit and nobody waits.
    pub fn try_acquire(&self) -> Option<AdaptivePermit> {
        let grant = self.shared.gate.try_acquire(1, None)?;
        Some(self.permit(grant))
    }

    /// The limit now.
    pub fn limit(&self) -> u32 {
        self.control(|control| control.limit)
    }

    /// How often congestion has lowered it.
    pub fn decreases(&self) -> u64 {
        self.control(|control| control.decreases)
    }

    /// Calls in flight.
    pub fn in_flight(&self) -> u32 {
        u32::try_from(self.shared.gate.used()).unwrap_or(u32::MAX)
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.shared.gate.waiting()
    }

    fn permit(&self, grant: Grant) -> AdaptivePermit {
        AdaptivePermit {
            limit: self.clone(),
            began_at: self.decreases(),
            judged: AtomicBool::new(false),
            _grant: grant,
        }
    }

    fn judge(&self, verdict: impl FnOnce(&mut Control, &AdaptiveConfig) -> bool) {
        let shared = &*self.shared;
        let mut told =
            self.control(|control| verdict(control, &shared.config).then_some(control.limit));
        // The gate wakes tasks, so it is told outside of the lock; and until what it was told is
        // still true afterwards, so that an older limit is never the last one it hears of.
        while let Some(limit) = told {
            tracing::debug!(limit, "limit on calls in flight changed");
            shared.gate.set_limit(u64::from(limit));
            told = Some(self.limit()).filter(|now| *now != limit);
        }
    }

    fn control<T>(&self, use_control: impl FnOnce(&mut Control) -> T) -> T {
        let control = self.shared.control.lock();
        use_control(&mut control.unwrap_or_else(PoisonError::into_inner))
    }
}

impl fmt::Debug for AdaptiveConcurrency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AdaptiveConcurrency")
            .field("config", &self.shared.config)
            .field("limit", &self.limit())
            .field("in_flight", &self.in_flight())
            .finish_non_exhaustive()
    }
}

/// One call in flight; dropping it ends the call.
///
/// The verdict and the end are two things: a streamed reply is known to be a success long before
/// it ends. Only the first verdict counts, and a permit dropped without one counts as neither.
#[derive(Debug)]
#[must_use = "dropping a permit gives it back at once"]
pub struct AdaptivePermit {
    limit: AdaptiveConcurrency,
    began_at: u64,
    judged: AtomicBool,
    _grant: Grant,
}

impl AdaptivePermit {
    /// The server took the call on.
    pub fn success(&self) {
        if self.is_first_verdict() {
            let began_at = self.began_at;
            self.limit
                .judge(|control, config| control.succeed(config, began_at));
        }
    }

    /// The server had too much to do.
    pub fn congestion(&self) {
        if self.is_first_verdict() {
            let began_at = self.began_at;
            self.limit
                .judge(|control, config| control.congest(config, began_at));
        }
    }

    fn is_first_verdict(&self) -> bool {
        !self.judged.swap(true, Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use futures_util::FutureExt;
    use proptest::prelude::*;

    use super::*;

    fn number(number: u32) -> NonZeroU32 {
        NonZeroU32::new(number).unwrap()
    }

    fn limit(min: u32, initial: u32, max: u32) -> AdaptiveConcurrency {
        let config = AdaptiveConfig::up_to(number(max));
        let config = config.with_min(number(min)).unwrap();
        AdaptiveConcurrency::new(config.with_initial(number(initial)).unwrap())
    }

    fn succeed(limit: &AdaptiveConcurrency, times: u32) {
        for _ in 0..times {
            limit.try_acquire().unwrap().success();
        }
    }

    #[test]
    fn it_doubles_until_the_first_congestion_and_then_creeps() {
        let limit = limit(4, 20, 100);
        succeed(&limit, 19);
        assert_eq!(limit.limit(), 20, "the window is not complete");
        succeed(&limit, 1);
        assert_eq!(limit.limit(), 40);
        succeed(&limit, 40 + 80);
        assert_eq!(limit.limit(), 100, "no further than the maximum");
        limit.try_acquire().unwrap().congestion();
        assert_eq!((limit.limit(), limit.decreases()), (50, 1));
        succeed(&limit, 49);
        limit.try_acquire().unwrap().congestion();
        assert_eq!(
            limit.limit(),
            25,
            "a window that is not clean does not count"
        );
        succeed(&limit, 25 + 26);
        assert_eq!(limit.limit(), 27);
    }

    #[test]
    fn one_burst_is_one_decrease_and_the_minimum_holds() {
        let limit = limit(4, 20, 100);
        let permits: Vec<_> = (0..20).map(|_| limit.try_acquire().unwrap()).collect();
        permits[..10].iter().for_each(AdaptivePermit::congestion);
        assert_eq!((limit.limit(), limit.decreases()), (10, 1));
        permits[10..].iter().for_each(AdaptivePermit::success);
        assert!(limit.try_acquire().is_none(), "twenty are still in flight");
        drop(permits);
        assert_eq!(
            (limit.limit(), limit.in_flight()),
            (10, 0),
            "old successes do not count"
        );
        for _ in 0..5 {
            limit.try_acquire().unwrap().congestion();
        }
        assert_eq!(limit.limit(), 4);
    }

    #[tokio::test]
    async fn growth_lets_those_in_who_wait() {
        let limit = limit(1, 1, 8);
        let first = limit.acquire().await;
        let mut second = Box::pin(limit.acquire());
        assert!((&mut second).now_or_never().is_none());
        first.success();
        first.congestion();
        assert_eq!(limit.limit(), 2, "only the first verdict counts");
        let second = second.now_or_never().expect("there is room for two");
        assert_eq!((limit.in_flight(), limit.waiting()), (2, 0));
        drop((first, second));
        assert_eq!(limit.in_flight(), 0);
    }

    #[test]
    fn settings_are_checked() {
        let config = AdaptiveConfig::up_to(number(2));
        assert_eq!((config.min(), config.initial(), config.max()), (2, 2, 2));
        for error in [
            AdaptiveConfig::default().with_min(number(101)).unwrap_err(),
            AdaptiveConfig::default()
                .with_initial(number(3))
                .unwrap_err(),
        ] {
            assert_eq!(error.field(), Some("adaptive.initial"));
        }
        for bad in [0.0, 1.0, f64::NAN] {
            let error = AdaptiveConfig::default().with_decrease(bad).unwrap_err();
            assert_eq!(error.field(), Some("adaptive.decrease"));
        }
    }

    /// A server that refuses at once whatever is above `capacity` in flight and takes equally long
    /// for the rest; there is always more to do. Returns the mean number in flight and the share
    /// that was refused.
    fn simulate(limit: &AdaptiveConcurrency, capacity: usize, calls: u32) -> (f64, f64) {
        let mut in_flight: VecDeque<AdaptivePermit> = VecDeque::new();
        let (mut refused, mut sum) = (0_u32, 0_usize);
        for _ in 0..calls {
            while let Some(permit) = limit.try_acquire() {
                if in_flight.len() < capacity {
                    in_flight.push_back(permit);
                } else {
                    refused += 1;
                    permit.congestion();
                }
            }
            sum += in_flight.len();
            let permit = in_flight.pop_front().expect("the minimum is above zero");
            permit.success();
        }
        (
            sum as f64 / f64::from(calls),
            f64::from(refused) / f64::from(calls + refused),
        )
    }

    #[test]
    fn it_settles_below_what_the_server_bears_and_comes_back() {
        let limit = limit(4, 20, 40);
        simulate(&limit, 12, 500);
        let (mean, refused) = simulate(&limit, 12, 2_000);
        assert!((8.0..=12.0).contains(&mean), "{mean}");
        assert!(refused < 0.05, "{refused}");
        let before = limit.limit();
        // Ten clean windows of at most twenty calls each.
        simulate(&limit, usize::MAX, 200);
        assert!(limit.limit() >= before + 8, "{before} {}", limit.limit());
    }

    proptest! {
        #[test]
        fn the_limit_stays_in_range_and_permits_add_up(
            verdicts in prop::collection::vec(prop::option::of(any::<bool>()), 1..300),
        ) {
            let limit = limit(3, 5, 17);
            let mut held = VecDeque::new();
            for verdict in verdicts {
                match limit.try_acquire() {
                    Some(permit) => held.push_back(permit),
                    None => drop(held.pop_front()),
                }
                if let (Some(permit), Some(good)) = (held.front(), verdict) {
                    if good {
                        permit.success();
                    } else {
                        permit.congestion();
                    }
                    held.pop_front();
                }
                prop_assert!((3..=17).contains(&limit.limit()));
                prop_assert_eq!(limit.in_flight() as usize, held.len());
            }
        }
    }
}
