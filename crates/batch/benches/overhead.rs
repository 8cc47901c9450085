//! What the framework costs for an item: one configuration per process, one JSON line per run.
//!
//! `cargo bench -p gimmal-batch --bench overhead -- MODE STRATEGY WORKERS ITEMS`, where MODE is
//! `processor`, `quota` (limits that never bind), `observer`, `journal`, or one of two bare loops:
//! `buffer_unordered`, and `spawned`, the same with a task of tokio for each item. STRATEGY is `noop`
//! or `sleep1ms`. `overhead.py` beside this file runs them, and the same with the Python package, in
//! turns. Without arguments it runs one small configuration of each mode, and fails when an item
//! costs half as much again as it may.

use std::io::Write as _;

mod figures;

use figures::{Config, Figures, MODES, measure};

fn main() {
    let arguments: Vec<String> = std::env::args()
        .skip(1)
        .filter(|argument| !argument.starts_with("--"))
        .collect();
    if let [mode, strategy, workers, items] = arguments.as_slice() {
        run(&Config {
            mode: mode.clone(),
            strategy: strategy.clone(),
            workers: workers.parse().expect("a number of workers"),
            items: items.parse().expect("a number of items"),
        });
        return;
    }
    let all = MODES.map(|mode| {
        run(&Config {
            mode: mode.to_owned(),
            strategy: "noop".to_owned(),
            workers: 100,
            items: 20_000,
        })
    });
    let excess: Vec<String> = all.iter().filter_map(Figures::excess).collect();
    assert!(excess.is_empty(), "{}", excess.join("; "));
}

fn run(config: &Config) -> Figures {
    let figures = measure(config);
    let line = serde_json::to_string(&figures).expect("figures");
    writeln!(std::io::stdout().lock(), "{line}").expect("standard output");
    figures
}
