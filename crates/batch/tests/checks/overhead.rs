//! What the framework itself costs: the line that the bench prints, and that the cost of an item
//! does not grow with their number.

use std::time::Duration;

use cpu_time::ThreadTime;
use serde_json::Value;

#[path = "../../benches/figures/mod.rs"]
mod figures;

use figures::{Config, MODES, measure, work};

fn config(mode: &str, items: usize) -> Config {
    Config {
        mode: mode.to_owned(),
        strategy: "noop".to_owned(),
        workers: 10,
        items,
    }
}

/// Covers: AC-PF-1
#[test]
fn each_configuration_is_a_line_with_the_same_figures() {
    const NAMES: [&str; 9] = [
        "cpu_s_per_1000",
        "items_per_s",
        "mode",
        "n",
        "ok",
        "peak_rss_mib",
        "strategy",
        "wall_s",
        "workers",
    ];
    for mode in MODES {
        let figures = measure(&config(mode, 300));
        assert_eq!((figures.n, figures.ok), (300, 300), "{mode}");
        let line = serde_json::to_string(&figures).unwrap();
        assert!(!line.contains('\n'));
        let line: Value = serde_json::from_str(&line).unwrap();
        let mut names: Vec<_> = line.as_object().unwrap().keys().collect();
        names.sort();
        assert_eq!(names, NAMES, "{mode}");
        assert!(line["items_per_s"].as_f64().unwrap() > 0.0);
    }
    // What is half as much again as promised fails, and not before.
    let mut figures = measure(&config("processor", 1));
    for (cpu, fails) in [(0.02, false), (0.03, false), (0.0301, true)] {
        figures.cpu_s_per_1000 = cpu;
        assert_eq!(figures.excess().is_some(), fails, "{cpu}");
    }
    figures.mode = "buffer_unordered".to_owned();
    assert_eq!(figures.excess(), None);
}

/// The least of three times of one thread for so many items.
fn cpu_of(items: usize) -> Duration {
    let times = (0..3).map(|_| {
        let runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = { runtime }.enable_all().build().unwrap();
        let begun = ThreadTime::now();
        let ok = runtime.block_on(work(&config("processor", items)));
        assert_eq!(ok, items);
        begun.elapsed()
    });
    times.min().unwrap()
}

/// Covers: AC-PF-2
#[test]
fn ten_times_the_items_take_ten_times_as_long() {
    // A small run has little to measure; one whose cost grew with the square would be at a hundred.
    let is_full = std::env::var_os("GIMMAL_TEST_FULL").is_some();
    let (items, most) = if is_full {
        (20_000, 11.0)
    } else {
        (1_000, 20.0)
    };
    let (few, many) = (cpu_of(items), cpu_of(10 * items));
    let ratio = many.as_secs_f64() / few.as_secs_f64();
    assert!(
        ratio <= most,
        "{ratio:.1} times as long: {few:?} and {many:?}"
    );
}
