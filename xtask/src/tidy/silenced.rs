//! Lints are silenced by an expectation with a reason, never by a plain allowance.
//!
//! An expectation that is no longer needed fails to compile; an allowance stays for ever. The
//! output of a macro is the exception, because it cannot know which lints its input meets: there
//! the line above must read `// allow-in-macro: reason`.

use crate::finding::Finding;
use crate::sources::SourceFile;

const NEEDLES: &[&str] = &[concat!("#[all", "ow("), concat!("#![all", "ow(")];
const PANIC_TEST: &str = concat!("#[should", "_panic");
const MARKER: &str = "// allow-in-macro:";

/// Checks the attributes of every Rust file.
pub(crate) fn check(files: &[SourceFile]) -> Vec<Finding> {
    files
        .iter()
        .filter(|file| file.is_rust())
        .flat_map(check_file)
        .collect()
}

fn check_file(file: &SourceFile) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut previous = "";
    let mut macro_depth = 0_i64;
    let mut in_macro = false;
    for (number, raw) in file.lines() {
        let line = raw.trim();
        if !line.starts_with("//") {
            if line.starts_with("macro_rules!") {
                in_macro = true;
            }
            if NEEDLES.iter().any(|needle| line.contains(needle)) {
                let has_reason = previous
                    .strip_prefix(MARKER)
                    .is_some_and(|reason| !reason.trim().is_empty());
                if !(in_macro && has_reason) {
                    let message = "silence a lint with #[expect(lint, reason = \"…\")]; inside a \
                                   macro, write `// allow-in-macro: reason` on the line above";
                    findings.push(Finding::error(&file.path, number, message));
                }
            }
            if line.contains(PANIC_TEST) {
                let message = "return an error and assert on it instead of expecting a panic";
                findings.push(Finding::error(&file.path, number, message));
            }
            if in_macro {
                let opened = line.matches('{').count() as i64 + line.matches('(').count() as i64;
                let closed = line.matches('}').count() as i64 + line.matches(')').count() as i64;
                macro_depth += opened - closed;
                in_macro = macro_depth > 0;
            }
        }
        previous = line;
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &str) -> Vec<usize> {
        check_file(&SourceFile::new("a.rs", text))
            .into_iter()
            .map(|f| f.line)
            .collect()
    }

    #[test]
    fn a_plain_allowance_is_found() {
        assert_eq!(
            lines(concat!("//! A.\n#[all", "ow(dead_code)]\nfn f() {}\n")),
            [2]
        );
        assert_eq!(lines(concat!("#![all", "ow(dead_code)]\n")), [1]);
    }

    #[test]
    fn an_expectation_and_a_comment_pass() {
        assert!(lines("#[expect(dead_code, reason = \"later\")]\nfn f() {}\n").is_empty());
        assert!(lines(concat!("// never #[all", "ow(x)]\n")).is_empty());
    }

    #[test]
    fn a_marked_allowance_inside_a_macro_passes() {
        let text = concat!(
            "macro_rules! wire {\n    () => {\n        // allow-in-macro: fields vary\n        #[all",
            "ow(dead_code)]\n        struct S;\n    };\n}\n"
        );
        assert!(lines(text).is_empty());
    }

    #[test]
    fn a_marker_outside_a_macro_or_without_reason_does_not() {
        let after = concat!(
            "macro_rules! m {\n    () => {};\n}\n// allow-in-macro: no\n#[all",
            "ow(dead_code)]\nfn f() {}\n"
        );
        assert_eq!(lines(after), [5]);
        let bare = concat!(
            "macro_rules! m {\n    // allow-in-macro:\n    #[all",
            "ow(x)]\n}\n"
        );
        assert_eq!(lines(bare), [3]);
    }

    #[test]
    fn tests_that_expect_a_panic_are_found() {
        assert_eq!(
            lines(concat!("#[test]\n#[should", "_panic]\nfn f() {}\n")),
            [2]
        );
    }
}
