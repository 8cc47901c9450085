//! Every Rust file opens by saying what it is for.
//!
//! Only the presence of the header is checked, not its wording.

use crate::finding::Finding;
use crate::sources::SourceFile;

/// Checks the first line of every Rust file, tests, benches, examples and fuzz targets included.
pub(crate) fn check(files: &[SourceFile]) -> Vec<Finding> {
    files
        .iter()
        .filter(|file| file.is_rust())
        .filter(|file| {
            let first = file.text.lines().next().unwrap_or_default();
            !(first.starts_with("//!") || first.starts_with("#![doc"))
        })
        .map(|file| {
            Finding::error(
                &file.path,
                1,
                "the file must open with a `//!` line saying its purpose",
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_or_an_included_readme_passes() {
        let files = [
            SourceFile::new("a.rs", "//! Purpose.\n"),
            SourceFile::new("b/src/lib.rs", "#![doc = include_str!(\"../README.md\")]\n"),
            SourceFile::new("readme.md", "no header\n"),
        ];
        assert!(check(&files).is_empty());
    }

    #[test]
    fn anything_else_is_found() {
        let files = [
            SourceFile::new("tests/a.rs", "use std::fmt;\n"),
            SourceFile::new("benches/b.rs", "\n//! Too late.\n"),
            SourceFile::new("c.rs", ""),
        ];
        assert_eq!(check(&files).len(), 3);
    }
}
