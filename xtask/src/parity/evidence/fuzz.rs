//! Runs of the fuzz targets: how long each ran, from what libFuzzer printed.
//!
//! The record is checked in beside the targets. A target without an entry has not run.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, ensure};
use serde::{Deserialize, Serialize};

use crate::parity::checked_in::checked_in;

const FILE: &str = "fuzz/runs.json";
const TARGETS: &str = "fuzz/fuzz_targets/";

/// One target's longest run that ended without a finding.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct FuzzRun {
    /// How long it ran.
    pub(crate) seconds: u64,
    /// How many inputs it tried.
    pub(crate) executions: u64,
}

/// Runs by target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FuzzRuns(BTreeMap<String, FuzzRun>);

impl FuzzRuns {
    /// Reads the record below `root`; an absent one is empty.
    pub(crate) fn load(root: &Path) -> anyhow::Result<Self> {
        Ok(Self(checked_in(root, FILE)?))
    }

    /// Writes the record, one target a line.
    pub(crate) fn save(&self, root: &Path) -> anyhow::Result<()> {
        let mut text = String::from("{\n");
        for (index, (target, run)) in self.0.iter().enumerate() {
            let comma = if index + 1 < self.0.len() { "," } else { "" };
            let run = serde_json::to_string(run)?;
            writeln!(text, "  \"{target}\": {run}{comma}")?;
        }
        text.push_str("}\n");
        std::fs::write(root.join(FILE), text).with_context(|| format!("failed to write {FILE}"))
    }

    /// Takes the runs that the output of `cargo fuzz run` tells of, where they are longer than
    /// those that are known.
    pub(crate) fn take(&mut self, log: &str) -> anyhow::Result<()> {
        let runs = runs_in(log);
        ensure!(!runs.is_empty(), "no run of a fuzz target has ended");
        for (target, run) in runs {
            let known = self.0.entry(target).or_insert(run);
            if known.seconds <= run.seconds {
                *known = run;
            }
        }
        Ok(())
    }

    /// What the record says of the targets there are, given the paths of all files.
    pub(crate) fn summary<'a>(&self, files: impl Iterator<Item = &'a str>) -> String {
        let targets: Vec<&str> = files
            .filter_map(|file| file.strip_prefix(TARGETS)?.strip_suffix(".rs"))
            .collect();
        let runs: Vec<&FuzzRun> = targets
            .iter()
            .filter_map(|target| self.0.get(*target))
            .collect();
        if runs.is_empty() {
            return "not recorded".to_owned();
        }
        let seconds: u64 = runs.iter().map(|run| run.seconds).sum();
        let executions: u64 = runs.iter().map(|run| run.executions).sum();
        format!(
            "{} of {} targets, {seconds} s and {executions} inputs together, no findings left",
            runs.len(),
            targets.len()
        )
    }
}

/// Runs that ended: cargo names the program, and libFuzzer ends with `Done 123 runs in 60
/// second(s)`.
fn runs_in(log: &str) -> Vec<(String, FuzzRun)> {
    let mut target = None;
    let mut found = Vec::new();
    for line in log.lines() {
        let line = line.trim();
        if let Some(command) = line.strip_prefix("Running `") {
            let program = command.split([' ', '`']).next().unwrap_or_default();
            target = program.rsplit('/').next().map(str::to_owned);
        } else if let Some(rest) = line.strip_prefix("Done ")
            && let Some((executions, rest)) = rest.split_once(" runs in ")
            && let Some((seconds, _)) = rest.split_once(' ')
            && let (Ok(executions), Ok(seconds)) = (executions.parse(), seconds.parse())
            && let Some(target) = target.take()
        {
            let run = FuzzRun {
                seconds,
                executions,
            };
            found.push((target, run));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: &str = "     Running `fuzz/target/x86_64-unknown-linux-gnu/release/sse -max_total_time=60`\n\
        INFO: Seed: 1\nDone 500 runs in 61 second(s)\n\
        Running `target/release/durations`\nthread panicked\n\
        Running `target/release/limiters -max_total_time=5`\nDone 7 runs in 5 second(s)\n";

    #[test]
    fn runs_that_ended_are_taken_and_the_longest_counts() {
        let mut runs = FuzzRuns::default();
        runs.take(LOG).unwrap();
        runs.take("Running `sse`\nDone 9 runs in 2 second(s)\n")
            .unwrap();
        let sse = FuzzRun {
            seconds: 61,
            executions: 500,
        };
        assert_eq!(runs.0["sse"], sse);
        assert_eq!(runs.0.keys().collect::<Vec<_>>(), ["limiters", "sse"]);
        assert!(runs.take("nothing").is_err());
    }

    #[test]
    fn only_targets_that_exist_count() {
        let mut runs = FuzzRuns::default();
        let files = [
            "fuzz/fuzz_targets/sse.rs",
            "fuzz/fuzz_targets/new.rs",
            "fuzz/src/lib.rs",
        ];
        assert_eq!(runs.summary(files.into_iter()), "not recorded");
        runs.take(LOG).unwrap();
        assert_eq!(
            runs.summary(files.into_iter()),
            "1 of 2 targets, 61 s and 500 inputs together, no findings left"
        );
    }
}
