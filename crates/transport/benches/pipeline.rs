//! What a call costs beyond the bare HTTP client: time on the processor of a whole call over
//! loopback, and the bookkeeping alone, where replies come from a script.
//!
//! Everything a call can pass through is on. The server runs in a process of its own, so that
//! only the client's work counts.

#[path = "common/full.rs"]
mod full;
#[path = "common/server.rs"]
mod server;
#[path = "common/sides.rs"]
mod sides;
#[path = "common/time.rs"]
mod time;
#[path = "common/verdict.rs"]
mod verdict;
#[path = "common/wanted.rs"]
mod wanted;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use criterion::Criterion;
use gimmal_transport::testing::{Reply, ScriptedTransport};
use gimmal_transport::{CallOptions, Transport};
use tokio::runtime::Runtime;
use url::Url;

use crate::server::{Answer, Server};
use crate::sides::Side;
use crate::time::{busy, median};
use crate::verdict::{Verdict, report};
use crate::wanted::measures;

/// An address for calls that are never sent.
const NOWHERE: &str = "https://api.example.com/v1/models/m:generate?alt=json";
const ROUNDS: usize = 41;
/// Calls over loopback in a round of one side.
const CALLS: u32 = 2_000;
/// Calls by script in a round.
const SCRIPTED_CALLS: u32 = 2_000;
/// Calls after which the script's record is emptied; the memory of one that grows is not the
/// pipeline's.
const RECORDED_CALLS: u64 = 20;
const BODY_BYTES: usize = 2_048;

/// How much of a bare call's time a call may take.
const REQUIRED_RATIO: f64 = 1.10;
/// How long the bookkeeping of a call may take.
const REQUIRED_BOOKKEEPING: Duration = Duration::from_micros(3);

fn main() {
    if server::serve_if_asked() {
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let server = Server::start(Answer::Body(BODY_BYTES));
    let sides = Side::both(&server.url(), BODY_BYTES);

    let mut criterion = Criterion::default().configure_from_args().sample_size(10);
    let mut group = criterion.benchmark_group("a call over loopback");
    for side in &sides {
        group.bench_function(side.name(), |bencher| {
            bencher.to_async(&runtime).iter(|| side.call());
        });
    }
    group.finish();
    let mut group = criterion.benchmark_group("bookkeeping");
    group.bench_function("all features", |bencher| {
        bencher.iter_custom(|calls| {
            let scripted = Scripted::new();
            busy(|| runtime.block_on(scripted.calls(calls)))
        });
    });
    group.finish();
    criterion.final_summary();
    if !measures() {
        return;
    }

    let mut verdict = Verdict::default();
    compare(&runtime, &sides, &mut verdict);
    check_bookkeeping(&runtime, &mut verdict);
    verdict.settle();
}

/// Time on the processor for each call, of one side and the other in turns.
fn compare(runtime: &Runtime, sides: &[Side; 2], verdict: &mut Verdict) {
    let mut micros = [const { Vec::new() }; 2];
    let mut ratios = Vec::new();
    for round in 0..=ROUNDS {
        let mut pair = [0.0; 2];
        for at in 0..2 {
            let at = (at + round) % 2;
            let took = busy(|| {
                runtime.block_on(async {
                    for _ in 0..CALLS {
                        sides[at].call().await;
                    }
                });
            });
            pair[at] = took.as_secs_f64() * 1e6 / f64::from(CALLS);
        }
        // The first round opens the connections.
        if round > 0 {
            micros[0].push(pair[0]);
            micros[1].push(pair[1]);
            ratios.push(pair[0] / pair[1]);
        }
    }
    let [ours, bare] = micros.map(median);
    let ratio = median(ratios);
    report("a call over loopback, 2 KiB there and back");
    report(&format!(
        "     {}: {ours:.1} µs of processor time",
        sides[0].name()
    ));
    report(&format!("     {}: {bare:.1} µs", sides[1].name()));
    verdict.check(
        ratio <= REQUIRED_RATIO,
        format!("{ratio:.3} times the bare call (allowed {REQUIRED_RATIO:.2})"),
    );
}

/// Calls that never reach a network.
struct Scripted {
    http: ScriptedTransport,
    transport: Transport,
    options: CallOptions,
}

impl Scripted {
    fn new() -> Self {
        let reply = Reply::json(200, Bytes::from_static(b"{}"));
        let http = ScriptedTransport::repeating(reply);
        let builder = full::builder(NOWHERE).with_http(Arc::new(http.clone()));
        Self {
            http,
            transport: builder.build().expect("a transport"),
            options: full::options(),
        }
    }

    async fn calls(&self, calls: u64) {
        let body = Bytes::from_static(b"{}");
        let url = Url::parse(NOWHERE).expect("an address");
        for call in 0..calls {
            if call % RECORDED_CALLS == 0 {
                self.http.take_requests();
            }
            let request = full::request(url.clone(), body.clone());
            let reply = self.transport.send(request, &self.options).await;
            reply.expect("the reply of the script");
        }
    }
}

/// Time for each call when everything but the network is done; the script's own part is in it. The
/// address is read once, as reading addresses is not the pipeline's work. The fastest round counts:
/// other processes only ever add to so short a time.
fn check_bookkeeping(runtime: &Runtime, verdict: &mut Verdict) {
    let rounds = (0..ROUNDS).map(|_| {
        let scripted = Scripted::new();
        let took = busy(|| runtime.block_on(scripted.calls(SCRIPTED_CALLS.into())));
        took.as_secs_f64() * 1e6 / f64::from(SCRIPTED_CALLS)
    });
    let micros = rounds.fold(f64::INFINITY, f64::min);
    let allowed = REQUIRED_BOOKKEEPING.as_secs_f64() * 1e6;
    verdict.check(
        micros < allowed,
        format!("bookkeeping of a call: {micros:.2} µs (allowed {allowed:.0})"),
    );
}
