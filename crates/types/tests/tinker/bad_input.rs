//! What cannot be sent: refused before anything is, with the field and what to do.

use gimmal_types::tinker::proto::ForwardBackwardBody;
use gimmal_types::tinker::{
    AdamParams, CheckpointType, Datum, DimuonParams, EncodedTextChunk, ForwardBackwardInput,
    ImageAssetPointerChunk, InvalidInput, LossFnType, ModelInput, OptimParams,
    ParsedCheckpointTinkerPath, PromptProvenanceSpan, ProvenanceSpan, SampleRequest,
    SampledProvenanceSpan, SamplingParams, SearchOwner, SessionSearchRequest, Stop, TensorData,
    UserSearchOwner,
};
use serde_json::json;

fn field(refused: Result<impl Sized, InvalidInput>) -> String {
    let error = refused.err().unwrap();
    assert!(!error.reason().is_empty());
    error.field().to_owned()
}

fn datum() -> Datum {
    Datum::new(ModelInput::from_ints([1, 2])).with_input("target_tokens", vec![2_i64, 3])
}

/// Covers: tinker.training.forward_backward
#[test]
fn data_is_checked_before_it_is_sent() {
    let encode = |data: Vec<Datum>| {
        ForwardBackwardBody::new("m", 1, &data, &LossFnType::CrossEntropy).encode()
    };
    assert!(encode(vec![datum()]).is_ok());
    assert_eq!(field(encode(Vec::new())), "data");
    for odd in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let bad = datum().with_input("weights", vec![0.0, odd]);
        assert_eq!(
            field(encode(vec![datum(), bad])),
            "data[1].loss_fn_inputs.weights[1]"
        );
    }
    let pointer = ModelInput::new().append(ImageAssetPointerChunk::new());
    assert_eq!(
        field(encode(vec![Datum::new(pointer)])),
        "data[0].model_input.chunks[0].type"
    );
    let tokens = ModelInput::new().append(EncodedTextChunk::from(vec![u32::MAX]));
    assert_eq!(
        field(encode(vec![Datum::new(tokens)])),
        "data[0].model_input.chunks[0].tokens"
    );
    let mut half = datum();
    half.model_input_spans = Some(Vec::new());
    assert_eq!(field(encode(vec![half])), "data[0].model_input_spans");
    let data = [datum()];
    let body = ForwardBackwardBody::new("m", u64::MAX, &data, &LossFnType::Ppo);
    assert_eq!(field(body.encode()), "seq_id");
}

#[test]
fn losses_are_known_and_their_settings_finite() {
    let input = |loss: &str| ForwardBackwardInput::new(vec![datum()], loss);
    let error = input("entropy").check().unwrap_err();
    assert_eq!(error.field(), "loss_fn");
    assert!(error.reason().contains("cross_entropy"), "{error}");
    let odd = input("ppo").with_config("clip", f64::NAN);
    assert_eq!(field(odd.check()), "loss_fn_config.clip");
    assert!(
        input("custom")
            .with_config("loss_id", "l-1")
            .check()
            .is_ok()
    );
}

#[test]
fn spans_cover_what_they_speak_of() {
    let spans = |length| vec![PromptProvenanceSpan::of("s", length)];
    assert!(datum().with_provenance(spans(2), spans(2)).is_ok());
    assert_eq!(
        field(datum().with_provenance(spans(3), spans(2))),
        "model_input_spans"
    );
    assert_eq!(
        field(datum().with_provenance(spans(2), spans(1))),
        "loss_fn_input_spans"
    );
    let nameless = vec![SampledProvenanceSpan::of("", 2)];
    assert_eq!(
        field(datum().with_provenance(nameless, spans(2))),
        "model_input_spans[0].sequence_id"
    );
    let two: Vec<ProvenanceSpan> = vec![
        PromptProvenanceSpan::of("s", 1).into(),
        SampledProvenanceSpan::of("s", 1).set_offset(4_u64).into(),
    ];
    let covered = datum().with_provenance(two.clone(), two).unwrap();
    assert_eq!(covered.model_input_spans.unwrap()[1].offset(), 4);
}

