//! The training client against a small server.

use std::collections::BTreeMap;
use std::sync::Arc;

use gimmal_transport::{Error, ErrorKind};
use gimmal_types::tinker::{AdamParams, Datum, LossFnType, ModelInput};
use serde_json::json;

use super::*;
use crate::tinker::testing::{Server, floats_or_ints};

fn datum(tokens: u32) -> Datum {
    let targets: Vec<i64> = (0..i64::from(tokens)).collect();
    Datum::new(ModelInput::from_ints(0..tokens)).with_input("target_tokens", targets)
}

async fn training(server: &Server) -> TrainingClient {
    let service = server.client();
    service.create_lora_training_client("base").await.unwrap()
}

/// Covers: CHK-TRN-1, TrainingClient.forward_backward, TrainingClient.optim_step
#[tokio::test(start_paused = true)]
async fn chk_trn_1_chunks_keep_their_order() {
    let server = Server::with_config(json!({"parallel_fwdbwd_chunks": false}));
    let client = training(&server).await;
    let data: Vec<Datum> = (0..2_053).map(|index| datum(index % 3 + 1)).collect();
    let output = client
        .forward_backward(data, LossFnType::CrossEntropy)
        .await
        .unwrap();
    assert_eq!(server.pass_numbers(), [1, 2, 3]);
    let lengths: Vec<_> = server
        .seen("forward_backward")
        .iter()
        .map(|seen| seen.pass.as_ref().unwrap().data.len())
        .collect();
    assert_eq!(lengths, [1_024, 1_024, 5]);
    assert_eq!(output.metrics["loss:sum"], 2_053.0);
    for (index, output) in output.loss_fn_outputs.iter().enumerate() {
        assert_eq!(output["logprobs"].element_count(), index % 3 + 1);
    }
    client.optim_step(AdamParams::new()).await.unwrap();
    assert_eq!(server.seen("optim_step")[0].json["seq_id"], 4);
}

#[tokio::test(start_paused = true)]
async fn chunks_side_by_side_wait_for_the_first() {
    let server = Server::with_config(json!({"fwdbwd_max_chunk_len": 2}));
    let client = training(&server).await;
    let data: Vec<Datum> = (0..5).map(|_| datum(2)).collect();
    let output = client
        .forward_backward(data, LossFnType::CrossEntropy)
        .await
        .unwrap();
    assert_eq!(server.pass_numbers(), [2, 3, 1]);
    assert_eq!(output.loss_fn_outputs.len(), 5);
    let seen = &server.seen("retrieve_future");
    let header = |name: &str| {
        seen.last().unwrap().headers[name]
            .to_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(header("x-tinker-request-type"), "ForwardBackward");
    assert_eq!(header("x-sdk-method"), "TrainingClient.forward_backward");
}

/// Covers: CHK-TRN-2
#[tokio::test(start_paused = true)]
async fn chk_trn_2_requests_go_out_in_program_order() {
    let server = Server::default();
    let client = training(&server).await;
    let pass = client
        .forward_backward([datum(1)], LossFnType::CrossEntropy)
        .submit();
    let step = client.optim_step(AdamParams::new()).submit();
    let (step, pass) = (step.await.unwrap(), pass.await.unwrap());
    step.await.unwrap();
    pass.await.unwrap();
    let paths = server.paths();
    let of = |path: &str| paths.iter().position(|seen| seen == path).unwrap();
    assert!(of("forward_backward") < of("optim_step"));
    assert_eq!(server.pass_numbers(), [1]);
    assert_eq!(server.seen("optim_step")[0].json["seq_id"], 2);
}

/// Covers: CHK-TRN-3
#[tokio::test(start_paused = true)]
async fn chk_trn_3_settings_of_the_loss_are_numbers_or_texts() {
    let server = Server::default();
    let client = training(&server).await;
    let pass = client
        .forward_backward([datum(1)], LossFnType::Ppo)
        .set_loss_fn_config("clip", 1.0)
        .set_loss_fn_config("x", 0.5);
    pass.await.unwrap();
    let sent = server.seen("forward_backward")[0].pass.clone().unwrap();
    assert_eq!(
        sent.loss_fn_config,
        BTreeMap::from([("clip".into(), 1.0), ("x".into(), 0.5)])
    );
    let bad = client
        .forward_backward([datum(1)], LossFnType::Ppo)
        .set_loss_fn_config("x", f64::NAN);
    let error = bad.await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Invalid);
    assert_eq!(server.pass_numbers(), [1], "nothing was sent");
    let none: Vec<Datum> = Vec::new();
    let error = client
        .forward_backward(none, LossFnType::Ppo)
        .await
        .unwrap_err();
    assert_eq!(error.field(), Some("data"));
}

