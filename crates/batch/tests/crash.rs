//! A process that is killed at random moments: after the resumes every item has exactly one result,
//! and nothing that was written down was sent again.
//!
//! The child is this test's own program, told by its environment to be one.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use gimmal_batch::journal::{Fsync, Journal};
use gimmal_batch::strategies::GeminiStrategy;
use gimmal_batch::{Hooks, Order, Processor, WorkItem};
use gimmal_client::gemini::GeminiClient;
use gimmal_client::gemini::planner::{Planner, Prefix};
use gimmal_emulator::{Emulator, Route};
use serde_json::Value;

const MODEL: &str = "gemini-2.5-flash";
const ITEMS: usize = 5_000;
const KILLS: usize = 20;
const JOURNAL: &str = "GIMMAL_TEST_JOURNAL";
const ADDRESS: &str = "GIMMAL_TEST_ADDRESS";

fn prompt(item: usize) -> String {
    format!("item {item} of the run that is killed")
}

/// Works on all items with a journal. Does nothing unless the environment says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_child_that_is_killed() {
    let (Ok(path), Ok(address)) = (std::env::var(JOURNAL), std::env::var(ADDRESS)) else {
        return;
    };
    let journal = Journal::builder("run", "inputs")
        .with_fsync(Fsync::Never)
        .open(path)
        .unwrap();
    let client = GeminiClient::builder()
        .with_api_key("k")
        .with_base_url(address)
        .build()
        .unwrap();
    let planner = Planner::builder(&client).build();
    let strategy = GeminiStrategy::builder(&client, &planner, MODEL)
        .with_shared_context(Prefix::default())
        .build()
        .unwrap();
    let items = (0..ITEMS).map(|i| WorkItem::new(format!("q{i}"), prompt(i)));
    let hooks = Hooks::new().with_store(Arc::new(journal));
    let mut run = Processor::new()
        .with_concurrency(NonZeroUsize::new(16).unwrap())
        .with_order(Order::Completion)
        .start_with(Arc::new(strategy), stream::iter(items), hooks)
        .await
        .unwrap();
    while run.next().await.is_some() {}
    let ended = run.finish().await.unwrap();
    assert_eq!(ended.stats.succeeded, ITEMS as u64);
}

fn child(journal: &Path, address: &str) -> std::process::Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_child_that_is_killed"])
        .env(JOURNAL, journal)
        .env(ADDRESS, address)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Items whose result is in the journal, whole lines only; each with how often it is there.
fn written(journal: &Path) -> HashMap<String, usize> {
    let text = std::fs::read_to_string(journal).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..=end]);
    let mut items = HashMap::new();
    for line in whole.lines().skip(1) {
        let record: Value = serde_json::from_str(&line[9..]).unwrap();
        assert_eq!(record["ok"], true);
        let id = record["id"].as_str().unwrap().to_owned();
        *items.entry(id).or_default() += 1;
    }
    items
}

/// How often each item was sent.
fn sent(emulator: &Emulator) -> HashMap<String, usize> {
    let mut items = HashMap::new();
    for request in emulator.journal().requests(Route::GenerateContent) {
        let body = request.body().unwrap();
        let text = body["contents"][0]["parts"][0]["text"].as_str().unwrap();
        let number = text.split(' ').nth(1).unwrap();
        *items.entry(format!("q{number}")).or_default() += 1;
    }
    items
}

/// Covers: AC-XT-4
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_kills_lose_nothing_and_send_nothing_twice_that_was_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("journal");
    let emulator = Emulator::builder()
        .with_journal_capacity(10 * ITEMS)
        // Slow enough for a kill to fall where it is meant to.
        .with_latency(Duration::from_millis(20))
        .start()
        .await
        .unwrap();
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    for kill in 1..=KILLS {
        let before: HashSet<String> = written(&path).into_keys().collect();
        let sent_before = sent(&emulator);
        let mut child = child(&path, emulator.base_url());
        // Kills fall into the work and not into the start, and leave some of it for the last.
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let share = (ITEMS - before.len()) / (KILLS - kill + 2);
        let target = before.len() + (seed >> 33) as usize % share;
        let patience = Instant::now() + Duration::from_secs(60);
        while written(&path).len() <= target && child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < patience, "the child makes no progress");
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
        assert!(
            child.try_wait().unwrap().is_none(),
            "it was done before it was killed"
        );
        child.kill().unwrap();
        child.wait().unwrap();
        // What was written before this child began was not sent by it.
        let sent_after = sent(&emulator);
        for id in &before {
            assert_eq!(
                sent_after.get(id),
                sent_before.get(id),
                "{id} was sent again"
            );
        }
    }
    assert!(written(&path).len() < ITEMS, "something is left to do");
    let mut last = child(&path, emulator.base_url());
    let ended = tokio::task::spawn_blocking(move || last.wait())
        .await
        .unwrap();
    assert!(ended.unwrap().success());
    let items = written(&path);
    assert_eq!(items.len(), ITEMS, "every item has a result");
    assert!(items.values().all(|count| *count == 1), "and only one");
    emulator.shutdown().await;
}
