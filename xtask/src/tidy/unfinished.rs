//! Nothing unfinished is committed: no placeholder macro, no note to come back later.
//!
//! Plans belong into the tracker, where somebody can see them. Prose files are not checked.

use crate::finding::Finding;
use crate::sources::SourceFile;

const MACROS: &[&str] = &[concat!("to", "do!"), concat!("unimple", "mented!")];
const NOTES: &[&str] = &[
    concat!("FIX", "ME"),
    concat!("X", "XX"),
    concat!("TO", "DO"),
];
const CODE: &[&str] = &[".rs", ".toml", ".sh", ".py", ".yml", ".yaml", "/run"];

/// Checks source, configuration and scripts.
pub(crate) fn check(files: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        if !CODE.iter().any(|suffix| file.path.ends_with(suffix)) {
            continue;
        }
        for (number, line) in file.lines() {
            let is_comment = line.trim_start().starts_with("//");
            if file.is_rust() && !is_comment {
                for name in MACROS.iter().filter(|name| has_word(line, name)) {
                    let message = format!("`{name}` leaves a path without code");
                    findings.push(Finding::error(&file.path, number, message));
                }
            }
            for note in NOTES.iter().filter(|note| has_word(line, note)) {
                let message = format!("`{note}` notes belong into the tracker");
                findings.push(Finding::error(&file.path, number, message));
            }
        }
    }
    findings
}

/// Whether `word` occurs in `line` and is not a part of a longer name.
fn has_word(line: &str, word: &str) -> bool {
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let after = line[at + word.len()..].chars().next();
        !before.is_some_and(is_name) && (word.ends_with('!') || !after.is_some_and(is_name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> usize {
        check(&[SourceFile::new(path, text)]).len()
    }

    #[test]
    fn placeholder_macros_are_found() {
        assert_eq!(found("a.rs", concat!("fn f() { to", "do!() }\n")), 1);
        assert_eq!(
            found("a.rs", concat!("    unimple", "mented!(\"later\")\n")),
            1
        );
    }

    #[test]
    fn notes_are_found_in_code_and_scripts() {
        assert_eq!(found("a.rs", concat!("// FIX", "ME: broken\n")), 1);
        assert_eq!(found(".ci/run", concat!("# X", "XX\n")), 1);
        assert_eq!(found("a.toml", concat!("# TO", "DO later\n")), 1);
    }

    #[test]
    fn longer_words_prose_and_comments_pass() {
        assert_eq!(
            found("a.rs", concat!("let X", "XXL = 1; my_to", "do!();\n")),
            0
        );
        assert_eq!(found("a.md", concat!("FIX", "ME\n")), 0);
        assert_eq!(found("a.rs", concat!("// never write to", "do!()\n")), 0);
    }
}
