//! Stores of results under hard use: processes that are killed while they write, and as many
//! records as anybody has.
//!
//! The children are this test's own program, told by its environment to be one. With
//! `GIMMAL_TEST_FULL=1` everything runs at its full size, and times are held against what is
//! promised; that wants a release build.

use std::collections::{HashMap, HashSet};
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use gimmal_batch::artifacts::{
    ArtifactIdentity, JsonlArtifactStore, SqliteArtifactStore, SqliteDurability,
};
use gimmal_batch::journal::{Fsync, Policy, ResultStore};
use gimmal_batch::testing::ScriptedStrategy;
use gimmal_batch::{Hooks, Order, Outcome, Processor, Usage, WorkItem};
use serde_json::{Value, json};

/// What a child is to do, with what and where to tell of it.
const DEED: &str = "GIMMAL_TEST_DEED";
const STORE: &str = "GIMMAL_TEST_STORE";
const ITEMS: &str = "GIMMAL_TEST_ITEMS";
const TOLD: &str = "GIMMAL_TEST_TOLD";

type Store = Arc<dyn ResultStore<String, String, Value>>;

fn is_full() -> bool {
    std::env::var_os("GIMMAL_TEST_FULL").is_some()
}

#[expect(
    clippy::print_stderr,
    reason = "figures of a measurement are to be seen"
)]
fn report(what: &str, figures: &Value) {
    if is_full() {
        eprintln!("{what}: {figures}");
    }
}

/// Opens a store of the kind that its name tells.
fn open(path: &Path) -> Store {
    let identity = ArtifactIdentity::new("fixture", "fixture-model");
    let policy = Policy::ReuseSuccesses;
    if path.extension().is_some_and(|end| end == "sqlite") {
        let durability = SqliteDurability::Balanced;
        Arc::new(SqliteArtifactStore::open(path, identity, policy, durability).unwrap())
    } else {
        Arc::new(JsonlArtifactStore::open(path, identity, policy, Fsync::Never).unwrap())
    }
}

/// How often each item is in a store that was closed.
fn written(path: &Path) -> HashMap<String, usize> {
    if !path.exists() {
        return HashMap::new();
    }
    // Whatever a crash left half done is put in order first.
    drop(open(path));
    let results = if path.extension().is_some_and(|end| end == "sqlite") {
        SqliteArtifactStore::results::<String>(path)
    } else {
        JsonlArtifactStore::results::<String>(path)
    };
    let mut items = HashMap::new();
    for result in results.unwrap() {
        let output = &result.outcome.unwrap().output;
        assert_eq!(*output, format!("out:{}", result.id), "whole");
        *items.entry(result.id).or_default() += 1;
    }
    items
}

fn spawn(deed: &str, store: &Path, items: usize, told: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_child"])
        .env(DEED, deed)
        .env(STORE, store)
        .env(ITEMS, items.to_string())
        .env(TOLD, told)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Does nothing unless the environment says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_child() {
    let Ok(deed) = std::env::var(DEED) else {
        return;
    };
    let path = PathBuf::from(std::env::var_os(STORE).unwrap());
    let items = std::env::var(ITEMS).unwrap().parse().unwrap();
    let mut told = OpenOptions::new();
    told.append(true).create(true);
    let told = told.open(std::env::var_os(TOLD).unwrap()).unwrap();
    match deed.as_str() {
        "work" => work(&path, items, told).await,
        "fill" => fill(&path, items, told).await,
        "open" => {
            let begun = Instant::now();
            let store = open(&path);
            let took = begun.elapsed().as_secs_f64();
            drop(store);
            tell(
                told,
                &json!({"open_s": took, "peak_rss_mib": peak_rss_mib()}),
            );
        }
        other => panic!("there is no deed {other}"),
    }
}

fn tell(mut told: File, figures: &Value) {
    writeln!(told, "{figures}").unwrap();
}

/// The largest size of this process so far.
fn peak_rss_mib() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:"));
    let kib: f64 = line
        .unwrap()
        .split_whitespace()
        .nth(1)
        .unwrap()
        .parse()
        .unwrap();
    kib / 1024.0
}

/// Works on the items that are left, and tells each call and each result at once.
async fn work(path: &Path, items: usize, told: File) {
    let calls = told.try_clone().unwrap();
    let strategy = ScriptedStrategy::new(move |input, _, _| {
        (&calls)
            .write_all(format!("called {input}\n").as_bytes())
            .unwrap();
        Ok(Outcome::new(format!("out:{input}"), Usage::of(3, 1), 1))
    });
    let strategy = Arc::new(strategy.with_latency(Duration::from_millis(5)));
    let work = (0..items).map(|i| WorkItem::new(i.to_string(), i.to_string()));
    let work = work.map(|item| item.with_context(Value::Null));
    let hooks = Hooks::new().with_store(open(path));
    let mut run = Processor::new()
        .with_order(Order::Completion)
        .start_with(strategy, stream::iter(work), hooks)
        .await
        .unwrap();
    while let Some(result) = run.next().await {
        if !result.is_replayed {
            let line = format!("done {}\n", result.id);
            (&told).write_all(line.as_bytes()).unwrap();
        }
    }
    run.finish().await.unwrap();
}

/// The items that a child told of with a word before them.
fn told(path: &Path, word: &str) -> HashSet<String> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    let items = whole.lines().filter_map(|line| line.strip_prefix(word));
    items.map(|item| item.trim().to_owned()).collect()
}

