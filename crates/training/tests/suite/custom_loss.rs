//! Losses over tensors, by themselves and as losses of a training client.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use gimmal_client::tinker::ServiceClient;
use gimmal_client::types::tinker::{AdamParams, Datum, LossFnType, ModelInput, TensorData};
use gimmal_emulator::{Emulator, RouteMatcher};
use gimmal_training::candle::Tensor;
use gimmal_training::{
    DatumInputs, Dpo, Error, ErrorKind, KlDivergence, LossBatch, LossValue, Penalty, PerDatumLoss,
    Pipeline, RegularizerSpec, TensorLoss,
};

use crate::numbers::figure;

const MODEL: &str = "gimmal/bytes";

fn datum(targets: usize) -> Datum {
    let tokens: Vec<i64> = (1..=targets as i64).collect();
    Datum::new(ModelInput::from_ints(1..=targets as u32)).with_input("target_tokens", tokens)
}

fn of_two() -> (Vec<Datum>, Vec<Vec<f32>>) {
    let logprobs = vec![vec![-1.0, -2.0], vec![-0.5, -1.5, -2.5]];
    (vec![datum(2), datum(3)], logprobs)
}

fn weights(gradients: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let negated = |one: &Vec<f32>| one.iter().map(|gradient| -gradient).collect();
    gradients.iter().map(negated).collect()
}

fn squared_means(batch: &LossBatch<'_>) -> Result<Tensor, Error> {
    let means = batch
        .logprobs()
        .iter()
        .map(|one| Ok(one.mean_all()?.sqr()?));
    Ok(Tensor::stack(
        &means.collect::<Result<Vec<_>, Error>>()?,
        0,
    )?)
}

/// Covers: CHK-CL-1
#[test]
fn weights_are_the_derivatives_with_the_sign_turned() {
    let (data, logprobs) = of_two();
    for output in [
        TensorLoss::new(squared_means).compute(&data, &logprobs),
        TensorLoss::new(squared_means)
            .in_f64()
            .compute(&data, &logprobs),
    ] {
        let output = output.unwrap();
        assert!((output.loss - figure("custom_loss.value")).abs() < 1e-6);
        let weights = weights(&output.gradients);
        assert_eq!(weights, [vec![1.5, 1.5], vec![1.0, 1.0, 1.0]]);
        let surrogate: f32 = logprobs
            .iter()
            .flatten()
            .zip(weights.iter().flatten())
            .map(|(lp, w)| -lp * w)
            .sum();
        assert!((f64::from(surrogate) - figure("custom_loss.surrogate_value")).abs() < 1e-5);
    }
    let one = |datum: &DatumInputs<'_>| Ok(datum.logprobs().mean_all()?.sqr()?);
    let output = PerDatumLoss::new(one).compute(&data, &logprobs).unwrap();
    assert_eq!(
        weights(&output.gradients),
        [vec![1.5, 1.5], vec![1.0, 1.0, 1.0]]
    );
    assert!((output.loss - 4.5).abs() < 1e-6);
}

fn preference(logprobs: [f32; 2], reference: [f32; 2]) -> (Datum, Vec<f32>) {
    let datum = datum(2).with_input("ref_logprobs", reference.to_vec());
    (datum, logprobs.to_vec())
}

