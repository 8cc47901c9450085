//! Reads everything, assesses it, and writes the report or compares it with the checked-in one.

use std::path::{Path, PathBuf};

use anyhow::Context;

use crate::finding::Finding;
use crate::parity::args::{Action, Args, Format};
use crate::parity::assess::{Input, assess};
use crate::parity::evidence::{FuzzRuns, Ledger, Quality, SdkCases, Vectors, parse_log};
use crate::parity::floors::Floors;
use crate::parity::review::Review;
use crate::parity::{inventory, record, refresh, report};
use crate::sources;

const REPORT: &str = "GAP_ANALYSIS.md";

/// Does what the arguments say to the repository at `root`.
pub(crate) fn run(root: &Path, args: &Args) -> anyhow::Result<Vec<Finding>> {
    let root = args.root.as_deref().unwrap_or(root);
    let files = sources::read_all(root)?;
    match &args.action {
        Some(Action::Refresh { python }) => return refresh::run(root, python),
        Some(Action::Run) => return record::run_all(root, &files),
        Some(Action::Record(outputs)) => return record::take(root, &files, outputs),
        None => {}
    }

    let ledger = Ledger::load(root)?;
    let assessment = assess(Input {
        files: &files,
        inventories: &inventory::load(root)?,
        review: &Review::load(root)?,
        ledger: &ledger,
        vectors: Vectors::load(root)?,
        sdk: SdkCases::load(root)?,
        quality: Quality::load(root)?,
        fuzz: FuzzRuns::load(root)?,
    })?;
    let lines = report::lines(&assessment);
    let floors = Floors::load(root)?;
    let mut findings = assessment.findings.clone();

    if args.check {
        let cases = &assessment.cases;
        findings.extend(ledger.refused(cases));
        if let Some(path) = &args.log {
            let text = std::fs::read_to_string(path)
                .with_context(|| format!("failed to read {}", path.display()))?;
            let log = parse_log(&text, &record::packages(&files));
            findings.extend(ledger.contradicted(cases, &log));
        }
        findings.extend(floors.broken(&lines));
        let old = std::fs::read_to_string(root.join(REPORT)).unwrap_or_default();
        findings.extend(first_difference(&old, &report::markdown(&assessment)));
    }
    if args.raise_floor {
        floors.raised(&lines).save(root)?;
    }
    // A check writes only what it is told to write.
    if !args.check || args.output.is_some() {
        let (text, file) = match args.format {
            Format::Md => (report::markdown(&assessment), REPORT.to_owned()),
            Format::Json => {
                let file = format!("{}/report.json", record::FOLDER);
                (report::json(&assessment)?, file)
            }
            Format::Html => {
                let file = format!("{}/report.html", record::FOLDER);
                (report::html(&assessment)?, file)
            }
        };
        write(&output(root, args, &file), &text)?;
    }
    findings.sort();
    findings.dedup();
    Ok(findings)
}

fn output(root: &Path, args: &Args, file: &str) -> PathBuf {
    args.output.clone().unwrap_or_else(|| root.join(file))
}

fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("failed to make {}", folder.display()))?;
    }
    std::fs::write(path, text).with_context(|| format!("failed to write {}", path.display()))
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
