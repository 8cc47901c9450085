//! What the framework costs for an item: the work that is measured, the line that tells of it, and
//! the figure that it must not exceed. Shared by the bench and the test of it.

use std::io::Write as _;
use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::Arc;
use std::time::{Duration, Instant};

use cpu_time::ProcessTime;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use gimmal_batch::journal::{Fsync, Journal};
use gimmal_batch::{
    Attempt, CallStrategy, Event, Failure, Hooks, Observer, Order, Outcome, Processor,
    TokenEstimate, Usage, WorkItem,
};
use gimmal_client::transport::RateLimits;
use serde::Serialize;

/// Does nothing, or waits for a millisecond.
#[derive(Debug)]
struct Idle(Duration);

impl CallStrategy for Idle {
    type Input = String;
    type Output = String;

    fn execute<'a>(
        &'a self,
        input: &'a String,
        _attempt: &'a mut Attempt,
    ) -> BoxFuture<'a, Result<Outcome<String>, Failure>> {
        Box::pin(async move {
            if !self.0.is_zero() {
                tokio::time::sleep(self.0).await;
            }
            Ok(Outcome::new(input.clone(), Usage::of(10, 5), 1))
        })
    }

    fn estimate(&self, _input: &String) -> Option<TokenEstimate> {
        Some(TokenEstimate {
            input_tokens: 10,
            output_tokens: 5,
        })
    }
}

/// Counts and does nothing else.
#[derive(Debug, Default)]
struct Counting(std::sync::atomic::AtomicU64);

impl Observer for Counting {
    fn on_event<'a>(&'a self, _event: &'a Event) -> BoxFuture<'a, ()> {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        Box::pin(async {})
    }
}

/// What is measured.
pub(crate) struct Config {
    pub(crate) mode: String,
    pub(crate) strategy: String,
    pub(crate) workers: usize,
    pub(crate) items: usize,
}

/// All modes.
pub(crate) const MODES: [&str; 6] = [
    "buffer_unordered",
    "spawned",
    "processor",
    "quota",
    "observer",
    "journal",
];

/// So many seconds of the processor a thousand items may take that ask nothing of anybody.
const CPU_S_PER_1000: f64 = 0.02;
/// Other work on the machine may make it so much more.
const TOLERANCE: f64 = 1.5;

/// What was measured; its JSON is one line.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Figures {
    pub(crate) mode: String,
    pub(crate) strategy: String,
    pub(crate) workers: usize,
    pub(crate) n: usize,
    pub(crate) ok: usize,
    pub(crate) wall_s: f64,
    pub(crate) items_per_s: f64,
    pub(crate) cpu_s_per_1000: f64,
    pub(crate) peak_rss_mib: Option<f64>,
}

impl Figures {
    /// How far the figures are beyond what is promised, if they are.
    pub(crate) fn excess(&self) -> Option<String> {
        let most = TOLERANCE * CPU_S_PER_1000;
        let is_promised = self.mode == "processor" && self.strategy == "noop";
        (is_promised && self.cpu_s_per_1000 > most).then(|| {
            let (have, workers) = (self.cpu_s_per_1000, self.workers);
            format!("{workers} workers: {have:.4} CPU seconds per 1,000 items, more than {most}")
        })
    }
}

/// Runs a configuration and tells what it took.
pub(crate) fn measure(config: &Config) -> Figures {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (wall, cpu) = (Instant::now(), ProcessTime::now());
    let ok = runtime.block_on(work(config));
    let (wall, cpu) = (wall.elapsed().as_secs_f64(), cpu.elapsed().as_secs_f64());
    Figures {
        mode: config.mode.clone(),
        strategy: config.strategy.clone(),
        workers: config.workers,
        n: config.items,
        ok,
        wall_s: wall,
        items_per_s: config.items as f64 / wall,
        cpu_s_per_1000: cpu * 1e3 / config.items as f64,
        peak_rss_mib: peak_rss_mib(),
    }
}

/// Does what a configuration says; gives how many items had an output.
pub(crate) async fn work(config: &Config) -> usize {
    match config.mode.as_str() {
        "buffer_unordered" => bare(config, one).await,
        "spawned" => {
            bare(config, |latency, id, input| {
                tokio::spawn(one(latency, id, input)).map(|done| done.expect("no panic"))
            })
            .await
        }
        _ => batch(config).await,
    }
}

fn latency(config: &Config) -> Duration {
    match config.strategy.as_str() {
        "noop" => Duration::ZERO,
        "sleep1ms" => Duration::from_millis(1),
        other => panic!("there is no strategy {other}"),
    }
}

async fn batch(config: &Config) -> usize {
    let workers = NonZeroUsize::new(config.workers).expect("at least one worker");
    let mut processor = Processor::new()
        .with_concurrency(workers)
        .with_order(Order::Completion);
    let mut hooks = Hooks::new();
    let file = std::env::temp_dir().join(format!("gimmal-overhead-{}", std::process::id()));
    match config.mode.as_str() {
        "processor" => {}
        "quota" => {
            let plenty = NonZeroU64::new(1_000_000_000).expect("not zero");
            let limits = RateLimits::default().with_requests_per_minute(plenty);
            processor = processor.with_rate_limits(limits.with_tokens_per_minute(plenty));
        }
        "observer" => processor = processor.with_observer(Arc::new(Counting::default())),
        "journal" => {
            let journal = Journal::builder("run", "inputs").with_fsync(Fsync::Never);
            hooks = hooks.with_store(Arc::new(journal.open(&file).expect("a journal")));
        }
        other => panic!("there is no mode {other}"),
    }
    let items = (0..config.items).map(|i| WorkItem::new(i.to_string(), format!("prompt {i}")));
    let strategy = Arc::new(Idle(latency(config)));
    let run = processor.start_with(strategy, stream::iter(items), hooks);
    let mut run = run.await.expect("a run");
    // Results go to the disk, as they would.
    let mut sink = std::io::BufWriter::new(std::fs::File::create("/dev/null").expect("a sink"));
    let mut ok = 0;
    while let Some(result) = run.next().await {
        if let Ok(outcome) = &result.outcome {
            writeln!(sink, "{} {}", result.id, outcome.output).expect("a sink");
            ok += 1;
        }
    }
    run.finish().await.expect("the end of the run");
    let _ = std::fs::remove_file(file);
    ok
}

/// The work on an item that [`Idle`] does, without a strategy.
async fn one(latency: Duration, id: String, input: String) -> (String, String) {
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
    (id, input.clone())
}

/// A loop without any of what the processor is for.
async fn bare<F>(config: &Config, begin: impl Fn(Duration, String, String) -> F) -> usize
where
    F: Future<Output = (String, String)>,
{
    let latency = latency(config);
    let items = (0..config.items).map(|i| (i.to_string(), format!("prompt {i}")));
    let mut results = stream::iter(items)
        .map(|(id, input)| begin(latency, id, input))
        .buffer_unordered(config.workers);
    let mut sink = std::io::BufWriter::new(std::fs::File::create("/dev/null").expect("a sink"));
    let mut ok = 0;
    while let Some((id, output)) = results.next().await {
        writeln!(sink, "{id} {output}").expect("a sink");
        ok += 1;
    }
    ok
}

/// The largest size of this process so far, where the system tells it.
fn peak_rss_mib() -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}
