//! What `cargo metadata` says about this workspace, cut down to what the checks read.
//!
//! Only this file knows the `cargo_metadata` crate; the checks see plain data.

use std::path::{Path, PathBuf};

use anyhow::Context;
use cargo_metadata::semver::Version;
use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// Which table of the manifest a dependency stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// `[dependencies]`.
    Normal,
    /// `[dev-dependencies]`.
    Dev,
    /// `[build-dependencies]`.
    Build,
}

/// A declared dependency of a member.
#[derive(Clone, Debug)]
pub(crate) struct Dependency {
    /// Name of the package depended on.
    pub(crate) name: String,
    /// Which table it stands in.
    pub(crate) kind: Kind,
}

/// A crate of this workspace.
#[derive(Clone, Debug)]
pub(crate) struct Member {
    /// Package name.
    pub(crate) name: String,
    /// Path of its manifest from the root, with forward slashes.
    pub(crate) manifest: String,
    /// Declared dependencies, ours and foreign ones.
    pub(crate) dependencies: Vec<Dependency>,
}

impl Member {
    /// Folder of the crate from the root, without a slash at the end.
    pub(crate) fn folder(&self) -> &str {
        self.manifest
            .strip_suffix("/Cargo.toml")
            .unwrap_or_default()
    }
}

/// A package from outside, as the lock file resolved it.
#[derive(Clone, Debug)]
pub(crate) struct Foreign {
    /// Package name.
    pub(crate) name: String,
    /// Exact version.
    pub(crate) version: Version,
    /// Licence expression of its manifest, if it has one.
    pub(crate) license: Option<String>,
}

/// Members and resolved foreign packages.
#[derive(Clone, Debug)]
pub(crate) struct Workspace {
    /// Our crates, sorted by name.
    pub(crate) members: Vec<Member>,
    /// Everything else in the resolved graph of the default features, on every platform, sorted by
    /// name.
    pub(crate) foreign: Vec<Foreign>,
}

/// The root folder of the repository.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Asks cargo about the workspace at `root`.
pub(crate) fn load(root: &Path) -> anyhow::Result<Workspace> {
    let metadata = MetadataCommand::new()
        .manifest_path(root.join("Cargo.toml"))
        .exec()
        .context("failed to run cargo metadata")?;
    Ok(digest(&metadata))
}

fn digest(metadata: &Metadata) -> Workspace {
    let root = &metadata.workspace_root;
    let mut members = Vec::new();
    let mut foreign = Vec::new();
    for package in &metadata.packages {
        if !metadata.workspace_members.contains(&package.id) {
            foreign.push(Foreign {
                name: package.name.to_string(),
                version: package.version.clone(),
                license: package.license.clone(),
            });
            continue;
        }
        let manifest = package
            .manifest_path
            .strip_prefix(root)
            .unwrap_or(&package.manifest_path);
        members.push(Member {
            name: package.name.to_string(),
            manifest: manifest.as_str().replace('\\', "/"),
            dependencies: package
                .dependencies
                .iter()
                .map(|dependency| Dependency {
                    name: dependency.name.clone(),
                    kind: match dependency.kind {
                        DependencyKind::Development => Kind::Dev,
                        DependencyKind::Build => Kind::Build,
                        _ => Kind::Normal,
                    },
                })
                .collect(),
        });
    }
    members.sort_by(|a, b| a.name.cmp(&b.name));
    foreign.sort_by(|a, b| a.name.cmp(&b.name).then_with(|| a.version.cmp(&b.version)));
    Workspace { members, foreign }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_the_manifest_without_its_name() {
        let member = Member {
            name: "gimmal-api".into(),
            manifest: "crates/api/Cargo.toml".into(),
            dependencies: Vec::new(),
        };
        assert_eq!(member.folder(), "crates/api");
    }

    #[test]
    fn this_repository_is_found() {
        assert!(root().join("xtask/Cargo.toml").is_file());
    }
}
