//! Lines carry no trailing white space and files end with one newline.
//!
//! Recorded data (fixtures, snapshots, fuzz corpora) is kept byte for byte and not checked.

use crate::finding::Finding;
use crate::sources::SourceFile;

const RECORDED: &[&str] = &["fixtures", "snapshots", "corpus", "regressions", "vectors"];

/// Checks every text file.
pub(crate) fn check(files: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        if RECORDED.iter().any(|folder| file.is_under(folder)) || file.path.ends_with(".snap") {
            continue;
        }
        for (number, line) in file.lines() {
            if line.ends_with(char::is_whitespace) {
                findings.push(Finding::error(&file.path, number, "trailing white space"));
            }
        }
        let last = file.text.lines().count().max(1);
        if file.text.ends_with("\n\n") {
            findings.push(Finding::error(
                &file.path,
                last,
                "the file ends with an empty line",
            ));
        } else if !file.text.is_empty() && !file.text.ends_with('\n') {
            findings.push(Finding::error(
                &file.path,
                last,
                "the last line lacks its newline",
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<usize> {
        check(&[SourceFile::new(path, text)])
            .into_iter()
            .map(|f| f.line)
            .collect()
    }

    #[test]
    fn clean_and_empty_files_pass() {
        assert!(lines("a.rs", "a\nb\n").is_empty());
        assert!(lines("a.rs", "").is_empty());
    }

    #[test]
    fn spaces_tabs_and_line_ends_are_found() {
        assert_eq!(lines("a.md", "a \nb\t\nc\n"), [1, 2]);
        assert_eq!(lines("a.md", "a\nb"), [2]);
        assert_eq!(lines("a.md", "a\n\n"), [2]);
    }

    #[test]
    fn recorded_data_is_left_alone() {
        assert!(lines("crates/a/tests/fixtures/x.txt", "a  ").is_empty());
        assert!(lines("a.snap", "a  \n").is_empty());
    }
}