/// Covers: CHK-CL-3
#[test]
fn preferences_have_their_loss_and_weights() {
    let (chosen, chosen_logprobs) = preference([-1.0, -1.5], [-1.2, -1.6]);
    let (rejected, rejected_logprobs) = preference([-2.0, -2.5], [-1.8, -2.2]);
    let dpo = Dpo::new(0.1).unwrap();
    let loss = TensorLoss::new(move |batch| dpo.loss(batch)).in_f64();
    let output = loss
        .compute(&[chosen, rejected], &[chosen_logprobs, rejected_logprobs])
        .unwrap();
    assert!((output.loss - figure("dpo_custom_loss.loss")).abs() < 1e-6);
    assert_eq!(output.metrics["accuracy:mean"], 1.0);
    assert!((output.metrics["margin:mean"] - 0.1 * figure("dpo_custom_loss.margin")).abs() < 1e-6);
    for (weight, expected) in weights(&output.gradients)
        .iter()
        .flatten()
        .zip([1.0, 1.0, -1.0, -1.0])
    {
        assert!((weight - expected * 0.048_001).abs() < 1e-6, "{weight}");
    }
    let odd = TensorLoss::new(move |batch| dpo.loss(batch))
        .compute(&[preference([0.0; 2], [0.0; 2]).0], &[vec![0.0; 2]]);
    assert_eq!(odd.unwrap_err().field(), Some("data"));
    assert_eq!(Dpo::new(0.0).unwrap_err().field(), Some("beta"));
}

#[test]
fn prompts_do_not_count_where_there_is_a_mask() {
    let dpo = Dpo::new(1.0).unwrap();
    let data = [1.0, 0.0].map(|weight| {
        preference([-1.0, -1.0], [-1.0, -1.0])
            .0
            .with_input("mask", vec![weight, 0.0_f32])
    });
    let output = TensorLoss::new(move |batch| dpo.loss(batch))
        .compute(&data, &[vec![-1.0; 2], vec![-1.0; 2]]);
    assert_eq!(output.unwrap().gradients, [vec![-0.5, 0.0], vec![0.0, 0.0]]);
}

#[test]
fn matrices_and_their_masks_have_the_data_as_rows() {
    let (data, logprobs) = of_two();
    let data: Vec<Datum> = data
        .into_iter()
        .zip([vec![1.0_f32, 2.0], vec![3.0, 4.0, 5.0]])
        .map(|(datum, reward)| datum.with_input("reward", reward))
        .collect();
    let loss = |batch: &LossBatch<'_>| {
        assert_eq!(
            (batch.len(), batch.is_empty(), batch.data().len()),
            (2, false, 2)
        );
        let padded = batch.padded()?;
        assert_eq!(
            padded.mask.to_vec2::<f32>()?,
            [[1.0, 1.0, 0.0], [1.0, 1.0, 1.0]]
        );
        let rewards = batch.padded_input("reward")?;
        assert_eq!(
            batch.joined_input("reward")?.to_vec1::<f32>()?,
            [1.0, 2.0, 3.0, 4.0, 5.0]
        );
        let matrix = ((padded.logprobs * padded.mask)? * rewards)?.sum_all()?;
        Ok(LossValue::new()
            .with_term("rows", matrix)
            .with_term("all", batch.joined()?.sum_all()?))
    };
    let output = TensorLoss::new(loss).compute(&data, &logprobs).unwrap();
    assert_eq!(output.gradients, [vec![2.0, 3.0], vec![4.0, 5.0, 6.0]]);
    assert_eq!(output.metrics["all:sum"], -7.5);
    assert_eq!(output.metrics["rows:sum"], -25.0);
    assert_eq!(output.loss, -32.5);
}

fn roots(batch: &LossBatch<'_>) -> Result<LossValue, Error> {
    let roots = batch
        .iter()
        .map(|one| Ok((one.logprobs() + 2.0)?.sqrt()?.sum_all()?));
    let roots = Tensor::stack(&roots.collect::<Result<Vec<_>, Error>>()?, 0)?;
    let fine = batch.joined()?.sum_all()?;
    Ok(LossValue::new()
        .with_term("fine", fine)
        .with_term("roots", roots))
}

