//! The loss functions by name: what a loss makes of the logprobs of the targets, and its slope
//! against each of them. Knows nothing of the model that gave the logprobs.

use std::collections::BTreeMap;

use super::{Datum, Problem};

/// A value of a loss's configuration.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Setting {
    Number(f64),
    Text(String),
}

/// A loss with its configuration.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Loss {
    /// `Σ −w·lp`.
    CrossEntropy,
    /// `Σ −r·A`, with the ratio `r = exp(lp − q)` to the sampler's logprob `q`.
    ImportanceSampling,
    /// `Σ −min(r·A, clip(r)·A)`.
    Ppo(Clip),
    /// `Σ −clip(r)·A·lp`, where the clipped ratio is a constant.
    Cispo(Clip),
    /// `Σ −(A·lp − β/2·(lp − q)²)`.
    Dro { beta: f64 },
    /// The loss of `ppo` with one ratio for a whole sequence: the geometric mean of its ratios.
    Gspo(Clip),
    /// The loss of `ppo` with a logarithm of the ratio that is bounded before it is raised.
    StableReinforce(Clip),
}

/// The bounds of a ratio; a datum may bring bounds of its own for each target.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Clip {
    low: f64,
    high: f64,
}

/// What a loss made of one datum.
#[derive(Clone, Debug)]
pub(crate) struct Verdict {
    pub(crate) loss: f64,
    /// The derivative of the loss by each logprob.
    pub(crate) slopes: Vec<f32>,
}

/// Farthest from one that `stable_reinforce` lets a ratio go, as a factor.
const STABLE_FACTOR: f64 = 1000.0;

impl Loss {
    /// The loss of this name.
    pub(crate) fn parse(name: &str, config: &BTreeMap<String, Setting>) -> Result<Self, Problem> {
        let mut known: &[&str] = &[];
        let number = |key: &str, default: f64| match config.get(key) {
            None => Ok(default),
            Some(Setting::Number(value)) if value.is_finite() => Ok(*value),
            Some(_) => Err(Problem::user(format!(
                "loss_fn_config.{key} must be a number"
            ))),
        };
        let clip = || {
            let clip = Clip {
                low: number("clip_low_threshold", 0.8)?,
                high: number("clip_high_threshold", 1.2)?,
            };
            if clip.low > clip.high {
                return Err(Problem::user(
                    "loss_fn_config.clip_low_threshold is above clip_high_threshold",
                ));
            }
            Ok(clip)
        };
        const BOUNDS: &[&str] = &["clip_low_threshold", "clip_high_threshold"];
        let loss = match name {
            "cross_entropy" => Self::CrossEntropy,
            "importance_sampling" => Self::ImportanceSampling,
            "ppo" | "cispo" | "gspo" | "stable_reinforce" => {
                known = BOUNDS;
                let clip = clip()?;
                match name {
                    "ppo" => Self::Ppo(clip),
                    "cispo" => Self::Cispo(clip),
                    "gspo" => Self::Gspo(clip),
                    _ => Self::StableReinforce(clip),
                }
            }
            "dro" => {
                known = &["beta"];
                Self::Dro {
                    beta: number("beta", 0.05)?,
                }
            }
            "custom" => {
                return Err(Problem::user(
                    "custom losses are not run by this server: keep the server flag \
                     custom_loss_server_side off and they are run by the client",
                ));
            }
            other => return Err(Problem::user(format!("there is no loss_fn `{other}`"))),
        };
        match config.keys().find(|key| !known.contains(&key.as_str())) {
            Some(key) => Err(Problem::user(format!("{name} has no setting `{key}`"))),
            None => Ok(loss),
        }
    }

    /// Judges the logprobs of a datum's targets.
    pub(crate) fn judge(&self, datum: &Datum, logprobs: &[f32]) -> Result<Verdict, Problem> {
        let len = logprobs.len();
        if matches!(self, Self::CrossEntropy) {
            let ones;
            let weights = match datum.floats("weights", len)? {
                Some(weights) => weights,
                None => {
                    ones = vec![1.0; len];
                    &ones
                }
            };
            let terms = logprobs.iter().zip(weights);
            return Ok(Verdict {
                loss: terms.map(|(lp, w)| -f64::from(*lp) * f64::from(*w)).sum(),
                slopes: weights.iter().map(|w| -w).collect(),
            });
        }
        let advantages = datum.needed("advantages", len)?;
        let sampled = datum.needed("logprobs", len)?;
        let low = datum.floats("clip_low_threshold", len)?;
        let high = datum.floats("clip_high_threshold", len)?;
        let bounds = |at: usize, clip: Clip| Clip {
            low: low.map_or(clip.low, |low| f64::from(low[at])),
            high: high.map_or(clip.high, |high| f64::from(high[at])),
        };
        let gap = |at: usize| f64::from(logprobs[at]) - f64::from(sampled[at]);
        let advantage = |at: usize| f64::from(advantages[at]);
        if let Self::Gspo(clip) = self {
            let mask = datum.floats("sequence_ratio_mask", len)?;
            return Ok(sequence_level(len, mask, gap, advantage, |at| {
                bounds(at, *clip)
            }));
        }
        let mut loss = 0.0;
        let mut slopes = Vec::with_capacity(len);
        for (at, logprob) in logprobs.iter().enumerate() {
            let (a, gap, logprob) = (advantage(at), gap(at), f64::from(*logprob));
            let ratio = gap.exp();
            let (term, slope) = match self {
                Self::ImportanceSampling => (-ratio * a, -ratio * a),
                Self::Ppo(clip) => surrogate(ratio, ratio, a, bounds(at, *clip)),
                Self::StableReinforce(clip) => {
                    let most = STABLE_FACTOR.ln();
                    let bounded = gap.clamp(-most, most);
                    let rise = if bounded == gap { bounded.exp() } else { 0.0 };
                    surrogate(bounded.exp(), rise, a, bounds(at, *clip))
                }
                Self::Cispo(clip) => {
                    let kept = bounds(at, *clip).apply(ratio);
                    (-kept * a * logprob, -kept * a)
                }
                Self::Dro { beta } => (-(a * logprob - 0.5 * beta * gap * gap), -(a - beta * gap)),
                Self::CrossEntropy | Self::Gspo(_) => (0.0, 0.0),
            };
            loss += term;
            slopes.push(slope as f32);
        }
        Ok(Verdict { loss, slopes })
    }
}

