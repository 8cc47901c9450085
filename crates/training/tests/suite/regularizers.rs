//! Each regularizer against its figures, in both precisions.

use gimmal_client::types::tinker::Datum;
use gimmal_training::candle::{Device, Tensor};
use gimmal_training::{
    Axis, Center, Consistency, ConsistencyMetric, Direction, ElasticNet, Entropy, EntropyMode,
    Error, ErrorKind, GradientPenalty, KlDivergence, L1, L2, Magnitude, MetricValue, Orthogonality,
    OrthogonalityMode, OutputMagnitude, Penalty, Reduction, Regularizer, Target, WithOptions,
    execute, js_divergence,
};

use crate::numbers::{datum_with, figure, in_both, numbers, slope};

fn refused(regularizer: &impl Regularizer, data: &[Datum]) -> Error {
    let x = Tensor::new(&[[-1.0_f64, -2.0]], &Device::Cpu).unwrap();
    execute(regularizer, data, &x).unwrap_err()
}

fn metric(penalty: &Penalty, name: &str) -> f64 {
    penalty.metrics[name].as_f64().unwrap()
}

/// Covers: CHK-RG-1
#[test]
fn functions_functions_with_options_and_structs_are_regularizers() {
    let function = |_: &[Datum], x: &Tensor| -> Result<Penalty, Error> { Ok(x.sum_all()?.into()) };
    let with_options = WithOptions {
        function: |_: &[Datum], x: &Tensor, factor: &f64| -> Result<Penalty, Error> {
            Ok((x.sum_all()? * *factor)?.into())
        },
        options: 3.0,
    };
    let x = Tensor::new(&[1.0_f64, 2.0], &Device::Cpu).unwrap();
    let value = |penalty: Result<Penalty, Error>| numbers(&penalty.unwrap().value);
    assert_eq!(value(execute(&function, &[], &x)), [3.0]);
    assert_eq!(value(execute(&with_options, &[], &x)), [9.0]);
    assert_eq!(value(execute(&L1::new(), &[], &x)), [3.0]);
    assert_eq!(function.name(), None);
    assert_eq!(L1::new().name().unwrap(), "l1_sparsity");
}

/// Covers: CHK-L1, CHK-AD-2
#[test]
fn l1_has_its_figures() {
    in_both(|at| {
        let x = at.given("l1.x");
        at.value(&L1::new(), &x, "l1.sum");
        at.value(&L1::new().with_lambda(0.1), &x, "l1.sum_lambda_0_1");
        let mean = L1::new().with_reduction(Reduction::Mean);
        at.value(&mean, &x, "l1.mean");
        at.grad_norm(&L1::new(), &[], &x, "l1.grad_norm_sum");
        at.grad_norm(&mean, &[], &x, "l1.grad_norm_mean");
        let logprobs = at.log_of("l1.logprobs_p");
        at.value(&L1::new(), &logprobs, "l1.lp_sum");
        let penalty = at.value(&mean, &logprobs, "l1.lp_mean");
        assert!((metric(&penalty, "l1_mean") - figure("l1.l1_mean_metric")).abs() < 1e-4);
        let probs = L1::new().with_target(Target::Probs);
        at.value(&probs, &logprobs, "l1.probs_target_sum");
        let field = L1::new().with_target(Target::Field("mine".to_owned()));
        at.value_of(&field, &[datum_with("mine", &x)], &logprobs, "l1.sum");
    });
    let zeros = Tensor::new(&[0.0_f64, -1.0], &Device::Cpu).unwrap();
    assert_eq!(slope(&L1::new(), &[], &zeros), [0.0, -1.0]);
    let penalty = execute(&L1::new(), &[], &zeros).unwrap();
    assert_eq!(metric(&penalty, "l1_sparsity_ratio"), 0.5);
}

