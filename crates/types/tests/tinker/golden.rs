//! Recorded requests, results and helpers of the official SDK.

use gimmal_types::tinker::proto::messages;
use gimmal_types::tinker::{
    CancelFutureRequest, CheckpointTtlRequest, ClientConfigRequest, ClientConfigResponse,
    ClientDynamicConfigResponse, CopyWeightsRequest, CreateModelRequest,
    CreateSamplingSessionRequest, CreateSessionRequest, DmelChunk, FinishSessionRequest,
    ForwardBackwardOutput, FutureResult, FutureRetrieveRequest, FuturesRetrieveRequest,
    GetInfoRequest, JoinSamplingSessionRequest, LoadWeightsRequest, OptimStepRequest,
    ParsedCheckpointTinkerPath, SampleRequest, SampleResponse, SaveWeightsExternalRequest,
    SaveWeightsForSamplerRequest, SaveWeightsRequest, SessionProjectRequest, SessionSearchRequest,
    TelemetrySendRequest, TensorData, WeightsInfoRequest,
};
use prost::Message as _;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json, to_value};

use crate::support::{bytes, fixture};

/// A tensor as the fixtures write it down.
fn shown(tensor: &TensorData) -> Value {
    let mut form = to_value(tensor).unwrap();
    let form = form.as_object_mut().unwrap();
    let crow = form.shift_remove("sparse_crow_indices");
    let col = form.shift_remove("sparse_col_indices");
    let mut form = Value::Object(form.clone());
    form["crow"] = crow.unwrap_or_default();
    form["col"] = col.unwrap_or_default();
    form
}

fn passes<T: DeserializeOwned + Serialize>(bodies: &Value, name: &str) {
    for body in bodies[name].as_array().unwrap() {
        let read: T = serde_json::from_value(body.clone()).unwrap();
        assert_eq!(&to_value(&read).unwrap(), body, "{name}");
    }
}

/// Covers: CHK-TYP-1
#[test]
fn request_bodies_are_those_of_the_official_sdk() {
    let bodies = fixture("bodies");
    passes::<CancelFutureRequest>(&bodies, "CancelFutureRequest");
    passes::<CheckpointTtlRequest>(&bodies, "CheckpointTtlRequest");
    passes::<ClientConfigRequest>(&bodies, "ClientConfigRequest");
    passes::<CopyWeightsRequest>(&bodies, "CopyWeightsRequest");
    passes::<CreateModelRequest>(&bodies, "CreateModelRequest");
    passes::<CreateSamplingSessionRequest>(&bodies, "CreateSamplingSessionRequest");
    passes::<CreateSessionRequest>(&bodies, "CreateSessionRequest");
    passes::<FinishSessionRequest>(&bodies, "FinishSessionRequest");
    passes::<FutureRetrieveRequest>(&bodies, "FutureRetrieveRequest");
    passes::<FuturesRetrieveRequest>(&bodies, "FuturesRetrieveRequest");
    passes::<GetInfoRequest>(&bodies, "GetInfoRequest");
    passes::<JoinSamplingSessionRequest>(&bodies, "JoinSamplingSessionRequest");
    passes::<LoadWeightsRequest>(&bodies, "LoadWeightsRequest");
    passes::<OptimStepRequest>(&bodies, "OptimStepRequest");
    passes::<SampleRequest>(&bodies, "SampleRequest");
    passes::<SaveWeightsExternalRequest>(&bodies, "SaveWeightsExternalRequest");
    passes::<SaveWeightsForSamplerRequest>(&bodies, "SaveWeightsForSamplerRequest");
    passes::<SaveWeightsRequest>(&bodies, "SaveWeightsRequest");
    passes::<SessionProjectRequest>(&bodies, "SessionProjectRequest");
    passes::<SessionSearchRequest>(&bodies, "SessionSearchRequest");
    passes::<TelemetrySendRequest>(&bodies, "TelemetrySendRequest");
    passes::<WeightsInfoRequest>(&bodies, "WeightsInfoRequest");
}

#[test]
fn recorded_requests_are_of_the_messages() {
    for request in fixture("protobuf_requests").as_array().unwrap() {
        let recorded = bytes(request);
        let message = messages::ForwardBackwardRequest::decode(&recorded[..]).unwrap();
        assert!(!message.data.is_empty() && !message.loss_fn.is_empty());
        assert_eq!(message.encoded_len(), recorded.len());
    }
}

