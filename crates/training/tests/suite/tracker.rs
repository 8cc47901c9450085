//! Lengths of gradients.

use std::sync::Arc;

use gimmal_client::types::tinker::Datum;
use gimmal_training::candle::{Device, Tensor};
use gimmal_training::{
    Error, L1, L2, Penalty, RegularizerSpec, grad_norm, grad_norm_for_regularizer, ops,
    total_grad_norm,
};

use crate::numbers::{figure, in_both};

const NO_DATA: [Datum; 0] = [];

fn close(actual: f64, path: &str) {
    let expected = figure(path);
    assert!(
        (actual - expected).abs() < 1e-4,
        "{path}: {actual} is not {expected}"
    );
}

/// Covers: CHK-GT-1, CHK-AD-2
#[test]
fn gradients_of_functions_have_their_lengths() {
    in_both(|at| {
        let x = at.tensor(&serde_json::json!([1.0, 2.0, 3.0]));
        close(
            grad_norm(|x| Ok(x.sum_all()?), &x).unwrap(),
            "grad_tracker.sum3",
        );
        close(
            grad_norm(|x| Ok(x.sqr()?.sum_all()?), &x).unwrap(),
            "grad_tracker.sumsq3",
        );
        close(
            grad_norm(|x| Ok(x.mean_all()?), &x).unwrap(),
            "grad_tracker.mean3",
        );
        let scalar = at.tensor(&serde_json::json!(5.0));
        let twice = grad_norm(|x| Ok((x * 2.0)?), &scalar).unwrap();
        close(twice, "grad_tracker.scalar_times_2");
        let square = at.tensor(&serde_json::json!([[1.0, 2.0], [3.0, 4.0]]));
        close(
            grad_norm(|x| Ok(x.sum_all()?), &square).unwrap(),
            "grad_tracker.sum2x2",
        );
        let signs = at.tensor(&serde_json::json!([1.0, -2.0, 3.0]));
        // Numbers that were not added up are.
        close(
            grad_norm(|x| Ok(ops::abs(x)?), &signs).unwrap(),
            "grad_tracker.sum3",
        );
        let constant = Tensor::new(7.0_f64, &Device::Cpu).unwrap();
        assert_eq!(grad_norm(|_| Ok(constant.clone()), &x).unwrap(), 0.0);
    });
}

/// Covers: CHK-GT-1
#[tokio::test]
async fn gradients_of_losses_with_regularizers_have_their_lengths() {
    let x = Tensor::new(&[1.0_f64, 2.0, 3.0], &Device::Cpu).unwrap();
    let sum = |_: &[Datum], x: &Tensor| -> Result<Penalty, Error> { Ok(x.sum_all()?.into()) };
    let mean = |_: &[Datum], x: &Tensor| -> Result<Penalty, Error> { Ok(x.mean_all()?.into()) };
    let l2 = RegularizerSpec::new("l2", 0.5, L2::new()).unwrap();
    close(
        grad_norm_for_regularizer(&l2, NO_DATA, &x).await,
        "grad_tracker.sumsq3",
    );
    let with_l2 = total_grad_norm(&sum, &[l2], NO_DATA, &x).await;
    close(with_l2, "grad_tracker.sum_plus_half_l2");
    let sums = ["a", "b"].map(|name| RegularizerSpec::new(name, 1.0, sum).unwrap());
    close(
        total_grad_norm(&mean, &sums, NO_DATA, &x).await,
        "grad_tracker.mean_plus_two_sums",
    );

    // What waits has a gradient too, and what fails counts as zero.
    let waits =
        |_: Arc<[Datum]>, x: Tensor| async move { Ok::<Penalty, Error>(x.sum_all()?.into()) };
    let waits = RegularizerSpec::asynchronous("waits", 1.0, waits).unwrap();
    close(
        grad_norm_for_regularizer(&waits, NO_DATA, &x).await,
        "grad_tracker.sum3",
    );
    let refuse = |_: &[Datum], _: &Tensor| -> Result<Penalty, Error> { Err(Error::failed("no")) };
    let broken = RegularizerSpec::new("broken", 1.0, refuse).unwrap();
    assert_eq!(grad_norm_for_regularizer(&broken, NO_DATA, &x).await, 0.0);
    assert_eq!(total_grad_norm(&sum, &[broken], NO_DATA, &x).await, 0.0);
    let l1 = RegularizerSpec::of(1.0, L1::new()).unwrap();
    close(
        grad_norm_for_regularizer(&l1, NO_DATA, &x).await,
        "grad_tracker.sum3",
    );
}