/// Covers: CHK-L2, CHK-AD-2
#[test]
fn l2_has_its_figures() {
    in_both(|at| {
        let x = at.given("l2.x");
        let mean = L2::new().with_reduction(Reduction::Mean);
        let centred = L2::new().with_center(Center::Mean);
        at.value(&L2::new(), &x, "l2.sum");
        at.value(&L2::new().with_lambda(0.1), &x, "l2.sum_lambda_0_1");
        at.value(&mean, &x, "l2.mean");
        at.value(&centred, &x, "l2.center_mean_sum");
        at.value(&mean.with_center(Center::Mean), &x, "l2.center_mean_mean");
        at.value(
            &L2::new().with_center(Center::At(0.5)),
            &x,
            "l2.center_0_5_sum",
        );
        at.value(&L2::new().with_clip(2.0), &x, "l2.clip_2_sum");
        at.value(
            &centred.clone().with_clip(0.5),
            &x,
            "l2.center_mean_clip_0_5_sum",
        );
        at.grad_norm(&L2::new(), &[], &x, "l2.grad_norm_sum");
        at.grad_norm(&centred, &[], &x, "l2.grad_norm_center_mean");
        let logprobs = at.log_of("l2.lp_p");
        at.value(&L2::new(), &logprobs, "l2.lp_sum");
        let penalty = at.value(&centred, &logprobs, "l2.lp_center_mean");
        assert_eq!(penalty.metrics["center"], MetricValue::from("mean"));
    });
    // Beyond the clip there is no slope, at it there is.
    let x = Tensor::new(&[3.0_f64, 2.0, -1.0], &Device::Cpu).unwrap();
    assert_eq!(slope(&L2::new().with_clip(2.0), &[], &x), [0.0, 4.0, -2.0]);
}

/// Covers: CHK-EN, CHK-AD-2
#[test]
fn elastic_net_has_its_figures() {
    let ratio = |ratio| ElasticNet::new().with_l1_ratio(ratio);
    in_both(|at| {
        let x = at.given("elastic_net.x");
        let mean = ElasticNet::new().with_reduction(Reduction::Mean);
        at.value(
            &ratio(0.5).with_lambda(0.1),
            &x,
            "elastic_net.lambda_0_1_ratio_0_5",
        );
        at.value(&ratio(0.5), &x, "elastic_net.ratio_0_5");
        at.value(&ratio(0.25), &x, "elastic_net.ratio_0_25");
        at.value(&ratio(1.0), &x, "elastic_net.ratio_1");
        at.value(&ratio(0.0), &x, "elastic_net.ratio_0");
        at.value(&mean, &x, "elastic_net.mean_ratio_0_5");
        at.grad_norm(&ratio(0.5), &[], &x, "elastic_net.grad_norm_ratio_0_5");
        let logprobs = at.log_of("elastic_net.lp_p");
        at.value(&ratio(0.5), &logprobs, "elastic_net.lp_ratio_0_5");
    });
}

/// Covers: CHK-ENT, CHK-AD-2
#[test]
fn entropy_has_its_figures() {
    let reduced = |reduction| Entropy::new().with_reduction(reduction);
    in_both(|at| {
        let row = at.log_of("entropy.p");
        let penalty = at.value(&Entropy::new(), &row, "entropy.minimize");
        assert_eq!(penalty.metrics["mode"], MetricValue::from("minimize"));
        at.value(
            &Entropy::new().with_mode(EntropyMode::Maximize),
            &row,
            "entropy.maximize",
        );
        at.value(
            &Entropy::new().with_normalize(true),
            &row,
            "entropy.H_normalized",
        );
        at.value(
            &Entropy::new().with_temperature(0.5),
            &row,
            "entropy.H_T_0_5",
        );
        at.value(&Entropy::new().with_temperature(2.0), &row, "entropy.H_T_2");
        let uniform = at
            .tensor(&serde_json::json!([[0.25, 0.25, 0.25, 0.25]]))
            .log()
            .unwrap();
        at.value(&Entropy::new(), &uniform, "entropy.uniform4");
        let normalized = Entropy::new().with_normalize(true);
        at.value(&normalized, &uniform, "entropy.uniform4_normalized");
        let batch = at.log_of("entropy.batch_p");
        at.value(&reduced(Reduction::None), &batch, "entropy.batch_none");
        at.value(&reduced(Reduction::Sum), &batch, "entropy.batch_sum");
        at.value(&reduced(Reduction::Mean), &batch, "entropy.batch_mean");
        at.value(
            &Entropy::new(),
            &at.given("entropy.masked_lp"),
            "entropy.masked_H",
        );
        at.grad_norm(&Entropy::new(), &[], &row, "entropy.grad_norm_H");
        let slope = Tensor::new(slope(&Entropy::new(), &[], &row), &Device::Cpu).unwrap();
        at.agrees(&slope, "entropy.grad_H");
    });
    // A class that cannot be has no part in the derivative either.
    let never = Tensor::new(&[[0.0_f64, f64::NEG_INFINITY]], &Device::Cpu).unwrap();
    assert_eq!(slope(&Entropy::new(), &[], &never), [-1.0, 0.0]);
}

