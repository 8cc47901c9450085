//! Versions live in one place: members inherit every dependency, the workspace table turns
//! default features off.
//!
//! Which crate may depend on which is the business of `arrows`, not of this file.

use crate::finding::Finding;
use crate::sources::SourceFile;
use crate::tidy::manifest;
use crate::workspace::Member;

const ROOT: &str = "Cargo.toml";

/// Checks the manifests of all members and the workspace table.
pub(crate) fn check(members: &[Member], files: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for member in members {
        if let Some(file) = files.iter().find(|file| file.path == member.manifest) {
            findings.extend(check_member(file));
        }
    }
    if let Some(root) = files.iter().find(|file| file.path == ROOT) {
        findings.extend(check_workspace(root));
    }
    findings
}

fn check_member(file: &SourceFile) -> Vec<Finding> {
    manifest::dependencies(&file.text, manifest::is_dependency_table)
        .into_iter()
        .filter(|dependency| dependency.field("workspace") != Some("true"))
        .map(|dependency| {
            let message = format!(
                "dependency `{}` does not inherit: put the version into [workspace.dependencies] \
                 and write `workspace = true` here",
                dependency.name
            );
            Finding::error(&file.path, dependency.line, message)
        })
        .collect()
}

fn check_workspace(file: &SourceFile) -> Vec<Finding> {
    manifest::dependencies(&file.text, |section| section == "workspace.dependencies")
        .into_iter()
        .filter(|dependency| {
            dependency.field("path").is_none()
                && dependency.field("default-features") != Some("false")
        })
        .map(|dependency| {
            let message = format!(
                "workspace dependency `{}` lacks default-features = false",
                dependency.name
            );
            Finding::error(&file.path, dependency.line, message)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_in_a_member_is_found() {
        let file = SourceFile::new(
            "crates/api/Cargo.toml",
            "[dependencies]\nhttp.workspace = true\nbytes = \"1\"\n",
        );
        let findings = check_member(&file);
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].line, 3);
        assert!(findings[0].message.contains("`bytes`"));
    }

    #[test]
    fn default_features_must_be_off_except_for_paths() {
        let file = SourceFile::new(
            "Cargo.toml",
            "[workspace.dependencies]\n\
             ours = { path = \"crates/ours\", version = \"0.1.0\" }\n\
             good = { version = \"1\", default-features = false }\n\
             bare = \"1\"\n\
             loud = { version = \"1\", features = [\"x\"] }\n",
        );
        let lines: Vec<_> = check_workspace(&file).iter().map(|f| f.line).collect();
        assert_eq!(lines, [4, 5]);
    }
}
