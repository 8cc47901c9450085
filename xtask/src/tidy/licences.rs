//! Every foreign crate must be usable under a licence we accept.
//!
//! The list here and the one of `deny.toml` must be equal; reading expressions is left to
//! `spdx`.

use std::collections::BTreeSet;

use crate::finding::Finding;
use crate::sources::SourceFile;
use crate::tidy::{manifest, spdx};
use crate::workspace::Foreign;

const LOCK: &str = "Cargo.lock";
const DENY: &str = "deny.toml";

/// Licences any dependency may have, sorted.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Licences that only the named crate may have.
const ALLOWED_FOR: &[(&str, &str)] = &[("aws-lc-sys", "OpenSSL")];

/// Checks the licences of the resolved graph, and that `deny.toml` lists the same ones.
pub(crate) fn check(foreign: &[Foreign], files: &[SourceFile]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in foreign {
        if let Err(problem) = check_package(package) {
            let message = format!("{} {}: {problem}", package.name, package.version);
            findings.push(Finding::error(LOCK, line_in_lock(files, package), message));
        }
    }
    if let Some(file) = files.iter().find(|file| file.path == DENY) {
        findings.extend(compare_with_deny(file));
    }
    findings
}

fn check_package(package: &Foreign) -> Result<(), String> {
    let Some(expression) = &package.license else {
        return Err("its manifest names no licence expression".to_owned());
    };
    let allowed = |licence: &str| {
        ALLOWED.contains(&licence) || ALLOWED_FOR.contains(&(package.name.as_str(), licence))
    };
    if spdx::satisfiable(expression, &allowed)? {
        Ok(())
    } else {
        Err(format!("licence `{expression}` is not on the list"))
    }
}

fn line_in_lock(files: &[SourceFile], package: &Foreign) -> usize {
    let name = format!("name = \"{}\"", package.name);
    files
        .iter()
        .find(|file| file.path == LOCK)
        .and_then(|file| file.lines().find(|(_, line)| *line == name))
        .map_or(1, |(number, _)| number)
}

fn compare_with_deny(file: &SourceFile) -> Option<Finding> {
    let entry = manifest::entries(&file.text)
        .into_iter()
        .find(|entry| entry.section == "licenses" && entry.key == "allow");
    let Some(entry) = entry else {
        return Some(Finding::error(DENY, 1, "[licenses] allow is missing"));
    };
    let theirs: BTreeSet<&str> = entry.value.split('"').skip(1).step_by(2).collect();
    let ours: BTreeSet<&str> = ALLOWED.iter().copied().collect();
    (theirs != ours).then(|| {
        let odd: Vec<_> = theirs.symmetric_difference(&ours).copied().collect();
        let message = format!(
            "[licenses] allow differs from the list of tidy in: {}",
            odd.join(", ")
        );
        Finding::error(DENY, entry.line, message)
    })
}

#[cfg(test)]
mod tests {
    use cargo_metadata::semver::Version;

    use super::*;

    fn package(name: &str, license: Option<&str>) -> Foreign {
        Foreign {
            name: name.into(),
            version: Version::new(1, 2, 3),
            license: license.map(str::to_owned),
        }
    }

    #[test]
    fn an_acceptable_branch_is_enough() {
        assert_eq!(
            check_package(&package("a", Some("LGPL-2.1 OR MIT"))),
            Ok(())
        );
    }

    #[test]
    fn a_foreign_licence_and_a_missing_one_are_found() {
        let lock = SourceFile::new(LOCK, "[[package]]\nname = \"b\"\n");
        let packages = [package("a", None), package("b", Some("GPL-3.0-only"))];
        let findings = check(&packages, &[lock]);
        assert_eq!(findings.len(), 2);
        assert_eq!(
            findings[0].message,
            "a 1.2.3: its manifest names no licence expression"
        );
        assert_eq!(
            findings[1].message,
            "b 1.2.3: licence `GPL-3.0-only` is not on the list"
        );
        assert_eq!(findings[1].line, 2);
    }

    #[test]
    fn a_licence_for_one_crate_is_not_for_others() {
        assert!(check_package(&package("aws-lc-sys", Some("ISC AND OpenSSL"))).is_ok());
        assert!(check_package(&package("other", Some("ISC AND OpenSSL"))).is_err());
    }

    #[test]
    fn the_list_is_sorted() {
        assert!(ALLOWED.is_sorted());
    }

    #[test]
    fn deny_must_list_the_same_licences() {
        let list: Vec<String> = ALLOWED
            .iter()
            .map(|licence| format!("\"{licence}\""))
            .collect();
        let same = format!("[licenses]\nallow = [\n{},\n]\n", list.join(",\n"));
        assert_eq!(compare_with_deny(&SourceFile::new(DENY, same)), None);
        let fewer = format!("[licenses]\nallow = [{}]\n", list[1..].join(", "));
        let finding = compare_with_deny(&SourceFile::new(DENY, fewer)).unwrap();
        assert_eq!(finding.line, 2);
        assert!(finding.message.ends_with("in: 0BSD"));
    }
}
