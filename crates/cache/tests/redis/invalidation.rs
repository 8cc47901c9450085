//! Processes tell each other, tiers agree, and foreign keys cost nothing.

use std::time::Duration;

use gimmal_cache::testing::ManualClock;
use gimmal_cache::{
    Entry, KeyRequest, MissReason, ResponseCache, Selector, SystemClock, Tier, Value,
};

use crate::server::{Server, entry, eventually, key, seconds};

/// Covers: T3
#[tokio::test]
async fn t3_the_first_tier_keeps_nothing_longer_than_the_second() {
    let Some(server) = Server::start(&[]).await else {
        return;
    };
    let clock = ManualClock::new();
    let (writer, reader) = (server.cache(&clock), server.tiered(&clock));
    let entry = Entry::new(Value::bytes("v"), gimmal_cache::Clock::timestamp(&clock));
    writer.set(&key("t"), entry.with_ttl(seconds(10))).await;
    clock.advance(seconds(8));
    let tier = async || reader.get(&key("t")).await.into_hit().map(|hit| hit.tier);
    assert_eq!(tier().await, Some(Tier::L2));
    clock.advance(Duration::from_millis(1_999));
    assert_eq!(tier().await, Some(Tier::L1));
    clock.advance(Duration::from_millis(1));
    assert_eq!(tier().await, None);
    assert!(!reader.l1().exists(&key("t")).await);
}

/// Covers: I3
#[tokio::test]
async fn i3_what_one_process_invalidates_no_other_serves() {
    let Some(server) = Server::start(&[]).await else {
        return;
    };
    let clock = SystemClock;
    let (ours, theirs) = (server.tiered(&clock), server.tiered(&clock));
    for selector in [
        Selector::operation("qa"),
        Selector::Namespace("default".into()),
        Selector::tag("x"),
        Selector::glob("default:q*").unwrap(),
        Selector::Key(key("t")),
        Selector::All,
    ] {
        // An answer that is begun within the margin of the last epoch would not be served.
        tokio::time::sleep(Duration::from_millis(1_010)).await;
        ours.set(&key("t"), entry("v", &clock).with_tags(["x"]))
            .await;
        eventually("they have it", async || {
            theirs.get(&key("t")).await.is_hit()
        })
        .await;
        let near = async || theirs.get_near(&key("t")).await;
        eventually("it is near", async || near().await.is_some()).await;
        ours.invalidate(&selector).await;
        eventually("it is gone", async || near().await.is_none()).await;
        let lookup = theirs.get(&key("t")).await;
        assert!(!lookup.is_hit(), "{selector:?}");
    }
}

/// An entry in both tiers is one entry.
#[tokio::test]
async fn what_was_in_both_tiers_counts_once() {
    let Some(server) = Server::start(&[]).await else {
        return;
    };
    let cache = server.tiered(&SystemClock);
    for text in ["a", "b", "c"] {
        assert!(
            cache
                .set(&key(text), entry("v", &SystemClock))
                .await
                .is_stored()
        );
    }
    cache.l1().delete(&key("c")).await;
    let pattern = Selector::glob("default:q?").unwrap();
    let report = cache.invalidate(&pattern).await;
    assert_eq!((report.l1_removed, report.l2_removed), (2, Some(3)));
    assert_eq!(report.removed(), 3);
}

/// Without the channel another process sees it within a second.
///
/// Covers: I3
#[tokio::test]
async fn i3_an_epoch_is_seen_within_a_second() {
    let Some(server) = Server::start(&[]).await else {
        return;
    };
    let clock = ManualClock::new();
    let (ours, theirs) = (server.cache(&clock), server.cache(&clock));
    ours.set(&key("t"), entry("v", &clock)).await;
    assert!(theirs.get(&key("t")).await.is_hit());
    ours.invalidate(&Selector::operation("qa")).await;
    clock.advance(seconds(1));
    let lookup = theirs.get(&key("t")).await;
    assert_eq!(lookup.miss_reason(), Some(MissReason::Invalidated));
    // Answers within the margin are not served, those after it are.
    ours.set(&key("t"), entry("v", &clock)).await;
    assert!(!theirs.get(&key("t")).await.is_hit());
    clock.advance(seconds(1));
    ours.set(&key("t"), entry("v", &clock)).await;
    assert!(theirs.get(&key("t")).await.is_hit());
}

/// Covers: I2
#[tokio::test]
async fn i2_a_million_foreign_keys_hold_up_nobody() {
    let Some(server) = Server::start(&[]).await else {
        return;
    };
    let mut look = server.look().await;
    for chunk in 0..100 {
        let mut pipe = redis::pipe();
        for number in 0..10_000 {
            let name = format!("foreign:{}", chunk * 10_000 + number);
            pipe.cmd("SET").arg(name).arg("x").ignore();
        }
        pipe.exec_async(&mut look).await.unwrap();
    }
    let cache = server.cache(&SystemClock);
    for number in 0..50 {
        let text = number.to_string();
        let key = KeyRequest::new("qa").with_text(&text).key();
        assert!(cache.set(&key, entry("v", &SystemClock)).await.is_stored());
    }
    let pattern = Selector::glob("default:q?").unwrap();
    let report = cache.invalidate(&pattern).await;
    assert_eq!(report.l2_removed, Some(50));
    cache.invalidate(&Selector::operation("qa")).await;
    cache.stats().await;
    // No command looked at more keys than a page has, so none took long.
    let mut info = redis::cmd("INFO");
    let info: String = info
        .arg("commandstats")
        .query_async(&mut look)
        .await
        .unwrap();
    let scans = info.split("cmdstat_scan:calls=").nth(1).unwrap();
    let scans: u32 = scans.split(',').next().unwrap().parse().unwrap();
    assert!(scans > 1_000_000 / 1_000, "{scans} pages");
    assert!(!info.contains("cmdstat_keys"));
    let left: u32 = redis::cmd("DBSIZE").query_async(&mut look).await.unwrap();
    assert_eq!(left, 1_000_001, "the foreign keys and one epoch");
}
