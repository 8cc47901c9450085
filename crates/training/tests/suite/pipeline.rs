//! Losses with regularizers, whole.

use std::sync::Arc;

use gimmal_client::tinker::CustomLoss as _;
use gimmal_client::transport::observe::EventBus;
use gimmal_client::types::tinker::{Datum, ModelInput, TensorData};
use gimmal_training::candle::{Device, Tensor};
use gimmal_training::{
    Entropy, EntropyMode, Error, ErrorKind, KlDivergence, L1, L2, LossReport, Orthogonality,
    Penalty, Pipeline, RegularizerOutput, RegularizerSpec,
};
use serde_json::json;

use crate::numbers::{figure, in_both};
use crate::telemetry::Heard;

const NO_DATA: [Datum; 0] = [];

type Result<T, E = Error> = std::result::Result<T, E>;

fn close(actual: f64, expected: f64) {
    assert!(
        (actual - expected).abs() < 1e-4,
        "{actual} is not {expected}"
    );
}

fn constant(value: f64) -> impl Fn(&[Datum], &Tensor) -> Result<Penalty> + Clone {
    move |_, x| Ok(((x.sum_all()? * 0.0)? + value)?.into())
}

fn spec(name: &str, weight: f64, value: f64) -> RegularizerSpec {
    RegularizerSpec::new(name, weight, constant(value)).unwrap()
}

fn likelihood(_: &[Datum], logprobs: &Tensor) -> Result<Penalty> {
    Ok(logprobs.mean_all()?.neg()?.into())
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    runtime.unwrap().block_on(work)
}

fn regularized() -> Pipeline {
    Pipeline::new(likelihood)
        .with_regularizer(RegularizerSpec::new("l1", 0.01, L1::new()).unwrap())
        .with_regularizer(RegularizerSpec::new("l2", 0.1, L2::new()).unwrap())
        .with_grad_norms(true)
}

/// Covers: CHK-PIPE-A, CHK-TYP-2, CHK-AD-2
#[test]
fn likelihood_with_l1_and_l2_has_its_figures() {
    in_both(|at| {
        let x = at.given("pipeline_a.logprobs");
        let output = block_on(regularized().compute(NO_DATA, &x)).unwrap();
        let report = &output.report;
        let base = report.base_loss.as_ref().unwrap();
        close(base.value, figure("pipeline_a.base_value"));
        close(base.grad_norm.unwrap(), figure("pipeline_a.base_grad_norm"));
        for name in ["l1", "l2"] {
            let (one, of) = (&report.regularizers[name], |what| {
                figure(&format!("pipeline_a.{name}_{what}"))
            });
            close(one.value, of("value"));
            close(one.contribution, of("contribution"));
            close(one.grad_norm.unwrap(), of("grad_norm"));
            close(one.grad_norm_weighted.unwrap(), of("grad_norm_weighted"));
        }
        close(
            report.regularizer_total,
            figure("pipeline_a.regularizer_total"),
        );
        close(report.loss_total, figure("pipeline_a.loss_total"));
        at.agrees(&output.gradient, "pipeline_a.total_grad");
        close(
            report.total_grad_norm.unwrap(),
            figure("pipeline_a.total_grad_norm"),
        );
    });
    let outputs = [("l1", 0.01, 6.0), ("l2", 0.1, 14.0)]
        .map(|(name, weight, value)| RegularizerOutput::new(name, weight, value));
    let report = LossReport::new(2.0, outputs);
    close(report.loss_total, figure("pipeline_a.loss_total"));
    close(
        report.regularizer_total,
        figure("pipeline_a.regularizer_total"),
    );
    let json = serde_json::to_value(&report).unwrap();
    assert!(
        json["regularizers"]["l1"].get("grad_norm").is_none(),
        "{json}"
    );
    assert!(json.get("total_grad_norm").is_none(), "{json}");
    assert_eq!(serde_json::from_value::<LossReport>(json).unwrap(), report);
}

