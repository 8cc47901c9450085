//! How a tuning goes: how many steps it has, how far it is at a time, and how its loss falls.

use std::time::{Duration, SystemTime};

use crate::{
    gemini::jobs::Pace,
    rng::{Rng, mix},
};

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Plan {
    pub(crate) epochs: u64,
    /// All steps together.
    pub(crate) steps: u64,
    pub(crate) pace: Pace,
    pub(crate) created: SystemTime,
    /// What the noise of the loss is drawn from.
    pub(crate) seed: u64,
}

/// What a job is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Phase {
    Queued,
    /// Looking through the examples.
    Processing,
    Tuning,
    /// Putting the model where it can be asked.
    Finishing,
    Done,
}

/// How far a job is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Progress {
    pub(crate) phase: Phase,
    pub(crate) steps: u64,
    pub(crate) epochs: u64,
}

impl Plan {
    /// `epochs` times through `examples` in batches; at least one step for each epoch.
    pub(crate) fn new(
        epochs: u64,
        examples: u64,
        batch: u64,
        pace: Pace,
        created: SystemTime,
    ) -> Self {
        Self {
            epochs,
            steps: epochs * examples.div_ceil(batch.max(1)).max(1),
            pace,
            created,
            seed: 0,
        }
    }

    pub(crate) fn with_seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// When it leaves the queue.
    pub(crate) fn started(&self) -> SystemTime {
        self.pace.start(self.created)
    }

    /// When it has looked through the examples.
    pub(crate) fn processed(&self) -> SystemTime {
        self.pace.end_of(self.created, 1)
    }

    /// When it ends, all being well: a step of the pace to look through the examples, one for each
    /// epoch, and one to put the model in place.
    pub(crate) fn ended(&self) -> SystemTime {
        self.pace.end_of(self.created, self.epochs + 2)
    }

    /// When step `n`, counted from 1, is done.
    pub(crate) fn time_of(&self, n: u64) -> SystemTime {
        let share = n as f64 / self.steps as f64;
        self.processed() + self.tuning_time().mul_f64(share)
    }

    /// How far it is at `now`.
    pub(crate) fn progress(&self, now: SystemTime) -> Progress {
        let tuned = self.processed() + self.tuning_time();
        let (phase, steps) = if now < self.started() {
            (Phase::Queued, 0)
        } else if now < self.processed() {
            (Phase::Processing, 0)
        } else if now < tuned {
            let passed = now.duration_since(self.processed()).unwrap_or_default();
            let share = passed.as_secs_f64() / self.tuning_time().as_secs_f64();
            (Phase::Tuning, (share * self.steps as f64) as u64)
        } else if now < self.ended() {
            (Phase::Finishing, self.steps)
        } else {
            (Phase::Done, self.steps)
        };
        Progress {
            phase,
            steps,
            epochs: steps * self.epochs / self.steps,
        }
    }

    /// The epoch that step `n` is in, counted from 1.
    pub(crate) fn epoch_of(&self, n: u64) -> u64 {
        (n * self.epochs).div_ceil(self.steps).max(1)
    }

    /// The last step of an epoch, counted from 1.
    pub(crate) fn last_step_of(&self, epoch: u64) -> u64 {
        self.steps * epoch / self.epochs
    }

    /// The mean loss of step `n`: an exponential fall towards a floor, with a little noise.
    pub(crate) fn loss(&self, n: u64) -> f64 {
        const START: f64 = 2.6;
        const FLOOR: f64 = 0.4;
        const STEEPNESS: f64 = 3.5;
        let share = n as f64 / self.steps as f64;
        let noise = Rng::new(mix(self.seed) ^ mix(n)).fraction() - 0.5;
        let loss = FLOOR + (START - FLOOR) * (-STEEPNESS * share).exp() + 0.08 * noise;
        (loss * 10_000.0).round() / 10_000.0
    }

    fn tuning_time(&self) -> Duration {
        let tuned = self.pace.end_of(self.created, self.epochs + 1);
        tuned.duration_since(self.processed()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan() -> Plan {
        let pace = Pace {
            queued: Duration::from_secs(10),
            step: Duration::from_secs(60),
        };
        Plan::new(3, 10, 4, pace, SystemTime::UNIX_EPOCH)
    }

    #[test]
    fn a_job_goes_through_its_phases() {
        let plan = plan();
        assert_eq!(plan.steps, 9);
        let at = |seconds| plan.progress(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(9).phase, Phase::Queued);
        assert_eq!(at(69).phase, Phase::Processing);
        let begun = at(70);
        assert_eq!(
            (begun.phase, begun.steps, begun.epochs),
            (Phase::Tuning, 0, 0)
        );
        let middle = at(70 + 91);
        assert_eq!((middle.steps, middle.epochs), (4, 1));
        assert_eq!(at(250).phase, Phase::Finishing);
        let done = at(310);
        assert_eq!((done.phase, done.steps, done.epochs), (Phase::Done, 9, 3));
        assert_eq!(
            plan.time_of(9),
            SystemTime::UNIX_EPOCH + Duration::from_secs(250)
        );
        assert_eq!(
            (plan.epoch_of(1), plan.epoch_of(4), plan.epoch_of(9)),
            (1, 2, 3)
        );
        assert_eq!(plan.last_step_of(2), 6);
    }

    #[test]
    fn the_loss_falls() {
        let plan = Plan::new(5, 100, 4, Pace::default(), SystemTime::UNIX_EPOCH).with_seed(3);
        let mean = |steps: std::ops::Range<u64>| {
            let count = (steps.end - steps.start) as f64;
            steps.map(|n| plan.loss(n)).sum::<f64>() / count
        };
        assert!(mean(1..20) > mean(40..60) && mean(40..60) > mean(100..120));
        assert!((1..=125).all(|n| plan.loss(n) > 0.0));
    }

    #[test]
    fn no_time_at_all_is_done_at_once() {
        let pace = Pace {
            queued: Duration::ZERO,
            step: Duration::ZERO,
        };
        let plan = Plan::new(2, 1, 1, pace, SystemTime::UNIX_EPOCH);
        assert_eq!(plan.progress(SystemTime::UNIX_EPOCH).phase, Phase::Done);
    }
}
