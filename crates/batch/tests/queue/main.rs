//! The queue on a real Redis: workers are processes that are killed and added, the server is
//! restarted, and every item still has exactly one result.
//!
//! Workers are this test's own program, told by their environment to be one. Without redis-server
//! the tests say so and pass.

mod pace;
mod server;

use std::collections::HashSet;
use std::num::{NonZeroU64, NonZeroUsize};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use gimmal_batch::queue::{QueueError, RedisLimits, RedisQueue, WorkerOptions};
use gimmal_batch::testing::ScriptedStrategy;
use gimmal_batch::{Outcome, Processor, SharedLimits as _, Usage};

use crate::server::Server;

const ADDRESS: &str = "GIMMAL_TEST_REDIS";
const WORKER: &str = "GIMMAL_TEST_WORKER";
const ITEMS: usize = 10_000;

/// Works on the queue. Does nothing unless the environment says so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_worker() {
    let (Ok(address), Ok(name)) = (std::env::var(ADDRESS), std::env::var(WORKER)) else {
        return;
    };
    let queue = RedisQueue::connect(&address, "test").await.unwrap();
    let strategy = ScriptedStrategy::new(|input, _, _| {
        Ok(Outcome::new(format!("done {input}"), Usage::of(10, 5), 1))
    })
    .with_latency(Duration::from_millis(5));
    let processor = Processor::new().with_concurrency(NonZeroUsize::new(16).unwrap());
    let options = WorkerOptions::new(name)
        .with_lease(Duration::from_secs(2))
        .with_items_at_once(16);
    queue
        .work(processor, Arc::new(strategy), options)
        .await
        .unwrap();
}

