//! Every derivative against central differences.

use std::sync::Arc;

use gimmal_client::types::tinker::Datum;
use gimmal_training::candle::{D, Device, Tensor, bail};
use gimmal_training::{
    Axis, Center, Consistency, ConsistencyMetric, Direction, ElasticNet, Entropy, EntropyMode,
    GradientPenalty, KlDivergence, L1, L2, Magnitude, Orthogonality, OrthogonalityMode,
    OutputMagnitude, Reduction, Regularizer, Target, execute, gradient, ops,
};
use proptest::prelude::*;

use crate::numbers::{datum_with, numbers};

const STEP: f64 = 1e-6;
const ROWS: usize = 2;
const CLASSES: usize = 3;

fn matrix(values: &[f64]) -> Tensor {
    Tensor::new(values, &Device::Cpu)
        .unwrap()
        .reshape((ROWS, CLASSES))
        .unwrap()
}

/// Compares a gradient with the differences of values a step to both sides.
fn agrees(
    function: &dyn Fn(&Tensor) -> Result<Tensor, gimmal_training::Error>,
    x: &[f64],
) -> Result<(), TestCaseError> {
    let at = |x: &[f64]| numbers(&function(&matrix(x)).unwrap()).iter().sum::<f64>();
    let exact = numbers(&gradient(function, &matrix(x)).unwrap());
    for (place, exact) in exact.into_iter().enumerate() {
        let (mut ahead, mut behind) = (x.to_vec(), x.to_vec());
        ahead[place] += STEP;
        behind[place] -= STEP;
        let differences = (at(&ahead) - at(&behind)) / (2.0 * STEP);
        let allowed = 1e-5 * exact.abs().max(differences.abs()).max(1.0);
        prop_assert!(
            (exact - differences).abs() <= allowed,
            "{exact} is not {differences} at {place} of {x:?}"
        );
    }
    Ok(())
}

type Penalty = Arc<dyn Fn(&Tensor) -> Result<Tensor, gimmal_training::Error>>;

fn of(regularizer: impl Regularizer, data: Vec<Datum>) -> Penalty {
    Arc::new(move |x: &Tensor| Ok(execute(&regularizer, &data, x)?.value))
}

/// Numbers that are no closer to a kink than differences reach.
fn logprob() -> impl Strategy<Value = f64> {
    (-3.0..-0.05_f64).prop_filter("away from kinks", |x| {
        [0.5, 1.0, 1.5]
            .iter()
            .all(|kink| (x.abs() - kink).abs() > 1e-3)
    })
}

fn logprobs() -> impl Strategy<Value = Vec<f64>> {
    prop::collection::vec(logprob(), ROWS * CLASSES)
}

fn reduction() -> impl Strategy<Value = Reduction> {
    prop_oneof![Just(Reduction::Sum), Just(Reduction::Mean)]
}

