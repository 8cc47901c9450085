//! The cache in memory beside `moka`, `quick_cache` and Python's `cachetools`, over the same keys and
//! values of the same size, in turns within one run; how flat it is; and what keys and frames cost.
//!
//! What grows with the number of entries is shown by reads of the same hundred keys, which lie spread
//! over caches of a hundred to a million entries: the work of the cache itself. The bounds on flatness
//! and of `cachetools` hold there, where both sides read the same hundred. Reads of all keys alike are
//! reported beside them, for all sides: there every read waits for memory that the processor does not
//! hold, whatever structure it is in.
//!
//! They are not the same: ours counts exactly, evicts in the exact order of last use within a shard,
//! drops what has expired and knows its bytes; `quick_cache` has no time to live. The Python side
//! needs an interpreter that has `cachetools` (`GIMMAL_BENCH_PYTHON`, or `python3`); without one it is
//! left out, and the bench says so.

#[path = "../../transport/benches/common/time.rs"]
mod time;
#[path = "../../transport/benches/common/verdict.rs"]
mod verdict;
#[path = "../../transport/benches/common/wanted.rs"]
mod wanted;

use std::hint::black_box;
use std::process::Command;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::FutureExt;
use gimmal_cache::{
    CacheKey, Clock, Entry, FrameCodec, KeyRequest, MemoryCache, ResponseCache, SystemClock, Value,
};

use crate::time::{busy, median};
use crate::verdict::{Verdict, report};

const SIZES: [usize; 5] = [100, 1_000, 10_000, 100_000, 1_000_000];
/// Where the sides are compared.
const COMPARED: usize = 100_000;
const VALUE_BYTES: usize = 400;
const ROUNDS: usize = 7;
/// A process of its own each time, which takes some seconds.
const PYTHON_ROUNDS: usize = 3;
/// Reads of one round.
const READS: usize = 1_000_000;
/// Keys that are asked for over and over where the work of a cache is measured.
const FEW: usize = 100;
/// Keys that are ready at a time: whoever asks has just made the key.
const READY: usize = 1_000;

const REQUIRED_OF_RUST: f64 = 0.5;
const REQUIRED_OF_PYTHON: f64 = 20.0;
const REQUIRED_FLATNESS: f64 = 2.0;
const REQUIRED_KEY_MB: f64 = 500.0;

fn main() {
    if !wanted::measures() {
        return;
    }
    let mut verdict = Verdict::default();
    key_and_frame(&mut verdict);
    flatness(&mut verdict);
    beside_others(&mut verdict);
    beside_python(&mut verdict);
    eviction();
    verdict.settle();
}

fn keys(count: usize) -> Vec<CacheKey> {
    let key = |number: usize| KeyRequest::new("qa").with_text(&number.to_string()).key();
    (0..count).map(key).collect()
}

fn value() -> Bytes {
    Bytes::from(vec![b'x'; VALUE_BYTES])
}

/// A cache that is full; the futures of the one in memory are ready at once.
fn filled(keys: &[CacheKey]) -> MemoryCache {
    let cache = MemoryCache::new(keys.len());
    let now = SystemClock.timestamp();
    for key in keys {
        let entry = Entry::new(Value::bytes(value()), now).with_ttl(Duration::from_secs(36_000));
        cache.set(key, entry).now_or_never();
    }
    cache
}

fn moka(keys: &[CacheKey]) -> moka::sync::Cache<[u8; 32], Bytes> {
    let cache = moka::sync::Cache::builder()
        .max_capacity(keys.len() as u64)
        .time_to_live(Duration::from_secs(36_000))
        .build();
    keys.iter()
        .for_each(|key| cache.insert(*key.digest(), value()));
    cache
}

fn quick(keys: &[CacheKey]) -> quick_cache::sync::Cache<[u8; 32], Bytes> {
    let cache = quick_cache::sync::Cache::new(keys.len());
    keys.iter()
        .for_each(|key| cache.insert(*key.digest(), value()));
    cache
}

/// Which keys are asked for.
#[derive(Clone, Copy)]
enum Demand {
    /// The same few, spread over all entries.
    Few,
    /// Each as often as any other, in an order that no cache of the processor foresees.
    Even,
    /// The second half as often as the first, the third a third as often, and so on.
    Uneven,
}

impl Demand {
    /// The place of the next key.
    fn pick(self, random: u64, count: usize) -> usize {
        match self {
            Self::Few => random as usize % FEW * (count / FEW),
            Self::Even => random as usize % count,
            Self::Uneven => {
                let fraction = (random >> 11) as f64 / (1_u64 << 53) as f64;
                (count as f64).powf(fraction) as usize % count
            }
        }
    }
}

