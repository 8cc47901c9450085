//! One computation among processes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use gimmal_cache::{
    AiCache, Answer, CallOptions, Failure, Fresh, KeyRequest, LockState, ResponseCache, SystemClock,
};
use tokio::sync::Notify;

use crate::server::{Server, Tiered, eventually, seconds};

fn request() -> KeyRequest<'static> {
    KeyRequest::new("qa").with_text("t")
}

fn process(server: &Server) -> AiCache<Tiered> {
    AiCache::builder(server.tiered(&SystemClock))
        .with_shared_lock(seconds(20))
        .build()
}

/// Covers: S5
#[tokio::test]
async fn s5_one_of_two_processes_computes() {
    let Some(server) = Server::start(&[]).await else {
        return;
    };
    let (calls, finish) = (Arc::new(AtomicU32::new(0)), Arc::new(Notify::new()));
    let ask = |cache: AiCache<Tiered>| {
        let (calls, finish) = (calls.clone(), finish.clone());
        tokio::spawn(async move {
            let compute = || async move {
                calls.fetch_add(1, Ordering::Relaxed);
                finish.notified().await;
                Ok::<_, Failure<()>>(Fresh::json("a").unwrap())
            };
            let (request, options) = (request(), CallOptions::new());
            let answer = cache.get_or_compute(&request, options, compute).await;
            answer.unwrap()
        })
    };
    let first = ask(process(&server));
    eventually("it computes", async || calls.load(Ordering::Relaxed) == 1).await;
    let other = process(&server);
    let second = ask(other.clone());
    eventually("the other waits", async || other.in_flight() == 1).await;
    finish.notify_one();
    let answers: [Answer; 2] = [first.await.unwrap(), second.await.unwrap()];
    assert!(!answers[0].is_cached() && answers[1].is_cached());
    assert_eq!(calls.load(Ordering::Relaxed), 1);
}

/// Covers: S5
#[tokio::test]
async fn s5_a_process_that_died_is_waited_for_no_longer_than_its_lock() {
    let Some(server) = Server::start(&[]).await else {
        return;
    };
    let dead = server.cache(&SystemClock);
    let hold = seconds(1);
    assert_eq!(
        dead.try_lock(&request().key(), hold).await,
        LockState::Taken
    );
    assert_eq!(dead.try_lock(&request().key(), hold).await, LockState::Held);
    let compute = || async { Ok::<_, Failure<()>>(Fresh::json("a").unwrap()) };
    let cache = process(&server);
    let (request, options) = (request(), CallOptions::new());
    let answer = cache.get_or_compute(&request, options, compute).await;
    assert!(!answer.unwrap().is_cached());
    // The lock is given back when the answer is stored.
    assert_eq!(dead.try_lock(&request.key(), hold).await, LockState::Taken);
}
