//! The sides that are written in Rust. Each makes the same calls, reads the whole reply and counts
//! the bytes of its text, so that none can skip the work.

use std::num::NonZeroU64;
use std::time::Duration;

use cpu_time::ProcessTime;
use futures_util::{StreamExt as _, stream};
use gimmal_client::gemini::GeminiClient;
use gimmal_client::transport::{CircuitRegistry, RateLimiter, RateLimits};
use serde::Deserialize;
use serde_json::json;

const SIDE: &str = "--side";
const MODEL: &str = "gemini-2.5-flash";
const PROMPT: &str = "What is a gimmal?";
/// A limit that no call meets, but that is looked at.
const PLENTY: NonZeroU64 = NonZeroU64::new(1_000_000_000_000).expect("not zero");

/// Makes the calls if this process was started for that, and tells what one of them cost.
#[expect(clippy::print_stdout, reason = "the parent reads the figure there")]
pub(crate) fn call_if_asked() -> bool {
    let args: Vec<String> = std::env::args().skip_while(|arg| arg != SIDE).collect();
    let [_, name, url, kind, numbers @ ..] = args.as_slice() else {
        return false;
    };
    let numbers = numbers.iter().map(|text| text.parse().expect("a number"));
    let numbers: Vec<usize> = numbers.collect();
    let &[warm_up, calls, concurrency, text_bytes] = numbers.as_slice() else {
        panic!("four numbers");
    };
    let caller = Caller::new(name, url, kind == "stream");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    runtime.block_on(caller.calls(warm_up, concurrency, text_bytes));
    let start = ProcessTime::now();
    runtime.block_on(caller.calls(calls, concurrency, text_bytes));
    let micros = start.elapsed().as_secs_f64() * 1e6;
    println!("{}", micros / calls as f64);
    true
}

struct Caller {
    client: Client,
    streamed: bool,
}

enum Client {
    Ours(Box<GeminiClient>),
    Bare(reqwest::Client, String),
    GeminiRust(gemini_rust::Gemini),
}

impl Caller {
    fn new(name: &str, url: &str, streamed: bool) -> Self {
        let client = match name {
            "gimmal-client" => Client::Ours(Box::new(client(url))),
            "reqwest and serde" => Client::Bare(reqwest::Client::new(), url.to_owned()),
            _ => {
                let base = format!("{url}/v1beta/").parse().expect("an address");
                let model = format!("models/{MODEL}");
                let client = gemini_rust::Gemini::with_model_and_base_url("key", model, base);
                Client::GeminiRust(client.expect("a client"))
            }
        };
        Self { client, streamed }
    }

    async fn calls(&self, count: usize, concurrency: usize, text_bytes: usize) {
        let calls = stream::iter((0..count).map(|_| self.call()));
        let mut calls = calls.buffer_unordered(concurrency);
        while let Some(bytes) = calls.next().await {
            assert!(bytes.abs_diff(text_bytes) < 100, "{bytes} of {text_bytes}");
        }
    }

    /// Makes one call; the bytes of the text that came.
    async fn call(&self) -> usize {
        match (&self.client, self.streamed) {
            (Client::Ours(client), false) => ours(client).await,
            (Client::Ours(client), true) => ours_stream(client).await,
            (Client::Bare(client, url), false) => bare(client, url).await,
            (Client::Bare(client, url), true) => bare_stream(client, url).await,
            (Client::GeminiRust(client), false) => gemini_rust(client).await,
            (Client::GeminiRust(client), true) => gemini_rust_stream(client).await,
        }
    }
}

async fn ours(client: &GeminiClient) -> usize {
    let call = client.models().generate_content(MODEL);
    let reply = call.set_contents([PROMPT]).send().await.expect("a reply");
    assert!(reply.headers().contains_key("content-type"));
    reply.body().text().map_or(0, |text| text.len())
}

