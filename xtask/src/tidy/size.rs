//! A module is one noun: files above the soft limit are named, above the hard limit they fail.
//!
//! Counted are the lines before the unit tests. Integration tests, benches and generated files
//! are not counted. The exceptions file is checked as well, so that it can only shrink.

use std::collections::BTreeMap;

use crate::finding::Finding;
use crate::sources::SourceFile;

const SOFT_LIMIT_LINES: usize = 500;
const HARD_LIMIT_LINES: usize = 800;
const EXCEPTIONS: &str = "xtask/size-exceptions.txt";

/// Checks the length of every Rust file against the limits and the exceptions.
pub(crate) fn check(files: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut exceptions = BTreeMap::new();
    if let Some(file) = files.iter().find(|file| file.path == EXCEPTIONS) {
        for (line, text) in file.lines() {
            let text = text.trim();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            match text.split_once(':') {
                Some((path, reason)) if !reason.trim().is_empty() => {
                    exceptions.insert(path.trim(), line);
                }
                _ => findings.push(Finding::error(EXCEPTIONS, line, "write `path: reason`")),
            }
        }
    }

    for file in files
        .iter()
        .filter(|file| file.is_rust() && is_counted(file))
    {
        let lines = lines_before_tests(&file.text);
        if lines > HARD_LIMIT_LINES {
            if exceptions.remove(file.path.as_str()).is_none() {
                let message = format!(
                    "{lines} lines before the tests, the limit is {HARD_LIMIT_LINES}: split the \
                     file by responsibility"
                );
                findings.push(Finding::error(&file.path, 1, message));
            }
        } else if lines > SOFT_LIMIT_LINES {
            let message = format!("{lines} lines before the tests, aim below {SOFT_LIMIT_LINES}");
            findings.push(Finding::warning(&file.path, 1, message));
        }
    }
    for (path, line) in exceptions {
        let message = format!("`{path}` needs no exception any more: remove the line");
        findings.push(Finding::error(EXCEPTIONS, line, message));
    }
    findings
}

fn is_counted(file: &SourceFile) -> bool {
    let is_test = file.is_under("tests") || file.path.ends_with("/tests.rs");
    let is_generated = file.is_under("generated")
        || file
            .text
            .lines()
            .take(5)
            .any(|line| line.contains("@generated"));
    !(is_test || file.is_under("benches") || is_generated)
}

/// Lines before a top-level test module with a body; `mod tests;` does not end the count.
fn lines_before_tests(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    for (index, line) in lines.iter().enumerate() {
        if *line != "#[cfg(test)]" {
            continue;
        }
        let item = lines[index + 1..]
            .iter()
            .find(|line| !line.starts_with("#["));
        if item.is_some_and(|item| item.ends_with('{')) {
            return index;
        }
    }
    lines.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::finding::Severity;

    fn lines(count: usize) -> String {
        "x\n".repeat(count)
    }

    #[test]
    fn the_limits_are_inclusive() {
        let files = [
            SourceFile::new("a.rs", lines(500)),
            SourceFile::new("b.rs", lines(501)),
            SourceFile::new("c.rs", lines(800)),
            SourceFile::new("d.rs", lines(801)),
        ];
        let found: Vec<_> = check(&files)
            .into_iter()
            .map(|f| (f.file, f.severity))
            .collect();
        assert_eq!(
            found,
            [
                ("b.rs".to_owned(), Severity::Warning),
                ("c.rs".to_owned(), Severity::Warning),
                ("d.rs".to_owned(), Severity::Error),
            ]
        );
    }

    #[test]
    fn unit_tests_are_not_counted() {
        let text = format!(
            "{}#[cfg(test)]\nmod tests {{\n{}}}\n",
            lines(10),
            lines(900)
        );
        assert_eq!(lines_before_tests(&text), 10);
    }

    #[test]
    fn a_test_module_in_its_own_file_does_not_end_the_count() {
        let text = format!("#[cfg(test)]\nmod tests;\n{}", lines(900));
        assert_eq!(lines_before_tests(&text), 902);
    }

    #[test]
    fn tests_benches_and_generated_files_are_free() {
        let files = [
            SourceFile::new("crates/a/tests/x.rs", lines(900)),
            SourceFile::new("crates/a/src/x/tests.rs", lines(900)),
            SourceFile::new("crates/a/benches/x.rs", lines(900)),
            SourceFile::new(
                "crates/a/src/table.rs",
                format!("//! @generated\n{}", lines(900)),
            ),
        ];
        assert!(check(&files).is_empty());
    }

    #[test]
    fn an_exception_needs_a_reason_and_a_use() {
        let files = [
            SourceFile::new("big.rs", lines(801)),
            SourceFile::new("small.rs", lines(3)),
            SourceFile::new(
                EXCEPTIONS,
                "# comment\nbig.rs: one table\nsmall.rs: was big\ngone.rs: was there\nother.rs\n",
            ),
        ];
        let mut lines: Vec<_> = check(&files)
            .into_iter()
            .map(|f| (f.file, f.line))
            .collect();
        lines.sort();
        let expected: Vec<_> = [3, 4, 5].map(|line| (EXCEPTIONS.to_owned(), line)).into();
        assert_eq!(lines, expected);
    }
}
