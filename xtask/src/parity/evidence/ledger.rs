//! The checked-in list of tests that ran, each with its outcome and the digest of its source.
//!
//! It is written from the output of a run and never by hand. An entry whose test is gone or has
//! changed since speaks for nothing.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use anyhow::Context;

use super::log::{Log, Outcome};
use super::suite::TestCase;
use crate::finding::Finding;
use crate::parity::checked_in::checked_in;

const FILE: &str = "xtask/reference/evidence.json";

/// What is known of a test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It passed in the last run, as it stands.
    Passed,
    /// It failed in the last run.
    Failed,
    /// It only runs when asked for.
    Ignored,
    /// It has changed since the last run.
    Changed,
    /// No run knows it.
    Unrecorded,
}

/// Outcomes by test.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ledger {
    tests: BTreeMap<String, String>,
}

impl Ledger {
    /// Reads the checked-in ledger; an absent one is empty.
    pub(crate) fn load(root: &Path) -> anyhow::Result<Self> {
        let tests = checked_in(root, FILE)?;
        Ok(Self { tests })
    }

    /// Writes it, one test a line.
    pub(crate) fn save(&self, root: &Path) -> anyhow::Result<()> {
        let mut text = String::from("{\n");
        for (index, (key, value)) in self.tests.iter().enumerate() {
            let comma = if index + 1 < self.tests.len() {
                ","
            } else {
                ""
            };
            let (key, value) = (serde_json::to_string(key)?, serde_json::to_string(value)?);
            writeln!(text, "{key}: {value}{comma}")?;
        }
        text.push_str("}\n");
        std::fs::write(root.join(FILE), text).with_context(|| format!("failed to write {FILE}"))
    }

    /// The ledger after a run. Tests the run did not reach keep their entry while it is valid.
    pub(crate) fn after(&self, cases: &[TestCase], log: &Log) -> Self {
        let mut tests = BTreeMap::new();
        for case in cases {
            let word = match log.outcome(case) {
                Some(Outcome::Ok) => "ok",
                Some(Outcome::Failed) => "failed",
                Some(Outcome::Ignored) => "ignored",
                None => {
                    if let Some(kept) = self.tests.get(&case.key)
                        && self.state(case) != State::Changed
                    {
                        tests.insert(case.key.clone(), kept.clone());
                    }
                    continue;
                }
            };
            tests.insert(case.key.clone(), format!("{word} {}", case.digest));
        }
        Self { tests }
    }

    /// What it knows of a test.
    pub(crate) fn state(&self, case: &TestCase) -> State {
        let Some((word, digest)) = self.tests.get(&case.key).and_then(|e| e.split_once(' ')) else {
            return if case.is_ignored {
                State::Ignored
            } else {
                State::Unrecorded
            };
        };
        match word {
            _ if digest != case.digest => State::Changed,
            "ok" => State::Passed,
            "ignored" => State::Ignored,
            _ => State::Failed,
        }
    }

    /// Entries that must be recorded anew: their test is gone, has changed or failed.
    pub(crate) fn refused(&self, cases: &[TestCase]) -> Vec<Finding> {
        let known: BTreeMap<&str, &TestCase> =
            cases.iter().map(|case| (case.key.as_str(), case)).collect();
        let mut findings = Vec::new();
        for key in self.tests.keys() {
            let (file, line, what) = match known.get(key.as_str()) {
                None => (FILE, 1, "is gone"),
                Some(case) => match self.state(case) {
                    State::Changed => (case.file.as_str(), case.line, "has changed since it ran"),
                    State::Failed => (case.file.as_str(), case.line, "failed when it ran"),
                    _ => continue,
                },
            };
            let message = format!("the test `{key}` {what}: run `cargo xtask parity run`");
            findings.push(Finding::error(file, line, message));
        }
        findings
    }

    /// Claims of the ledger that a run contradicts.
    pub(crate) fn contradicted(&self, cases: &[TestCase], log: &Log) -> Vec<Finding> {
        cases
            .iter()
            .filter(|case| self.state(case) == State::Passed)
            .filter_map(|case| {
                let what = match log.outcome(case) {
                    Some(Outcome::Ok) => return None,
                    Some(Outcome::Failed) => "failed in this run",
                    Some(Outcome::Ignored) => "was passed over in this run",
                    None => "did not run",
                };
                let message = format!("`{}` is recorded as passed but {what}", case.key);
                Some(Finding::error(&case.file, case.line, message))
            })
            .collect()
    }
}
