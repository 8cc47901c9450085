//! The circuit breaker under a random schedule, against its rules written down a second time.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use arbitrary::{Arbitrary, Unstructured};
use gimmal_transport::circuit::{
    CircuitBreaker, CircuitConfig, CircuitPermit, CircuitState, FailureRatio,
};

use crate::virtual_clock::VirtualClock;

#[derive(Arbitrary, Debug)]
struct Settings {
    threshold: u8,
    probes: u8,
    reset_seconds: u8,
    ratio: Option<Ratio>,
}

#[derive(Arbitrary, Debug)]
struct Ratio {
    percent: u8,
    minimum_calls: u8,
    window_seconds: u8,
}

#[derive(Arbitrary, Debug)]
enum Step {
    Ask,
    Succeed(u8),
    Fail(u8),
    GiveUp(u8),
    Wait { ms: u16 },
    Reset,
}

/// Runs the target: settings, then steps until the input is used up.
pub fn run(input: &[u8]) {
    let mut input = Unstructured::new(input);
    let Ok(settings) = Settings::arbitrary(&mut input) else {
        return;
    };
    let config = settings.config();
    let clock = VirtualClock::default();
    let breaker = CircuitBreaker::builder("fuzzed")
        .with_config(config)
        .with_clock(Arc::new(clock.clone()))
        .build();
    let mut run = Run {
        model: Model::new(config),
        permits: Vec::new(),
        clock,
        breaker,
    };
    while !input.is_empty()
        && let Ok(step) = Step::arbitrary(&mut input)
    {
        run.take(&step);
        run.check();
    }
    run.finish();
}

impl Settings {
    fn config(&self) -> CircuitConfig {
        let at_least_one = |number: u8| NonZeroU32::new(u32::from(number).max(1)).expect("not 0");
        let config = CircuitConfig::default()
            .with_failure_threshold(at_least_one(self.threshold % 8))
            .with_half_open_probes(at_least_one(self.probes % 5))
            .with_reset_timeout(Duration::from_secs(u64::from(self.reset_seconds)));
        let Some(ratio) = &self.ratio else {
            return config;
        };
        let share = f64::from(ratio.percent % 100 + 1) / 100.0;
        let window = Duration::from_secs(u64::from(ratio.window_seconds).max(1));
        let ratio = FailureRatio::new(share, at_least_one(ratio.minimum_calls), window);
        config.with_failure_ratio(ratio.expect("the figures are in range"))
    }
}

struct Run {
    breaker: CircuitBreaker,
    clock: VirtualClock,
    model: Model,
    /// Calls under way, each with the era it was let in.
    permits: Vec<(CircuitPermit, u64)>,
}

impl Run {
    fn take(&mut self, step: &Step) {
        let now = self.clock.elapsed();
        match step {
            Step::Ask => {
                let expected = self.model.ask(now);
                match self.breaker.try_acquire() {
                    Ok(permit) => {
                        assert_eq!(expected, Ok(()), "a call went that should not have");
                        self.permits.push((permit, self.model.era));
                    }
                    Err(refusal) => assert_eq!(expected, Err(refusal.retry_after())),
                }
            }
            Step::Succeed(which) => {
                if let Some((permit, era)) = self.pick(*which) {
                    permit.success();
                    self.model.succeed(era);
                }
            }
            Step::Fail(which) => {
                if let Some((permit, era)) = self.pick(*which) {
                    let may_open = era == self.model.era && self.model.has_ratio;
                    permit.failure();
                    // What a share of failures amounts to is taken on trust; what follows is not.
                    let opened = may_open && self.breaker.state() != CircuitState::Closed;
                    self.model.fail(era, now, opened);
                }
            }
            Step::GiveUp(which) => {
                if let Some((permit, era)) = self.pick(*which) {
                    drop(permit);
                    self.model.give_up(era);
                }
            }
            Step::Wait { ms } => self
                .clock
                .advance(Duration::from_millis(u64::from(*ms) * 4)),
            Step::Reset => {
                self.breaker.reset();
                self.model.close();
            }
        }
    }

    fn pick(&mut self, which: u8) -> Option<(CircuitPermit, u64)> {
        let index = usize::from(which).checked_rem(self.permits.len())?;
        Some(self.permits.swap_remove(index))
    }

