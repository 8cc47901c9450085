//! The cache in Redis beside `redis-benchmark`, against one server of its own, with the same number
//! of callers and values of the same size. The last lines print our throughput over its.
//!
//! `redis-benchmark` sends one key and throws replies away; ours checks each frame and tells apart
//! keys. Where there is no `redis-server` it says so and measures nothing.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use gimmal_cache::{
    CacheKey, Clock, Entry, KeyRequest, RedisCache, ResponseCache, SystemClock, Value,
};

const TASKS: usize = 50;
const CALLS: usize = 100_000;
const BYTES: usize = 450;
const ROUNDS: usize = 3;

struct Server {
    process: Child,
    port: u16,
    log: Option<BufReader<ChildStdout>>,
}

impl Server {
    fn start() -> std::io::Result<Self> {
        let port = std::net::TcpListener::bind("127.0.0.1:0")?
            .local_addr()?
            .port();
        let mut process = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no"])
            .stdout(Stdio::piped())
            .spawn()?;
        let log = process.stdout.take().map(BufReader::new);
        let mut server = Self { process, port, log };
        server.wait_until_it_listens()?;
        Ok(server)
    }

    fn wait_until_it_listens(&mut self) -> std::io::Result<()> {
        for line in self.log.iter_mut().flat_map(BufRead::lines) {
            if line?.contains("Ready to accept connections") {
                return Ok(());
            }
        }
        Err(std::io::Error::other("redis-server does not listen"))
    }

    /// Calls a second that `redis-benchmark` reaches.
    fn reference(&self, test: &str) -> std::io::Result<f64> {
        let output = Command::new("redis-benchmark")
            .args(["-p", &self.port.to_string(), "-c", &TASKS.to_string()])
            .args(["-n", &CALLS.to_string(), "-d", &BYTES.to_string()])
            .args(["-t", test, "--csv"])
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let line = text.lines().last().unwrap_or_default();
        let rate = line.split(',').nth(1).unwrap_or_default();
        let rate = rate.trim_matches('"').parse();
        rate.map_err(|_| std::io::Error::other(format!("redis-benchmark said {line:?}")))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn entry() -> Entry {
    let value = Value::bytes(vec![b'x'; BYTES]);
    Entry::new(value, SystemClock.timestamp()).with_ttl(Duration::from_secs(3_600))
}

/// Calls a second of so many tasks at once.
async fn rate<F: Future<Output = bool> + Send + 'static>(
    call: impl Fn(usize) -> F + Clone + Send + 'static,
) -> f64 {
    let start = Instant::now();
    let tasks: Vec<_> = (0..TASKS)
        .map(|task| {
            let call = call.clone();
            tokio::spawn(async move {
                for step in 0..CALLS / TASKS {
                    assert!(call(task * 31 + step).await, "the store answers");
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("no call fails");
    }
    CALLS as f64 / start.elapsed().as_secs_f64()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let server = match Server::start() {
        Ok(server) => server,
        Err(error) => {
            println!("skipped: redis-server cannot be started here: {error}");
            return Ok(());
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let keys: Arc<[CacheKey]> = (0..1_000)
        .map(|number: u32| KeyRequest::new("qa").with_text(&number.to_string()).key())
        .collect();
    let cache = RedisCache::builder(&format!("redis://127.0.0.1:{}", server.port))
        .with_get_timeout(Duration::from_secs(10))
        .with_set_timeout(Duration::from_secs(10))
        .build()?;
    let set = {
        let (cache, keys) = (cache.clone(), keys.clone());
        move |step: usize| {
            let (cache, key) = (cache.clone(), keys[step % keys.len()].clone());
            async move { cache.set(&key, entry()).await.is_stored() }
        }
    };
    let get = move |step: usize| {
        let (cache, key) = (cache.clone(), keys[step % keys.len()].clone());
        async move { cache.get(&key).await.is_hit() }
    };
    for round in 1..=ROUNDS {
        let ours = runtime.block_on(rate(set.clone()));
        let theirs = server.reference("set")?;
        println!(
            "round {round} set: {ours:.0}/s, {:.2} of redis-benchmark",
            ours / theirs
        );
        let ours = runtime.block_on(rate(get.clone()));
        let theirs = server.reference("get")?;
        println!(
            "round {round} get: {ours:.0}/s, {:.2} of redis-benchmark",
            ours / theirs
        );
    }
    Ok(())
}
