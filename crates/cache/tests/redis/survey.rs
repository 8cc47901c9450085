//! What a store holds and how well it is packed.

use gimmal_cache::{
    Compression, FrameCodec, KeyRequest, Monitor, Monitored, ResponseCache, Selector, SystemClock,
    TieredCache,
};

use crate::server::{Server, entry, key};

#[tokio::test]
async fn keys_are_listed_as_selected() {
    let Some(server) = Server::start(&[]).await else {
        return;
    };
    let cache = server.cache(&SystemClock);
    let before = cache.server_counters().await.unwrap();
    let tenant = KeyRequest::new("qa").with_namespace("tenant a").key();
    let other = KeyRequest::new("summarize").key();
    for key in [&key("1"), &key("2"), &tenant, &other] {
        assert!(cache.set(key, entry("v", &SystemClock)).await.is_stored());
        assert!(cache.get(key).await.is_hit());
    }
    let mut foreign = redis::cmd("SET");
    let mut look = server.look().await;
    foreign.arg("session:1").arg("x");
    foreign.exec_async(&mut look).await.unwrap();

    let count = async |selector: Selector| cache.keys(&selector).await.unwrap().len();
    assert_eq!(count(Selector::All).await, 4);
    assert_eq!(count(Selector::operation("qa")).await, 2);
    let of_tenant = Selector::operation("qa").in_namespace("tenant a");
    assert_eq!(cache.keys(&of_tenant).await.unwrap(), [tenant]);
    assert_eq!(count(Selector::glob("*:summ*").unwrap()).await, 1);

    let after = cache.server_counters().await.unwrap();
    assert!(after.hits >= before.hits + 4 && after.used_bytes > 0);
    assert!(after.hit_ratio_since(&before).unwrap() > 0.0);
}

#[tokio::test]
async fn a_monitor_sees_how_well_values_are_packed() {
    let Some(server) = Server::start(&[]).await else {
        return;
    };
    let codec = FrameCodec::new().with_compression(Compression::zstd());
    let l2 = server.builder(&SystemClock).with_codec(codec);
    let l1 = gimmal_cache::MemoryCache::new(10);
    let tiers = TieredCache::new(l1, l2.build().unwrap());
    let cache = Monitored::new(tiers, Monitor::new());
    let text = "All work and no play. ".repeat(1_000);
    for name in ["1", "2", "3"] {
        assert!(
            cache
                .set(&key(name), entry(&text, &SystemClock))
                .await
                .is_stored()
        );
    }
    cache.stats().await;
    let report = cache.monitor().report();
    assert_eq!(report.bytes_in, 3 * text.len() as u64);
    assert!(report.bytes_out > 0 && report.bytes_out < report.bytes_in / 10);
    cache.stats().await;
    assert_eq!(
        cache.monitor().report().bytes_in,
        report.bytes_in,
        "not twice"
    );
}
