//! The server is killed and started again while the cache is read and written.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use gimmal_cache::testing::ManualClock;
use gimmal_cache::{
    Clock as _, Entry, MemoryCache, ResponseCache, SystemClock, TieredCache, Timestamp, Value,
};

use crate::server::{Server, Tiered, entry, eventually, key, seconds};

/// How often the server is killed.
const ROUNDS: u32 = 50;
/// Keys that are read and written; the memory holds half of them.
const KEYS: u64 = 200;
const ENTRIES: usize = 100;
const LIFE: Duration = Duration::from_millis(300);

/// Reads and writes until told to stop; the number of calls. A value is the date of its end.
async fn load(cache: Arc<Tiered>, worker: u64, stop: Arc<AtomicBool>, hits: Arc<AtomicU64>) {
    let mut step = worker;
    while !stop.load(Ordering::Relaxed) {
        step += 1;
        let key = key(&(step * 7_919 % KEYS).to_string());
        if step.is_multiple_of(3) {
            let now = SystemClock.timestamp();
            let end = now.as_millis() + LIFE.as_millis() as u64;
            let value = Value::bytes(end.to_le_bytes().to_vec());
            cache.set(&key, Entry::new(value, now).with_ttl(LIFE)).await;
        } else {
            let before = SystemClock.timestamp();
            if let Some(hit) = cache.get(&key).await.into_hit() {
                let end = hit.value().as_bytes()[..].try_into().expect("a date");
                let end = Timestamp::from_millis(u64::from_le_bytes(end));
                assert!(end >= before, "served past its end");
                hits.fetch_add(1, Ordering::Relaxed);
            }
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_killed_under_load_fails_nobody() {
    let Some(mut server) = Server::start(&[]).await else {
        return;
    };
    let l2 = server.builder(&SystemClock);
    let l2 = l2.with_breaker(3, Duration::from_millis(20)).build();
    let l1 = MemoryCache::builder().with_max_entries(ENTRIES).build();
    let cache = Arc::new(TieredCache::new(l1, l2.unwrap()));
    let (stop, hits) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicU64::new(0)),
    );
    let workers: Vec<_> = (0..8)
        .map(|worker| tokio::spawn(load(cache.clone(), worker, stop.clone(), hits.clone())))
        .collect();
    for _ in 0..ROUNDS {
        let probe = key("probe");
        eventually("the store is used", async || {
            cache
                .set(&probe, entry("v", &SystemClock))
                .await
                .is_stored()
        })
        .await;
        server.kill().await;
        let before = hits.load(Ordering::Relaxed);
        eventually("memory goes on", async || {
            tokio::task::yield_now().await;
            hits.load(Ordering::Relaxed) > before
        })
        .await;
        let held = cache.l1().stats().await.l1.unwrap().entries.unwrap();
        assert!(held <= ENTRIES as u64, "{held}");
        server.run().await.unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    for worker in workers {
        worker.await.expect("no call fails");
    }
}

#[tokio::test]
async fn a_server_that_is_back_is_used_after_one_probe() {
    let Some(mut server) = Server::start(&[]).await else {
        return;
    };
    let clock = ManualClock::new();
    let cache = server.builder(&clock).with_breaker(1, seconds(5)).build();
    let cache = cache.unwrap();
    assert!(cache.set(&key("t"), entry("v", &clock)).await.is_stored());
    server.kill().await;
    assert!(!cache.get(&key("t")).await.is_hit());
    assert!(!cache.is_connected());
    server.run().await.unwrap();
    assert!(!cache.set(&key("t"), entry("v", &clock)).await.is_stored());
    clock.advance(seconds(5));
    // The call after the pause starts the probe; what comes after the probe is stored.
    eventually("the store is used", async || {
        cache.set(&key("t"), entry("v", &clock)).await.is_stored()
    })
    .await;
    assert!(cache.is_connected());
}