impl Clip {
    fn apply(self, ratio: f64) -> f64 {
        ratio.max(self.low).min(self.high)
    }
}

/// The clipped surrogate and its slope; `rise` is the derivative of the ratio by the logprob.
fn surrogate(ratio: f64, rise: f64, advantage: f64, clip: Clip) -> (f64, f64) {
    let (free, bound) = (ratio * advantage, clip.apply(ratio) * advantage);
    if free <= bound {
        (-free, -rise * advantage)
    } else {
        (-bound, 0.0)
    }
}

/// The clipped surrogate with one ratio for the sequence; every masked logprob moves it alike.
fn sequence_level(
    len: usize,
    mask: Option<&[f32]>,
    gap: impl Fn(usize) -> f64,
    advantage: impl Fn(usize) -> f64,
    bounds: impl Fn(usize) -> Clip,
) -> Verdict {
    let counts = |at: usize| mask.is_none_or(|mask| mask[at] != 0.0);
    let places: Vec<usize> = (0..len).filter(|at| counts(*at)).collect();
    let share = 1.0 / places.len().max(1) as f64;
    let ratio = (places.iter().map(|at| gap(*at)).sum::<f64>() * share).exp();
    let terms = places
        .iter()
        .map(|at| surrogate(ratio, ratio, advantage(*at), bounds(*at)));
    let (loss, rise) = terms.fold((0.0, 0.0), |(l, r), (term, slope)| (l + term, r + slope));
    let slope = (rise * share) as f32;
    let slopes = (0..len).map(|at| if counts(at) { slope } else { 0.0 });
    Verdict {
        loss,
        slopes: slopes.collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tinker::engine::{Tensor, Values};

    fn datum(inputs: &[(&str, &[f32])]) -> Datum {
        let inputs = inputs.iter().map(|(name, values)| {
            let tensor = Tensor::new(Vec::new(), Values::F32(values.to_vec())).expect("a row");
            ((*name).to_owned(), tensor)
        });
        Datum {
            tokens: vec![1, 2, 3],
            inputs: inputs.collect(),
        }
    }

    #[test]
    fn every_slope_is_the_difference_quotient_of_its_loss() {
        let datum = datum(&[
            ("weights", &[0.5, 0.0, 2.0]),
            ("advantages", &[1.0, -0.5, 0.7]),
            ("logprobs", &[-1.0, -2.5, -0.4]),
        ]);
        let logprobs = [-1.05_f32, -2.45, -0.35];
        for name in [
            "cross_entropy",
            "importance_sampling",
            "ppo",
            "dro",
            "gspo",
            "stable_reinforce",
        ] {
            let loss = Loss::parse(name, &BTreeMap::new()).expect(name);
            let verdict = loss.judge(&datum, &logprobs).expect(name);
            for at in 0..3 {
                let moved = |by: f32| {
                    let mut moved = logprobs;
                    moved[at] += by;
                    loss.judge(&datum, &moved).expect(name).loss
                };
                let h = 1e-3;
                let quotient = (moved(h) - moved(-h)) / (2.0 * f64::from(h));
                let slope = f64::from(verdict.slopes[at]);
                assert!(
                    (slope - quotient).abs() < 1e-2,
                    "{name}: {slope} {quotient}"
                );
            }
        }
    }

    #[test]
    fn a_ratio_beyond_its_bounds_has_no_slope_in_ppo_and_a_bounded_one_in_cispo() {
        let datum = datum(&[
            ("advantages", &[1.0, 1.0, -1.0]),
            ("logprobs", &[-2.0, -1.0, -1.0]),
        ]);
        let far = [-1.0_f32, -1.0, -2.0];
        let config = BTreeMap::from([("clip_high_threshold".to_owned(), Setting::Number(1.5))]);
        let ppo = Loss::parse("ppo", &config).expect("ppo");
        assert_eq!(
            ppo.judge(&datum, &far).expect("ppo").slopes,
            [0.0, -1.0, 0.0]
        );
        let cispo = Loss::parse("cispo", &config).expect("cispo");
        assert_eq!(
            cispo.judge(&datum, &far).expect("cispo").slopes,
            [-1.5, -1.0, 0.8]
        );
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let why = |name: &str, config: &[(&str, f64)]| {
            let config = config
                .iter()
                .map(|(k, v)| ((*k).to_owned(), Setting::Number(*v)));
            Loss::parse(name, &config.collect())
                .expect_err("refused")
                .message
        };
        assert!(why("hinge", &[]).contains("`hinge`"));
        assert!(why("ppo", &[("beta", 1.0)]).contains("`beta`"));
        assert!(why("dro", &[("beta", f64::NAN)]).contains("beta"));
        let missing = Loss::ImportanceSampling.judge(&datum(&[]), &[0.0; 3]);
        assert!(missing.expect_err("refused").message.contains("advantages"));
        let short = Loss::CrossEntropy.judge(&datum(&[("weights", &[1.0])]), &[0.0; 3]);
        assert!(
            short
                .expect_err("refused")
                .message
                .contains("weights has 1")
        );
    }
}
