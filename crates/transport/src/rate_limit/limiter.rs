//! Requests and tokens per minute, first come, first served. Only the one at the head of the queue
//! looks at the clock, so there is one timer however many wait.

use std::fmt;
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::select;
use tokio::sync::Notify;

use crate::error::Error;
use crate::rate_limit::bucket::Bucket;
use crate::rate_limit::{LimitedBy, Quota, RateLimits, Reservation};
use crate::semaphore::{Gate, Rule};
use crate::time::{Clock, TokioClock};

/// Keeps requests and tokens within limits known in advance.
///
/// ```
/// use std::num::NonZeroU64;
/// use gimmal_transport::rate_limit::{RateLimiter, RateLimits};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), gimmal_transport::Error> {
/// let limits = RateLimits::default().with_requests_per_minute(NonZeroU64::new(60).unwrap());
/// let limiter = RateLimiter::new(limits);
/// for _ in 0..60 {
///     limiter.acquire(0).await?.start();
/// }
/// assert!(limiter.try_acquire(0)?.is_none());
/// limiter.acquire(0).await?.start(); // A second later.
/// # Ok(())
/// # }
/// ```
///
/// A request that needs more tokens than have been saved up, but not more than the limit, is let
/// through when the budget is full and owes the rest. One that needs more than the limit is an
/// error. A large request at the head of the queue is not overtaken by small ones, and a caller
/// that gives up waiting leaves the queue. Clones share the budgets.
#[derive(Clone)]
pub struct RateLimiter {
    shared: Arc<Shared>,
}

struct Shared {
    clock: Arc<dyn Clock>,
    budgets: Mutex<Budgets>,
    /// One place: whoever holds it is the head of the queue.
    head: Arc<Gate>,
    /// Tells the head that something was given back or changed.
    changed: Notify,
}

struct Budgets {
    limits: RateLimits,
    requests: Option<Bucket>,
    tokens: Option<Bucket>,
}

impl RateLimiter {
    /// A limiter with full budgets, on tokio's clock.
    pub fn new(limits: RateLimits) -> Self {
        Self::with_clock(limits, Arc::new(TokioClock))
    }

    /// A limiter with full budgets that takes time from `clock`.
    pub fn with_clock(limits: RateLimits, clock: Arc<dyn Clock>) -> Self {
        let now = clock.now();
        let bucket = |quota: Option<Quota>| Some(Bucket::new(quota?, limits.burst(), now));
        let budgets = Budgets {
            limits,
            requests: bucket(limits.requests()),
            tokens: bucket(limits.tokens()),
        };
        Self {
            shared: Arc::new(Shared {
                clock,
                budgets: Mutex::new(budgets),
                head: Arc::new(Gate::new(Rule::Whole, 1)),
                changed: Notify::new(),
            }),
        }
    }

    /// Waits until one request with this many tokens is within the limits, and sets them aside.
    ///
    /// More tokens than the limit allows in its whole period are an error that names the limit.
    /// Dropping the future takes nothing.
    pub async fn acquire(&self, tokens: u64) -> Result<Reservation, Error> {
        self.check(tokens)?;
        let shared = &*self.shared;
        let _head = shared.head.acquire(1, None).await;
        let mut limited_by = None;
        loop {
            let (wait, by) = match self.try_take(tokens) {
                Ok(()) => return Ok(Reservation::new(self.clone(), tokens, limited_by)),
                Err(refusal) => refusal,
            };
            limited_by = merge(limited_by, by);
            let changed = pin!(shared.changed.notified());
            select(shared.clock.sleep(wait), changed).await;
        }
    }

    /// Sets one request with this many tokens aside, if that is within the limits now and nobody
    /// waits.
    pub fn try_acquire(&self, tokens: u64) -> Result<Option<Reservation>, Error> {
        self.check(tokens)?;
        let Some(_head) = self.shared.head.try_acquire(1, None) else {
            return Ok(None);
        };
        let taken = self.try_take(tokens).is_ok();
        Ok(taken.then(|| Reservation::new(self.clone(), tokens, None)))
    }

    /// The limits in force.
    pub fn limits(&self) -> RateLimits {
        self.lock().limits
    }

