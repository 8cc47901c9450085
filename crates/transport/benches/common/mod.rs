//! What the benches share: reporting, and figures that survive a noisy machine. Sides are compared
//! within one run, in turns, so that the noise falls on both alike.

use std::time::Duration;

use cpu_time::ThreadTime;

/// Tells a figure.
#[expect(clippy::print_stderr, reason = "a bench reports on standard error")]
pub(crate) fn report(line: &str) {
    eprintln!("{line}");
}

/// Whether figures are wanted: not when tests only try whether the bench runs, nor for a profiler.
pub(crate) fn measures() -> bool {
    let mut args = std::env::args();
    args.any(|arg| arg == "--bench") && !std::env::args().any(|arg| arg == "--profile-time")
}

/// The middle one.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    assert!(!values.is_empty(), "a median needs values");
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// How long `work` keeps this thread busy; what other processes do meanwhile does not count.
pub(crate) fn busy(work: impl FnOnce()) -> Duration {
    let start = ThreadTime::now();
    work();
    start.elapsed()
}

/// Collects what falls short, so that all figures are told before the bench fails.
#[derive(Debug, Default)]
pub(crate) struct Verdict(Vec<String>);

impl Verdict {
    /// Reports one figure and takes note when it is out of bounds.
    pub(crate) fn check(&mut self, within: bool, line: String) {
        report(&format!("{} {line}", if within { "ok  " } else { "FAIL" }));
        if !within {
            self.0.push(line);
        }
    }

    /// Fails when any figure was out of bounds.
    pub(crate) fn settle(self) {
        assert!(self.0.is_empty(), "out of bounds: {:#?}", self.0);
    }
}
