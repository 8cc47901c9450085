//! What came of every case on both sides.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;

use crate::conformance::sdk::file::{File, Line, Word, files};
use crate::pins::Pin;

/// How one run of a case ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Passed,
    /// Why not.
    Failed(String),
}

/// Both sides of a case.
#[derive(Clone, Debug, Default)]
pub(super) struct Row {
    /// By form: `sync` and `async`.
    pub(super) python: BTreeMap<String, Outcome>,
    pub(super) ours: Option<Outcome>,
}

/// All cases, by name and back end.
#[derive(Clone, Debug, Default)]
pub(super) struct Results {
    pub(super) rows: BTreeMap<(String, String), Row>,
}

impl Results {
    pub(super) fn add_python(&mut self, case: &str, backend: &str, form: &str, outcome: Outcome) {
        let row = self.row(case, backend);
        row.python.insert(form.to_owned(), outcome);
    }

    pub(super) fn add_ours(&mut self, case: &str, backend: &str, outcome: Outcome) {
        self.row(case, backend).ours = Some(outcome);
    }

    fn row(&mut self, case: &str, backend: &str) -> &mut Row {
        let key = (case.to_owned(), backend.to_owned());
        self.rows.entry(key).or_default()
    }

    /// Whether any run failed.
    pub(super) fn has_failed(&self) -> bool {
        self.rows
            .values()
            .flat_map(|row| row.python.values().chain(&row.ours))
            .any(|outcome| *outcome != Outcome::Passed)
    }

    /// Writes down how each case ended on both sides, without any time.
    pub(super) fn save(&self, root: &Path, pin: Pin) -> anyhow::Result<()> {
        let (_, file) = files()
            .into_iter()
            .find(|(other, _)| other.name == pin.name)
            .context("the package has no file")?;
        std::fs::write(root.join(file), self.file(pin).text()?)
            .with_context(|| format!("{file} cannot be written"))
    }

    fn file(&self, pin: Pin) -> File {
        let lines = self.rows.iter().map(|((case, backend), row)| Line {
            case: case.clone(),
            backend: backend.clone(),
            python: word(row.python.values()),
            ours: word(row.ours.iter()),
        });
        File {
            package: pin.requirement(),
            cases: lines.collect(),
        }
    }
}

/// The word for one side of a case; the worst of its runs counts.
fn word<'a>(outcomes: impl Iterator<Item = &'a Outcome>) -> Word {
    let mut word = Word::Missing;
    for outcome in outcomes {
        match outcome {
            Outcome::Passed => word = Word::Passed,
            Outcome::Failed(_) => return Word::Failed,
        }
    }
    word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_form_counts_and_an_absent_side_is_missing() {
        let mut results = Results::default();
        let failed = || Outcome::Failed("why".to_owned());
        results.add_python("a.b/one", "mldev", "sync", Outcome::Passed);
        results.add_python("a.b/one", "mldev", "async", failed());
        results.add_ours("a.b/two", "vertex", Outcome::Passed);
        assert!(results.has_failed());
        let file = results.file(crate::pins::GEMINI);
        let words: Vec<_> = file
            .cases
            .iter()
            .map(|line| (line.case.as_str(), line.python, line.ours))
            .collect();
        assert_eq!(
            words,
            [
                ("a.b/one", Word::Failed, Word::Missing),
                ("a.b/two", Word::Missing, Word::Passed),
            ]
        );
    }
}