    /// Sets other limits. What was saved up is kept as far as it fits; who waits is served under
    /// the new limits.
    pub fn set_limits(&self, limits: RateLimits) {
        self.budgets(|budgets, now| {
            budgets.limits = limits;
            change_bucket(
                &mut budgets.requests,
                limits.requests(),
                limits.burst(),
                now,
            );
            change_bucket(&mut budgets.tokens, limits.tokens(), limits.burst(), now);
        });
        self.shared.changed.notify_one();
    }

    /// Requests that could be made at once; `None` without a limit on them.
    pub fn available_requests(&self) -> Option<i64> {
        self.budgets(|budgets, now| Some(budgets.requests.as_mut()?.available(now)))
    }

    /// Tokens that could be used at once, negative when some are owed; `None` without a limit on
    /// them.
    pub fn available_tokens(&self) -> Option<i64> {
        self.budgets(|budgets, now| Some(budgets.tokens.as_mut()?.available(now)))
    }

    /// How many wait, the one at the head of the queue not counted.
    pub fn waiting(&self) -> usize {
        self.shared.head.waiting()
    }

    pub(super) fn refund(&self, requests: u64, tokens: u64) {
        self.budgets(|budgets, now| {
            if let Some(bucket) = &mut budgets.requests {
                bucket.give_back(requests, now);
            }
            if let Some(bucket) = &mut budgets.tokens {
                bucket.give_back(tokens, now);
            }
        });
        self.shared.changed.notify_one();
    }

    pub(super) fn charge(&self, tokens: u64) {
        self.budgets(|budgets, now| {
            if let Some(bucket) = &mut budgets.tokens {
                bucket.take(tokens, now);
            }
        });
    }

    fn check(&self, tokens: u64) -> Result<(), Error> {
        let Some(quota) = self.limits().tokens() else {
            return Ok(());
        };
        let limit = quota.amount().get();
        if tokens <= limit {
            return Ok(());
        }
        Err(Error::invalid(
            "tokens",
            format!(
                "{tokens} are more than the limit of {limit} tokens per {:?}; split the request \
                 or raise the limit",
                quota.period()
            ),
        ))
    }

    /// Takes from both budgets or from none; on refusal says how long to wait and for which.
    fn try_take(&self, tokens: u64) -> Result<(), (Duration, LimitedBy)> {
        self.budgets(|budgets, now| {
            let wait = |bucket: &mut Option<Bucket>, units| {
                let bucket = bucket.as_mut();
                bucket.map_or(Duration::ZERO, |bucket| bucket.wait(units, now))
            };
            let for_requests = wait(&mut budgets.requests, 1);
            let for_tokens = wait(&mut budgets.tokens, tokens);
            let by = match (for_requests.is_zero(), for_tokens.is_zero()) {
                (true, true) => {
                    if let Some(bucket) = &mut budgets.requests {
                        bucket.take(1, now);
                    }
                    if let Some(bucket) = &mut budgets.tokens {
                        bucket.take(tokens, now);
                    }
                    return Ok(());
                }
                (false, true) => LimitedBy::Requests,
                (true, false) => LimitedBy::Tokens,
                (false, false) => LimitedBy::Both,
            };
            Err((for_requests.max(for_tokens), by))
        })
    }

    fn budgets<T>(&self, use_budgets: impl FnOnce(&mut Budgets, Instant) -> T) -> T {
        let mut budgets = self.lock();
        use_budgets(&mut budgets, self.shared.clock.now())
    }

    fn lock(&self) -> MutexGuard<'_, Budgets> {
        let budgets = self.shared.budgets.lock();
        // No code of others runs under the lock, so a poisoned one is still consistent.
        budgets.unwrap_or_else(PoisonError::into_inner)
    }
}

fn change_bucket(bucket: &mut Option<Bucket>, quota: Option<Quota>, burst: Duration, now: Instant) {
    match (bucket.as_mut(), quota) {
        (Some(bucket), Some(quota)) => bucket.reconfigure(quota, burst, now),
        (None, Some(quota)) => *bucket = Some(Bucket::new(quota, burst, now)),
        (_, None) => *bucket = None,
    }
}

fn merge(before: Option<LimitedBy>, by: LimitedBy) -> Option<LimitedBy> {
    match before {
        Some(before) if before != by => Some(LimitedBy::Both),
        _ => Some(by),
    }
}

