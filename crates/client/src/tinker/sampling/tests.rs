//! Sampling clients and how they come to be, against a small server.

use gimmal_transport::FixedJitter;
use gimmal_types::tinker::ModelInput;
use serde_json::{Value, json};

use super::*;
use crate::tinker::testing::Server;

fn numbers(server: &Server) -> Vec<Value> {
    let samples = server.seen("asample");
    let numbers = samples.iter().map(|seen| seen.json["seq_id"].clone());
    numbers.collect()
}

async fn original(server: &Server) -> SamplingClient {
    let service = server.client();
    service
        .create_sampling_client()
        .set_base_model("base")
        .await
        .unwrap()
}

/// Covers: SamplingClient.get_sampler_handle, SamplingClient.from_sampler_handle
#[tokio::test(start_paused = true)]
async fn a_clone_numbers_its_samples_apart_from_those_of_others() {
    let server = Server::default();
    let original = original(&server).await;
    let handle = original.get_sampler_handle();
    // Of 10^9 numbers this is the 500 000 001st.
    let settings = server
        .builder()
        .with_jitter(std::sync::Arc::new(FixedJitter::new(0.5)));
    let clone = SamplingClient::from_sampler_handle(&handle, settings).unwrap();
    assert_eq!(clone.sampling_session_id(), original.sampling_session_id());
    assert_eq!(clone.get_base_model(), Some("base"));
    let before = server.paths().len();
    for sampler in [&original, &clone, &clone] {
        sampler
            .compute_logprobs(ModelInput::from_ints([1]))
            .await
            .unwrap();
    }
    assert_eq!(
        numbers(&server),
        [0_u64, 500_000_001_000_000_000, 500_000_001_000_000_001]
    );
    // Nothing but samples was asked: the clone opens nothing.
    assert_eq!(server.paths().len() - before, 6);
}

#[tokio::test(start_paused = true)]
async fn a_clone_joins_where_the_server_numbers_clones() {
    let server = Server::with_config(json!({"sample_join_sampling_session": true}));
    let handle = original(&server).await.get_sampler_handle();
    let clone = SamplingClient::from_sampler_handle(&handle, server.builder()).unwrap();
    assert!(server.seen("join_sampling_session").is_empty());
    for _ in 0..2 {
        clone
            .compute_logprobs(ModelInput::from_ints([1]))
            .await
            .unwrap();
    }
    let joins = server.seen("join_sampling_session");
    assert_eq!(joins.len(), 1);
    assert_eq!(joins[0].json["sampling_session_id"], "session-1:sample:0");
    assert_eq!(numbers(&server), [7_000_000_000_u64, 7_000_000_001]);
}

#[tokio::test(start_paused = true)]
async fn a_handle_holds_no_credentials_and_no_other_text_is_one() {
    use base64::Engine as _;
    let server = Server::default();
    let handle = original(&server).await.get_sampler_handle();
    let json = base64::engine::general_purpose::URL_SAFE
        .decode(&handle)
        .unwrap();
    let content: Value = serde_json::from_slice(&json).unwrap();
    assert!(!content.to_string().contains("tml-"));
    assert_eq!(content["holder"]["api_key"], Value::Null);
    assert_eq!(content["holder"]["base_url"], "http://tinker.test/base");
    for text in ["", "no handle", "e30="] {
        let refused = SamplingClient::from_sampler_handle(text, server.builder());
        assert_eq!(refused.unwrap_err().field(), Some("handle"));
    }
}

/// Covers: SamplingClient.compute_logprobs
#[tokio::test(start_paused = true)]
async fn log_probabilities_are_asked_for_under_their_own_name() {
    let server = Server::default();
    let sampler = original(&server).await;
    let asked = sampler.compute_logprobs(ModelInput::from_ints([1, 2]));
    let logprobs = asked.set_prompt_logprobs_last_n(1).await.unwrap();
    assert_eq!(logprobs, [None, Some(-0.5)]);
    let sample = &server.seen("asample")[0];
    assert_eq!(
        sample.headers["x-sdk-method"],
        "SamplingClient.compute_logprobs"
    );
    assert_eq!(sample.json["prompt_logprobs"], true);
    assert_eq!(sample.json["prompt_logprobs_last_n"], 1);
    assert_eq!(sample.json["sampling_params"]["max_tokens"], 1);
}

/// Covers: TrainingClient.create_sampling_client
#[tokio::test(start_paused = true)]
async fn a_training_client_makes_samplers_of_its_session() {
    let server = Server::default();
    let service = server.client();
    let training = service.create_lora_training_client("base").await.unwrap();
    let path = "tinker://r/sampler_weights/c";
    let sampler = training.create_sampling_client(path).await.unwrap();
    assert_eq!(sampler.get_base_model(), Some("base"));
    let made = &server.seen("create_sampling_session")[0];
    assert_eq!(made.json["model_path"], path);
    assert_eq!(
        made.headers["x-sdk-method"],
        "TrainingClient.create_sampling_client"
    );
    let refused = training.create_sampling_client("gs://x").await;
    assert_eq!(refused.unwrap_err().field(), Some("model_path"));
    service.close("success", None).await.unwrap();
    assert!(
        training.create_sampling_client(path).await.is_err(),
        "closed"
    );
}