/// Covers: CHK-TRN-5, TrainingClient.save_weights_and_get_sampling_client
#[tokio::test(start_paused = true)]
async fn chk_trn_5_unnamed_weights_have_numbers_of_their_own() {
    let server = Server::default();
    let client = training(&server).await;
    client.save_weights_for_sampler("named").await.unwrap();
    for number in 0..2 {
        let sampler = client.save_weights_and_get_sampling_client().await.unwrap();
        assert_eq!(
            sampler.sampling_session_id(),
            format!("session-1:sample:{number}")
        );
        assert_eq!(sampler.get_base_model(), Some("base"));
    }
    let numbers: Vec<_> = server
        .seen("save_weights_for_sampler")
        .iter()
        .map(|seen| seen.json["sampling_session_seq_id"].clone())
        .collect();
    assert_eq!(numbers, [json!(null), json!(0), json!(1)]);
}

#[tokio::test(start_paused = true)]
async fn a_chunk_that_is_lost_ends_the_client_and_nobody_hangs() {
    let server = Server::with_config(json!({"fwdbwd_max_chunk_len": 2}));
    let client = training(&server).await;
    server.fail("forward_backward", [200, 422]);
    let data: Vec<Datum> = (0..6).map(|_| datum(1)).collect();
    let pass = client
        .forward_backward(data, LossFnType::CrossEntropy)
        .submit();
    let later = client.optim_step(AdamParams::new()).submit();
    let error = pass.await.unwrap_err();
    let cause = std::error::Error::source(&error).unwrap();
    assert!(cause.to_string().contains("422"), "{cause}");
    let error = later.await.unwrap_err();
    assert!(error.to_string().contains("last checkpoint"), "{error}");
    assert!(client.save_state("c").await.unwrap_err().is_cancelled());
    assert!(
        !server.pass_numbers().contains(&1),
        "the first was never sent"
    );
}

#[tokio::test(start_paused = true)]
async fn a_refusal_with_an_answer_lets_the_next_go_on() {
    let server = Server::default();
    let client = training(&server).await;
    server.fail("save_weights", [409]);
    let error = client.save_state("taken").await.unwrap_err();
    assert_eq!(error.status().unwrap(), 409);
    client.optim_step(AdamParams::new()).await.unwrap();
    assert_eq!(server.seen("save_weights").len(), 1, "a conflict is final");
}

/// Covers: CHK-CL-1, CHK-CL-2, TrainingClient.forward_backward_custom
#[tokio::test(start_paused = true)]
async fn chk_cl_2_weights_are_derivatives_with_the_sign_turned() {
    let server = Server::default();
    let client = training(&server).await;
    // The square of the mean of each datum's log-probabilities, summed.
    let loss = |_: &[Datum], logprobs: &[Logprobs]| {
        let mean = |one: &Logprobs| one.iter().sum::<f32>() / one.len() as f32;
        Ok(CustomLossOutput {
            loss: logprobs
                .iter()
                .map(|one| f64::from(mean(one).powi(2)))
                .sum(),
            gradients: logprobs
                .iter()
                .map(|one| vec![2.0 * mean(one) / one.len() as f32; one.len()])
                .collect(),
            metrics: BTreeMap::from([("custom_metric".to_owned(), 7.0)]),
        })
    };
    let output = client
        .forward_backward_custom([datum(2), datum(3)], loss)
        .await
        .unwrap();
    // Log-probabilities are -1, -2 and -1, -2, -3.
    assert_eq!(output.metrics["loss:sum"], 2.25 + 4.0);
    assert_eq!(output.metrics["surrogate_loss:sum"], 2.0);
    assert_eq!(output.metrics["custom_metric"], 7.0);
    let passes = server.seen("forward_backward");
    let [forward, backward] = [0, 1].map(|index: usize| passes[index].pass.clone().unwrap());
    assert_eq!((forward.seq_id, forward.forward_only), (1, true));
    assert_eq!((backward.seq_id, backward.forward_only), (2, false));
    let weights = |index: usize| floats_or_ints(&backward.data[index].loss_fn_inputs["weights"]).0;
    assert_eq!(weights(0), [1.5, 1.5]);
    for weight in weights(1) {
        assert!((weight - 4.0 / 3.0).abs() < 1e-6);
    }
}

