//! What every cache must do, as checks against a cache that a test makes. A check that fails panics
//! and says which. Every check uses names of its own, so they may share one store.

use std::future::Future;
use std::time::Duration;

use serde_json::json;

use super::ManualClock;
use crate::cache::ResponseCache;
use crate::entry::Entry;
use crate::key::{CacheKey, KeyRequest};
use crate::lookup::{Lookup, MissReason, TtlState};
use crate::outcome::{SetOutcome, SkipReason};
use crate::selector::Selector;
use crate::time::{Clock, Timestamp};
use crate::value::{Format, Value};

/// Runs all checks, each against a cache of its own that goes by the clock it is made with.
///
/// The cache must hold at least 100 entries of 1 KiB. Its store may have been used before.
///
/// ```
/// use gimmal_cache::MemoryCache;
/// use gimmal_cache::testing::contract;
/// use std::sync::Arc;
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// contract(|clock| async move {
///     MemoryCache::builder().with_clock(Arc::new(clock)).build()
/// })
/// .await;
/// # });
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Panics
///
/// If the cache breaks the contract.
pub async fn contract<C, F, M>(mut make: M)
where
    C: ResponseCache,
    F: Future<Output = C>,
    M: FnMut(ManualClock) -> F,
{
    let clock = ManualClock::new();
    // A store that outlives the process has seen the names of earlier runs.
    let run = clock.timestamp().as_millis();
    let mut number = 0;
    let mut next = |clock: &ManualClock| {
        number += 1;
        let names = format!("contract {run} *?[]:% {number}");
        let cache = make(clock.clone());
        let clock = clock.clone();
        async move {
            Subject {
                cache: cache.await,
                clock,
                names,
            }
        }
    };
    next(&clock).await.an_entry_lives_as_long_as_it_says().await;
    next(&clock).await.the_remaining_time_is_told().await;
    next(&clock)
        .await
        .deleting_tells_whether_it_was_there()
        .await;
    next(&clock).await.empty_values_are_values().await;
    next(&clock).await.what_is_stored_comes_back_whole().await;
    next(&clock).await.writing_again_replaces().await;
    next(&clock).await.stale_entries_say_so().await;
    next(&clock).await.failures_are_remembered().await;
    next(&clock).await.what_has_expired_is_not_stored().await;
    next(&clock).await.many_are_read_in_order().await;
    next(&clock).await.reads_alone_are_counted().await;
    next(&clock)
        .await
        .an_operation_is_invalidated_exactly()
        .await;
    next(&clock)
        .await
        .a_namespace_is_invalidated_exactly()
        .await;
    next(&clock).await.a_pattern_is_anchored().await;
    next(&clock).await.a_tag_spans_operations().await;
    next(&clock).await.a_key_is_invalidated_alone().await;
    next(&clock)
        .await
        .answers_begun_before_an_invalidation_are_dropped()
        .await;
}

struct Subject<C> {
    cache: C,
    clock: ManualClock,
    names: String,
}

impl<C: ResponseCache> Subject<C> {
    fn key(&self, text: &str) -> CacheKey {
        self.key_of("qa", text)
    }

    fn key_of(&self, operation: &str, text: &str) -> CacheKey {
        KeyRequest::new(operation)
            .with_namespace(&self.names)
            .with_text(text)
            .key()
    }

    fn operation(&self, operation: &str) -> Selector {
        Selector::operation(operation).in_namespace(&self.names)
    }

    fn now(&self) -> Timestamp {
        self.clock.timestamp()
    }

    fn entry(&self, content: &str) -> Entry {
        Entry::new(Value::bytes(content.to_owned()), self.now()).with_ttl(seconds(60))
    }

    async fn store(&self, key: &CacheKey, entry: Entry) {
        let outcome = self.cache.set(key, entry).await;
        assert!(outcome.is_stored(), "storing gives {outcome:?}");
    }

    async fn read(&self, key: &CacheKey) -> Option<Value> {
        let hit = self.cache.get(key).await.into_hit()?;
        Some(hit.value().clone())
    }

    async fn is_stored(&self, key: &CacheKey) -> bool {
        self.read(key).await.is_some()
    }

    async fn an_entry_lives_as_long_as_it_says(&self) {
        let key = self.key("t");
        assert_eq!(self.cache.get(&key).await, miss(MissReason::NotFound));
        let entry = Entry::new(Value::bytes("v"), self.now()).with_ttl(seconds(10));
        self.store(&key, entry).await;
        self.clock.advance(Duration::from_millis(9_999));
        assert!(self.is_stored(&key).await, "one millisecond is left");
        self.clock.advance(Duration::from_millis(1));
        assert_eq!(self.cache.get(&key).await, miss(MissReason::Expired));
        assert!(!self.is_stored(&key).await);
    }