#[test]
fn lists_become_tensors_only_where_it_is_clear_which() {
    for (name, list) in [
        ("colour", json!([1])),
        ("weights", json!([[1], [1, 2]])),
        ("weights", json!(["x"])),
        ("target_tokens", json!([1, [2]])),
    ] {
        assert_eq!(field(TensorData::of_loss_input(name, &list)), name);
    }
    let cut = TensorData::of_loss_input("target_tokens", &json!([1.9, -2.5])).unwrap();
    assert_eq!(cut.as_i64(), Some(&[1, -2][..]));
}

#[test]
fn steps_have_sound_settings() {
    let adam = OptimParams::from(AdamParams::new().set_learning_rate(f64::INFINITY));
    assert_eq!(field(adam.check()), "adam_params.learning_rate");
    let dimuon = |params: DimuonParams| field(OptimParams::from(params).check());
    let params = || DimuonParams::new().set_learning_rate(0.1);
    assert_eq!(
        dimuon(params().set_learning_rate(-1.0)),
        "optimizer_params.learning_rate"
    );
    assert_eq!(dimuon(params().set_beta1(1.0)), "optimizer_params.beta1");
    assert_eq!(
        dimuon(params().set_beta1(f64::NAN)),
        "optimizer_params.beta1"
    );
    assert!(OptimParams::from(params()).check().is_ok());
    assert!(OptimParams::default().check().is_ok());
}

/// Covers: tinker.sampling.sample
#[test]
fn samples_are_checked_before_they_are_asked_for() {
    let request = || SampleRequest::new().set_prompt(ModelInput::from_ints([1, 2]));
    assert!(request().check().is_ok());
    let hot = request().set_sampling_params(SamplingParams::new().set_temperature(f64::NAN));
    assert_eq!(field(hot.check()), "sampling_params.temperature");
    let row = request().set_target_prompt_logprobs(vec![1_i64]);
    assert_eq!(field(row.check()), "target_prompt_logprobs");
    let floats = TensorData::from(vec![1.0_f32]).with_shape([1, 1]).unwrap();
    let floats = request().set_target_prompt_logprobs(floats);
    assert_eq!(field(floats.check()), "target_prompt_logprobs");
    let last = request().set_prompt_logprobs_last_n(1_u32);
    assert_eq!(field(last.clone().check()), "prompt_logprobs_last_n");
    let last = last.set_prompt_logprobs(true);
    assert!(last.check().is_ok());
    assert_eq!(
        field(last.set_prompt_logprobs_last_n(0_u32).check()),
        "prompt_logprobs_last_n"
    );
}

#[test]
fn stops_are_of_one_kind() {
    for json in [json!("x"), json!(["x", "y"]), json!([1, 2]), json!([])] {
        let stop: Stop = serde_json::from_value(json.clone()).unwrap();
        assert_eq!(serde_json::to_value(stop).unwrap(), json);
    }
    assert!(serde_json::from_value::<Stop>(json!(["x", 1])).is_err());
    assert_eq!(
        serde_json::to_value(Stop::from(vec![1_u32])).unwrap(),
        json!([1])
    );
    assert_eq!(
        serde_json::to_value(Stop::from(vec!["a".to_owned()])).unwrap(),
        json!(["a"])
    );
}

/// Covers: tinker.sessions.search
#[test]
fn searches_are_checked() {
    let request = SessionSearchRequest::new;
    assert!(request().check().is_ok());
    assert_eq!(field(request().set_limit(0_u32).check()), "limit");
    assert_eq!(field(request().set_limit(201_u32).check()), "limit");
    assert_eq!(
        field(request().set_display_name("").check()),
        "display_name"
    );
    assert_eq!(
        field(
            request()
                .set_statuses(Vec::<gimmal_types::tinker::SessionStatusQuery>::new())
                .check()
        ),
        "statuses"
    );
    let nobody = SearchOwner::from(UserSearchOwner::new());
    assert_eq!(
        field(request().set_owner(nobody).check()),
        "owner.owner_urns"
    );
}

#[test]
fn checkpoints_of_the_wrong_kind_are_refused() {
    let path: ParsedCheckpointTinkerPath = "tinker://r/sampler_weights/x".parse().unwrap();
    assert!(path.require(&CheckpointType::Sampler).is_ok());
    let error = path.require(&CheckpointType::Training).unwrap_err();
    assert_eq!(
        error.to_string(),
        "invalid `tinker_path`: is a sampler checkpoint where a training checkpoint \
         (`weights/…`) is needed"
    );
    assert_eq!(path.name(), "x");
}
