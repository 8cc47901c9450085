//! What it costs to encode a pass: 1,024 datums of 4,096 tokens with two tensors of floats each.
//!
//! The measure is a copy of as many bytes in memory: encoding takes at most twice as long, and at
//! its peak at most 1.3 times the memory of the body. Before anything is timed, the memory is
//! checked and the bench fails when there is too much of it.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use gimmal_api::tinker::{Endpoint, requests};
use gimmal_types::tinker::proto::ForwardBackwardBody;
use gimmal_types::tinker::proto::messages;
use gimmal_types::tinker::{
    Datum, ForwardBackwardOutput, FutureResult as _, LossFnType, ModelInput,
};
use peak_alloc::PeakAlloc;
use prost::Message as _;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const DATUMS: usize = 1_024;
const TOKENS: u16 = 4_096;

fn data() -> Vec<Datum> {
    let floats: Vec<f32> = (0..TOKENS).map(f32::from).collect();
    let one = Datum::new(ModelInput::from_ints((0..TOKENS).map(u32::from)))
        .with_input(
            "target_tokens",
            (0..TOKENS).map(i64::from).collect::<Vec<_>>(),
        )
        .with_input("weights", floats.clone())
        .with_input("advantages", floats);
    vec![one; DATUMS]
}

/// The result of such a pass: a log-probability per token.
fn result() -> Vec<u8> {
    let logprobs: Vec<u8> = (0..TOKENS)
        .flat_map(|it| f32::from(it).to_le_bytes())
        .collect();
    let row = logprobs.len() as i64;
    let field = messages::BatchedTensor {
        data: logprobs.repeat(DATUMS).into(),
        offsets: (0..=DATUMS as i64)
            .flat_map(|n| (n * row).to_le_bytes())
            .collect(),
        dtype: messages::DType::DtypeFloat32.into(),
        trailing_shape: Vec::new(),
    };
    let record = messages::ArrayRecord {
        type_tag: String::new(),
        fields: [("logprobs".to_owned(), field)].into(),
        num_datums: DATUMS as i64,
    };
    let output = messages::ForwardBackwardOutput {
        loss_fn_outputs: vec![record],
        ..Default::default()
    };
    output.encode_to_vec()
}

fn encoding(criterion: &mut Criterion) {
    let data = data();
    let endpoint = Endpoint::new("http://localhost").expect("an address");
    let pass = || ForwardBackwardBody::new("m", 1, &data, &LossFnType::Ppo);

    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let request = requests::forward_backward(&endpoint, pass()).expect("sound data");
    let (peak, body) = (ALLOCATOR.peak_usage() - before, request.body().len());
    assert!(
        peak * 10 <= body * 13,
        "{peak} bytes at the peak for a body of {body}"
    );

    let body = request.body().clone();
    let mut group = criterion.benchmark_group("forward_backward");
    group
        .sample_size(20)
        .throughput(Throughput::Bytes(body.len() as u64));
    group.bench_function("copy", |bencher| {
        bencher.iter(|| black_box(&body[..]).to_vec())
    });
    group.bench_function("encode", |bencher| {
        bencher.iter(|| requests::forward_backward(&endpoint, black_box(pass())));
    });
    group.finish();

    let result = bytes::Bytes::from(result());
    let mut group = criterion.benchmark_group("forward_backward_output");
    group
        .sample_size(20)
        .throughput(Throughput::Bytes(result.len() as u64));
    group.bench_function("copy", |bencher| {
        bencher.iter(|| black_box(&result[..]).to_vec())
    });
    group.bench_function("decode", |bencher| {
        bencher.iter(|| ForwardBackwardOutput::from_protobuf(black_box(result.clone())));
    });
    group.finish();
}

criterion_group!(benches, encoding);
criterion_main!(benches);