    fn check(&self) {
        let now = self.clock.elapsed();
        assert_eq!(self.breaker.state(), self.model.state(now));
        assert_eq!(self.breaker.failures(), self.model.failures());
        assert_eq!(
            self.breaker.allows_request(),
            self.model.clone().ask(now).is_ok()
        );
        if self.model.state(now) == CircuitState::HalfOpen {
            let current = |(_, era): &&(CircuitPermit, u64)| *era == self.model.era;
            let out = self.permits.iter().filter(current).count();
            let open = matches!(self.model.phase, Phase::Open { .. });
            assert!(
                open || out <= self.model.probes as usize,
                "{out} probes are out"
            );
        }
    }

    /// With all calls over and enough time gone, the circuit lets a call out and can close.
    fn finish(mut self) {
        self.permits.clear();
        self.clock.advance(self.model.reset_timeout);
        let permit = self
            .breaker
            .try_acquire()
            .expect("no place of a probe may be lost");
        permit.success();
        assert_eq!(self.breaker.state(), CircuitState::Closed);
    }
}

/// The rules, without the locks, clocks and shortcuts of the real one.
#[derive(Clone)]
struct Model {
    threshold: u32,
    probes: u32,
    reset_timeout: Duration,
    has_ratio: bool,
    phase: Phase,
    /// Counts the changes of state; results from another era are void.
    era: u64,
}

#[derive(Clone, Copy)]
enum Phase {
    Closed { failures: u32 },
    Open { since: Duration },
    HalfOpen { out: u32 },
}

impl Model {
    fn new(config: CircuitConfig) -> Self {
        Self {
            threshold: config.failure_threshold().get(),
            probes: config.half_open_probes().get(),
            reset_timeout: config.reset_timeout(),
            has_ratio: config.failure_ratio().is_some(),
            phase: Phase::Closed { failures: 0 },
            era: 0,
        }
    }

    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.era += 1;
    }

    fn close(&mut self) {
        self.enter(Phase::Closed { failures: 0 });
    }

    fn ask(&mut self, now: Duration) -> Result<(), Option<Duration>> {
        match self.phase {
            Phase::Closed { .. } => Ok(()),
            Phase::Open { since } if now >= since + self.reset_timeout => {
                self.enter(Phase::HalfOpen { out: 1 });
                Ok(())
            }
            Phase::Open { since } => Err(Some(since + self.reset_timeout - now)),
            Phase::HalfOpen { out } if out < self.probes => {
                self.phase = Phase::HalfOpen { out: out + 1 };
                Ok(())
            }
            Phase::HalfOpen { .. } => Err(None),
        }
    }

    fn succeed(&mut self, era: u64) {
        match self.phase {
            _ if era != self.era => {}
            Phase::Closed { .. } => self.phase = Phase::Closed { failures: 0 },
            Phase::HalfOpen { .. } => self.close(),
            Phase::Open { .. } => unreachable!("nobody is let in while it is open"),
        }
    }

    fn fail(&mut self, era: u64, now: Duration, opened: bool) {
        match self.phase {
            _ if era != self.era => {}
            Phase::Closed { failures } if !opened && failures + 1 < self.threshold => {
                self.phase = Phase::Closed {
                    failures: failures + 1,
                };
            }
            _ => self.enter(Phase::Open { since: now }),
        }
    }

    fn give_up(&mut self, era: u64) {
        if let Phase::HalfOpen { out } = self.phase
            && era == self.era
        {
            self.phase = Phase::HalfOpen { out: out - 1 };
        }
    }

    fn state(&self, now: Duration) -> CircuitState {
        match self.phase {
            Phase::Closed { .. } => CircuitState::Closed,
            Phase::Open { since } if now < since + self.reset_timeout => CircuitState::Open,
            Phase::Open { .. } | Phase::HalfOpen { .. } => CircuitState::HalfOpen,
        }
    }

    fn failures(&self) -> u32 {
        match self.phase {
            Phase::Closed { failures } => failures,
            Phase::Open { .. } | Phase::HalfOpen { .. } => 0,
        }
    }
}