#[test]
fn passes_are_read_as_the_official_sdk_does() {
    for case in fixture("forward_backward_output").as_array().unwrap() {
        let output = ForwardBackwardOutput::from_protobuf(bytes(&case["protobuf_b64"]).into());
        let output = output.unwrap();
        let decoded = &case["decoded"];
        assert_eq!(output.loss_fn_output_type, decoded["loss_fn_output_type"]);
        assert_eq!(to_value(&output.metrics).unwrap(), decoded["metrics"]);
        let outputs: Vec<Value> = output
            .loss_fn_outputs
            .iter()
            .map(|fields| {
                fields
                    .iter()
                    .map(|(name, it)| (name.clone(), shown(it)))
                    .collect()
            })
            .collect();
        assert_eq!(Value::Array(outputs), decoded["loss_fn_outputs"]);
    }
}

/// Covers: SampledSequence.topk_logprobs
#[test]
fn samples_are_read_as_the_official_sdk_does() {
    for case in fixture("sample_response").as_array().unwrap() {
        let response = SampleResponse::from_protobuf(bytes(&case["protobuf_b64"]).into()).unwrap();
        let ids: Vec<String> = (0..response.sequences.len())
            .map(|n| format!("s{n}"))
            .collect();
        let response = response.with_sequence_ids(&ids).unwrap();
        let mut found = to_value(&response).unwrap();
        if let Some(target) = &response.target_prompt_logprobs {
            found["target_prompt_logprobs"] = shown(target);
        }
        if let Some(drawn) = &response.prompt_alt_tokens {
            found["prompt_alt_tokens"] =
                json!({"tokens": shown(&drawn.tokens), "logprobs": shown(&drawn.logprobs)});
        }
        for (n, sequence) in found["sequences"]
            .as_array_mut()
            .unwrap()
            .iter_mut()
            .enumerate()
        {
            let id = sequence
                .as_object_mut()
                .unwrap()
                .shift_remove("sequence_id");
            assert_eq!(id, Some(json!(ids[n])));
        }
        assert_eq!(found, case["decoded"]);
        assert!(
            response
                .with_sequence_ids(&vec!["one".to_owned(); 9])
                .is_err()
        );
    }
}

/// Covers: tinker.service.client_config
#[test]
fn settings_have_the_defaults_of_the_official_sdk() {
    let none = || json!({});
    let config: ClientConfigResponse = serde_json::from_value(none()).unwrap();
    assert_eq!(to_value(config).unwrap(), fixture("client_config_defaults"));
    let config: ClientDynamicConfigResponse = serde_json::from_value(none()).unwrap();
    assert_eq!(
        to_value(config).unwrap(),
        fixture("client_dynamic_config_defaults")
    );
}

/// Covers: ParsedCheckpointTinkerPath.from_tinker_path
#[test]
fn paths_are_taken_apart_alike() {
    for case in fixture("tinker_paths").as_array().unwrap() {
        let input = case["input"].as_str().unwrap();
        let parsed = input.parse::<ParsedCheckpointTinkerPath>();
        let expected = &case["result"];
        if expected.get("error").is_some() {
            assert_eq!(parsed.unwrap_err().field(), "tinker_path", "{input}");
            continue;
        }
        let parsed = parsed.unwrap();
        let found = json!({
            "tinker_path": parsed.tinker_path(),
            "training_run_id": parsed.training_run_id(),
            "checkpoint_type": parsed.checkpoint_type(),
            "checkpoint_id": parsed.checkpoint_id(),
        });
        assert_eq!(found, *expected);
        let (run, id) = (parsed.training_run_id(), parsed.checkpoint_id());
        assert_eq!(ParsedCheckpointTinkerPath::of(run, id).unwrap(), parsed);
        assert_eq!(to_value(&parsed).unwrap(), input);
    }
}

#[test]
fn containers_and_lists_become_tensors_alike() {
    for case in fixture("tensor_container").as_array().unwrap() {
        let chunk = DmelChunk::new().set_dmel(bytes(&case["b64"]));
        let first = case["shape"].get(0).and_then(Value::as_u64);
        assert_eq!(chunk.length().ok().map(|length| length as u64), first);
    }
    for case in fixture("datum_list_coercion").as_array().unwrap() {
        let name = case["key"].as_str().unwrap();
        let tensor = TensorData::of_loss_input(name, &case["list"]).unwrap();
        assert_eq!(shown(&tensor), case["tensor"]);
    }
}
