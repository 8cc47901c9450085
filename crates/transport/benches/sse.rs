//! Throughput of the event decoder, against `sse-stream` and `eventsource-stream`.
//!
//! All sides get the same chunks and do the same with the data: they add up its bytes. Ratios are
//! medians over rounds in which the sides take turns.

#[path = "common/time.rs"]
mod time;
#[path = "common/verdict.rs"]
mod verdict;
#[path = "common/wanted.rs"]
mod wanted;

use std::convert::Infallible;
use std::hint::black_box;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use criterion::{Criterion, Throughput};
use eventsource_stream::Eventsource;
use futures_util::{Stream, StreamExt, stream};
use gimmal_transport::{ByteStream, Error, EventStream};
use sse_stream::SseByteStream;
use tokio::runtime::Runtime;

use crate::time::{busy, median};
use crate::verdict::{Verdict, report};
use crate::wanted::measures;

const ROUNDS: usize = 31;
/// A side is measured at least this long in each round.
const ROUND_TIME: Duration = Duration::from_millis(10);
/// Passes that take longer than this are measured in few rounds.
const SLOW_PASS: Duration = Duration::from_millis(100);
const SLOW_ROUNDS: usize = 3;
/// The data is touched once in as many bytes, so that no side wins by not having it at hand.
const CACHE_LINE: usize = 64;

/// How much more of the time a copy takes a decoder may take when the event is 64 times as long.
const GROWTH: f64 = 2.0;
const GROWTH_ROUNDS: usize = 5;

struct Case {
    name: &'static str,
    data_bytes: usize,
    chunk_bytes: usize,
    events: usize,
    /// How many times the throughput of `sse-stream` is required.
    over_sse_stream: f64,
    /// The same for `eventsource-stream`.
    over_eventsource_stream: f64,
}

const CASES: [Case; 3] = [
    Case {
        name: "100 B events in 1400 B chunks",
        data_bytes: 100,
        chunk_bytes: 1_400,
        events: 20_000,
        over_sse_stream: 1.0,
        over_eventsource_stream: 5.0,
    },
    Case {
        name: "20 kB events in 16 KiB chunks",
        data_bytes: 20_000,
        chunk_bytes: 16 * 1024,
        events: 200,
        over_sse_stream: 1.0,
        over_eventsource_stream: 20.0,
    },
    Case {
        name: "one 8 MB event in 16 KiB chunks",
        data_bytes: 8_000_000,
        chunk_bytes: 16 * 1024,
        events: 1,
        over_sse_stream: 1.0,
        over_eventsource_stream: 1_000.0,
    },
];

#[derive(Clone, Copy, Debug, PartialEq)]
enum Side {
    Ours,
    SseStream,
    EventsourceStream,
}

const SIDES: [(Side, &str); 3] = [
    (Side::Ours, "gimmal-transport"),
    (Side::SseStream, "sse-stream"),
    (Side::EventsourceStream, "eventsource-stream"),
];

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let mut criterion = Criterion::default().configure_from_args().sample_size(10);
    for case in &CASES {
        let input = chunks(case.events, case.data_bytes, case.chunk_bytes);
        let mut group = criterion.benchmark_group(case.name);
        group.throughput(Throughput::Bytes(
            input.iter().map(|it| it.len() as u64).sum(),
        ));
        group.measurement_time(Duration::from_secs(2));
        for (side, name) in SIDES {
            let slow = case.events == 1 && side == Side::EventsourceStream;
            if !slow {
                group.bench_function(name, |bencher| {
                    bencher.iter(|| pass(&runtime, side, &input));
                });
            }
        }
        group.finish();
    }
    criterion.final_summary();
    if !measures() {
        return;
    }

    let mut verdict = Verdict::default();
    for case in &CASES {
        compare(&runtime, case, &mut verdict);
    }
    check_growth(&runtime, &mut verdict);
    verdict.settle();
}

/// Chunks of a stream of events with ASCII data, which is what text checks are fastest with.
fn chunks(events: usize, data_bytes: usize, chunk_bytes: usize) -> Vec<Bytes> {
    let letters = b"abcdefghijklmnopqrstuvwxyz0123456789".iter().cycle();
    let data: Vec<u8> = letters.copied().take(data_bytes).collect();
    let event = [b"data: ", data.as_slice(), b"\n\n"].concat();
    let text = event.repeat(events);
    text.chunks(chunk_bytes)
        .map(Bytes::copy_from_slice)
        .collect()
}

