//! Replays what the fuzzers have found worth keeping: every file of the corpora and every input that
//! once was a finding, through the same functions, on stable Rust.

use std::fs;
use std::path::Path;

use gimmal_fuzz::TARGETS;

fn replay(kind: &str, at_least: usize) {
    for (name, run) in TARGETS {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(kind).join(name);
        let mut count = 0;
        for entry in fs::read_dir(&folder).into_iter().flatten() {
            let path = entry.expect("the folder can be read").path();
            let input = fs::read(&path).expect("the file can be read");
            if let Err(panic) = std::panic::catch_unwind(|| run(&input)) {
                let message = panic.downcast_ref::<String>().map_or("", String::as_str);
                panic!("{name} fails on {}: {message}", path.display());
            }
            count += 1;
        }
        assert!(
            count >= at_least,
            "{} has too few inputs: {count}",
            folder.display()
        );
    }
}

#[test]
fn corpora() {
    replay("corpus", 5);
}

#[test]
fn regressions() {
    replay("regressions", 0);
}

#[test]
fn every_target_takes_any_input() {
    for (_, run) in TARGETS {
        for length in 0..64 {
            run(&vec![0; length]);
            run(&vec![0xFF; length]);
        }
    }
}

#[test]
fn every_target_has_a_binary() {
    let manifest = include_str!("../Cargo.toml");
    for (name, _) in TARGETS {
        assert!(
            manifest.contains(&format!("path = \"fuzz_targets/{name}.rs\"")),
            "{name}"
        );
    }
}
