//! Learning rates over the steps of a run: warm-up, then one of three decays.
//!
//! Everything is a pure function of the step. Nothing here counts steps or talks to a server.

use std::f64::consts::PI;
use std::fmt;

/// How the learning rate falls after warm-up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Decay {
    /// It stays at the peak.
    #[default]
    Constant,
    /// It falls by the same amount at every step.
    Linear,
    /// It falls along half a cosine: slowly, then fast, then slowly.
    Cosine,
}

impl Decay {
    /// Its name in the files of a run: `constant`, `linear` or `cosine`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Linear => "linear",
            Self::Cosine => "cosine",
        }
    }

    /// The share of the way from floor to peak that is left after `progress` of the decay.
    ///
    /// Both lie between 0 and 1; progress outside of that is clamped.
    #[must_use]
    pub fn remaining(self, progress: f64) -> f64 {
        let progress = progress.clamp(0.0, 1.0);
        match self {
            Self::Constant => 1.0,
            Self::Linear => 1.0 - progress,
            Self::Cosine => f64::midpoint(1.0, (PI * progress).cos()),
        }
    }
}

/// The learning rate of every step of a run.
///
/// ```
/// use gimmal_training::{Decay, LrSchedule};
///
/// let schedule = LrSchedule::new(4.0, 8)?.with_decay(Decay::Linear).with_warmup_steps(4);
/// let rates: Vec<f64> = (0..9).map(|step| schedule.at(step)).collect();
/// assert_eq!(rates, [1.0, 2.0, 3.0, 4.0, 4.0, 3.0, 2.0, 1.0, 0.0]);
/// # Ok::<(), gimmal_training::InvalidSchedule>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
#[must_use]
pub struct LrSchedule {
    peak: f64,
    total_steps: u64,
    warmup_steps: u64,
    floor_ratio: f64,
    decay: Decay,
}

impl LrSchedule {
    /// A constant learning rate over `total_steps`, without warm-up.
    ///
    /// The peak must be a positive, finite number.
    pub fn new(peak: f64, total_steps: u64) -> Result<Self, InvalidSchedule> {
        if !(peak.is_finite() && peak > 0.0) {
            return Err(InvalidSchedule::new(
                "peak",
                peak,
                "a positive, finite number",
            ));
        }
        Ok(Self {
            peak,
            total_steps,
            warmup_steps: 0,
            floor_ratio: 0.0,
            decay: Decay::Constant,
        })
    }

    /// Sets how the rate falls after warm-up.
    pub fn with_decay(mut self, decay: Decay) -> Self {
        self.decay = decay;
        self
    }

    /// Sets the steps of warm-up. As many as the run has, or more, leave none for the decay.
    pub fn with_warmup_steps(mut self, steps: u64) -> Self {
        self.warmup_steps = steps;
        self
    }

    /// Sets where the decay ends, as a share of the peak between 0 and 1.
    pub fn with_floor_ratio(mut self, ratio: f64) -> Result<Self, InvalidSchedule> {
        if !(0.0..=1.0).contains(&ratio) {
            return Err(InvalidSchedule::new(
                "floor_ratio",
                ratio,
                "a number between 0 and 1",
            ));
        }
        self.floor_ratio = ratio;
        Ok(self)
    }

    /// The highest learning rate.
    #[must_use]
    pub fn peak(&self) -> f64 {
        self.peak
    }

    /// Where the decay ends, as a share of the peak.
    #[must_use]
    pub fn floor_ratio(&self) -> f64 {
        self.floor_ratio
    }

    /// The learning rate a linear or cosine decay ends at.
    #[must_use]
    pub fn floor(&self) -> f64 {
        self.peak * self.floor_ratio
    }

    /// How the rate falls after warm-up.
    #[must_use]
    pub fn decay(&self) -> Decay {
        self.decay
    }

    /// The steps of warm-up.
    #[must_use]
    pub fn warmup_steps(&self) -> u64 {
        self.warmup_steps
    }

    /// The steps of the whole run, warm-up included.
    #[must_use]
    pub fn total_steps(&self) -> u64 {
        self.total_steps
    }

