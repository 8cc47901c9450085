//! Finds the tests that name the calls they cover: `Covers: id, id` above a test function.
//!
//! Only integration tests of the api and the client crate count, and only when they run: an
//! ignored test is no evidence.

use crate::finding::Finding;
use crate::parity::routes::item_name;
use crate::sources::SourceFile;

const FOLDERS: &[&str] = &["crates/api/tests/", "crates/client/tests/"];
const TAG: &str = "Covers:";

/// A test function and one call it covers.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Evidence {
    /// Id of the reference call.
    pub(crate) id: String,
    /// Source file of the test.
    pub(crate) file: String,
    /// Name of the test function.
    pub(crate) test: String,
    /// Line of the tag, counted from 1.
    pub(crate) line: usize,
}

/// Every covered call, and the tags that stand above no running test.
pub(crate) fn find(files: &[SourceFile]) -> (Vec<Evidence>, Vec<Finding>) {
    let mut evidence = Vec::new();
    let mut findings = Vec::new();
    for file in files {
        if file.is_rust() && FOLDERS.iter().any(|folder| file.path.starts_with(folder)) {
            find_in_file(file, &mut evidence, &mut findings);
        }
    }
    evidence.sort();
    (evidence, findings)
}

fn find_in_file(file: &SourceFile, evidence: &mut Vec<Evidence>, findings: &mut Vec<Finding>) {
    let mut open: Vec<(usize, String)> = Vec::new();
    let mut is_test = false;
    let mut is_ignored = false;
    for (number, line) in file.lines() {
        let line = line.trim();
        if let Some(ids) = tag(line) {
            open.extend(ids.into_iter().map(|id| (number, id)));
        } else if line.starts_with("#[") {
            is_test |= is_test_attribute(line);
            is_ignored |= line.starts_with("#[ignore");
        } else if let Some(test) = item_name(line) {
            for (line, id) in open.drain(..) {
                if is_test && !is_ignored {
                    let (file, test) = (file.path.clone(), test.to_owned());
                    evidence.push(Evidence {
                        id,
                        file,
                        test,
                        line,
                    });
                } else {
                    let message = format!("`{TAG} {id}` does not stand above a test that runs");
                    findings.push(Finding::error(&file.path, line, message));
                }
            }
            is_test = false;
            is_ignored = false;
        }
    }
    for (line, id) in open {
        let message = format!("`{TAG} {id}` does not stand above a test that runs");
        findings.push(Finding::error(&file.path, line, message));
    }
}

fn tag(line: &str) -> Option<Vec<String>> {
    let text = line
        .strip_prefix("///")
        .or_else(|| line.strip_prefix("//"))?
        .trim();
    let ids = text.strip_prefix(TAG)?;
    Some(
        ids.split([',', ' '])
            .map(|id| id.trim_matches(['`', '.']))
            .filter(|id| !id.is_empty())
            .map(str::to_owned)
            .collect(),
    )
}

fn is_test_attribute(line: &str) -> bool {
    let name = line.trim_start_matches("#[");
    let name = name.split(['(', ']']).next().unwrap_or(name).trim();
    matches!(name.rsplit("::").next(), Some("test" | "test_case"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find_in(text: &str) -> (Vec<(String, String)>, usize) {
        let (evidence, findings) = find(&[SourceFile::new("crates/api/tests/a.rs", text)]);
        (
            evidence.into_iter().map(|e| (e.id, e.test)).collect(),
            findings.len(),
        )
    }

    fn pair(id: &str, test: &str) -> (String, String) {
        (id.to_owned(), test.to_owned())
    }

    #[test]
    fn a_tag_above_a_test_counts() {
        let (evidence, findings) = find_in(
            "//! Tests.\n\
             /// Covers: caches.create, caches.get\n\
             #[tokio::test(start_paused = true)]\n\
             async fn lifecycle() {}\n\
             \n\
             // Covers: models.count_tokens.\n\
             #[test]\n\
             fn count() {}\n",
        );
        assert_eq!(
            evidence,
            [
                pair("caches.create", "lifecycle"),
                pair("caches.get", "lifecycle"),
                pair("models.count_tokens", "count"),
            ]
        );
        assert_eq!(findings, 0);
    }

    #[test]
    fn helpers_ignored_tests_and_loose_tags_do_not() {
        let (evidence, findings) = find_in(
            "// Covers: a.a\nfn helper() {}\n\
             // Covers: b.b\n#[test]\n#[ignore = \"slow\"]\nfn slow() {}\n\
             #[test]\nfn untagged() {}\n\
             // Covers: c.c\n",
        );
        assert!(evidence.is_empty());
        assert_eq!(findings, 3);
    }

    #[test]
    fn tests_of_other_crates_do_not() {
        let text = "// Covers: a.a\n#[test]\nfn t() {}\n";
        assert!(
            find(&[SourceFile::new("crates/batch/tests/a.rs", text)])
                .0
                .is_empty()
        );
    }
}