/// Keys that are asked for, some at a time.
fn batches(
    keys: &[CacheKey],
    reads: usize,
    from: usize,
    demand: Demand,
) -> impl Iterator<Item = Vec<CacheKey>> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64.wrapping_mul(from as u64 + 1);
    (0..reads / READY).map(move |_| {
        let mut next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            keys[demand.pick(state, keys.len())].clone()
        };
        (0..READY).map(|_| next()).collect()
    })
}

/// Reads a second of one thread, by the time that it was busy.
fn reads(keys: &[CacheKey], demand: Demand, read: impl Fn(&CacheKey)) -> f64 {
    let mut seconds = 0.0;
    for batch in batches(keys, READS, 7, demand) {
        seconds += busy(|| batch.iter().for_each(&read)).as_secs_f64();
    }
    READS as f64 / seconds
}

/// Reads a second of so many threads together, by the clock on the wall.
fn reads_at_once(threads: usize, keys: &[CacheKey], read: impl Fn(&CacheKey) + Sync) -> f64 {
    let start = std::sync::Barrier::new(threads);
    let run = |thread: usize| {
        let batches: Vec<_> = batches(keys, READS / 4, thread, Demand::Even).collect();
        start.wait();
        let begun = Instant::now();
        batches.iter().flatten().for_each(&read);
        begun.elapsed().as_secs_f64()
    };
    let slowest = std::thread::scope(|scope| {
        let run = &run;
        let threads: Vec<_> = (0..threads)
            .map(|thread| scope.spawn(move || run(thread)))
            .collect();
        let times = threads.into_iter().map(|it| it.join().unwrap_or(f64::MAX));
        times.fold(0.0, f64::max)
    });
    (threads * READS / 4) as f64 / slowest
}

fn flatness(verdict: &mut Verdict) {
    let demands = [
        ("a hundred keys", Demand::Few),
        ("some keys most", Demand::Uneven),
        ("all keys alike", Demand::Even),
    ];
    let mut of_few = Vec::new();
    for size in SIZES {
        let keys = keys(size);
        let cache = filled(&keys);
        for (name, demand) in demands {
            let rate = ours(&cache, &keys, demand);
            report(&format!(
                "     {size} entries, {name}: {:.2} M/s",
                rate / 1e6
            ));
            if let Demand::Few = demand {
                of_few.push(rate);
            }
        }
    }
    let fastest = of_few.iter().copied().fold(0.0, f64::max);
    let slowest = of_few.iter().copied().fold(f64::MAX, f64::min);
    let flatness = fastest / slowest;
    verdict.check(
        flatness <= REQUIRED_FLATNESS,
        format!(
            "100 to 1,000,000 entries, a hundred keys: within {flatness:.2} times (at most \
             {REQUIRED_FLATNESS})"
        ),
    );
}

/// Reads a second of our cache by one thread.
fn ours(cache: &MemoryCache, keys: &[CacheKey], demand: Demand) -> f64 {
    let get = |key: &CacheKey| drop(black_box(cache.get(key).now_or_never()));
    median((0..ROUNDS).map(|_| reads(keys, demand, get)).collect())
}

fn beside_others(verdict: &mut Verdict) {
    let keys = keys(COMPARED);
    let (ours, moka, quick) = (filled(&keys), moka(&keys), quick(&keys));
    for threads in [1, 2] {
        let (mut of_moka, mut of_quick, mut rates) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let rate = reads_at_once(threads, &keys, |key| {
                drop(black_box(ours.get(key).now_or_never()));
            });
            let moka = reads_at_once(threads, &keys, |key| {
                drop(black_box(moka.get(key.digest())))
            });
            let quick = reads_at_once(threads, &keys, |key| {
                drop(black_box(quick.get(key.digest())));
            });
            of_moka.push(rate / moka);
            of_quick.push(rate / quick);
            rates.push(rate);
        }
        let millions = median(rates) / 1e6;
        report(&format!("     {threads} threads: {millions:.2} M/s"));
        for (name, ratio) in [("moka", median(of_moka)), ("quick_cache", median(of_quick))] {
            verdict.check(
                ratio >= REQUIRED_OF_RUST,
                format!("{threads} threads: {ratio:.2} times {name} (at least {REQUIRED_OF_RUST})"),
            );
        }
    }
}

