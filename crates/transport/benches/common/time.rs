//! Figures that survive a noisy machine: time on the processor instead of the clock on the wall,
//! and medians. Sides are compared within one run, in turns, so that the noise falls on both alike.

use std::time::Duration;

use cpu_time::ProcessTime;

/// The middle one.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    assert!(!values.is_empty(), "a median needs values");
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// How long `work` keeps this process busy; what other processes do meanwhile does not count.
pub(crate) fn busy<T>(work: impl FnOnce() -> T) -> Duration {
    let start = ProcessTime::now();
    std::hint::black_box(work());
    start.elapsed()
}
