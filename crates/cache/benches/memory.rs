//! The cache in memory beside `moka` and `quick_cache`, over the same keys and the same values; and
//! what making a key and a frame costs. The last lines print our throughput over theirs.
//!
//! They are not the same: ours counts exactly, evicts in the exact order of last use within a shard,
//! drops what has expired and knows its bytes; `quick_cache` has no time to live.

use std::hint::black_box;
use std::time::{Duration, Instant};

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use futures_util::FutureExt;
use gimmal_cache::{
    CacheKey, Clock, Entry, FrameCodec, KeyRequest, MemoryCache, ResponseCache, SystemClock, Value,
};

const SIZES: [usize; 5] = [100, 1_000, 10_000, 100_000, 1_000_000];

fn keys(count: usize) -> Vec<CacheKey> {
    let key = |number: usize| KeyRequest::new("qa").with_text(&number.to_string()).key();
    (0..count).map(key).collect()
}

fn entry() -> Entry {
    let value = Value::bytes(vec![b'x'; 400]);
    Entry::new(value, SystemClock.timestamp()).with_ttl(Duration::from_secs(3_600))
}

/// A cache that is full; the futures of the one in memory are ready at once.
fn filled(keys: &[CacheKey]) -> MemoryCache {
    let cache = MemoryCache::new(keys.len());
    for key in keys {
        cache.set(key, entry()).now_or_never();
    }
    cache
}

/// Numbers in an order that no cache of the processor foresees.
fn order(count: usize) -> impl Iterator<Item = usize> {
    (0..).map(move |step: usize| step.wrapping_mul(7_919) % count)
}

fn get(c: &mut Criterion) {
    let mut group = c.benchmark_group("get hit");
    group.throughput(Throughput::Elements(1));
    for size in SIZES {
        let keys = keys(size);
        let ours = filled(&keys);
        let mut next = order(size);
        group.bench_function(BenchmarkId::new("gimmal", size), |b| {
            b.iter(|| black_box(ours.get(&keys[next.next().unwrap_or(0)]).now_or_never()));
        });
        drop(ours);
        let moka = moka::sync::Cache::new(size as u64);
        let quick = quick_cache::sync::Cache::new(size);
        let value = Bytes::from(vec![b'x'; 400]);
        for key in &keys {
            moka.insert(*key.digest(), value.clone());
            quick.insert(*key.digest(), value.clone());
        }
        group.bench_function(BenchmarkId::new("moka", size), |b| {
            b.iter(|| black_box(moka.get(keys[next.next().unwrap_or(0)].digest())));
        });
        group.bench_function(BenchmarkId::new("quick_cache", size), |b| {
            b.iter(|| black_box(quick.get(keys[next.next().unwrap_or(0)].digest())));
        });
    }
}

fn set_with_eviction(c: &mut Criterion) {
    let mut group = c.benchmark_group("set with eviction");
    group.throughput(Throughput::Elements(1));
    let keys = keys(200_000);
    let ours = filled(&keys[..100_000]);
    let entry = entry();
    let mut next = order(keys.len());
    group.bench_function("gimmal", |b| {
        b.iter(|| {
            let key = &keys[next.next().unwrap_or(0)];
            black_box(ours.set(key, entry.clone()).now_or_never())
        });
    });
}

fn key_and_frame(c: &mut Criterion) {
    let text = "All work and no play makes Jack a dull boy. ".repeat(250);
    let mut group = c.benchmark_group("key");
    group.throughput(Throughput::Bytes(text.len() as u64));
    let request = KeyRequest::new("summarize").with_text(&text);
    group.bench_function("11 kB", |b| b.iter(|| black_box(request.key())));
    group.finish();

    let mut group = c.benchmark_group("frame");
    let entry = Entry::new(Value::bytes(text.repeat(2)), SystemClock.timestamp());
    let (codec, key) = (FrameCodec::new(), request.key());
    group.throughput(Throughput::Bytes(2 * text.len() as u64));
    group.bench_function("encode 22 kB", |b| {
        b.iter(|| black_box(codec.encode(&key, &entry)));
    });
    let frame = codec.encode(&key, &entry).unwrap_or_default();
    let now = SystemClock.timestamp();
    group.bench_function("decode 22 kB", |b| {
        b.iter(|| black_box(codec.decode(&key, &frame, now)));
    });
}

/// Operations a second of `threads` threads.
fn rate(threads: usize, work: impl Fn(usize) + Sync) -> f64 {
    const TIME: Duration = Duration::from_millis(500);
    let start = Instant::now();
    let count: u64 = std::thread::scope(|scope| {
        let run = |thread: usize| {
            let work = &work;
            scope.spawn(move || {
                let mut count = 0_u64;
                while start.elapsed() < TIME {
                    for step in 0..1_000 {
                        work(count as usize + step + thread * 31);
                    }
                    count += 1_000;
                }
                count
            })
        };
        let threads: Vec<_> = (0..threads).map(run).collect();
        threads.into_iter().map(|it| it.join().unwrap_or(0)).sum()
    });
    count as f64 / start.elapsed().as_secs_f64()
}

#[expect(clippy::print_stdout, reason = "a bench reports on the terminal")]
fn ratios(_: &mut Criterion) {
    let keys = keys(100_000);
    let ours = filled(&keys);
    let moka = moka::sync::Cache::new(keys.len() as u64);
    let quick = quick_cache::sync::Cache::new(keys.len());
    let value = Bytes::from(vec![b'x'; 400]);
    for key in &keys {
        moka.insert(*key.digest(), value.clone());
        quick.insert(*key.digest(), value.clone());
    }
    let key = |step: usize| &keys[step.wrapping_mul(7_919) % keys.len()];
    for threads in [1, 2] {
        let own = rate(threads, |step| {
            drop(black_box(ours.get(key(step)).now_or_never()))
        });
        let moka = rate(threads, |step| {
            drop(black_box(moka.get(key(step).digest())))
        });
        let quick = rate(threads, |step| {
            drop(black_box(quick.get(key(step).digest())))
        });
        println!(
            "ratio threads={threads} gimmal={:.2}M/s over moka={:.2} over quick_cache={:.2}",
            own / 1e6,
            own / moka,
            own / quick,
        );
    }
}

criterion_group!(benches, get, set_with_eviction, key_and_frame, ratios);
criterion_main!(benches);
