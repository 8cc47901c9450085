//! What is damaged, foreign or late, and a server that is slow, full or cut off.

use std::sync::Arc;
use std::time::Duration;

use gimmal_cache::{
    CacheKey, DegradeReason, FrameCodec, MissReason, RedisCache, ResponseCache, SetOutcome,
    SystemClock, Value,
};

use crate::server::{Proxy, Server, builder, entry, key, seconds};

async fn plant(server: &Server, key: &CacheKey, bytes: &[u8]) {
    let mut set = redis::cmd("SET");
    set.arg(key.as_str()).arg(bytes);
    set.exec_async(&mut server.look().await).await.unwrap();
}

async fn is_there(server: &Server, key: &CacheKey) -> bool {
    let mut exists = redis::cmd("EXISTS");
    exists.arg(key.as_str());
    exists.query_async(&mut server.look().await).await.unwrap()
}

fn frame(of: &CacheKey) -> Vec<u8> {
    let frame = FrameCodec::new().encode(of, &entry("v", &SystemClock));
    frame.unwrap().to_vec()
}

/// Covers: F3, F5, F7
#[tokio::test]
async fn f3_f7_what_is_bad_is_removed_once_and_what_is_newer_is_left() {
    let Some(server) = Server::start(&[]).await else {
        return;
    };
    let cache = server.cache(&SystemClock);
    let mut damaged = frame(&key("t"));
    damaged[50] ^= 1;
    let mut newer = frame(&key("t"));
    newer[2] = 2;
    let mut huge = frame(&key("t"));
    huge[32..36].copy_from_slice(&u32::MAX.to_le_bytes());
    let length = huge.len() - 4;
    let checksum = crc32fast::hash(&huge[..length]);
    huge[length..].copy_from_slice(&checksum.to_le_bytes());
    for (bytes, reason, is_left) in [
        (frame(&key("other")), MissReason::KeyMismatch, false),
        (damaged, MissReason::Corrupt, false),
        (huge, MissReason::Corrupt, false),
        (b"rawj:{}".to_vec(), MissReason::Corrupt, false),
        (newer, MissReason::UnknownVersion, true),
    ] {
        plant(&server, &key("t"), &bytes).await;
        let lookup = cache.get(&key("t")).await;
        assert_eq!(lookup.miss_reason(), Some(reason));
        assert_eq!(is_there(&server, &key("t")).await, is_left);
    }
    let stats = cache.stats().await.l2.unwrap();
    assert_eq!((stats.corrupt, stats.unknown_version), (4, 1));
}

/// Covers: R3
#[tokio::test]
async fn r3_a_slow_server_is_a_miss_in_time() {
    let Some(server) = Server::start(&[]).await else {
        return;
    };
    let cache = server.cache(&SystemClock);
    assert!(
        cache
            .set(&key("t"), entry("v", &SystemClock))
            .await
            .is_stored()
    );
    let mut pause = redis::cmd("CLIENT");
    pause.arg("PAUSE").arg(1_000);
    pause.exec_async(&mut server.look().await).await.unwrap();
    let start = std::time::Instant::now();
    let lookup = cache.get(&key("t")).await;
    assert_eq!(lookup.miss_reason(), Some(MissReason::Timeout));
    assert!(start.elapsed() >= Duration::from_millis(250));
    // The late reply is nobody's answer.
    crate::server::eventually("an answer", async || cache.get(&key("t")).await.is_hit()).await;
    let hit = cache.get(&key("t")).await.into_hit().unwrap();
    assert_eq!(hit.value(), &Value::bytes("v"));
}

/// Covers: R4
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r4_a_lost_reply_shifts_no_other() {
    let Some(server) = Server::start(&[]).await else {
        return;
    };
    let proxy = Proxy::before(server.port).await;
    let url = format!("redis://127.0.0.1:{}", proxy.port);
    let cache: RedisCache = builder(&url, &SystemClock)
        .with_breaker(1_000_000, seconds(1))
        .build()
        .unwrap();
    let cache = Arc::new(cache);
    for number in 0..50 {
        let text = number.to_string();
        let entry = entry(&text.repeat(20), &SystemClock);
        assert!(cache.set(&key(&text), entry).await.is_stored());
    }
    let (mut hits, mut misses) = (0, 0);
    for round in 0..20 {
        proxy.cut_after(100 + 37 * round);
        let reads = (0..50).map(|number| {
            let cache = cache.clone();
            tokio::spawn(async move { (number, cache.get(&key(&number.to_string())).await) })
        });
        for read in reads.collect::<Vec<_>>() {
            let (number, lookup) = read.await.unwrap();
            match lookup.into_hit() {
                Some(hit) => {
                    let own = number.to_string().repeat(20);
                    assert_eq!(hit.value(), &Value::bytes(own), "the reply of another");
                    hits += 1;
                }
                None => misses += 1,
            }
        }
    }
    assert!(hits > 0 && misses > 0, "{hits} hits, {misses} misses");
}

/// Covers: R7
#[tokio::test]
async fn r7_a_full_server_takes_nothing_and_goes_on_answering() {
    let Some(server) = Server::start(&["--maxmemory-policy", "noeviction"]).await else {
        return;
    };
    let cache = server.cache(&SystemClock);
    assert!(
        cache
            .set(&key("t"), entry("v", &SystemClock))
            .await
            .is_stored()
    );
    let mut limit = redis::cmd("CONFIG");
    limit.arg("SET").arg("maxmemory").arg("1");
    limit.exec_async(&mut server.look().await).await.unwrap();
    for _ in 0..10 {
        let outcome = cache.set(&key("u"), entry("w", &SystemClock)).await;
        let full = SetOutcome::Degraded(DegradeReason::OutOfMemory);
        assert_eq!(outcome, full);
        assert!(cache.get(&key("t")).await.is_hit());
    }
    assert!(cache.is_connected(), "a full server is no outage");
}