/// Covers: CHK-PIPE-B, CHK-AD-2
#[test]
fn entropy_kl_and_orthogonality_have_their_figures_and_all_gradients() {
    in_both(|at| {
        let base = |_: &[Datum], x: &Tensor| -> Result<Penalty> {
            let diagonal = (x.get(0)?.get(0)? + x.get(1)?.get(1)?)?;
            Ok((diagonal * -0.5)?.into())
        };
        let entropy = Entropy::new().with_mode(EntropyMode::Maximize);
        let kl = KlDivergence::from_logprobs(at.log_of("pipeline_b.ref"));
        let pipeline = Pipeline::new(base)
            .with_regularizers([
                RegularizerSpec::new("entropy", 0.1, entropy).unwrap(),
                RegularizerSpec::new("kl", 0.5, kl).unwrap(),
                RegularizerSpec::new("ortho", 0.05, Orthogonality::new()).unwrap(),
            ])
            .with_grad_norms(true);
        let x = at.log_of("pipeline_b.p");
        let report = block_on(pipeline.compute(NO_DATA, &x)).unwrap().report;
        let base = report.base_loss.as_ref().unwrap();
        close(base.value, figure("pipeline_b.base_value"));
        close(base.grad_norm.unwrap(), figure("pipeline_b.base_grad_norm"));
        let value = |name: &str| report.regularizers[name].value;
        close(value("entropy"), figure("pipeline_b.entropy_maximize"));
        close(value("kl"), figure("pipeline_b.kl_forward_mean"));
        close(value("ortho"), figure("pipeline_b.ortho_soft"));
        close(
            report.regularizer_total,
            figure("pipeline_b.regularizer_total"),
        );
        close(report.loss_total, figure("pipeline_b.loss_total"));
        close(
            report.total_grad_norm.unwrap(),
            figure("pipeline_b.total_grad_norm_true"),
        );
    });
}

/// Covers: CHK-PIPE-C
#[tokio::test]
async fn weights_compose_in_either_order_of_work() {
    let x = Tensor::new(&[1.0_f64], &Device::Cpu).unwrap();
    let pipeline = Pipeline::new(constant(1.0))
        .with_regularizers([spec("a", 0.1, 10.0), spec("b", 0.5, 20.0)]);
    let side_by_side = pipeline.compute(NO_DATA, &x).await.unwrap().report;
    assert_eq!(side_by_side.regularizer_total, 11.0);
    assert_eq!(side_by_side.loss_total, 12.0);
    let in_turn = pipeline
        .with_parallel(false)
        .compute(NO_DATA, &x)
        .await
        .unwrap()
        .report;
    assert_eq!(in_turn, side_by_side);
    let alone = Pipeline::new(constant(1.0)).with_grad_norms(true);
    let alone = alone.compute(NO_DATA, &x).await.unwrap().report;
    assert_eq!((alone.loss_total, alone.regularizer_total), (1.0, 0.0));
    assert!(alone.regularizers.is_empty());
    assert_eq!(alone.total_grad_norm, alone.base_loss.unwrap().grad_norm);
}

/// Covers: CHK-PIPE-C
#[tokio::test]
async fn each_failure_is_told_once_and_by_name() {
    let x = Tensor::new(&[1.0_f64, 2.0], &Device::Cpu).unwrap();
    let refuse = |_: &[Datum], _: &Tensor| Err::<Penalty, _>(Error::failed("no"));
    let panics = |_: &[Datum], _: &Tensor| -> Result<Penalty> { panic!("out of bounds") };
    let vector = |_: &[Datum], x: &Tensor| -> Result<Penalty> { Ok(x.clone().into()) };
    let broken = RegularizerSpec::new("broken", 1.0, refuse).unwrap();
    let cases = [
        (
            Pipeline::new(constant(1.0))
                .with_regularizers([spec("x", 1.0, 1.0), spec("x", 1.0, 1.0)]),
            ErrorKind::Invalid,
            "Duplicate regularizer names: [\"x\"]",
        ),
        (Pipeline::new(refuse), ErrorKind::Failed, "no"),
        (
            Pipeline::new(panics),
            ErrorKind::Panicked,
            "panicked: out of bounds",
        ),
        (
            Pipeline::new(vector),
            ErrorKind::Invalid,
            "base loss has the shape [2]",
        ),
        (
            Pipeline::new(constant(1.0)).with_regularizer(broken),
            ErrorKind::Failed,
            "regularizer `broken`: no",
        ),
    ];
    for (pipeline, kind, text) in cases {
        let bus = EventBus::new();
        let heard = Heard::on(&bus);
        let error = pipeline
            .with_event_bus(bus)
            .compute(NO_DATA, &x)
            .await
            .unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(text), "{error}");
        assert_eq!(heard.count("custom_loss.exception"), 1, "{error}");
        assert_eq!(heard.count("custom_loss.start"), 1);
        assert_eq!(heard.count("custom_loss.stop"), 0);
    }
}