/// Decodes all chunks once.
fn pass(runtime: &Runtime, side: Side, chunks: &[Bytes]) -> u64 {
    let chunks = stream::iter(chunks.to_vec());
    runtime.block_on(async {
        match side {
            Side::Ours => {
                let body = ByteStream::new(chunks.map(Ok::<_, Error>));
                add_up(EventStream::new(body), |event| event.data).await
            }
            Side::SseStream => {
                let events = SseByteStream::new(chunks.map(Ok::<_, Infallible>));
                add_up(events, |event| event.data.unwrap_or_default()).await
            }
            Side::EventsourceStream => {
                let events = chunks.map(Ok::<_, Infallible>).eventsource();
                add_up(events, |event| event.data).await
            }
        }
    })
}

/// What a user of the events does in this bench.
async fn add_up<T, E: std::fmt::Debug, D: AsRef<[u8]>>(
    events: impl Stream<Item = Result<T, E>>,
    data: impl Fn(T) -> D,
) -> u64 {
    let mut events = std::pin::pin!(events);
    let mut sum = 0_u64;
    while let Some(event) = events.next().await {
        let data = data(event.expect("an event"));
        let bytes = data.as_ref().iter().step_by(CACHE_LINE);
        sum += bytes.fold(0_u64, |sum, byte| sum + u64::from(*byte));
    }
    black_box(sum)
}

/// Passes that fill a round, and about how long one takes.
fn calibrate(runtime: &Runtime, side: Side, input: &[Bytes]) -> (u32, Duration) {
    pass(runtime, side, input);
    let once = busy(|| pass(runtime, side, input));
    let passes = (ROUND_TIME.as_secs_f64() / once.as_secs_f64()).ceil();
    ((passes as u32).max(1), once)
}

/// Median seconds of one pass for each side, over rounds in which they take turns.
fn measure(runtime: &Runtime, input: &[Bytes]) -> [f64; 3] {
    let plan = SIDES.map(|(side, _)| (side, calibrate(runtime, side, input)));
    let mut seconds = [const { Vec::new() }; 3];
    for round in 0..ROUNDS {
        for at in 0..SIDES.len() {
            // Each side comes first, second and last as often as the others.
            let at = (at + round) % SIDES.len();
            let (side, (passes, once)) = plan[at];
            if once > SLOW_PASS && round >= SLOW_ROUNDS {
                continue;
            }
            let took = busy(|| {
                for _ in 0..passes {
                    pass(runtime, side, input);
                }
            });
            seconds[at].push(took.as_secs_f64() / f64::from(passes));
        }
    }
    seconds.map(median)
}

/// Reports the ratios of one case.
fn compare(runtime: &Runtime, case: &Case, verdict: &mut Verdict) {
    let input = chunks(case.events, case.data_bytes, case.chunk_bytes);
    let bytes: usize = input.iter().map(Bytes::len).sum();
    let sums = SIDES.map(|(side, _)| pass(runtime, side, &input));
    assert!(
        sums.iter().all(|sum| *sum == sums[0]),
        "all see the same data"
    );

    let seconds = measure(runtime, &input);
    report(case.name);
    for ((_, name), seconds) in SIDES.iter().zip(seconds) {
        let rate = bytes as f64 / seconds / 1e6;
        report(&format!(
            "     {name}: {:.3} ms, {rate:.0} MB/s",
            seconds * 1e3
        ));
    }
    let required = [case.over_sse_stream, case.over_eventsource_stream];
    for ((peer, required), (_, name)) in seconds[1..].iter().zip(required).zip(&SIDES[1..]) {
        let ratio = peer / seconds[0];
        let line = format!("{ratio:.2} times {name} (required {required:.0})");
        verdict.check(ratio >= required, line);
    }
}

/// What the decoder adds to copying the event must not grow with it. The copy is the measure,
/// because memory itself is slower where the event no longer fits into the cache.
fn check_growth(runtime: &Runtime, verdict: &mut Verdict) {
    let over_copy = |size: usize, passes: u32| {
        let input = chunks(1, size, 16 * 1024);
        let ratios = (0..GROWTH_ROUNDS).map(|_| {
            let decode = busy(|| {
                for _ in 0..passes {
                    pass(runtime, Side::Ours, &input);
                }
            });
            let copy = busy(|| {
                for _ in 0..passes {
                    copy(&input);
                }
            });
            decode.as_secs_f64() / copy.as_secs_f64()
        });
        median(ratios.collect())
    };
    let (small, large) = (over_copy(1_000_000, 64), over_copy(64_000_000, 1));
    verdict.check(
        large <= GROWTH * small,
        format!(
            "an event of 1 MB takes {small:.2} times as long as copying it, one of 64 MB \
             {large:.2} times (allowed {:.2})",
            GROWTH * small
        ),
    );
}

fn copy(chunks: &[Bytes]) -> u64 {
    let mut copy = BytesMut::new();
    for chunk in chunks {
        copy.extend_from_slice(chunk);
    }
    let touched = copy.iter().step_by(CACHE_LINE);
    black_box(touched.map(|byte| u64::from(*byte)).sum())
}
