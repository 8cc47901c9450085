//! How often a call allocates beyond the bare HTTP client, with everything on that a call can pass
//! through. Counting slows each allocation down, so nothing is timed here.

#[path = "common/full.rs"]
mod full;
#[path = "common/server.rs"]
mod server;
#[path = "common/sides.rs"]
mod sides;
#[path = "common/verdict.rs"]
mod verdict;

use std::alloc::System;

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

use crate::server::{Answer, Server};
use crate::sides::Side;
use crate::verdict::{Verdict, report};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const CALLS: usize = 1_000;
const BODY_BYTES: usize = 2_048;
/// How many more allocations than the bare client a call may make.
const ALLOWED: f64 = 40.0;

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
    let counts = sides.each_ref().map(|side| {
        runtime.block_on(async {
            // The first calls open the connection and fill what is kept.
            for _ in 0..10 {
                side.call().await;
            }
            let region = Region::new(ALLOCATOR);
            for _ in 0..CALLS {
                side.call().await;
            }
            let stats = region.change();
            (stats.allocations + stats.reallocations) as f64 / CALLS as f64
        })
    });
    for (side, count) in sides.iter().zip(counts) {
        report(&format!(
            "     {}: {count:.1} allocations for each call",
            side.name()
        ));
    }
    let more = counts[0] - counts[1];
    let mut verdict = Verdict::default();
    verdict.check(
        more <= ALLOWED,
        format!("{more:.1} allocations more than the bare call (allowed {ALLOWED:.0})"),
    );
    verdict.settle();
}
