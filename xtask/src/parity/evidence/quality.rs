//! What recorded runs say about the whole: build, tests, lints, documentation, coverage.
//!
//! The file is written from the output of tools. What no run has recorded is absent.

use std::path::Path;

use anyhow::Context;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::log::Log;
use crate::parity::checked_in::checked_in;

const FILE: &str = "xtask/reference/quality.json";

/// Results of recorded runs.
#[derive(Clone, Debug, Default, Deserialize, Serialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Quality {
    /// Tests of the last run of all tests.
    pub(crate) tests: Option<Tests>,
    /// Warnings and errors of the lints.
    pub(crate) clippy: Option<Diagnostics>,
    /// Warnings and errors of the documentation.
    pub(crate) docs: Option<Diagnostics>,
    /// Share of lines that tests reach, in tenths of a percent.
    pub(crate) coverage_per_mille: Option<u64>,
}

/// How many tests ended how.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
pub(crate) struct Tests {
    /// Passed.
    pub(crate) passed: usize,
    /// Failed.
    pub(crate) failed: usize,
    /// Not run unless asked for.
    pub(crate) ignored: usize,
}

/// What a tool complained about.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
pub(crate) struct Diagnostics {
    /// Errors.
    pub(crate) errors: usize,
    /// Warnings.
    pub(crate) warnings: usize,
}

impl Quality {
    /// Reads the record; an absent one is empty.
    pub(crate) fn load(root: &Path) -> anyhow::Result<Self> {
        checked_in(root, FILE)
    }

    /// Writes the record.
    pub(crate) fn save(&self, root: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        std::fs::write(root.join(FILE), text).with_context(|| format!("failed to write {FILE}"))
    }

    /// Takes the counts of a run of all tests.
    pub(crate) fn take_tests(&mut self, log: &Log) {
        let (passed, failed, ignored) = log.counts;
        self.tests = Some(Tests {
            passed,
            failed,
            ignored,
        });
    }
}

/// Counts the errors and warnings in the output of cargo; nothing when it did not come to an end.
pub(crate) fn count_diagnostics(text: &str) -> Option<Diagnostics> {
    let ends = ["Finished `", "could not compile", "could not document"];
    if !ends.iter().any(|end| text.contains(end)) {
        return None;
    }
    let count = |word: &str| {
        text.lines()
            .filter(|line| {
                let line = line.trim_start();
                let starts = line
                    .strip_prefix(word)
                    .is_some_and(|rest| rest.starts_with(':') || rest.starts_with('['));
                // The last lines of cargo sum up what was said before.
                starts && !line.contains(" generated ") && !line.contains("could not compile")
            })
            .count()
    };
    Some(Diagnostics {
        errors: count("error"),
        warnings: count("warning"),
    })
}

/// Share of lines in the summary that `cargo llvm-cov --json --summary-only` writes.
pub(crate) fn coverage_of(json: &str) -> Option<u64> {
    let value: Value = serde_json::from_str(json).ok()?;
    let lines = value.pointer("/data/0/totals/lines")?;
    let (covered, count) = (
        lines.get("covered")?.as_u64()?,
        lines.get("count")?.as_u64()?,
    );
    (covered * 1000).checked_div(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn diagnostics_are_counted_once() {
        let text = "warning: unused\n  --> a.rs\nerror[E0308]: no\nwarning: `x` (lib) generated 1 warning\n\
                    error: could not compile `x`\n";
        let found = count_diagnostics(text).unwrap();
        assert_eq!((found.errors, found.warnings), (1, 1));
        let clean = count_diagnostics("    Finished `dev` profile in 2.1s\n").unwrap();
        assert_eq!((clean.errors, clean.warnings), (0, 0));
        assert_eq!(count_diagnostics("    Checking x v0.1.0\n"), None);
    }

    #[test]
    fn coverage_is_read_from_its_tool() {
        let json = r#"{"data": [{"totals": {"lines": {"count": 200, "covered": 181}}}]}"#;
        assert_eq!(coverage_of(json), Some(905));
        assert_eq!(coverage_of("nothing"), None);
    }
}
