//! No committed file names a path of somebody's machine.
//!
//! Such a path works for one person, once. The needles are assembled from pieces so that this
//! file does not contain what it looks for.

use crate::finding::Finding;
use crate::sources::SourceFile;

/// Roots of absolute paths, and whether a name must follow for the hit to count.
const ROOTS: &[(&str, bool)] = &[
    (concat!("/ho", "me/"), true),
    (concat!("/Us", "ers/"), true),
    (concat!("/tm", "p/"), true),
    (concat!("/ro", "ot/"), false),
    (concat!("/wo", "rk/"), false),
    (concat!("/fa", "rm/"), false),
    (concat!("C:\\Us", "ers"), false),
    (concat!("C:\\\\Us", "ers"), false),
];

/// A folder beside the repository, reached by going up.
const NEIGHBOUR: &str = concat!("../sha", "red");

/// Files that may name the neighbouring folder.
const MAY_NAME_NEIGHBOUR: &[&str] = &[".ci/run"];

/// Checks every line of every file.
pub(crate) fn check(files: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in files {
        for (number, line) in file.lines() {
            if let Some(found) = machine_path(line) {
                let message = format!("`{found}…` is a path of one machine");
                findings.push(Finding::error(&file.path, number, message));
            }
            if leaves_repository(line, &file.path) {
                let message = format!("`{NEIGHBOUR}` lies outside the repository");
                findings.push(Finding::error(&file.path, number, message));
            }
        }
    }
    findings
}

fn machine_path(line: &str) -> Option<&'static str> {
    ROOTS.iter().find_map(|(root, needs_name)| {
        line.match_indices(root)
            .any(|(at, _)| {
                let before = &line[..at];
                let after = line[at + root.len()..].chars().next();
                starts_path(before) && (!needs_name || after.is_some_and(starts_name))
            })
            .then_some(*root)
    })
}

/// Whether a slash after this text begins an absolute path.
fn starts_path(before: &str) -> bool {
    match before.chars().next_back() {
        Some('/') => before.ends_with("file://"),
        Some(c) => !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '~' | '}' | ')' | '*')),
        None => true,
    }
}

fn starts_name(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | '$' | '{')
}

fn leaves_repository(line: &str, path: &str) -> bool {
    if MAY_NAME_NEIGHBOUR.contains(&path) {
        return false;
    }
    let depth = path.matches('/').count();
    line.match_indices(NEIGHBOUR).any(|(at, _)| {
        let mut ups = 1;
        let mut before = &line[..at];
        while let Some(rest) = before.strip_suffix("../") {
            ups += 1;
            before = rest;
        }
        ups > depth
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn absolute_paths_of_a_machine_are_found() {
        for line in [
            concat!("cd /ho", "me/ann/project"),
            concat!("\"/Us", "ers/ann\""),
            concat!("path=/tm", "p/x.json"),
            concat!("see /wo", "rk/"),
            concat!("file:///ho", "me/ann"),
            concat!("C:\\Us", "ers\\ann"),
            concat!("let p = \"C:\\\\Us", "ers\";"),
            concat!("(/ro", "ot/.cargo)"),
            concat!("/fa", "rm/run"),
        ] {
            assert!(machine_path(line).is_some(), "{line}");
        }
    }

    #[test]
    fn parts_of_other_paths_and_urls_are_not() {
        for line in [
            concat!("https://example.com/ho", "me/page"),
            concat!("target/tm", "p/x"),
            concat!("$HOME/wo", "rk/x"),
            concat!("{dir}/tm", "p/x"),
            concat!("the folder /tm", "p/ itself"),
            concat!("POST /v1/frame", "wo", "rk/x"),
            concat!("./wo", "rk/x"),
        ] {
            assert!(machine_path(line).is_none(), "{line}");
        }
    }

    #[test]
    fn going_up_out_of_the_repository_is_found() {
        let line = concat!("include_str!(\"../../sha", "red/x.json\")");
        assert!(leaves_repository(line, "xtask/main.rs"));
        assert!(!leaves_repository(line, "xtask/src/main.rs"));
        assert!(!leaves_repository(line, ".ci/run"));
    }

    #[test]
    fn a_finding_names_file_and_line() {
        let files = [SourceFile::new("a.md", concat!("ok\nat /ro", "ot/x\n"))];
        let findings = check(&files);
        assert_eq!((findings[0].file.as_str(), findings[0].line), ("a.md", 2));
    }
}
