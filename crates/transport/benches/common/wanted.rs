//! Why a bench was started.

/// Whether figures are wanted: not when tests only try whether the bench runs, nor for a profiler.
pub(crate) fn measures() -> bool {
    let args: Vec<String> = std::env::args().collect();
    let has = |name: &str| args.iter().any(|arg| arg == name);
    has("--bench") && !has("--profile-time")
}
