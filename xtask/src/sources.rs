//! The text files of the repository, as `git` sees them: tracked, or new and not ignored.
//!
//! Nothing here judges a file. Checks take [`SourceFile`]s, so their tests need no disk.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, bail};

/// One text file of the repository.
#[derive(Clone, Debug)]
pub(crate) struct SourceFile {
    /// Path from the root of the repository, with forward slashes.
    pub(crate) path: String,
    /// The whole content.
    pub(crate) text: String,
}

impl SourceFile {
    /// A file from its parts.
    pub(crate) fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            text: text.into(),
        }
    }

    /// Whether it is Rust source.
    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Whether a folder on its path (not its own name) has this name.
    pub(crate) fn is_under(&self, folder: &str) -> bool {
        let mut parts = self.path.split('/').rev();
        parts.next();
        parts.any(|part| part == folder)
    }

    /// Lines with their numbers, counted from 1.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text
            .lines()
            .enumerate()
            .map(|(index, line)| (index + 1, line))
    }
}

/// Reads every text file under `root` that is tracked, or new and not ignored.
///
/// Binary files (a NUL byte, or not UTF-8), links and files deleted on disk are left out.
pub(crate) fn read_all(root: &Path) -> anyhow::Result<Vec<SourceFile>> {
    let output = Command::new("git")
        .args([
            "ls-files",
            "-z",
            "--cached",
            "--others",
            "--exclude-standard",
        ])
        .current_dir(root)
        .output()
        .context("failed to run git ls-files")?;
    if !output.status.success() {
        bail!(
            "git ls-files failed: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    let listing = String::from_utf8(output.stdout).context("a file name is not UTF-8")?;

    let mut paths: Vec<&str> = listing
        .split('\0')
        .filter(|path| !path.is_empty())
        .collect();
    paths.sort_unstable();
    paths.dedup();

    let mut files = Vec::new();
    for path in paths {
        let full = root.join(path);
        let is_file = full.symlink_metadata().is_ok_and(|meta| meta.is_file());
        if !is_file {
            continue;
        }
        let bytes = std::fs::read(&full).with_context(|| format!("failed to read {path}"))?;
        if bytes.contains(&0) {
            continue;
        }
        if let Ok(text) = String::from_utf8(bytes) {
            files.push(SourceFile::new(path, text));
        }
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_count_as_being_under() {
        let file = SourceFile::new("crates/api/tests/get.rs", "");
        assert!(file.is_under("tests"));
        assert!(file.is_under("crates"));
        assert!(!file.is_under("get.rs"));
        assert!(!file.is_under("test"));
    }

    #[test]
    fn lines_are_counted_from_one() {
        let file = SourceFile::new("a", "x\ny\n");
        assert_eq!(file.lines().collect::<Vec<_>>(), [(1, "x"), (2, "y")]);
    }
}
