//! What a call costs on the processor, beside the official Python SDK, `gemini-rust` and bare
//! `reqwest` with `serde`: the same replies of the same server, unary and streamed.
//!
//! Each side is a process of its own, so that nothing but its work counts, and the sides take
//! turns, so that the noise of the machine falls on all alike. The Python side needs an
//! interpreter that has `google-genai` (`GIMMAL_BENCH_PYTHON`, or `python3`); without one it is
//! left out, and the bench says so.

#[path = "peers/mode.rs"]
mod mode;
#[path = "common/server.rs"]
mod server;
#[path = "peers/side.rs"]
mod side;
#[path = "peers/sides.rs"]
mod sides;
#[path = "../../transport/benches/common/verdict.rs"]
mod verdict;
#[path = "../../transport/benches/common/wanted.rs"]
mod wanted;

use crate::mode::Mode;
use crate::server::Server;
use crate::side::Side;
use crate::verdict::{Verdict, report};

const ROUNDS: usize = 7;
const CALLS: usize = 2_000;
/// Calls before those that count: connections are opened and caches are warm.
const WARM_UP: usize = 200;
/// Calls under way at a time.
const CONCURRENCY: usize = 32;

/// How much of a bare call's time a call may take.
const REQUIRED_OF_BARE: f64 = 1.15;
/// How much of the Python SDK's time a call may take, where the bare client takes less.
const REQUIRED_OF_PYTHON: f64 = 1.0 / 30.0;

fn main() {
    if server::serve_if_asked(Mode::ALL.len(), Mode::prepare)
        || sides::call_if_asked()
        || !wanted::measures()
    {
        return;
    }
    let sides: Vec<Side> = Side::ALL
        .into_iter()
        .filter(|side| side.is_there())
        .collect();
    let server = Server::start(Mode::ALL.len(), ROUNDS * sides.len() * (CALLS + WARM_UP));
    let mut verdict = Verdict::default();
    for (mode, url) in Mode::ALL.into_iter().zip(server.urls()) {
        report(&format!("{mode}, {CONCURRENCY} at a time"));
        compare(mode, &sides, url, &mut verdict);
    }
    verdict.settle();
}

/// Runs the sides in turns and reports the middle figures, and their ratios within a round.
fn compare(mode: Mode, sides: &[Side], url: &str, verdict: &mut Verdict) {
    let mut rounds: Vec<Vec<f64>> = vec![Vec::new(); sides.len()];
    for round in 0..ROUNDS {
        for turn in 0..sides.len() {
            let at = (turn + round) % sides.len();
            rounds[at].push(sides[at].micros_per_call(mode, url));
        }
    }
    for (side, micros) in sides.iter().zip(&rounds) {
        let micros = median(micros.clone());
        report(&format!("     {}: {micros:.0} µs a call", side.name()));
    }
    let between = |one: Side, other: Side| {
        let place = |wanted| sides.iter().position(|side| *side == wanted);
        let pairs = rounds[place(one)?].iter().zip(&rounds[place(other)?]);
        Some(median(pairs.map(|(one, other)| one / other).collect()))
    };
    let ratio = |other: Side| between(Side::Ours, other);
    if let Some(ratio) = ratio(Side::Bare) {
        let line = format!("{ratio:.2} times bare reqwest (allowed {REQUIRED_OF_BARE:.2})");
        verdict.check(ratio <= REQUIRED_OF_BARE, line);
    }
    if let Some(ratio) = ratio(Side::GeminiRust) {
        report(&format!("     {ratio:.2} times gemini-rust"));
    }
    let python = ratio(Side::Python).zip(between(Side::Bare, Side::Python));
    if let Some((ratio, bare)) = python {
        let line = format!("1/{:.0} of google-genai", 1.0 / ratio);
        if bare * REQUIRED_OF_BARE <= REQUIRED_OF_PYTHON {
            verdict.check(ratio <= REQUIRED_OF_PYTHON, line + " (required 1/30)");
        } else {
            // Most of the time goes into reading JSON here, which Python does in C as well.
            let bare = 1.0 / bare;
            report(&format!("     {line}; the bare client takes 1/{bare:.0}"));
        }
    }
}

/// The middle one.
fn median(mut values: Vec<f64>) -> f64 {
    assert!(!values.is_empty(), "a median needs values");
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