#[test]
fn what_is_not_a_number_is_named_by_datum_and_term() {
    let (data, logprobs) = of_two();
    let error = TensorLoss::new(roots)
        .compute(&data, &logprobs)
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.field()),
        (ErrorKind::NotFinite, Some("data[1]"))
    );
    assert_eq!(
        error.to_string(),
        "data[1] has a loss of NaN by the term `roots`; nothing was sent"
    );

    // The loss is a number here, and its derivative is not.
    let cusp = |batch: &LossBatch<'_>| Ok((batch.joined()? + 2.5)?.sqrt()?.sum_all()?);
    let error = TensorLoss::new(cusp).compute(&data, &logprobs).unwrap_err();
    assert_eq!(error.field(), Some("data[1]"), "{error}");
    assert!(
        error
            .to_string()
            .contains("for log-probability 2, by the term `loss`"),
        "{error}"
    );

    let one = |datum: &DatumInputs<'_>| Ok((datum.logprobs() + 2.25)?.sqrt()?.sum_all()?);
    let error = PerDatumLoss::new(one)
        .compute(&data, &logprobs)
        .unwrap_err();
    assert_eq!(error.field(), Some("data[1]"), "{error}");

    let infinite = vec![vec![-1.0, -2.0], vec![-0.5, f32::NEG_INFINITY, -2.5]];
    let sum = |batch: &LossBatch<'_>| Ok(batch.joined()?.sum_all()?);
    let error = TensorLoss::new(sum).compute(&data, &infinite).unwrap_err();
    assert_eq!(error.field(), Some("data[1]"), "{error}");
}

#[test]
fn shapes_that_do_not_match_are_named() {
    let (data, logprobs) = of_two();
    let sum = |batch: &LossBatch<'_>| Ok(batch.joined()?.sum_all()?);
    let short = TensorLoss::new(sum).compute(&data, &logprobs[..1]);
    assert_eq!(short.unwrap_err().field(), Some("logprobs"));
    let swapped = [logprobs[1].clone(), logprobs[0].clone()];
    let error = TensorLoss::new(sum).compute(&data, &swapped).unwrap_err();
    assert_eq!(
        error.to_string(),
        "data[0].loss_fn_inputs.target_tokens holds 2 tokens for 3 log-probabilities"
    );
    let ask = |batch: &LossBatch<'_>| batch.padded_input("reward");
    let error = TensorLoss::new(ask).compute(&data, &logprobs).unwrap_err();
    assert_eq!(error.field(), Some("data[0].loss_fn_inputs.reward"));
    let long: Vec<Datum> = data
        .iter()
        .map(|datum| datum.clone().with_input("reward", vec![1.0_f32]))
        .collect();
    let error = TensorLoss::new(ask).compute(&long, &logprobs).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("has the shape [1] where that of the target tokens is [2]"),
        "{error}"
    );
    let sparse = TensorData::csr(vec![1.0_f32], vec![0_i64, 1], vec![0_i64], [1, 2]).unwrap();
    let sparse = [data[0].clone().with_input("reward", sparse)];
    let error = TensorLoss::new(ask)
        .compute(&sparse, &logprobs[..1])
        .unwrap_err();
    assert!(error.to_string().contains("is sparse"), "{error}");
}

#[test]
fn data_are_shared_among_threads_and_panics_stay_inside() {
    let data: Vec<Datum> = (0..7).map(|_| datum(1)).collect();
    let logprobs: Vec<Vec<f32>> = (0..7).map(|index| vec![-(index as f32)]).collect();
    let loss = |datum: &DatumInputs<'_>| {
        let index = datum.index() as f64;
        let value = LossValue::from((datum.logprobs() * index)?);
        Ok(value.with_metric("index:mean", index))
    };
    let threads = NonZeroUsize::new(3).unwrap();
    let output = PerDatumLoss::new(loss)
        .with_threads(threads)
        .compute(&data, &logprobs)
        .unwrap();
    let slopes: Vec<f32> = output.gradients.into_iter().flatten().collect();
    assert_eq!(slopes, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    assert_eq!(
        output.metrics,
        BTreeMap::from([("index:mean".to_owned(), 3.0)])
    );

    let bad = |datum: &DatumInputs<'_>| -> Result<Tensor, Error> {
        assert!(datum.index() != 4, "four is too many");
        Ok(datum.logprobs().clone())
    };
    let error = PerDatumLoss::new(bad)
        .with_threads(threads)
        .compute(&data, &logprobs)
        .unwrap_err();
    assert_eq!(error.to_string(), "panicked: four is too many");
}

