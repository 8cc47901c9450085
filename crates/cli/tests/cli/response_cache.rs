//! Kept replies, and the explanation of a plan.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStdout, Command, Stdio};

use gimmal_emulator::{Emulator, Route};

use crate::support::{Bench, example, finish, prompts, records};

/// A redis-server of the test's own; none where it is not installed, and then it says so.
struct Redis {
    process: Child,
    url: String,
    log: BufReader<ChildStdout>,
}

impl Redis {
    #[expect(clippy::print_stderr, reason = "a test that was skipped must say so")]
    fn start() -> Option<Self> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let process = Command::new("redis-server")
            .args(["--port", &port.to_string(), "--bind", "127.0.0.1"])
            .args(["--save", "", "--appendonly", "no"])
            .stdout(Stdio::piped())
            .spawn();
        let mut process = match process {
            Ok(process) => process,
            Err(error) => {
                eprintln!("skipped: redis-server cannot be started here: {error}");
                return None;
            }
        };
        let url = format!("redis://127.0.0.1:{port}");
        let log = BufReader::new(process.stdout.take().unwrap());
        let mut redis = Self { process, url, log };
        let mut lines = redis.log.by_ref().lines().map_while(Result::ok);
        let listens = lines.any(|line| line.contains("Ready to accept connections"));
        assert!(listens, "redis-server says why not");
        Some(redis)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn equal_prompts_of_a_run_are_paid_for_once() {
    let bench = Bench::new();
    let same = "{\"id\": \"ID\", \"prompt\": \"What is a gimmal?\"}\n";
    let input: String = (0..10)
        .map(|id| same.replace("ID", &id.to_string()))
        .collect();
    bench.write("in.jsonl", input);
    let arguments = ["--json", "batch", "in.jsonl", "--output", "out.jsonl"];
    let summary = bench
        .run(arguments.into_iter().chain(["--response-cache", "memory"]))
        .code(0)
        .json();
    assert_eq!(summary["totals"]["attempts"], 1);
    assert_eq!(summary["totals"]["kept"], 9);
    let records = records(&bench.path("out.jsonl"));
    assert!(
        records
            .iter()
            .all(|record| record["text"] == records[0]["text"])
    );
}

#[test]
fn a_place_that_is_none_is_refused_before_anything_is_sent() {
    let bench = Bench::new();
    bench.write("in.jsonl", prompts(1));
    let arguments = ["batch", "in.jsonl", "--output", "out.jsonl"];
    for place in ["localhost", "http://localhost"] {
        let ran = bench.run(arguments.into_iter().chain(["--response-cache", place]));
        let ran = ran.code(2);
        assert!(ran.err.contains("redis"), "{}", ran.err);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn replies_are_kept_in_redis_across_runs() {
    let Some(redis) = Redis::start() else {
        return;
    };
    let emulator = Emulator::builder().start().await.unwrap();
    let bench = Bench::new();
    bench.write("in.jsonl", prompts(20));
    for run in 0..2 {
        let output = format!("out{run}.jsonl");
        let arguments = ["--json", "batch", "in.jsonl", "--output", &output];
        let arguments = arguments
            .into_iter()
            .chain(["--response-cache", &redis.url]);
        let summary = finish(bench.command_for(&emulator, arguments)).await;
        let summary = summary.code(0).json();
        assert_eq!(summary["totals"]["kept"], 20 * run, "{summary}");
        assert_eq!(emulator.journal().count(Route::GenerateContent), 20);
    }

    let run = |arguments: &[&str]| {
        let arguments = [&["response-cache"][..], arguments].concat();
        let command = bench.command(arguments);
        finish(command)
    };
    let stats = run(&["stats", &redis.url, "--json"]).await.code(0).json();
    assert_eq!(stats["total"], 20, "{stats}");
    let shown = run(&["stats", &redis.url]).await.code(0);
    assert!(shown.out.contains("generateContent"), "{}", shown.out);

    let export = ["export", &redis.url, "--operation", "generateContent"];
    let none = run(&export).await.code(0);
    assert_eq!(
        none.out.lines().count(),
        0,
        "the emulator has its own namespace"
    );
    let hint = "; there are entries of 127.0.0.1";
    assert!(none.err.contains(hint), "{}", none.err);
    let all = run(&["export", &redis.url, "--all"]).await.code(0);
    let first: serde_json::Value = serde_json::from_str(all.out.lines().next().unwrap()).unwrap();
    assert_eq!(all.out.lines().count(), 20);
    assert!(first["value"]["candidates"].is_array(), "{first}");

    let which = run(&["invalidate", &redis.url]).await.code(2);
    assert!(which.err.contains("--all"), "{}", which.err);
    let none = ["invalidate", &redis.url, "--operation", "generateContent"];
    let none = run(&none).await.code(0);
    assert!(none.out.contains(hint), "{}", none.out);
    let all = ["invalidate", &redis.url, "--all"];
    assert_eq!(run(&all).await.code(0).out, "20 entries removed\n");
    assert_eq!(run(&all).await.code(0).out, "nothing to remove\n");
    let empty = run(&["export", &redis.url, "--all"]).await.code(0);
    assert_eq!(empty.out.lines().count(), 0);
}

#[test]
fn a_store_can_be_watched() {
    let Some(redis) = Redis::start() else {
        return;
    };
    let bench = Bench::new();
    let watch = ["response-cache", "stats", &redis.url, "--watch", "0.01s"];
    let mut watching = bench
        .command(watch.into_iter().chain(["--json"]))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(watching.stdout.take().unwrap()).lines();
    for line in lines.take(2) {
        let look: serde_json::Value = serde_json::from_str(&line.unwrap()).unwrap();
        assert_eq!(look["total"], 0, "{look}");
        assert!(look["p95_ms"].as_f64() >= look["p50_ms"].as_f64(), "{look}");
    }
    watching.kill().unwrap();
    watching.wait().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_store_is_away_says_that_nothing_was_kept() {
    let emulator = Emulator::builder().start().await.unwrap();
    let bench = Bench::new();
    bench.write("in.jsonl", prompts(2));
    let arguments = ["batch", "in.jsonl", "--output", "out.jsonl"];
    let place = ["--response-cache", "redis://127.0.0.1:1"];
    let ran = finish(bench.command_for(&emulator, arguments.into_iter().chain(place))).await;
    let ran = ran.code(0);
    assert!(
        ran.err.contains("in memory only, for this run"),
        "{}",
        ran.err
    );
}

#[test]
fn a_store_that_is_away_is_told() {
    let bench = Bench::new();
    let ran = bench.run(["response-cache", "stats", "memory"]).code(2);
    assert!(ran.err.contains("ends with its run"), "{}", ran.err);
    let ran = bench.run(["response-cache", "stats", "redis://127.0.0.1:1"]);
    let ran = ran.code(3);
    assert!(ran.err.contains("does not answer"), "{}", ran.err);
}

#[test]
fn a_plan_is_explained_without_a_service() {
    let bench = Bench::new();
    let handbook = example("handbook.md");
    let handbook = handbook.to_str().unwrap();
    let ran = bench
        .run(["cache", "plan", handbook, "--reads", "200"])
        .code(0);
    assert!(ran.out.starts_with("A cache pays"), "{}", ran.out);
    assert!(ran.out.contains("break-even reads"), "{}", ran.out);
    assert!(!ran.err.contains("emulator"), "{}", ran.err);

    let plan = bench.run(["--json", "cache", "plan", handbook, "--reads", "1"]);
    let plan = plan.code(0).json();
    assert_eq!(plan["creates"], false);
    assert_eq!(plan["reason"], "not_worth_it");
    assert!(plan["saving_usd"].as_f64().unwrap() < 0.0);
    assert!(plan["break_even_reads"].as_u64().unwrap() > 1);
}
