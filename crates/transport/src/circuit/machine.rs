//! The rules of a circuit as a plain value: time comes in as an argument, nothing is shared and
//! nobody is told. The breaker puts it behind a lock.

use std::time::{Duration, Instant};

use crate::circuit::window::RollingWindow;
use crate::circuit::{CircuitConfig, CircuitState};

/// The state of a circuit.
#[derive(Clone, Debug)]
pub(super) struct Machine {
    config: CircuitConfig,
    phase: Phase,
    /// Grows with each change of phase, so that results of calls that were let in earlier can be
    /// told apart: they say nothing about how the server is now.
    generation: u64,
    window: Option<RollingWindow>,
}

#[derive(Clone, Copy, Debug)]
enum Phase {
    Closed { failures: u32 },
    Open { since: Instant },
    HalfOpen { probes: u32 },
}

/// A change of state that has just happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) from: CircuitState,
    pub(super) to: CircuitState,
    pub(super) generation: u64,
}

impl Machine {
    pub(super) fn new(config: CircuitConfig, now: Instant) -> Self {
        Self {
            config,
            phase: Phase::Closed { failures: 0 },
            generation: 0,
            window: Self::window(&config, now),
        }
    }

    fn window(config: &CircuitConfig, now: Instant) -> Option<RollingWindow> {
        let ratio = config.failure_ratio()?;
        Some(RollingWindow::new(ratio.window(), now))
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// Failures in a row while closed.
    pub(super) fn failures(&self) -> u32 {
        match self.phase {
            Phase::Closed { failures } => failures,
            Phase::Open { .. } | Phase::HalfOpen { .. } => 0,
        }
    }

    /// True when a success while closed would leave everything as it is.
    pub(super) fn is_spotless(&self) -> bool {
        matches!(self.phase, Phase::Closed { failures: 0 }) && self.window.is_none()
    }

    /// The state that was entered last; an open circuit stays open here until somebody asks.
    pub(super) fn entered(&self) -> CircuitState {
        match self.phase {
            Phase::Closed { .. } => CircuitState::Closed,
            Phase::Open { .. } => CircuitState::Open,
            Phase::HalfOpen { .. } => CircuitState::HalfOpen,
        }
    }

    /// When probes are let out, while open; `None` when that is too far away to be a time.
    pub(super) fn reopens_at(&self) -> Option<Instant> {
        match self.phase {
            Phase::Open { since } => since.checked_add(self.config.reset_timeout()),
            Phase::Closed { .. } | Phase::HalfOpen { .. } => None,
        }
    }

    fn left(&self, since: Instant, now: Instant) -> Duration {
        let open_for = now.saturating_duration_since(since);
        self.config.reset_timeout().saturating_sub(open_for)
    }

    /// Whether [`admit`](Self::admit) would let a call through.
    pub(super) fn admits(&self, now: Instant) -> bool {
        match self.phase {
            Phase::Closed { .. } => true,
            Phase::Open { since } => self.left(since, now).is_zero(),
            Phase::HalfOpen { probes } => probes < self.config.half_open_probes().get(),
        }
    }

    /// Lets a call through, or says how long to wait; `None` when nobody can tell.
    ///
    /// While half open, the place of a probe is taken here, before the call, because places
    /// counted only when calls return would let any number of them out at first.
    pub(super) fn admit(&mut self, now: Instant) -> Result<Option<Change>, Option<Duration>> {
        match &mut self.phase {
            Phase::Closed { .. } => Ok(None),
            Phase::HalfOpen { probes } if *probes < self.config.half_open_probes().get() => {
                *probes += 1;
                Ok(None)
            }
            Phase::HalfOpen { .. } => Err(None),
            Phase::Open { since } => {
                let since = *since;
                let left = self.left(since, now);
                if left.is_zero() {
                    Ok(Some(self.enter(Phase::HalfOpen { probes: 1 })))
                } else {
                    Err(Some(left))
                }
            }
        }
    }

    /// Takes note that a call let in at `generation` succeeded.
    pub(super) fn succeed(&mut self, generation: u64, now: Instant) -> Option<Change> {
        if generation != self.generation {
            return None;
        }
        match &mut self.phase {
            Phase::Closed { failures } => {
                *failures = 0;
                if let Some(window) = &mut self.window {
                    window.add(now);
                }
                None
            }
            Phase::HalfOpen { .. } => Some(self.close(now)),
            Phase::Open { .. } => None,
        }
    }

    /// Takes note that a call let in at `generation` failed.
    pub(super) fn fail(&mut self, generation: u64, now: Instant) -> Option<Change> {
        if generation != self.generation {
            return None;
        }
        match &mut self.phase {
            Phase::Closed { failures } => {
                *failures = failures.saturating_add(1);
                let in_a_row = *failures >= self.config.failure_threshold().get();
                let too_many = match (&mut self.window, self.config.failure_ratio()) {
                    (Some(window), Some(ratio)) => {
                        window.add(now);
                        window.mark(now);
                        let (calls, failures) = window.sums(now);
                        ratio.is_reached(calls, failures)
                    }
                    _ => false,
                };
                (in_a_row || too_many).then(|| self.enter(Phase::Open { since: now }))
            }
            Phase::HalfOpen { .. } => Some(self.enter(Phase::Open { since: now })),
            Phase::Open { .. } => None,
        }
    }

    /// Takes note that a call let in at `generation` ended without a verdict.
    pub(super) fn abandon(&mut self, generation: u64) {
        if generation == self.generation
            && let Phase::HalfOpen { probes } = &mut self.phase
        {
            *probes = probes.saturating_sub(1);
        }
    }

    /// Closes the circuit and forgets everything; calls under way no longer count.
    pub(super) fn reset(&mut self, now: Instant) -> Option<Change> {
        let change = self.close(now);
        (change.from != change.to).then_some(change)
    }

    fn close(&mut self, now: Instant) -> Change {
        self.window = Self::window(&self.config, now);
        self.enter(Phase::Closed { failures: 0 })
    }

    fn enter(&mut self, phase: Phase) -> Change {
        let from = self.entered();
        self.phase = phase;
        self.generation += 1;
        Change {
            from,
            to: self.entered(),
            generation: self.generation,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use proptest::prelude::*;

    use super::*;
    use crate::circuit::FailureRatio;

    const RESET: Duration = Duration::from_secs(30);

    impl Machine {
        /// The state as a caller sees it: open, with its time up, is half open.
        fn state(&self, now: Instant) -> CircuitState {
            match self.phase {
                Phase::Open { .. } if self.admits(now) => CircuitState::HalfOpen,
                _ => self.entered(),
            }
        }
    }

    fn config(threshold: u32, probes: u32) -> CircuitConfig {
        CircuitConfig::default()
            .with_failure_threshold(NonZeroU32::new(threshold).unwrap())
            .with_half_open_probes(NonZeroU32::new(probes).unwrap())
    }

    #[test]
    fn chk_cb_1_opens_at_the_third_failure_in_a_row_and_recovers() {
        let start = Instant::now();
        let mut machine = Machine::new(config(3, 1), start);
        for (n, ok) in [false, false, true, false, false, false]
            .into_iter()
            .enumerate()
        {
            assert_eq!(
                machine.state(start),
                CircuitState::Closed,
                "before result {n}"
            );
            machine.admit(start).unwrap();
            let generation = machine.generation();
            let change = if ok {
                machine.succeed(generation, start)
            } else {
                machine.fail(generation, start)
            };
            assert_eq!(change.is_some(), n == 5);
        }
        assert_eq!(machine.state(start), CircuitState::Open);
        let almost = start + RESET - Duration::from_nanos(1);
        assert_eq!(machine.admit(almost), Err(Some(Duration::from_nanos(1))));

        let due = start + RESET;
        assert_eq!(machine.state(due), CircuitState::HalfOpen);
        let mut failing = machine.clone();
        machine.admit(due).unwrap();
        machine.succeed(machine.generation(), due).unwrap();
        assert_eq!(
            (machine.state(due), machine.failures()),
            (CircuitState::Closed, 0)
        );

        failing.admit(due).unwrap();
        failing.fail(failing.generation(), due).unwrap();
        assert_eq!(failing.state(due), CircuitState::Open);
        assert_eq!(
            failing.reopens_at(),
            Some(due + RESET),
            "the time runs anew"
        );
    }

    #[test]
    fn results_of_earlier_calls_do_not_count() {
        let start = Instant::now();
        let mut machine = Machine::new(config(1, 1), start);
        let early = machine.generation();
        machine.fail(early, start).unwrap();
        assert_eq!(machine.succeed(early, start), None);
        assert_eq!(machine.fail(early, start), None);
        assert_eq!(machine.state(start), CircuitState::Open);

        let due = start + RESET;
        machine.admit(due).unwrap();
        assert_eq!(
            machine.succeed(early, due),
            None,
            "a success from before is no probe"
        );
        machine.abandon(early);
        assert_eq!(
            machine.admit(due),
            Err(None),
            "nor does it free the place of one"
        );
        machine.abandon(machine.generation());
        assert_eq!(machine.admit(due), Ok(None));
    }

    #[test]
    fn a_share_of_failures_opens_it_too() {
        let start = Instant::now();
        let minute = Duration::from_secs(60);
        let ratio = FailureRatio::new(0.5, NonZeroU32::new(4).unwrap(), minute).unwrap();
        let mut machine = Machine::new(config(100, 1).with_failure_ratio(ratio), start);
        for ok in [true, false, true] {
            let change = if ok {
                machine.succeed(0, start)
            } else {
                machine.fail(0, start)
            };
            assert_eq!(change, None);
        }
        let mut later = machine.clone();
        assert!(machine.fail(0, start).is_some(), "two of four");
        assert_eq!(
            later.fail(0, start + minute),
            None,
            "one of one that is recent"
        );
    }

    /// What may happen to a circuit.
    #[derive(Clone, Debug)]
    enum Step {
        Ask,
        Succeed(usize),
        Fail(usize),
        Abandon(usize),
        Wait(u64),
        Reset,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => Just(Step::Ask),
            2 => (0_usize..6).prop_map(Step::Succeed),
            3 => (0_usize..6).prop_map(Step::Fail),
            1 => (0_usize..6).prop_map(Step::Abandon),
            2 => (0_u64..40).prop_map(Step::Wait),
            1 => Just(Step::Reset),
        ]
    }

    proptest! {
        /// Never more probes out than allowed, and never stuck: once enough time has passed and
        /// all calls are over, a call goes through.
        #[test]
        fn probes_are_bounded_and_it_never_sticks(
            threshold in 1_u32..4,
            probes in 1_u32..4,
            steps in prop::collection::vec(step(), 1..100),
        ) {
            let mut now = Instant::now();
            let mut machine = Machine::new(config(threshold, probes), now);
            let mut out: Vec<u64> = Vec::new();
            for step in steps {
                match step {
                    Step::Ask if machine.admit(now).is_ok() => out.push(machine.generation()),
                    Step::Succeed(n) if n < out.len() => {
                        machine.succeed(out.remove(n), now);
                    }
                    Step::Fail(n) if n < out.len() => {
                        machine.fail(out.remove(n), now);
                    }
                    Step::Abandon(n) if n < out.len() => machine.abandon(out.remove(n)),
                    Step::Wait(seconds) => now += Duration::from_secs(seconds),
                    Step::Reset => {
                        machine.reset(now);
                    }
                    _ => {}
                }
                let current = machine.generation();
                let probing = out.iter().filter(|generation| **generation == current).count();
                match machine.entered() {
                    CircuitState::Closed => prop_assert!(machine.failures() < threshold),
                    CircuitState::Open => prop_assert_eq!(probing, 0),
                    CircuitState::HalfOpen => prop_assert!(probing <= probes as usize),
                }
            }
            for generation in out {
                machine.abandon(generation);
            }
            prop_assert!(machine.admit(now + RESET).is_ok());
        }
    }
}