/// Covers: CHK-KL, CHK-AD-2
#[test]
fn kl_divergence_has_its_figures() {
    in_both(|at| {
        let (p, q) = (at.log_of("kl.p"), at.log_of("kl.q"));
        let forward = KlDivergence::from_logprobs(q.clone());
        let reverse = forward.clone().with_direction(Direction::Reverse);
        at.value(&forward, &p, "kl.forward");
        at.value(&reverse, &p, "kl.reverse");
        let penalty = at.value(&reverse.with_symmetric(true), &p, "kl.symmetric");
        assert_eq!(penalty.metrics["kl_symmetric"], MetricValue::from(true));
        at.grad_norm(&forward, &[], &p, "kl.true_grad_norm_forward");
        let slope = Tensor::new(slope(&forward, &[], &p), &Device::Cpu).unwrap();
        at.agrees(&slope, "kl.true_grad_forward");
        at.agrees(&js_divergence(&p, &q).unwrap(), "kl.js");

        let of_field = KlDivergence::from_field("reference");
        at.value_of(&of_field, &[datum_with("reference", &q)], &p, "kl.forward");
        let given = q.clone();
        let computed = KlDivergence::new().with_compute_reference(move |_, _| Ok(given.clone()));
        at.value(&computed, &p, "kl.forward");

        let (p, q) = (at.log_of("kl.batch_p"), at.log_of("kl.batch_q"));
        let reduced = |reduction| KlDivergence::from_logprobs(q.clone()).with_reduction(reduction);
        at.value(&reduced(Reduction::None), &p, "kl.batch_none");
        at.value(&reduced(Reduction::Sum), &p, "kl.batch_sum");
        let penalty = at.value(&reduced(Reduction::Mean), &p, "kl.batch_mean");
        assert!((metric(&penalty, "kl_max") - figure("kl.batch_max")).abs() < 1e-5);
        assert!((metric(&penalty, "kl_min") - figure("kl.batch_min")).abs() < 1e-5);
        let (p, q) = (at.log_of("kl.four_p"), at.log_of("kl.four_q"));
        at.value(&KlDivergence::from_logprobs(q), &p, "kl.four_forward");
        let same = execute(&KlDivergence::from_logprobs(p.clone()), &[], &p).unwrap();
        assert_eq!(numbers(&same.value), [0.0]);
    });
}

/// Covers: CHK-CON, CHK-AD-2
#[test]
fn consistency_has_its_figures() {
    let of = |metric, reduction| {
        Consistency::new()
            .with_metric(metric)
            .with_reduction(reduction)
    };
    in_both(|at| {
        let p = at.log_of("consistency.p");
        let data = [datum_with(
            "original_logprobs",
            &at.log_of("consistency.ref"),
        )];
        let mse = |reduction| of(ConsistencyMetric::Mse, reduction);
        at.value_of(&mse(Reduction::Mean), &data, &p, "consistency.mse_mean");
        at.value_of(&mse(Reduction::Sum), &data, &p, "consistency.mse_sum");
        at.value_of(&mse(Reduction::None), &data, &p, "consistency.mse_none");
        let l1 = |reduction| of("mae".parse().unwrap(), reduction);
        at.value_of(&l1(Reduction::Mean), &data, &p, "consistency.l1_mean");
        at.value_of(&l1(Reduction::Sum), &data, &p, "consistency.l1_sum");
        let cosine = of(ConsistencyMetric::Cosine, Reduction::None);
        at.value_of(&cosine, &data, &p, "consistency.cosine");
        let kl = of(ConsistencyMetric::Kl, Reduction::Mean);
        at.value_of(&kl, &data, &p, "consistency.kl_mean");
        at.grad_norm(
            &Consistency::new(),
            &data,
            &p,
            "consistency.true_grad_norm_mse",
        );
        let x = at.given("consistency.simple_x");
        let data = [datum_with("other", &at.given("consistency.simple_ref"))];
        let other = Consistency::new().with_pair_field("other");
        at.value_of(&other, &data, &x, "consistency.simple_mse");
        let data = [datum_with(
            "other",
            &at.tensor(&serde_json::json!([0.0, 1.0])),
        )];
        let right_angle = cosine.with_pair_field("other");
        let x = at.tensor(&serde_json::json!([1.0, 0.0]));
        at.value_of(&right_angle, &data, &x, "consistency.orthogonal_cosine");
    });
}

