//! Requests and tokens per stretch of time. The oracle does not count as the limiter does: it keeps
//! a ledger of everything taken and given back, and sums it up over every window.

use std::num::NonZeroU64;
use std::sync::Arc;
use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use gimmal_transport::Error;
use gimmal_transport::rate_limit::{Disposition, Quota, RateLimiter, RateLimits, Reservation};

use crate::tasks::Tasks;
use crate::virtual_clock::VirtualClock;

#[derive(Arbitrary, Clone, Copy, Debug)]
struct Settings {
    requests: Option<Figures>,
    tokens: Option<Figures>,
    burst_ms: u16,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
struct Figures {
    amount: u16,
    period_ms: u16,
}

#[derive(Arbitrary, Debug)]
enum Step {
    Ask { tokens: u16 },
    Try { tokens: u16 },
    GiveUp(u8),
    Start(u8),
    Settle { which: u8, used: Option<u16> },
    Drop(u8),
    Wait { ms: u16 },
    Change(Settings),
}

pub(super) fn run(input: &mut Unstructured<'_>) {
    let Ok(settings) = Settings::arbitrary(input) else {
        return;
    };
    let clock = VirtualClock::default();
    let limiter = RateLimiter::with_clock(settings.limits(), Arc::new(clock.clone()));
    let mut run = Run {
        limiter: &limiter,
        asking: Tasks::default(),
        asked: Vec::new(),
        last_served: None,
        held: Vec::new(),
        requests: Ledger::new(settings.limits().requests(), settings.limits()),
        tokens: Ledger::new(settings.limits().tokens(), settings.limits()),
        clock,
    };
    while !input.is_empty()
        && let Ok(step) = Step::arbitrary(input)
    {
        run.take(&step);
        run.serve();
        run.check();
    }
    run.finish();
}

impl Figures {
    fn quota(self) -> Quota {
        let amount = NonZeroU64::new(u64::from(self.amount)).unwrap_or(NonZeroU64::MIN);
        let period = Duration::from_millis(u64::from(self.period_ms).max(1));
        Quota::new(amount, period).expect("the period is in range")
    }
}

impl Settings {
    fn limits(self) -> RateLimits {
        let burst = Duration::from_millis(u64::from(self.burst_ms));
        let mut limits = RateLimits::default()
            .with_burst(burst)
            .expect("it is in range");
        if let Some(requests) = self.requests {
            limits = limits.with_requests(requests.quota());
        }
        if let Some(tokens) = self.tokens {
            limits = limits.with_tokens(tokens.quota());
        }
        limits
    }
}

struct Run<'a> {
    limiter: &'a RateLimiter,
    clock: VirtualClock,
    asking: Tasks<'a, Result<Reservation, Error>>,
    /// How many tokens each asked for, by number.
    asked: Vec<u64>,
    last_served: Option<usize>,
    held: Vec<(Reservation, bool)>,
    requests: Ledger,
    tokens: Ledger,
}

