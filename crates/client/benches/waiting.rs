//! How much memory a sample takes that waits for its result, with two thousand of them in one
//! sampling session; and that they wait with one question to the server.
//!
//! The allocator counts, so the figure is exact and does not depend on the machine. The server is a
//! stand-in within the process that keeps nothing of a request.

#[path = "../../transport/benches/common/verdict.rs"]
mod verdict;
#[path = "../../transport/benches/common/wanted.rs"]
mod wanted;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, join_all};
use gimmal_client::Error;
use gimmal_client::tinker::{SamplingClient, ServiceClient};
use gimmal_client::transport::{ByteStream, HttpTransport};
use gimmal_client::types::tinker::{ModelInput, SamplingParams};
use http::{Request, Response};
use peak_alloc::PeakAlloc;
use serde_json::{Value, json};
use tokio::sync::Semaphore;

use crate::verdict::{Verdict, report};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// Samples before the first figure, so that what all share is there.
const WARM_UP: usize = 100;
const WAITING: usize = 2_000;
/// How many bytes a waiting sample may take.
const ALLOWED: usize = 4 * 1024;

fn main() {
    let waiting = if wanted::measures() { WAITING } else { 10 };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let (bytes, questions) = runtime.block_on(measure(waiting));
    report(&format!("     {bytes} bytes for each of {waiting} samples"));
    if !wanted::measures() {
        return;
    }
    let mut verdict = Verdict::default();
    verdict.check(
        bytes <= ALLOWED,
        format!("{bytes} bytes for a waiting sample (allowed {ALLOWED})"),
    );
    verdict.check(
        questions == 1,
        format!("{questions} questions at a time for all of them (allowed 1)"),
    );
    verdict.settle();
}

/// Bytes for each of so many samples that wait, and how many questions were under way at most.
async fn measure(waiting: usize) -> (usize, usize) {
    let server = Arc::new(Server::new());
    let service = ServiceClient::builder()
        .with_api_key("tml-bench")
        .with_base_url("http://tinker.test")
        .with_telemetry(false)
        .with_http(Arc::clone(&server) as Arc<dyn HttpTransport>)
        .build()
        .expect("a client");
    let made = service.create_sampling_client().set_base_model("base");
    let client = made.await.expect("a sampling client");

    let mut samples = hand_in(&client, &server, WARM_UP).await;
    let before = ALLOCATOR.current_usage();
    samples.extend(hand_in(&client, &server, waiting).await);
    let taken = ALLOCATOR.current_usage().saturating_sub(before);

    server.done.add_permits(1);
    for sample in join_all(samples).await {
        assert_eq!(sample.expect("a sample").sequences.len(), 1);
    }
    (
        taken / waiting,
        server.most_questions.load(Ordering::Relaxed),
    )
}

type Sampled = BoxFuture<'static, Result<gimmal_client::types::tinker::SampleResponse, Error>>;

/// Hands samples in, and comes back when all of them wait for their results.
async fn hand_in(client: &SamplingClient, server: &Server, count: usize) -> Vec<Sampled> {
    let wanted = server.promises.load(Ordering::Relaxed) + count;
    let params = SamplingParams::new().set_max_tokens(1_u32);
    let mut samples = Vec::with_capacity(count);
    for _ in 0..count {
        let sample = client.sample(ModelInput::from_ints([1]), 1, params.clone());
        samples.push(sample.submit().await.expect("a task").boxed());
    }
    while server.promises.load(Ordering::Relaxed) < wanted {
        tokio::task::yield_now().await;
    }
    // The last ones read their promises.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    samples
}

/// Promises everything at once and keeps its promises when it is told to.
#[derive(Debug)]
struct Server {
    promises: AtomicUsize,
    questions: AtomicUsize,
    most_questions: AtomicUsize,
    done: Semaphore,
}

impl Server {
    fn new() -> Self {
        Self {
            promises: AtomicUsize::new(0),
            questions: AtomicUsize::new(0),
            most_questions: AtomicUsize::new(0),
            done: Semaphore::new(0),
        }
    }

    async fn answer(&self, path: &str) -> Value {
        match path {
            "/api/v1/client/config" => json!({"sample_use_retrieve_futures": true}),
            "/api/v1/create_session" => json!({"session_id": "s"}),
            "/api/v1/create_sampling_session" => json!({"sampling_session_id": "s:sample:0"}),
            "/api/v1/asample" => {
                let number = self.promises.fetch_add(1, Ordering::Relaxed);
                json!({"request_id": request_id(number), "sample_sequence_ids": ["q"]})
            }
            "/api/v1/retrieve_futures" => self.news().await,
            "/api/v1/retrieve_future" => {
                json!({"sequences": [{"stop_reason": "length", "tokens": [7]}]})
            }
            _ => json!({}),
        }
    }

    /// What is done, as soon as anything is.
    async fn news(&self) -> Value {
        let now = self.questions.fetch_add(1, Ordering::Relaxed) + 1;
        self.most_questions.fetch_max(now, Ordering::Relaxed);
        let done = self.done.acquire().await;
        self.questions.fetch_sub(1, Ordering::Relaxed);
        let count = self.promises.load(Ordering::Relaxed);
        let completions =
            (0..count).map(|number| json!({"state": "finished", "request_id": request_id(number)}));
        drop(done);
        json!({"completions": completions.collect::<Vec<_>>(), "cursor": count})
    }
}

/// As long as those of the service.
fn request_id(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

impl HttpTransport for Server {
    fn execute(
        &self,
        request: Request<Bytes>,
    ) -> BoxFuture<'_, Result<Response<ByteStream>, Error>> {
        async move {
            let reply = self.answer(request.uri().path()).await;
            let reply = Response::builder()
                .header("content-type", "application/json")
                .body(ByteStream::from_bytes(reply.to_string().into()));
            Ok(reply.expect("a reply"))
        }
        .boxed()
    }
}
