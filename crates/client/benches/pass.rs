//! What a pass costs that is encoded, sent and answered: 1,024 datums of 4,096 tokens with two tensors
//! of floats each; beside a copy of as many bytes in memory, and beside the official SDK, which talks
//! to the same server.
//!
//! The server is this program again in a process of its own, and keeps nothing. The SDK is that of the
//! interpreter named in `GIMMAL_BENCH_PYTHON`; without it there is no such side. Time is that on the
//! processor, the middle one of several rounds.

#[path = "pass/stub.rs"]
mod stub;
#[path = "../../transport/benches/common/time.rs"]
mod time;
#[path = "../../transport/benches/common/verdict.rs"]
mod verdict;
#[path = "../../transport/benches/common/wanted.rs"]
mod wanted;

use std::process::{Command, Stdio};

use gimmal_client::tinker::{ServiceClient, TrainingClient};
use gimmal_client::types::tinker::proto::ForwardBackwardBody;
use gimmal_client::types::tinker::{Datum, LossFnType, ModelInput};
use peak_alloc::PeakAlloc;
use tokio::runtime::Runtime;

use crate::stub::Stub;
use crate::time::{busy, median};
use crate::verdict::{Verdict, report};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const DATUMS: usize = 1_024;
const TOKENS: u16 = 4_096;
const ROUNDS: usize = 9;
/// Most memory at the peak beyond the data, in lengths of what is sent.
const MOST_MEMORY: f64 = 1.3;
/// Most time, in copies of as many bytes.
const MOST_COPIES: f64 = 2.0;
/// Most time, in that of the official SDK.
const MOST_OF_PYTHON: f64 = 0.25;
/// Names the interpreter that has the official SDK.
const PYTHON: &str = "GIMMAL_BENCH_PYTHON";
const SIDE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/pass/side.py");

fn main() {
    if stub::serve_if_asked() || !wanted::measures() {
        return;
    }
    let server = Stub::start();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let client = runtime.block_on(open(server.url()));
    let data = data();
    let body = ForwardBackwardBody::new("m", 1, &data, &LossFnType::Ppo).encode();
    let body = body.expect("sound data");
    let length = body.len() as f64;
    let copy = median(
        (0..ROUNDS)
            .map(|_| busy(|| body.to_vec()).as_secs_f64())
            .collect(),
    );
    drop(body);

    pass(&runtime, &client, data.clone());
    let given = data.clone();
    let memory = peak(|| pass(&runtime, &client, given)) as f64 / length;
    let seconds = (0..ROUNDS).map(|_| {
        let data = data.clone();
        busy(|| pass(&runtime, &client, data)).as_secs_f64()
    });
    let ours = median(seconds.collect());
    report(&format!(
        "     {:.1} MB: {:.1} ms; a copy: {:.1} ms",
        length / 1e6,
        ours * 1e3,
        copy * 1e3
    ));
    let mut verdict = Verdict::default();
    verdict.check(
        memory <= MOST_MEMORY,
        format!("{memory:.2} lengths of memory (allowed {MOST_MEMORY})"),
    );
    let copies = ours / copy;
    verdict.check(
        copies <= MOST_COPIES,
        format!("{copies:.2} copies (allowed {MOST_COPIES})"),
    );
    if let Some([theirs, memory]) = python(server.url()) {
        report(&format!(
            "     the official SDK: {:.1} ms, {:.2} lengths of memory",
            theirs * 1e3,
            memory / length
        ));
        let part = ours / theirs;
        verdict.check(
            part <= MOST_OF_PYTHON,
            format!("{part:.3} of the SDK's time (allowed {MOST_OF_PYTHON})"),
        );
    }
    verdict.settle();
}

async fn open(url: &str) -> TrainingClient {
    let service = ServiceClient::builder()
        .with_api_key("tml-bench")
        .with_base_url(url)
        .with_telemetry(false)
        .build();
    let service = service.expect("a client");
    let made = service.create_lora_training_client("base");
    made.await.expect("a model")
}

fn pass(runtime: &Runtime, client: &TrainingClient, data: Vec<Datum>) {
    let pass = async { client.forward_backward(data, LossFnType::Ppo).await };
    runtime.block_on(pass).expect("a result");
}

/// How many bytes `work` took at the peak.
fn peak(work: impl FnOnce()) -> usize {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    work();
    ALLOCATOR.peak_usage().saturating_sub(before)
}

/// Seconds and bytes at the peak that the official SDK takes.
fn python(url: &str) -> Option<[f64; 2]> {
    let Some(python) = std::env::var_os(PYTHON) else {
        report(&format!(
            "     without the official SDK: {PYTHON} names no interpreter"
        ));
        return None;
    };
    let numbers = [DATUMS, usize::from(TOKENS), ROUNDS].map(|number| number.to_string());
    let output = Command::new(python)
        .args([SIDE, url])
        .args(numbers)
        .stderr(Stdio::inherit())
        .output()
        .expect("an interpreter");
    let text = String::from_utf8(output.stdout).expect("figures");
    let figures = text
        .split_whitespace()
        .map(|it| it.parse().expect("a figure"));
    let figures: Vec<f64> = figures.collect();
    Some(figures.try_into().expect("two figures"))
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
