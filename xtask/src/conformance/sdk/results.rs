//! What came of every case on both sides, and the file in which that is kept.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;
use serde_json::json;

use crate::pins::{self, Pin};

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

    /// Writes down how each case ended on both sides, one case a line and without any time.
    pub(super) fn save(&self, root: &Path, pin: Pin) -> anyhow::Result<()> {
        let file = file(pin);
        std::fs::write(root.join(file), self.text(pin))
            .with_context(|| format!("{file} cannot be written"))
    }

    fn text(&self, pin: Pin) -> String {
        let lines = self.rows.iter().map(|((case, backend), row)| {
            let line = json!({
                "case": case, "backend": backend,
                "python": word(row.python.values()), "ours": word(row.ours.iter()),
            });
            format!("    {line}")
        });
        format!(
            "{{\n  \"package\": \"{}\",\n  \"cases\": [\n{}\n  ]\n}}\n",
            pin.requirement(),
            lines.collect::<Vec<_>>().join(",\n")
        )
    }
}

/// Where the outcome of a whole run is kept, from the root of the repository.
fn file(pin: Pin) -> &'static str {
    if pin.name == pins::TINKER.name {
        "conformance/sdk-results-tinker.json"
    } else {
        "conformance/sdk-results.json"
    }
}

/// The word for one side of a case; the worst of its runs counts.
fn word<'a>(outcomes: impl Iterator<Item = &'a Outcome>) -> &'static str {
    let mut word = "missing";
    for outcome in outcomes {
        match outcome {
            Outcome::Passed => word = "passed",
            Outcome::Failed(_) => return "failed",
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
        let text = results.text(pins::GEMINI);
        let read: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(
            read["cases"],
            json!([
                {"case": "a.b/one", "backend": "mldev", "python": "failed", "ours": "missing"},
                {"case": "a.b/two", "backend": "vertex", "python": "missing", "ours": "passed"},
            ])
        );
    }
}