fn worker(address: &str, name: usize) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_worker"])
        .env(ADDRESS, address)
        .env(WORKER, format!("worker-{name}"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Covers: AC-XT-17
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_workers_and_a_restarted_server_leave_one_result_for_every_item() {
    let Some(mut server) = Server::start() else {
        return;
    };
    let url = server.url();
    let queue = RedisQueue::connect(&url, "test").await.unwrap();
    queue.open("run", &"job").await.unwrap();
    let items = || (0..ITEMS).map(|i| (format!("q{i}"), i.to_string()));
    // A producer that is killed half way and started again adds nothing twice.
    queue.push(items().take(ITEMS / 2)).await.unwrap();
    assert_eq!(queue.push(items()).await.unwrap(), ITEMS as u64);

    let mut workers: Vec<Child> = (0..4).map(|name| worker(&url, name)).collect();
    let patience = Instant::now() + Duration::from_secs(240);
    let mut restarted = false;
    for (name, share) in (4..).zip(1..=8) {
        while queue.done().await.unwrap() < (ITEMS * share / 10) as u64 {
            assert!(Instant::now() < patience, "no progress");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let mut killed = workers.remove(share * 7 % workers.len());
        killed.kill().unwrap();
        killed.wait().unwrap();
        workers.push(worker(&url, name));
        if share == 5 && !restarted {
            server.kill();
            tokio::time::sleep(Duration::from_millis(300)).await;
            server.run().unwrap();
            restarted = true;
        }
    }
    let (mut cursor, mut seen) = ("0".to_owned(), HashSet::new());
    while seen.len() < ITEMS {
        assert!(Instant::now() < patience, "{} of {ITEMS}", seen.len());
        let (results, next) = queue.results::<String>(&cursor).await.unwrap();
        cursor = next;
        for result in results {
            let id = result.id.clone();
            let output = result.into_outcome().unwrap().output;
            assert_eq!(output, format!("done {}", &id[1..]));
            assert!(seen.insert(id), "a second result");
        }
    }
    assert!(queue.is_finished().await.unwrap());
    let (more, _) = queue.results::<String>(&cursor).await.unwrap();
    assert!(more.is_empty());
    for mut worker in workers {
        let ended = tokio::task::spawn_blocking(move || worker.wait())
            .await
            .unwrap();
        assert!(ended.unwrap().success());
    }
    queue.delete().await.unwrap();
    assert_eq!(queue.total().await.unwrap(), None);
}

/// Sends a signal to a process of ours.
#[cfg(unix)]
fn signal(process: &Child, signal: &str) {
    let pid = process.id().to_string();
    let sent = Command::new("kill").args([signal, &pid]).status().unwrap();
    assert!(sent.success());
}

/// Covers: AC-XT-19
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_was_paused_past_its_lease_overwrites_nothing() {
    const COUNT: usize = 3_000;
    let Some(server) = Server::start() else {
        return;
    };
    let url = server.url();
    let queue = RedisQueue::connect(&url, "test").await.unwrap();
    queue.open("run", &"job").await.unwrap();
    let items = (0..COUNT).map(|i| (format!("q{i}"), i.to_string()));
    queue.push(items).await.unwrap();
    let patience = Instant::now() + Duration::from_secs(120);
    let done = async |count: usize| {
        while queue.done().await.unwrap() < count as u64 {
            assert!(Instant::now() < patience, "no progress");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let paused = worker(&url, 0);
    done(100).await;
    signal(&paused, "-STOP");
    let other = worker(&url, 1);
    // The other takes what the paused one holds once its lease is over.
    done(COUNT).await;
    let (before, _) = queue.results::<String>("0").await.unwrap();
    signal(&paused, "-CONT");
    for mut worker in [paused, other] {
        let ended = tokio::task::spawn_blocking(move || worker.wait());
        assert!(ended.await.unwrap().unwrap().success());
    }
    assert_eq!(queue.done().await.unwrap(), COUNT as u64);
    let (after, _) = queue.results::<String>("0").await.unwrap();
    let ids = |results: Vec<gimmal_batch::queue::QueueResult<String>>| -> Vec<String> {
        results.into_iter().map(|result| result.id).collect()
    };
    assert_eq!(ids(before), ids(after), "the first results stay");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_of_another_run_is_refused() {
    let Some(server) = Server::start() else {
        return;
    };
    let queue = RedisQueue::connect(&server.url(), "test").await.unwrap();
    queue.open("run", &"job").await.unwrap();
    queue.open("run", &"job").await.unwrap();
    assert_eq!(queue.job::<String>().await.unwrap().as_deref(), Some("job"));
    let refused = queue.open("other", &"job").await.unwrap_err();
    assert!(matches!(refused, QueueError::OtherRun { .. }), "{refused}");
}

/// Covers: AC-XT-18
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_shared_limit_holds_for_all_who_ask() {
    let Some(server) = Server::start() else {
        return;
    };
    let limit = NonZeroU64::new(50).unwrap();
    let mut admitted = 0;
    for _ in 0..4 {
        let queue = RedisQueue::connect(&server.url(), "limits").await.unwrap();
        let limits = RedisLimits::new(&queue, Some(limit), None);
        for _ in 0..20 {
            let asked = limits.admit(0);
            // Who has to wait, waits for the better part of a minute.
            let asked = tokio::time::timeout(Duration::from_millis(500), asked).await;
            admitted += u64::from(asked.is_ok_and(|admitted| admitted.is_ok()));
            if admitted == limit.get() {
                break;
            }
        }
    }
    assert_eq!(admitted, limit.get());
    let queue = RedisQueue::connect(&server.url(), "limits").await.unwrap();
    assert!(
        RedisLimits::new(&queue, Some(limit), None)
            .admit(0)
            .now_or_never()
            .is_none()
    );

    // Tokens are corrected by what was used.
    let queue = RedisQueue::connect(&server.url(), "tokens").await.unwrap();
    let limits = RedisLimits::new(&queue, None, NonZeroU64::new(1_000));
    limits.admit(900).await.unwrap();
    let full = tokio::time::timeout(Duration::from_millis(300), limits.admit(200)).await;
    assert!(full.is_err());
    limits.correct(900, 100).await;
    limits.admit(200).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_one_worker_prepares_at_a_time() {
    let Some(server) = Server::start() else {
        return;
    };
    let busy = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let work = (0..4).map(|_| {
        let (url, busy) = (server.url(), Arc::clone(&busy));
        async move {
            let queue = RedisQueue::connect(&url, "test").await.unwrap();
            let alone = queue.alone(async {
                let others = busy.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(20)).await;
                busy.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                others
            });
            alone.await.unwrap()
        }
    });
    let others = futures_util::future::join_all(work).await;
    assert_eq!(others, [0; 4]);
}
