//! The README of a crate is its documentation, so that its code is compiled.
//!
//! A crate without a library only needs the file. Chores are not published and need none.

use crate::finding::Finding;
use crate::sources::SourceFile;
use crate::workspace::Member;

const INCLUDE: &str = "#![doc = include_str!(\"../README.md\")]";

/// Checks every member except the chores.
pub(crate) fn check(members: &[Member], files: &[SourceFile]) -> Vec<Finding> {
    let find = |path: &str| files.iter().find(|file| file.path == path);
    let mut findings = Vec::new();
    for member in members.iter().filter(|member| member.name != "xtask") {
        let readme = format!("{}/README.md", member.folder());
        if find(&readme).is_none() {
            let message = format!("crate `{}` has no README.md", member.name);
            findings.push(Finding::error(&member.manifest, 1, message));
        }
        let library = format!("{}/src/lib.rs", member.folder());
        if let Some(file) = find(&library)
            && !file.text.lines().any(|line| line.trim() == INCLUDE)
        {
            let message = format!("the crate documentation must be its README: write `{INCLUDE}`");
            findings.push(Finding::error(&library, 1, message));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(name: &str) -> Member {
        Member {
            name: name.into(),
            manifest: format!("crates/{name}/Cargo.toml"),
            dependencies: Vec::new(),
        }
    }

    #[test]
    fn an_included_readme_passes() {
        let files = [
            SourceFile::new("crates/a/README.md", "# a\n"),
            SourceFile::new("crates/a/src/lib.rs", format!("{INCLUDE}\n")),
            SourceFile::new("crates/tool/README.md", "# tool\n"),
            SourceFile::new("crates/tool/src/main.rs", "//! Tool.\n"),
        ];
        assert!(check(&[member("a"), member("tool"), member("xtask")], &files).is_empty());
    }

    #[test]
    fn a_missing_file_and_a_missing_include_are_found() {
        let files = [SourceFile::new("crates/a/src/lib.rs", "//! A.\n")];
        let found: Vec<_> = check(&[member("a")], &files)
            .into_iter()
            .map(|f| f.file)
            .collect();
        assert_eq!(found, ["crates/a/Cargo.toml", "crates/a/src/lib.rs"]);
    }
}
