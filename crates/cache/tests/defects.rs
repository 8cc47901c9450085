//! Mistakes that caches of this kind were seen to make. What other tests show already is named here
//! and not repeated:
//!
//! | # | Mistake | Shown by |
//! |---|---|---|
//! | 1 | texts that differ in a separator share a key | `d1_…` |
//! | 2 | options that look alike share a key | `d2_…` |
//! | 3 | an option that looks like two shares their key | `d3_…` |
//! | 4 | a short digest collides within minutes | `k_a_million_options_have_a_million_keys` |
//! | 5 | model, prompt version and tenant are not in the key | `d5_…` |
//! | 6 | texts can be read in keys | `d6_…` |
//! | 7 | writes lower the hit ratio | `m1_…` |
//! | 8 | values that are compressed are not stored | `f4_…` |
//! | 9 | what is stored is larger than the value | `d9_…` |
//! | 10 | the first tier serves what the second has dropped | `t3_…` |
//! | 11 | lifetimes by operation are not heeded | `t1_…` |
//! | 12 | an operation is matched by a part of its name; an entry in two tiers counts twice | `i1_…`, `what_was_in_both_tiers_counts_once` |
//! | 13 | a size class is guessed from the key | keys hold no size: `d6_…` |
//! | 14 | nothing cannot be stored; callers change what others read | `c8_…`, `c9_…` |
//! | 15 | writing again evicts another; no time to live is for ever | `c4_…`, `d15_…` |
//! | 16 | a damaged entry is read again and again | `f3_f7_…` |
//! | 17 | what is stored is run as code | `f8_…` |
//! | 18 | looking for keys holds up the server | `r6_…`, `i2_…` |
//! | 19 | one setting overrules another in silence | `d19_…` |
//! | 20 | bytes are counted that are gone | `c10_…` |
//! | 21 | code for tests runs in production | there is none |
//! | 22 | placeholders are stored as answers | `a1_…` |
//! | 23 | a password is made up that no server knows | none is made up |
//! | 24 | everybody who asks at once computes | `s1_…`, `s5_…` |
//! | 25 | a server that is away at the start is never used | `r1_…` |
//! | 26 | each record cleans up all others | `m7_…` |
//! | 27 | no failures remembered, no spread, nothing stale, no replay, no word among processes | `t2_…`, `t4_…`, `t6_…`, `w1_…`, `i3_…` |
//! | 28 | the settings of a connection are not used | `x1_…`, `x3_…` |

use std::time::Duration;

use gimmal_cache::{
    AiCache, CacheConfig, CallOptions, Entry, Failure, FrameCodec, Fresh, KeyRequest, Lifetime,
    MemoryCache, Preset, ResponseCache, SetOutcome, Timestamp, Value,
};

fn qa(text: &str) -> KeyRequest<'_> {
    KeyRequest::new("qa").with_model("m").with_text(text)
}

#[test]
fn d1_a_separator_is_a_letter_like_any_other() {
    let keys = ["a:b", "a|b", "a_b"].map(|text| qa(text).key());
    assert!(keys[0] != keys[1] && keys[1] != keys[2] && keys[0] != keys[2]);
}

#[test]
fn d2_a_number_is_not_its_text() {
    let one = qa("t").with_option("n", 1).key();
    assert_ne!(one, qa("t").with_option("n", "1").key());
    let yes = qa("t").with_option("n", true).key();
    assert_ne!(yes, qa("t").with_option("n", "True").key());
}

#[test]
fn d3_one_option_is_not_two() {
    let one = qa("t").with_option("a", "1&b=2").key();
    let two = qa("t").with_option("a", 1).with_option("b", 2).key();
    assert_ne!(one, two);
}

#[test]
fn d5_whatever_changes_the_answer_changes_the_key() {
    let base = qa("t").key();
    assert_ne!(base, qa("t").with_model("other").key());
    assert_ne!(base, qa("t").with_version("2").key());
    assert_ne!(base, qa("t").with_namespace("tenant").key());
    assert_ne!(base, qa("t").with_question("why?").key());
}

#[test]
fn d6_a_key_shows_nothing_of_the_text() {
    let short = qa("Sample document").with_question("Whose?").key();
    assert!(!short.as_str().contains("Sample") && !short.as_str().contains("Whose"));
    let long = "A".repeat(1_000);
    assert_eq!(qa(&long).key().as_str().len(), short.as_str().len());
}

#[test]
fn d9_a_value_costs_its_bytes_and_fifty_two() {
    let entry = Entry::new(Value::bytes(vec![7; 100]), Timestamp::from_millis(0));
    let frame = FrameCodec::new().encode(&qa("t").key(), &entry).unwrap();
    assert_eq!(frame.len(), 152);
}

#[tokio::test]
async fn d15_no_time_to_live_is_no_life() {
    let cache = MemoryCache::new(10);
    let now = gimmal_cache::Clock::timestamp(&gimmal_cache::SystemClock);
    let entry = Entry::new(Value::bytes("v"), now).with_ttl(Duration::ZERO);
    let outcome = cache.set(&qa("t").key(), entry).await;
    assert!(matches!(outcome, SetOutcome::Skipped(_)), "{outcome:?}");
    assert!(cache.is_empty());
}

#[test]
fn d19_a_setting_holds_for_every_part() {
    let mut config = CacheConfig::of(Preset::Production);
    config.default_ttl_seconds = 120;
    config.l1_entries = 7;
    let ttl = config.ttls().resolve("other", Lifetime::OfOperation);
    assert_eq!(ttl.unwrap().as_duration(), Duration::from_secs(120));
    let memory = config.memory().build();
    for number in 0..20_u8 {
        let key = qa(&number.to_string()).key();
        let entry = Entry::new(Value::bytes("v"), Timestamp::from_millis(0));
        futures_util::FutureExt::now_or_never(memory.set(&key, entry));
    }
    assert_eq!(memory.len(), 7);
}

/// The same placeholder is given to who asked, and the next one asks again.
#[tokio::test]
async fn d22_a_placeholder_is_no_answer() {
    let cache = AiCache::new(MemoryCache::new(10));
    let unavailable = || async {
        let text = "The service is unavailable just now.";
        Ok::<_, Failure<()>>(Fresh::json(&text).unwrap().degraded())
    };
    for _ in 0..2 {
        let request = qa("t");
        let answer = cache.get_or_compute(&request, CallOptions::new(), unavailable);
        assert!(!answer.await.unwrap().is_cached());
    }
    assert!(cache.store().is_empty());
}