fn datum(targets: Vec<i64>, shape: Option<[i64; 2]>) -> Datum {
    let mut targets = TensorData::from(targets);
    if let Some(shape) = shape {
        targets = targets.with_shape(shape).unwrap();
    }
    Datum::new(ModelInput::from_ints([1])).with_input("target_tokens", targets)
}

#[tokio::test]
async fn as_a_training_clients_loss_it_gives_each_datum_its_gradient() {
    let data = vec![datum(vec![1, 2], None), datum(vec![3], None)];
    let loss = regularized();
    let work = move || loss.evaluate(&data, &[vec![-1.0, -2.0], vec![-3.0]]);
    let output = tokio::task::spawn_blocking(work).await.unwrap().unwrap();
    close(output.loss, figure("pipeline_a.loss_total"));
    assert_eq!(
        output.gradients.iter().map(Vec::len).collect::<Vec<_>>(),
        [2, 1]
    );
    close(f64::from(output.gradients[1][0]), -0.943_333);
    close(
        output.metrics["l2/grad_norm"],
        figure("pipeline_a.l2_grad_norm"),
    );
    close(output.metrics["l1/l1_raw"], 6.0);
    close(output.metrics["base_loss"], 2.0);
}

#[tokio::test]
async fn rows_of_classes_of_all_data_follow_each_other() {
    let data = [
        datum(vec![1, 2, 3, 4], Some([2, 2])),
        datum(vec![5, 6], Some([1, 2])),
    ];
    let shapes = Arc::new(std::sync::Mutex::new(Vec::new()));
    let seen = Arc::clone(&shapes);
    let look = move |_: &[Datum], x: &Tensor| -> Result<Penalty> {
        seen.lock().unwrap().push(x.dims().to_vec());
        Ok(x.sum_all()?.into())
    };
    let logprobs = vec![vec![-1.0, -1.0, -1.0, -1.0], vec![-1.0, -1.0]];
    let rows = data.to_vec();
    let loss = Pipeline::new(look.clone());
    let work = move || loss.evaluate(&rows, &logprobs);
    tokio::task::spawn_blocking(work).await.unwrap().unwrap();
    assert_eq!(*shapes.lock().unwrap(), [vec![3, 2]]);

    let mixed = [data[0].clone(), datum(vec![5], None)];
    let loss = Pipeline::new(look);
    let work = move || loss.evaluate(&mixed, &[vec![-1.0; 4], vec![-1.0]]);
    let error = tokio::task::spawn_blocking(work)
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(error.field(), Some("data[1]"));
}

#[tokio::test]
async fn a_part_that_is_not_a_number_is_named_with_its_datum() {
    let root =
        |_: &[Datum], x: &Tensor| -> Result<Penalty> { Ok((x + 2.0)?.sqrt()?.sum_all()?.into()) };
    let loss = Pipeline::new(likelihood)
        .with_regularizer(RegularizerSpec::new("root", 0.5, root).unwrap());
    let data = vec![datum(vec![1, 2], None), datum(vec![3], None)];
    let work = move || loss.evaluate(&data, &[vec![-1.0, -0.5], vec![-3.0]]);
    let error = tokio::task::spawn_blocking(work)
        .await
        .unwrap()
        .unwrap_err();
    assert_eq!(error.field(), Some("data[1]"));
    assert!(
        error
            .to_string()
            .contains("by the term `root`; nothing was sent"),
        "{error}"
    );
}

#[test]
fn a_report_of_old_is_read() {
    let report: LossReport = serde_json::from_value(json!({
        "loss_total": 3.0, "regularizer_total": 1.0,
        "regularizers": {"a": {"name": "a", "value": 2.0, "weight": 0.5, "contribution": 1.0}},
    }))
    .unwrap();
    assert_eq!(report.regularizers["a"].grad_norm, None);
    assert_eq!(report.metrics()["a/contribution"], 1.0);
}
