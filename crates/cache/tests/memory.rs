//! The cache in memory: the contract, and what it promises beyond it.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gimmal_cache::testing::{ManualClock, contract};
use gimmal_cache::{
    CacheKey, Entry, Format, KeyRequest, MemoryCache, MissReason, ResponseCache, Selector,
    SetOutcome, SharedCache, SkipReason, Timestamp, TtlState, Value,
};

fn key(text: &str) -> CacheKey {
    KeyRequest::new("qa").with_text(text).key()
}

fn entry(content: &str) -> Entry {
    Entry::new(Value::bytes(content.to_owned()), Timestamp::from_millis(0))
}

fn limited(max_entries: usize) -> MemoryCache {
    MemoryCache::builder()
        .with_max_entries(max_entries)
        .with_clock(Arc::new(ManualClock::new()))
        .build()
}

async fn fill(cache: &MemoryCache, texts: &[&str]) {
    for text in texts {
        assert!(cache.set(&key(text), entry(text)).await.is_stored());
    }
}

async fn present(cache: &MemoryCache, texts: &[&str]) -> String {
    let mut found = String::new();
    for text in texts {
        if cache.exists(&key(text)).await {
            found.push_str(text);
        }
    }
    found
}

/// Covers: C1, C2, C7, C8, I1, I5
#[tokio::test]
async fn it_keeps_the_contract() {
    let build = |clock: ManualClock| MemoryCache::builder().with_clock(Arc::new(clock));
    contract(|clock| async move { build(clock).build() }).await;
    let shards = NonZeroUsize::new(8).unwrap();
    contract(|clock| async move { build(clock).with_shards(shards).build() }).await;
    contract(|clock| async move { SharedCache::new(build(clock).build()) }).await;
}

/// A cache, its clock and a way to store what lives for so long.
fn timed() -> (MemoryCache, ManualClock) {
    let clock = ManualClock::new();
    let cache = MemoryCache::builder().with_clock(Arc::new(clock.clone()));
    (cache.build(), clock)
}

fn living(clock: &ManualClock, seconds: u64) -> Entry {
    let now = gimmal_cache::Clock::timestamp(clock);
    Entry::new(Value::bytes("v"), now).with_ttl(Duration::from_secs(seconds))
}

/// Covers: C1
#[tokio::test]
async fn c1_an_entry_lives_to_the_millisecond() {
    let (cache, clock) = timed();
    cache.set(&key("k"), living(&clock, 10)).await;
    clock.advance(Duration::from_millis(9_999));
    assert!(cache.get(&key("k")).await.is_hit());
    clock.advance(Duration::from_millis(1));
    let lookup = cache.get(&key("k")).await;
    assert_eq!(lookup.miss_reason(), Some(MissReason::Expired));
}

/// A coarse clock decides nothing that it could get wrong.
///
/// Covers: C1
#[tokio::test]
async fn c1_an_entry_lives_to_the_millisecond_where_the_clock_is_coarse() {
    /// Ticks every ten milliseconds, and counts what it was asked exactly.
    #[derive(Debug)]
    struct Ticking(ManualClock, AtomicU64);
    impl gimmal_cache::Clock for Ticking {
        fn now(&self) -> std::time::Instant {
            self.1.fetch_add(1, Ordering::Relaxed);
            self.0.now()
        }
        fn coarse_now(&self) -> Option<Duration> {
            let passed = self.0.timestamp().as_millis();
            Some(Duration::from_millis(passed - passed % 10))
        }
        fn timestamp(&self) -> Timestamp {
            self.0.timestamp()
        }
        fn sleep(&self, time: Duration) -> futures_util::future::BoxFuture<'static, ()> {
            self.0.sleep(time)
        }
    }
    let clock = Arc::new(Ticking(ManualClock::new(), AtomicU64::new(0)));
    let cache = MemoryCache::builder().with_clock(clock.clone()).build();
    let stale = Duration::from_secs(5);
    cache
        .set(&key("k"), living(&clock.0, 10).with_stale(stale))
        .await;
    let asked = || clock.1.load(Ordering::Relaxed);
    let before = asked();
    assert!(!cache.get(&key("k")).await.into_hit().unwrap().stale);
    assert_eq!(asked(), before, "nothing is near");
    clock.0.advance(Duration::from_millis(9_999));
    assert!(!cache.get(&key("k")).await.into_hit().unwrap().stale);
    assert_eq!(asked(), before + 1, "it may be stale or not");
    clock.0.advance(Duration::from_millis(1));
    assert!(cache.get(&key("k")).await.into_hit().unwrap().stale);
    clock.0.advance(Duration::from_millis(4_999));
    assert!(cache.get(&key("k")).await.is_hit());
    clock.0.advance(Duration::from_millis(1));
    let lookup = cache.get(&key("k")).await;
    assert_eq!(lookup.miss_reason(), Some(MissReason::Expired));
}