fn sum() -> GradientPenalty {
    GradientPenalty::new(|x: &Tensor| Ok(x.sum_all()?))
}

fn squares() -> GradientPenalty {
    GradientPenalty::new(|x: &Tensor| Ok(x.sqr()?.sum_all()?))
}

/// Covers: CHK-GP, CHK-AD-2
#[test]
fn gradient_penalty_has_its_figures_and_a_slope() {
    in_both(|at| {
        let two = at.tensor(&serde_json::json!([0.5, -0.5]));
        at.value(&sum(), &two, "gradient_penalty.sum_on_2");
        let x = at.given("gradient_penalty.sumsq_x");
        at.value(&squares(), &x, "gradient_penalty.sumsq");
        at.value(
            &squares().with_target_norm(2.0),
            &x,
            "gradient_penalty.sumsq_target_2",
        );
        at.grad_norm(
            &squares(),
            &[],
            &x,
            "gradient_penalty.second_order_closed_form",
        );
        let x = at.given("gradient_penalty.interp_x");
        let reference = at.given("gradient_penalty.interp_ref");
        let data = [datum_with("reference_logprobs", &reference)];
        let between = squares().with_interpolation(figure("gradient_penalty.interp_eps"));
        let penalty = at.value_of(&between, &data, &x, "gradient_penalty.interp_penalty");
        let norm = metric(&penalty, "gradient_norm");
        assert!((norm - figure("gradient_penalty.interp_grad_norm")).abs() < 1e-4);
        let x = at.given("gradient_penalty.sumsq_x");
        let rms = OutputMagnitude::new(Magnitude::Rms, 1.0);
        at.value(&rms, &x, "gradient_penalty.magnitude_mean");
        let norm = OutputMagnitude::new(Magnitude::Norm, 1.0);
        at.value(&norm, &x, "gradient_penalty.magnitude_sum");
    });
    let origin = Tensor::new(&[0.0_f64, 0.0], &Device::Cpu).unwrap();
    assert_eq!(slope(&squares(), &[], &origin), [0.0, 0.0]);
}

/// Covers: CHK-OR, CHK-AD-2
#[test]
fn orthogonality_has_its_figures() {
    let mode = |mode| Orthogonality::new().with_mode(mode);
    let raw = |kind| mode(kind).with_normalize(false);
    let axis = |axis| Orthogonality::new().with_axis(axis);
    in_both(|at| {
        let m = at.given("orthogonality.M");
        at.value(&mode(OrthogonalityMode::Soft), &m, "orthogonality.soft");
        at.value(&mode(OrthogonalityMode::Hard), &m, "orthogonality.hard");
        at.value(
            &mode(OrthogonalityMode::Spectral),
            &m,
            "orthogonality.spectral",
        );
        at.value(&raw(OrthogonalityMode::Soft), &m, "orthogonality.soft_raw");
        at.value(&raw(OrthogonalityMode::Hard), &m, "orthogonality.hard_raw");
        at.value(
            &raw(OrthogonalityMode::Spectral),
            &m,
            "orthogonality.spectral_raw",
        );
        let soft = raw(OrthogonalityMode::Soft);
        at.grad_norm(&soft, &[], &m, "orthogonality.M_grad_norm_soft_raw");
        let identity = Tensor::eye(3, at.dtype, &Device::Cpu).unwrap();
        at.value(
            &Orthogonality::new(),
            &identity,
            "orthogonality.identity_soft",
        );
        let logprobs = at.log_of("orthogonality.lp_p");
        at.value(&Orthogonality::new(), &logprobs, "orthogonality.lp_soft");
        at.value(
            &axis(Axis::Vocabulary),
            &logprobs,
            "orthogonality.lp_soft_vocab",
        );
        let x = at.given("orthogonality.X");
        at.value(&Orthogonality::new(), &x, "orthogonality.X_soft");
        at.grad_norm(
            &Orthogonality::new(),
            &[],
            &x,
            "orthogonality.X_grad_norm_soft",
        );
        let cube = at.given("orthogonality.T3");
        at.value(&axis(Axis::Rows), &cube, "orthogonality.T3_rows_soft");
        at.value(
            &axis(Axis::Sequence),
            &cube,
            "orthogonality.T3_sequence_soft",
        );
        at.value(
            &axis(Axis::Vocabulary),
            &cube,
            "orthogonality.T3_vocabulary_soft",
        );
    });
    // Rows without a length have no direction, and no derivative that is not a number.
    let zero = Tensor::new(&[[0.0_f64, 0.0], [1.0, 0.0]], &Device::Cpu).unwrap();
    assert!(
        slope(&Orthogonality::new(), &[], &zero)
            .iter()
            .all(|number| number.is_finite())
    );
}

