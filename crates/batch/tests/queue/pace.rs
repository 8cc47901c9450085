//! How fast workers are together: the more of them the faster, up to the limit that they share.
//!
//! This takes real time, so it runs when it is asked for: `cargo test -p gimmal-batch --features redis
//! --test queue -- --ignored --nocapture`. The emulator's journal tells when each request came.

use std::num::{NonZeroU64, NonZeroUsize};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use gimmal_batch::Processor;
use gimmal_batch::queue::{RedisLimits, RedisQueue, WorkerOptions};
use gimmal_batch::strategies::{Answer, GeminiStrategy};
use gimmal_client::gemini::GeminiClient;
use gimmal_client::gemini::planner::{Planner, Prefix};
use gimmal_emulator::{Emulator, Route};

use crate::server::Server;

const REDIS: &str = "GIMMAL_TEST_PACE_REDIS";
const GEMINI: &str = "GIMMAL_TEST_PACE_GEMINI";
const NAME: &str = "GIMMAL_TEST_PACE_NAME";
/// Requests per minute of all workers together; without it there is no limit.
const LIMIT: &str = "GIMMAL_TEST_PACE_LIMIT";
const MINUTE: Duration = Duration::from_secs(60);
/// How long an answer takes.
const LATENCY: Duration = Duration::from_millis(100);
/// Prompts that a worker works on at the same time.
const AT_ONCE: usize = 4;

/// Works on the queue. Does nothing unless the environment says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_worker_with_a_limit() {
    let (Ok(redis), Ok(gemini), Ok(name)) = (
        std::env::var(REDIS),
        std::env::var(GEMINI),
        std::env::var(NAME),
    ) else {
        return;
    };
    let queue = RedisQueue::connect(&redis, "pace").await.unwrap();
    let client = GeminiClient::builder()
        .with_api_key("k")
        .with_base_url(gemini)
        .build()
        .unwrap();
    let planner = Planner::builder(&client).build();
    let strategy = GeminiStrategy::builder(&client, &planner, "gemini-2.5-flash")
        .with_shared_context(Prefix::default())
        .build()
        .unwrap();
    let at_once = NonZeroUsize::new(AT_ONCE).unwrap();
    let mut processor = Processor::new().with_concurrency(at_once);
    if let Some(limit) = std::env::var(LIMIT).ok().and_then(|text| text.parse().ok()) {
        let limits = RedisLimits::new(&queue, NonZeroU64::new(limit), None);
        processor = processor.with_shared_limits(Arc::new(limits));
    }
    let options = WorkerOptions::new(name).with_items_at_once(AT_ONCE);
    queue
        .work(processor, Arc::new(strategy), options)
        .await
        .unwrap();
}

fn worker(redis: &str, gemini: &str, name: usize, limit: Option<usize>) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args(["--exact", "pace::the_worker_with_a_limit"])
        .env(REDIS, redis)
        .env(GEMINI, gemini)
        .env(NAME, format!("worker-{name}"));
    if let Some(limit) = limit {
        command.env(LIMIT, limit.to_string());
    }
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Has so many prompts answered by so many workers; gives when each request came, in order.
async fn requests(workers: usize, count: usize, limit: Option<usize>) -> Option<Vec<SystemTime>> {
    let server = Server::start()?;
    let emulator = Emulator::builder()
        .with_latency(LATENCY)
        .with_journal_capacity(2 * count)
        .start()
        .await
        .unwrap();
    let queue = RedisQueue::connect(&server.url(), "pace").await.unwrap();
    queue.open("run", &"job").await.unwrap();
    let items = (0..count).map(|i| (format!("q{i}"), format!("What of ring {i}?")));
    queue.push(items).await.unwrap();
    let workers: Vec<Child> = (0..workers)
        .map(|name| worker(&server.url(), emulator.base_url(), name, limit))
        .collect();
    for mut worker in workers {
        let ended = tokio::task::spawn_blocking(move || worker.wait());
        assert!(ended.await.unwrap().unwrap().success());
    }
    let (results, _) = queue.results::<Answer>("0").await.unwrap();
    assert!(!results.is_empty());
    assert_eq!(queue.done().await.unwrap(), count as u64);
    let requests = emulator.journal().requests(Route::GenerateContent);
    let mut times: Vec<_> = requests.iter().map(|request| request.time()).collect();
    times.sort();
    assert_eq!(times.len(), count, "each prompt was sent once");
    emulator.shutdown().await;
    Some(times)
}

fn length(times: &[SystemTime]) -> Duration {
    times[times.len() - 1].duration_since(times[0]).unwrap()
}

/// The most requests that came in any minute.
fn most_in_a_minute(times: &[SystemTime]) -> usize {
    let counts = (0..times.len()).map(|first| {
        let end = times[first] + MINUTE;
        times[first..]
            .iter()
            .take_while(|time| **time < end)
            .count()
    });
    counts.max().unwrap_or(0)
}

#[expect(clippy::print_stderr, reason = "a measurement is told")]
fn tell(line: &str) {
    eprintln!("{line}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "measures real time: some four minutes"]
async fn more_workers_are_faster_until_their_shared_limit_holds_them() {
    let mut speeds = Vec::new();
    for workers in [1, 2, 4] {
        let Some(times) = requests(workers, 400, None).await else {
            return;
        };
        let speed = 400.0 / length(&times).as_secs_f64();
        tell(&format!("{workers} workers: {speed:.1} prompts per second"));
        speeds.push(speed);
    }
    assert!(speeds[1] > 1.5 * speeds[0], "{speeds:?}");
    assert!(speeds[2] > 1.5 * speeds[1], "{speeds:?}");

    const LIMIT_PER_MINUTE: usize = 600;
    let times = requests(4, 1_500, Some(LIMIT_PER_MINUTE)).await.unwrap();
    let (most, took) = (most_in_a_minute(&times), length(&times));
    tell(&format!(
        "4 workers, 600 a minute: at the most {most} in a minute, {took:?} for 1,500"
    ));
    assert!(most <= LIMIT_PER_MINUTE, "{most}");
    // The last of fifteen hundred may be sent after two minutes.
    assert!(took <= (2 * MINUTE).mul_f64(1.15), "{took:?}");
}
