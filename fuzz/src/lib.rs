//! The bodies of the fuzz targets, as plain functions from bytes to panics. libFuzzer drives them
//! from `fuzz_targets/`, and a test on stable Rust replays what is kept in `corpus/` and
//! `regressions/`. Nothing here starts a thread, opens a socket or sleeps.

pub mod breaker;
pub mod cache_frames;
pub mod cache_keys;
pub mod cache_patterns;
pub mod content_range;
pub mod durations;
pub mod limiters;
pub mod live_frames;
pub mod multipart;
pub mod retry_hints;
pub mod semaphores;
pub mod sse;
pub mod tasks;
pub mod throttle;
pub mod tinker_results;
pub mod url_templates;
pub mod virtual_clock;

/// The body of a target: it takes any bytes, and panics when they are a finding.
pub type Target = fn(&[u8]);

/// Every target: its name, which is also that of its corpus, and its body.
pub const TARGETS: [(&str, Target); 15] = [
    ("breaker", breaker::run),
    ("cache_frames", cache_frames::run),
    ("cache_keys", cache_keys::run),
    ("cache_patterns", cache_patterns::run),
    ("content_range", content_range::run),
    ("durations", durations::run),
    ("limiters", limiters::run),
    ("live_frames", live_frames::run),
    ("multipart", multipart::run),
    ("retry_hints", retry_hints::run),
    ("semaphores", semaphores::run),
    ("sse", sse::run),
    ("throttle", throttle::run),
    ("tinker_results", tinker_results::run),
    ("url_templates", url_templates::run),
];