async fn ours_stream(client: &GeminiClient) -> usize {
    let call = client.models().generate_content(MODEL);
    let mut stream = call
        .set_contents([PROMPT])
        .stream()
        .await
        .expect("a stream");
    let mut bytes = 0;
    while let Some(chunk) = stream.next().await {
        bytes += chunk.expect("a chunk").text().map_or(0, |text| text.len());
    }
    bytes
}

#[expect(
    deprecated,
    reason = "the peer prefers another API; this is the one compared"
)]
async fn gemini_rust(client: &gemini_rust::Gemini) -> usize {
    let call = client.generate_content().with_user_message(PROMPT);
    call.execute().await.expect("a reply").text().len()
}

#[expect(
    deprecated,
    reason = "the peer prefers another API; this is the one compared"
)]
async fn gemini_rust_stream(client: &gemini_rust::Gemini) -> usize {
    let call = client.generate_content().with_user_message(PROMPT);
    let mut stream = call.execute_stream().await.expect("a stream");
    let mut bytes = 0;
    while let Some(chunk) = stream.next().await {
        bytes += chunk.expect("a chunk").text().len();
    }
    bytes
}

/// A client as a service would run it: retries, deadlines, a breaker and rate limits.
fn client(url: &str) -> GeminiClient {
    let limits = RateLimits::default()
        .with_requests_per_minute(PLENTY)
        .with_tokens_per_minute(PLENTY);
    GeminiClient::builder()
        .with_api_key("key")
        .with_base_url(url)
        .with_transport(|transport| {
            transport
                .with_circuit_breakers(CircuitRegistry::new())
                .with_rate_limit(RateLimiter::new(limits))
        })
        .build()
        .expect("a client")
}

/// What an engineer reads of a reply who writes the types by hand.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reply {
    candidates: Vec<Candidate>,
    usage_metadata: Usage,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Candidate {
    content: Content,
    #[expect(dead_code, reason = "read, as every caller must")]
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Content {
    parts: Vec<Part>,
}

#[derive(Deserialize)]
struct Part {
    text: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Usage {
    total_token_count: u64,
}

impl Reply {
    fn text_bytes(&self) -> usize {
        assert!(self.usage_metadata.total_token_count > 0);
        let parts = self.candidates.iter().flat_map(|it| &it.content.parts);
        parts.map(|part| part.text.len()).sum()
    }
}

fn request(client: &reqwest::Client, url: &str) -> reqwest::RequestBuilder {
    let body = json!({ "contents": [{ "role": "user", "parts": [{ "text": PROMPT }] }] });
    client
        .post(url)
        .header("content-type", "application/json")
        .header("x-goog-api-key", "key")
        .timeout(Duration::from_secs(60))
        .body(serde_json::to_vec(&body).expect("JSON"))
}

async fn bare(client: &reqwest::Client, url: &str) -> usize {
    let url = format!("{url}/v1beta/models/{MODEL}:generateContent");
    let reply = request(client, &url).send().await.expect("a reply");
    let body = reply.error_for_status().expect("success").bytes().await;
    let reply: Reply = serde_json::from_slice(&body.expect("a body")).expect("a reply");
    reply.text_bytes()
}

/// Reads a stream with the least that works for this server: one line of data an event.
async fn bare_stream(client: &reqwest::Client, url: &str) -> usize {
    let url = format!("{url}/v1beta/models/{MODEL}:streamGenerateContent?alt=sse");
    let reply = request(client, &url).send().await.expect("a reply");
    let mut body = reply.error_for_status().expect("success").bytes_stream();
    let (mut waiting, mut bytes) = (Vec::new(), 0);
    while let Some(chunk) = body.next().await {
        waiting.extend_from_slice(&chunk.expect("a chunk"));
        while let Some(end) = waiting.iter().position(|byte| *byte == b'\n') {
            if let Some(data) = waiting[..end].strip_prefix(b"data: ") {
                let reply: Reply = serde_json::from_slice(data.trim_ascii()).expect("a reply");
                bytes += reply.text_bytes();
            }
            waiting.drain(..=end);
        }
    }
    bytes
}
