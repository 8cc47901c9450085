//! Items per second of a batch, against a bare loop that sends the same bodies.
//!
//! Both sides read from one context cache of the emulator in this process. The ratio is taken over
//! alternating rounds of one run, so the noise of the machine falls on both sides alike.

use std::hint::black_box;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, Throughput};
use futures_util::{StreamExt as _, stream};
use gimmal_batch::strategies::GeminiStrategy;
use gimmal_batch::{Order, Processor, WorkItem};
use gimmal_client::gemini::GeminiClient;
use gimmal_client::gemini::planner::{PlanHint, Planner, PlannerOptions, Prefix};
use gimmal_client::types::gemini::Content;
use gimmal_emulator::Emulator;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

const MODEL: &str = "gemini-2.5-flash";
const HANDBOOK: &str = include_str!("../../../examples/handbook.md");
const QUESTIONS: &str = include_str!("../../../examples/questions.jsonl");
const ITEMS: usize = 2_000;
const CONCURRENCY: usize = 256;
const ROUNDS: usize = 12;
/// The share of the bare loop's speed that a batch must reach.
const REQUIRED: f64 = 0.60;

struct Setup {
    runtime: Runtime,
    emulator: Emulator,
    strategy: Arc<GeminiStrategy>,
    bare: reqwest::Client,
    url: String,
    prompts: Vec<String>,
}

#[expect(clippy::print_stderr, reason = "a bench reports on standard error")]
fn report(line: &str) {
    eprintln!("{line}");
}

fn main() {
    let setup = setup();
    let mut criterion = Criterion::default().configure_from_args().sample_size(10);
    let mut group = criterion.benchmark_group("answers");
    group.throughput(Throughput::Elements(ITEMS as u64));
    group.measurement_time(Duration::from_secs(8));
    group.bench_function("gimmal-batch", |bencher| {
        bencher.to_async(&setup.runtime).iter(|| batch(&setup));
    });
    group.bench_function("bare reqwest loop", |bencher| {
        bencher.to_async(&setup.runtime).iter(|| bare(&setup));
    });
    group.finish();
    criterion.final_summary();
    report_ratio(&setup);
    setup.runtime.block_on(setup.emulator.shutdown());
}

/// Alternates the two sides and fails when the batch falls short of what is required.
fn report_ratio(setup: &Setup) {
    let (mut ours, mut theirs) = (Duration::ZERO, Duration::ZERO);
    for round in 0..ROUNDS {
        let time = |side: &mut Duration, batch_side: bool| {
            let start = Instant::now();
            setup.runtime.block_on(async {
                if batch_side {
                    batch(setup).await
                } else {
                    bare(setup).await
                }
            });
            // The first round warms connections and caches of both sides.
            if round > 0 {
                *side += start.elapsed();
            }
        };
        time(&mut ours, true);
        time(&mut theirs, false);
    }
    let per_second = |time: Duration| (ITEMS * (ROUNDS - 1)) as f64 / time.as_secs_f64();
    let ratio = theirs.as_secs_f64() / ours.as_secs_f64();
    report(&format!(
        "gimmal-batch {:.0}/s, bare reqwest loop {:.0}/s, ratio {ratio:.2} (required {REQUIRED:.2})",
        per_second(ours),
        per_second(theirs),
    ));
    assert!(
        ratio >= REQUIRED,
        "a batch reaches only {ratio:.2} of the bare loop's speed"
    );
}

fn setup() -> Setup {
    let runtime = Runtime::new().expect("a runtime");
    let prompts: Vec<String> = QUESTIONS
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).expect("a question"))
        .map(|question| question["prompt"].as_str().unwrap_or_default().to_owned())
        .collect();
    let prompts = prompts.iter().cycle().take(ITEMS).cloned().collect();
    let (emulator, strategy, url) = runtime.block_on(async {
        let emulator = Emulator::builder()
            .with_journal_capacity(0)
            .start()
            .await
            .expect("an emulator");
        let client = GeminiClient::builder()
            .with_api_key("local")
            .with_base_url(emulator.base_url())
            .build()
            .expect("a client");
        let mut options = PlannerOptions::default();
        options.keep_on_close = true;
        let planner = Planner::builder(&client).with_options(options).build();
        let prefix = Prefix {
            contents: vec![Content::user(HANDBOOK)],
            ..Prefix::default()
        };
        let strategy = GeminiStrategy::builder(&client, &planner, MODEL)
            .with_shared_context(prefix)
            .with_hint(PlanHint::new().with_expected_reads(1_000_000))
            .build()
            .expect("a strategy");
        let url = format!("{}v1/models/{MODEL}:generateContent", emulator.base_url());
        (emulator, Arc::new(strategy), url)
    });
    Setup {
        runtime,
        emulator,
        strategy,
        bare: reqwest::Client::new(),
        url,
        prompts,
    }
}

async fn batch(setup: &Setup) {
    let items: Vec<_> = setup
        .prompts
        .iter()
        .enumerate()
        .map(|(index, prompt)| WorkItem::new(index.to_string(), prompt.clone()))
        .collect();
    let mut run = Processor::new()
        .with_concurrency(NonZeroUsize::new(CONCURRENCY).expect("not zero"))
        .with_order(Order::Completion)
        .start(Arc::clone(&setup.strategy), stream::iter(items))
        .await
        .expect("a prepared strategy");
    let mut answers = 0;
    while let Some(result) = run.next().await {
        let outcome = result.outcome.expect("an answer");
        assert!(outcome.usage.cached_tokens > 0);
        answers += usize::from(!outcome.output.text.is_empty());
    }
    assert_eq!(answers, ITEMS);
}

async fn bare(setup: &Setup) {
    let cache = cache_name(setup).await;
    let bodies: Vec<Vec<u8>> = setup
        .prompts
        .iter()
        .map(|prompt| {
            let contents = json!([{"parts": [{"text": prompt}], "role": "user"}]);
            serde_json::to_vec(&json!({"contents": contents, "cachedContent": cache}))
                .expect("a body")
        })
        .collect();
    let mut replies = stream::iter(bodies)
        .map(|body| async move {
            let request = setup
                .bare
                .post(&setup.url)
                .header("x-goog-api-key", "local")
                .header("content-type", "application/json")
                .body(body);
            let bytes = request
                .send()
                .await
                .expect("a reply")
                .bytes()
                .await
                .expect("a body");
            serde_json::from_slice::<Value>(&bytes).expect("JSON")
        })
        .buffer_unordered(CONCURRENCY);
    let mut answers = 0;
    while let Some(reply) = replies.next().await {
        answers += usize::from(black_box(&reply)["candidates"][0]["content"].is_object());
    }
    assert_eq!(answers, ITEMS);
}

/// The cache that the batch side made.
async fn cache_name(setup: &Setup) -> String {
    let url = format!("{}v1/cachedContents", setup.emulator.base_url());
    let request = setup.bare.get(url).header("x-goog-api-key", "local");
    let bytes = request
        .send()
        .await
        .expect("a reply")
        .bytes()
        .await
        .expect("a body");
    let list: Value = serde_json::from_slice(&bytes).expect("JSON");
    list["cachedContents"][0]["name"]
        .as_str()
        .expect("a cache")
        .to_owned()
}