    async fn the_remaining_time_is_told(&self) {
        let (limited, endless) = (self.key("limited"), self.key("endless"));
        assert_eq!(self.cache.ttl(&limited).await, TtlState::Missing);
        let entry = Entry::new(Value::bytes("v"), self.now());
        self.store(&limited, entry.clone().with_ttl(seconds(10)))
            .await;
        self.store(&endless, entry).await;
        self.clock.advance(seconds(3));
        assert_eq!(
            self.cache.ttl(&limited).await,
            TtlState::Remaining(seconds(7))
        );
        assert_eq!(self.cache.ttl(&endless).await, TtlState::NoExpiry);
        self.clock.advance(seconds(7));
        assert_eq!(self.cache.ttl(&limited).await, TtlState::Missing);
        assert!(!self.cache.exists(&limited).await && self.cache.exists(&endless).await);
    }

    async fn deleting_tells_whether_it_was_there(&self) {
        let key = self.key("t");
        assert!(!self.cache.delete(&key).await);
        self.store(&key, self.entry("v")).await;
        assert!(self.cache.exists(&key).await);
        assert!(self.cache.delete(&key).await);
        assert!(!self.cache.exists(&key).await && !self.is_stored(&key).await);
    }

    async fn empty_values_are_values(&self) {
        let json = |value: serde_json::Value| Value::new(Format::Json, value.to_string());
        let values = [
            json(json!(null)),
            json(json!("")),
            Value::bytes(""),
            json(json!(0)),
            json(json!(false)),
        ];
        for (index, value) in values.into_iter().enumerate() {
            let key = self.key(&index.to_string());
            self.store(&key, Entry::new(value.clone(), self.now()))
                .await;
            assert_eq!(self.read(&key).await, Some(value));
        }
    }

    async fn what_is_stored_comes_back_whole(&self) {
        let key = self.key("t");
        let text = "compressible ".repeat(1_000);
        let entry = Entry::new(Value::new(Format::Events, text), self.now())
            .with_ttl(seconds(10))
            .with_stale(seconds(5))
            .with_compute(Duration::from_millis(1_250))
            .with_tags(["a", "b"]);
        self.store(&key, entry.clone()).await;
        self.clock.advance(seconds(4));
        let hit = self.cache.get(&key).await.into_hit().expect("a hit");
        assert_eq!(hit.entry, entry);
        assert_eq!(hit.age, seconds(4));
        assert_eq!(hit.remaining, Some(seconds(11)));
    }

    async fn writing_again_replaces(&self) {
        let key = self.key("t");
        self.store(&key, self.entry("old").with_ttl(seconds(1)))
            .await;
        self.store(&key, self.entry("new")).await;
        self.clock.advance(seconds(2));
        assert_eq!(self.read(&key).await, Some(Value::bytes("new")));
    }

    async fn stale_entries_say_so(&self) {
        let key = self.key("t");
        let entry = self.entry("v").with_ttl(seconds(10)).with_stale(seconds(5));
        self.store(&key, entry).await;
        for (advance, is_stale) in [
            (9, Some(false)),
            (1, Some(true)),
            (4, Some(true)),
            (1, None),
        ] {
            self.clock.advance(seconds(advance));
            let hit = self.cache.get(&key).await.into_hit();
            assert_eq!(hit.map(|hit| hit.stale), is_stale);
        }
    }

    async fn failures_are_remembered(&self) {
        let key = self.key("t");
        let entry = Entry::new_negative(404, self.now()).with_ttl(seconds(30));
        self.store(&key, entry).await;
        self.clock.advance(seconds(10));
        let Lookup::Negative(found) = self.cache.get(&key).await else {
            panic!("the failure is forgotten");
        };
        assert_eq!((found.status, found.age), (404, seconds(10)));
        self.clock.advance(seconds(20));
        assert_eq!(self.cache.get(&key).await, miss(MissReason::Expired));
    }

    async fn what_has_expired_is_not_stored(&self) {
        let key = self.key("t");
        self.store(&key, self.entry("old")).await;
        let entry = self.entry("v").with_ttl(Duration::ZERO);
        let outcome = self.cache.set(&key, entry).await;
        assert_eq!(outcome, SetOutcome::Skipped(SkipReason::Expired));
        assert!(!self.is_stored(&key).await, "what it replaces is gone too");
    }

