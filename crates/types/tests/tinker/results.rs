//! Results in either form, whole or damaged.

use std::collections::BTreeMap;

use bytes::Bytes;
use gimmal_types::tinker::proto::messages;
use gimmal_types::tinker::{
    CreateModelResponse, ForwardBackwardOutput, FutureResult, SampleResponse, StopReason,
};
use proptest::prelude::*;
use prost::Message as _;
use serde_json::json;

const PROTOBUF: &str = "application/x-protobuf";

#[test]
fn passes_of_older_servers_come_as_json() {
    let body = json!({
        "loss_fn_output_type": "TorchLossReturn",
        "loss_fn_outputs": [{"logprobs": {"data": [-0.5, -1], "dtype": "float32", "shape": [2]}}],
        "metrics": {"loss:sum": 1.5},
        "type": "forward_backward",
    });
    let body = Bytes::from(body.to_string());
    let output = ForwardBackwardOutput::from_reply("application/json", body).unwrap();
    assert_eq!(
        output.loss_fn_outputs[0]["logprobs"].as_f32(),
        Some(&[-0.5, -1.0][..])
    );
    assert_eq!(output.metrics["loss:sum"], 1.5);
}

#[test]
fn the_kind_of_outputs_is_cut_where_there_are_outputs() {
    let read = |message: messages::ForwardBackwardOutput| {
        ForwardBackwardOutput::from_protobuf(Bytes::from(message.encode_to_vec()))
            .unwrap()
            .loss_fn_output_type
    };
    let mut message = messages::ForwardBackwardOutput {
        loss_fn_output_type: "tinker.types:ArrayRecord".to_owned(),
        ..Default::default()
    };
    assert_eq!(read(message.clone()), "tinker.types:ArrayRecord");
    message.loss_fn_outputs = vec![messages::ArrayRecord::default()];
    assert_eq!(read(message), "ArrayRecord");
    assert_eq!(
        read(messages::ForwardBackwardOutput::default()),
        "ArrayRecord"
    );
}

#[test]
fn samples_of_older_servers_come_as_json() {
    let body = json!({
        "type": "sample",
        "sequences": [{"stop_reason": "length", "tokens": [1, 2], "logprobs": [-0.5, -0.25]}],
        "prompt_logprobs": [null, -1.5],
        "topk_prompt_logprobs": [null, [[7, -0.5], [8, -1.0]]],
    });
    let response = SampleResponse::from_reply("application/json", body.to_string().into());
    let response = response.unwrap();
    assert_eq!(response.sequences[0].tokens, [1, 2]);
    assert_eq!(response.sequences[0].stop_reason, StopReason::Length);
    assert_eq!(response.sequences[0].sequence_id, "");
    assert_eq!(response.prompt_logprobs, Some(vec![None, Some(-1.5)]));
    let topk = response.topk_prompt_logprobs.unwrap();
    let places: Vec<_> = topk.places().collect();
    assert_eq!(places, [None, Some(vec![(7, -0.5), (8, -1.0)])]);
    assert_eq!((topk.k(), topk.len(), topk.is_empty()), (2, 2, false));
    assert_eq!(topk.token_ids().len(), topk.logprobs().len());
}

#[test]
fn results_of_one_form_are_not_read_from_the_other() {
    let model = CreateModelResponse::from_reply(PROTOBUF, Bytes::new());
    assert!(
        model
            .unwrap_err()
            .to_string()
            .contains("where JSON should be")
    );
    let body = Bytes::from_static(br#"{"model_id": "m", "type": "create_model"}"#);
    let model = CreateModelResponse::from_reply("application/json", body).unwrap();
    assert_eq!(model.model_id, "m");
    assert!(SampleResponse::from_reply("text/html", Bytes::from_static(b"<html>")).is_err());
}

fn refused(record: messages::ArrayRecord) -> String {
    let message = messages::ForwardBackwardOutput {
        loss_fn_outputs: vec![record],
        ..Default::default()
    };
    let body = message.encode_to_vec().into();
    ForwardBackwardOutput::from_protobuf(body)
        .unwrap_err()
        .to_string()
}

fn record(field: messages::BatchedTensor, num_datums: i64) -> messages::ArrayRecord {
    messages::ArrayRecord {
        type_tag: String::new(),
        fields: BTreeMap::from([("l".to_owned(), field)]),
        num_datums,
    }
}

fn batch(offsets: &[i64], dtype: messages::DType) -> messages::BatchedTensor {
    messages::BatchedTensor {
        data: vec![0; 8].into(),
        offsets: offsets
            .iter()
            .flat_map(|offset| offset.to_le_bytes())
            .collect(),
        dtype: dtype.into(),
        trailing_shape: Vec::new(),
    }
}

#[test]
fn damaged_passes_are_refused_and_named() {
    use messages::DType::{DtypeFloat32, DtypeUnspecified};
    let said = refused(record(batch(&[0, 16], DtypeFloat32), 1));
    assert!(said.contains("`l`"), "{said}");
    assert!(refused(record(batch(&[8, 0], DtypeFloat32), 1)).contains("`l`"));
    assert!(refused(record(batch(&[-4, 8], DtypeFloat32), 1)).contains("`l`"));
    assert!(refused(record(batch(&[0, 3], DtypeFloat32), 1)).contains("4 bytes"));
    assert!(refused(record(batch(&[0, 8], DtypeUnspecified), 1)).contains("`dtype` 0"));
    assert!(refused(record(batch(&[0, 8], DtypeFloat32), 2)).contains("each datum"));
    let mut endless = record(batch(&[], DtypeFloat32), i64::MAX);
    endless.fields.clear();
    assert!(refused(endless).contains("`num_datums`"));
    let negative = record(batch(&[0, 8], DtypeFloat32), -1);
    refused(negative);
}

#[test]
fn damaged_samples_are_refused_and_named() {
    let sequence = |tokens: &[u8], stop_reason| messages::SampledSequence {
        stop_reason,
        tokens: tokens.to_vec().into(),
        ..Default::default()
    };
    for (sequence, said) in [
        (sequence(&[1, 2, 3], 0), "`tokens`"),
        (sequence(&[0xff; 4], 0), "`tokens` holds a negative"),
        (sequence(&[], 2), "`stop_reason`"),
    ] {
        let message = messages::SampleResponse {
            sequences: vec![sequence],
            ..Default::default()
        };
        let error = SampleResponse::from_protobuf(message.encode_to_vec().into()).unwrap_err();
        assert!(error.to_string().contains(said), "{error}");
    }
}

proptest! {
    #[test]
    fn no_bytes_bring_a_reader_down(bytes: Vec<u8>) {
        for kind in [PROTOBUF, "application/json"] {
            let _: Result<_, _> = SampleResponse::from_reply(kind, bytes.clone().into());
            let _: Result<_, _> = ForwardBackwardOutput::from_reply(kind, bytes.clone().into());
        }
    }
}