/// Reads a second of `cachetools.TTLCache`: where a hundred of its keys are asked for, and where all
/// are.
fn python(entries: usize) -> Option<[f64; 2]> {
    const SCRIPT: &str = "import statistics, sys, time, cachetools
n, few = int(sys.argv[1]), int(sys.argv[2])
cache = cachetools.TTLCache(maxsize=n, ttl=36000)
keys = [f'{i:064x}' for i in range(n)]
for key in keys: cache[key] = b'x' * 400
for asked in few, n:
    order = [keys[i * 7919 % asked * (n // asked)] for i in range(100000)]
    rates = []
    for _ in range(5):
        start = time.process_time()
        for key in order: cache.get(key)
        rates.append(len(order) / (time.process_time() - start))
    print(statistics.median(rates))";
    let program = std::env::var("GIMMAL_BENCH_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = Command::new(program)
        .args(["-c", SCRIPT, &entries.to_string(), &FEW.to_string()])
        .output();
    let output = script.ok().filter(|output| output.status.success())?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut rates = text.lines().map_while(|line| line.parse().ok());
    Some([rates.next()?, rates.next()?])
}

fn beside_python(verdict: &mut Verdict) {
    for size in [100, 10_000, 100_000, 1_000_000] {
        let keys = keys(size);
        let cache = filled(&keys);
        let (mut few, mut all, mut theirs) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..PYTHON_ROUNDS {
            let Some([of_few, of_all]) = python(size) else {
                report("     skipped: no Python with cachetools");
                return;
            };
            few.push(ours(&cache, &keys, Demand::Few) / of_few);
            all.push(ours(&cache, &keys, Demand::Even) / of_all);
            theirs.push(of_few / 1e6);
        }
        let (few, all, theirs) = (median(few), median(all), median(theirs));
        verdict.check(
            few >= REQUIRED_OF_PYTHON,
            format!(
                "{size} entries, a hundred keys: {few:.0} times cachetools' {theirs:.2} M/s (at \
                 least {REQUIRED_OF_PYTHON})"
            ),
        );
        report(&format!(
            "     {size} entries, all keys alike: {all:.0} times cachetools"
        ));
    }
}

fn eviction() {
    let keys = keys(2 * COMPARED);
    let cache = filled(&keys[..COMPARED]);
    let now = SystemClock.timestamp();
    let entry = Entry::new(Value::bytes(value()), now).with_ttl(Duration::from_secs(36_000));
    let set = |key: &CacheKey| {
        black_box(cache.set(key, entry.clone()).now_or_never());
    };
    let rate = median(
        (0..ROUNDS)
            .map(|_| reads(&keys, Demand::Even, set))
            .collect(),
    );
    report(&format!("     set with eviction: {:.2} M/s", rate / 1e6));
}

/// Megabytes a second of work on so many bytes.
fn megabytes(bytes: usize, work: impl Fn()) -> f64 {
    const TIMES: usize = 2_000;
    let round = |_| {
        let time = busy(|| (0..TIMES).for_each(|_| work()));
        (TIMES * bytes) as f64 / 1e6 / time.as_secs_f64()
    };
    median((0..ROUNDS).map(round).collect())
}

fn key_and_frame(verdict: &mut Verdict) {
    let text = "All work and no play makes Jack a dull boy.\n".repeat(228);
    let request = KeyRequest::new("summarize").with_text(&text);
    let rate = megabytes(text.len(), || drop(black_box(request.key())));
    verdict.check(
        rate >= REQUIRED_KEY_MB,
        format!("key of a text of 10 kB: {rate:.0} MB/s (at least {REQUIRED_KEY_MB})"),
    );
    let body = serde_json::json!({"contents": [{"role": "user", "parts": [{"text": text}]}]});
    let body = serde_json::from_value(body).expect("a request");
    let rate = megabytes(text.len(), || {
        let request = KeyRequest::for_generate_content("gemini-2.5-flash", &body);
        drop(black_box(request.map(|request| request.key())));
    });
    report(&format!("     key of a request of 10 kB: {rate:.0} MB/s"));

    let entry = Entry::new(Value::bytes(text.repeat(2)), SystemClock.timestamp());
    let (codec, key) = (FrameCodec::new(), request.key());
    let rate = megabytes(2 * text.len(), || {
        drop(black_box(codec.encode(&key, &entry)))
    });
    report(&format!("     frame of 20 kB, written: {rate:.0} MB/s"));
    let frame = codec.encode(&key, &entry).unwrap_or_default();
    let now = SystemClock.timestamp();
    let rate = megabytes(2 * text.len(), || {
        drop(black_box(codec.decode(&key, &frame, now)))
    });
    report(&format!("     frame of 20 kB, read: {rate:.0} MB/s"));
}