    async fn many_are_read_in_order(&self) {
        let keys: Vec<_> = (0..20).map(|n| self.key(&n.to_string())).collect();
        for (index, key) in keys.iter().enumerate().step_by(2) {
            self.store(key, self.entry(&index.to_string())).await;
        }
        let lookups = self.cache.get_many(&keys).await;
        assert_eq!(lookups.len(), keys.len());
        for (index, lookup) in lookups.into_iter().enumerate() {
            let value = lookup.into_hit().map(|hit| hit.value().clone());
            let expected = (index % 2 == 0).then(|| Value::bytes(index.to_string()));
            assert_eq!(value, expected);
        }
    }

    async fn reads_alone_are_counted(&self) {
        let before = self.cache.stats().await;
        let key = self.key("t");
        self.cache.get(&key).await;
        self.store(&key, self.entry("v")).await;
        self.store(&key, self.entry("w")).await;
        self.cache.exists(&key).await;
        self.cache.ttl(&key).await;
        self.cache.get(&key).await;
        self.cache.get(&key).await;
        let after = self.cache.stats().await;
        let reads = (after.hits - before.hits, after.misses - before.misses);
        assert_eq!(reads, (2, 1));
    }

    async fn an_operation_is_invalidated_exactly(&self) {
        let keys = [
            self.key_of("qa", "a"),
            self.key_of("qa", "b"),
            self.key_of("qa_long", "a"),
            self.key_of("xop:qa", "a"),
            self.key_of("xop", "op:qa"),
            self.key_of("QA", "a"),
        ];
        for key in &keys {
            self.store(key, self.entry("v")).await;
        }
        self.cache.invalidate(&self.operation("qa")).await;
        for (index, key) in keys.iter().enumerate() {
            assert_eq!(self.is_stored(key).await, index > 1, "{key}");
        }
        self.clock.advance(seconds(2));
        self.store(&keys[0], self.entry("new")).await;
        assert!(self.is_stored(&keys[0]).await, "a new answer lives");
    }

    async fn a_namespace_is_invalidated_exactly(&self) {
        let own = self.key("a");
        let other = own.in_namespace(&format!("{} more", self.names));
        self.store(&own, self.entry("v")).await;
        self.store(&other, self.entry("v")).await;
        let selector = Selector::Namespace(self.names.clone());
        self.cache.invalidate(&selector).await;
        assert!(!self.is_stored(&own).await);
        assert!(self.is_stored(&other).await);
    }

    async fn a_pattern_is_anchored(&self) {
        let keys = ["qa", "qa_long", "aqa"].map(|operation| self.key_of(operation, "t"));
        for key in &keys {
            self.store(key, self.entry("v")).await;
        }
        let selector = Selector::glob("*:q?*").expect("a pattern");
        self.cache
            .invalidate(&selector.in_namespace(&self.names))
            .await;
        assert!(!self.is_stored(&keys[0]).await && !self.is_stored(&keys[1]).await);
        assert!(self.is_stored(&keys[2]).await);
    }

    async fn a_tag_spans_operations(&self) {
        let tagged = [self.key_of("qa", "t"), self.key_of("summarize", "t")];
        let other = self.key_of("qa", "other");
        for key in &tagged {
            let entry = self.entry("v").with_tags(["report 7", "x"]);
            self.store(key, entry).await;
        }
        self.store(&other, self.entry("v").with_tags(["report 70"]))
            .await;
        let selector = Selector::tag("report 7").in_namespace(&self.names);
        self.cache.invalidate(&selector).await;
        for key in &tagged {
            assert!(!self.is_stored(key).await);
        }
        assert!(self.is_stored(&other).await);
    }

    async fn a_key_is_invalidated_alone(&self) {
        let (key, other) = (self.key("a"), self.key("b"));
        self.store(&key, self.entry("v")).await;
        self.store(&other, self.entry("v")).await;
        self.cache.invalidate(&Selector::Key(key.clone())).await;
        assert!(!self.is_stored(&key).await && self.is_stored(&other).await);
    }

    async fn answers_begun_before_an_invalidation_are_dropped(&self) {
        let key = self.key("t");
        let begun = self.entry("v");
        self.clock.advance(seconds(1));
        self.cache.invalidate(&self.operation("qa")).await;
        self.cache.set(&key, begun).await;
        assert!(!self.is_stored(&key).await);
    }
}

fn miss(reason: MissReason) -> Lookup {
    Lookup::Miss(reason)
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