/// Covers: AC-AR-2
#[cfg(unix)]
#[tokio::test]
async fn a_writer_that_is_killed_loses_nothing_that_somebody_saw() {
    const WORK: usize = 200;
    let kills = if is_full() { 200 } else { 6 };
    let folder = tempfile::tempdir().unwrap();
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    for kind in ["jsonl", "sqlite"] {
        let (mut round, mut cut) = (0, 0);
        let mut path = folder.path().join(format!("0.{kind}"));
        for kill in 0..kills {
            let before = written(&path);
            if before.len() == WORK {
                round += 1;
                path = folder.path().join(format!("{round}.{kind}"));
            }
            let before: HashSet<String> = written(&path).into_keys().collect();
            let log = folder.path().join(format!("{kind}-{kill}"));
            let mut child = spawn("work", &path, WORK, &log);
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let target = (seed >> 33) as usize % (WORK / 3);
            let patience = Instant::now() + Duration::from_secs(120);
            while told(&log, "done").len() <= target && child.try_wait().unwrap().is_none() {
                assert!(Instant::now() < patience, "the child makes no progress");
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            child.kill().unwrap();
            cut += usize::from(!child.wait().unwrap().success());

            let after = written(&path);
            assert!(after.values().all(|count| *count == 1), "{kind}: each once");
            for seen in told(&log, "done") {
                assert!(
                    after.contains_key(&seen),
                    "{kind}: {seen} was seen and is lost"
                );
            }
            for called in told(&log, "called") {
                assert!(!before.contains(&called), "{kind}: {called} was there");
            }
        }
        assert!(cut > kills / 2, "{kind}: {cut} of {kills} were cut off");
    }
}

/// Runs so many items through a store, results streamed.
async fn fill(path: &Path, items: usize, told: File) {
    let work = (0..items).map(|i| WorkItem::new(i.to_string(), i.to_string()));
    let work = work.map(|item| item.with_context(Value::Null));
    let strategy = ScriptedStrategy::new(|input, _, _| {
        Ok(Outcome::new(format!("out:{input}"), Usage::of(10, 5), 1))
    });
    let hooks = Hooks::new().with_store(open(path));
    let begun = Instant::now();
    let mut run = Processor::new()
        .with_concurrency(NonZeroUsize::new(64).unwrap())
        .with_order(Order::Completion)
        .start_with(Arc::new(strategy), stream::iter(work), hooks)
        .await
        .unwrap();
    let (mut seen, mut places) = (0_u64, 0_u64);
    while let Some(result) = run.next().await {
        seen += u64::from(result.outcome.is_ok());
        places = places.wrapping_add(result.submission_index);
    }
    let ended = run.finish().await.unwrap();
    let seconds = begun.elapsed().as_secs_f64();
    assert_eq!(ended.stats.succeeded, seen);
    let figures = json!({
        "seen": seen, "places": places, "seconds": seconds,
        "appends_per_s": items as f64 / seconds, "peak_rss_mib": peak_rss_mib(),
    });
    tell(told, &figures);
}

/// What a child came to.
fn figures(deed: &str, store: &Path, items: usize) -> Value {
    let told = PathBuf::from(format!("{}.{deed}.told", store.display()));
    let ended = spawn(deed, store, items, &told).wait().unwrap();
    assert!(ended.success(), "{deed} {}", store.display());
    let figures: Value = serde_json::from_str(&std::fs::read_to_string(&told).unwrap()).unwrap();
    report(&format!("{deed} {items} {}", store.display()), &figures);
    figures
}

fn number(figures: &Value, name: &str) -> f64 {
    figures[name].as_f64().unwrap()
}

/// Covers: AC-AR-7
#[cfg(target_os = "linux")]
#[test]
fn a_store_with_many_records_is_opened_in_little_memory_and_at_once() {
    let items = if is_full() { 1_000_000 } else { 5_000 };
    let folder = tempfile::tempdir().unwrap();
    for kind in ["jsonl", "sqlite"] {
        let empty = figures("open", &folder.path().join(format!("empty.{kind}")), 0);
        let path = folder.path().join(format!("many.{kind}"));
        let filled = figures("fill", &path, items);
        assert_eq!(filled["seen"], items);
        let opened = figures("open", &path, items);
        let grown = number(&opened, "peak_rss_mib") - number(&empty, "peak_rss_mib");
        // A place in the file for each record, and twice that while the table grows. A database
        // keeps nothing.
        let most = if kind == "jsonl" {
            items as f64 * 170e-6
        } else {
            0.0
        };
        assert!(
            grown <= most + 10.0,
            "{kind}: {grown:.1} MiB more than empty"
        );
        if is_full() {
            assert!(number(&opened, "peak_rss_mib") < 200.0, "{kind}: {opened}");
            assert!(
                kind == "jsonl" || number(&opened, "open_s") < 0.05,
                "{opened}"
            );
            assert!(
                number(&filled, "appends_per_s") >= 20_000.0,
                "{kind}: {filled}"
            );
        }
        // Nothing of it is done again.
        let again = folder.path().join(format!("log-{kind}"));
        if !is_full() {
            let mut child = spawn("fill", &path, items, &again);
            assert!(child.wait().unwrap().success());
            assert_eq!(written(&path).len(), items);
        }
    }
}

/// Covers: AC-TS-2
#[cfg(target_os = "linux")]
#[test]
fn a_long_healthy_run_over_a_database_stays_small() {
    let items = if is_full() { 1_000_000 } else { 5_000 };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("healthy.sqlite");
    let figures = figures("fill", &path, items);
    // Each item once: their number, and the sum of their places.
    let places = (0..items as u64).sum::<u64>();
    assert_eq!(
        (&figures["seen"], &figures["places"]),
        (&items.into(), &places.into())
    );
    assert!(number(&figures, "peak_rss_mib") <= 60.0, "{figures}");
    if is_full() {
        assert!(number(&figures, "seconds") <= 60.0, "{figures}");
    }
}