impl fmt::Debug for RateLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimiter")
            .field("limits", &self.limits())
            .field("available_requests", &self.available_requests())
            .field("available_tokens", &self.available_tokens())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use futures_util::FutureExt;
    use futures_util::future::{join_all, poll_immediate};
    use proptest::prelude::*;
    use test_case::test_case;

    use super::*;
    use crate::manual_clock::ManualClock;
    use crate::rate_limit::Disposition;

    const SECOND: Duration = Duration::from_secs(1);

    fn limits(requests: u64, tokens: u64, burst: Duration) -> RateLimits {
        RateLimits::default()
            .with_requests_per_minute(NonZeroU64::new(requests).unwrap())
            .with_tokens_per_minute(NonZeroU64::new(tokens).unwrap())
            .with_burst(burst)
            .unwrap()
    }

    /// Runs what has to wait under a limit on the paused clock.
    async fn limited<F: Future>(future: F) -> F::Output {
        let hour = 3_600 * SECOND;
        tokio::time::timeout(hour, future).await.expect("it hangs")
    }

    #[tokio::test(start_paused = true)]
    async fn saved_up_requests_go_at_once_and_the_rest_at_the_pace() {
        let limiter = RateLimiter::new(limits(60, 1_000, 5 * SECOND));
        let start = TokioClock.now();
        for n in 0_u32..8 {
            let mut reservation = limited(limiter.acquire(1)).await.unwrap();
            reservation.start();
            assert_eq!(TokioClock.now() - start, SECOND * n.saturating_sub(4));
            assert_eq!(
                reservation.limited_by(),
                (n > 4).then_some(LimitedBy::Requests)
            );
        }
    }

    #[tokio::test(start_paused = true)]
    async fn more_than_the_whole_limit_is_an_error_that_names_it() {
        let limiter = RateLimiter::new(limits(60, 1_000, 5 * SECOND));
        let error = limiter.acquire(1_001).await.unwrap_err();
        assert_eq!(error.field(), Some("tokens"));
        assert_eq!(
            error.to_string(),
            "invalid `tokens`: 1001 are more than the limit of 1000 tokens per 60s; split the \
             request or raise the limit"
        );
        assert!(limiter.try_acquire(1_001).is_err());
        let whole = limiter.acquire(1_000).await.unwrap();
        assert_eq!(
            limiter.available_tokens(),
            Some(-917),
            "83 were saved up in 5 s"
        );
        drop(whole);
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_head_is_not_overtaken() {
        let limiter = RateLimiter::new(limits(600, 60_000, 5 * SECOND));
        limiter.acquire(5_000).await.unwrap().start();
        let start = TokioClock.now();
        let ask = |tokens| {
            let limiter = limiter.clone();
            async move {
                limiter.acquire(tokens).await.unwrap().start();
                TokioClock.now() - start
            }
        };
        let times = limited(join_all([ask(20_000), ask(1), ask(5_000)])).await;
        // 5 s to fill up, 15 s to pay off 15 000 and one token more, then 5 s for the next burst.
        assert_eq!(times[0], 5 * SECOND);
        assert!(
            times[1] >= 20 * SECOND && times[1] < 21 * SECOND,
            "{times:?}"
        );
        assert!(
            times[2] >= 25 * SECOND && times[2] < 26 * SECOND,
            "{times:?}"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_gives_up_takes_nothing_and_makes_room() {
        let limiter = RateLimiter::new(limits(600, 60_000, 5 * SECOND));
        limiter.acquire(5_000).await.unwrap().start();
        let mut large = Box::pin(limiter.acquire(60_000));
        let mut small = Box::pin(limiter.acquire(1_000));
        assert!(poll_immediate(&mut large).await.is_none());
        assert!(poll_immediate(&mut small).await.is_none());
        assert_eq!(limiter.waiting(), 1);
        assert!(limiter.try_acquire(0).unwrap().is_none(), "others wait");
        drop(large);
        let start = TokioClock.now();
        limited(small).await.unwrap().start();
        assert_eq!(TokioClock.now() - start, SECOND);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_given_back_wakes_the_head() {
        let limiter = RateLimiter::new(limits(1, 100, 60 * SECOND));
        let first = limiter.acquire(100).await.unwrap();
        let mut second = Box::pin(limiter.acquire(50));
        assert!(poll_immediate(&mut second).await.is_none());
        let start = TokioClock.now();
        drop(first);
        let second = limited(second).await.unwrap();
        assert_eq!(TokioClock.now(), start);
        assert_eq!(second.limited_by(), Some(LimitedBy::Both));
    }

    #[tokio::test(start_paused = true)]
    async fn higher_limits_wake_the_head() {
        let limiter = RateLimiter::new(limits(1, 100, 60 * SECOND));
        limiter.acquire(1).await.unwrap().start();
        let mut next = Box::pin(limiter.acquire(1));
        assert!(poll_immediate(&mut next).await.is_none());
        limiter.set_limits(RateLimits::default());
        assert!(next.now_or_never().is_some());
        assert_eq!(
            (limiter.available_requests(), limiter.available_tokens()),
            (None, None)
        );
    }

    #[test_case(false, Some(7), Disposition::RefundedBeforeStart, (10, 100))]
    #[test_case(true, Some(40), Disposition::Exact, (9, 60))]
    #[test_case(true, Some(15), Disposition::Refunded, (9, 85))]
    #[test_case(true, Some(0), Disposition::Refunded, (9, 100); "known to be nothing")]
    #[test_case(true, Some(140), Disposition::Debt, (9, -40))]
    #[test_case(true, None, Disposition::RetainedUnknown, (9, 60))]
    fn settling(started: bool, used: Option<u64>, expected: Disposition, left: (i64, i64)) {
        let clock = Arc::new(ManualClock::new());
        let limiter = RateLimiter::with_clock(limits(10, 100, 60 * SECOND), clock);
        let mut reservation = limiter.try_acquire(40).unwrap().unwrap();
        if started {
            reservation.start();
        }
        assert_eq!(reservation.settle(used), expected);
        let available = (limiter.available_requests(), limiter.available_tokens());
        assert_eq!(available, (Some(left.0), Some(left.1)));
    }

    #[test]
    fn without_a_limit_on_tokens_the_request_counts() {
        let clock = Arc::new(ManualClock::new());
        let requests = RateLimits::default().with_requests_per_minute(NonZeroU64::MIN);
        let limiter = RateLimiter::with_clock(requests, clock);
        let mut reservation = limiter.try_acquire(u64::MAX).unwrap().unwrap();
        reservation.start();
        assert_eq!(reservation.settle(Some(3)), Disposition::RequestConsumed);
        assert_eq!(limiter.available_requests(), Some(0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_thousand_waiters_are_all_served_in_order() {
        let limiter = RateLimiter::new(limits(60_000, 1, Duration::ZERO));
        limiter.set_limits(
            RateLimits::default()
                .with_requests_per_minute(NonZeroU64::new(60_000).unwrap())
                .with_burst(Duration::ZERO)
                .unwrap(),
        );
        let order = Mutex::new(Vec::new());
        let tasks = (0..1_000).map(|n| {
            let (limiter, order) = (&limiter, &order);
            async move {
                limiter.acquire(0).await.unwrap().start();
                order.lock().unwrap().push(n);
            }
        });
        limited(join_all(tasks)).await;
        assert_eq!(*order.lock().unwrap(), (0..1_000).collect::<Vec<_>>());
    }

    proptest! {
        /// What is set aside and what is left always add up, whatever is settled how.
        #[test]
        fn budgets_add_up(
            steps in prop::collection::vec((0_u64..30, any::<bool>(), prop::option::of(0_u64..60)), 1..40),
        ) {
            let clock = Arc::new(ManualClock::new());
            let limiter = RateLimiter::with_clock(limits(1_000, 1_000, 60 * SECOND), clock);
            let (mut requests, mut tokens) = (1_000, 1_000);
            for (reserved, started, used) in steps {
                let Some(mut reservation) = limiter.try_acquire(reserved).unwrap() else {
                    continue;
                };
                if started {
                    reservation.start();
                    requests -= 1;
                    tokens -= i64::try_from(used.unwrap_or(reserved)).unwrap();
                }
                reservation.settle(used);
                prop_assert_eq!(limiter.available_requests(), Some(requests));
                prop_assert_eq!(limiter.available_tokens(), Some(tokens));
            }
        }
    }
}
