//! Reads inventory and sources, then writes the report or compares it with the checked-in one.
//!
//! All judgement is in `matrix`; all wording of the report is in `render`.

use std::path::Path;

use anyhow::Context;

use crate::finding::Finding;
use crate::parity::{evidence, matrix, reference, render, routes};
use crate::sources;

const REPORT: &str = "GAP_ANALYSIS.md";
const GEMINI: &str = "xtask/reference/gemini-calls.json";
const TINKER: &str = "xtask/reference/tinker-calls.json";

/// Writes the report, or with `check` finds the first line that is out of date.
pub(crate) fn run(root: &Path, check: bool) -> anyhow::Result<Vec<Finding>> {
    let read = |path: &str| {
        std::fs::read_to_string(root.join(path)).with_context(|| format!("failed to read {path}"))
    };
    let inventories = [
        reference::gemini(&read(GEMINI)?).with_context(|| format!("failed to read {GEMINI}"))?,
        reference::tinker(&read(TINKER)?).with_context(|| format!("failed to read {TINKER}"))?,
    ];
    let files = sources::read_all(root)?;
    let routes = routes::find(&files);
    let (tests, mut findings) = evidence::find(&files);
    let matrix = matrix::join(&inventories, &routes, &tests);
    findings.extend(matrix.findings.iter().cloned());

    let report = render::render(&matrix);
    if check {
        let old = std::fs::read_to_string(root.join(REPORT)).unwrap_or_default();
        findings.extend(first_difference(&old, &report));
    } else {
        std::fs::write(root.join(REPORT), report)
            .with_context(|| format!("failed to write {REPORT}"))?;
    }
    findings.sort();
    Ok(findings)
}

fn first_difference(old: &str, new: &str) -> Option<Finding> {
    if old == new {
        return None;
    }
    let same = old
        .lines()
        .zip(new.lines())
        .take_while(|(old, new)| old == new)
        .count();
    let message = match new.lines().nth(same) {
        Some(line) => format!("out of date, run `cargo xtask parity`; expected `{line}`"),
        None => "out of date, run `cargo xtask parity`; expected the end".to_owned(),
    };
    Some(Finding::error(REPORT, same + 1, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_reports_do_not_differ() {
        assert_eq!(first_difference("a\nb\n", "a\nb\n"), None);
    }

    #[test]
    fn the_first_line_that_differs_is_named() {
        let finding = first_difference("a\nb\nc\n", "a\nx\nc\n").unwrap();
        assert_eq!(finding.line, 2);
        assert!(finding.message.ends_with("expected `x`"));
        assert_eq!(first_difference("a\nb\n", "a\n").unwrap().line, 2);
        assert_eq!(first_difference("", "a\n").unwrap().line, 1);
    }
}