    /// The learning rate of a step, counted from 0.
    ///
    /// Steps behind the end of the run keep the rate the decay ended at.
    #[must_use]
    pub fn at(&self, step: u64) -> f64 {
        if step < self.warmup_steps {
            return self.peak * fraction(step + 1, self.warmup_steps);
        }
        let into_decay = step - self.warmup_steps;
        let decay_steps = self.total_steps.saturating_sub(self.warmup_steps);
        let progress = if step >= self.total_steps {
            1.0
        } else {
            fraction(into_decay, decay_steps)
        };
        let floor = self.floor();
        floor + (self.peak - floor) * self.decay.remaining(progress)
    }
}

/// A schedule that was given a number it cannot use.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InvalidSchedule {
    field: &'static str,
    value: f64,
    expected: &'static str,
}

impl InvalidSchedule {
    fn new(field: &'static str, value: f64, expected: &'static str) -> Self {
        Self {
            field,
            value,
            expected,
        }
    }

    /// The field that was refused.
    #[must_use]
    pub fn field(&self) -> &'static str {
        self.field
    }
}

impl fmt::Display for InvalidSchedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} is {}: give {}",
            self.field, self.value, self.expected
        )
    }
}

impl std::error::Error for InvalidSchedule {}

/// A quotient of step counts. Runs are far shorter than 2^53 steps, so nothing is lost.
fn fraction(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates(schedule: LrSchedule, steps: &[u64]) -> Vec<f64> {
        steps.iter().map(|step| schedule.at(*step)).collect()
    }

    #[test]
    fn constant_is_constant_for_ever() {
        let schedule = LrSchedule::new(2.0, 4).unwrap();
        assert_eq!(rates(schedule, &[0, 3, 4, u64::MAX]), [2.0; 4]);
    }

    #[test]
    fn linear_reaches_the_floor_at_the_end() {
        let schedule = LrSchedule::new(8.0, 4).unwrap().with_decay(Decay::Linear);
        assert_eq!(
            rates(schedule, &[0, 1, 2, 3, 4, 9]),
            [8.0, 6.0, 4.0, 2.0, 0.0, 0.0]
        );
        let floored = schedule.with_floor_ratio(0.5).unwrap();
        assert_eq!(rates(floored, &[0, 2, 4]), [8.0, 6.0, 4.0]);
    }

    #[test]
    fn cosine_passes_the_middle_at_half_time() {
        let schedule = LrSchedule::new(1.0, 4).unwrap().with_decay(Decay::Cosine);
        let expected = [
            1.0,
            (1.0 + 0.5_f64.sqrt()) / 2.0,
            0.5,
            (1.0 - 0.5_f64.sqrt()) / 2.0,
            0.0,
        ];
        for (step, expected) in (0..).zip(expected) {
            assert!((schedule.at(step) - expected).abs() < 1e-12, "step {step}");
        }
    }

    #[test]
    fn warmup_climbs_to_the_peak() {
        let schedule = LrSchedule::new(3.0, 9).unwrap().with_warmup_steps(3);
        assert_eq!(rates(schedule, &[0, 1, 2, 3]), [1.0, 2.0, 3.0, 3.0]);
    }

    #[test]
    fn warmup_as_long_as_the_run_leaves_no_decay() {
        let schedule = LrSchedule::new(2.0, 2)
            .unwrap()
            .with_decay(Decay::Linear)
            .with_warmup_steps(4);
        assert_eq!(rates(schedule, &[0, 1, 2, 3, 4]), [0.5, 1.0, 1.5, 2.0, 0.0]);
    }

    #[test]
    fn a_run_of_no_steps_is_at_its_end() {
        let schedule = LrSchedule::new(2.0, 0).unwrap().with_decay(Decay::Cosine);
        assert!(schedule.at(0).abs() < 1e-12);
    }

    #[test]
    fn unusable_numbers_are_refused_by_name() {
        for peak in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(LrSchedule::new(peak, 1).unwrap_err().field(), "peak");
        }
        let schedule = LrSchedule::new(1.0, 1).unwrap();
        for ratio in [-0.1, 1.1, f64::NAN] {
            assert_eq!(
                schedule.with_floor_ratio(ratio).unwrap_err().field(),
                "floor_ratio"
            );
        }
        assert_eq!(
            schedule.with_floor_ratio(2.0).unwrap_err().to_string(),
            "floor_ratio is 2: give a number between 0 and 1"
        );
    }
}
