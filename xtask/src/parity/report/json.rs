//! All rows for programs.

use serde::Serialize;

use super::summary::lines;
use crate::parity::assess::Assessment;

#[derive(Serialize)]
struct Report<'a> {
    references: Vec<&'a str>,
    summary: Vec<Summary>,
    rows: Vec<Row<'a>>,
}

#[derive(Serialize)]
struct Summary {
    name: String,
    source: usize,
    complete: usize,
    partial: usize,
    missing: usize,
    not_counted: usize,
    per_mille: usize,
}

#[derive(Serialize)]
pub(super) struct Row<'a> {
    key: &'a str,
    origin: &'a str,
    kind: &'a str,
    id: &'a str,
    status: &'a str,
    ours: &'a [String],
    tests: &'a [String],
    note: &'a str,
}

/// The rows as they are written; with at most `tests` tests each.
pub(super) fn rows(assessment: &Assessment, tests: usize) -> Vec<Row<'_>> {
    assessment
        .rows
        .iter()
        .map(|row| Row {
            key: &row.key,
            origin: row.row.origin.name(),
            kind: row.row.kind.word(),
            id: &row.row.id,
            status: row.status.word(),
            ours: &row.ours,
            tests: &row.tests[..row.tests.len().min(tests)],
            note: &row.note,
        })
        .collect()
}

/// The whole report.
pub(crate) fn json(assessment: &Assessment) -> anyhow::Result<String> {
    let report = Report {
        references: assessment
            .references
            .iter()
            .map(|(_, reference)| reference.as_str())
            .collect(),
        summary: lines(assessment)
            .iter()
            .map(|line| Summary {
                name: line.key(),
                source: line.counts.total(),
                complete: line.counts.complete,
                partial: line.counts.partial,
                missing: line.counts.missing,
                not_counted: line.counts.not_counted,
                per_mille: line.per_mille(),
            })
            .collect(),
        rows: rows(assessment, usize::MAX),
    };
    Ok(serde_json::to_string_pretty(&report)? + "\n")
}