/// Covers: C2
#[tokio::test]
async fn c2_the_time_that_is_left_is_told() {
    let (cache, clock) = timed();
    cache.set(&key("ten"), living(&clock, 10)).await;
    fill(&cache, &["endless"]).await;
    clock.advance(Duration::from_secs(3));
    let seven = TtlState::Remaining(Duration::from_secs(7));
    assert_eq!(cache.ttl(&key("ten")).await, seven);
    assert_eq!(cache.ttl(&key("endless")).await, TtlState::NoExpiry);
    assert_eq!(cache.ttl(&key("absent")).await, TtlState::Missing);
}

/// Covers: C3
#[tokio::test]
async fn c3_what_was_used_least_recently_goes_first() {
    let cache = limited(3);
    fill(&cache, &["a", "b", "c"]).await;
    assert!(cache.get(&key("a")).await.is_hit());
    fill(&cache, &["d"]).await;
    assert_eq!(present(&cache, &["a", "b", "c", "d"]).await, "acd");
    let evictions = cache.stats().await.l1.unwrap().evictions;
    assert_eq!((evictions.capacity, evictions.weight), (1, 0));
}

/// Covers: C4
#[tokio::test]
async fn c4_writing_again_evicts_nothing_else() {
    let cache = limited(2);
    fill(&cache, &["a", "b", "a"]).await;
    assert_eq!(present(&cache, &["a", "b"]).await, "ab");
    let evictions = cache.stats().await.l1.unwrap().evictions;
    assert_eq!((evictions.capacity, evictions.replaced), (0, 1));
    fill(&cache, &["c"]).await;
    assert_eq!(present(&cache, &["a", "b", "c"]).await, "ac");
}

/// Covers: C5
#[tokio::test]
async fn c5_asking_whether_it_exists_is_no_use() {
    let cache = limited(2);
    fill(&cache, &["a", "b"]).await;
    assert!(cache.exists(&key("a")).await);
    cache.ttl(&key("a")).await;
    fill(&cache, &["c"]).await;
    assert_eq!(present(&cache, &["a", "b", "c"]).await, "bc");
}

/// Covers: C7
#[tokio::test]
async fn c7_deleting_tells_whether_it_was_there() {
    let cache = limited(2);
    assert!(!cache.delete(&key("a")).await);
    fill(&cache, &["a"]).await;
    assert!(cache.delete(&key("a")).await);
    assert!(!cache.delete(&key("a")).await);
}

/// Covers: C8
#[tokio::test]
async fn c8_nothing_is_a_value_too() {
    let cache = limited(10);
    let json = |text: &'static str| Value::new(Format::Json, text);
    let values = [
        json("null"),
        json("\"\""),
        Value::bytes(""),
        json("0"),
        json("false"),
    ];
    for value in values {
        let entry = Entry::new(value.clone(), Timestamp::from_millis(0));
        cache.set(&key("k"), entry).await;
        let hit = cache.get(&key("k")).await.into_hit().expect("a hit");
        assert_eq!(hit.value(), &value);
    }
}

/// Covers: I1
#[tokio::test]
async fn i1_an_operation_is_its_whole_name() {
    let cache = limited(10);
    let of = |operation, text| KeyRequest::new(operation).with_text(text).key();
    let keys = [
        of("qa", "t"),
        of("qa_long", "t"),
        of("xop", "op:qa"),
        of("xop:qa", "t"),
    ];
    for key in &keys {
        cache.set(key, entry("v")).await;
    }
    let report = cache.invalidate(&Selector::operation("qa")).await;
    assert_eq!(report.removed(), 1);
    for (index, key) in keys.iter().enumerate() {
        assert_eq!(cache.exists(key).await, index > 0, "{key}");
    }
}

/// Covers: I5
#[tokio::test]
async fn i5_a_name_is_no_pattern() {
    let cache = limited(10);
    let of = |namespace| KeyRequest::new("qa").with_namespace(namespace).key();
    let (strange, similar) = (of("*?[]:% x"), of("ab[]:% x"));
    cache.set(&strange, entry("v")).await;
    cache.set(&similar, entry("v")).await;
    let selector = Selector::Namespace("*?[]:% x".to_owned());
    assert_eq!(cache.invalidate(&selector).await.removed(), 1);
    assert!(!cache.exists(&strange).await && cache.exists(&similar).await);
}