proptest! {
    /// Covers: CHK-AD-1
    #[test]
    fn sizes(x in logprobs(), reduction in reduction(), lambda in 0.1..3.0_f64, ratio in 0.0..=1.0_f64) {
        let l1 = L1::new().with_reduction(reduction).with_lambda(lambda);
        agrees(&*of(l1.clone(), vec![]), &x)?;
        agrees(&*of(l1.with_target(Target::Probs), vec![]), &x)?;
        let l2 = L2::new().with_reduction(reduction).with_lambda(lambda);
        agrees(&*of(l2.clone(), vec![]), &x)?;
        agrees(&*of(l2.clone().with_center(Center::Mean), vec![]), &x)?;
        agrees(&*of(l2.with_clip(1.0), vec![]), &x)?;
        let net = ElasticNet::new().with_reduction(reduction).with_l1_ratio(ratio);
        agrees(&*of(net.with_lambda(lambda), vec![]), &x)?;
        agrees(&*of(OutputMagnitude::new(Magnitude::Rms, lambda), vec![]), &x)?;
        agrees(&*of(OutputMagnitude::new(Magnitude::Norm, lambda), vec![]), &x)?;
    }

    /// Covers: CHK-AD-1
    #[test]
    fn distributions(
        x in logprobs(),
        other in logprobs(),
        reduction in reduction(),
        temperature in prop_oneof![Just(1.0), 0.3..3.0_f64],
        normalize: bool,
    ) {
        for mode in [EntropyMode::Minimize, EntropyMode::Maximize] {
            let entropy = Entropy::new().with_mode(mode).with_reduction(reduction);
            let entropy = entropy.with_temperature(temperature).with_normalize(normalize);
            agrees(&*of(entropy, vec![]), &x)?;
        }
        let kl = KlDivergence::from_logprobs(matrix(&other)).with_reduction(reduction);
        for direction in [Direction::Forward, Direction::Reverse] {
            agrees(&*of(kl.clone().with_direction(direction), vec![]), &x)?;
        }
        agrees(&*of(kl.with_symmetric(true), vec![]), &x)?;
    }

    /// Covers: CHK-AD-1
    #[test]
    fn two_views(x in logprobs(), other in logprobs(), reduction in reduction()) {
        let apart = x.iter().zip(&other).all(|(a, b)| (a - b).abs() > 1e-3);
        prop_assume!(apart);
        let data = vec![datum_with("original_logprobs", &matrix(&other))];
        for metric in [ConsistencyMetric::Mse, ConsistencyMetric::L1, ConsistencyMetric::Cosine, ConsistencyMetric::Kl] {
            let consistency = Consistency::new().with_metric(metric).with_reduction(reduction);
            agrees(&*of(consistency, data.clone()), &x)?;
        }
    }

    /// Covers: CHK-AD-1
    #[test]
    fn rows_with_nothing_in_common(x in logprobs(), normalize: bool) {
        for mode in [OrthogonalityMode::Soft, OrthogonalityMode::Hard, OrthogonalityMode::Spectral] {
            for axis in [Axis::Rows, Axis::Sequence, Axis::Vocabulary] {
                let one = Orthogonality::new().with_mode(mode).with_axis(axis);
                agrees(&*of(one.with_normalize(normalize), vec![]), &x)?;
            }
        }
    }

    /// Covers: CHK-AD-1
    #[test]
    fn slopes_of_slopes(x in logprobs(), target in 0.0..3.0_f64, epsilon in 0.05..1.0_f64) {
        let smooth = |x: &Tensor| Ok((x.exp()? * x.sqr()?)?.sum_all()?);
        let penalty = GradientPenalty::new(smooth).with_target_norm(target);
        agrees(&*of(penalty.clone(), vec![]), &x)?;
        let data = vec![datum_with("reference_logprobs", &matrix(&[-1.0; ROWS * CLASSES]))];
        agrees(&*of(penalty.with_interpolation(epsilon), data), &x)?;
    }

    /// Covers: CHK-AD-1
    #[test]
    fn random_expressions(x in logprobs(), steps in prop::collection::vec((0..OPERATIONS, any::<bool>()), 1..7)) {
        let expression = move |x: &Tensor| -> Result<Tensor, gimmal_training::Error> {
            let mut value = x.clone();
            for (operation, with_input) in &steps {
                value = apply(*operation, &value)?;
                if *with_input {
                    value = value.broadcast_add(&(x * 0.5)?)?;
                }
            }
            Ok(value)
        };
        agrees(&expression, &x)?;
    }
}

const OPERATIONS: usize = 20;

/// One step of an expression. What has a kink is bent away from it, and nothing grows large.
fn apply(operation: usize, x: &Tensor) -> gimmal_training::candle::Result<Tensor> {
    let bounded = x.tanh()?;
    match operation {
        0 => bounded.exp(),
        1 => (bounded + 1.5)?.log(),
        2 => (bounded + 1.5)?.sqrt(),
        3 => ops::abs(&(bounded + 1.5)?),
        4 => bounded.neg(),
        5 => bounded.sqr(),
        6 => (bounded + 2.0)?.powf(1.7),
        7 => (&bounded * x)?.tanh(),
        8 => bounded.broadcast_div(&(bounded.sqr()?.sum_all()? + 1.0)?),
        9 => bounded.broadcast_sub(&bounded.mean_keepdim(D::Minus1)?),
        10 => ops::log_softmax(&bounded),
        11 => ops::log_sigmoid(&(bounded + 1.5)?),
        12 => ops::clamp(&bounded, -5.0, 5.0),
        13 => bounded.matmul(&bounded.t()?)?.matmul(&bounded),
        14 => bounded.t()?.contiguous()?.reshape((ROWS, CLASSES)),
        15 => Tensor::cat(&[&bounded.narrow(1, 1, 2)?, &bounded.narrow(1, 0, 1)?], 1),
        16 => {
            let picks = Tensor::new(&[[2_u32, 0, 1], [1, 1, 0]], x.device())?;
            bounded.contiguous()?.gather(&picks, 1)
        }
        17 => bounded.broadcast_sub(&bounded.log_sum_exp(D::Minus1)?.unsqueeze(1)?),
        18 => {
            // Two that are the same share the derivative.
            bounded.maximum(&bounded)
        }
        19 => {
            let mask = Tensor::new(&[[1_u8, 0, 1], [0, 1, 1]], x.device())?;
            mask.where_cond(&bounded, &(x * 0.1)?)
        }
        _ => bail!("there is no operation {operation}"),
    }
}
