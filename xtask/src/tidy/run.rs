//! Gathers the input once, runs every check over it and sorts the findings.
//!
//! A new check is one line here. No rule is written in this file.

use std::path::Path;

use crate::finding::Finding;
use crate::tidy::{
    advisories, arrows, headers, licences, machine_paths, manifests, readmes, secrets, silenced,
    size, unfinished, whitespace,
};
use crate::{sources, workspace};

/// Runs every check on the repository at `root`.
pub(crate) fn run(root: &Path) -> anyhow::Result<Vec<Finding>> {
    let files = sources::read_all(root)?;
    let workspace = workspace::load(root)?;

    let mut findings = Vec::new();
    findings.extend(arrows::check(&workspace.members, &files));
    findings.extend(manifests::check(&workspace.members, &files));
    findings.extend(headers::check(&files));
    findings.extend(size::check(&files));
    findings.extend(machine_paths::check(&files));
    findings.extend(licences::check(&workspace.foreign, &files));
    findings.extend(advisories::check(&workspace.foreign));
    findings.extend(silenced::check(&files));
    findings.extend(unfinished::check(&files));
    findings.extend(whitespace::check(&files));
    findings.extend(readmes::check(&workspace.members, &files));
    findings.extend(secrets::check(&files));
    findings.sort();
    Ok(findings)
}
