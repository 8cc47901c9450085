//! What it costs to encode a pass, 1,024 datums of 4,096 tokens with two tensors of floats each, and to
//! decode its result; beside a copy of as many bytes in memory, and beside the official SDK.
//!
//! The SDK is that of the interpreter named in `GIMMAL_BENCH_PYTHON`; without it there is no such
//! side. Time is that on the processor, the middle one of several rounds.

#[path = "../../transport/benches/common/time.rs"]
mod time;
#[path = "../../transport/benches/common/verdict.rs"]
mod verdict;
#[path = "../../transport/benches/common/wanted.rs"]
mod wanted;

use std::process::{Command, Stdio};

use bytes::Bytes;
use gimmal_api::tinker::{Endpoint, requests};
use gimmal_types::tinker::proto::ForwardBackwardBody;
use gimmal_types::tinker::proto::messages;
use gimmal_types::tinker::{
    Datum, ForwardBackwardOutput, FutureResult as _, LossFnType, ModelInput,
};
use peak_alloc::PeakAlloc;
use prost::Message as _;

use crate::time::{busy, median};
use crate::verdict::{Verdict, report};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const DATUMS: usize = 1_024;
const TOKENS: u16 = 4_096;
const ROUNDS: usize = 15;
/// Most memory at the peak, in lengths of the body.
const MOST_MEMORY: f64 = 1.3;
/// Most time, in copies of as many bytes.
const MOST_COPIES: f64 = 2.0;
/// Most time, in that of the official SDK.
const MOST_OF_PYTHON: f64 = 0.25;
/// Names the interpreter that has the official SDK.
const PYTHON: &str = "GIMMAL_BENCH_PYTHON";
const SIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/tinker_encode.py");

fn main() {
    if !wanted::measures() {
        return;
    }
    let data = data();
    let endpoint = Endpoint::new("http://localhost").expect("an address");
    let encode = || {
        let pass = ForwardBackwardBody::new("m", 1, &data, &LossFnType::Ppo);
        requests::forward_backward(&endpoint, pass).expect("sound data")
    };
    let result = Bytes::from(result());
    let decode = || ForwardBackwardOutput::from_protobuf(result.clone()).expect("a result");

    let (body, encode_peak) = peak(encode);
    let body = body.body().clone();
    let (decoded, decode_peak) = peak(decode);
    assert_eq!(decoded.loss_fn_outputs.len(), DATUMS);
    drop(decoded);
    let mut verdict = Verdict::default();
    let works = [
        ("encoding", &body, encode_peak, seconds(encode)),
        ("decoding", &result, decode_peak, seconds(decode)),
    ];
    let python = python();
    for (number, (name, bytes, peak, ours)) in works.into_iter().enumerate() {
        let copy = seconds(|| bytes.to_vec());
        let length = bytes.len() as f64;
        let memory = peak as f64 / length;
        report(&format!(
            "     {name} {:.1} MB: {:.1} ms; a copy: {:.1} ms",
            length / 1e6,
            ours * 1e3,
            copy * 1e3
        ));
        verdict.check(
            memory <= MOST_MEMORY,
            format!("{name}: {memory:.2} lengths of memory (allowed {MOST_MEMORY})"),
        );
        let copies = ours / copy;
        verdict.check(
            copies <= MOST_COPIES,
            format!("{name}: {copies:.2} copies (allowed {MOST_COPIES})"),
        );
        if let Some(python) = &python {
            let (theirs, memory) = (python[2 * number], python[2 * number + 1] / length);
            report(&format!(
                "     the official SDK: {:.1} ms, {memory:.2} lengths of memory",
                theirs * 1e3
            ));
            let part = ours / theirs;
            verdict.check(
                part <= MOST_OF_PYTHON,
                format!("{name}: {part:.3} of the SDK's time (allowed {MOST_OF_PYTHON})"),
            );
        }
    }
    verdict.settle();
}

/// What the work gives, and how many bytes it took at the peak.
fn peak<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let done = work();
    (done, ALLOCATOR.peak_usage().saturating_sub(before))
}

/// Seconds on the processor.
fn seconds<T>(work: impl Fn() -> T) -> f64 {
    median((0..ROUNDS).map(|_| busy(&work).as_secs_f64()).collect())
}

/// Seconds and bytes at the peak that the official SDK takes to encode, and then to decode.
fn python() -> Option<[f64; 4]> {
    let Some(python) = std::env::var_os(PYTHON) else {
        report(&format!(
            "     without the official SDK: {PYTHON} names no interpreter"
        ));
        return None;
    };
    let output = Command::new(python)
        .arg(SIDE)
        .args([DATUMS, usize::from(TOKENS), ROUNDS].map(|number| number.to_string()))
        .stderr(Stdio::inherit())
        .output()
        .expect("an interpreter");
    let text = String::from_utf8(output.stdout).expect("figures");
    let figures = text
        .split_whitespace()
        .map(|it| it.parse().expect("a figure"));
    let figures: Vec<f64> = figures.collect();
    Some(figures.try_into().expect("four figures"))
}

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
