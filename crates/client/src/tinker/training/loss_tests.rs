//! Losses that a session was told of, against a small server.

use std::collections::BTreeMap;

use gimmal_transport::Error;
use gimmal_types::tinker::{CustomLossGraph, CustomLossInput, Datum, ModelInput, TensorData};
use serde_json::json;

use super::{CustomLossOutput, Logprobs, LossHandle};
use crate::tinker::ServiceClient;
use crate::tinker::testing::Server;

fn graph() -> CustomLossGraph {
    let node = json!({"op": "placeholder", "name": "logprobs", "target": "logprobs"});
    serde_json::from_value(json!({"nodes": [node]})).unwrap()
}

async fn handle(service: &ServiceClient) -> Result<LossHandle, Error> {
    let inputs = vec![CustomLossInput::new().set_name("logprobs").set_rank(1_u32)];
    service.create_custom_loss("mine", inputs, graph()).await
}

fn data() -> Vec<Datum> {
    vec![Datum::new(ModelInput::from_ints([1])).with_input("target_tokens", vec![2_i64])]
}

fn sum(_: &[Datum], logprobs: &[Logprobs]) -> Result<CustomLossOutput, Error> {
    Ok(CustomLossOutput {
        loss: 3.0,
        gradients: logprobs.iter().map(|one| vec![1.0; one.len()]).collect(),
        metrics: BTreeMap::new(),
    })
}

/// Covers: ServiceClient.create_custom_loss, LossHandle.input_names
#[tokio::test(start_paused = true)]
async fn a_server_that_computes_losses_learns_them_and_takes_one_pass() {
    let server = Server::with_config(json!({"custom_loss_server_side": true}));
    let service = server.client();
    let handle = handle(&service).await.unwrap();
    assert_eq!(handle.loss_id(), Some("loss-1"));
    assert_eq!(handle.inputs()[0].name, "logprobs");
    let told = &server.seen("create_custom_loss")[0];
    assert_eq!(told.json["custom_loss_seq_id"], 0);
    assert_eq!(told.json["graph"]["format"], 1);
    let training = service.create_lora_training_client("base").await.unwrap();
    let pass = training.forward_backward_custom(data(), sum);
    pass.with_handle(&handle).await.unwrap();
    let [pass] = &server.seen("forward_backward")[..] else {
        panic!("one pass");
    };
    let sent = pass.pass.as_ref().unwrap();
    assert_eq!(sent.loss_fn, "custom");
    assert!(!sent.forward_only);
    assert!(sent.loss_fn_config_v2.contains_key("loss_id"));
    assert_eq!(
        pass.headers["x-sdk-method"],
        "TrainingClient.forward_backward_custom"
    );
}

#[tokio::test(start_paused = true)]
async fn where_the_server_does_not_the_program_computes_the_loss() {
    let server = Server::default();
    let service = server.client();
    let handle = handle(&service).await.unwrap();
    assert_eq!(handle.loss_id(), None);
    assert!(server.seen("create_custom_loss").is_empty());
    let training = service.create_lora_training_client("base").await.unwrap();
    let pass = training.forward_backward_custom(data(), sum);
    let output = pass.with_handle(&handle).await.unwrap();
    assert_eq!(output.metrics["loss:sum"], 3.0);
    assert_eq!(server.pass_numbers(), [1, 2]);
}

#[tokio::test(start_paused = true)]
async fn the_same_loss_twice_and_data_without_its_inputs_are_refused() {
    let server = Server::default();
    let service = server.client();
    let known = handle(&service).await.unwrap();
    assert_eq!(handle(&service).await.unwrap_err().field(), Some("graph"));
    let nameless = service
        .create_custom_loss("mine", Vec::new(), graph())
        .await;
    assert_eq!(nameless.unwrap_err().field(), Some("inputs"));

    let training = service.create_lora_training_client("base").await.unwrap();
    let empty = vec![Datum::new(ModelInput::from_ints([1]))];
    let pass = training
        .forward_backward_custom(empty, sum)
        .with_handle(&known);
    let error = pass.await.unwrap_err();
    assert_eq!(error.field(), Some("data[0].loss_fn_inputs.target_tokens"));
    let square = TensorData::from(vec![2_i64]).with_shape([1, 1]).unwrap();
    let square = vec![Datum::new(ModelInput::from_ints([1])).with_input("target_tokens", square)];
    let pass = training
        .forward_backward_custom(square, sum)
        .with_handle(&known);
    assert!(
        pass.await
            .unwrap_err()
            .to_string()
            .contains("2 dimensions where 1 are due")
    );
    assert_eq!(server.seen("forward_backward").len(), 0);
}

#[tokio::test(start_paused = true)]
async fn numbers_that_are_not_finite_are_named_and_not_sent() {
    for (loss, gradient, field) in [
        (f64::NAN, 1.0, "loss"),
        (1.0, f32::INFINITY, "gradients[0][0]"),
    ] {
        let server = Server::default();
        let service = server.client();
        let training = service.create_lora_training_client("base").await.unwrap();
        let bad = move |_: &[Datum], _: &[Logprobs]| {
            Ok(CustomLossOutput {
                loss,
                gradients: vec![vec![gradient]],
                metrics: BTreeMap::new(),
            })
        };
        let error = training
            .forward_backward_custom(data(), bad)
            .await
            .unwrap_err();
        assert_eq!(error.field(), Some(field));
        assert!(error.to_string().contains("nothing was sent"), "{error}");
        assert_eq!(server.pass_numbers(), [1]);
    }
}
