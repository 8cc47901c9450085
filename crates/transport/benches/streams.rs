//! Memory of an open stream beyond what the bare HTTP client takes, with ten thousand of them open
//! over loopback. Each side and the server have a process of their own.

#[path = "common/full.rs"]
mod full;
#[path = "common/server.rs"]
mod server;
#[path = "common/verdict.rs"]
mod verdict;
#[path = "common/wanted.rs"]
mod wanted;

use std::alloc::System;
use std::process::{Command, Stdio};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use rustix::process::{Resource, getrlimit, setrlimit};
use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};
use url::Url;

use crate::server::{Answer, Server};
use crate::verdict::{Verdict, report};
use crate::wanted::measures;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const STREAMS: usize = 10_000;
/// Files that a process needs beside those of the streams.
const OTHER_FILES: u64 = 100;
/// Streams that are being opened at the same time.
const OPENING: usize = 100;
/// How many more bytes than the bare client a stream may take.
const ALLOWED: f64 = 24.0 * 1024.0;

const CLIENT: &str = "--client";

fn main() {
    if server::serve_if_asked() || client_if_asked() {
        return;
    }
    let streams = if measures() { allowed_streams() } else { 10 };
    let [ours, bare] = [OURS, BARE].map(|side| {
        let server = Server::start(Answer::OpenStream);
        let taken = run_client(side, &server.url(), streams);
        report(&format!(
            "     {side}: {:.0} bytes of heap for each of {streams} streams, {:.0} resident",
            taken.heap, taken.resident
        ));
        taken
    });
    if !measures() {
        return;
    }
    let mut verdict = Verdict::default();
    for (what, more) in [
        ("heap", ours.heap - bare.heap),
        ("resident", ours.resident - bare.resident),
    ] {
        verdict.check(
            more <= ALLOWED,
            format!("{more:.0} bytes of {what} more than the bare client (allowed {ALLOWED:.0})"),
        );
    }
    verdict.settle();
}

const OURS: &str = "gimmal-transport";
const BARE: &str = "bare reqwest";

/// Raises the limit on open files as far as it goes; the other processes inherit it.
fn allowed_streams() -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        report(&format!("     limit on open files stays as it is: {error}"));
    }
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    let most = files.saturating_sub(OTHER_FILES);
    let streams = usize::try_from(most).map_or(STREAMS, |most| most.min(STREAMS));
    if streams < STREAMS {
        report(&format!(
            "     only {streams} streams, as no more than {files} files may be open; raise the \
             limit (ulimit -n) for {STREAMS}"
        ));
    }
    streams
}

/// Bytes for each stream.
#[derive(Clone, Copy, Debug)]
struct Taken {
    heap: f64,
    resident: f64,
}

fn run_client(side: &str, url: &str, streams: usize) -> Taken {
    let program = std::env::current_exe().expect("this program");
    let output = Command::new(program)
        .args([CLIENT, side, url, &streams.to_string()])
        .stderr(Stdio::inherit())
        .output()
        .expect("a client process");
    let text = String::from_utf8(output.stdout).expect("figures");
    let figures: Vec<f64> = text
        .split_whitespace()
        .map(|figure| figure.parse().expect("a figure"))
        .collect();
    let &[heap, resident] = figures.as_slice() else {
        panic!("the client of {side} failed: {:?}", output.status);
    };
    Taken { heap, resident }
}

/// Opens streams and tells what they take, if this process was started for that.
#[expect(clippy::print_stdout, reason = "the parent reads the figures there")]
fn client_if_asked() -> bool {
    let args: Vec<String> = std::env::args().skip_while(|arg| arg != CLIENT).collect();
    let [_, side, url, streams] = args.as_slice() else {
        return false;
    };
    let streams = streams.parse().expect("a number of streams");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    let taken = runtime.block_on(async {
        if side == OURS {
            let transport = full::builder(url).build().expect("a transport");
            let options = full::options();
            measure(streams, async || {
                let url = Url::parse(url).expect("an address");
                let request = full::request(url, Bytes::from_static(b"{}"));
                let reply = transport.open_events(request, &options).await;
                let mut events = reply.expect("a stream").into_body();
                let first = events.next().await.expect("an event");
                assert_eq!(first.expect("an event").data, "1");
                events
            })
            .await
        } else {
            let client = reqwest::Client::new();
            measure(streams, async || {
                let request = client.post(url).body(Bytes::from_static(b"{}"));
                let reply = request.send().await.expect("a stream");
                let mut chunks = reply.bytes_stream();
                let first = chunks.next().await.expect("a chunk");
                assert_eq!(first.expect("a chunk"), "data: 1\n\n");
                chunks
            })
            .await
        }
    });
    println!("{} {}", taken.heap, taken.resident);
    true
}

/// Opens streams, keeps them open and compares what is taken before and after.
async fn measure<S>(streams: usize, open: impl AsyncFn() -> S) -> Taken {
    // The first one sets up what all share.
    let first = open().await;
    let before = (heap(), resident());
    let mut opened = Vec::with_capacity(streams);
    let mut opening = stream::iter(0..streams)
        .map(|_| open())
        .buffer_unordered(OPENING);
    while let Some(stream) = opening.next().await {
        opened.push(stream);
    }
    drop(opening);
    let after = (heap(), resident());
    drop((first, opened));
    let each = |before: u64, after: u64| (after as f64 - before as f64) / streams as f64;
    Taken {
        heap: each(before.0, after.0),
        resident: each(before.1, after.1),
    }
}

/// Bytes that are allocated now.
fn heap() -> u64 {
    let stats = ALLOCATOR.stats();
    // What grows or shrinks in place is counted among both.
    (stats.bytes_allocated - stats.bytes_deallocated) as u64
}

/// Bytes of memory that this process occupies now; none where that is not to be found out.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.unwrap_or_default() * 1024
}