/// Covers: CHK-CL-3
#[tokio::test(start_paused = true)]
async fn chk_cl_3_a_preference_loss_pulls_the_pair_apart() {
    let server = Server::default();
    let client = training(&server).await;
    let loss = |_: &[Datum], _: &[Logprobs]| {
        // The policy's figures of the example, in place of the server's.
        let (chosen, rejected, beta) = (-2.5_f64 + 2.8, -4.5_f64 + 4.0, 0.1);
        let margin = chosen - rejected;
        let sigmoid = 1.0 / (1.0 + (-beta * margin).exp());
        let gradient = (-beta * (1.0 - sigmoid)) as f32;
        Ok(CustomLossOutput {
            loss: -sigmoid.ln(),
            gradients: vec![vec![gradient; 2], vec![-gradient; 2]],
            metrics: BTreeMap::new(),
        })
    };
    let output = client
        .forward_backward_custom([datum(2), datum(2)], loss)
        .await
        .unwrap();
    assert!((output.metrics["loss:sum"] - 0.653_947).abs() < 1e-5);
    let backward = server.seen("forward_backward")[1].pass.clone().unwrap();
    for (index, expected) in [(0, 0.048_001), (1, -0.048_001)] {
        let (weights, _) = floats_or_ints(&backward.data[index].loss_fn_inputs["weights"]);
        assert!(
            weights
                .iter()
                .all(|weight| (weight - expected).abs() < 1e-5),
            "{weights:?}"
        );
    }
}

/// Covers: CHK-CL-4
#[tokio::test(start_paused = true)]
async fn chk_cl_4_without_targets_nothing_is_sent() {
    let server = Server::default();
    let client = training(&server).await;
    let loss = |_: &[Datum], _: &[Logprobs]| Err(Error::invalid("loss", "is never called"));
    let bare = Datum::new(ModelInput::from_ints([1, 2]));
    let error = client
        .forward_backward_custom([datum(1), bare], loss)
        .await
        .unwrap_err();
    assert_eq!(error.field(), Some("data[1].loss_fn_inputs.target_tokens"));
    assert!(server.pass_numbers().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_custom_loss_that_fails_ends_the_client() {
    let server = Server::default();
    let client = training(&server).await;
    let loss =
        |_: &[Datum], _: &[Logprobs]| -> Result<CustomLossOutput, Error> { panic!("on purpose") };
    let pass = client.forward_backward_custom([datum(1)], loss).submit();
    let later = client.optim_step(AdamParams::new()).submit();
    assert!(
        pass.await
            .unwrap()
            .await
            .unwrap_err()
            .to_string()
            .contains("panicked")
    );
    assert!(later.await.unwrap_err().is_cancelled());
}

#[tokio::test(start_paused = true)]
async fn a_submission_that_is_dropped_keeps_its_place() {
    let server = Server::default();
    let client = training(&server).await;
    drop(
        client
            .forward_backward([datum(1)], LossFnType::CrossEntropy)
            .submit(),
    );
    client.optim_step(AdamParams::new()).await.unwrap();
    assert_eq!(server.pass_numbers(), [1]);
    assert_eq!(server.seen("optim_step")[0].json["seq_id"], 2);
}

#[derive(Debug, Default)]
struct Silent;

impl crate::tinker::QueueStateObserver for Silent {
    fn on_queue_state_change(&self, _: &crate::tinker::QueueStateChange) {}
}

#[tokio::test(start_paused = true)]
async fn what_is_known_of_a_model_needs_no_request() {
    let server = Server::default();
    let client = training(&server).await;
    client.on_queue_state_change(Arc::new(Silent));
    assert_eq!(client.model_id(), "session-1:train:0");
    assert_eq!(
        client.get_info().model_data.model_name.as_deref(),
        Some("base")
    );
    assert_eq!(server.seen("get_info").len(), 1);
}