async fn emulated() -> (Emulator, ServiceClient) {
    let emulator = Emulator::builder().start().await.unwrap();
    let service = ServiceClient::builder()
        .with_base_url(emulator.base_url())
        .with_api_key("tml-emulated")
        .build()
        .unwrap();
    (emulator, service)
}

/// Covers: CHK-CL-2, TrainingClient.forward_backward_custom
#[tokio::test]
async fn a_loss_of_ones_own_trains_as_the_servers_does() {
    let (emulator, service) = emulated().await;
    let data = || vec![datum(5), datum(3)];
    let adam = || AdamParams::new().set_learning_rate(0.01);
    let ours = service
        .create_lora_training_client(MODEL)
        .set_seed(7)
        .await
        .unwrap();
    let theirs = service
        .create_lora_training_client(MODEL)
        .set_seed(7)
        .await
        .unwrap();
    for step in 0..4 {
        let likelihood = |batch: &LossBatch<'_>| Ok(batch.joined()?.sum_all()?.neg()?);
        let own = ours
            .forward_backward_custom(data(), TensorLoss::new(likelihood))
            .await
            .unwrap();
        let weighted: Vec<Datum> = data()
            .into_iter()
            .map(|datum| {
                let count = datum.loss_fn_inputs["target_tokens"].element_count();
                datum.with_input("weights", vec![1.0_f32; count])
            })
            .collect();
        let server = theirs
            .forward_backward(weighted, LossFnType::CrossEntropy)
            .await
            .unwrap();
        let (own, server) = (own.metrics["loss:sum"], server.metrics["loss:sum"]);
        assert!(
            (own - server).abs() < 1e-3 * server.abs(),
            "step {step}: {own} is not {server}"
        );
        ours.optim_step(adam()).await.unwrap();
        theirs.optim_step(adam()).await.unwrap();
    }
    emulator.shutdown().await;
}

#[tokio::test]
async fn a_loss_that_is_not_a_number_sends_no_second_pass() {
    let (emulator, service) = emulated().await;
    let training = service
        .create_lora_training_client(MODEL)
        .set_seed(7)
        .await
        .unwrap();
    let passes = |emulator: &Emulator| {
        emulator
            .journal()
            .requests(RouteMatcher::any())
            .iter()
            .filter(|seen| seen.path().ends_with("forward_backward"))
            .count()
    };
    let pass = training.forward_backward_custom(
        vec![datum(2), datum(3)],
        TensorLoss::new(|batch: &LossBatch<'_>| Ok((batch.joined()?.sum_all()? * f64::NAN)?)),
    );
    let error = pass.await.unwrap_err();
    assert_eq!(error.field(), Some("data[0]"), "{error}");
    assert_eq!(passes(&emulator), 1);
    emulator.shutdown().await;
}

#[tokio::test]
async fn regularizers_go_with_a_pass() {
    let (emulator, service) = emulated().await;
    let training = service
        .create_lora_training_client(MODEL)
        .set_seed(7)
        .await
        .unwrap();
    let likelihood = |_: &[Datum], logprobs: &Tensor| -> Result<Penalty, Error> {
        Ok(logprobs.mean_all()?.neg()?.into())
    };
    let reference = KlDivergence::new().with_compute_reference(|_, logprobs| Ok((logprobs - 0.5)?));
    let loss = Pipeline::new(likelihood)
        .with_regularizer(RegularizerSpec::new("kl", 0.5, reference).unwrap())
        .with_grad_norms(true);
    let output = training
        .forward_backward_custom(vec![datum(3)], loss)
        .await
        .unwrap();
    assert!(output.metrics["kl/value"] > 0.0);
    assert!(output.metrics["total_grad_norm"] > 0.0);
    let total = output.metrics["base_loss"] + output.metrics["regularizer_total"];
    assert!((output.metrics["loss:sum"] - total).abs() < 1e-6);
    emulator.shutdown().await;
}
