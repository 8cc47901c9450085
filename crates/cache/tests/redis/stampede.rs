//! Two processes of a thousand tasks each ask for one answer at once.

use std::process::Stdio;

use gimmal_cache::{AiCache, CallOptions, Failure, Fresh, KeyRequest, SystemClock};
use tokio::process::{Child, Command};

use crate::server::{Server, builder, seconds, tiered};

/// Where the server of the other test is; without it there is nothing to ask.
const URL: &str = "GIMMAL_CACHE_STAMPEDE_URL";
const TASKS: usize = 1_000;
/// Counted in the store, so that all processes see one number.
const CALLS: &str = "calls";

/// One more process: this program again, with the one test that asks.
fn process(url: &str) -> Child {
    let program = std::env::current_exe().expect("this program");
    Command::new(program)
        .args(["--exact", "--ignored", "stampede::a_thousand_tasks_ask"])
        .env(URL, url)
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("one more process")
}

/// Covers: S5
#[tokio::test]
async fn s5_two_processes_of_a_thousand_tasks_compute_at_most_once_each() {
    let Some(server) = Server::start(&[]).await else {
        return;
    };
    let mut processes = [process(&server.url()), process(&server.url())];
    for process in &mut processes {
        assert!(process.wait().await.unwrap().success());
    }
    let mut look = server.look().await;
    let mut calls = redis::cmd("GET");
    let calls: usize = calls.arg(CALLS).query_async(&mut look).await.unwrap();
    assert!((1..=2).contains(&calls), "{calls} computations");
}

/// What one of the processes does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "another test starts it"]
async fn a_thousand_tasks_ask() {
    let Ok(url) = std::env::var(URL) else {
        return;
    };
    let l2 = builder(&url, &SystemClock).build().unwrap();
    let cache = AiCache::builder(tiered(l2, &SystemClock))
        .with_shared_lock(seconds(20))
        .build();
    let counter = redis::Client::open(url).unwrap();
    let counter = counter.get_multiplexed_async_connection().await.unwrap();
    let tasks: Vec<_> = (0..TASKS)
        .map(|_| {
            let (cache, mut counter) = (cache.clone(), counter.clone());
            tokio::spawn(async move {
                let compute = move || async move {
                    let calls = redis::cmd("INCR").arg(CALLS).exec_async(&mut counter).await;
                    calls.expect("the store counts");
                    Ok::<_, Failure<()>>(Fresh::json("a").unwrap())
                };
                let request = KeyRequest::new("qa").with_text("one and the same");
                cache
                    .get_or_compute(&request, CallOptions::new(), compute)
                    .await
            })
        })
        .collect();
    for task in tasks {
        let answer = task.await.unwrap().unwrap();
        assert_eq!(answer.parse::<String>().unwrap(), "a");
    }
}