impl Run<'_> {
    fn take(&mut self, step: &Step) {
        match *step {
            Step::Ask { tokens } => {
                let (limiter, tokens) = (self.limiter, u64::from(tokens));
                self.asking.start(limiter.acquire(tokens));
                self.asked.push(tokens);
            }
            Step::Try { tokens } => match self.limiter.try_acquire(u64::from(tokens)) {
                Ok(Some(reservation)) => self.grant(reservation),
                Ok(None) => {}
                Err(error) => self.assert_too_many(u64::from(tokens), &error),
            },
            Step::GiveUp(which) => {
                if let Some(index) = usize::from(which).checked_rem(self.asking.len()) {
                    self.asking.give_up(index);
                }
            }
            Step::Start(which) => {
                if let Some(index) = usize::from(which).checked_rem(self.held.len()) {
                    let (reservation, started) = &mut self.held[index];
                    reservation.start();
                    *started = true;
                }
            }
            Step::Settle { which, used } => {
                if let Some(index) = usize::from(which).checked_rem(self.held.len()) {
                    self.settle(index, used.map(u64::from));
                }
            }
            Step::Drop(which) => {
                if let Some(index) = usize::from(which).checked_rem(self.held.len()) {
                    let (reservation, started) = self.held.swap_remove(index);
                    let tokens = reservation.tokens();
                    drop(reservation);
                    if !started {
                        self.give_back(1, tokens);
                    }
                }
            }
            Step::Wait { ms } => self.clock.advance(Duration::from_millis(u64::from(ms))),
            Step::Change(settings) => {
                let limits = settings.limits();
                self.limiter.set_limits(limits);
                assert_eq!(self.limiter.limits(), limits);
                // How much of what was saved up is kept is not looked at; from here on all holds.
                self.requests = Ledger::new(limits.requests(), limits);
                self.tokens = Ledger::new(limits.tokens(), limits);
                self.requests.owed |= self.limiter.available_requests() < Some(0);
                self.tokens.owed |= self.limiter.available_tokens() < Some(0);
            }
        }
    }

    /// Lets those run who were woken.
    fn serve(&mut self) {
        for (id, result) in self.asking.run() {
            match result {
                Ok(reservation) => {
                    assert!(self.last_served < Some(id), "{id} was overtaken");
                    self.last_served = Some(id);
                    self.grant(reservation);
                }
                Err(error) => assert_eq!(error.field(), Some("tokens")),
            }
        }
    }

    fn grant(&mut self, reservation: Reservation) {
        let now = self.clock.elapsed();
        self.requests.grant(now, 1);
        self.tokens.grant(now, reservation.tokens());
        self.held.push((reservation, false));
    }

    fn give_back(&mut self, requests: u64, tokens: u64) {
        let now = self.clock.elapsed();
        self.requests.correct(now, -i128::from(requests));
        self.tokens.correct(now, -i128::from(tokens));
    }

    fn settle(&mut self, index: usize, used: Option<u64>) {
        let (reservation, started) = self.held.swap_remove(index);
        let reserved = reservation.tokens();
        let disposition = reservation.settle(used);
        let limited = self.limiter.limits().tokens().is_some();
        let expected = match used {
            _ if !started => Disposition::RefundedBeforeStart,
            _ if !limited => Disposition::RequestConsumed,
            None => Disposition::RetainedUnknown,
            Some(used) if used < reserved => Disposition::Refunded,
            Some(used) if used > reserved => Disposition::Debt,
            Some(_) => Disposition::Exact,
        };
        assert_eq!(disposition, expected);
        match (disposition, used) {
            (Disposition::RefundedBeforeStart, _) => self.give_back(1, reserved),
            (Disposition::Refunded, Some(used)) => self.give_back(0, reserved - used),
            (Disposition::Debt, Some(used)) => {
                let more = i128::from(used - reserved);
                self.tokens.correct(self.clock.elapsed(), more);
            }
            _ => {}
        }
    }

    fn assert_too_many(&self, tokens: u64, error: &Error) {
        assert_eq!(error.field(), Some("tokens"));
        let quota = self
            .limiter
            .limits()
            .tokens()
            .expect("there is a limit to be above of");
        assert!(tokens > quota.amount().get());
    }

    fn check(&mut self) {
        self.requests.check(self.limiter.available_requests());
        self.tokens.check(self.limiter.available_tokens());
        assert!(self.limiter.waiting() <= self.asking.len());
        if let Some(head) = self.asking.first() {
            let requests = self.limiter.available_requests();
            let tokens = self.limiter.available_tokens();
            let wanted = i64::try_from(self.asked[head]).expect("wishes are small");
            let enough = requests.is_none_or(|there| there >= 1)
                && tokens.is_none_or(|there| there >= wanted);
            assert!(!enough, "the head of the queue was not told");
        }
    }

    /// Whoever waits is served, if only time goes on.
    fn finish(mut self) {
        while !self.asking.is_empty() {
            assert!(self.clock.advance_to_next(), "nobody waits for the clock");
            self.serve();
            self.check();
        }
    }
}

/// What was taken from one budget, and when.
struct Ledger {
    budget: Option<(Quota, i128)>,
    /// Taken (or, below zero, given back), in parts.
    entries: Vec<(Duration, i128)>,
    /// Somebody may owe something.
    owed: bool,
}

/// One unit is as many parts as its period has nanoseconds; so all figures are whole.
fn parts(quota: Quota, units: i128) -> i128 {
    units * i128::try_from(quota.period().as_nanos()).expect("periods are short")
}

impl Ledger {
    fn new(quota: Option<Quota>, limits: RateLimits) -> Self {
        let budget = quota.map(|quota| {
            let burst = i128::try_from(limits.burst().as_nanos()).expect("bursts are short");
            let saved_up = i128::from(quota.amount().get()) * burst;
            (quota, saved_up.max(parts(quota, 1)))
        });
        Self {
            budget,
            entries: Vec::new(),
            owed: false,
        }
    }

    /// In any window that this grant ends, no more has gone than was saved up and accrues.
    fn grant(&mut self, now: Duration, units: u64) {
        let Some((quota, capacity)) = self.budget else {
            return;
        };
        let units = parts(quota, i128::from(units));
        self.owed |= units > capacity;
        let needed = units.min(capacity);
        let mut sum = needed;
        for (from, entry) in self.entries.iter().rev() {
            sum += entry;
            let elapsed = i128::try_from((now - *from).as_nanos()).expect("runs are short");
            let accrued = i128::from(quota.amount().get()) * elapsed;
            assert!(
                sum <= capacity + accrued,
                "{sum} of {capacity} and {accrued}"
            );
        }
        self.entries.push((now, units));
    }

    /// Enters what was given back or turned out to be owed.
    fn correct(&mut self, now: Duration, units: i128) {
        if let Some((quota, _)) = self.budget {
            self.owed |= units > 0;
            self.entries.push((now, parts(quota, units)));
        }
    }

    fn check(&self, available: Option<i64>) {
        assert_eq!(available.is_some(), self.budget.is_some());
        if let (Some(available), Some((quota, capacity))) = (available, self.budget) {
            assert!(self.owed || available >= 0, "{available} without a debt");
            assert!(parts(quota, i128::from(available)) <= capacity);
        }
    }
}
