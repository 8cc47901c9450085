//! The report: counts by area for both sides, then every failure and what only one side has.

use std::collections::BTreeMap;
use std::io::Write;

use comfy_table::{CellAlignment, Table, presets};
use serde_json::json;

use crate::conformance::sdk::results::{Outcome, Results, Row};

/// How many cases to name that one side lacks.
const NAMED: usize = 20;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Side {
    passed: usize,
    failed: usize,
    missing: usize,
}

impl Side {
    fn add<'a>(&mut self, outcomes: impl Iterator<Item = &'a Outcome>) {
        let before = (self.passed, self.failed);
        for outcome in outcomes {
            match outcome {
                Outcome::Passed => self.passed += 1,
                Outcome::Failed(_) => self.failed += 1,
            }
        }
        self.missing += usize::from(before == (self.passed, self.failed));
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Count {
    cases: usize,
    python: Side,
    ours: Side,
}

impl Count {
    fn add(&mut self, row: &Row) {
        self.cases += 1;
        self.python.add(row.python.values());
        self.ours.add(row.ours.iter());
    }

    fn cells(self, area: &str) -> Vec<String> {
        let numbers = [
            self.cases,
            self.python.passed,
            self.python.failed,
            self.python.missing,
            self.ours.passed,
            self.ours.failed,
            self.ours.missing,
        ];
        let name = std::iter::once(area.to_owned());
        name.chain(numbers.iter().map(usize::to_string)).collect()
    }
}

/// Prints the table, the failures, and what is missing on one side.
pub(super) fn table(mut out: impl Write, results: &Results) -> std::io::Result<()> {
    let mut areas: BTreeMap<&str, Count> = BTreeMap::new();
    let mut all = Count::default();
    for ((case, _), row) in &results.rows {
        let area = case.split('.').next().unwrap_or(case);
        areas.entry(area).or_default().add(row);
        all.add(row);
    }
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_header([
        "area",
        "cases",
        "Python passed",
        "failed",
        "missing",
        "ours passed",
        "failed",
        "missing",
    ]);
    for (area, count) in areas {
        table.add_row(count.cells(area));
    }
    table.add_row(all.cells("all"));
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    writeln!(out, "{table}")?;

    for ((case, backend), row) in &results.rows {
        for (form, outcome) in &row.python {
            failure(&mut out, case, backend, &format!("Python, {form}"), outcome)?;
        }
        if let Some(outcome) = &row.ours {
            failure(&mut out, case, backend, "ours", outcome)?;
        }
    }
    lacking(&mut out, results, "Python", |row| row.python.is_empty())?;
    lacking(&mut out, results, "our client", |row| row.ours.is_none())
}

fn failure(
    out: &mut impl Write,
    case: &str,
    backend: &str,
    side: &str,
    outcome: &Outcome,
) -> std::io::Result<()> {
    if let Outcome::Failed(message) = outcome {
        writeln!(out, "failed: {case} ({backend}; {side}): {message}")?;
    }
    Ok(())
}

/// Names the cases that one side does not have, each once.
fn lacking(
    out: &mut impl Write,
    results: &Results,
    side: &str,
    is_absent: impl Fn(&Row) -> bool,
) -> std::io::Result<()> {
    let absent = results.rows.iter().filter(|(_, row)| is_absent(row));
    let mut names: Vec<&str> = absent.map(|((case, _), _)| case.as_str()).collect();
    names.dedup();
    if names.is_empty() {
        return Ok(());
    }
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    let rest = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    writeln!(out, "missing with {side}: {}{rest}", names.join(", "))
}

/// Prints every outcome with its message.
pub(super) fn json(mut out: impl Write, results: &Results) -> anyhow::Result<()> {
    let outcome = |outcome: &Outcome| match outcome {
        Outcome::Passed => json!({"passed": true}),
        Outcome::Failed(message) => json!({"passed": false, "message": message}),
    };
    let rows = results.rows.iter().map(|((case, backend), row)| {
        let python: serde_json::Map<_, _> = row
            .python
            .iter()
            .map(|(form, of)| (form.clone(), outcome(of)))
            .collect();
        let ours = row.ours.as_ref().map(outcome);
        json!({"case": case, "backend": backend, "python": python, "ours": ours})
    });
    let rows: Vec<_> = rows.collect();
    serde_json::to_writer_pretty(&mut out, &rows)?;
    Ok(writeln!(out)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn results() -> Results {
        let mut results = Results::default();
        let failed = Outcome::Failed("it rained".to_owned());
        for form in ["sync", "async"] {
            results.add_python("caches.get/name", "mldev", form, Outcome::Passed);
        }
        results.add_ours("caches.get/name", "mldev", Outcome::Passed);
        results.add_python("chats.create/empty", "vertex", "sync", failed);
        results
    }

    #[test]
    fn both_sides_are_counted_by_area() {
        let mut out = Vec::new();
        table(&mut out, &results()).unwrap();
        let text = String::from_utf8(out).unwrap();
        let line = |start: &str| {
            let line = text.lines().find(|line| line.trim().starts_with(start));
            line.unwrap()
                .split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
        };
        assert_eq!(line("caches"), "caches 1 2 0 0 1 0 0");
        assert_eq!(line("chats"), "chats 1 0 1 0 0 0 1");
        assert_eq!(line("all"), "all 2 2 1 0 1 0 1");
        assert_eq!(
            line("failed:"),
            "failed: chats.create/empty (vertex; Python, sync): it rained"
        );
        assert_eq!(
            line("missing with"),
            "missing with our client: chats.create/empty"
        );
    }

    #[test]
    fn json_holds_the_messages() {
        let mut out = Vec::new();
        json(&mut out, &results()).unwrap();
        let read: serde_json::Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(read[1]["python"]["sync"]["message"], "it rained");
        assert_eq!(read[1]["ours"], serde_json::Value::Null);
    }
}