/// Covers: C9
#[tokio::test]
async fn c9_a_reader_cannot_change_what_others_read() {
    let cache = limited(2);
    fill(&cache, &["a"]).await;
    let mut copy = cache.get(&key("a")).await.into_hit().unwrap();
    let mut bytes = copy.value().as_bytes().to_vec();
    bytes[0] = b'!';
    copy.entry = Entry::new(Value::bytes(bytes), Timestamp::default());
    let again = cache.get(&key("a")).await.into_hit().unwrap();
    assert_eq!(again.value(), &Value::bytes("a"));
    assert_ne!(copy.value(), again.value());
}

/// Covers: C11
#[tokio::test]
async fn c11_a_value_that_is_too_large_leaves_nothing() {
    let cache = MemoryCache::builder().with_max_value_bytes(4).build();
    fill(&cache, &["four"]).await;
    let outcome = cache.set(&key("four"), entry("fifth")).await;
    assert_eq!(outcome, SetOutcome::Skipped(SkipReason::TooLarge));
    assert_eq!(present(&cache, &["four"]).await, "");
    assert_eq!((cache.len(), cache.bytes()), (0, 0));
}

#[tokio::test]
async fn bytes_are_limited_too() {
    let cache = MemoryCache::builder().with_max_bytes(1_000).build();
    fill(&cache, &["a", "b", "c", "d", "e"]).await;
    assert!(cache.bytes() <= 1_000);
    assert_eq!(present(&cache, &["a", "b", "c", "d", "e"]).await, "bcde");
    assert_eq!(cache.stats().await.l1.unwrap().evictions.weight, 1);
}

#[tokio::test]
async fn expired_entries_make_room_before_others_do() {
    let clock = ManualClock::new();
    let cache = MemoryCache::builder()
        .with_max_entries(2)
        .with_clock(Arc::new(clock.clone()))
        .build();
    fill(&cache, &["old"]).await;
    let now = gimmal_cache::Clock::timestamp(&clock);
    let short = Entry::new(Value::bytes("short"), now).with_ttl(Duration::from_secs(1));
    cache.set(&key("short"), short).await;
    clock.advance(Duration::from_secs(1));
    fill(&cache, &["new"]).await;
    assert_eq!(present(&cache, &["old", "new"]).await, "oldnew");
    assert_eq!(cache.stats().await.l1.unwrap().evictions.capacity, 0);
}

#[tokio::test]
async fn every_shard_counts_exactly() {
    let cache = MemoryCache::builder()
        .with_max_entries(20_000)
        .with_shards(NonZeroUsize::new(16).unwrap())
        .build();
    for number in 0..2_000 {
        fill(&cache, &[&number.to_string()]).await;
    }
    assert_eq!(cache.len(), 2_000);
    for number in 1_000..3_000 {
        cache.get(&key(&number.to_string())).await;
    }
    let stats = cache.stats().await;
    assert_eq!((stats.hits, stats.misses), (1_000, 1_000));
    let report = cache.invalidate(&Selector::operation("qa")).await;
    assert_eq!(report.l1_removed, 2_000);
    assert_eq!((cache.len(), cache.bytes()), (0, 0));
}

#[tokio::test]
async fn a_clock_that_is_set_back_prolongs_nothing() {
    #[derive(Debug)]
    struct SetBack(ManualClock, std::sync::atomic::AtomicBool);
    impl gimmal_cache::Clock for SetBack {
        fn now(&self) -> std::time::Instant {
            self.0.now()
        }
        fn timestamp(&self) -> Timestamp {
            let back = self.1.load(Ordering::Relaxed);
            let hour = Duration::from_secs(if back { 3_600 } else { 0 });
            self.0.timestamp().minus(hour)
        }
        fn sleep(&self, time: Duration) -> futures_util::future::BoxFuture<'static, ()> {
            self.0.sleep(time)
        }
    }
    let clock = Arc::new(SetBack(ManualClock::new(), false.into()));
    let cache = MemoryCache::builder().with_clock(clock.clone()).build();
    let ten = |clock: &SetBack| {
        let now = gimmal_cache::Clock::timestamp(clock);
        Entry::new(Value::bytes("v"), now).with_ttl(Duration::from_secs(10))
    };
    cache.set(&key("before"), ten(&clock)).await;
    clock.1.store(true, Ordering::Relaxed);
    cache.set(&key("after"), ten(&clock)).await;
    clock.0.advance(Duration::from_secs(9));
    assert_eq!(present(&cache, &["before", "after"]).await, "beforeafter");
    clock.0.advance(Duration::from_secs(1));
    let lookup = cache.get(&key("before")).await;
    assert_eq!(lookup.miss_reason(), Some(MissReason::Expired));
    assert_eq!(present(&cache, &["before", "after"]).await, "");
}
