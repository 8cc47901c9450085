//! What needs a look inside: how many slots an operation touches, and that nothing is left behind.

use proptest::prelude::*;

use super::shard::Shard;
use crate::entry::Entry;
use crate::key::{CacheKey, KeyRequest};
use crate::selector::Selector;
use crate::time::Timestamp;
use crate::value::Value;

fn key(number: usize) -> CacheKey {
    let text = number.to_string();
    let operation = ["qa", "summarize", "classify"][number % 3];
    KeyRequest::new(operation).with_text(&text).key()
}

fn at_ms(milliseconds: u64) -> Timestamp {
    Timestamp::from_millis(milliseconds)
}

fn entry(bytes: usize, expires: Option<u64>) -> Entry {
    let expires = expires.map(Timestamp::from_millis);
    Entry::new(Value::bytes(vec![0; bytes]), Timestamp::from_millis(0))
        .with_expiry(expires, expires)
        .with_tags(bytes.is_multiple_of(2).then_some("even"))
}

/// A read looks at one slot and a write at two at most, however many there are.
///
/// Covers: C6
#[test]
fn c6_no_operation_scans() {
    let mut shard = Shard::new(100_000, u64::MAX);
    let keys: Vec<_> = (0..100_000).map(key).collect();
    for (number, key) in keys.iter().enumerate() {
        shard.set(key, entry(8, Some(1_000_000 + number as u64)), at_ms(0));
    }
    shard.visits = 0;
    for step in 0..10_000 {
        assert!(
            shard
                .get(&keys[step * 7_919 % 100_000], |_| at_ms(1))
                .is_some()
        );
    }
    assert_eq!(shard.visits, 10_000);

    shard.visits = 0;
    for number in 100_000..101_000 {
        shard.set(&key(number), entry(8, None), at_ms(1));
    }
    assert_eq!(
        shard.visits, 2_000,
        "one look for the key, one for the victim"
    );
    assert_eq!(shard.len(), 100_000);
}

/// An overdue crowd is removed a few at a time.
#[test]
fn expired_entries_leave_in_small_groups() {
    let mut shard = Shard::new(1_000, u64::MAX);
    for number in 0..100 {
        shard.set(&key(number), entry(8, Some(10)), at_ms(0));
    }
    shard.set(&key(200), entry(8, None), at_ms(10));
    assert_eq!(shard.len(), 100 - 16 + 1);
    assert_eq!(shard.stats.evictions.expired, 16);
}

#[derive(Clone, Debug)]
enum Step {
    Set {
        key: usize,
        bytes: usize,
        ttl: Option<u64>,
    },
    Get(usize),
    Delete(usize),
    Wait(u64),
    Sweep,
    Invalidate,
    InvalidateTag,
    Clear,
}

fn step() -> impl Strategy<Value = Step> {
    let key = 0_usize..40;
    prop_oneof![
        8 => (key.clone(), 0_usize..400, prop::option::of(1_u64..50))
            .prop_map(|(key, bytes, ttl)| Step::Set { key, bytes, ttl }),
        4 => key.clone().prop_map(Step::Get),
        2 => key.prop_map(Step::Delete),
        2 => (1_u64..20).prop_map(Step::Wait),
        1 => Just(Step::Sweep),
        1 => Just(Step::Invalidate),
        1 => Just(Step::InvalidateTag),
        1 => Just(Step::Clear),
    ]
}

proptest! {
    /// The bytes counted are those of what is there, whatever happened before.
    ///
    /// Covers: C10
    #[test]
    fn c10_bytes_are_the_sum_of_the_weights(steps in prop::collection::vec(step(), 1..120)) {
        let (mut shard, mut now) = (Shard::new(25, 6_000), 0);
        for step in steps {
            match step {
                Step::Set { key: at, bytes, ttl } => {
                    let entry = entry(bytes, ttl.map(|ttl| now + ttl));
                    shard.set(&key(at), entry, at_ms(now));
                }
                Step::Get(at) => drop(shard.get(&key(at), |_| at_ms(now))),
                Step::Delete(at) => drop(shard.delete(&key(at), at_ms(now))),
                Step::Wait(time) => now += time,
                Step::Sweep => drop(shard.sweep(at_ms(now), usize::MAX)),
                Step::Invalidate => {
                    shard.invalidate(&Selector::operation("qa"), 0, usize::MAX / 2);
                }
                Step::InvalidateTag => {
                    shard.invalidate(&Selector::tag("even"), 0, usize::MAX / 2);
                }
                Step::Clear => drop(shard.clear()),
            }
            let weights: u64 = shard.weights().sum();
            prop_assert_eq!(shard.bytes(), weights);
            prop_assert!(shard.len() <= 25 && shard.bytes() <= 6_000);
            prop_assert_eq!(shard.len(), shard.weights().count());
        }
        shard.clear();
        prop_assert_eq!((shard.len(), shard.bytes(), shard.scope_count()), (0, 0, 0));
    }
}