#[test]
fn options_that_cannot_be_are_refused_by_name() {
    let none = Reduction::None;
    let fields = [
        (refused(&L1::new().with_reduction(none), &[]), "reduction"),
        (refused(&L2::new().with_reduction(none), &[]), "reduction"),
        (refused(&L2::new().with_clip(-1.0), &[]), "clip"),
        (refused(&L1::new().with_lambda(f64::NAN), &[]), "lambda"),
        (
            refused(&ElasticNet::new().with_l1_ratio(1.5), &[]),
            "l1_ratio",
        ),
        (
            refused(&Entropy::new().with_temperature(0.0), &[]),
            "temperature",
        ),
        (refused(&KlDivergence::new(), &[]), "KLDivergence"),
        (refused(&squares().with_interpolation(2.0), &[]), "epsilon"),
    ];
    for (error, field) in fields {
        assert_eq!(error.field(), Some(field), "{error}");
        assert_eq!(error.kind(), ErrorKind::Invalid);
    }
    assert!("chebyshev".parse::<ConsistencyMetric>().is_err());
}

#[test]
fn references_that_are_missing_or_of_another_shape_are_refused() {
    let field = Target::Field("mine".to_owned());
    let empty = refused(&L1::new().with_target(field.clone()), &[]);
    assert!(
        empty
            .to_string()
            .contains("Empty data; cannot resolve field"),
        "{empty}"
    );
    let long = Tensor::new(&[[-1.0_f64, -2.0, -3.0]], &Device::Cpu).unwrap();
    let other = [datum_with("other", &long)];
    let missing = refused(&L1::new().with_target(field), &other);
    assert_eq!(missing.field(), Some("data[0].loss_fn_inputs.mine"));
    let shape = refused(&KlDivergence::from_field("other"), &other);
    assert!(
        shape
            .to_string()
            .contains("Shape mismatch in KL divergence."),
        "{shape}"
    );
    let shape = refused(&Consistency::new().with_pair_field("other"), &other);
    assert!(
        shape.to_string().contains("[1, 2], reference: [1, 3]"),
        "{shape}"
    );
    let without = refused(&KlDivergence::new(), &other);
    let text = "requires a reference via :reference_logprobs, :reference_field, or \
                :compute_reference";
    assert!(without.to_string().contains(text));
}

#[test]
fn the_reference_of_all_data_stands_against_the_logprobs_of_all_data() {
    let (a, b) = ([-1.0_f64, -2.0], [-3.0_f64]);
    let tensor = |values: &[f64]| Tensor::new(values, &Device::Cpu).unwrap();
    let data = [
        datum_with("ref", &tensor(&a)),
        datum_with("ref", &tensor(&b)),
    ];
    let all = tensor(&[-1.5, -2.0, -3.0]);
    let distance = Consistency::new()
        .with_pair_field("ref")
        .with_reduction(Reduction::Sum);
    assert_eq!(
        numbers(&execute(&distance, &data, &all).unwrap().value),
        [0.25]
    );
}
